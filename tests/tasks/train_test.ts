import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { join } from "@std/path";
// @ts-types="npm:@types/ndarray@1.0.14"
import ndarray from "npm:ndarray@1.1.1";
import { generateProceduralScene } from "../../src/data/procedural/mod.ts";
import { loadCheckpoint } from "../../src/data/run/checkpoint.ts";
import { readImage } from "../../src/data/formats/image.ts";
import { encodeNpy } from "../../src/data/formats/npy.ts";
import { readNpy } from "../../src/data/formats/npy.ts";
import type { Evaluation } from "../../src/evaluation/report.ts";
import { runDeno } from "../../tasks/driver/run_deno.ts";
import { permissionFlags } from "../../tasks/permissions.ts";
import { grantsOf } from "../../tasks/start.ts";
import { copyFolder, fixture, names, temporaryFolder } from "../data/temporary_folder.ts";

/** Everything as small as it can be. */
const TINY = (
  "--preset small --hidden 16 --global-code 8 --global-hidden 8 --video-width 4 --image-width 4 " +
  "--encoder-width 16 --encoder-height 16 --factor 2 --rays 32 --samples 8 --static-steps 6 --dynamic-steps 40 " +
  "--evaluation-views 2 --report-every 1 --checkpoint-every 20 --feature-cache-limit 0"
).split(" ");

/** Starts `deno task train` as the task runner does, once it has found an adapter. */
function spawnTrain(args: string[]) {
  const flags = permissionFlags(grantsOf("train")!, args);
  return runDeno(["run", "--no-check", ...flags, "tasks/train.ts", ...args], {
    cwd: fixture(".."),
    stdout: "piped",
    stderr: "piped",
  });
}

/** Runs it to its end; sends Ctrl-C when `stopAt` has been printed. */
async function train(args: string[], stopAt?: RegExp) {
  const child = spawnTrain(args);
  const err = new Response(child.stderr).text();
  let out = "", stopped = false;
  for await (const text of child.stdout.pipeThrough(new TextDecoderStream())) {
    out += text;
    if (stopAt === undefined || stopped || !stopAt.test(out)) continue;
    stopped = true;
    child.kill("SIGINT");
  }
  return { out, err: await err, code: (await child.status).code };
}

/** A data folder with `balloon1`, `balloon2`: procedural, 12 frames of 64×36. */
async function proceduralData() {
  const folder = await temporaryFolder();
  for (const name of ["balloon1", "balloon2"]) {
    await generateProceduralScene(name, join(folder.path, name), { width: 64, height: 36 });
  }
  return folder;
}

/** A data folder with the golden scene, 4 frames of 64×36 without held-out views, under the names given. */
async function goldenData(...scenes: string[]) {
  const folder = await temporaryFolder();
  for (const name of scenes) {
    await copyFolder(fixture("goldens/scene_io/scene"), join(folder.path, name));
  }
  return folder;
}

Deno.test("deno task train makes a run folder; Ctrl-C and --resume give the very same checkpoint", async () => {
  await using data = await proceduralData();
  const run = (name: string) => join(data.path, name);
  const cache = ["--feature-cache", run("features"), "--feature-cache-limit", "1"];
  const start = (name: string, ...more: string[]) => [
    ...["own", "balloon1", "balloon2", "--data", data.path, "--run", run(name)],
    ...TINY,
    ...cache,
    ...more,
  ];

  const whole = await train(start("whole"));
  assertEquals([whole.err, whole.code], ["", 0]);
  assertEquals(await names(run("whole")), [
    "checkpoint.safetensors",
    "contact-sheet.png",
    "evaluation.json",
    "metrics.jsonl",
    "recipe.json",
    "renders",
    "report.html",
  ]);
  assertMatch(whole.out, /balloon1 12 frames of 32 x 18, 132 held-out views \+ balloon2 /);
  assertMatch(whole.out, /\nFeatures of 24 frames: video encoded in [\d.]+ s, [\d.]+ GFLOP at /);
  assertEquals((await names(run("features"))).length, 2);
  assertMatch(whole.out, /\nstatic +5\/6 .* dB .* steps\/s/);
  assertMatch(whole.out, /held-out views +views +PSNR +nearest frame +mean image/);
  assertMatch(whole.out, /\nall +4 +\d/);

  const evaluation: Evaluation = JSON.parse(
    await Deno.readTextFile(join(run("whole"), "evaluation.json")),
  );
  assertEquals([evaluation.protocol, evaluation.views], ["held-out views", 4]);
  assertEquals(Object.keys(evaluation.scenes), ["balloon1", "balloon2"]);
  const { psnr, ssim, baselines, dynamicness } = evaluation;
  for (const value of [psnr, ssim, baselines.nearest.psnr, baselines.mean.psnr]) {
    assert(value > 0);
  }
  assert(dynamicness.moving !== null && dynamicness.still !== null);
  assertEquals((await names(join(run("whole"), "renders"))).length, 4 * 6);
  const [render] = await names(join(run("whole"), "renders"));
  assertEquals((await readImage(join(run("whole"), "renders", render))).shape, [18, 32, 3]);

  const { recipe, stage, optimizer } = await loadCheckpoint(
    join(run("whole"), "checkpoint.safetensors"),
  );
  assertEquals([recipe.model.hidden, stage, optimizer.size], [16, "done", 0]);

  const first = await train(start("parts"), /\ndynamic +5\/40/);
  assertEquals([first.err, first.code], ["", 130]);
  assertStringIncludes(first.out, `Stopped. To go on: deno task train --resume ${run("parts")}`);
  const { step } = await loadCheckpoint(join(run("parts"), "checkpoint.safetensors"));
  assert(step >= 5 && step < 40, `stopped at dynamic step ${step}`);
  assert(!(await names(run("parts"))).includes("evaluation.json"));

  const elsewhere = ["--data", data.path]; // where they are still
  const rest = await train([
    "--resume",
    run("parts"),
    "--report-every",
    "1",
    ...cache,
    ...elsewhere,
  ]);
  assertEquals([rest.err, rest.code], ["", 0]);
  for (const { out } of [first, rest]) {
    assertMatch(out, /: video read from the cache in [\d.]+ s; image read from the cache in /);
  }
  const bytes = (name: string) => Deno.readFile(join(run(name), "checkpoint.safetensors"));
  assertEquals(await bytes("parts"), await bytes("whole"));
  const steps = async (name: string) =>
    (await Deno.readTextFile(join(run(name), "metrics.jsonl"))).trimEnd().split("\n")
      .map((line) => JSON.parse(line)).map(({ stage, step, losses }) => [stage, step, losses]);
  assertEquals(await steps("parts"), await steps("whole"));
});

Deno.test("deno task train balloon trains on the one scene that is there, and scores its own frames", async () => {
  await using data = await goldenData("Balloon1");
  const run = join(data.path, "run");
  const image = fixture("data/weights/encoder_weights/resnet18_legacy.pth"); // 4 wide
  const { out, err, code } = await train([
    ...["balloon", "--data", data.path, "--run", run, "--image-encoder", image],
    ...[...TINY, "--dynamic-steps", "2", "--skip-norm", "1e-6"],
  ]);
  assertEquals([err, code], ["", 0]);
  assertEquals(
    [...out.matchAll(/^Step \d is left out: its gradient's norm is \d+, over /gm)].length,
    1,
  );
  assertStringIncludes(out, "Balloon1 4 frames of 32 x 18, no held-out view");
  assertMatch(out, /\(alone, as ".*Balloon2" is not there\)/);
  assertMatch(out, /^Video encoder: seeded, 4 wide; .*https:.*\nImage encoder: ".*", 4 wide\n/m);
  const { encoders } = JSON.parse(await Deno.readTextFile(join(run, "recipe.json")));
  assertEquals([encoders.video, encoders.image.file], [null, "resnet18_legacy.pth"]);
  const { protocol, views } = JSON.parse(await Deno.readTextFile(join(run, "evaluation.json")));
  assertEquals([protocol, views], ["training-views", 2]);
});

Deno.test("deno task train generalization starts from a run's model, and trains a twin from scratch to compare", async () => {
  await using data = await goldenData("known", "novel");
  const [known, novel] = [join(data.path, "run"), join(data.path, "novel-run")];
  const first = await train(["own", "known", "--data", data.path, "--run", known, ...TINY]);
  assertEquals([first.err, first.code], ["", 0]);
  const start = [
    ...["generalization", "novel", "--data", data.path, "--from", known, "--preset", "small"],
    ...[
      "--steps",
      "2",
      "--rays",
      "32",
      "--samples",
      "8",
      "--factor",
      "2",
      "--evaluation-views",
      "1",
    ],
    ...["--feature-cache-limit", "0"],
  ];
  const { out, err, code } = await train([...start, "--run", novel]);
  assertEquals([err, code], ["", 0]);
  assertStringIncludes(out, `Starting from "${known}": own of known, trained to its end.`);
  assertMatch(out, /dB from the trained model, .* dB from scratch after as many steps: /);
  const open = (...path: string[]) => loadCheckpoint(join(...path, "checkpoint.safetensors"));
  const [trained, pretrained, scratch] = [
    await open(known),
    await open(novel),
    await open(novel, "scratch"),
  ];
  // the model's widths in both, each at the learning rate that suits it
  assertEquals([pretrained.recipe.learningRate, scratch.recipe.learningRate], [5e-4, 2e-3]);
  assertEquals({ ...pretrained.recipe, learningRate: 2e-3 }, scratch.recipe);
  assertEquals(pretrained.recipe.model, trained.recipe.model);
  assertEquals([pretrained.recipe.staticSteps, pretrained.recipe.dynamicSteps], [2, 2]);
  const drift = (one: typeof trained) => {
    const name = "mlp_dynamic.blocks.0.fc_0.weight";
    const [a, b] = [one, trained].map(({ tensors }) => tensors.get(name)!.data);
    return Math.max(...a.map((value, i) => Math.abs(value - b[i])));
  };
  assert(
    drift(pretrained) < 0.01 && drift(scratch) > 0.03,
    `${drift(pretrained)}, ${drift(scratch)}`,
  );
  const record = JSON.parse(await Deno.readTextFile(join(novel, "recipe.json")));
  assertEquals([record.from, record.encoders], [known, undefined]);

  const wider = await train([...start, "--run", join(data.path, "wider"), "--hidden", "32"]);
  assertEquals(wider.code, 1);
  assertStringIncludes(wider.err, `Cannot train with --hidden 32: the model of "${known}" has 16;`);
  const nowhere = await train([...start, "--from", join(data.path, "nowhere")]);
  assertStringIncludes(nowhere.err, "there is no such run or file");
});

Deno.test("deno task train names the term and step of a loss that is not finite, and keeps the checkpoint before", async () => {
  await using data = await goldenData("scene");
  const run = join(data.path, "run");
  const { out, err, code } = await train(
    ["own", "scene", "--data", data.path, "--run", run, ...TINY, "--learning-rate", "1e30"],
  );
  assertEquals(code, 1);
  assertStringIncludes(out, `The last good checkpoint stays in "${run}".`);
  assertMatch(
    err,
    /^Cannot go on training: \w+ is (NaN|Infinity|-Infinity) in step \d of the static stage; .*\n$/,
  );
  const { stage, step } = await loadCheckpoint(join(run, "checkpoint.safetensors"));
  assertEquals([stage, step], ["static", 0]);
});

Deno.test("deno task train refuses a bad command line with exit code 2 and what to do", async () => {
  const cases: [string, string][] = [
    ["baloon", 'Unknown recipe "baloon", did you mean "balloon"?\n--help lists all flags.\n'],
    ["", "Cannot train: no recipe is named; there are balloon, balloon-umbrella, "],
    ["own", 'Cannot train "own": no scene is named; add the names of their folders'],
    ["balloon --stattic-steps 3", 'Unknown flag "--stattic-steps", did you mean "--static-steps"?'],
    ["balloon --rays 1", 'Cannot read "--rays": value is "1", wanted a whole number of at least 2'],
    [
      "balloon --video-width 6",
      'Cannot read "--video-width": value is "6", wanted a whole number of at least 4 and divisible by 4',
    ],
    [
      "balloon --smooth-tme-weight 1",
      'Unknown flag "--smooth-tme-weight", did you mean "--smooth-time-weight"?',
    ],
    [
      "balloon --ode-solver rk4",
      'Cannot use "--ode-solver": the trajectory is discrete; add --trajectory ode',
    ],
    ["--resume runs/x --rays 64", 'Cannot change "--rays" of a run that goes on'],
  ];
  for (const [line, message] of cases) {
    const { out, err, code } = await train(line.split(" ").filter(Boolean));
    assertEquals([code, out], [2, ""], line);
    assertStringIncludes(err, message);
  }
});

Deno.test("deno task train --help shows every number with its unit and default, of the preset asked for", async () => {
  const { out, code } = await train(["--preset", "full", "--help"]);
  assertEquals(code, 0);
  assertMatch(out, /\n {2}--static-steps +150001 +steps +length of the static stage/);
  assertMatch(out, /\n {2}--hidden +256 +channels /);
  assertMatch(out, /\n {2}--full-color-weight +3 +of mean/);
  assertMatch(out, /\n {2}--preset +full +full\|small /);
  assertStringIncludes((await train(["--list"])).out, "balloon           two scenes, one model");
});

Deno.test("deno task train says what is wrong with its data, and leaves no run folder", async () => {
  await using data = await goldenData("scene", "truncated", "nan");
  const picture = join(data.path, "truncated", "images", "002.png");
  await Deno.writeFile(picture, (await Deno.readFile(picture)).subarray(0, 900));
  const poses = join(data.path, "nan", "poses_bounds.npy");
  const values = await readNpy(poses, ["float64"]);
  values.data[20] = NaN;
  await Deno.writeFile(poses, encodeNpy(ndarray(values.data, values.shape), "float64"));
  await Deno.writeTextFile(join(data.path, "file"), "");

  const cases: [string[], string][] = [
    [
      ["own", "sceen", "--data", data.path],
      `Cannot train on "${
        join(data.path, "sceen")
      }": there is no such folder; "${data.path}" has nan, scene, truncated`,
    ],
    [
      ["own", "scene", "--data", join(data.path, "nowhere")],
      `there is no "${
        join(data.path, "nowhere")
      }" at all: name the folder of your scenes by --data`,
    ],
    [["balloon", "--data", data.path], `Cannot train on "${join(data.path, "Balloon1")}"`],
    [
      ["own", "truncated", "--data", data.path],
      `Cannot read "${picture}": the file is damaged or cut short`,
    ],
    [["own", "nan", "--data", data.path], `"${poses}"`],
    [
      ["own", "scene", "--data", data.path, "--video-encoder", poses],
      `Cannot read "${poses}": it is neither a PyTorch nor a safetensors file`,
    ],
    [["--resume", data.path], `"${data.path}" is no run's folder; name one under runs/`],
  ];
  for (const [args, message] of cases) {
    const run = join(data.path, "run");
    const more = args[0] === "--resume" ? [] : ["--run", run, ...TINY];
    const { err, code } = await train([...args, ...more]);
    assertEquals(code, 1, err);
    assertStringIncludes(err, message);
    assert(!/\n\s+at /.test(err), `a stack is shown: ${err}`);
    assert(!(await names(data.path)).includes("run"));
  }

  const taken = await train(["own", "scene", "--data", data.path, "--run", data.path, ...TINY]);
  assertEquals(taken.code, 1);
  assertMatch(
    taken.err,
    /it is not empty \(it has ".*"\); choose another folder, or go on with the run in it/,
  );
});
