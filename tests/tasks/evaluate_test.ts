import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { basename, join } from "@std/path";
import { lpipsParameters } from "../../src/data/weights/lpips_weights.ts";
import { encodePth, type PthTensor } from "../../src/data/weights/pth.ts";
import { RunFolder } from "../../src/data/run/run_folder.ts";
import { loadScene } from "../../src/data/scene/scene.ts";
import type { Evaluation } from "../../src/evaluation/report.ts";
import { own, type Recipe } from "../../src/recipes/recipe.ts";
import { Trainer } from "../../src/training/trainer.ts";
import { runDeno } from "../../tasks/driver/run_deno.ts";
import { parseCommand } from "../../tasks/evaluate/command.ts";
import { comparisonTables } from "../../tasks/evaluate/compare.ts";
import { permissionFlags } from "../../tasks/permissions.ts";
import { grantsOf } from "../../tasks/start.ts";
import { copyFolder, fixture, names, temporaryFolder } from "../data/temporary_folder.ts";
import { loadCase } from "../support/goldens.ts";
import { testGpu } from "../support/gpu.ts";

const recipe: Recipe = {
  ...own("small", ["scene"]),
  model: { hidden: 16, globalCode: 8, globalHidden: 8, videoWidth: 4, imageWidth: 4 },
  factor: 1,
  frameWidth: 0,
  encoderWidth: 16,
  encoderHeight: 16,
  rays: 32,
  samples: 4,
  staticSteps: 1,
  dynamicSteps: 1,
  evaluationViews: 2,
};

const UNCACHED = ["--feature-cache-limit", "0"];

/** Runs `deno task evaluate` as the task runner does, once it has found an adapter. */
async function evaluate(...args: string[]) {
  const child = runDeno(
    ["run", "--no-check", ...permissionFlags(grantsOf("evaluate", args)!, args)]
      .concat("tasks/evaluate.ts", ...args),
    { cwd: fixture(".."), stdout: "piped", stderr: "piped" },
  );
  const { code, stdout, stderr } = await child.output();
  const [out, err] = [stdout, stderr].map((bytes) => new TextDecoder().decode(bytes));
  return { code, out, err };
}

/**
 * A folder with the golden scene, 4 frames of 64×36, whose cameras all see what the one of that time does; and runs on it that
 * saw so many frames.
 */
async function folderOfRuns(...seen: number[]) {
  const folder = await temporaryFolder();
  const data = join(folder.path, "scene");
  await copyFolder(fixture("goldens/scene_io/scene"), data);
  for (const time of [0, 1, 2, 3]) {
    const views = join(data, "multiview_GT", `0000000${time + 1}`);
    await Deno.mkdir(views, { recursive: true });
    for (const camera of [1, 2, 3, 4]) {
      const frame = await Deno.readFile(join(data, "images", `00${time}.png`));
      await Deno.writeFile(join(views, `cam0${camera}.png`), frame);
    }
  }
  const scene = await loadScene(data, recipe);
  const { frames, width, height } = scene;
  const runs: RunFolder[] = [];
  for (const dynamicFrames of seen) {
    const own = { ...recipe, dynamicFrames };
    const trainer = await Trainer.create(await testGpu(), own, [scene]);
    await trainer.run();
    const run = await RunFolder.create(folder.path, `run-${dynamicFrames}`, {
      version: "0.1.0",
      adapter: "a GPU",
      scenes: [{ directory: data, frames, width, height }],
      recipe: own,
    });
    await run.writeCheckpoint({ recipe: own, ...await trainer.state() });
    trainer.destroy();
    runs.push(run);
  }
  return { folder, runs, [Symbol.asyncDispose]: () => folder[Symbol.asyncDispose]() };
}

/** Both files of LPIPS with the weights of its golden numbers. */
async function writeLpipsFiles(folder: string): Promise<string[]> {
  const golden = await loadCase("prep/lpips");
  const files: [string, RegExp][] = [["network.pth", /^features/], ["heads.pth", /^lin/]];
  return await Promise.all(files.map(async ([file, part]) => {
    const tensors = new Map<string, PthTensor>(
      lpipsParameters.filter(({ name }) => part.test(name)).map(({ name, shape }) => {
        const { data } = golden.input(`lpips/${name}`);
        return [name, { dtype: "F32", shape: [...shape], data }];
      }),
    );
    await Deno.writeFile(join(folder, file), encodePth(tensors));
    return join(folder, file);
  }));
}

Deno.test("deno task evaluate scores a run by the protocol asked for, with LPIPS where its files are named", async () => {
  await using made = await folderOfRuns(0);
  const { directory } = made.runs[0];
  const [network, heads] = await writeLpipsFiles(made.folder.path);
  const { out, err, code } = await evaluate(
    directory,
    ...["--protocol", "mononerf", "--views", "3", ...UNCACHED],
    ...["--lpips-network", network, "--lpips-heads", heads],
  );
  assertEquals([err, code], ["", 0]);
  assertMatch(out, /\nmononerf +views +PSNR +nearest frame +mean image +SSIM +LPIPS /);
  assertMatch(out, /\nscene +3( +\d+\.\d\d dB){3} +-?0\.\d{3} +\d\.\d{3} /);
  assert(!out.includes("LPIPS needs"), out);
  assertEquals(await names(directory), [
    "checkpoint.safetensors",
    "contact-sheet-mononerf.png",
    "evaluation-mononerf.json",
    "recipe.json",
    "renders",
    "report-mononerf.html",
  ]);
  const evaluation = await made.runs[0].readEvaluation("mononerf") as Evaluation;
  assertEquals([evaluation.views, evaluation.of], [3, 16]);
  assertEquals(evaluation.truth, "multiview_GT, PNG of 64 x 36");
  for (const { lpips, baselines } of evaluation.perView) {
    for (const value of [lpips, baselines.mean.lpips]) assert(value! > 0);
  }

  const again = await evaluate(directory, ...UNCACHED);
  assertEquals([again.err, again.code], ["", 0]);
  assertMatch(again.out, /\nheld-out views +views/);
  assertMatch(again.out, /LPIPS needs torchvision's AlexNet \(https:\S+\) and the lpips package's/);
  assert((await names(directory)).includes("report.html"));
});

Deno.test("deno task evaluate compares runs, and scores those that have no scores yet", async () => {
  await using made = await folderOfRuns(2, 3);
  const [two, three] = made.runs.map(({ directory }) => directory);
  const options = ["--protocol", "unseen", ...UNCACHED];
  const first = await evaluate(two, ...options);
  assertEquals([first.err, first.code], ["", 0]);
  assertMatch(first.out, /\nunseen +views .*\n.*\nscene +2 /);

  const both = await evaluate(two, three, ...options);
  assertEquals([both.err, both.code], ["", 0]);
  assertEquals(both.out.match(/scoring views +\d+\/\d+/g)?.at(-1), "scoring views  1/1"); // the second alone
  assertStringIncludes(both.out, "unseen, all 2 views; scene; truth: the scene's own frames");
  assertMatch(both.out, new RegExp(`\\n\\S*${basename(two)} +\\d+\\.\\d\\d +-?0\\.\\d{4} +– `));
  assertStringIncludes(both.out, "to be compared: they stand apart."); // 2 views, and 1
});

Deno.test("deno task evaluate says what it cannot do", async () => {
  await using made = await folderOfRuns(0);
  const { directory } = made.runs[0];
  const cases: [string[], number, string][] = [
    [[], 2, "Cannot evaluate: no run is named; name its folder, as runs/balloon-small\n--help"],
    [["a", "a/"], 2, 'Cannot compare "a" with itself'],
    [
      [directory, "--protocol", "mine"],
      2,
      'Cannot read "--protocol": value is "mine", wanted mono',
    ],
    [[join(directory, "renders")], 1, "is no run's folder; name one under runs/"],
    [
      [directory, "--protocol", "unseen"],
      1,
      'Cannot score "scene" by "unseen": training saw all its 4 frames; choose another protocol',
    ],
    [
      [directory, "--lpips-network", join(directory, "recipe.json"), "--lpips-heads", "x"],
      1,
      `Cannot read "${join(directory, "recipe.json")}"`,
    ],
  ];
  for (const [args, expected, message] of cases) {
    const { out, err, code } = await evaluate(...args);
    assertEquals(code, expected, out + err);
    assertStringIncludes(err, message);
    assert(!/\n\s+at /.test(err), `a stack is shown: ${err}`);
  }
});

Deno.test("parseCommand() of evaluate takes all views of a protocol, and lets runs be written to", () => {
  const command = parseCommand(["runs/a/", "runs/b", "--protocol", "dynnerf"]);
  assertEquals(command.runs, ["runs/a", "runs/b"]);
  assertEquals([command.protocol, command.views, command.again], ["dynnerf", undefined, false]);
  assertEquals(parseCommand(["a", "--views", "0"]).views, 0);
  const { write } = grantsOf("evaluate", ["/x/a", "b", "--views", "3"])!;
  assertEquals(write?.slice(-2), ["/x/a", "b"]);
});

Deno.test("comparisonTables() keeps scores of other views or another truth apart", () => {
  const evaluation = (psnr: number, protocol: string, truth: string): Evaluation => {
    const baselines = { nearest: { psnr: 10, ssim: 0 }, mean: { psnr: 11, ssim: 0 } };
    const scores = {
      views: 2,
      psnr,
      ssim: 0.5,
      baselines,
      dynamicness: { moving: null, still: 0 },
    };
    return { ...scores, protocol, truth, of: 2, scenes: { A: scores }, perView: [] };
  };
  const tables = comparisonTables([
    { run: "one", evaluation: evaluation(20, "mononerf", "JPEG") },
    { run: "two", evaluation: evaluation(21, "dynnerf", "JPEG") },
    { run: "three", evaluation: evaluation(22, "mononerf", "JPEG") },
    { run: "four", evaluation: evaluation(23, "mononerf", "PNG") },
  ]).split("\n\n");
  assertEquals([0, 2, 4].map((i) => tables[i]), [
    "mononerf, all 2 views; A; truth: JPEG",
    "dynnerf, all 2 views; A; truth: JPEG",
    "mononerf, all 2 views; A; truth: PNG",
  ]);
  const rows = tables[1].split("\n").slice(2).map((row) => row.split(/ +/).slice(0, 3));
  assertEquals(rows.map(([run, psnr]) => [run, psnr]), [
    ["one", "20.00"],
    ["three", "22.00"],
    ["nearest", "frame"],
    ["mean", "image"],
  ]);
});
