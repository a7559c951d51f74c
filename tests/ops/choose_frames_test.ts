import { assert, assertAlmostEquals, assertThrows } from "@std/assert";
import { chooseFrames } from "../../src/ops/choose_frames.ts";
import { Plan } from "../../src/runtime/plan.ts";
import { createTensor } from "../../src/runtime/tensor.ts";
import { testGpu } from "../support/gpu.ts";
import { runRecorded } from "../support/recorded.ts";
import { rigsOf, seenAt, seenInputs, spacing } from "../support/seen_frames.ts";

const smoothstep = (low: number, high: number, x: number) => {
  const t = Math.min(Math.max((x - low) / (high - low), 0), 1);
  return t * t * (3 - 2 * t);
};

for (const count of [1, 63, 65, 257]) {
  Deno.test(`chooseFrames() takes the best three frames by its formula, for ${count} points of scenes with 4 and 7`, async () => {
    const inputs = seenInputs(count);
    const { outputs: { choice } } = await runRecorded(inputs, (plan, tensors) => {
      const { points, views } = tensors;
      const frames = [0, 1].map((s) => ({
        cameras: tensors[`cameras${s}`],
        pictures: tensors[`pictures${s}`],
      }));
      return { choice: chooseFrames(plan, "choice", { points, views, frames }) };
    });
    let near = 0;
    rigsOf().forEach((cameras, s) => {
      const pictures = inputs[`pictures${s}`].data;
      for (let i = 0; i < count; i++) {
        const at = s * count + i;
        const p = [0, 1, 2].map((c) => inputs.points.data[3 * at + c]) as [number, number, number];
        const scores = cameras.map((camera, f) => {
          const square = [3, 7, 11].reduce(
            (sum, k) => sum + (camera.cameraToWorld[k] - cameras[1].cameraToWorld[k]) ** 2,
            0,
          );
          const pixel = seenAt(p, cameras, f);
          if (!pixel) return 0;
          const [u, v] = pixel;
          const margin = Math.min(u, v, 31 - u, 17 - v);
          const inside = Math.min(Math.max((margin + 0.5) / 3, 0), 1);
          const [x, y] = [
            Math.round(Math.min(Math.max(u, 0), 31)),
            Math.round(Math.min(Math.max(v, 0), 17)),
          ];
          const k = 4 * ((f * 18 + y) * 32 + x);
          const visible = 1 - smoothstep(0.1, 0.2, p[2] - pictures[k + 1]);
          const seen = pictures[k] * (inside * (visible + 1e-3) + 1e-5) + 1e-7 * (inside + 0.1);
          return seen / (square / spacing + 0.01);
        });
        const best = scores.map((score, f) => ({ score, f })).sort((a, b) => b.score - a.score);
        const sum = best.slice(0, 3).reduce((total, { score }) => total + score, 0);
        const row = choice.subarray(6 * at, 6 * at + 6);
        const shares = row.subarray(3);
        assertAlmostEquals(shares[0] + shares[1] + shares[2], 1, 1e-5);
        // where pixels lie between two texels float32 may round to the other one
        const wrong = [0, 1, 2].some((k) =>
          Math.abs(scores[row[k]] / sum - shares[k]) > 1e-3 ||
          Math.abs(best[k].score / sum - shares[k]) > 1e-3
        );
        if (wrong) near++;
      }
    });
    assert(near <= 0.01 * 2 * count, `${near} of ${2 * count} points have other frames or shares`);
  });
}

Deno.test("chooseFrames() refuses cameras and pictures of different numbers of frames", async () => {
  const gpu = await testGpu();
  const tensor = (shape: number[], layout: "rows" | "blocks" = "rows") =>
    createTensor(gpu, "t", shape, { layout });
  const record = () =>
    chooseFrames(new Plan(gpu, "wrong"), "choice", {
      points: tensor([1, 5, 3], "blocks"),
      views: tensor([1, 3, 16]),
      frames: [{ cameras: tensor([3, 16]), pictures: tensor([4, 18, 32, 4]) }],
    });
  assertThrows(
    record,
    Error,
    'Cannot record chooseFrames "choice": cameras is (3, 16) in rows, wanted (4, 16) in rows',
  );
});
