/**
 * What the host tells the GPU before a step: the frames drawn, their cameras and times, and which maps the features are read
 * from. A few hundred numbers.
 *
 * @module
 */
import type { Camera } from "../data/scene/camera.ts";
import type { Scene } from "../data/scene/scene.ts";
import { cameraRecords } from "../rendering/camera_records.ts";
import type { FrameWindow } from "../rendering/evaluate_fields.ts";
import type { SeenFrames } from "../nets/encoded_scenes.ts";
import type { SeenWindow } from "../rendering/seen_frames.ts";
import type { Gpu } from "../runtime/device.ts";
import type { Plan } from "../runtime/plan.ts";
import { createStep, type StepValues, writeStep } from "../runtime/step.ts";
import { createTensor, destroyTensor, type Tensor, writeTensor } from "../runtime/tensor.ts";

/** Frames from the one that is rendered to the one that is evaluated. */
const offsets = { before: -1, current: 0, after: 1 } as const;

/** The evaluations of a dynamic step. */
export type Evaluation = keyof typeof offsets;

/** What is drawn for a step, by scene. */
export interface Draw {
  /** The frame whose pixels are rays. */
  readonly frames: readonly number[];
  /** The frame whose image features the static field sees. */
  readonly imageFrames: readonly number[];
}

/** Feature maps of every frame, of which a step reads some. */
export interface MapSource {
  /** By scene and frame: `(height, width, channels)` rows. */
  readonly maps: readonly (readonly Tensor[])[];
  /** Their gradients, zeroed before the backward pass, where the encoder trains. */
  readonly gradients?: readonly (readonly Tensor[])[];
}

/** A window of late maps: a step chooses them from its source. */
export interface LateWindow extends FrameWindow {
  readonly source: MapSource;
  /** The maps' late gradients, where the source has some. */
  readonly gradients: readonly (readonly (Tensor | undefined)[])[];
}

/** The late windows of a stage. */
export type LateWindows = Partial<Record<Evaluation | "image", LateWindow>>;

/** Small tensors that are rewritten before each step, and the late maps of a plan. */
export class StepInputs {
  readonly step: Tensor;
  /** `(scenes, 2)` u32: frame, its still pixels. */
  readonly choices: Tensor;
  /** `(scenes, 2)`: normalized time of the frame, and of one frame. */
  readonly times: Tensor;
  readonly #cameras: Readonly<Record<Evaluation | "image", Tensor>>;

  constructor(readonly gpu: Gpu, readonly scenes: readonly Scene[]) {
    const count = scenes.length;
    this.step = createStep(gpu);
    this.choices = createTensor(gpu, "choices", [count, 2]);
    this.times = createTensor(gpu, "times", [count, 2]);
    const cameras = (name: string) => createTensor(gpu, `cameras.${name}`, [count, 3, 16]);
    this.#cameras = {
      before: cameras("before"),
      current: cameras("current"),
      after: cameras("after"),
      image: cameras("image"),
    };
  }

  /** The cameras of the frames drawn, `(scenes, 3, 16)`. */
  get cameras(): Tensor {
    return this.#cameras.current;
  }

  /** Late video maps around the frame of each evaluation, for one plan. */
  videoWindows(plan: Plan, source: MapSource): Record<Evaluation, LateWindow> {
    const window = (name: Evaluation) => this.#window(plan, name, source);
    return { before: window("before"), current: window("current"), after: window("after") };
  }

  /** Late image maps of the static field's frame, for one plan, or all frames as that frame's camera sees them. */
  imageWindow(
    plan: Plan,
    source: MapSource & { readonly seen?: readonly SeenFrames[] | undefined },
  ): LateWindow | SeenWindow {
    if (source.seen) return { frames: source.seen, cameras: this.#cameras.image };
    return this.#window(plan, "image", source);
  }

  #window(plan: Plan, name: Evaluation | "image", source: MapSource): LateWindow {
    const slots = ["before", "current", "after"];
    const gradients = source.maps.map(([{ shape }], scene) =>
      slots.map((slot) => source.gradients && plan.late(`d(maps.${name}.${scene}.${slot})`, shape))
    );
    const maps = source.maps.map(([{ shape }], scene) =>
      slots.map((slot, i) =>
        plan.late(`maps.${name}.${scene}.${slot}`, shape, "rows", gradients[scene][i])
      )
    );
    return { maps, gradients, source, cameras: this.#cameras[name] };
  }

  /** Writes a step's numbers. */
  write(values: StepValues, draw: Draw, still: readonly (readonly number[])[]): void {
    const { gpu, scenes } = this;
    writeStep(gpu, this.step, values);
    writeTensor(
      gpu,
      this.choices,
      Uint32Array.from(draw.frames.flatMap((frame, s) => [frame, still[s][frame]])),
    );
    writeTensor(gpu, this.times, frameTimes(draw.frames, scenes.map((scene) => scene.frames)));
    const records = (at: (scene: number) => number) =>
      joined(scenes.map((scene, s) => cameraRecords(scene.cameras, at(s))));
    for (const [name, offset] of Object.entries(offsets) as [Evaluation, number][]) {
      const frame = (s: number) => clampFrame(draw.frames[s] + offset, scenes[s].cameras);
      writeTensor(gpu, this.#cameras[name], records(frame));
    }
    writeTensor(gpu, this.#cameras.image, records((s) => draw.imageFrames[s]));
  }

  /** Which maps a plan's late ones are in this step, and their gradients. */
  choose(windows: LateWindows, draw: Draw): Map<Tensor, Tensor> {
    const choices = new Map<Tensor, Tensor>();
    for (const [name, window] of Object.entries(windows) as [Evaluation | "image", LateWindow][]) {
      const { source, gradients } = window;
      window.maps.forEach((slots, s) => {
        const { cameras } = this.scenes[s];
        const maps = source.maps[s];
        const frame = name === "image"
          ? draw.imageFrames[s]
          : clampFrame(draw.frames[s] + offsets[name], cameras);
        slots.forEach((late, slot) => {
          const neighbour = frame + slot - 1;
          const chosen = neighbour in maps ? neighbour : frame; // at the ends: the frame itself
          choices.set(late, maps[chosen]);
          const gradient = gradients[s][slot];
          if (gradient) choices.set(gradient, source.gradients![s][chosen]);
        });
      });
    }
    return choices;
  }

  /** Frees the tensors. */
  destroy(): void {
    const tensors = [this.step, this.choices, this.times, ...Object.values(this.#cameras)];
    for (const tensor of tensors) destroyTensor(this.gpu, tensor);
  }
}

/** `(scenes, 2)`: t = 2·frame/F − 1, and the time of one frame, 2/F. */
export function frameTimes(frames: readonly number[], counts: readonly number[]): Float32Array {
  return Float32Array.from(
    frames.flatMap((frame, s) => [2 * frame / counts[s] - 1, 2 / counts[s]]),
  );
}

function clampFrame(frame: number, cameras: readonly Camera[]): number {
  return Math.min(Math.max(frame, 0), cameras.length - 1);
}

function joined(parts: readonly Float32Array[]): Float32Array {
  return Float32Array.from(parts.flatMap((part) => [...part]));
}
