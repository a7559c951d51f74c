/**
 * Rendering whole images of a scene from any camera at any time.
 *
 * @module
 */
// @ts-types="npm:@types/ndarray@1.0.14"
import ndarray, { type NdArray } from "npm:ndarray@1.1.1";
import type { Camera } from "../data/camera.ts";
import { globalCode, trunkCodes } from "../nets/dynamic_field.ts";
import type { MonoNerf } from "../nets/mono_nerf.ts";
import { concatenate } from "../ops/concatenate.ts";
import type { Gpu } from "../runtime/device.ts";
import { Plan } from "../runtime/plan.ts";
import type { Program } from "../runtime/program.ts";
import { readTensors } from "../runtime/readback.ts";
import { createTensor, destroyTensor, type Tensor, writeTensor } from "../runtime/tensor.ts";
import { cameraRecords, viewRecords } from "./camera_records.ts";
import { compositeBoth, rayMapChannels, rayMaps } from "./composite.ts";
import { evaluateDynamic, evaluateStatic } from "./evaluate.ts";
import { inducedFlow } from "./induced_flow.ts";
import { ProjectedMaps, type TimeMaps } from "./projected_maps.ts";
import { rayPoints } from "./render_rays.ts";

/** What the renderer reads of encoded scenes. */
export interface RenderableScenes {
  /** The scenes, in the order of the batch. */
  readonly scenes: readonly { readonly cameras: readonly Camera[] }[];
  /**
   * By scene and frame: `(height, width, 832)` rows.
   *
   * @internal
   */
  readonly videoMaps: readonly (readonly Tensor[])[];
  /**
   * By scene and frame: `(height, width, 512)` rows.
   *
   * @internal
   */
  readonly imageMaps: readonly (readonly Tensor[])[];
  /**
   * `(scenes, 1, 2048)` in blocks.
   *
   * @internal
   */
  readonly pooled: Tensor;
}

/** What {@link ImageRenderer.create} is told. */
export interface ImageRendererOptions {
  /** Samples of a ray. */
  readonly samples: number;
  /** Euler steps from a frame to its neighbour. */
  readonly trajectorySteps: number;
  /** Rays rendered at once. Default 1024. */
  readonly rays?: number;
}

/** A rendered view. Colours are sRGB in 0…1, depths NDC. */
export interface RenderedImage {
  /** Pixels. */
  readonly width: number;
  /** Pixels. */
  readonly height: number;
  /** `[height, width, 3]`: both fields. */
  readonly color: NdArray<Float32Array>;
  /** The static field alone. */
  readonly colorStatic: NdArray<Float32Array>;
  /** The dynamic field alone. */
  readonly colorDynamic: NdArray<Float32Array>;
  /** `[height, width]`: both fields, NDC. */
  readonly depth: NdArray<Float32Array>;
  /** Of the static field alone. */
  readonly depthStatic: NdArray<Float32Array>;
  /** Of the dynamic field alone. */
  readonly depthDynamic: NdArray<Float32Array>;
  /** `[height, width]`: share of the dynamic field in a ray, about 0…1. */
  readonly dynamicness: NdArray<Float32Array>;
  /** `[height, width, 2]`: flow of the dynamic field to the next frame seen by the same camera, pixels. */
  readonly flowForward: NdArray<Float32Array>;
  /** `[height, width, 2]`: the same as the next frame's own camera sees it, where that was named, pixels. */
  readonly flowToNext?: NdArray<Float32Array>;
}

/** Small tensors that are written before an image or a chunk of it. */
interface Inputs {
  readonly pixels: Tensor;
  readonly times: Tensor;
  readonly viewCameras: Tensor;
  readonly frameCameras: Tensor;
}

/**
 * Renders images in chunks of rays with one evaluation of the dynamic field, from feature maps projected once a time (spec
 * section 9, savings 4 and 7). Reads the model's parameters at {@link refresh}.
 */
export class ImageRenderer {
  private constructor(
    private readonly gpu: Gpu,
    private readonly scenes: RenderableScenes,
    private readonly rays: number,
    private readonly maps: ProjectedMaps,
    private readonly codes: { program: Program; all: readonly Tensor[]; late: readonly Tensor[] },
    private readonly chunk: { program: Program; maps: Tensor; flow: Tensor; flowToNext: Tensor },
    private readonly inputs: Inputs,
  ) {}

  /** Builds the renderer for a model and its encoded scenes. */
  static async create(
    model: MonoNerf,
    scenes: RenderableScenes,
    options: ImageRendererOptions,
  ): Promise<ImageRenderer> {
    const { gpu } = model;
    const { samples, trajectorySteps, rays = 1024 } = options;
    const codePlan = new Plan(gpu, "codes");
    const group = model.dynamic.frozen;
    const all = trunkCodes(codePlan, group, globalCode(codePlan, group, scenes.pooled));
    for (const code of all) codePlan.keep(code);

    const inputs: Inputs = {
      pixels: createTensor(gpu, "pixels", [1, rays, 2]),
      times: createTensor(gpu, "times", [1, 2]),
      viewCameras: createTensor(gpu, "cameras.view", [1, 3, 16]),
      frameCameras: createTensor(gpu, "cameras.frame", [1, 3, 16]),
    };
    const maps = await ProjectedMaps.create(model, timeMaps(scenes, 0, 0));
    const plan = new Plan(gpu, "image");
    const late = all.map(({ label, shape }) => plan.late(label, [1, 1, shape[2]], "blocks"));
    const of = rayPoints(plan, inputs.pixels, inputs.viewCameras, {
      samples,
      ndcCameras: inputs.frameCameras,
    });
    const staticFeatures = maps.staticFeatures(inputs.frameCameras, of.points);
    const { color, density } = evaluateStatic(
      plan,
      model.static.frozen,
      of.points,
      of.viewDirections,
      staticFeatures,
    );
    const dynamic = evaluateDynamic(
      plan,
      "current",
      { group, codes: late, times: inputs.times, steps: trajectorySteps },
      of.points,
      0,
      maps.dynamicFeatures(inputs.frameCameras),
    );
    const both = compositeBoth(plan, "composite", {
      rawStatic: concatenate(plan, "static.raw", color, density),
      rawDynamic: dynamic.raw,
      blending: dynamic.blending,
      z: of.z,
      directions: of.directions,
    });
    const [flow, flowToNext] = ([1, 2] as const).map((slot) =>
      plan.keep(inducedFlow(plan, `flow.${slot}`, {
        weights: both.weights,
        points: dynamic.after,
        pixels: inputs.pixels,
        cameras: inputs.viewCameras,
        slot,
      }))
    );
    plan.keep(both.maps);
    const renderer = new ImageRenderer(
      gpu,
      scenes,
      rays,
      maps,
      { program: await codePlan.build(), all, late },
      { program: await plan.build(), maps: both.maps, flow, flowToNext },
      inputs,
    );
    renderer.refresh();
    return renderer;
  }

  /** Takes the model's parameters as they are now. */
  refresh(): void {
    this.codes.program.run();
  }

  /**
   * Renders one view.
   *
   * @param scene number of the scene in the batch
   * @param camera any camera in the scene's world; its width and height are the image's
   * @param time in frames from 0, also between frames
   * @param next the camera of the next frame, to have `flowToNext` too
   * @throws when the scene is none of the batch, or the time is outside its frames
   */
  async render(
    scene: number,
    camera: Camera,
    time: number,
    next?: Camera,
  ): Promise<RenderedImage> {
    const { gpu, scenes, inputs, rays } = this;
    const cameras = scenes.scenes[scene]?.cameras;
    if (!cameras) {
      throw new RangeError(
        `Cannot render scene ${scene}: the batch has scenes 0 to ${scenes.scenes.length - 1}`,
      );
    }
    const count = cameras.length;
    if (!(time >= 0 && time <= count - 1)) {
      throw new RangeError(`Cannot render time ${time}: the scene has frames 0 to ${count - 1}`);
    }
    const frame = Math.min(Math.max(Math.ceil(time - 0.5), 0), count - 1);
    this.maps.update(timeMaps(scenes, scene, frame));
    this.chunk.program.bind(
      new Map(this.codes.late.map((late, i) => [late, sceneOf(this.codes.all[i], scene)])),
    );
    writeTensor(gpu, inputs.times, Float32Array.of(2 * time / count - 1, 2 / count));
    writeTensor(gpu, inputs.viewCameras, viewRecords(camera, next));
    writeTensor(gpu, inputs.frameCameras, cameraRecords(cameras, frame));

    const { width, height } = camera;
    const pixels = width * height;
    const { maps, flow, flowToNext } = this.chunk;
    const parts = [{ part: maps, channels: rayMapChannels }, { part: flow, channels: 2 }];
    if (next) parts.push({ part: flowToNext, channels: 2 });
    const wholes = parts.map(({ part, channels }) => ({
      part,
      channels,
      whole: createTensor(gpu, `image.${part.label}`, [pixels, channels]),
    }));
    try {
      for (let first = 0; first < pixels; first += rays) {
        const present = Math.min(rays, pixels - first);
        const places = Float32Array.from({ length: 2 * rays }, (_, i) => {
          const pixel = Math.min(first + Math.floor(i / 2), pixels - 1);
          return i % 2 === 0 ? pixel % width : Math.floor(pixel / width);
        });
        writeTensor(gpu, inputs.pixels, places);
        this.chunk.program.run();
        const encoder = gpu.device.createCommandEncoder({ label: "image.copy" });
        for (const { part, whole, channels } of wholes) {
          encoder.copyBufferToBuffer(
            part.memory!.buffer,
            part.memory!.offset,
            whole.memory!.buffer,
            first * channels * 4,
            present * channels * 4,
          );
        }
        gpu.device.queue.submit([encoder.finish()]);
      }
      const values = await readTensors(gpu, ...wholes.map(({ whole }) => whole));
      return imageOf(width, height, values);
    } finally {
      for (const { whole } of wholes) destroyTensor(gpu, whole);
    }
  }

  /** Frees the renderer's memory, not the model's. */
  destroy(): void {
    this.codes.program.destroy();
    this.chunk.program.destroy();
    this.maps.destroy();
    for (const tensor of Object.values(this.inputs)) destroyTensor(this.gpu, tensor);
  }
}

/** One scene's part of a tensor `(scenes, 1, channels)` in blocks. */
function sceneOf(codes: Tensor, scene: number): Tensor {
  const channels = codes.shape[2];
  const size = codes.size / codes.shape[0];
  const { buffer, offset } = codes.memory!;
  return {
    ...codes,
    shape: [1, 1, channels],
    size,
    memory: { buffer, offset: offset + scene * size * 4 },
  };
}

/** The raw maps around a frame; at the ends the frame's own stand in. */
function timeMaps(
  { videoMaps, imageMaps }: RenderableScenes,
  scene: number,
  frame: number,
): TimeMaps {
  const video = videoMaps[scene];
  return {
    video: [video[frame - 1] ?? video[frame], video[frame], video[frame + 1] ?? video[frame]],
    image: imageMaps[scene][frame],
  };
}

function imageOf(
  width: number,
  height: number,
  [maps, flow, flowToNext]: readonly Float32Array[],
): RenderedImage {
  const layer = (first: number, channels: number): NdArray<Float32Array> => {
    const data = Float32Array.from(
      { length: width * height * channels },
      (_, i) => maps[Math.floor(i / channels) * rayMapChannels + first + i % channels],
    );
    return ndarray(data, channels > 1 ? [height, width, channels] : [height, width]);
  };
  return {
    width,
    height,
    color: layer(rayMaps.colorFull, 3),
    colorStatic: layer(rayMaps.colorStatic, 3),
    colorDynamic: layer(rayMaps.colorDynamic, 3),
    depth: layer(rayMaps.depthFull, 1),
    depthStatic: layer(rayMaps.depthStatic, 1),
    depthDynamic: layer(rayMaps.depthDynamic, 1),
    dynamicness: layer(rayMaps.dynamicness, 1),
    flowForward: ndarray(flow, [height, width, 2]),
    ...(flowToNext ? { flowToNext: ndarray(flowToNext, [height, width, 2]) } : {}),
  };
}
