/**
 * A trained run opened again: its scenes as they were in training, and its model ready to render them.
 *
 * @module
 */
import { basename, join } from "node:path";
import { DataError, exists } from "../../src/data/files.ts";
import type { RunFolder } from "../../src/data/run/run_folder.ts";
import type { Scene } from "../../src/data/scene/scene.ts";
import { destroyMonoNerf } from "../../src/nets/mono_nerf.ts";
import { ImageRenderer } from "../../src/viewing/image_renderer.ts";
import { PointTracker } from "../../src/viewing/point_tracker.ts";
import type { Gpu } from "../../src/runtime/device.ts";
import { destroyEncodedScenes } from "../../src/nets/encoded_scenes.ts";
import { encodeScenes, type EncodingReport } from "../../src/training/encode_scenes.ts";
import { loadModel } from "../../src/training/load_model.ts";
import { type FeatureKeeping, openFeatureCache } from "../terminal/feature_cache.ts";
import { loadScenes } from "../train/scenes.ts";
import { encodingLine } from "../train/summary.ts";

/** What to do where scenes are not those of the run. */
export const nameScenes = "name the folder of its scenes by --data";

/**
 * Loads a run's scenes.
 *
 * @param doing What is being done with the run, and what to do where it cannot be: for messages.
 * @param data Where their folders are, if not where the run had them.
 * @throws {DataError} If one cannot be read, or is not as it was.
 */
export async function scenesOfRun(
  { directory, record }: RunFolder,
  doing: { verb: string; remedy: string },
  data?: string,
): Promise<Scene[]> {
  const directories = await Promise.all(
    record.scenes.map((scene) =>
      data === undefined ? scene.directory : movedTo(data, scene.directory)
    ),
  );
  for (const path of directories) {
    if (await exists(path)) continue;
    throw new DataError(
      `Cannot ${doing.verb} "${directory}": there is no "${path}", where its scene was; ` +
        `say where the scenes' folders are now: --data FOLDER`,
    );
  }
  const scenes = await loadScenes(directories, record.recipe);
  for (const [i, { frames, width, height }] of scenes.entries()) {
    const was = record.scenes[i];
    if (frames === was.frames && width === was.width && height === was.height) continue;
    throw new DataError(
      `Cannot ${doing.verb} "${directory}": "${directories[i]}" has ${frames} frames of ` +
        `${width} x ${height}, the run had ${was.frames} of ${was.width} x ${was.height}; ${doing.remedy}`,
    );
  }
  return scenes;
}

/** A folder that lies elsewhere now, below `data`: with as much of its path as is there, at least its name. */
async function movedTo(data: string, directory: string): Promise<string> {
  const parts = directory.split(/[/\\]/).filter((part) => part !== "" && part !== "..");
  for (let from = 0; from + 1 < parts.length; from++) {
    const path = join(data, ...parts.slice(from));
    if (await exists(path)) return path;
  }
  return join(data, basename(directory));
}

/** A run's model, ready to render. */
export interface OpenModel {
  /** Renders its scenes by their numbers. */
  renderer: ImageRenderer;
  /** Follows points of its scenes. */
  tracker: PointTracker;
  /** Frees them, the features and the model. */
  destroy: () => void;
}

/**
 * Loads a run's model and encodes its scenes, all of them: they share batch statistics.
 *
 * @throws {DataError} If the run has no checkpoint, or it cannot be used.
 */
export async function openModel(
  gpu: Gpu,
  run: RunFolder,
  scenes: readonly Scene[],
  features: FeatureKeeping,
  signal: AbortSignal,
): Promise<OpenModel> {
  const { recipe, tensors } = await run.readCheckpoint();
  const model = loadModel(gpu, { recipe, tensors });
  const reports: EncodingReport[] = [];
  const encoded = await encodeScenes(model, scenes, recipe, {
    cache: openFeatureCache(features, console.log), // of trained encoders too: they rest now
    onEncoded: (report) => reports.push(report),
    signal,
  });
  console.log(encodingLine(reports));
  const renderer = await ImageRenderer.create(model, encoded, recipe);
  const tracker = await PointTracker.create(model, encoded, recipe);
  return {
    renderer,
    tracker,
    destroy: () => {
      tracker.destroy();
      renderer.destroy();
      destroyEncodedScenes(model, encoded);
      destroyMonoNerf(model);
    },
  };
}
