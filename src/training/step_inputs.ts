/**
 * What the host tells the GPU before a step: the frames drawn, their cameras and times, and which maps the features are read
 * from. A few hundred numbers.
 *
 * @module
 */
import type { Camera } from "../data/camera.ts";
import { cameraRecords } from "../rendering/camera_records.ts";
import type { FrameWindow } from "../rendering/evaluate.ts";
import type { Gpu } from "../runtime/device.ts";
import type { Plan } from "../runtime/plan.ts";
import { createStep, type StepValues, writeStep } from "../runtime/step.ts";
import { createTensor, destroyTensor, type Tensor, writeTensor } from "../runtime/tensor.ts";
import type { EncodedScenes } from "./encode_scenes.ts";

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

/** Small tensors that are rewritten before each step, and the late maps of a plan. */
export class StepInputs {
  readonly step: Tensor;
  /** `(scenes, 2)` u32: frame, its still pixels. */
  readonly choices: Tensor;
  /** `(scenes, 2)`: normalized time of the frame, and of one frame. */
  readonly times: Tensor;
  readonly #cameras: Readonly<Record<Evaluation | "image", Tensor>>;

  constructor(readonly gpu: Gpu, readonly encoded: EncodedScenes) {
    const scenes = encoded.scenes.length;
    this.step = createStep(gpu);
    this.choices = createTensor(gpu, "choices", [scenes, 2]);
    this.times = createTensor(gpu, "times", [scenes, 2]);
    const cameras = (name: string) => createTensor(gpu, `cameras.${name}`, [scenes, 3, 16]);
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
  videoWindows(plan: Plan): Record<Evaluation, FrameWindow> {
    const window = (name: Evaluation) => this.#window(plan, name, this.encoded.videoMaps);
    return { before: window("before"), current: window("current"), after: window("after") };
  }

  /** Late image maps of the static field's frame, for one plan. */
  imageWindow(plan: Plan): FrameWindow {
    return this.#window(plan, "image", this.encoded.imageMaps);
  }

  #window(plan: Plan, name: Evaluation | "image", maps: EncodedScenes["videoMaps"]): FrameWindow {
    return {
      maps: maps.map(([first], scene) =>
        ["before", "current", "after"].map((slot) =>
          plan.late(`maps.${name}.${scene}.${slot}`, first.shape)
        )
      ),
      cameras: this.#cameras[name],
    };
  }

  /** Writes a step's numbers. */
  write(values: StepValues, draw: Draw, still: readonly (readonly number[])[]): void {
    const { gpu, encoded } = this;
    writeStep(gpu, this.step, values);
    const { scenes } = encoded;
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

  /** Which maps a plan's late ones are in this step. */
  choose(
    windows: Partial<Record<Evaluation | "image", FrameWindow>>,
    draw: Draw,
  ): Map<Tensor, Tensor> {
    const choices = new Map<Tensor, Tensor>();
    for (const [name, window] of Object.entries(windows) as [Evaluation | "image", FrameWindow][]) {
      window.maps.forEach((slots, s) => {
        const { cameras } = this.encoded.scenes[s];
        const maps = name === "image" ? this.encoded.imageMaps[s] : this.encoded.videoMaps[s];
        const frame = name === "image"
          ? draw.imageFrames[s]
          : clampFrame(draw.frames[s] + offsets[name], cameras);
        slots.forEach((late, slot) => {
          const neighbour = frame + slot - 1;
          choices.set(late, maps[neighbour in maps ? neighbour : frame]); // at the ends: the frame itself
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
