import { assertEquals, assertMatch } from "@std/assert";
import { join } from "@std/path";
import { encodePng } from "../../../src/data/formats/png.ts";
import { readFlow } from "../../../src/data/scene/scene_files.ts";
import { encodePth } from "../../../src/data/weights/encode_pth.ts";
import { raftParameters } from "../../../src/data/weights/raft_weights.ts";
import { Raft } from "../../../src/preparation/raft/raft.ts";
import { names, temporaryFolder } from "../../data/temporary_folder.ts";
import { writeColmapModel } from "../../support/colmap_model.ts";
import { film, filmedScene } from "../../support/filmed_scene.ts";
import { loadCase } from "../../support/goldens.ts";
import { testGpu } from "../../support/gpu.ts";
import { runPrepare } from "./stand_ins.ts";

Deno.test("deno task prepare measures flow by RAFT, from the authors' file of weights, and goes on with the pair where it was stopped", async () => {
  await using folder = await temporaryFolder();
  const at = (...names: string[]) => join(folder.path, ...names);
  const scene = filmedScene({ width: 128, height: 128, factor: 2 });
  const frames = await film(scene, folder.path, 3);
  await Deno.mkdir(at("images"));
  for (const [i, frame] of frames.entries()) {
    await Deno.writeFile(at("images", `${i}.png`), encodePng(frame));
  }
  await writeColmapModel(at("poses"), scene, [0, 1, 2], 0);
  const golden = await loadCase("prep/raft");
  const weights = new Map(
    raftParameters.map(({ name, shape }) => {
      return [name, { data: golden.input(`raft/module.${name}`).data, shape }] as const;
    }),
  );
  const file = encodePth(
    new Map([...weights].map(([name, { data, shape }]) => [
      `module.${name}`,
      { dtype: "F32" as const, shape: [...shape], data },
    ])),
  );
  await Deno.writeFile(at("raft-things.pth"), file);

  const args = [
    ...[at("images"), "--out", at("scene"), "--raft", at("raft-things.pth")],
    ...["--depth", at("depth"), "--depth-is", "depth", "--poses", at("poses")],
  ];
  const first = await runPrepare(
    args,
    undefined,
    (out) => /^flow +1\/2/m.test(out) ? "SIGINT" : undefined,
  );
  assertEquals([first.err, first.code], ["", 130]);
  const unfinished = at("scene", "preparation", "flow.unfinished");
  assertEquals(await names(unfinished), [".from.json", "000_fwd.npz", "001_bwd.npz"]);
  const { out, err, code } = await runPrepare(args);
  assertEquals([err, code], ["", 0]);
  assertMatch(out, /^flow between frames as filmed: RAFT, [\d.]+ % of the pixels agree/m);

  const raft = await Raft.create(
    await testGpu(),
    new Map([...weights].map(([name, { data }]) => [name, data])),
  );
  const encoded = await Promise.all(frames.map((frame) => raft.encode(frame)));
  for (const i of [0, 1]) {
    const flow = await raft.flow(encoded[i], encoded[i + 1]);
    assertEquals((await readFlow(at("scene", "flow", `00${i}_fwd.npz`))).flow.data, flow.data);
  }
  for (const frame of encoded) frame.destroy();
  raft.destroy();
});
