import { assert, assertEquals, assertMatch } from "@std/assert";
import { join } from "@std/path";
import { loadCheckpoint, psnr } from "../../mod.ts";
import { readImage } from "../../src/data/formats/image.ts";
import { encodePth } from "../../src/data/weights/encode_pth.ts";
import { toOfficialStateDict } from "../../src/data/weights/official_state_dict.ts";
import { raftParameters } from "../../src/data/weights/raft_weights.ts";
import type { PthTensor } from "../../src/data/weights/tensor_view.ts";
import { loadWeightsFile } from "../../src/data/weights/mod.ts";
import { formulaWeights } from "../../tasks/bench/flow_inputs.ts";
import { runDeno } from "../../tasks/driver/run_deno.ts";
import { copyFolder, fixture, names, temporaryFolder } from "../data/temporary_folder.ts";

/** Runs a script of `tasks/examples/`, which may read and write `folder`; what it prints. */
async function run(script: string, folder: string, ...args: string[]): Promise<string> {
  const rights = ["--no-prompt", "--no-check", `--allow-read=${folder}`, `--allow-write=${folder}`];
  const child = runDeno(["run", ...rights, `tasks/examples/${script}.ts`, ...args], {
    cwd: fixture(".."),
    stdout: "piped",
    stderr: "piped",
  });
  const [output, errors, { code }] = await Promise.all([
    new Response(child.stdout).text(),
    new Response(child.stderr).text(),
    child.status,
  ]);
  assertEquals(code, 0, errors);
  return output;
}

/** The numbers of a picture, which shows something. */
async function picture(path: string, height: number, width: number): Promise<Uint8Array> {
  const { shape, data } = await readImage(path);
  assertEquals(shape, [height, width, 3]);
  assert(new Set(data).size > 16, `${path} is all but empty`);
  return data;
}

Deno.test("examples train and render, edit, follow points, and load the model from PyTorch's format", async () => {
  await using temporary = await temporaryFolder();
  const folder = temporary.path, path = (name: string) => join(folder, name);

  const reports = (await run("train_and_render", folder, folder)).trim().split("\n");
  assertMatch(reports.at(-1)!, /^dynamic step 40: \d+\.\d dB$/);
  const checkpoint = await loadCheckpoint(path("checkpoint.safetensors"));
  assertEquals(checkpoint.stage, "done");
  const views = [];
  for (let i = 0; i < 6; i++) views.push(await picture(path(`view-${i}.png`), 36, 64));
  assert(psnr(views[0], views[3]) < 40, "the path stands still");

  await run("edit", folder, folder);
  const [plain, edited] = [path("plain.png"), path("edited.png")];
  const change = psnr(await picture(plain, 36, 64), await picture(edited, 36, 64));
  assert(change < 40, `the edit changes nothing: ${change} dB`);

  const track = (await run("follow_points", folder, folder)).trim().split("\n");
  assertEquals(track.map((line) => /^frame (\d+): /.exec(line)?.[1]), [..."2345678"]);
  assert(new Set(track.map((line) => line.split(": ")[1])).size > 1, "nothing moves");
  await picture(path("tracks.png"), 36, 64);

  const name = "checkpoint.safetensors";
  const { bytes } = toOfficialStateDict(await loadWeightsFile(path(name)), name);
  await Deno.writeFile(path("official.pth"), bytes);
  const data = path("golden"); // 4 frames: fewer to encode
  await copyFolder(fixture("goldens/scene_io/scene"), data);
  const about = await run("load_pytorch", folder, path("official.pth"), data);
  assertMatch(about, /^zip, \d+ tensors, SHA-256 [0-9a-f]{64}\n$/);
  await picture(join(data, "pytorch.png"), 18, 32);
  const { tensors, recipe } = await loadCheckpoint(join(data, "pytorch.safetensors"));
  assertEquals(recipe.model, checkpoint.recipe.model);
  const weight = "mlp_dynamic.lin_in.weight";
  assertEquals(tensors.get(weight), checkpoint.tensors.get(weight));
});

Deno.test("the example that prepares makes flow and masks of a scene's frames", async () => {
  await using temporary = await temporaryFolder();
  const folder = temporary.path, weights = formulaWeights(), data = join(folder, "scene");
  await Deno.mkdir(join(data, "images"), { recursive: true });
  const golden = fixture("goldens/scene_io/scene");
  await Deno.copyFile(join(golden, "poses_bounds.npy"), join(data, "poses_bounds.npy"));
  await copyFolder(join(golden, "images"), join(data, "images"));
  const tensors = raftParameters.map(({ name, shape }): [string, PthTensor] => [
    `module.${name}`,
    { dtype: "F32", shape: [...shape], data: weights.get(name)! },
  ]);
  const file = join(folder, "raft-things.pth");
  await Deno.writeFile(file, encodePth(new Map(tensors)));

  await run("prepare", folder, file, data);
  const flows = ["000_fwd.npz", "001_bwd.npz", "001_fwd.npz", "002_bwd.npz", "002_fwd.npz"];
  assertEquals(await names(join(data, "flow")), [...flows, "003_bwd.npz"]);
  assertEquals(await names(join(data, "motion_masks")), await names(join(data, "images")));
});
