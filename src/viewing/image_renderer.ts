/**
 * Rendering whole images of a scene from any camera at any time.
 *
 * @module
 */
// @ts-types="npm:@types/ndarray@1.0.14"
import ndarray, { type NdArray } from "npm:ndarray@1.1.1";
import type { Camera } from "../data/scene/camera.ts";
import type { EncodedScenes } from "../nets/encoded_scenes.ts";
import type { MonoNerf } from "../nets/mono_nerf.ts";
import type { Trajectory } from "../recipes/recipe.ts";
import { readTensors } from "../runtime/readback.ts";
import { createTensor, destroyTensor, type Tensor, writeTensor } from "../runtime/tensor.ts";
import { cameraRecords, viewRecords } from "../rendering/camera_records.ts";
import { rayMapChannels, rayMaps } from "../rendering/composite.ts";
import { unsolvedError } from "../trajectory/dopri5.ts";
import { ndcExtent } from "../data/scene/ndc.ts";
import { ndcPlacement, placedCamera } from "./place_points.ts";
import { DynamicMaps, StaticMaps, type VideoMaps } from "./projected_maps.ts";
import {
  type BackgroundSource,
  type ForegroundSource,
  type RayChunk,
  recordRayChunk,
} from "./ray_chunk.ts";
import { SceneCodes } from "./scene_codes.ts";
import { SeenMaps } from "./seen_maps.ts";
import {
  type BlendingRegion,
  inversePlacement,
  maxRegions,
  type Moment,
  type Placement,
  type SceneEdit,
  unedited,
} from "./scene_edit.ts";

/** What {@link ImageRenderer.create} is told. */
export interface ImageRendererOptions {
  /** Samples of a ray. */
  readonly samples: number;
  /** How a neighbouring frame is reached. */
  readonly trajectory: Trajectory;
  /** Rays rendered at once. Default 1024. */
  readonly rays?: number;
}

/** A rendered view. Colors are sRGB in 0…1, depths NDC. */
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
  readonly flowToNext?: NdArray<Float32Array> | undefined;
}

/** A source of a picture, and what of it is freed. */
interface Slot<S> {
  readonly source: S;
  destroy(): void;
}

/**
 * Renders images in chunks of rays with one evaluation of each dynamic field, from feature maps projected once a time
 * (src/nets/README.md#exact-savings, 4 and 7). Reads the model's parameters at {@link refresh}.
 *
 * The lists of dispatches, one for plain pictures and one for edited ones of each number of foregrounds, are recorded when they
 * are first needed.
 *
 * @example Render a view, and an edited one
 * ```ts
 * import type { Checkpoint, EncodedScenes, MonoNerf, Scene } from "../../mod.ts";
 * import { flipForeground, ImageRenderer, unedited } from "./mod.ts";
 *
 * async function render(model: MonoNerf, encoded: EncodedScenes, scene: Scene, { recipe }: Checkpoint) {
 *   const renderer = await ImageRenderer.create(model, encoded, recipe);
 *   const { color, depth } = await renderer.render(0, scene.cameras[3], 5.5); // scene 0, between two frames
 *   const mirrored = await renderer.renderEdit(flipForeground(unedited(0, 5.5)), scene.cameras[3]);
 *   return { color, depth, mirrored: mirrored.color };
 * }
 * ```
 */
export class ImageRenderer {
  readonly #model: MonoNerf;
  readonly #scenes: EncodedScenes;
  readonly #options: Required<ImageRendererOptions>;
  readonly #codes: SceneCodes;
  readonly #inputs: { pixels: Tensor; viewCameras: Tensor; unsolved: Tensor; regions: Tensor };
  readonly #background: Slot<BackgroundSource>;
  readonly #foregrounds: Promise<Slot<ForegroundSource>>[] = [];
  readonly #chunks = new Map<string, Promise<RayChunk>>();
  readonly #built: { destroy(): void }[] = [];

  private constructor(
    model: MonoNerf,
    scenes: EncodedScenes,
    options: ImageRendererOptions,
    codes: SceneCodes,
    background: Slot<BackgroundSource>,
  ) {
    const { rays = 1024 } = options;
    this.#model = model;
    this.#scenes = scenes;
    this.#options = { ...options, rays };
    this.#codes = codes;
    this.#background = background;
    this.#inputs = {
      pixels: createTensor(model.gpu, "pixels", [1, rays, 2]),
      viewCameras: createTensor(model.gpu, "cameras.view", [1, 3, 16]),
      unsolved: createTensor(model.gpu, "unsolved", [1]),
      regions: createTensor(model.gpu, "regions", [1, maxRegions, 8]),
    };
  }

  /** Builds the renderer for a model and its encoded scenes. */
  static async create(
    model: MonoNerf,
    scenes: EncodedScenes,
    options: ImageRendererOptions,
  ): Promise<ImageRenderer> {
    const codes = await SceneCodes.create(model, scenes.pooled);
    const background = await backgroundSlot(model, scenes);
    return new ImageRenderer(model, scenes, options, codes, background);
  }

  /** Takes the model's parameters as they are now. */
  refresh(): void {
    this.#codes.refresh();
    const { maps } = this.#background.source;
    if (maps instanceof SeenMaps) maps.refresh();
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
    return await this.renderEdit(unedited(scene, time), camera, next);
  }

  /**
   * Renders one view of an edited scene. For {@link unedited} it is {@link render}.
   *
   * The worlds of all scenes are laid over each other: cameras stand about the origin and look along −z, and the nearest things
   * are at the same distance. Of a foreground that is placed elsewhere only that is shown which lay in its frame's own picture. The
   * picture's dynamic layers and its flow are of the first foreground, composited by itself.
   *
   * @param camera any camera in that world; its width and height are the image's
   * @param next the camera of the next frame, to have `flowToNext` too
   * @throws when a scene is none of the batch, a time is outside its frames, or a placement or region is malformed
   */
  async renderEdit(edit: SceneEdit, camera: Camera, next?: Camera): Promise<RenderedImage> {
    const { regions = [] } = edit;
    const background = this.#moment(edit.background);
    const foregrounds = edit.foregrounds.map(({ placement = inPlace, ...moment }) => {
      const found = this.#moment(moment);
      const inverse = inversePlacement(placement);
      const seen = (camera: Camera) => placedCamera(camera, placement, inverse);
      const placements = new Float32Array(16); // the last row: whether what no picture showed is hidden
      placements.set(ndcPlacement(inverse, background.camera, found.camera));
      placements[12] = isInPlace(placement) ? 0 : 1;
      return {
        ...found,
        placements,
        viewCameras: viewRecords(seen(camera), next && seen(next)),
      };
    });
    const boxes = regionRecords(regions, background.camera);
    const plain = foregrounds.length === 1 && regions.length === 0 &&
      isInPlace(foregrounds[0].placements.subarray(0, 12));
    const chunk = await this.#chunk(foregrounds.length, !plain);
    const slots = await Promise.all(foregrounds.map((_, i) => this.#foreground(i)));

    // from here to the reading of the pixels nothing is awaited: pictures that are asked for at once do not mix
    const { gpu } = this.#model;
    const { pixels, viewCameras } = this.#inputs;
    writeTensor(gpu, viewCameras, viewRecords(camera));
    writeTensor(gpu, this.#inputs.unsolved, Float32Array.of(0));
    writeTensor(gpu, this.#inputs.regions, boxes);
    const { source } = this.#background;
    const { seen, imageMaps } = this.#scenes;
    if (source.maps instanceof SeenMaps) source.maps.show(seen![background.scene]);
    else source.maps.update([imageMaps[background.scene][background.frame]]);
    writeTensor(gpu, source.cameras, cameraRecords(background.cameras, background.frame));
    const codes = foregrounds.flatMap(({ scene }, i) => this.#codes.choose(chunk.codes[i], scene));
    const frames = (["cameras", "pictures"] as const).flatMap((name): [Tensor, Tensor][] =>
      chunk.seen ? [[chunk.seen[name], seen![background.scene][name]]] : []
    );
    chunk.program.bind(new Map([...codes, ...frames]));
    foregrounds.forEach(({ scene, cameras, frame, times, placements, viewCameras }, i) => {
      const { source } = slots[i];
      source.maps.update(videoMaps(this.#scenes, scene, frame));
      writeTensor(gpu, source.cameras, cameraRecords(cameras, frame));
      writeTensor(gpu, source.times, times);
      writeTensor(gpu, source.placements, placements);
      writeTensor(gpu, source.viewCameras, viewCameras);
    });
    return await this.#renderChunks(chunk, pixels, camera, next !== undefined);
  }

  /** Renders all pixels of a camera, chunk by chunk. */
  async #renderChunks(
    chunk: RayChunk,
    places: Tensor,
    { width, height }: Camera,
    toNext: boolean,
  ): Promise<RenderedImage> {
    const { gpu } = this.#model;
    const { rays } = this.#options;
    const pixels = width * height;
    const parts = [
      { part: chunk.maps, channels: rayMapChannels },
      ...chunk.flows.slice(0, toNext ? 2 : 1).map((part) => ({ part, channels: 2 })),
    ];
    const wholes = parts.map(({ part, channels }) => ({
      part,
      channels,
      whole: createTensor(gpu, `image.${part.label}`, [pixels, channels]),
    }));
    try {
      for (let first = 0; first < pixels; first += rays) {
        const present = Math.min(rays, pixels - first);
        const numbers = Float32Array.from({ length: 2 * rays }, (_, i) => {
          const pixel = Math.min(first + Math.floor(i / 2), pixels - 1);
          return i % 2 === 0 ? pixel % width : Math.floor(pixel / width);
        });
        writeTensor(gpu, places, numbers);
        chunk.program.run(wholes.map(({ part, whole, channels }) => ({
          from: part,
          to: whole,
          at: first * channels,
          size: present * channels,
        })));
      }
      const { unsolved } = this.#inputs;
      const read = await readTensors(gpu, unsolved, ...wholes.map(({ whole }) => whole));
      const [[failed], maps, ...flows] = read;
      if (failed > 0) throw unsolvedError("render the view", failed);
      const still = () => new Float32Array(2 * pixels); // nothing moves where there is no foreground
      const [flow = still(), flowToNext = toNext ? still() : undefined] = flows;
      return imageOf(width, height, maps, flow, flowToNext);
    } finally {
      for (const { whole } of wholes) destroyTensor(gpu, whole);
    }
  }

  /** Frees the renderer's memory, not the model's. */
  destroy(): void {
    this.#codes.destroy();
    this.#background.destroy();
    for (const built of this.#built) built.destroy();
    for (const tensor of Object.values(this.#inputs)) destroyTensor(this.#model.gpu, tensor);
  }

  /** A scene's frame about a time, with the time as kernels read it. */
  #moment({ scene, time }: Moment) {
    const { scenes } = this.#scenes;
    const cameras = scenes[scene]?.cameras;
    if (!cameras) {
      throw new RangeError(
        `Cannot render scene ${scene}: the batch has scenes 0 to ${scenes.length - 1}`,
      );
    }
    const count = cameras.length;
    if (!(time >= 0 && time <= count - 1)) {
      throw new RangeError(`Cannot render time ${time}: the scene has frames 0 to ${count - 1}`);
    }
    const frame = Math.min(Math.max(Math.ceil(time - 0.5), 0), count - 1);
    const times = Float32Array.of(2 * time / count - 1, 2 / count);
    return { scene, cameras, frame, camera: cameras[frame], times };
  }

  /** The list of dispatches for so many foregrounds. */
  #chunk(count: number, edited: boolean): Promise<RayChunk> {
    const key = edited ? `edited ${count}` : "plain";
    let chunk = this.#chunks.get(key);
    if (!chunk) this.#chunks.set(key, chunk = this.#record(count, edited));
    return chunk;
  }

  async #record(count: number, edited: boolean): Promise<RayChunk> {
    const slots = await Promise.all(Array.from({ length: count }, (_, i) => this.#foreground(i)));
    const { pixels, viewCameras, unsolved, regions } = this.#inputs;
    const { samples, trajectory } = this.#options;
    const chunk = await recordRayChunk(this.#model, {
      ...{ samples, trajectory, pixels, viewCameras, unsolved },
      background: this.#background.source,
      foregrounds: slots.map(({ source }) => source),
      codes: this.#codes,
      regions: edited ? regions : undefined,
    });
    this.#built.push(chunk.program);
    return chunk;
  }

  /** Where the foreground of a number comes from. */
  #foreground(i: number): Promise<Slot<ForegroundSource>> {
    return this.#foregrounds[i] ??= foregroundSlot(this.#model, this.#scenes, i).then((slot) => {
      this.#built.push(slot);
      return slot;
    });
  }
}

const inPlace: Placement = [1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1, 0];

function isInPlace(placement: ArrayLike<number>): boolean {
  return inPlace.every((value, i) => placement[i] === value);
}

async function backgroundSlot(
  model: MonoNerf,
  { imageMaps, seen }: EncodedScenes,
): Promise<Slot<BackgroundSource>> {
  const maps = seen
    ? await SeenMaps.create(model, seen)
    : await StaticMaps.create(model, imageMaps[0][0]);
  const cameras = createTensor(model.gpu, "background.cameras", [1, 3, 16]);
  return {
    source: { maps, cameras },
    destroy() {
      maps.destroy();
      destroyTensor(model.gpu, cameras);
    },
  };
}

async function foregroundSlot(
  model: MonoNerf,
  scenes: EncodedScenes,
  number: number,
): Promise<Slot<ForegroundSource>> {
  const maps = await DynamicMaps.create(model, videoMaps(scenes, 0, 0));
  const tensor = (name: string, ...shape: number[]) =>
    createTensor(model.gpu, `foreground.${number}.${name}`, shape);
  const tensors = {
    cameras: tensor("cameras", 1, 3, 16),
    times: tensor("times", 1, 2),
    placements: tensor("placements", 1, 4, 4),
    viewCameras: tensor("view_cameras", 1, 3, 16),
  };
  return {
    source: { maps, ...tensors },
    destroy() {
      maps.destroy();
      for (const tensor of Object.values(tensors)) destroyTensor(model.gpu, tensor);
    },
  };
}

/** Regions as `wgsl/viewing/composite_edited.wgsl` reads them, in the NDC that a camera spans. */
function regionRecords(regions: readonly BlendingRegion[], camera: Camera): Float32Array {
  if (regions.length > maxRegions) {
    throw new RangeError(
      `Cannot change the blending of ${regions.length} regions: at most ${maxRegions} a picture`,
    );
  }
  const records = new Float32Array(maxRegions * 8);
  const [x, y] = ndcExtent(camera);
  regions.forEach(({ min, max, blending }, i) => {
    if (!(blending >= 0 && blending <= 1) || !max.every((value, k) => min[k] < value)) {
      throw new RangeError(
        `Cannot change the blending of a region to ${blending} in [${min.join(", ")}] to [${
          max.join(", ")
        }]: wanted 0 to 1, and each coordinate smaller in the first corner`,
      );
    }
    records.set([min[0] / x, min[1] / y, min[2], blending], 8 * i);
    records.set([max[0] / x, max[1] / y, max[2], 1], 8 * i + 4);
  });
  return records;
}

/** The raw video maps around a frame; at the ends the frame's own stand in. */
function videoMaps({ videoMaps }: EncodedScenes, scene: number, frame: number): VideoMaps {
  const video = videoMaps[scene];
  return [video[frame - 1] ?? video[frame], video[frame], video[frame + 1] ?? video[frame]];
}

function imageOf(
  width: number,
  height: number,
  maps: Float32Array,
  flow: Float32Array,
  flowToNext?: Float32Array,
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
