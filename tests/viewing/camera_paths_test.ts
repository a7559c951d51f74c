import { assertAlmostEquals, assertEquals } from "@std/assert";
import { averagePose, type Camera } from "../../src/data/scene/camera.ts";
import { dollyZoomPath, translatingPath, zoomingPath } from "../../src/viewing/camera_paths.ts";
import { goldenCameras } from "../support/golden_cameras.ts";
import { expectClose, loadCase } from "../support/goldens.ts";

Deno.test("novel-view paths go where the official ones go (golden scene_io)", async () => {
  const golden = await loadCase("scene_io");
  const cameras = await goldenCameras();
  const poses = (path: Camera[]) => path.flatMap(({ cameraToWorld }) => [...cameraToWorld]);
  const focals = (path: Camera[]) => path.map(({ focalPixels }) => focalPixels);
  const average = { ...cameras[0], cameraToWorld: averagePose(cameras) };
  const around = translatingPath(average);
  const all = [translatingPath, zoomingPath, dollyZoomPath].flatMap((path) => path(cameras[2]));
  expectClose(golden, {
    "path_average/poses": poses(around),
    "path_average/focals": focals(around),
    "path_frame2/poses": poses(all),
    "path_frame2/focals": focals(all),
  }, 1);
});

Deno.test("novel-view paths take other lengths and excursions", async () => {
  const [camera] = await goldenCameras();
  assertEquals(translatingPath(camera, { views: 7 }).length, 7);
  const wide = translatingPath(camera, { views: 4, excursionPixels: 96 })[1];
  const moved = Math.hypot(
    ...[3, 7, 11].map((i) => wide.cameraToWorld[i] - camera.cameraToWorld[i]),
  );
  assertAlmostEquals(moved, 96 / camera.focalPixels * Math.hypot(1, 0.33), 1e-5);
  const dolly = dollyZoomPath(camera, { zoomViews: 3, dollyPixels: 10 });
  assertEquals(dolly.map(({ focalPixels }) => focalPixels - camera.focalPixels), [0, -5, -10]);
});
