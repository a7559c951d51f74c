/**
 * Measuring the encoders, and what it costs to keep their features.
 *
 * @module
 */
import { join } from "node:path";
import {
  type FeatureCache,
  FeatureFolder,
  type FeatureTensor,
} from "../../src/data/run/feature_cache.ts";
import type { Scene } from "../../src/data/scene/scene.ts";
import { createMonoNerf, destroyMonoNerf } from "../../src/nets/mono_nerf.ts";
import type { Recipe } from "../../src/recipes/recipe.ts";
import type { Gpu } from "../../src/runtime/device.ts";
import { destroyEncodedScenes } from "../../src/nets/encoded_scenes.ts";
import { encodeScenes, type EncodingReport } from "../../src/training/encode_scenes.ts";
import { cacheFolder } from "../driver/swiftshader.ts";
import { Progress } from "../terminal/progress.ts";
import { loadScenes } from "../train/scenes.ts";
import type { EncodingCase } from "./command.ts";
import { encodingTable, type EncodingTimes, scenesLine } from "./report.ts";
import { syntheticPair } from "./scene.ts";

/** Encodes scenes twice, the second time from a cache of its own, and prints a row an encoder. */
export async function benchEncoding(
  gpu: Gpu,
  { recipe, data, names }: EncodingCase,
  signal: AbortSignal,
): Promise<void> {
  const scenes = names.length > 0
    ? await loadScenes(names.map((name) => join(data, name)), recipe)
    : syntheticPair(recipe);
  const { imageWidth, videoWidth } = recipe.model;
  const widths = new Set([videoWidth, imageWidth]);
  console.log(
    `\n${recipe.preset}, encoders of width ${[...widths].join(" and ")}: ${scenesLine(scenes)}\n`,
  );
  await Deno.mkdir(cacheFolder(), { recursive: true });
  const folder = await Deno.makeTempDir({ dir: cacheFolder(), prefix: "bench-" });
  try {
    console.log(encodingTable(await measure(gpu, recipe, scenes, folder, signal)));
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

async function measure(
  gpu: Gpu,
  recipe: Recipe,
  scenes: readonly Scene[],
  folder: string,
  signal: AbortSignal,
): Promise<EncodingTimes[]> {
  const files = new FeatureFolder(folder, { limitBytes: Infinity, onNotice: console.log });
  const cache = new TimedCache(files);
  const progress = Deno.stdout.isTerminal() ? new Progress() : undefined;
  const model = createMonoNerf(gpu, { sizes: recipe.model, seed: recipe.seed });
  const encode = async () => {
    const reports: EncodingReport[] = [];
    const encoded = await encodeScenes(model, scenes, recipe, {
      cache,
      signal,
      onProgress: (what, fraction) =>
        progress?.update({ what, step: Math.round(100 * fraction), steps: 100 }),
      onEncoded: (report) => reports.push(report),
    });
    destroyEncodedScenes(model, encoded);
    return reports;
  };
  try {
    const first = await encode(), second = await encode();
    return first.map((report, i) => ({
      ...report,
      cacheBytes: cache.writes[i].bytes,
      writeSeconds: cache.writes[i].seconds,
      readSeconds: second[i].cached ? second[i].seconds : undefined,
    }));
  } finally {
    progress?.close();
    destroyMonoNerf(model);
  }
}

/** A cache that notes what each write took. */
class TimedCache implements FeatureCache {
  readonly writes: { bytes: number; seconds: number }[] = [];

  constructor(readonly cache: FeatureCache) {}

  read(...args: Parameters<FeatureCache["read"]>): Promise<boolean> {
    return this.cache.read(...args);
  }

  async write(
    key: string,
    tensors: readonly FeatureTensor[],
    give: (index: number) => Promise<Float32Array>,
  ): Promise<void> {
    const start = performance.now();
    let bytes = 0;
    await this.cache.write(key, tensors, async (i) => {
      const values = await give(i);
      bytes += values.byteLength;
      return values;
    });
    this.writes.push({ bytes, seconds: (performance.now() - start) / 1000 });
  }
}
