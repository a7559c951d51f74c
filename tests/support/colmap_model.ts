/**
 * COLMAP's binary models, written from the truth about a scene.
 *
 * @module
 */
import { join } from "@std/path";
import type { ProceduralScene } from "../../src/data/procedural/procedural_scene.ts";
import { dot, type Vector3 } from "../../src/data/vectors.ts";

/** Points that each image sees, over its whole depth map. */
const POINTS = 24;

/**
 * Writes `cameras.bin`, `images.bin` and `points3D.bin` of a SIMPLE_RADIAL camera.
 *
 * @param frames Numbers of the frames that are registered.
 * @param k The lens's distortion.
 */
export async function writeColmapModel(
  folder: string,
  scene: ProceduralScene,
  frames: readonly number[],
  k: number,
): Promise<void> {
  const { width, height, focalPixels } = scene;
  const cameras = new Writer().u64(1).u32(1).i32(2).u64(width).u64(height)
    .f64(focalPixels, width / 2, height / 2, k);
  const images = new Writer().u64(frames.length), points = new Writer();
  points.u64(frames.length * POINTS);
  frames.forEach((frame, at) => {
    const { right, up, back, origin } = scene.cameras[frame];
    const rows = [right, negative(up), negative(back)]; // right, down, forward
    const translation = rows.map((row) => -dot(row, origin));
    images.u32(frame + 1).f64(...quaternion(rows), ...translation).u32(1)
      .text(`${String(frame).padStart(3, "0")}.png`).u64(POINTS);
    const depth = scene.depthMap(frame, frame);
    const [mapHeight, mapWidth] = depth.shape;
    for (let point = 0; point < POINTS; point++) {
      const x = Math.floor((point % 6 + 0.5) / 6 * mapWidth);
      const y = Math.floor((Math.floor(point / 6) + 0.5) / 4 * mapHeight);
      const z = depth.get(y, x), focal = focalPixels * mapWidth / width;
      const inCamera = [(x - mapWidth / 2) / focal * z, (y - mapHeight / 2) / focal * z, z];
      const world = origin.map((value, axis) =>
        value + rows.reduce((sum, row, i) => sum + row[axis] * inCamera[i], 0)
      );
      const id = 1 + at * POINTS + point;
      images.f64(x * width / mapWidth, y * height / mapHeight).u64(id);
      points.u64(id).f64(...world).u8(128, 128, 128).f64(0.3).u64(1).u32(frame + 1, point);
    }
  });
  await Deno.mkdir(folder, { recursive: true });
  const files = { "cameras.bin": cameras, "images.bin": images, "points3D.bin": points };
  for (const [name, { bytes }] of Object.entries(files)) {
    await Deno.writeFile(join(folder, name), Uint8Array.from(bytes));
  }
}

/** Little-endian numbers, one after the other. */
class Writer {
  readonly bytes: number[] = [];

  u8(...values: number[]): this {
    this.bytes.push(...values);
    return this;
  }
  u32(...values: number[]): this {
    return this.#put(new Uint32Array(values));
  }
  i32(...values: number[]): this {
    return this.#put(new Int32Array(values));
  }
  u64(...values: number[]): this {
    return this.#put(new BigUint64Array(values.map(BigInt)));
  }
  f64(...values: number[]): this {
    return this.#put(new Float64Array(values));
  }
  text(text: string): this {
    return this.u8(...new TextEncoder().encode(text), 0);
  }

  #put(values: { buffer: ArrayBufferLike }): this {
    return this.u8(...new Uint8Array(values.buffer));
  }
}

/** w, x, y, z of a rotation by little, given by its rows: w is far from zero. */
function quaternion([[a, b, c], [d, e, f], [g, h, i]]: readonly Vector3[]): number[] {
  const w = Math.sqrt(1 + a + e + i) / 2;
  return [w, (h - f) / (4 * w), (c - g) / (4 * w), (d - b) / (4 * w)];
}

function negative([x, y, z]: Vector3): Vector3 {
  return [-x, -y, -z];
}
