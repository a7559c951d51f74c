import { assert, assertEquals } from "@std/assert";
import { join } from "@std/path";
import config from "../deno.json" with { type: "json" };
import { encodeCheckpoint, encodePng, loadScene, own, type Recipe, Trainer } from "../mod.ts";
import { readImage } from "../src/data/formats/image.ts";
import { runDeno } from "../tasks/driver/run_deno.ts";
import { copyFolder, fixture, temporaryFolder } from "./data/temporary_folder.ts";
import { writeColmapModel } from "./support/colmap_model.ts";
import { film, filmedScene } from "./support/filmed_scene.ts";
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

/**
 * The first example in the documentation of an entry point that has a word in it.
 *
 * @param root Where the project's files are: an address, without the last slash.
 */
async function example(entry: string, word: string, root: string): Promise<string> {
  const doc = (await Deno.readTextFile(fixture(`../${entry}`))).split("*/")[0];
  const examples = [...doc.matchAll(/```ts\n([^]*?)```/g)].map(([, code]) => code);
  return examples.find((code) => code.includes(word))!
    .replaceAll(/^ \* ?/gm, "")
    .replaceAll(/(?<=from )"(.+)"/g, (_, path) => `"${new URL(path, `${root}/${entry}`)}"`);
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

/** Runs `script.ts` of a folder as anyone's own, with the project's files at an address; what it prints. */
async function runScript(folder: string, origin: string, ...rights: string[]): Promise<string> {
  const isolated = ["--no-config", "--no-lock", "--no-prompt", "--check"];
  const child = runDeno(["run", ...isolated, `--allow-import=${origin}`, ...rights, "script.ts"], {
    cwd: folder,
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

Deno.test("every entry point can be imported from an address, with no configuration", async () => {
  await using folder = await temporaryFolder();
  await using server = serveSources();
  const origin = `127.0.0.1:${server.addr.port}`;
  const entries = Object.values(config.exports);
  const lines = entries.map((path, i) =>
    `import * as entry${i} from "${new URL(path, `http://${origin}/`)}";\n` +
    `console.log(Object.keys(entry${i}).join());`
  );
  await Deno.writeTextFile(join(folder.path, "script.ts"), lines.join("\n"));
  const names = await Promise.all(entries.map((path) => import(`../${path}`)));
  assertEquals(
    await runScript(folder.path, origin),
    names.map((names) => `${Object.keys(names)}\n`).join(""),
  );
});

Deno.test("mod.ts renders when a script elsewhere imports it from an address, as its example does", async () => {
  await using folder = await folderOfARun();
  await using server = serveSources();
  const origin = `127.0.0.1:${server.addr.port}`;
  const script = await example("mod.ts", "ImageRenderer", `http://${origin}`);
  await Deno.writeTextFile(join(folder.path, "script.ts"), script);
  await runScript(folder.path, origin, "--allow-read=data,runs", "--allow-write=view.png");

  const { shape, data } = await readImage(join(folder.path, "view.png"));
  assertEquals(shape, [18, 32, 3]);
  assert(new Set(data).size > 16, "the picture is all but empty");
});

/** In place of the networks, whose weights are elsewhere: the truth about the frames, from files. */
const TRUTH = `
import { loadDepth, loadFlow } from "${new URL("../src/data/mod.ts", import.meta.url)}";

let frames = 0;
const raft = {
  encode: () => Promise.resolve(frames++),
  async flow(from: number, to: number) {
    return (await loadFlow(\`flow/00\${from}_\${to > from ? "fwd" : "bwd"}.npz\`)).flow;
  },
};
let maps = 0;
const midas = { depth: () => loadDepth(\`depth/00\${maps++}.npy\`, { kind: "depth" }) };
await prepareScene(
  ["000.png", "001.png", "002.png", "003.png"],
  raft as unknown as Raft,
  midas as unknown as Midas,
);
`;

Deno.test("src/preparation/mod.ts has what makes a scene of frames, flow and depth, as its example does", async () => {
  await using folder = await temporaryFolder();
  const world = filmedScene({ width: 160, height: 128, factor: 1 });
  const frames = await film(world, folder.path, 4);
  await Deno.mkdir(join(folder.path, "filmed"));
  for (const [i, frame] of frames.entries()) {
    await Deno.writeFile(join(folder.path, "filmed", `00${i}.png`), encodePng(frame));
  }
  await writeColmapModel(join(folder.path, "colmap", "sparse", "0"), world, [0, 1, 2, 3], 0);
  const script = join(folder.path, "script.ts");
  const root = new URL("..", import.meta.url).href.slice(0, -1);
  const code = await example("src/preparation/mod.ts", "prepareScene", root);
  await Deno.writeTextFile(script, `${code}\n${TRUTH}`);
  const rights = ["--no-prompt", "--allow-read=filmed,colmap,flow,depth", "--allow-write=data"];
  const child = runDeno(["run", "--check", "--no-lock", ...rights, "script.ts"], {
    cwd: folder.path,
    stderr: "piped",
  });
  const [errors, { success }] = await Promise.all([
    new Response(child.stderr).text(),
    child.status,
  ]);
  assert(success, errors);

  const scene = await loadScene(join(folder.path, "data", "my"), { factor: 1 });
  assertEquals([scene.frames, scene.width, scene.height], [4, 160, 128]);
  const moving = scene.moving.data.reduce((sum, value) => sum + value, 0);
  const share = moving / scene.moving.data.length; // the balloons
  assert(share > 0.1 && share < 0.7, `${share}`);
});
