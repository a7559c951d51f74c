import { assertAlmostEquals, assertEquals } from "@std/assert";
import { absoluteDepthNdc } from "../../../src/data/scene/absolute_depth.ts";
import type { Camera } from "../../../src/data/scene/camera.ts";
import { squaredSpacing, stillPictures } from "../../../src/data/scene/still_pictures.ts";
import { randomScene } from "../../support/scenes.ts";

Deno.test("stillPictures() keeps two pixels from what moves, and has the absolute depth in -1..1", () => {
  const scene = randomScene("still", 1);
  const { frames, width, height } = scene;
  scene.moving.data.fill(0);
  scene.moving.data[(1 * height + 3) * width + 5] = 1; // frame 1, row 3, column 5
  const pictures = stillPictures(scene);
  assertEquals(pictures.shape, [frames, height, width, 4]);
  const depths = absoluteDepthNdc(scene).data;
  for (let i = 0; i < depths.length; i++) {
    const frame = Math.floor(i / width / height);
    const row = Math.floor(i / width) % height, column = i % width;
    const near = frame === 1 && Math.abs(row - 3) <= 2 && Math.abs(column - 5) <= 2;
    const [still, depth, right, down] = pictures.data.subarray(4 * i, 4 * i + 4);
    assertEquals(still, near ? 0 : 1, `pixel ${column}, ${row} of frame ${frame}`);
    assertAlmostEquals(depth, 2 * depths[i] - 1, 1e-6);
    // rows 1 to 5 and columns 3 to 7 are not still: the shortest way out
    const way = near ? 3 - Math.max(Math.abs(row - 3), Math.abs(column - 5)) : 0;
    assertEquals(Math.hypot(right, down), way);
    const to = (frame * height + row + down) * width + column + right;
    assertEquals(pictures.data[4 * to], 1);
  }
});

Deno.test("squaredSpacing() is the mean square of the distance to the nearest other camera", () => {
  const at = (x: number, y: number): Camera => ({
    cameraToWorld: Float32Array.of(1, 0, 0, x, 0, 1, 0, y, 0, 0, 1, 0),
    focalPixels: 10,
    width: 4,
    height: 4,
  });
  assertAlmostEquals(squaredSpacing([at(0, 0), at(1, 0), at(3, 0)]), (1 + 1 + 4) / 3, 1e-6);
  assertEquals(squaredSpacing([at(0, 0)]), 1);
  assertEquals(squaredSpacing([at(2, 1), at(2, 1)]), 1); // cameras in one place
});
