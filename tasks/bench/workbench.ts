/**
 * What a training stage is made of, without a run: model, scenes, features, and steps that can be repeated.
 *
 * @module
 */
import type { Scene } from "../../src/data/scene/scene.ts";
import { createMonoNerf, destroyMonoNerf, type MonoNerf } from "../../src/nets/mono_nerf.ts";
import type { Recipe } from "../../src/recipes/recipe.ts";
import type { Gpu } from "../../src/runtime/device.ts";
import { randomUniform } from "../../src/runtime/random.ts";
import { createTensor, type Tensor } from "../../src/runtime/tensor.ts";
import { destroyEncodedScenes, type EncodedScenes } from "../../src/nets/encoded_scenes.ts";
import { asFieldsRead, featureShapes } from "../../src/training/encode_scenes.ts";
import {
  createSceneMemory,
  destroySceneMemory,
  type SceneMemory,
} from "../../src/training/scene_memory.ts";
import {
  buildDynamicStage,
  buildStaticStage,
  type Stage,
  type StageName,
} from "../../src/training/stages.ts";
import { StepInputs } from "../../src/training/step_inputs.ts";

/** A model with its scenes on an adapter. */
export class Workbench {
  /** Bytes of what is there besides the stages' plans. */
  readonly bytes: Readonly<Record<"parameters" | "features" | "frames", number>>;
  readonly #inputs: StepInputs;

  private constructor(
    readonly gpu: Gpu,
    readonly recipe: Recipe,
    readonly model: MonoNerf,
    readonly scenes: readonly Scene[],
    /** None where the encoders train: a step makes them. */
    readonly encoded: EncodedScenes | undefined,
    readonly memories: readonly SceneMemory[],
    bytes: Workbench["bytes"],
  ) {
    this.#inputs = new StepInputs(gpu, scenes);
    this.bytes = bytes;
  }

  /** Makes the model, the features and the frames' memory. */
  static async create(
    gpu: Gpu,
    recipe: Recipe,
    scenes: readonly Scene[],
  ): Promise<Workbench> {
    const marks = [gpu.allocatedBytes];
    const { model: sizes, seed, trainEncoders } = recipe;
    const model = createMonoNerf(gpu, { sizes, seed, trainEncoders });
    marks.push(gpu.allocatedBytes);
    const encoded = trainEncoders ? undefined : await randomFeatures(model, recipe, scenes);
    marks.push(gpu.allocatedBytes);
    const memories = scenes.map((scene) => createSceneMemory(gpu, scene));
    marks.push(gpu.allocatedBytes);
    const [parameters, features, frames] = marks.slice(1).map((mark, i) => mark - marks[i]);
    const bytes = { parameters, features, frames };
    return new Workbench(gpu, recipe, model, scenes, encoded, memories, bytes);
  }

  /** Builds a stage, ready to run its first step again and again: the learning rate is 0. */
  async open(name: StageName): Promise<Stage> {
    const build = name === "static" ? buildStaticStage : buildDynamicStage;
    const { model, recipe, memories, encoded } = this;
    const stage = await build(model, recipe, memories, this.#inputs, encoded);
    const frames = this.scenes.map((scene, i) => Math.min(1 + i, scene.frames - 1));
    const draw = { frames, imageFrames: frames };
    this.#inputs.write(
      { seed: this.recipe.seed, step: 0, learningRate: 0 },
      draw,
      this.memories.map(({ still }) => still),
    );
    stage.writeWeights(0);
    stage.program.bind(this.#inputs.choose(stage.windows, draw));
    return stage;
  }

  /** Frees everything; stages are freed by whoever opened them. */
  destroy(): void {
    this.#inputs.destroy();
    for (const memory of this.memories) destroySceneMemory(this.gpu, memory);
    if (this.encoded) destroyEncodedScenes(this.model, this.encoded);
    destroyMonoNerf(this.model);
  }
}

/** Features of the shapes that the encoders give, uniform in ±1; all frames have the same. */
async function randomFeatures(
  model: MonoNerf,
  recipe: Recipe,
  scenes: readonly Scene[],
): Promise<EncodedScenes> {
  const { gpu } = model;
  const { video, image, pooled } = featureShapes(recipe.model, scenes, recipe);
  const maps = async (name: string, shape: number[]) => {
    const data = noise(shape);
    const all: Tensor[][] = [];
    for (const scene of scenes) {
      const ofScene: Tensor[] = [];
      for (let frame = 0; frame < scene.frames; frame++) {
        ofScene.push(createTensor(gpu, `${name}.${scene.name}.${frame}`, shape, { data }));
        gpu.device.queue.submit([]);
        await gpu.device.queue.onSubmittedWorkDone(); // so that uploads do not pile up
      }
      all.push(ofScene);
    }
    return all;
  };
  return asFieldsRead(model, scenes, recipe, {
    videoMaps: await maps("video", video),
    imageMaps: await maps("image", image),
    pooled: createTensor(gpu, "pooled", pooled, { layout: "blocks", data: noise(pooled) }),
  });
}

/** Random numbers in ±1, a few thousand over and over. */
function noise(shape: readonly number[]): Float32Array<ArrayBuffer> {
  const some = Float32Array.from({ length: 4099 }, (_, i) => 2 * randomUniform(0, 0, 0, i) - 1);
  const all = new Float32Array(shape.reduce((size, length) => size * length, 1));
  for (let at = 0; at < all.length; at += some.length) {
    all.set(some.subarray(0, all.length - at), at);
  }
  return all;
}
