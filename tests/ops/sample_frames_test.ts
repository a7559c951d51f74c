import { assertEquals } from "@std/assert";
import { chooseFrames } from "../../src/ops/choose_frames.ts";
import { sampleFrames } from "../../src/ops/sample_frames.ts";

import { assertClose } from "../support/close.ts";
import { type CheckedInput, randomArray } from "../support/gpu.ts";
import { runRecorded } from "../support/recorded.ts";
import { rigsOf, seenAt, seenInputs } from "../support/seen_frames.ts";

const [height, width, channels] = [9, 16, 8];

for (const [count, paging] of [[1, [4]], [65, [7]], [257, [3, 4]]] as const) {
  Deno.test(`sampleFrames() is the sum of bilinear samples by share, ${count} points, pages of ${paging}`, async () => {
    const rigs = rigsOf();
    // the second scene's 7 frames come in pages
    const paged = [[4], paging.length > 1 ? paging : [7]];
    const maps = rigs.map((cameras, s) =>
      randomArray(40 + s, cameras.length * height * width * channels)
    );
    const pageInputs = paged.flatMap((sizes, s) => {
      let first = 0;
      return sizes.map((held, k) => {
        const each = height * width * channels;
        const data = maps[s].slice(first * each, (first + held) * each);
        first += held;
        return [`page${s}${k}`, {
          shape: [held, height, width, channels] as number[],
          data,
          differentiable: false,
        }] as [string, CheckedInput];
      });
    });
    const inputs = { ...seenInputs(count), ...Object.fromEntries(pageInputs) };
    const { outputs } = await runRecorded(inputs, (plan, tensors) => {
      const { points, views } = tensors;
      const frames = [0, 1].map((s) => ({
        cameras: tensors[`cameras${s}`],
        pictures: tensors[`pictures${s}`],
      }));
      const choice = chooseFrames(plan, "choice", { points, views, frames });
      const pages = paged.map((sizes, s) => sizes.map((_, k) => tensors[`page${s}${k}`]));
      const sources = { points, choice, frames, pages };
      return {
        choice,
        y: sampleFrames(plan, "features", sources),
        part: sampleFrames(plan, "part", { ...sources, channels: [4, 4] }),
      };
    });
    const expected = new Float32Array(2 * count * channels);
    rigs.forEach((cameras, s) => {
      const pictures = inputs[`pictures${s}`].data;
      for (let i = 0; i < count; i++) {
        const at = s * count + i;
        const p = [0, 1, 2].map((c) => inputs.points.data[3 * at + c]) as [number, number, number];
        for (const k of [0, 1, 2]) {
          const [frame, share] = [outputs.choice[6 * at + k], outputs.choice[6 * at + 3 + k]];
          const pixel = seenAt(p, cameras, frame);
          if (!pixel || share === 0) continue;
          const within = (value: number, most: number) => Math.min(Math.max(value, 0), most);
          const row = Math.round(within(pixel[1], 17)), column = Math.round(within(pixel[0], 31));
          const picture = 4 * ((frame * 18 + row) * 32 + column);
          const [right, down] = pictures.subarray(picture + 2, picture + 4);
          const x = within((pixel[0] + right) * width / 32, width - 1);
          const y = within((pixel[1] + down) * height / 18, height - 1);
          const [x0, y0] = [
            Math.min(Math.floor(x), width - 2),
            Math.min(Math.floor(y), height - 2),
          ];
          for (let c = 0; c < channels; c++) {
            const texel = (dx: number, dy: number) =>
              maps[s][((frame * height + y0 + dy) * width + x0 + dx) * channels + c];
            const [fx, fy] = [x - x0, y - y0];
            expected[at * channels + c] += share * (
              (1 - fy) * ((1 - fx) * texel(0, 0) + fx * texel(1, 0)) +
              fy * ((1 - fx) * texel(0, 1) + fx * texel(1, 1))
            );
          }
        }
      }
    });
    assertClose(outputs.y, expected, 2e-4, "features");
    const half = outputs.y.filter((_, i) => i % channels >= 4);
    assertEquals(outputs.part, half);
  });
}
