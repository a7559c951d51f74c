/**
 * A model from a checkpoint.
 *
 * @module
 */
import type { Checkpoint } from "../data/run/checkpoint.ts";
import {
  createMonoNerf,
  destroyMonoNerf,
  groupsOf,
  type MonoNerf,
  writeParameters,
} from "../nets/mono_nerf.ts";
import type { Gpu } from "../runtime/device.ts";

/**
 * Makes the model that a checkpoint holds.
 *
 * @throws {Error} If parameters are missing or have another shape than the checkpoint's recipe says; the message lists them.
 *
 * @example Load the model of a run
 * ```ts
 * import { loadCheckpoint, openGpu } from "../../mod.ts";
 * import { loadModel } from "./mod.ts";
 *
 * const checkpoint = await loadCheckpoint("runs/balloon-small/checkpoint.safetensors");
 * const model = loadModel(await openGpu(), checkpoint);
 * ```
 */
export function loadModel(gpu: Gpu, checkpoint: Pick<Checkpoint, "recipe" | "tensors">): MonoNerf {
  const { recipe, tensors } = checkpoint;
  const model = createMonoNerf(gpu, { sizes: recipe.model, seed: recipe.seed });
  try {
    requireShapes(model, tensors);
    writeParameters(model, new Map([...tensors].map(([name, { data }]) => [name, data])));
    return model;
  } catch (error) {
    destroyMonoNerf(model);
    throw error;
  }
}

/** Sizes alone would let a transposed matrix through. */
function requireShapes(model: MonoNerf, tensors: Checkpoint["tensors"]): void {
  const wrong = groupsOf(model).flatMap(({ specs }) => specs).flatMap(({ name, shape }) => {
    const found = tensors.get(name);
    if (!found) return [`${name} (${shape.join(", ")}) is missing`];
    if (`${found.shape}` === `${shape}`) return [];
    return [`${name} is (${found.shape.join(", ")}), wanted (${shape.join(", ")})`];
  });
  if (wrong.length === 0) return;
  const more = wrong.length > 5 ? `\n  and ${wrong.length - 5} more` : "";
  throw new Error(
    `Cannot load the model: its parameters do not fit its recipe:\n  ${
      wrong.slice(0, 5).join("\n  ")
    }${more}`,
  );
}
