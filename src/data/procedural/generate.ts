import { join } from "node:path";
// @ts-types="npm:@types/ndarray@1.0.14"
import ndarray, { type NdArray } from "npm:ndarray@1.1.1";
import { writeFolderAtomically } from "../files.ts";
import { encodeNpy } from "../formats/npy.ts";
import { encodeNpz } from "../formats/npz.ts";
import { encodePng } from "../formats/png.ts";
import { type ProceduralOptions, ProceduralScene } from "./procedural_scene.ts";

/** Counted up when the pictures change, so that older folders are made again. */
const VERSION = 6;
const STAMP = "procedural.json";

/**
 * Writes a procedural scene in the official layout (see `loadScene`), with `multiview_GT` of all cameras at all
 * times. The same options give the same files.
 *
 * @param name One of `proceduralScenes()`.
 * @param directory The scene's own folder; an older one of that name is replaced when the new one is whole.
 * @throws {DataError} If the folder cannot be written.
 */
export async function generateProceduralScene(
  name: string,
  directory: string,
  options: ProceduralOptions = {},
): Promise<void> {
  const scene = new ProceduralScene(name, options);
  await writeFolderAtomically(directory, async (folder) => {
    const write = async (path: string, bytes: Uint8Array) => {
      await Deno.mkdir(join(folder, path, ".."), { recursive: true });
      await Deno.writeFile(join(folder, path), bytes);
    };
    const bounds: [number, number][] = [];
    for (let camera = 0; camera < scene.frames; camera++) {
      for (let time = 0; time < scene.frames; time++) {
        const { image, moving } = scene.paint(camera, time);
        const png = encodePng(image);
        await write(
          join("multiview_GT", number(time + 1, 8), `cam${number(camera + 1, 2)}.png`),
          png,
        );
        if (camera !== time) continue;
        await write(join("images", `${number(time)}.png`), png);
        await write(join("motion_masks", `${number(time)}.png`), encodePng(widened(moving)));
      }
      const time = camera, depth = scene.depthMap(camera, time);
      bounds.push([0.95 * Math.min(...depth.data), 1.05 * Math.max(...depth.data)]);
      const disparity = ndarray(depth.data.map((depth) => 1 / depth), depth.shape);
      await write(join("disp", `${number(time)}.npy`), encodeNpy(disparity, "float32"));
      for (const [to, direction] of [[time + 1, "fwd"], [time - 1, "bwd"]] as const) {
        if (to < 0 || to >= scene.frames) continue;
        const { flow, valid } = scene.flowMap(time, to);
        const npz = encodeNpz({
          flow: { array: flow, dtype: "float32" },
          mask: { array: valid, dtype: "bool" },
        });
        await write(join("flow", `${number(time)}_${direction}.npz`), npz);
      }
    }
    await write("poses_bounds.npy", encodeNpy(posesBounds(scene, bounds), "float64"));
    await write(STAMP, new TextEncoder().encode(stamp(scene)));
  });
}

/**
 * Makes a procedural scene if its folder is not there yet, or was made by another version or for other options.
 *
 * @returns Whether it had to be made.
 *
 * @example Have a scene to train on
 * ```ts
 * import { loadScene } from "../mod.ts";
 * import { ensureProceduralScene } from "./mod.ts";
 *
 * await ensureProceduralScene("balloon1", "data/balloon1");
 * const scene = await loadScene("data/balloon1");
 * ```
 */
export async function ensureProceduralScene(
  name: string,
  directory: string,
  options: ProceduralOptions = {},
): Promise<boolean> {
  const found = await Deno.readTextFile(join(directory, STAMP)).catch(() => undefined);
  if (found === stamp(new ProceduralScene(name, options))) return false;
  await generateProceduralScene(name, directory, options);
  return true;
}

function stamp({ name, width, height, factor }: ProceduralScene): string {
  return JSON.stringify({ version: VERSION, name, width, height, factor }) + "\n";
}

/** LLFF rows: 3×5 of [down, right, back, origin, (height, width, focal)], near, far. */
function posesBounds(scene: ProceduralScene, bounds: [number, number][]): NdArray<Float64Array> {
  const intrinsics = [scene.height, scene.width, scene.focalPixels];
  const rows = scene.cameras.flatMap(({ up, right, back, origin }, i) => [
    ...[0, 1, 2].flatMap((k) => [-up[k], right[k], back[k], origin[k], intrinsics[k]]),
    ...bounds[i],
  ]);
  return ndarray(Float64Array.from(rows), [scene.cameras.length, 17]);
}

/** A mask, 0 or 255, of all pixels that a moving thing touches and of their neighbours. */
function widened(moving: NdArray<Float32Array>): NdArray<Uint8Array> {
  const [height, width] = moving.shape;
  const mask = new Uint8Array(height * width);
  moving.data.forEach((share, i) => {
    if (share === 0) return;
    const x = i % width, y = Math.floor(i / width);
    for (let v = Math.max(y - 1, 0); v <= Math.min(y + 1, height - 1); v++) {
      for (let u = Math.max(x - 1, 0); u <= Math.min(x + 1, width - 1); u++) {
        mask[v * width + u] = 255;
      }
    }
  });
  return ndarray(mask, [height, width]);
}

function number(value: number, digits: number = 3): string {
  return String(value).padStart(digits, "0");
}
