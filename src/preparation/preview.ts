// @ts-types="npm:@types/ndarray@1.0.14"
import ndarray, { type NdArray } from "npm:ndarray@1.1.1";
import { percentile } from "../data/percentile.ts";
import { resizeArea, resizeNearest } from "../data/resize.ts";
import { drawFigure, type Heading } from "../pictures/contact_sheet.ts";
import { depthPicture, flowPicture, flowRadius } from "../pictures/layer_pictures.ts";

/** Pictures of the preview are shrunk to this width where they are wider. */
const CELL_WIDTH = 480;
/** Percentiles of inverse depth that are drawn darkest and brightest. */
const DEPTH_PERCENTS = [1, 99] as const;
/** What is not valid or does not move is drawn at this share of its brightness. */
const DIMMED = 0.35;
/** What moves is tinted by this much of red. */
const TINT = 0.4;

/** A frame with what was made of it; everything of the frame's size, but inverse depth of any. */
export interface PreviewRow {
  /** `000.png` */
  name: string;
  /** `[height, width, 3]`, RGB 0..255. */
  image: NdArray<Uint8Array>;
  /** `[height, width]`, large where it is near. */
  inverseDepth: NdArray<Float32Array>;
  /** `[height, width, 2]`, to a neighbouring frame, pixels; x right then y down. */
  flow: NdArray<Float32Array>;
  /** `[height, width]`: 1 where the flow can be trusted. */
  valid: NdArray<Uint8Array>;
  /** `[height, width]`: anything but 0 where something moves. */
  mask: NdArray<Uint8Array>;
}

/** Numbers of a few frames spread over all of them, the first and the last among them: for {@linkcode preparationPreview}. */
export function previewFrames(frames: number, most: number = 4): number[] {
  const count = Math.min(frames, most);
  return Array.from(
    { length: count },
    (_, i) => Math.round(i * (frames - 1) / Math.max(1, count - 1)),
  );
}

/**
 * A sheet of frames with their inverse depth, flow and mask side by side, `[height, width, 3]`, for a look before training.
 *
 * Flow that is not valid is dimmed, and its colors are comparable between the rows; what moves is tinted in the frame, the
 * rest of it dimmed. Labels tell how much is valid, and how much moves.
 *
 * @throws {RangeError} If there is no row, or sizes differ within one.
 */
export function preparationPreview(
  rows: readonly PreviewRow[],
  heading: Heading,
): NdArray<Uint8Array> {
  const radius = flowRadius(rows.map(({ flow }) => flow));
  const tinted = { red: 255, green: 40, blue: 40 };
  return drawFigure({
    ...heading,
    columns: [
      { title: "frame", note: "" },
      { title: "inverse depth", note: "near is bright" },
      { title: `flow, full at ${radius.toFixed(0)} px`, note: "dim where not valid" },
      { title: "mask", note: "red moves" },
    ],
    rows: rows.map(({ name, image, inverseDepth, flow, valid, mask }) => {
      const [height, width] = image.shape;
      const percents = DEPTH_PERCENTS.map((percent) => percentile(inverseDepth.data, percent));
      const [dark, bright] = percents[1] > percents[0] ? percents : [percents[0] - 1, percents[1]];
      const flowColors = flowPicture(flow, radius);
      const moving = image.data.slice();
      for (let pixel = 0; pixel < height * width; pixel++) {
        if (!valid.data[pixel]) dim(flowColors.data, pixel);
        if (mask.data[pixel]) tint(moving, pixel, tinted);
        else dim(moving, pixel);
      }
      const pictures = [
        image,
        depthPicture(inverseDepth, [bright, dark]),
        flowColors,
        ndarray(moving, image.shape),
      ];
      const cellWidth = Math.min(width, CELL_WIDTH);
      const cellHeight = Math.max(1, Math.round(height * cellWidth / width));
      return {
        label: [name, `${percentOf(mask)} moves`, `${percentOf(valid)} valid`],
        pictures: pictures.map((picture) => fitted(picture, cellWidth, cellHeight)),
      };
    }),
  });
}

function dim(rgb: Uint8Array, pixel: number): void {
  for (let i = 3 * pixel; i < 3 * pixel + 3; i++) rgb[i] *= DIMMED;
}

function tint(
  rgb: Uint8Array,
  pixel: number,
  { red, green, blue }: { red: number; green: number; blue: number },
): void {
  [red, green, blue].forEach((value, channel) => {
    const at = 3 * pixel + channel;
    rgb[at] = (1 - TINT) * rgb[at] + TINT * value;
  });
}

function fitted(picture: NdArray<Uint8Array>, width: number, height: number): NdArray<Uint8Array> {
  const [oldHeight, oldWidth] = picture.shape;
  if (oldWidth === width && oldHeight === height) return picture;
  const shrink = oldWidth >= width && oldHeight >= height;
  return shrink ? resizeArea(picture, width, height) : resizeNearest(picture, width, height);
}

function percentOf({ data }: NdArray<Uint8Array>): string {
  const count = data.reduce((sum, value) => sum + (value ? 1 : 0), 0);
  return `${(100 * count / data.length).toFixed(0)} %`;
}
