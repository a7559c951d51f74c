/**
 * A video whose truth is known: a room full of fine texture, which feature detectors need, and two things that fly through it.
 *
 * @module
 */
import { join } from "@std/path";
// @ts-types="npm:@types/ndarray@1.0.14"
import type { NdArray } from "npm:ndarray@1.1.1";
import { cloud } from "../../src/data/procedural/noise.ts";
import { ProceduralScene } from "../../src/data/procedural/procedural_scene.ts";
import { WORLDS } from "../../src/data/procedural/rooms.ts";
import { BALL, BOX, CYLINDER } from "../../src/data/procedural/shapes.ts";
import { mosaic, palette, shade, type Texture } from "../../src/data/procedural/textures.ts";
import { placed, type Thing, type World } from "../../src/data/procedural/world.ts";
import type { Vector3 } from "../../src/data/vectors.ts";
import { encodeNpy } from "../../src/data/formats/npy.ts";
import { encodeFlow } from "../../src/data/scene/scene_files.ts";

/** A texture with grain of all sizes from 30 to 5 cm, so that corners are found near and far. */
function grained(codes: string, size: number, seed: number): Texture {
  const plain = mosaic(palette(codes), size, seed);
  return (x, y, z, nx, ny, nz) => {
    const coarse = cloud(x / 0.3, y / 0.3, z / 0.3, seed),
      fine = cloud(x / 0.1, y / 0.1, z / 0.1, seed + 9);
    const finest = cloud(x / 0.05, y / 0.05, z / 0.05, seed + 5);
    return shade(plain(x, y, z, nx, ny, nz), 0.25 + 0.45 * coarse + 0.5 * fine + 0.4 * finest);
  };
}

function box(size: Vector3, place: Vector3, turn: Vector3, texture: Texture): Thing {
  return { shape: BOX, size, place: placed(place, turn), texture };
}

const yard: Thing[] = [
  box([5, 3, 0.1], [0, 0.5, -7], [0, 4, 0], grained("c9b79c 8f6f4f e5d4b3 a58a67", 0.7, 41)),
  box([5, 0.1, 5], [0, -1.4, -5], [0, 8, 0], grained("8d8d8d b0b0a8 6f7a72", 0.6, 42)),
  box([0.1, 3, 4], [-3.2, 0.5, -5], [0, 10, 0], grained("6b8fa3 a9c6d4 41617a", 0.8, 43)),
  box([0.1, 3, 4], [3.4, 0.5, -5], [0, -12, 0], grained("a36b6b d4a9a9 7a4141", 0.8, 44)),
  box([0.5, 0.7, 0.5], [-1.9, -0.7, -4.8], [0, 30, 0], grained("ffd166 ef476f 06d6a0", 0.4, 45)),
  box([0.4, 1.1, 0.4], [1.9, -0.3, -5.2], [0, -25, 0], grained("9b5de5 fee440 00bbf9", 0.4, 46)),
  box([0.7, 0.3, 0.4], [0.3, -1.1, -4.4], [0, 15, 0], grained("f4f1de 81b29a e07a5f", 0.3, 47)),
  {
    shape: BALL,
    size: [0.45, 0.45, 0.45],
    place: placed([0.9, -0.1, -6.0]),
    texture: grained("2a9d8f e9c46a f4a261", 0.4, 48),
  },
  {
    shape: CYLINDER,
    size: [0.2, 1.2, 0.2],
    place: placed([-0.9, -0.2, -5.8]),
    texture: grained("e63946 f1faee a8dadc", 0.3, 49),
  },
];

function filmedWorld(): World {
  const { movers, rig } = WORLDS.balloon1();
  return {
    statics: yard,
    movers,
    lamp: { place: [-1.5, 2.6, 1], color: [0.7, 0.66, 0.6] },
    ambient: [0.55, 0.56, 0.6],
    haze: { color: [0, 0, 0], share: 0 },
    rig: { ...rig, columnSpacing: 0.2, rowSpacing: 0.24, target: [0, -0.2, -5] },
  };
}

/** The truth about the filmed scene; depth and flow are `factor` times smaller. */
export function filmedScene(
  size: { width: number; height: number; factor: number },
): ProceduralScene {
  return new ProceduralScene("filmed", { ...size, world: filmedWorld() });
}

/**
 * The first frames of a scene, and for those who do without networks `depth/000.npy …`, depth in metres, and
 * `flow/000_fwd.npz …`.
 */
export async function film(
  scene: ProceduralScene,
  folder: string,
  count: number = scene.frames,
): Promise<NdArray<Uint8Array>[]> {
  const frames = Array.from({ length: count }, (_, i) => scene.paint(i, i).image);
  for (const name of ["depth", "flow"]) await Deno.mkdir(join(folder, name));
  const number = (i: number) => String(i).padStart(3, "0");
  for (const i of frames.keys()) {
    const depth = scene.depthMap(i, i);
    const path = join(folder, "depth", `${number(i)}.npy`);
    await Deno.writeFile(path, encodeNpy(depth, "float32"));
    for (const [to, direction] of [[i + 1, "fwd"], [i - 1, "bwd"]] as const) {
      if (to < 0 || to >= count) continue;
      const { flow, valid } = scene.flowMap(i, to);
      const path = join(folder, "flow", `${number(i)}_${direction}.npz`);
      await Deno.writeFile(path, encodeFlow(flow, valid));
    }
  }
  return frames;
}
