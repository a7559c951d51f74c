import { assert, assertEquals, assertInstanceOf } from "@std/assert";
import { DataError } from "../../../src/data/files.ts";
import { parseTransforms } from "../../../src/data/given/transforms_json.ts";
import { mutated, seeded } from "../../support/mutations.ts";

const names = ["000.png", "001.png"];
const file = {
  ...{ w: 64, h: 48, fl_x: 60, fl_y: 60, cx: 32, cy: 24, k1: 0.01, ply_file_path: "points.ply" },
  frames: names.map((name, i) => ({
    file_path: `images/${name}`,
    transform_matrix: [[1, 0, 0, i], [0, 1, 0, 0], [0, 0, 1, 0], [0, 0, 0, 1]],
  })),
};

Deno.test("parseTransforms() gives the lens, a pose for each frame, and the file of points", () => {
  const { camera, poses, pointsFile } = parseTransforms(JSON.stringify(file), "t.json", names);
  assertEquals([camera.model, camera.width, camera.height], ["FULL_OPENCV", 64, 48]);
  assertEquals(poses, [0, 1].map((x) => Float64Array.of(1, 0, 0, x, 0, 1, 0, 0, 0, 0, 1, 0)));
  assertEquals(pointsFile, "points.ply");
});

Deno.test("parseTransforms() puts the distortion in COLMAP's order, and takes a lens that all frames repeat", () => {
  const { k1: _, ...straight } = file;
  const bent = { fl_y: 61, k1: 0.1, k2: 0.2, k3: 0.3, p1: 0.01, p2: 0.02 };
  const frames = file.frames.map((frame) => ({ ...frame, ...bent }));
  const { camera } = parseTransforms(JSON.stringify({ ...straight, frames }), "t.json", names);
  const wanted = [60, 61, 32, 24, 0.1, 0.2, 0.01, 0.02, 0.3, 0, 0, 0];
  assertEquals([camera.model, [...camera.parameters]], ["FULL_OPENCV", wanted]);
});

Deno.test("parseTransforms() of damaged texts is poses for all frames, or a DataError", () => {
  const random = seeded(41), bytes = new TextEncoder().encode(JSON.stringify(file));
  const outcomes = { poses: 0, errors: 0 };
  for (let i = 0; i < 1500; i++) {
    const text = new TextDecoder().decode(mutated(bytes, bytes, random));
    try {
      const { camera, poses } = parseTransforms(text, "t.json", names);
      assertEquals(poses.map(({ length }) => length), [12, 12]);
      assert(poses.every((pose) => pose.every(Number.isFinite)) && camera.parameters[0] > 0);
      outcomes.poses++;
    } catch (error) {
      assertInstanceOf(error, DataError, `mutation ${i}: ${error}`);
      outcomes.errors++;
    }
  }
  assert(outcomes.poses > 20 && outcomes.errors > 1000, JSON.stringify(outcomes));
});
