import { assert, assertEquals, assertRejects, assertThrows } from "@std/assert";
// @ts-types="npm:@types/ndarray@1.0.14"
import ndarray, { type NdArray } from "npm:ndarray@1.1.1";
import { resizeCubic } from "../../../src/data/resize.ts";
import { MidasNetwork } from "../../../src/preparation/midas/midas_network.ts";
import { Midas, midasSize } from "../../../src/preparation/midas/midas.ts";
import { randomMidas } from "../../../tasks/bench/depth.ts";
import { assertClose } from "../../support/close.ts";
import { expectClose, loadCase } from "../../support/goldens.ts";
import { randomArray, testGpu } from "../../support/gpu.ts";

/** `[1, channels, height, width]` to `[height, width, channels]`. */
function channelsLast({ data, shape }: NdArray<Float32Array>): NdArray<Float32Array> {
  const [, channels, height, width] = shape, pixels = height * width;
  const values = data.map((_, i) => data[i % channels * pixels + Math.floor(i / channels)]);
  return ndarray(values, [height, width, channels]);
}

Deno.test("golden prep/resize: the network's size, cubic to it and back", async () => {
  const golden = await loadCase("prep/resize");
  const frames = [...golden.config.net_size as string].join("").match(/\d+, \d+/g)!
    .map((pair) => pair.split(", ").map(Number));
  const [width, height] = midasSize(100, 72);
  const image = resizeCubic(channelsLast(golden.input("resize/image")), width, height);
  const mean = [0.485, 0.456, 0.406], deviation = [0.229, 0.224, 0.225];
  const input = new Float32Array(image.size).map((_, i) => {
    const channel = Math.floor(i / (height * width)), pixel = i % (height * width);
    return (image.data[3 * pixel + channel] - mean[channel]) / deviation[channel];
  });
  const depth = golden.input("resize/depth");
  expectClose(golden, {
    net_size: frames.flatMap(([width, height]) => midasSize(width, height)),
    input,
    disp: resizeCubic(ndarray(depth.data, depth.shape.slice(2)), 100, 72),
  });
});

Deno.test("midasSize() scales the longer side, and refuses sides under 32", () => {
  assertEquals(midasSize(960, 540, 384), [384, 192]);
  assertEquals(midasSize(540, 960, 384), [192, 384]);
  assertEquals(midasSize(40, 20, 80), [64, 32]); // enlarged
  const refuse = (message: string, ...args: Parameters<typeof midasSize>) =>
    assertThrows(() => midasSize(...args), RangeError, message);
  refuse("of 64 x 31: wanted at least 32 pixels a side; give a depthSize of 67", 64, 31);
  refuse("of 960 x 540 at depthSize 40: wanted a depthSize of at least 57", 960, 540, 40);
  assertEquals([midasSize(64, 31, 67), midasSize(960, 540, 57)], [[64, 32], [32, 32]]);
});

Deno.test("Midas.depth() brings a frame to the network's size and its depth back, and can be stopped", async () => {
  const gpu = await testGpu();
  const before = gpu.allocatedBytes;
  const frame = ndarray(Uint8Array.from(randomArray(2, 45 * 70 * 3, 0, 255.99)), [45, 70, 3]);
  const resized = resizeCubic(frame, 64, 32);
  const image = ndarray(resized.data.map((value) => value / 255), [32, 64, 3]);
  const network = await MidasNetwork.create(gpu, randomMidas());
  const expected = resizeCubic(await network.run(image), 70, 45);
  const smaller = resizeCubic(frame, 32, 32);
  const smallImage = ndarray(smaller.data.map((value) => value / 255), [32, 32, 3]);
  const expectedSmaller = resizeCubic(await network.run(smallImage), 70, 45);
  network.destroy();

  const midas = await Midas.create(gpu, randomMidas());
  const pieces = new Set<string>();
  const video = ndarray(Uint8Array.of(...new Uint8Array(frame.size), ...frame.data), [
    2,
    45,
    70,
    3,
  ]);
  const depth = await midas.depth(video.pick(1, null, null, null), {
    onProgress: ({ piece }) => pieces.add(piece),
  });
  assertEquals(depth.shape, [45, 70]);
  assertEquals([...pieces].slice(0, 2), ["stem", "layer1"]);
  assertClose(depth.data, expected.data, 1e-5, "depth");
  assert(depth.data.some((value) => value > 0.1));
  const small = await midas.depth(frame, { depthSize: 60 });
  assertClose(small.data, expectedSmaller.data, 1e-5, "depth of a smaller size");

  await assertRejects(() => midas.depth(frame, { signal: AbortSignal.abort("enough") }));
  await assertRejects(
    () => midas.depth(ndarray(new Uint8Array(70 * 45), [45, 70])),
    RangeError,
    "of shape (45, 70): wanted (height, width, 3)",
  );
  await assertRejects(
    () => midas.depth(ndarray(new Uint8Array(0), [1e5, 2e5, 3])),
    RangeError,
    "and this adapter binds at most",
  );
  midas.destroy();
  assertEquals(gpu.allocatedBytes, before);
});

Deno.test("Midas.create() names the weight that is missing or of another size, and frees the others", async () => {
  const gpu = await testGpu();
  const before = gpu.allocatedBytes;
  const first = "pretrained.layer1.0.weight", second = "pretrained.layer1.1.running_var";
  const values = (sizes: Record<string, number>) => ({
    get: (name: string) => name in sizes ? new Float32Array(sizes[name]) : undefined,
  });
  const refuse = (sizes: Record<string, number>, message: string) =>
    assertRejects(() => Midas.create(gpu, values(sizes)), Error, message);
  await refuse({}, `Cannot write the weights of MiDaS: "${first}" is missing`);
  const norm = ["weight", "bias", "running_mean"].map((
    part,
  ) => [`pretrained.layer1.1.${part}`, 64]);
  const some = { [first]: 64 * 147, ...Object.fromEntries(norm) };
  await refuse({ ...some, [second]: 3 }, `"${second}" has 3 numbers, wanted 64`);
  assertEquals(gpu.allocatedBytes, before);
});
