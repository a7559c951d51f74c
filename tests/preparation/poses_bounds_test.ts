import { assert, assertEquals, assertThrows } from "@std/assert";
import { join } from "@std/path";
import { loadColmapModel } from "../../src/data/given/colmap/load.ts";
import {
  type ColmapCamera,
  type ColmapImage,
  type ColmapModel,
  NO_POINT,
} from "../../src/data/given/colmap/model.ts";
import { colmapPoses, unregisteredFrames } from "../../src/data/given/colmap/poses.ts";
import { DataError } from "../../src/data/files.ts";
import { readNpy } from "../../src/data/formats/npy.ts";
import { posesBounds, posesBoundsOf, posesOf } from "../../src/preparation/poses_bounds.ts";
import { GOLDEN_FRAMES, goldenColmap } from "../data/given/colmap/support.ts";
import { assertClose } from "../support/close.ts";

const model = await loadColmapModel(goldenColmap());

Deno.test("posesBounds() of the golden model, binary and text, is the golden poses_bounds.npy", async () => {
  const expected = await readNpy(join(goldenColmap(), "poses_bounds.npy"), ["float64"]);
  for (const folder of ["sparse/0", "text"]) {
    const found = posesBounds(await loadColmapModel(join(goldenColmap(), folder)), GOLDEN_FRAMES);
    assertEquals(found.shape, [4, 17]);
    assertClose(found.data, expected.data, 1e-12, folder);
  }
});

Deno.test("posesOf() gives the model's poses back", () => {
  const { camera, poses } = posesOf(posesBounds(model, GOLDEN_FRAMES));
  assertEquals(camera, { focalPixels: 60, width: 64, height: 48 });
  const images = model.images.toSorted((a, b) => a.name < b.name ? -1 : 1);
  poses.forEach(({ rotation, translation }, frame) => {
    assertClose(rotation, images[frame].rotation, 1e-14, `rotation ${frame}`);
    assertClose(translation, images[frame].translation, 1e-14, `translation ${frame}`);
  });
});

/** A camera at the origin that sees points at the given depths. */
function seeing(depths: number[], camera: Partial<ColmapCamera> = {}): ColmapModel {
  const image: ColmapImage = {
    id: 1,
    name: "a.jpg",
    cameraId: 1,
    rotation: Float64Array.of(1, 0, 0, 0, 1, 0, 0, 0, 1),
    translation: new Float64Array(3),
    keypoints: new Float64Array(2 * depths.length + 2),
    pointIds: BigUint64Array.of(NO_POINT, ...depths.map((_, i) => BigInt(i))),
  };
  const parameters = Float64Array.of(50, 30, 20);
  const lens = { id: 1, model: "SIMPLE_PINHOLE", width: 60, height: 40, parameters } as const;
  return {
    cameras: [{ ...lens, ...camera }],
    images: [image],
    points: new Map(depths.map((depth, i) => [
      BigInt(i),
      { position: Float64Array.of(7, -3, depth), error: 0, trackLength: 1 },
    ])),
  };
}

Deno.test("posesBounds() takes the 5th and 95th percentile of the depths in front of the camera", () => {
  const depths = Array.from({ length: 21 }, (_, i) => 20 - i); // 0 and what is behind do not count
  const { data } = posesBounds(seeing([...depths, -4, -1e9]), ["a.png"]);
  assertClose(data.slice(15), [1.95, 19.05], 1e-12, "near and far of 1…20");
  assertEquals(
    [...data.slice(0, 15)],
    [0, 1, 0, 0, 40, 1, -0, 0, 0, 60, 0, 0, -1, 0, 50].map(
      (value) => value, // down, right, back
    ),
  );
});

Deno.test("posesBounds() names what it cannot pose", () => {
  const fails = (model: ColmapModel, frames: string[], message: string) =>
    assertThrows(() => posesBounds(model, frames), DataError, `Cannot ${message}`);
  fails(
    model,
    [...GOLDEN_FRAMES, "004.png", "005.png"],
    'use "images": it poses 4 of 6 frames, without 004.png, 005.png; leave these out',
  );
  assertEquals(unregisteredFrames(model, ["000.png", "9.png"]), ["9.png"]);
  fails(seeing([]), ["a.png"], 'pose the frames: image "a.jpg" sees no point in front of it');
  fails(seeing([-1, 0]), ["a.png"], 'pose the frames: image "a.jpg" sees no point in front of it');
  fails(seeing([3, 3]), ["a.png"], 'pose the frames: image "a.jpg" sees 2 points of one depth');

  const one = seeing([1, 2]);
  const two = {
    ...one,
    cameras: [...one.cameras, {
      ...one.cameras[0],
      id: 2,
      parameters: Float64Array.of(52, 30, 20),
    }],
    images: [...one.images, { ...one.images[0], id: 2, name: "b.jpg", cameraId: 2 }],
  };
  fails(two, ["a.png", "b.png"], 'use frames of several lenses: "b.png" has');
  assertEquals(posesBounds(two, ["b.png"]).shape, [1, 17], "images of no frame do not count");
  const alike = { ...one, images: [one.images[0], { ...one.images[0], id: 2, name: "x/a.jpg" }] };
  fails(alike, ["a.png"], 'use "images": "a.jpg" and "x/a.jpg" could be frame "a.png"');
  assertEquals(posesBounds(alike, ["a.jpg"]).shape, [1, 17], "a frame's own name goes first");
});

Deno.test("posesBounds() refuses two focal lengths that differ by half a pixel at the edge", () => {
  const pinhole = (focalY: number) =>
    seeing([1, 2], { model: "PINHOLE", parameters: Float64Array.of(50, focalY, 30, 20) });
  assertEquals(posesBounds(pinhole(51), ["a.png"]).data[14], 50);
  assertThrows(
    () => posesBounds(pinhole(52), ["a.png"]),
    DataError,
    "the focal length is 50 pixels in x and 52 in y",
  );
});

Deno.test("colmapPoses() looks along −z with y up", () => {
  const { frames, source } = colmapPoses(model, GOLDEN_FRAMES);
  assertEquals(source, "COLMAP model");
  const rows = posesBoundsOf(colmapPoses(model, GOLDEN_FRAMES)).data;
  frames.forEach(({ cameraToWorld, near, far }, frame) => {
    assert(near > 0 && far > near);
    const [right, up, back] = [0, 1, 2].map((column) =>
      [0, 4, 8].map((row) => cameraToWorld[row + column])
    );
    const cross = [1, 2, 0].map((i, k) =>
      right[i] * up[[2, 0, 1][k]] - right[[2, 0, 1][k]] * up[i]
    );
    assertClose(cross, back, 1e-14, `right x up of frame ${frame}`);
    assertEquals(rows[frame * 17 + 1], right[0]);
  });
});
