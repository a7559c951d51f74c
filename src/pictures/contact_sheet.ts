// @ts-types="npm:@types/ndarray@1.0.14"
import ndarray, { type NdArray } from "npm:ndarray@1.1.1";
import {
  depthPicture,
  differencePicture,
  dynamicnessPicture,
  flowPicture,
  flowRadius,
  to8bit,
} from "./layer_pictures.ts";
import { drawText, LINE_UNITS, textUnits } from "./bitmap_font.ts";

/** One held-out view: the truth and every rendered layer of it. */
export interface ContactSheetRow {
  /** The scene's name. */
  scene: string;
  /** Frame number, 0-based. */
  time: number;
  /** Camera number, 0-based. */
  camera: number;
  /** Score of the color picture, in decibels. */
  psnr: number;
  /** The true picture, `[height, width, 3]`, 0..255. */
  truth: NdArray<Uint8Array>;
  /** Full color, `[height, width, 3]`, 0..1. */
  color: NdArray<Float32Array>;
  /** Color of the static field alone, `[height, width, 3]`, 0..1. */
  colorStatic: NdArray<Float32Array>;
  /** Color of the dynamic field alone, `[height, width, 3]`, 0..1. */
  colorDynamic: NdArray<Float32Array>;
  /** Depth of the full picture, `[height, width]`, 0 near to 1 far. */
  depthNdc: NdArray<Float32Array>;
  /** Dynamicness, `[height, width]`, 0..1. */
  dynamicness: NdArray<Float32Array>;
  /** Induced optical flow to the next frame, `[height, width, 2]`, x then y. */
  flowPixels: NdArray<Float32Array>;
}

/** Words above a figure. */
export interface Heading {
  /** One line, large. */
  title: string;
  /** One line below, grey. */
  subtitle?: string;
}

/** Rows of pictures under column titles, labelled at the left. */
export interface Figure extends Heading {
  /** A title and a grey note for each column; "" for none. */
  columns: { title: string; note: string }[];
  /**
   * Lines of a label (the first dark, the others grey) and one picture `[height, width, 3]` a
   * column.
   */
  rows: { label: string[]; pictures: NdArray<Uint8Array>[] }[];
}

/** Error shown in the brightest color, of 255. */
const ERROR_FULL_SCALE = 64;
/** Small pictures are magnified to about this width. */
const CELL_WIDTH_PIXELS = 240;
/** Widths of a letter's stroke that fit in the width of a picture: sets the size of all text. */
const UNITS_IN_CELL = 96;
const SMALL = 0.8, LARGE = 1.5;
const PAPER = 255, INK = 24, GREY_INK = 112, FRAME = 208;

/**
 * Draws a few held-out views with all their layers on one sheet, `[height, width, 3]`, a row each.
 *
 * From left to right: the truth, the full color, the static and the dynamic field alone, depth,
 * dynamicness, flow and error. Flow colors are comparable between the rows.
 *
 * @param rows The views, at least one.
 * @param heading Words above.
 * @throws {RangeError} If there is no row, or a color and its truth differ in shape.
 */
export function contactSheet(
  rows: readonly ContactSheetRow[],
  heading: Heading,
): NdArray<Uint8Array> {
  const radius = flowRadius(rows.map((row) => row.flowPixels));
  return drawFigure({
    ...heading,
    columns: [
      { title: "ground truth", note: "target" },
      { title: "rendered", note: "full model" },
      { title: "static", note: "field alone" },
      { title: "dynamic", note: "field alone" },
      { title: "depth", note: "near is bright" },
      { title: "dynamicness", note: "black 0, white 1" },
      { title: "flow", note: `full color at ${radius.toFixed(1)} px` },
      { title: "error", note: `yellow from ${ERROR_FULL_SCALE} / 255` },
    ],
    rows: rows.map((row) => {
      const color = to8bit(row.color);
      return {
        label: [
          row.scene,
          `time ${row.time}`,
          `camera ${row.camera}`,
          `${row.psnr.toFixed(2)} dB`,
        ],
        pictures: [
          row.truth,
          color,
          to8bit(row.colorStatic),
          to8bit(row.colorDynamic),
          depthPicture(row.depthNdc),
          dynamicnessPicture(row.dynamicness),
          flowPicture(row.flowPixels, radius),
          differencePicture(color, row.truth, ERROR_FULL_SCALE),
        ],
      };
    }),
  });
}

/**
 * Draws labelled rows of pictures on white, `[height, width, 3]`; small ones magnified by a whole
 * factor.
 *
 * @param figure Words and pictures; the pictures of a row are of one size, rows may differ.
 * @throws {RangeError} If there is no row or column, or a row does not have one picture a column.
 */
export function drawFigure(figure: Figure): NdArray<Uint8Array> {
  const { columns, rows } = figure;
  requireGrid(figure);
  const sizes = rows.map(({ pictures: [{ shape: [height, width] }] }) => {
    const factor = Math.max(1, Math.round(CELL_WIDTH_PIXELS / width));
    return { factor, height: factor * height, width: factor * width };
  });

  // All lengths follow from the width of a cell, so that a sheet looks the same at every size.
  const cellWidth = Math.max(...sizes.map((size) => size.width));
  const unit = cellWidth / UNITS_IN_CELL;
  const small = SMALL * unit, large = LARGE * unit;
  const lineHeight = Math.ceil(1.5 * LINE_UNITS * unit);
  const gap = Math.ceil(3 * unit), margin = 3 * gap;

  const labels = rows.flatMap((row) => row.label);
  const labelWidth = Math.ceil(Math.max(0, ...labels.map(textUnits)) * unit);
  const left = margin + labelWidth + 2 * gap;
  const titleHeight = Math.ceil(1.5 * LINE_UNITS * large);
  const headingHeight = titleHeight + (figure.subtitle ? lineHeight : 0) + 2 * gap;
  const top = margin + headingHeight + 2 * lineHeight;
  const width = left + columns.length * (cellWidth + gap) - gap + margin;
  const height = top + sizes.reduce((sum, size) => sum + size.height + gap, 0) - gap + margin;
  const paper = new Uint8Array(height * width * 3).fill(PAPER);
  const sheet = ndarray(paper, [height, width, 3]);

  drawText(sheet, figure.title, margin, margin, large, INK);
  drawText(sheet, figure.subtitle ?? "", margin, margin + titleHeight, unit, GREY_INK);
  columns.forEach(({ title, note }, column) => {
    const centre = left + column * (cellWidth + gap) + cellWidth / 2;
    drawCentred(sheet, title, centre, top - 2 * lineHeight, unit, INK);
    drawCentred(sheet, note, centre, top - lineHeight, small, GREY_INK);
  });

  let y = top;
  rows.forEach(({ label, pictures }, row) => {
    const size = sizes[row];
    const labelTop = y + (size.height - label.length * lineHeight) / 2;
    label.forEach((line, i) => {
      drawText(sheet, line, margin, labelTop + i * lineHeight, unit, i === 0 ? INK : GREY_INK);
    });
    pictures.forEach((picture, column) => {
      const x = left + column * (cellWidth + gap) + Math.floor((cellWidth - size.width) / 2);
      paste(sheet, picture, x, y, size.factor);
    });
    y += size.height + gap;
  });
  return sheet;
}

function drawCentred(
  sheet: NdArray<Uint8Array>,
  text: string,
  centre: number,
  top: number,
  unit: number,
  grey: number,
): void {
  drawText(sheet, text, Math.round(centre - textUnits(text) * unit / 2), top, unit, grey);
}

/** Copies a picture magnified by `factor`, with a thin frame so that white ones have an edge. */
function paste(
  sheet: NdArray<Uint8Array>,
  picture: NdArray<Uint8Array>,
  left: number,
  top: number,
  factor: number,
): void {
  const height = picture.shape[0] * factor, width = picture.shape[1] * factor;
  for (let y = -1; y <= height; y++) {
    for (let x = -1; x <= width; x++) {
      const framed = y < 0 || x < 0 || y === height || x === width;
      const sourceY = Math.floor(y / factor), sourceX = Math.floor(x / factor);
      for (let channel = 0; channel < 3; channel++) {
        const value = framed ? FRAME : picture.get(sourceY, sourceX, channel);
        sheet.set(top + y, left + x, channel, value);
      }
    }
  }
}

function requireGrid({ columns, rows }: Figure): void {
  if (rows.length === 0 || columns.length === 0) {
    throw new RangeError(
      `Cannot draw a figure of ${rows.length} rows and ${columns.length} columns; ` +
        `wanted at least one of each`,
    );
  }
  for (const { label, pictures } of rows) {
    if (pictures.length !== columns.length) {
      throw new RangeError(
        `Cannot draw row "${label.join(", ")}": it has ${pictures.length} pictures, ` +
          `wanted one for each of the ${columns.length} columns`,
      );
    }
    for (const { shape } of pictures) {
      if (`${shape}` === `${pictures[0].shape}` && shape.length === 3 && shape[2] === 3) continue;
      throw new RangeError(
        `Cannot draw row "${label.join(", ")}": a picture is (${shape}), ` +
          `wanted (height, width, 3), all of one size`,
      );
    }
  }
}
