import { assert, assertAlmostEquals, assertEquals, assertThrows } from "@std/assert";
import { averagePose, type Camera } from "../../src/data/scene/camera.ts";
import { translatingPath } from "../../src/viewing/camera_paths.ts";
import {
  type PathScene,
  pathViews,
  poseViews,
  resizedCamera,
  type SceneView,
} from "../../src/viewing/paths.ts";

/** Cameras in a row, looking along −z. */
function cameras(count: number, focalPixels = 400): Camera[] {
  return Array.from({ length: count }, (_, i) => ({
    cameraToWorld: Float32Array.of(1, 0, 0, i / 10, 0, 1, 0, 0, 0, 0, 1, 0),
    focalPixels,
    width: 480,
    height: 270,
  }));
}

const scene: PathScene = { name: "balloon1", cameras: cameras(12) };
const origins = (views: SceneView[]) =>
  views.map(({ camera }) => [3, 7, 11].map((i) => camera.cameraToWorld[i]));
const times = (views: SceneView[]) => [...new Set(views.map(({ time }) => time))];
const names = (views: SceneView[]) => views.map(({ name }) => name);

Deno.test("pathViews(novel) goes around the average pose as the official path does, and through all times", () => {
  const views = pathViews(scene, "novel");
  const average = { ...scene.cameras[0], cameraToWorld: averagePose(scene.cameras) };
  assertEquals(views.map(({ camera }) => camera), translatingPath(average));
  assertEquals([views[0].time, views[59].time, views.length], [0, 11, 60]);
  for (let i = 1; i < 60; i++) {
    assertAlmostEquals(views[i].time - views[i - 1].time, 11 / 59, 1e-12);
  }
  assertEquals([views[7].scene, ...names(views).slice(8, 11)], [
    "balloon1",
    "0008",
    "0009",
    "0010",
  ]);
});

Deno.test("pathViews(time-only) stands still; with as many views as frames it shows each frame's time", () => {
  const views = pathViews(scene, "time-only", { views: 12, camera: 3 });
  assertEquals(times(views), [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11]);
  for (const { camera } of views) assertEquals(camera, scene.cameras[3]);
  assertEquals(pathViews(scene, "time-only").length, 60);
});

Deno.test("pathViews(view-only) goes around at one time: the middle frame's, or the one given", () => {
  const views = pathViews(scene, "view-only");
  assertEquals([times(views), views.length], [[5], 60]);
  assertEquals(origins(views), origins(pathViews(scene, "novel")));
  assertEquals(times(pathViews(scene, "view-only", { time: 2.5 })), [2.5]);
});

Deno.test("pathViews(grid) has every camera at every frame's time, in the order of the names", () => {
  const views = pathViews(scene, "grid");
  assertEquals(views.length, 12 * 12);
  assertEquals(names(views), names(views).toSorted());
  for (const { name, camera, time } of views) {
    const [, at, of] = name.match(/^time(\d\d)-camera(\d\d)$/)!;
    assertEquals([camera, time], [scene.cameras[Number(of)], Number(at)]);
  }
});

Deno.test("pathViews(zoom) and (dolly) approach alike, and only the dolly's focal length falls", () => {
  const zoom = pathViews(scene, "zoom", { camera: 0 });
  const dolly = pathViews(scene, "dolly", { camera: 0 });
  assertEquals([zoom.length, dolly.length, times(zoom), times(dolly)], [31, 31, [5], [5]]);
  assertEquals(origins(zoom), origins(dolly));
  assertAlmostEquals(zoom[30].camera.cameraToWorld[11], -5 * 48 / 400, 1e-6);
  assertEquals([zoom[30].camera.focalPixels, dolly[30].camera.focalPixels], [400, 200]);
  for (const path of ["zoom", "dolly"] as const) {
    const [only, ...more] = pathViews(scene, path, { views: 1, camera: 0 });
    assertEquals([only.camera, more], [scene.cameras[0], []]);
  }
});

Deno.test("pathViews() at another size shows the same from the same places", () => {
  for (const path of ["novel", "time-only", "view-only", "grid", "zoom", "dolly"] as const) {
    const large = pathViews(scene, path),
      small = pathViews(scene, path, { size: { width: 96, height: 54 } });
    assertEquals(small.length, large.length);
    for (const [i, { camera, time }] of small.entries()) {
      assertEquals([camera.width, camera.height, time], [96, 54, large[i].time]);
      assertAlmostEquals(camera.focalPixels, large[i].camera.focalPixels / 5, 1e-4);
      camera.cameraToWorld.forEach((value, k) =>
        assertAlmostEquals(value, large[i].camera.cameraToWorld[k], 1e-6)
      );
    }
  }
});

Deno.test("resizedCamera() fills other proportions: nothing is seen that was not before", () => {
  const [camera] = scene.cameras;
  const angles = (
    { width, height, focalPixels }: Camera,
  ) => [width / focalPixels, height / focalPixels];
  const [wide, high] = angles(camera);
  assertEquals(resizedCamera(camera), camera);
  for (
    const size of [{ width: 270, height: 270 }, { width: 480, height: 100 }, {
      width: 31,
      height: 99,
    }]
  ) {
    const [w, h] = angles(resizedCamera(camera, size));
    assert(w <= wide + 1e-12 && h <= high + 1e-12, `${w} of ${wide}, ${h} of ${high}`);
    assertAlmostEquals(Math.max(w / wide, h / high), 1, 1e-12);
  }
});

Deno.test("poseViews() takes poses as they are, with the scene's focal length where they have none", () => {
  const cameraToWorld = Float32Array.of(1, 0, 0, 0.5, 0, 1, 0, 0.25, 0, 0, 1, 0);
  const views = poseViews(scene, [{ cameraToWorld, time: 0 }, {
    cameraToWorld,
    focalPixels: 300,
    time: 10.5,
  }], {
    size: { width: 960, height: 540 },
  });
  assertEquals(views.map(({ name, time }) => [name, time]), [["0000", 0], ["0001", 10.5]]);
  assertEquals(views.map(({ camera }) => camera.focalPixels), [800, 600]);
  assertEquals(views[1].camera.cameraToWorld, cameraToWorld);
});

Deno.test("pathViews() says which camera, time or focal length a scene does not have", () => {
  const cases: [() => unknown, string][] = [
    [
      () => pathViews(scene, "novel", { camera: 12 }),
      'Cannot go around camera 12 of "balloon1": it has cameras 0 to 11',
    ],
    [
      () => pathViews(scene, "view-only", { time: 11.5 }),
      'Cannot show "balloon1" at time 11.5: its frames are 0 to 11',
    ],
    [
      () => poseViews(scene, [{ cameraToWorld: scene.cameras[0].cameraToWorld, time: 12 }]),
      'Cannot show "balloon1" at time 12 in pose 0: its frames are 0 to 11',
    ],
    [
      () => pathViews({ name: "wide", cameras: cameras(2, 150) }, "dolly"),
      'Cannot make a dolly zoom of "wide": its focal length of 150.0 pixels cannot fall by 200.0; take zoom',
    ],
  ];
  for (const [make, message] of cases) assertThrows(make, RangeError, message);
});
