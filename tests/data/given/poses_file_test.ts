import { assertEquals, assertThrows } from "@std/assert";
import { DataError } from "../../../src/data/files.ts";
import { parsePoses } from "../../../src/data/given/poses_file.ts";

const rows = [[0, 0, 1, 1], [1, 0, 0, 2], [0, 1, 0, 3]];

Deno.test("parsePoses() reads 3×4 and 4×4 matrices, with and without a focal length", () => {
  const text = JSON.stringify([
    { cameraToWorld: rows, time: 0 },
    { cameraToWorld: [...rows, [0, 0, 0, 1]], focal: 300.5, time: 1.5 },
  ]);
  const cameraToWorld = Float32Array.from(rows.flat());
  assertEquals(parsePoses(text, "poses.json"), [
    { cameraToWorld, time: 0 },
    { cameraToWorld, focalPixels: 300.5, time: 1.5 },
  ]);
});

Deno.test("parsePoses() names the pose that is wrong, and what is wanted", () => {
  const pose = { cameraToWorld: rows, time: 0 };
  const scaled = rows.map((row) => row.map((value) => 2 * value));
  const mirrored = rows.map(([x, y, z, o]) => [x, y, -z, o]);
  const cases: [unknown, string][] = [
    [{}, "it is no list of poses; wanted a list of"],
    [[], "it is no list of poses"],
    [[pose, 3], "pose 1 is 3; wanted"],
    [[{ ...pose, time: -1 }], "pose 0 has time -1, wanted frames from 0"],
    [[{ cameraToWorld: rows }], "pose 0 has time undefined, wanted frames from 0"],
    [[{ ...pose, focal: "300" }], 'pose 0 has focal "300", wanted pixels'],
    [[{ ...pose, pose: 1 }], 'pose 0 has "pose", which means nothing'],
    [
      [{ ...pose, cameraToWorld: rows.slice(1) }],
      "pose 0 has no cameraToWorld of 3 or 4 rows of 4",
    ],
    [[{ ...pose, cameraToWorld: rows.flat() }], "pose 0 has no cameraToWorld of 3 or 4 rows of 4"],
    [[{ ...pose, cameraToWorld: [...rows, [0, 0, 1, 1]] }], "pose 0 has [0,0,1,1] as the last row"],
    [[pose, { ...pose, cameraToWorld: scaled }], "pose 1 has no rotation in cameraToWorld"],
    [[{ ...pose, cameraToWorld: mirrored }], "pose 0 has no rotation in cameraToWorld"],
  ];
  for (const [value, message] of cases) {
    assertThrows(
      () => parsePoses(JSON.stringify(value), "poses.json"),
      DataError,
      `Cannot use "poses.json": ${message}`,
    );
  }
  assertThrows(() => parsePoses("[1,", "poses.json"), DataError, "it is no JSON (");
});
