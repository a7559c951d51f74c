/**
 * The trainer: one model, two stages, any number of scenes in a batch.
 *
 * @module
 */
import { absoluteDepthNdc } from "../data/scene/absolute_depth.ts";
import type { Scene } from "../data/scene/scene.ts";
import {
  createMonoNerf,
  destroyMonoNerf,
  groupsOf,
  type MonoNerf,
  writeParameters,
} from "../nets/mono_nerf.ts";
import { requireLossWeights } from "../recipes/as_recipe.ts";
import type { Recipe } from "../recipes/recipe.ts";
import { type Gpu, throwDeviceErrors } from "../runtime/device.ts";
import { pcg, randomUniform, streams } from "../runtime/random.ts";
import { readTensors } from "../runtime/readback.ts";
import { createTensor, destroyTensor, type Tensor } from "../runtime/tensor.ts";
import { destroyEncodedScenes, type EncodedScenes } from "../nets/encoded_scenes.ts";
import { encodeScenes, type EncodeScenesOptions } from "./encode_scenes.ts";
import { createSceneMemory, destroySceneMemory, type SceneMemory } from "./scene_memory.ts";
import { learningRate } from "./schedule.ts";
import {
  buildDynamicStage,
  buildStaticStage,
  isAnchored,
  type Stage,
  type StageName,
} from "./stages.ts";
import { type Draw, StepInputs } from "./step_inputs.ts";

/** What a person is told of the steps since the last report; losses are their means. */
export interface StepReport {
  /** The stage under way. */
  stage: StageName;
  /** Steps of the stage done so far. */
  step: number;
  /** Steps of the stage in all. */
  steps: number;
  /** Unweighted terms by name, and `total`, weighted. */
  losses: Record<string, number>;
  /** Of the stage's color on the rays drawn, dB. */
  psnr: number;
  /** Norm of the gradient before clipping. */
  gradientNorm: number;
  /** Mean dynamicness of rays that see something moving, and of the others; in the dynamic stage. */
  dynamicness?: { moving: number; still: number };
  /** Over the same steps. */
  stepsPerSecond: number;
}

/** A tensor on the CPU. */
export interface StoredTensor {
  /** Sizes, outermost first. */
  shape: readonly number[];
  /** The numbers, row-major. */
  data: Float32Array;
}

/** All that a run needs to go on exactly. */
export interface TrainerState {
  /** The stage under way. */
  stage: StageName | "done";
  /** Steps of the stage done so far. */
  step: number;
  /** Parameters by official name. */
  tensors: Map<string, StoredTensor>;
  /** Adam's moments of the stage: `<parameter>.exp_avg`, `<parameter>.exp_avg_sq`. */
  optimizer: Map<string, StoredTensor>;
}

/** Options of {@link Trainer.create}. */
export interface TrainerOptions extends Pick<EncodeScenesOptions, "cache" | "onEncoded"> {
  /** Where to go on from. */
  state?: TrainerState | undefined;
  /**
   * Parameters by official name that are written over the seeded ones: those of a trained model, or of encoders alone. Groups
   * of which it has nothing stay seeded.
   */
  parameters?: ReadonlyMap<string, Float32Array> | undefined;
  /** Called with what is being prepared, and how far it is in 0…1. */
  onProgress?: (what: string, fraction: number) => void;
  /** Gives up the preparation. */
  signal?: AbortSignal;
}

/** Options of {@link Trainer.run}. */
export interface RunOptions {
  /** Stops after the current step; the state is then that of a whole step. */
  signal?: AbortSignal;
  /** Steps between reports. Default 10. */
  reportEvery?: number;
  /** Told of the steps since the last report. */
  onReport?: (report: StepReport) => void | Promise<void>;
  /** Steps between checkpoints; 0: none. Default 0. */
  checkpointEvery?: number;
  /** Called between two steps, for the state to be kept. */
  onCheckpoint?: () => void | Promise<void>;
}

/** A loss that is not finite, or trajectories that were not solved. */
export class TrainingError extends Error {
  /** Names what went wrong, and when. */
  constructor(
    /** The stage under way. */
    readonly stage: StageName,
    /** The step, counted from 0. */
    readonly step: number,
    /** The loss term. */
    readonly term: string,
    value: number,
    advice: string = "try a lower --learning-rate, or look for broken frames, depths or flows",
  ) {
    super(
      `Cannot go on training: ${term} is ${value} in step ${step} of the ${stage} stage; the parameters are those of the ` +
        `last good step; ${advice}`,
    );
    this.name = "TrainingError";
  }
}

/**
 * Trains a model with a recipe on scenes in memory.
 *
 * @example Train, stop after a minute, and go on where it stopped
 * ```ts
 * import { loadScene, openGpu, own } from "../../mod.ts";
 * import { Trainer } from "./mod.ts";
 *
 * const gpu = await openGpu(), recipe = own("small", ["Balloon1"]);
 * const scenes = [await loadScene("data/Balloon1", recipe)];
 * const first = await Trainer.create(gpu, recipe, scenes);
 * await first.run({ signal: AbortSignal.timeout(60_000) }); // "aborted", after a whole step
 * const state = await first.state();
 * first.destroy();
 *
 * const second = await Trainer.create(gpu, recipe, scenes, { state });
 * await second.run({ onReport: ({ stage, step, psnr }) => console.log(stage, step, psnr) }); // "done"
 * ```
 */
export class Trainer {
  #stage: StageName | "done";
  #step: number;
  #program: Stage | undefined;
  #pending: TrainerState | undefined;
  #encoded: EncodedScenes | undefined;

  private constructor(
    /** Where it trains. */
    readonly gpu: Gpu,
    /** What it trains, and how. */
    readonly recipe: Recipe,
    /** The scenes of its batch. */
    readonly scenes: readonly Scene[],
    /** The model as it is now. */
    readonly model: MonoNerf,
    /** @internal */
    readonly memories: readonly SceneMemory[],
    /** @internal */
    readonly inputs: StepInputs,
    state?: TrainerState,
  ) {
    this.#stage = state?.stage ?? "static";
    this.#step = state?.step ?? 0;
    this.#pending = state;
  }

  /**
   * Makes the model, uploads the scenes' frames, and encodes them unless the encoders train too.
   *
   * @throws when the parameters of the state or of the encoders do not fit the recipe, or a loss weight is misspelt
   */
  static async create(
    gpu: Gpu,
    recipe: Recipe,
    scenes: readonly Scene[],
    options: TrainerOptions = {},
  ): Promise<Trainer> {
    const { state, parameters, ...encoding } = options;
    if (scenes.length === 0) throw new Error("Cannot train: no scene was given");
    requireLossWeights(recipe.lossWeights);
    if (recipe.rays % scenes.length !== 0 || recipe.rays < 2 * scenes.length) {
      throw new Error(
        `Cannot share ${recipe.rays} rays among ${scenes.length} scenes: each needs the same number, at least 2`,
      );
    }
    const { model: sizes, seed, trainEncoders, positionGain, flowGain } = recipe;
    const gains = { positionGain, flowGain };
    const model = createMonoNerf(gpu, { sizes, seed, gains, trainEncoders });
    for (const group of groupsOf(model)) {
      if (parameters?.has(group.specs[0].name)) group.write(parameters);
    }
    if (state) {
      writeParameters(model, new Map([...state.tensors].map(([name, { data }]) => [name, data])));
    }
    const memories = scenes.map((scene) =>
      createSceneMemory(gpu, scene, isAnchored(recipe) ? absoluteDepthNdc(scene).data : undefined)
    );
    throwDeviceErrors(gpu, "upload the scenes");
    const inputs = new StepInputs(gpu, scenes);
    const trainer = new Trainer(gpu, recipe, scenes, model, memories, inputs, state);
    if (!recipe.trainEncoders) await trainer.encode(encoding);
    return trainer;
  }

  /** The scenes' features with the encoders as they are, to be shared with a renderer; the trainer frees them. */
  async encode(options: EncodeScenesOptions = {}): Promise<EncodedScenes> {
    const { model, scenes, recipe } = this;
    if (recipe.trainEncoders) this.#forgetEncoded(); // made with the encoders as they were
    return this.#encoded ??= await encodeScenes(model, scenes, recipe, options);
  }

  #forgetEncoded(): void {
    if (this.#encoded) destroyEncodedScenes(this.model, this.#encoded);
    this.#encoded = undefined;
  }

  /** The stage and the number of its steps done. */
  get position(): { stage: StageName | "done"; step: number } {
    return { stage: this.#stage, step: this.#step };
  }

  /** Runs both stages to their end, or until the signal. */
  async run(options: RunOptions = {}): Promise<"done" | "aborted"> {
    while (this.#stage !== "done") {
      if (await this.#runStage(this.#stage, options) === "aborted") return "aborted";
      this.#closeStage();
      this.#stage = this.#stage === "static" ? "dynamic" : "done";
      this.#step = 0;
    }
    return "done";
  }

  /** The state after the last whole step. */
  async state(): Promise<TrainerState> {
    const shapes = new Map(
      groupsOf(this.model).flatMap(({ specs }) => specs.map(({ name, shape }) => [name, shape])),
    );
    const tensors = new Map<string, StoredTensor>();
    for (const group of groupsOf(this.model)) {
      for (const [name, data] of await group.read()) {
        tensors.set(name, { shape: shapes.get(name)!, data });
      }
    }
    const optimizer = new Map<string, StoredTensor>();
    if (this.#program) {
      for (const [name, data] of await this.#program.adam.read()) {
        optimizer.set(name, { shape: shapes.get(name.replace(/\.exp_avg(_sq)?$/, ""))!, data });
      }
    } else if (this.#pending) {
      for (const [name, tensor] of this.#pending.optimizer) optimizer.set(name, tensor);
    }
    return { ...this.position, tensors, optimizer };
  }

  /**
   * Builds the plan of the stage in progress, for benchmarks and for {@link run}.
   *
   * @internal
   */
  async openStage(name: StageName): Promise<Stage> {
    if (this.#program?.name === name) return this.#program;
    this.#closeStage();
    const { model, recipe, memories, inputs } = this;
    const build = name === "static" ? buildStaticStage : buildDynamicStage;
    const stage = await build(model, recipe, memories, inputs, this.#encoded);
    if (this.#pending?.optimizer.size && this.#pending.stage === name) {
      stage.adam.write(
        new Map([...this.#pending.optimizer].map(([name, { data }]) => [name, data])),
      );
    }
    this.#pending = undefined;
    return this.#program = stage;
  }

  /**
   * Tells the GPU what step `step` of a stage draws, and submits it.
   *
   * @internal
   */
  submitStep(stage: Stage, step: number, keep?: { history: Tensor; row: number }): void {
    const { recipe } = this;
    // each stage has random numbers of its own
    const seed = pcg(2 * recipe.seed + (stage.name === "static" ? 0 : 1));
    const draw = this.#draw(stage.name, seed, step);
    const still = this.memories.map((memory) => memory.still);
    this.inputs.write({ seed, step, learningRate: learningRate(step, recipe) }, draw, still);
    stage.writeWeights(step);
    stage.program.bind(this.inputs.choose(stage.windows, draw));
    let at = keep ? keep.row * stage.logged.length : 0;
    stage.program.run(
      keep && stage.loggedTensors.map((from) => {
        const copy = { from, to: keep.history, at };
        at += from.size;
        return copy;
      }),
    );
  }

  #draw(stage: StageName, seed: number, step: number): Draw {
    const pick = (stream: number, scene: number, count: number) =>
      Math.floor(randomUniform(seed, step, stream, scene) * count);
    const seen = this.scenes.map(({ frames }) =>
      stage === "dynamic" && this.recipe.dynamicFrames > 0
        ? Math.min(this.recipe.dynamicFrames, frames)
        : frames
    );
    const frames = seen.map((count, s) => pick(streams.frame, s, count));
    const imageFrames = stage === "dynamic"
      ? frames
      : seen.map((count, s) => pick(streams.staticFrame, s, count));
    return { frames, imageFrames };
  }

  async #runStage(name: StageName, options: RunOptions): Promise<"done" | "aborted"> {
    const { signal, reportEvery = 10, checkpointEvery = 0 } = options;
    const steps = name === "static" ? this.recipe.staticSteps : this.recipe.dynamicSteps;
    if (this.#step >= steps) return "done";
    const stage = await this.openStage(name);
    const { gpu } = this;
    const width = stage.logged.length;
    const history = createTensor(gpu, "history", [reportEvery, width]);
    try {
      let rows = 0;
      let waiting = 0; // steps submitted and not waited for
      let secondsPerStep = 0.5;
      let since = performance.now();
      while (this.#step < steps) {
        if (signal?.aborted) {
          await gpu.device.queue.onSubmittedWorkDone();
          return "aborted";
        }
        this.submitStep(stage, this.#step, { history, row: rows++ });
        this.#step++;
        waiting++;
        const checkpoint = checkpointEvery > 0 && this.#step % checkpointEvery === 0;
        // by the step's number, not by the run's: a resumed run reports and saves at the same steps
        const report = this.#step % reportEvery === 0 || this.#step === steps || checkpoint;
        if (!report && waiting * secondsPerStep < 0.5) continue; // half a second of work ahead
        waiting = 0;
        if (report) {
          const [values] = await readTensors(gpu, history);
          const seconds = (performance.now() - since) / 1000;
          secondsPerStep = seconds / rows;
          await this.#report(
            stage,
            steps,
            values.subarray(0, rows * width),
            rows,
            seconds,
            options,
          );
          since = performance.now();
          rows = 0;
        } else {
          await Promise.race([gpu.device.queue.onSubmittedWorkDone(), gpu.lost]);
          throwDeviceErrors(gpu, `run step ${this.#step} of the ${name} stage`);
        }
        if (checkpoint) {
          await options.onCheckpoint?.();
          since = performance.now();
        }
      }
      return "done";
    } finally {
      destroyTensor(gpu, history);
    }
  }

  async #report(
    stage: Stage,
    steps: number,
    values: Float32Array,
    rows: number,
    seconds: number,
    options: RunOptions,
  ): Promise<void> {
    const width = stage.logged.length;
    const bad = values.findIndex((value) => !Number.isFinite(value));
    if (bad >= 0) {
      const step = this.#step - rows + Math.floor(bad / width);
      // the total and the norm follow from the terms: name a term where one is to blame
      const row = Math.floor(bad / width) * width;
      const unsolved = stage.logged.includes("unsolved")
        ? values[row + stage.logged.indexOf("unsolved")]
        : 0;
      if (unsolved > 0) {
        const advice = "try more --ode-max-steps, or a larger --ode-rtol and --ode-atol";
        throw new TrainingError(stage.name, step, "trajectories not solved", unsolved, advice);
      }
      const term = stage.logged.findIndex((name, i) =>
        !Number.isFinite(values[row + i]) && name !== "total" && name !== "gradientNorm"
      );
      const at = term >= 0 ? row + term : bad;
      throw new TrainingError(stage.name, step, stage.logged[at % width], values[at]);
    }
    const mean = (name: string) => {
      const column = stage.logged.indexOf(name);
      let sum = 0;
      for (let row = 0; row < rows; row++) sum += values[row * width + column];
      return sum / rows;
    };
    const { gradientNorm, unsolved: _, dynamicnessMoving, dynamicnessStatic, ...losses } = Object
      .fromEntries(stage.logged.map((name) => [name, mean(name)]));
    await options.onReport?.({
      stage: stage.name,
      step: this.#step,
      steps,
      losses,
      psnr: -10 * Math.log10(mean(stage.colorTerm)),
      gradientNorm,
      ...(stage.name === "dynamic" && {
        dynamicness: { moving: dynamicnessMoving, still: dynamicnessStatic },
      }),
      stepsPerSecond: rows / seconds,
    });
  }

  #closeStage(): void {
    this.#program?.destroy();
    this.#program = undefined;
  }

  /** Frees everything, the model included. */
  destroy(): void {
    this.#closeStage();
    this.inputs.destroy();
    for (const memory of this.memories) destroySceneMemory(this.gpu, memory);
    this.#forgetEncoded();
    destroyMonoNerf(this.model);
  }
}
