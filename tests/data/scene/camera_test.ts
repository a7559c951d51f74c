import { averagePose } from "../../../src/data/scene/camera.ts";
import { goldenCameras } from "../../support/golden_cameras.ts";
import { expectClose, loadCase } from "../../support/goldens.ts";

Deno.test("averagePose() of recentred cameras is the origin (golden scene_io)", async () => {
  expectClose(await loadCase("scene_io"), { average_pose: averagePose(await goldenCameras()) }, 1);
});
