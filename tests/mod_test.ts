import { assert, assertEquals } from "@std/assert";
import { join } from "@std/path";
import { encodeCheckpoint, loadScene, own, type Recipe, Trainer } from "../mod.ts";
import { readImage } from "../src/data/image.ts";
import { runDeno } from "../tasks/driver/run_deno.ts";
import { copyFolder, fixture, temporaryFolder } from "./data/temporary_folder.ts";
import { testGpu } from "./support/gpu.ts";

const recipe: Recipe = {
  ...own("small", ["Balloon1"]),
  model: { hidden: 16, globalCode: 8, globalHidden: 8, videoWidth: 4, imageWidth: 4 },
  frameWidth: 0,
  encoderWidth: 16,
  encoderHeight: 16,
  rays: 32,
  samples: 8,
  staticSteps: 2,
  dynamicSteps: 2,
};

/** The first example in the documentation of `mod.ts`. */
async function example(): Promise<string> {
  const doc = (await Deno.readTextFile(fixture("../mod.ts"))).split("*/")[0];
  return doc.match(/```ts\n([^]*?)```/)![1].replaceAll(/^ \* ?/gm, "");
}

/** A folder as the example finds it: a scene, and the checkpoint of a run on it. */
async function folderOfARun() {
  const folder = await temporaryFolder();
  const data = join(folder.path, "data", "Balloon1");
  await copyFolder(fixture("goldens/scene_io/scene"), data);
  const trainer = await Trainer.create(await testGpu(), recipe, [await loadScene(data, recipe)]);
  assertEquals(await trainer.run(), "done");
  const run = join(folder.path, "runs", "own-small");
  await Deno.mkdir(run, { recursive: true });
  const checkpoint = encodeCheckpoint({ recipe, ...await trainer.state() });
  await Deno.writeFile(join(run, "checkpoint.safetensors"), checkpoint);
  trainer.destroy();
  return folder;
}

/** Serves the project's sources as any web server does. */
function serveSources() {
  return Deno.serve({ hostname: "127.0.0.1", port: 0, onListen() {} }, async (request) => {
    const path = new URL(request.url).pathname;
    const type = path.endsWith(".ts") ? "application/typescript" : "text/plain";
    if (!/^\/(mod\.ts|(src|wgsl)\/[\w./-]+)$/.test(path)) return new Response("", { status: 404 });
    const file = await Deno.readFile(fixture(`..${path}`));
    return new Response(file, {
      headers: { "content-type": path.endsWith(".js") ? "text/javascript" : type },
    });
  });
}

Deno.test("mod.ts works when a script elsewhere imports it from an address, with no configuration", async () => {
  await using folder = await folderOfARun();
  await using server = serveSources();
  const origin = `127.0.0.1:${server.addr.port}`;
  const script = (await example()).replace("./mod.ts", `http://${origin}/mod.ts`);
  await Deno.writeTextFile(join(folder.path, "script.ts"), script);
  const child = runDeno([
    "run",
    "--no-config",
    "--no-lock",
    "--no-prompt",
    "--check",
    `--allow-import=${origin}`,
    "--allow-read=data,runs",
    "--allow-write=view.png",
    "script.ts",
  ], { cwd: folder.path, stdout: "piped", stderr: "piped" });
  const [errors, { code }] = await Promise.all([new Response(child.stderr).text(), child.status]);
  assertEquals(code, 0, errors);

  const { shape, data } = await readImage(join(folder.path, "view.png"));
  assertEquals(shape, [18, 32, 3]);
  assert(new Set(data).size > 16, "the picture is all but empty");
});
