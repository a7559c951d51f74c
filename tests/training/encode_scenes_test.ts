import { assert, assertEquals, assertRejects } from "@std/assert";
import type { FeatureCache, FeatureTensor } from "../../src/data/run/feature_cache.ts";
import type { Scene } from "../../src/data/scene/scene.ts";
import { createMonoNerf, destroyMonoNerf, type MonoNerf } from "../../src/nets/mono_nerf.ts";
import { balloon, type Recipe } from "../../src/recipes/recipe.ts";
import type { Gpu } from "../../src/runtime/device.ts";
import { readTensors } from "../../src/runtime/readback.ts";
import { destroyEncodedScenes } from "../../src/nets/encoded_scenes.ts";
import { encodeScenes, type EncodingReport } from "../../src/training/encode_scenes.ts";
import { testGpu } from "../support/gpu.ts";
import { firstFrames, randomScene } from "../support/scenes.ts";

const recipe: Recipe = {
  ...balloon("small"),
  encoderWidth: 12,
  encoderHeight: 18,
  imageEncoderScale: 1,
  staticFeatures: "frame",
};
const sizes = { hidden: 16, globalCode: 8, globalHidden: 8, videoWidth: 4, imageWidth: 4 };

/** A cache in memory, as a browser could have one. */
class MemoryCache implements FeatureCache {
  readonly entries = new Map<string, { tensors: readonly FeatureTensor[]; data: Float32Array[] }>();

  async read(
    key: string,
    tensors: readonly FeatureTensor[],
    take: (values: Float32Array, index: number) => void | Promise<void>,
  ): Promise<boolean> {
    const entry = this.entries.get(key);
    if (!entry) return false;
    assertEquals(entry.tensors, tensors);
    for (const [i, values] of entry.data.entries()) await take(values, i);
    return true;
  }

  async write(
    key: string,
    tensors: readonly FeatureTensor[],
    give: (index: number) => Promise<Float32Array>,
  ): Promise<void> {
    const data: Float32Array[] = [];
    for (const i of tensors.keys()) data.push(await give(i));
    this.entries.set(key, { tensors, data });
  }
}

interface Case {
  scenes?: Scene[];
  recipe?: Partial<typeof recipe>;
  gpu?: Gpu;
  /** Changes the model before it encodes. */
  change?: (model: MonoNerf) => Promise<void>;
}

const twoScenes = () => [randomScene("a", 1), randomScene("b", 11)];

/** Encodes, and gives the features' bits and the reports. */
async function encode(cache: FeatureCache | undefined, of: Case = {}) {
  const gpu = of.gpu ?? await testGpu();
  const model = createMonoNerf(gpu, { sizes });
  await of.change?.(model);
  const reports: EncodingReport[] = [];
  const encoded = await encodeScenes(model, of.scenes ?? twoScenes(), { ...recipe, ...of.recipe }, {
    cache,
    onEncoded: (report) => reports.push(report),
  });
  const { videoMaps, imageMaps, pooled } = encoded;
  const shapes = [videoMaps, imageMaps].map((maps) =>
    maps.map((scene) => scene.map((t) => t.shape))
  );
  const values = await readTensors(gpu, ...videoMaps.flat(), ...imageMaps.flat(), pooled);
  const bits = values.map((values) => new Uint32Array(values.buffer));
  destroyEncodedScenes(model, encoded);
  destroyMonoNerf(model);
  return { bits, shapes, reports, cached: reports.map(({ cached }) => cached) };
}

/** Changes the last number of a group's parameters a little. */
const touch = (group: "video" | "image") => async (model: MonoNerf) => {
  const values = await model[group].read();
  const last = [...values.values()].at(-1)!;
  last[last.length - 1] += 1e-6;
  model[group].write(values);
};

Deno.test("encodeScenes() takes the very same features from a cache", async () => {
  const plain = await encode(undefined);
  const cache = new MemoryCache();
  const first = await encode(cache);
  const second = await encode(cache);
  assertEquals([plain.cached, first.cached, second.cached], [
    [false, false],
    [false, false],
    [true, true],
  ]);
  assertEquals(first.bits, plain.bits);
  assertEquals(second.bits, plain.bits);
  assertEquals(second.shapes, plain.shapes);
  assertEquals([...cache.entries.values()].map(({ tensors }) => tensors.length), [9, 8]);
});

Deno.test("encodeScenes() misses the cache when anything changed that decides the features", async () => {
  const cache = new MemoryCache();
  await encode(cache);
  const gpu = await testGpu();
  const otherFrame = twoScenes();
  otherFrame[1].images.data[otherFrame[1].images.data.length - 1] ^= 1;
  const cases: [string, Case, boolean[]][] = [
    ["nothing", {}, [true, true]],
    ["a weight of the video encoder", { change: touch("video") }, [false, true]],
    ["a weight of the image encoder", { change: touch("image") }, [true, false]],
    ["a pixel of the last frame", { scenes: otherFrame }, [false, false]],
    ["the order of the scenes", { scenes: twoScenes().toReversed() }, [false, false]],
    ["a scene alone", { scenes: twoScenes().slice(0, 1) }, [false, false]],
    ["the encoder's size", { recipe: { encoderWidth: 18, encoderHeight: 12 } }, [false, true]],
    ["statistics", { recipe: { encoderStatistics: "running" } }, [false, false]],
    ["standardisation", { recipe: { standardizeFeatures: false } }, [false, false]],
    [
      "the adapter",
      { gpu: Object.create(gpu, { description: { value: "another adapter" } }) },
      [false, false],
    ],
    ["what does not matter", { recipe: { learningRate: 1, staticSteps: 1 } }, [true, true]],
  ];
  for (const [what, changed, cached] of cases) {
    assertEquals((await encode(cache, changed)).cached, cached, what);
  }
  const again = await encode(cache, { scenes: otherFrame });
  assertEquals(again.cached, [true, true]);
  assertEquals(again.bits, (await encode(undefined, { scenes: otherFrame })).bits);
});

Deno.test("encodeScenes() encodes where the cache breaks off, and leaves no memory behind", async () => {
  const gpu = await testGpu();
  const plain = await encode(undefined);
  const cache = new MemoryCache();
  await encode(cache);
  const broken: FeatureCache = {
    read: async (key, tensors, take) => {
      const { data } = cache.entries.get(key)!;
      for (const i of [0, 1]) await take(data[i].map((value) => value + 1), i);
      return tensors.length === 0;
    },
    write: () => Promise.resolve(),
  };
  const before = gpu.allocatedBytes;
  const { bits, cached } = await encode(broken);
  assertEquals([cached, bits], [[false, false], plain.bits]);
  assertEquals(gpu.allocatedBytes, before);

  const failing: FeatureCache = {
    ...broken,
    read: () => Promise.reject(new Error("no such disk")),
  };
  const model = createMonoNerf(gpu, { sizes });
  const encoding = () => encodeScenes(model, twoScenes(), recipe, { cache: failing });
  await assertRejects(encoding, Error, "no such disk");
  destroyMonoNerf(model);
  assertEquals(gpu.allocatedBytes, before);
});

Deno.test("encodeScenes() reports frames, size, operations, seconds and memory of each encoder", async () => {
  const gpu = await testGpu();
  const cache = new MemoryCache();
  const peak = gpu.peakBytes;
  const { reports } = await encode(cache);
  assertEquals(
    reports.map(({ encoder, frames, width, height }) => [encoder, frames, width, height]),
    [["video", 8, 12, 18], ["image", 8, 20, 12]],
  );
  for (const { flops, seconds, peakBytes } of reports) {
    assert(flops > 1e6 && seconds > 0 && peakBytes > 1e5, `${flops} ${seconds} ${peakBytes}`);
  }
  assert(gpu.peakBytes >= peak);
  const again = await encode(cache);
  assertEquals(again.reports.map(({ flops }) => flops), [0, 0]);
});

Deno.test("encodeScenes() hands the image maps over to the frames in which points choose", async () => {
  const gpu = await testGpu();
  const before = gpu.allocatedBytes;
  const model = createMonoNerf(gpu, { sizes });
  const scenes = [randomScene("a", 1), firstFrames(randomScene("b", 11), 3)];
  const changed = { ...recipe, imageEncoderScale: 2 };
  const single = await encodeScenes(model, scenes, changed);
  const seen = await encodeScenes(model, scenes, { ...changed, staticFeatures: "seen" });
  assertEquals(seen.imageMaps, [[], []]);
  assertEquals(single.imageMaps[1][0].shape, [6, 10, 32]); // a quarter of twice 20×12
  for (const [s, { pages, cameras, pictures }] of seen.seen!.entries()) {
    const { frames } = scenes[s];
    assertEquals(pages.map(({ shape }) => shape), [[4, 6, 10, 32]]);
    assertEquals([cameras.shape, pictures.shape], [[frames, 16], [frames, 12, 20, 4]]);
    const [page, ...maps] = await readTensors(gpu, pages[0], ...single.imageMaps[s]);
    maps.forEach((map, f) =>
      assertEquals(page.subarray(f * map.length, (f + 1) * map.length), map)
    );
  }
  destroyEncodedScenes(model, single);
  destroyEncodedScenes(model, seen);
  const trained = await encodeScenes(model, scenes, {
    ...recipe,
    staticFeatures: "seen",
    trainEncoders: true,
  });
  assertEquals([trained.seen, trained.imageMaps[1].length], [undefined, 3]);
  destroyEncodedScenes(model, trained);
  destroyMonoNerf(model);
  assertEquals(gpu.allocatedBytes, before);
});
