import { assert, assertEquals, assertMatch } from "@std/assert";
import { join } from "@std/path";
import { readImage } from "../../src/data/formats/image.ts";
import { encodeMp4 } from "../../src/data/formats/mp4.ts";
import { readPosesBounds } from "../../src/data/scene/poses_bounds.ts";
import type { Evaluation } from "../../src/evaluation/report.ts";
import { alignCameras, cameraCentre } from "../../src/preparation/align_cameras.ts";
import { posesOf } from "../../src/preparation/poses_bounds.ts";
import { runDeno } from "../../tasks/driver/run_deno.ts";
import { temporaryFolder } from "../data/temporary_folder.ts";
import { film, filmedScene } from "../support/filmed_scene.ts";

const FRAMES = 8;
/** Training for its own sake. */
const TINY = (
  "--preset small --hidden 16 --global-code 8 --global-hidden 8 --video-width 4 --image-width 4 --encoder-width 16 " +
  "--encoder-height 16 --rays 32 --samples 8 --static-steps 4 --dynamic-steps 4 --evaluation-views 1 --feature-cache-limit 0"
).split(" ");

/** Types `deno task …`; what it prints, and its exit code. */
async function task(...args: string[]) {
  const child = runDeno(["task", "--quiet", ...args], { stdout: "piped", stderr: "piped" });
  const [out, err, { code }] = await Promise.all([
    new Response(child.stdout).text(),
    new Response(child.stderr).text(),
    child.status,
  ]);
  return { out, err, code };
}

Deno.test("A video becomes a scene and the scene a scored model by two commands, its cameras within 2 % of the truth", async () => {
  await using folder = await temporaryFolder();
  const at = (...names: string[]) => join(folder.path, ...names);
  const truth = filmedScene({ width: 480, height: 270, factor: 2 });
  await Deno.writeFile(at("film.mp4"), await encodeMp4(await film(truth, folder.path, FRAMES), 12));

  const prepared = await task(
    ...["prepare", at("film.mp4"), "--out", at("data", "film"), "--max-features", "2048"],
    ...["--depth", at("depth"), "--depth-is", "depth", "--flow", at("flow")],
  );
  assertEquals([prepared.err, prepared.code], ["", 0]);
  assertMatch(prepared.out, /^cameras: 8 of 8 frames by COLMAP/m);
  assertMatch(prepared.out, /^It can be trained on\./m);

  const path = at("data", "film", "poses_bounds.npy");
  const { camera, poses } = posesOf(await readPosesBounds(path, FRAMES, ""));
  const { largestError } = alignCameras(
    poses.map(cameraCentre),
    truth.cameras.slice(0, FRAMES).map(({ origin }) => origin),
  );
  assert(largestError < 0.02, `a camera is off by ${100 * largestError} % of their extent`);
  const focalError = Math.abs(camera.focalPixels / truth.focalPixels - 1);
  assert(focalError < 0.02, `the focal length is off by ${100 * focalError} %`);

  // Masks of what moves: all of it but its edges, and little else.
  let both = 0, either = 0;
  for (let i = 0; i < FRAMES; i++) {
    const mask = await readImage(at("data", "film", "motion_masks", `00${i}.png`));
    const { data } = truth.paint(i, i).moving;
    for (let pixel = 0; pixel < data.length; pixel++) {
      const [found, wanted] = [mask.data[3 * pixel] > 0, data[pixel] > 0];
      both += found && wanted ? 1 : 0;
      either += found || wanted ? 1 : 0;
    }
  }
  assert(both / either > 0.6, `intersection over union of the masks is ${both / either}`);

  const trained = await task(
    ...["train", "own", "film", "--data", at("data"), "--run", at("run"), ...TINY],
  );
  assertEquals([trained.err, trained.code], ["", 0]);
  const evaluation: Evaluation = JSON.parse(await Deno.readTextFile(at("run", "evaluation.json")));
  assertEquals([evaluation.protocol, evaluation.views], ["training-views", 1]);
  assert(evaluation.psnr > 0);
});
