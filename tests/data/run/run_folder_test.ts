import { assertEquals, assertRejects } from "@std/assert";
import { join } from "@std/path";
// @ts-types="npm:@types/ndarray@1.0.14"
import ndarray from "npm:ndarray@1.1.1";
import type { Checkpoint } from "../../../src/data/run/checkpoint.ts";
import { DataError } from "../../../src/data/files.ts";
import { readImage } from "../../../src/data/formats/image.ts";
import {
  latestUnfinishedRun,
  RunFolder,
  type RunRecord,
} from "../../../src/data/run/run_folder.ts";
import { balloon } from "../../../src/recipes/recipe.ts";
import { names, temporaryFolder } from "../temporary_folder.ts";

const recipe = balloon("small");
const record: RunRecord = {
  version: "0.1.0",
  adapter: "a GPU",
  scenes: [{ directory: "data/Balloon1", frames: 12, width: 96, height: 54 }],
  encoders: { video: null, image: { file: "resnet18.pth", sha256: "00" } },
  recipe,
};
const checkpoint: Checkpoint = {
  recipe,
  stage: "static",
  step: 20,
  tensors: new Map([["a", { shape: [2], data: Float32Array.of(1, 2) }]]),
  optimizer: new Map(),
};

Deno.test("RunFolder.create() counts on where a name is taken", async () => {
  await using folder = await temporaryFolder();
  const runs = join(folder.path, "runs");
  for (let i = 0; i < 3; i++) await RunFolder.create(runs, "balloon-small", record);
  assertEquals(await names(runs), ["balloon-small", "balloon-small-2", "balloon-small-3"]);
});

Deno.test("RunFolder.createAt() leaves a folder alone that is not empty", async () => {
  await using folder = await temporaryFolder();
  await RunFolder.createAt(join(folder.path, "new"), record);
  await assertRejects(
    () => RunFolder.createAt(folder.path, record),
    DataError,
    'it is not empty (it has "new"); choose another folder, or go on with the run in it: --resume',
  );
  assertEquals(await names(folder.path), ["new"]);
});

Deno.test("RunFolder gives back its record and its checkpoint, and leaves no temporary file", async () => {
  await using folder = await temporaryFolder();
  const { directory } = await RunFolder.create(folder.path, "run", record);
  await (await RunFolder.open(directory)).writeCheckpoint(checkpoint);
  const opened = await RunFolder.open(directory);
  assertEquals(opened.record, record);
  assertEquals(await opened.readCheckpoint(), checkpoint);
  await opened.writeRender("view", ndarray(new Uint8Array(12).fill(7), [2, 2, 3]));
  await opened.writeEvaluation({ psnr: 20 });
  assertEquals(await names(directory), [
    "checkpoint.safetensors",
    "evaluation.json",
    "recipe.json",
    "renders",
  ]);
  assertEquals((await readImage(opened.path("renders", "view.png"))).shape, [2, 2, 3]);
});

Deno.test("RunFolder.open() says what is wrong with a folder that is no run's", async () => {
  await using folder = await temporaryFolder();
  const { directory } = await RunFolder.create(folder.path, "run", record);
  await assertRejects(
    () => RunFolder.open(folder.path),
    DataError,
    `"${folder.path}" is no run's folder; name one under runs/`,
  );
  const cases: [string, string][] = [
    ["{", "JSON"],
    ["null", '"version" is undefined, wanted a text'],
    [JSON.stringify({ ...record, scenes: [{}] }), '"scenes" is wanted as a list'],
    [JSON.stringify({ ...record, encoders: null }), '"encoders" is wanted as {video, image}'],
    [JSON.stringify({ ...record, encoders: { video: {}, image: null } }), '"encoders" is wanted'],
    [
      JSON.stringify({ ...record, recipe: { ...recipe, rays: -1 } }),
      '"rays" is -1, wanted a whole number of at least 2 (rays); start a new run',
    ],
  ];
  for (const [text, message] of cases) {
    await Deno.writeTextFile(join(directory, "recipe.json"), text);
    await assertRejects(() => RunFolder.open(directory), DataError, message);
  }
});

Deno.test("RunFolder.readCheckpoint() refuses one that is missing, or of another recipe", async () => {
  await using folder = await temporaryFolder();
  const run = await RunFolder.create(folder.path, "run", record);
  await assertRejects(
    () => run.readCheckpoint(),
    DataError,
    "the run ended before its first checkpoint; start a new one",
  );
  await run.writeCheckpoint({ ...checkpoint, recipe: { ...recipe, rays: 64 } });
  await assertRejects(() => run.readCheckpoint(), DataError, "another recipe than");
});

Deno.test("RunFolder.trimMetrics() drops what comes after a checkpoint, and a line cut short", async () => {
  await using folder = await temporaryFolder();
  const run = await RunFolder.create(folder.path, "run", record);
  await run.trimMetrics(checkpoint); // nothing there yet
  const positions = [["static", 10], ["static", 20], ["static", 30], ["dynamic", 10]] as const;
  for (const [stage, step] of positions) await run.appendMetrics({ stage, step, psnr: 20 });
  const path = run.path("metrics.jsonl");
  await Deno.writeTextFile(path, '{"stage":"dyn', { append: true });
  await run.trimMetrics({ stage: "dynamic", step: 0 });
  const lines = async () =>
    (await Deno.readTextFile(path)).trimEnd().split("\n").map((l) => JSON.parse(l));
  assertEquals((await lines()).map(({ step }) => step), [10, 20, 30]);
  await run.trimMetrics(checkpoint);
  assertEquals(await lines(), [
    { stage: "static", step: 10, psnr: 20 },
    { stage: "static", step: 20, psnr: 20 },
  ]);
});

Deno.test("latestUnfinishedRun() finds the run written to last that has no scores", async () => {
  await using folder = await temporaryFolder();
  await assertRejects(
    () => latestUnfinishedRun(folder.path),
    DataError,
    "has none that is unfinished",
  );
  const runs: RunFolder[] = [];
  for (const time of [30, 20, 40, 50]) {
    const run = await RunFolder.create(folder.path, "run", record);
    await run.writeCheckpoint(checkpoint);
    await Deno.utime(run.path("checkpoint.safetensors"), time, time);
    runs.push(run);
  }
  await runs[3].writeEvaluation({});
  await RunFolder.create(folder.path, "run", record); // stopped before it had anything to go on from
  assertEquals(await latestUnfinishedRun(folder.path), runs[2].directory);
  assertEquals(await runs[3].isFinished(), true);
});
