import { assert, assertEquals, assertRejects } from "@std/assert";
// @ts-types="npm:@types/ndarray@1.0.14"
import ndarray, { type NdArray } from "npm:ndarray@1.1.1";
import { raftParameters } from "../../../src/data/weights/raft_weights.ts";
import { Raft, type RaftFrame } from "../../../src/preparation/raft/raft.ts";
import {
  recordContext,
  recordEncoder,
  recordFeatures,
} from "../../../src/preparation/raft/encoder.ts";
import { RaftLayers } from "../../../src/preparation/raft/layers.ts";
import { paddedSize, uploadPicture } from "../../../src/preparation/raft/picture.ts";
import {
  createRaftState,
  destroyRaftState,
  recordIteration,
  recordStart,
  recordUpsampled,
} from "../../../src/preparation/raft/update.ts";
import { correlationLookup, pyramidLevels } from "../../../src/ops/correlation_lookup.ts";
import { Plan } from "../../../src/runtime/plan.ts";
import { readTensors } from "../../../src/runtime/readback.ts";
import {
  createTensor,
  destroyTensor,
  type Tensor,
  writeTensor,
} from "../../../src/runtime/tensor.ts";
import { type Actual, expectClose, type GoldenCase, loadCase } from "../../support/goldens.ts";
import { randomArray, testGpu } from "../../support/gpu.ts";

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
      const upload = (label: string, [, pixels]: readonly number[], data: Float32Array) =>
        tensor(label, pixels, data);
      return uploadPicture(upload, channelsLast(golden.input(`raft/${pair}/image${i}`)), size);
    });
    const encoding = new Plan(gpu, "encoding");
    const [first, second] = frames.map((frame) =>
      encoding.keep(recordFeatures(encoding, layers, frame))
    );
    const { hidden, shares } = recordContext(encoding, layers, frames[0]);
    const last = recordEncoder(encoding, layers, "cnet", frames[0]);
    const halves = ["cnet.state", "cnet.context"].map((name) =>
      layers.convolutions.record(encoding, name, last).frames[0][0]
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
    expectClose(golden, named);

    for (const program of [encoded, lookups, ...programs]) program.destroy();
    for (const made of own) destroyTensor(gpu, made);
    destroyRaftState(gpu, state);
    layers.destroy();
  });
}

/** Weights by the goldens' formula on a device, once for the tests that want no exact numbers. */
let made: Promise<Raft> | undefined;
function testRaft(): Promise<Raft> {
  return made ??=
    (async () => await Raft.create(await testGpu(), goldenWeights(await loadCase("prep/raft"))))();
}

function picture(seed: number, height: number, width: number): NdArray<Uint8Array> {
  const data = Uint8Array.from(randomArray(seed, height * width * 3, 0, 255.99));
  return ndarray(data, [height, width, 3]);
}

Deno.test("golden prep/raft: Raft.flow() of the pair odd, in the picture's own size", async () => {
  const golden = await loadCase("prep/raft");
  const raft = await testRaft();
  const frames = await Promise.all(
    [1, 2].map((i) => raft.encode(channelsLast(golden.input(`raft/odd/image${i}`)))),
  );
  const { data, shape } = await raft.flow(frames[0], frames[1]);
  assertEquals(shape, [125, 139, 2]);
  expectClose(golden, { "odd/flow": data });
  for (const frame of frames) frame.destroy();
});

Deno.test("Raft encodes a frame once for all its flows, and gives memory back", async () => {
  const gpu = await testGpu();
  const before = gpu.allocatedBytes;
  const raft = await Raft.create(gpu, goldenWeights(await loadCase("prep/raft")));
  const frames: RaftFrame[] = [];
  for (const seed of [1, 2, 3, 1]) frames.push(await raft.encode(picture(seed, 37, 66)));
  const [a, b, c, again] = frames;
  assertEquals([a.height, a.width], [37, 66]);
  const options = { iterations: 2 };
  const forward = await raft.flow(a, b, options);
  const memory = gpu.allocatedBytes;
  for (const other of [await raft.flow(b, a, options), await raft.flow(b, c, options)]) {
    assert(other.data.some((value, i) => value !== forward.data[i]));
  }
  assertEquals(await raft.flow(a, b, options), forward);
  assertEquals(await raft.flow(again, b, options), forward);
  assertEquals(gpu.allocatedBytes, memory);
  for (const frame of frames) frame.destroy();
  raft.destroy();
  assertEquals(gpu.allocatedBytes, before);
});

Deno.test("Raft has a flow for every size, and says where it is not to be trusted", async () => {
  const raft = await testRaft();
  // the smallest has empty levels of correlation
  for (const [height, width] of [[1, 1], [9, 200], [127, 128], [128, 128]]) {
    const frames = [
      await raft.encode(picture(1, height, width)),
      await raft.encode(picture(2, height, width)),
    ];
    const { data, shape } = await raft.flow(frames[0], frames[1], { iterations: 2 });
    assertEquals(shape, [height, width, 2]);
    assert(data.every(Number.isFinite), `${width} x ${height}`);
    const [{ warning }] = frames;
    assertEquals(
      warning,
      Math.min(height, width) < 128
        ? `The frame is ${width} x ${height}: RAFT was trained on larger ones, its flow is ` +
          "doubtful where a side is below 128 pixels"
        : undefined,
    );
    for (const frame of frames) frame.destroy();
  }
});

Deno.test("Raft tells how far it is, and stops where it is told", async () => {
  const gpu = await testGpu();
  const raft = await testRaft();
  const fractions: number[] = [];
  const onProgress = ({ fraction }: { fraction: number }) => fractions.push(fraction);
  const frame = await raft.encode(picture(1, 40, 48), { onProgress });
  assertEquals(fractions.at(-1), 1);
  await raft.flow(frame, frame, { iterations: 1, onProgress });
  assertEquals(fractions.at(-1), 1);
  const before = gpu.allocatedBytes;
  const signal = AbortSignal.abort(new Error("enough"));
  await assertRejects(() => raft.encode(picture(1, 40, 48), { signal }), Error, "enough");
  await assertRejects(() => raft.flow(frame, frame, { signal }), Error, "enough");
  assertEquals(gpu.allocatedBytes, before);
  await raft.flow(frame, frame, { iterations: 1 }); // and goes on
  frame.destroy();
});

Deno.test("Raft refuses pictures that are not RGB, frames of two sizes, half an iteration, two flows at once", async () => {
  const raft = await testRaft();
  await assertRejects(
    () => raft.encode(ndarray(new Uint8Array(64), [4, 4, 4])),
    RangeError,
    "Cannot encode the frame: it is (4, 4, 4), wanted (height, width, 3)",
  );
  const [a, b] = [await raft.encode(picture(1, 8, 16)), await raft.encode(picture(1, 16, 8))];
  await assertRejects(
    () => raft.flow(a, b),
    RangeError,
    "Cannot make flow: the frames are 16 x 8 and 8 x 16, wanted one size",
  );
  await assertRejects(
    () => raft.flow(a, a, { iterations: 1.5 }),
    RangeError,
    "Cannot make flow by 1.5 iterations: wanted a whole number from 1 on",
  );
  const first = raft.flow(a, a, { iterations: 1 });
  await assertRejects(() => raft.flow(a, a), Error, "another is being made; await it first");
  await first;
  await assertRejects(
    async () => await Raft.create(await testGpu(), new Map()),
    Error,
    'Cannot write the weights of RAFT: "fnet.conv1.weight" is missing, wanted (64, 3, 7, 7)',
  );
  for (const frame of [a, b]) frame.destroy();
});
