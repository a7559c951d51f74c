import { assert, assertAlmostEquals, assertEquals, assertRejects } from "@std/assert";
// @ts-types="npm:@types/ndarray@1.0.14"
import ndarray, { type NdArray } from "npm:ndarray@1.1.1";
import { raftParameters } from "../../src/data/weights/raft_weights.ts";
import { paddedSize, Raft } from "../../src/nets/raft.ts";
import { recordContext, recordEncoder, recordFeatures } from "../../src/nets/raft/encoder.ts";
import { RaftLayers } from "../../src/nets/raft/layers.ts";
import {
  createRaftState,
  destroyRaftState,
  recordIteration,
  recordStart,
  recordUpsampled,
} from "../../src/nets/raft/update.ts";
import { correlationLookup, pyramidLevels } from "../../src/ops/correlation_lookup.ts";
import { Plan } from "../../src/runtime/plan.ts";
import { readTensors } from "../../src/runtime/readback.ts";
import { createTensor, destroyTensor, type Tensor, writeTensor } from "../../src/runtime/tensor.ts";
import { type Actual, expectClose, type GoldenCase, loadCase } from "../support/goldens.ts";
import { randomArray, testGpu } from "../support/gpu.ts";

function goldenWeights(golden: GoldenCase): Map<string, Float32Array> {
  return new Map(
    raftParameters.map(({ name }) => [name, golden.input(`raft/module.${name}`).data]),
  );
}

/** `[1, 3, height, width]` to `[height, width, 3]`. */
function channelsLast({ data, shape }: NdArray<Float32Array>): NdArray<Float32Array> {
  const [, channels, height, width] = shape;
  return ndarray(transposed(data, channels), [height, width, channels]);
}

/** The other way: `(a, b)` values to `(b, a)`. */
function transposed(values: Float32Array, a: number): Float32Array {
  const b = values.length / a;
  return values.map((_, i) => values[i % a * b + Math.floor(i / a)]);
}

/** A point's channels to `[channels, height, width]`, as the goldens have maps. */
function channelsFirst(values: Float32Array, channels: number): Float32Array {
  return transposed(values, values.length / channels);
}

const pairs = ["even", "odd", "small"] as const;
type GoldenSize = { height: number; width: number; iterations: number };

for (const pair of pairs) {
  Deno.test(`golden prep/raft: features, volumes, iterations and flow of the pair ${pair}`, async () => {
    const gpu = await testGpu();
    const golden = await loadCase("prep/raft");
    const layers = await RaftLayers.create(gpu, goldenWeights(golden));
    const { height, width, iterations } = (golden.config.sizes as Record<string, GoldenSize>)[pair];
    const found: Record<string, Actual> = {};
    const own: Tensor[] = [];
    const tensor = (name: string, pixels: number, data: Float32Array) => {
      const made = createTensor(gpu, name, [1, pixels, data.length / pixels], {
        layout: "blocks",
        data,
      });
      own.push(made);
      return made;
    };

    // the frames, and what their encoders make
    const size = paddedSize(height, width);
    const frames = [1, 2].map((i) => {
      const frame = channelsLast(golden.input(`raft/${pair}/image${i}`));
      const values: number[] = [];
      for (let row = 0; row < size.paddedHeight; row++) {
        for (let column = 0; column < size.paddedWidth; column++) {
          const y = Math.min(Math.max(row - size.top, 0), height - 1);
          const x = Math.min(Math.max(column - size.left, 0), width - 1);
          for (let c = 0; c < 3; c++) values.push(2 * frame.get(y, x, c) / 255 - 1);
        }
      }
      const pixels = size.paddedHeight * size.paddedWidth;
      const input = tensor(`image${i}`, pixels, Float32Array.from(values));
      return { frames: [[input]], height: size.paddedHeight, width: size.paddedWidth, channels: 3 };
    });
    const encoding = new Plan(gpu, "encoding");
    const [first, second] = frames.map((frame) =>
      encoding.keep(recordFeatures(encoding, layers, frame))
    );
    const { hidden, shares } = recordContext(encoding, layers, frames[0]);
    const last = recordEncoder(encoding, layers, "cnet", frames[0]);
    const halves = ["cnet.state", "cnet.context"].map((name) =>
      layers.conv(encoding, name, last).frames[0][0]
    );
    for (const kept of [hidden, ...shares, ...halves]) encoding.keep(kept);
    const encoded = await encoding.build();
    encoded.run();
    const [f1, f2, ...context] = await readTensors(gpu, first, second, ...halves);
    const h = size.paddedHeight / 8, w = size.paddedWidth / 8, pixels = h * w;
    found.fmap1 = channelsFirst(f1.subarray(0, 256 * pixels), 256);
    found.fmap2 = channelsFirst(f2.subarray(0, 256 * pixels), 256);
    found.context = Float32Array.from(context.flatMap((half) => [...channelsFirst(half, 128)]));

    // the lookup, at the coordinates given and then at a grid of places: together the whole volume
    const looking = new Plan(gpu, "looking");
    const flow = tensor("flow", pixels, new Float32Array(2 * pixels));
    const looked = looking.keep(
      correlationLookup(looking, "lookup", { first, second, flow, height: h, width: w }),
    );
    const lookups = await looking.build();
    const lookAt = async (x: (pixel: number) => number, y: (pixel: number) => number) => {
      const values = new Float32Array(2 * pixels).map((_, i) => {
        const pixel = i >> 1, column = pixel % w, row = Math.floor(pixel / w);
        return i % 2 === 0 ? x(pixel) - column : y(pixel) - row;
      });
      writeTensor(gpu, flow, values);
      lookups.run();
      return (await readTensors(gpu, looked))[0];
    };
    const { data: coords } = golden.input(`raft/${pair}/coords`);
    found.lookup = channelsFirst(
      await lookAt((pixel) => coords[pixel], (pixel) => coords[pixels + pixel]),
      324,
    );
    for (const [l, level] of pyramidLevels(h, w).entries()) {
      const volume = new Float32Array(pixels * level.height * level.width).fill(NaN);
      for (let top = 0; top < level.height; top += 9) {
        for (let left = 0; left < level.width; left += 9) {
          const values = await lookAt(() => (left + 4) * 2 ** l, () => (top + 4) * 2 ** l);
          for (let i = 0; i < pixels * 81; i++) {
            const pixel = Math.floor(i / 81), at = i % 81;
            const column = left + Math.floor(at / 9), row = top + at % 9;
            if (column >= level.width || row >= level.height) continue;
            volume[(pixel * level.height + row) * level.width + column] =
              values[pixel * 324 + 81 * l + at];
          }
        }
      }
      found[`volume${l}`] = volume;
    }

    // the iterations
    const state = createRaftState(gpu, h, w);
    const start = new Plan(gpu, "start"), iteration = new Plan(gpu, "iteration");
    const finish = new Plan(gpu, "finish");
    recordStart(start, state, hidden);
    const lookup = iteration.keep(
      recordIteration(iteration, layers, state, { first, second, shares }),
    );
    const whole = { top: 0, left: 0, height: size.paddedHeight, width: size.paddedWidth };
    const { logits, fine } = recordUpsampled(finish, layers, state, whole);
    finish.keep(logits);
    finish.keep(fine);
    const programs = await Promise.all([start, iteration, finish].map((plan) => plan.build()));
    const [begin, iterate, end] = programs;
    begin.run();
    for (let i = 1; i <= iterations; i++) {
      iterate.run();
      if (![1, 3, 12, 20].includes(i)) continue;
      end.run();
      const [u, up] = await readTensors(gpu, state.flow, fine);
      found[`iteration${i}/flow`] = channelsFirst(u, 2);
      found[`iteration${i}/up`] = channelsFirst(up, 2);
      if (i === iterations) {
        found.flow = Float32Array.from({ length: height * width * 2 }, (_, at) => {
          const pixel = at >> 1, row = Math.floor(pixel / width) + size.top;
          return up[(row * size.paddedWidth + pixel % width + size.left) * 2 + at % 2];
        });
      }
      if (i > 1) continue;
      const [corr, input, g, mask] = await readTensors(
        gpu,
        lookup,
        state.gateInput,
        state.hidden,
        logits,
      );
      found["iteration1/corr"] = channelsFirst(corr, 324);
      found["iteration1/motion"] = channelsFirst(input, 256).subarray(128 * pixels);
      found["iteration1/hidden"] = channelsFirst(g, 128);
      found["iteration1/logits"] = channelsFirst(mask, 576);
    }

    const named = Object.fromEntries(
      Object.entries(found).map(([key, value]) => [`${pair}/${key}`, value]),
    );
    assertEquals(
      Object.keys(named).sort(),
      golden.keys.filter((key) => key.startsWith(pair)).sort(),
    );
    const { worst, key } = expectClose(golden, named);
    console.log(`${pair}: at most ${worst.toFixed(2)} times the tolerance, in ${key}`);

    for (const program of [encoded, lookups, ...programs]) program.destroy();
    for (const made of own) destroyTensor(gpu, made);
    destroyRaftState(gpu, state);
    layers.destroy();
  });
}

export const unused = [assert, assertAlmostEquals, assertRejects, randomArray, Raft];
