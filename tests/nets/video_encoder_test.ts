import { assert, assertEquals, assertRejects } from "@std/assert";
// @ts-types="npm:@types/ndarray@1.0.14"
import ndarray, { type NdArray } from "npm:ndarray@1.1.1";
import { ParameterGroup } from "../../src/nets/parameters.ts";
import { encodeVideo, videoEncoderSpecs } from "../../src/nets/video_encoder.ts";
import { readTensor, readTensors } from "../../src/runtime/readback.ts";
import { destroyTensor } from "../../src/runtime/tensor.ts";
import { channelsFirst, goldenEncoder, runningStatistics } from "../support/encoders.ts";
import { expectClose, loadCase } from "../support/goldens.ts";
import { randomArray, testGpu } from "../support/gpu.ts";

Deno.test("golden encoders: the video encoder with batch and running statistics", async () => {
  const gpu = await testGpu();
  const golden = await loadCase("encoders");
  const specs = videoEncoderSpecs({ width: 64 });
  const named = golden.inputs.filter((name) => name.startsWith("enc/encoder.model."));
  assertEquals(specs.map(({ name }) => `enc/${name}`), named);
  for (const { name, shape } of specs) assertEquals(shape, golden.input(`enc/${name}`).shape, name);

  const { data, shape: [, , frames, height, width] } = golden.input("enc/clip");
  const clip = ndarray(
    new Float32Array(data.length).map((_, i) => {
      const channel = i % 3, pixel = Math.floor(i / 3);
      const frame = Math.floor(pixel / (height * width));
      return data[(channel * frames + frame) * height * width + pixel % (height * width)];
    }),
    [frames, height, width, 3],
  );
  const group = goldenEncoder(gpu, golden, specs);
  const found: Record<string, ArrayLike<number>> = {};
  for (const [mode, statistics] of [["eval", "running"], ["train", "batch"]] as const) {
    const encoded = await encodeVideo(gpu, group, [clip], { statistics, momentum: 0.1 });
    const { features, mean, deviation } = await channelsFirst(gpu, encoded);
    found[`encoder/${mode}/features`] = features;
    found[`encoder/${mode}/features/channel_mean`] = mean;
    found[`encoder/${mode}/features/channel_std`] = deviation;
    found[`encoder/${mode}/flow_latent_mean`] = await readTensor(gpu, encoded.pooled);
  }
  Object.assign(found, await runningStatistics(group, golden, "encoder/train/after"));
  expectClose(golden, found);
});

/** A narrow seeded encoder and clips of two scenes, one of them shorter. */
async function narrow(): Promise<
  { group: ParameterGroup; clips: [NdArray<Float32Array>, NdArray<Float32Array>] }
> {
  const group = new ParameterGroup(
    await testGpu(),
    "encoder",
    videoEncoderSpecs({ width: 8 }),
    false,
  );
  group.initialize(1);
  const clip = (seed: number, frames: number): NdArray<Float32Array> =>
    ndarray(randomArray(seed, frames * 18 * 22 * 3, -2, 2), [frames, 18, 22, 3]);
  return { group, clips: [clip(1, 3), clip(2, 2)] };
}

Deno.test("encodeVideo() lets scenes meet in batch statistics only", async () => {
  const gpu = await testGpu();
  const { group, clips } = await narrow();
  for (const statistics of ["running", "batch"] as const) {
    const both = await encodeVideo(gpu, group, clips, { statistics });
    const alone = await encodeVideo(gpu, group, [clips[0]], { statistics });
    assertEquals(both.maps.map((scene) => scene.length), [3, 2]);
    assertEquals([both.height, both.width, both.channels], [9, 11, 104]);
    assertEquals(both.pooled.shape, [2, 1, 256]);
    const [together, single] = await readTensors(gpu, both.maps[0][1], alone.maps[0][1]);
    const equal = together.every((value, i) => value === single[i]);
    assertEquals(equal, statistics === "running", statistics);
  }
});

Deno.test("encodeVideo() gives the same bytes twice", async () => {
  const gpu = await testGpu();
  const { group, clips } = await narrow();
  const read = async () => {
    const { maps, pooled } = await encodeVideo(gpu, group, clips);
    return readTensors(gpu, ...maps.flat(), pooled);
  };
  assertEquals(await read(), await read());
});

Deno.test("encodeVideo() standardises every channel and the pooled code when told to", async () => {
  const gpu = await testGpu();
  const { group, clips } = await narrow();
  const encoded = await encodeVideo(gpu, group, clips, { standardize: true });
  const maps = await readTensors(gpu, ...encoded.maps.flat());
  const pooled = await readTensor(gpu, encoded.pooled);
  const moments = (values: number[]) => {
    const mean = values.reduce((a, b) => a + b) / values.length;
    return [mean, Math.sqrt(values.reduce((a, b) => a + (b - mean) ** 2, 0) / values.length)];
  };
  for (let channel = 0; channel < 104; channel++) {
    const values = maps.flatMap((map) => [...map].filter((_, i) => i % 104 === channel));
    const [mean, deviation] = moments(values);
    assert(
      Math.abs(mean) < 1e-5 && Math.abs(deviation - 1) < 1e-3,
      `${channel}: ${mean}, ${deviation}`,
    );
  }
  for (const scene of [0, 1]) {
    const [mean, deviation] = moments([...pooled.slice(256 * scene, 256 * (scene + 1))]);
    assert(Math.abs(mean) < 1e-5 && Math.abs(deviation - 0.25) < 1e-3, `${mean}, ${deviation}`);
  }
});

Deno.test("encodeVideo() reports progress up to 1 and keeps no memory but its result", async () => {
  const gpu = await testGpu();
  const { group, clips } = await narrow();
  const before = gpu.allocatedBytes;
  const fractions: number[] = [];
  const { maps, pooled } = await encodeVideo(gpu, group, clips, {
    onProgress: ({ fraction }) => fractions.push(fraction),
  });
  assertEquals(fractions, fractions.toSorted((a, b) => a - b));
  assert(Math.abs(fractions.at(-1)! - 1) < 1e-9 && fractions[0] < 0.1, `${fractions}`);
  for (const tensor of [...maps.flat(), pooled]) destroyTensor(gpu, tensor);
  assertEquals(gpu.allocatedBytes, before);
});

Deno.test("encodeVideo() stops when told to, and frees everything", async () => {
  const gpu = await testGpu();
  const { group, clips } = await narrow();
  const before = gpu.allocatedBytes;
  const abort = new AbortController();
  await assertRejects(
    () =>
      encodeVideo(gpu, group, clips, {
        signal: abort.signal,
        onProgress: ({ stage }) => stage === "layer2.1" && abort.abort(new Error("enough")),
      }),
    Error,
    "enough",
  );
  assertEquals(gpu.allocatedBytes, before);
});

Deno.test("encodeVideo() names the scene whose frames have another size", async () => {
  const gpu = await testGpu();
  const { group, clips: [clip] } = await narrow();
  await assertRejects(
    () => encodeVideo(gpu, group, [clip, ndarray(new Float32Array(54), [1, 3, 6, 3])]),
    Error,
    "Cannot encode scene 1: its frames are (1, 3, 6, 3), wanted (frames, 18, 22, 3)",
  );
});
