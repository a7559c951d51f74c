// @ts-types="npm:@types/ndarray@1.0.14"
import ndarray, { type NdArray } from "npm:ndarray@1.1.1";
import { DataError } from "../files.ts";
import { readNpy } from "../formats/npy.ts";

/** The least near bound, as a share of the far one: scenes are scaled by it, and depths counted in its inverse. */
const NEAREST = 1e-5;

/**
 * Reads an LLFF file `poses_bounds.npy`: a row a frame, of the 3×5 pose and the near and far bounds.
 *
 * @param frames How many rows there must be; undefined: one or more.
 * @returns `[frames, 17]`.
 * @throws {DataError} If the file is missing or damaged, has another shape, or a row that cannot be a camera.
 */
export async function readPosesBounds(
  path: string,
  frames: number | undefined,
  remedy: string,
): Promise<NdArray<Float64Array>> {
  const fail = (what: string) => new DataError(`Cannot use "${path}": ${what}`);
  const { data, shape } = await readNpy(path, ["float64", "float32"], remedy);
  if (shape.length !== 2 || shape[1] !== 17) {
    throw fail(
      `shape is (${shape.join(", ")}), wanted (${frames ?? "frames"}, 17); save it as LLFF does`,
    );
  }
  if (shape[0] !== (frames ?? shape[0])) {
    throw fail(`it has ${shape[0]} poses, images/ has ${frames} frames; make the two agree`);
  }
  for (let row = 0; row < shape[0]; row++) {
    const values = data.subarray(row * 17, row * 17 + 17);
    const bad = values.findIndex((value) => !Number.isFinite(value));
    const [height, width, focal, near, far] = [4, 9, 14, 15, 16].map((column) => values[column]);
    const wrong = bad >= 0
      ? `${values[bad]} in column ${bad}, wanted a number`
      : !(height > 0 && width > 0 && focal > 0)
      ? `height ${height}, width ${width}, focal ${focal}, wanted pixels`
      : !(near > 0 && far > near)
      ? `bounds ${near} and ${far}, wanted 0 < near < far`
      : near < far * NEAREST
      ? `bounds ${near} and ${far}, wanted near of ${NEAREST} far or more, for what is seen there to have a place in numbers`
      : undefined;
    if (wrong) throw fail(`pose ${row} has ${wrong}; estimate the poses again`);
  }
  return ndarray(Float64Array.from(data), shape);
}
