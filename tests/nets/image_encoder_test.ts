import { assertEquals } from "@std/assert";
// @ts-types="npm:@types/ndarray@1.0.14"
import ndarray from "npm:ndarray@1.1.1";
import {
  encodeImages,
  imageEncoderSpecs,
  imageFrames,
  recordImages,
} from "../../src/nets/image_encoder.ts";
import { ParameterGroup } from "../../src/nets/parameters.ts";
import { Plan } from "../../src/runtime/plan.ts";
import { readTensor, readTensors } from "../../src/runtime/readback.ts";
import { assertClose } from "../support/close.ts";
import {
  channelsFirst,
  goldenEncoder,
  mapSeeds,
  parameterGradients,
  runningStatistics,
  uploadDifferentiable,
} from "../support/encoders.ts";
import { expectClose, loadCase } from "../support/goldens.ts";
import { testGpu } from "../support/gpu.ts";

Deno.test("golden encoders: the image encoder with batch and running statistics", async () => {
  const gpu = await testGpu();
  const golden = await loadCase("encoders");
  const specs = imageEncoderSpecs({ width: 64 });
  const named = golden.inputs.filter((name) => name.startsWith("enc/encoder2d."));
  assertEquals(specs.map(({ name }) => `enc/${name}`), named);
  for (const { name, shape } of specs) assertEquals(shape, golden.input(`enc/${name}`).shape, name);

  const { data, shape } = golden.input("enc/images2d");
  const images = ndarray(data, shape.slice(1));
  const group = goldenEncoder(gpu, golden, specs);
  const found: Record<string, ArrayLike<number>> = {};
  for (const [mode, statistics] of [["eval", "running"], ["train", "batch"]] as const) {
    const encoded = await encodeImages(gpu, group, [images], { statistics, momentum: 0.1 });
    const { features, mean, deviation } = await channelsFirst(gpu, encoded);
    found[`encoder2d/${mode}/features`] = features;
    found[`encoder2d/${mode}/features/channel_mean`] = mean;
    found[`encoder2d/${mode}/features/channel_std`] = deviation;
  }
  Object.assign(found, await runningStatistics(group, golden, "encoder2d/train/after"));
  expectClose(golden, found);
});

for (const [mode, statistics] of [["eval", "running"], ["train", "batch"]] as const) {
  for (const recompute of [false, true]) {
    const how = recompute ? "recorded again" : "kept";
    Deno.test(`golden encoders: gradients of the image encoder, ${statistics} statistics, activations ${how}`, async () => {
      const gpu = await testGpu();
      const golden = await loadCase("encoders");
      const group = goldenEncoder(gpu, golden, imageEncoderSpecs({ width: 64 }), true);
      const { data, shape } = golden.input("enc/images2d");
      const plan = new Plan(gpu, "image encoder", { recompute });
      const frames = imageFrames(uploadDifferentiable(gpu), [ndarray(data, shape.slice(1))]);
      const maps = recordImages(plan, group, frames, { statistics, momentum: 0.1 });
      group.recordGradients(plan);
      plan.differentiate(mapSeeds(gpu, golden, "ct/encoder2d", maps));
      const dFrames = frames.frames.flat().map((frame) => plan.keep(plan.gradientOf(frame)!));
      const program = await plan.build();
      program.run();

      const prefix = `encoder2d/${mode}`;
      const deviation = [0.229, 0.224, 0.225]; // the goldens' images are not normalised yet
      const images = (await readTensors(gpu, ...dFrames)).flatMap((frame) =>
        Array.from(frame, (value, i) => value / deviation[i % 3])
      );
      expectClose(golden, {
        [`${prefix}/grad/images`]: images,
        ...await parameterGradients([group], golden, `${prefix}/grad`),
        // moved once, also where the plan records the encoder twice
        ...statistics === "batch" && await runningStatistics(group, golden, `${prefix}/after`),
      });
    });
  }
}

Deno.test("encodeImages() reads bytes as 255ths", async () => {
  const gpu = await testGpu();
  const group = new ParameterGroup(gpu, "encoder2d", imageEncoderSpecs({ width: 8 }), false);
  group.initialize(1);
  const bytes = new Uint8Array(2 * 33 * 18 * 3).map((_, i) => i * 37 % 256), shape = [2, 33, 18, 3];
  const fromBytes = await encodeImages(gpu, group, [ndarray(bytes, shape)]);
  const numbers = Float32Array.from(bytes, (value) => value / 255);
  const fromNumbers = await encodeImages(gpu, group, [ndarray(numbers, shape)]);
  assertEquals([fromBytes.height, fromBytes.width, fromBytes.channels], [9, 5, 64]);
  const [a, b] = await Promise.all(
    [fromBytes, fromNumbers].map(({ maps }) => readTensor(gpu, maps[0][1])),
  );
  assertClose(a, b, 1e-4, "features");
});
