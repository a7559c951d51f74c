import type { FrameMaps } from "../../src/ops/frame_maps.ts";
import type { Gpu } from "../../src/runtime/device.ts";
import { Plan } from "../../src/runtime/plan.ts";
import { readTensors } from "../../src/runtime/readback.ts";
import { createTensor, type Tensor } from "../../src/runtime/tensor.ts";
import { type CheckedInput, randomArray } from "./gpu.ts";

/** Frame maps on the host: by scene and frame, `(height·width, channels)` in C order. */
export interface HostMaps {
  readonly values: readonly (readonly Float32Array[])[];
  readonly height: number;
  readonly width: number;
  readonly channels: number;
}

/** Reproducible maps of scenes with these numbers of frames; `offset` is added to all. */
export function randomMaps(
  seed: number,
  frames: readonly number[],
  size: { height: number; width: number; channels: number },
  offset = 0,
): HostMaps {
  const count = size.height * size.width * size.channels;
  return {
    ...size,
    values: frames.map((length, s) =>
      Array.from(
        { length },
        (_, f) => randomArray(seed + 100 * s + f, count, offset - 1, offset + 1),
      )
    ),
  };
}

/** The same maps on the device. */
export function uploadMaps(gpu: Gpu, maps: HostMaps): FrameMaps {
  const { values, height, width, channels } = maps;
  const frames = values.map((scene) =>
    scene.map((data) =>
      createTensor(gpu, "x", [1, height * width, channels], { layout: "blocks", data })
    )
  );
  return { frames, height, width, channels };
}

/** Maps as inputs of `checkGradients`, a tensor a frame: `name.scene.frame`. */
export function checkedMaps(name: string, maps: HostMaps): Record<string, CheckedInput> {
  const { values, height, width, channels } = maps;
  const shape = [1, height * width, channels];
  return Object.fromEntries(
    values.flatMap((scene, s) =>
      scene.map((data, f) => [`${name}.${s}.${f}`, { shape, layout: "blocks", data }])
    ),
  );
}

/** The maps that {@link checkedMaps} named, among recorded inputs. */
export function mapsAmong(
  inputs: Record<string, Tensor>,
  name: string,
  { values, height, width, channels }: HostMaps,
): FrameMaps {
  const frames = values.map((scene, s) => scene.map((_, f) => inputs[`${name}.${s}.${f}`]));
  return { frames, height, width, channels };
}

/** A list as `runRecorded` takes it, by name: `y0`, `y1`, … */
export function numbered<T>(list: readonly T[]): Record<string, T> {
  return Object.fromEntries(list.map((value, i) => [`y${i}`, value]));
}

/** The same inputs, of which only those called `name` or `name.…` are differentiable. */
export function only(
  name: string,
  inputs: Record<string, CheckedInput>,
): Record<string, CheckedInput> {
  return Object.fromEntries(
    Object.entries(inputs).map(([key, input]) => [
      key,
      { ...input, differentiable: key === name || key.startsWith(`${name}.`) },
    ]),
  );
}

/** Records, runs once, and reads what `record` returns. */
export async function evaluate(
  gpu: Gpu,
  record: (plan: Plan) => readonly Tensor[],
): Promise<Float32Array[]> {
  const plan = new Plan(gpu, "test");
  const outputs = record(plan).map((tensor) => plan.keep(tensor));
  const program = await plan.build();
  program.run();
  const values = await readTensors(gpu, ...outputs);
  program.destroy();
  return values;
}
