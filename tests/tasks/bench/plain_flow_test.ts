import { assert } from "@std/assert";
import { recordContext, recordFeatures } from "../../../src/preparation/raft/encoder.ts";
import { RaftLayers } from "../../../src/preparation/raft/layers.ts";
import { paddedSize, uploadPicture } from "../../../src/preparation/raft/picture.ts";
import { runDispatches, runInPieces } from "../../../src/nets/pieces.ts";
import { readTensor } from "../../../src/runtime/readback.ts";
import { formulaWeights, movingFrame } from "../../../tasks/bench/flow_inputs.ts";
import { type PlainParts, prepareFlow } from "../../../tasks/bench/plain_flow.ts";
import { testGpu } from "../../support/gpu.ts";

const forms: PlainParts[] = [
  {},
  { mask: true },
  { unit: true },
  { volume: true },
  { mask: true, unit: true, volume: true },
];

Deno.test("what RAFT saves leaves the flow as its definition has it, within 1e-4 pixels", async () => {
  const gpu = await testGpu();
  const before = gpu.allocatedBytes;
  const weights = formulaWeights();
  const layers = await RaftLayers.create(gpu, weights);
  const size = paddedSize(131, 150);
  const flows = await runInPieces(gpu, "raft", 1, {}, async (pieces) => {
    const pictures = [0, 1].map((time) =>
      uploadPicture(pieces.upload, movingFrame(150, 131, time), size)
    );
    const pair = await pieces.run("encoders", 1, (plan) => {
      const [first, second] = pictures.map((picture) => recordFeatures(plan, layers, picture));
      const context = recordContext(plan, layers, pictures[0]);
      return {
        result: { first, second, ...context },
        outputs: [first, second, context.hidden, ...context.shares],
      };
    });
    const flows: Float32Array[] = [];
    for (const plain of forms) {
      const flow = await prepareFlow(gpu, layers, weights, {
        pair,
        frame: pictures[0],
        height: size.paddedHeight / 8,
        width: size.paddedWidth / 8,
        window: size,
      }, plain);
      await runDispatches(gpu, "test", flow.dispatches(6));
      flows.push(await readTensor(gpu, flow.fine));
      flow.destroy();
    }
    pieces.destroy();
    return flows;
  });
  const [saved, ...plain] = flows;
  assert(saved.some((value) => Math.abs(value) > 4), "the flow is too small to tell");
  plain.forEach((flow, i) => {
    const most = flow.reduce((most, value, k) => Math.max(most, Math.abs(value - saved[k])), 0);
    assert(most < 1e-4, `${Object.keys(forms[i + 1])}: ${most} pixels`);
  });
  layers.destroy();
  assert(gpu.allocatedBytes === before, "memory is left");
});
