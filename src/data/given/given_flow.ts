// @ts-types="npm:@types/ndarray@1.0.14"
import ndarray, { type NdArray } from "npm:ndarray@1.1.1";
import { DataError, readFile } from "../files.ts";
import { decodeNpy, isNpy } from "../formats/npy.ts";
import { isNpz, openNpz } from "../formats/npz.ts";
import { decodePngSamples, isPng } from "../formats/png.ts";
import { asFloat32, requireFinite, requireShape } from "../scene/scene_files.ts";

/** Optical flow that another tool made, of its own size. */
export interface GivenFlow {
  /** `[height, width, 2]`: x right then y down, pixels. */
  flow: NdArray<Float32Array>;
  /** `[height, width]`: 1 where it is known; undefined where the file does not say. */
  valid?: NdArray<Uint8Array>;
}

/** Above this many pixels a Middlebury file means "unknown". */
const UNKNOWN_FLOW_PIXELS = 1e9;
/** In KITTI's files value 2¹⁵ is no flow, and a pixel has 64 steps. */
const KITTI_ZERO = 2 ** 15, KITTI_STEPS = 64;

/**
 * Reads optical flow in the file formats of the field, told apart by their first bytes: Middlebury's `.flo`, `.npy`
 * `[height, width, 2]`, `.npz` with `flow` and as one likes `mask`, and KITTI's PNG of 16 bits (x, y, valid). Unknown flow is 0
 * and not valid.
 *
 * @throws {DataError} If the file is none of these, damaged, of another shape, or holds what is no number.
 */
export async function loadFlow(path: string): Promise<GivenFlow> {
  return decodeFlow(await readFile(path), path);
}

/**
 * Flow from the bytes of such a file.
 *
 * @param name Where they came from, for messages.
 * @throws {DataError} As {@linkcode loadFlow}.
 */
export function decodeFlow(bytes: Uint8Array, name: string): GivenFlow {
  if (isPng(bytes)) return decodeKitti(bytes, name);
  if (new TextDecoder().decode(bytes.subarray(0, 4)) === "PIEH") return decodeFlo(bytes, name);
  if (isNpy(bytes)) return { flow: checked(decodeNpy(bytes, name, FLOATS), name) };
  if (isNpz(bytes)) return decodeFlowNpz(bytes, name);
  throw new DataError(
    `Cannot read "${name}": it is neither .flo, .npy, .npz nor a PNG of 16 bits; save the flow as one`,
  );
}

const FLOATS = ["float32", "float64"] as const;

function decodeFlowNpz(bytes: Uint8Array, name: string): GivenFlow {
  const npz = openNpz(bytes, name);
  const key = npz.names.length === 1 ? npz.names[0] : "flow";
  const flow = checked(npz.array(key, FLOATS), `${name}[${key}]`);
  if (!npz.names.includes("mask")) return { flow };
  const mask = npz.array("mask", ["bool", "uint8", "float32", "float64"]);
  requireShape(`${name}[mask]`, mask.shape, flow.shape.slice(0, 2));
  return { flow, valid: ndarray(Uint8Array.from(mask.data, (value) => value ? 1 : 0), mask.shape) };
}

function checked(
  stored: NdArray<Float32Array | Float64Array>,
  name: string,
): NdArray<Float32Array> {
  const { shape } = stored;
  if (shape.length === 3 && shape[0] === 2 && shape[2] !== 2) {
    throw new DataError(
      `Cannot use "${name}": shape is (${shape.join(", ")}), wanted (height, width, 2); ` +
        `save it again with array.transpose(1, 2, 0).copy()`,
    );
  }
  requireShape(name, shape, [undefined, undefined, 2]);
  const flow = asFloat32(stored);
  requireFinite(name, flow.data);
  return flow;
}

/** `"PIEH"`, i32 width, i32 height, then f32 x, y of each pixel, row by row. */
function decodeFlo(bytes: Uint8Array, name: string): GivenFlow {
  const fail = (what: string) => new DataError(`Cannot read "${name}": ${what}; copy it again`);
  if (bytes.length < 12) throw fail("the file ends in its header");
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const width = view.getInt32(4, true), height = view.getInt32(8, true);
  const size = `a flow of ${width} x ${height}`;
  if (!(width > 0 && height > 0)) throw fail(`it says that it is ${size}`);
  const wanted = 12 + width * height * 8;
  if (bytes.length !== wanted) {
    throw fail(`${size} has ${wanted} bytes in this format, found ${bytes.length}`);
  }
  const values = new Float32Array(bytes.slice(12).buffer); // little-endian, as all machines here are
  const valid = new Uint8Array(width * height).fill(1);
  for (let pixel = 0; pixel < valid.length; pixel++) {
    const x = values[2 * pixel], y = values[2 * pixel + 1];
    if (Math.max(Math.abs(x), Math.abs(y)) <= UNKNOWN_FLOW_PIXELS) continue; // NaN is unknown too
    values.fill(0, 2 * pixel, 2 * pixel + 2);
    valid[pixel] = 0;
  }
  const flow = ndarray(values, [height, width, 2]);
  return valid.includes(0) ? { flow, valid: ndarray(valid, [height, width]) } : { flow };
}

/** Red and green are x and y as `(value − 2¹⁵)/64`, blue is not 0 where they are known. */
function decodeKitti(bytes: Uint8Array, name: string): GivenFlow {
  const { samples, bits } = decodePngSamples(bytes, name);
  const [height, width] = samples.shape;
  if (bits !== 16) {
    throw new DataError(
      `Cannot use "${name}": it is a picture of 8 bits, and colors are no flow; ` +
        `save the numbers, as .flo, .npy or KITTI's PNG of 16 bits`,
    );
  }
  const values = new Float32Array(height * width * 2), valid = new Uint8Array(height * width);
  for (let pixel = 0; pixel < valid.length; pixel++) {
    const [x, y, known] = samples.data.subarray(3 * pixel, 3 * pixel + 3);
    if (known === 0) continue;
    valid[pixel] = 1;
    values[2 * pixel] = (x - KITTI_ZERO) / KITTI_STEPS;
    values[2 * pixel + 1] = (y - KITTI_ZERO) / KITTI_STEPS;
  }
  return { flow: ndarray(values, [height, width, 2]), valid: ndarray(valid, [height, width]) };
}
