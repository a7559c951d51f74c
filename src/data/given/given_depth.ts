// @ts-types="npm:@types/ndarray@1.0.14"
import ndarray, { type NdArray } from "npm:ndarray@1.1.1";
import { DataError, readFile } from "../files.ts";
import { decodeNpy, isNpy } from "../formats/npy.ts";
import { isNpz, openNpz } from "../formats/npz.ts";
import { decodePngSamples, isPng } from "../formats/png.ts";
import { requireFinite, requireShape } from "../scene/scene_files.ts";

/** How a file's numbers are to be read. */
export interface GivenDepthOptions {
  /** `inverse depth` is large where it is near, as MiDaS has it (the default); `depth` is large where it is far. */
  kind?: "inverse depth" | "depth" | undefined;
}

/** Names that arrays of depth bear in `.npz` files. */
const KEYS = ["disp", "disparity", "inverse_depth", "depth", "arr_0"];

/**
 * Reads the depth that another tool made, as inverse depth `[height, width]` of its own size, no matter the scale: `.npy`,
 * `.npz`, or a gray PNG of 8 or 16 bits, told apart by their first bytes.
 *
 * Depth `d` becomes `1/d`, infinite depth 0.
 *
 * @throws {DataError} If the file is none of these, damaged, of another shape, or holds what is no number or no depth.
 */
export async function loadDepth(
  path: string,
  options: GivenDepthOptions = {},
): Promise<NdArray<Float32Array>> {
  return decodeDepth(await readFile(path), path, options);
}

/**
 * Inverse depth from the bytes of such a file.
 *
 * @param name Where they came from, for messages.
 * @throws {DataError} As {@linkcode loadDepth}.
 */
export function decodeDepth(
  bytes: Uint8Array,
  name: string,
  { kind = "inverse depth" }: GivenDepthOptions = {},
): NdArray<Float32Array> {
  const stored = decodeNumbers(bytes, name);
  // Some tools keep a batch or a channel of one.
  const [first, ...rest] = stored.shape;
  const shape = stored.shape.length === 3 && first === 1
    ? rest
    : stored.shape.length === 3 && stored.shape[2] === 1
    ? stored.shape.slice(0, 2)
    : stored.shape;
  requireShape(name, shape, [undefined, undefined]);
  const numbers = Float32Array.from(stored.data);
  if (kind === "depth") {
    const missing = numbers.filter((depth) => !(depth > 0));
    if (missing.length > 0) {
      throw new DataError(
        `Cannot use "${name}" as depth: ${missing.length} of its ${numbers.length} values are not above ` +
          `0, the first is ${missing[0]}; fill what is missing, or say that it is inverse depth`,
      );
    }
  }
  const inverse = kind === "depth" ? numbers.map((depth) => 1 / depth) : numbers;
  requireFinite(name, inverse);
  return ndarray(inverse, shape);
}

function decodeNumbers(
  bytes: Uint8Array,
  name: string,
): NdArray<Float32Array | Float64Array> {
  if (isPng(bytes)) return decodeGray(bytes, name);
  if (isNpy(bytes)) return decodeNpy(bytes, name, ["float32", "float64"]);
  if (isNpz(bytes)) {
    const npz = openNpz(bytes, name);
    const key = npz.names.length === 1
      ? npz.names[0]
      : KEYS.find((key) => npz.names.includes(key)) ?? KEYS[0];
    return npz.array(key, ["float32", "float64"]);
  }
  throw new DataError(
    `Cannot read "${name}": it is neither .npy, .npz nor a PNG; save the depth as one`,
  );
}

function decodeGray(bytes: Uint8Array, name: string): NdArray<Float32Array> {
  const { samples } = decodePngSamples(bytes, name);
  const [height, width] = samples.shape, { data } = samples;
  const colorful = data.findIndex((value, i) => value !== data[i - i % 3]);
  if (colorful >= 0) {
    throw new DataError(
      `Cannot use "${name}": it is in color, and colors are no depth; save the numbers, as .npy or ` +
        `as a gray PNG of 16 bits`,
    );
  }
  return ndarray(Float32Array.from({ length: height * width }, (_, i) => data[3 * i]), [
    height,
    width,
  ]);
}
