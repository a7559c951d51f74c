/**
 * Where points of a scene were and will be, over several frames.
 *
 * It fits the plan: the trajectory of one frame, the one that training and rendering record, is recorded once for each direction
 * and replayed for each frame of a path, from the points that the run before left and at a time one frame on. Nothing is read
 * back between frames.
 *
 * @module
 */
// @ts-types="npm:@types/ndarray@1.0.14"
import ndarray, { type NdArray } from "npm:ndarray@1.1.1";
import type { Camera } from "../data/scene/camera.ts";
import type { MonoNerf } from "../nets/mono_nerf.ts";
import type { Trajectory } from "../recipes/recipe.ts";
import { Plan } from "../runtime/plan.ts";
import type { Program } from "../runtime/program.ts";
import { readTensors } from "../runtime/readback.ts";
import { createTensor, destroyTensor, type Tensor, writeTensor } from "../runtime/tensor.ts";
import { countUnsolved, unsolvedError } from "../trajectory/dopri5.ts";
import { frameTrajectories } from "../rendering/evaluate_fields.ts";
import type { EncodedScenes } from "../nets/encoded_scenes.ts";
import { ndcToWorld, worldToNdc } from "../data/scene/ndc.ts";
import type { Vector3 } from "../data/vectors.ts";
import { type LateCodes, SceneCodes } from "./scene_codes.ts";

/** What {@link PointTracker.track} follows, and how far. */
export interface TrackRequest {
  /** Number of the scene in the batch. */
  readonly scene: number;
  /** When the points are where they are given, in frames from 0, also between frames. */
  readonly time: number;
  /** At least one. */
  readonly points: readonly Vector3[];
  /** What the points are given in: the scene's world, or its NDC. Default `world`. */
  readonly space?: "world" | "ndc" | undefined;
  /** Frames to follow them back. Default 0. */
  readonly before?: number;
  /** Frames to follow them on. Default 0. */
  readonly after?: number;
}

/** Paths of points. */
export interface PointTracks {
  /** In frames from 0: `time − before, …, time, …, time + after`. */
  readonly times: readonly number[];
  /** `[points, times, 3]`, in the scene's world. */
  readonly world: NdArray<Float32Array>;
  /** `[points, times, 3]`, in the scene's NDC. */
  readonly ndc: NdArray<Float32Array>;
}

/** A frame's trajectory of some points, recorded. */
interface FrameStep {
  readonly program: Program;
  readonly codes: LateCodes;
  /** `(1, points, 3)` in blocks, NDC. */
  readonly start: Tensor;
  readonly end: Tensor;
}

/** Points that are recorded together. */
const mostPoints = 16384;

/**
 * Follows points along a model's velocity field by the trajectory that it was trained with, Euler steps or a solver of the
 * differential equation. Reads the model's parameters at {@link refresh}.
 *
 * dopri5 chooses its steps for all points that are followed together, so that a path depends a little on the others, within
 * the tolerances.
 *
 * @example Follow the points that some pixels show
 * ```ts
 * import type { Camera, PointTracker, RenderedImage } from "../../mod.ts";
 * import { movingPoints } from "./mod.ts";
 *
 * async function follow(tracker: PointTracker, view: RenderedImage, camera: Camera) {
 *   const points = movingPoints(view, camera, [[20, 11], [31, 15]]); // x, y
 *   const { times, world } = await tracker.track({ scene: 0, time: 5, points, before: 2, after: 2 });
 *   return times.map((time, i) => ({ time, x: world.get(0, i, 0), y: world.get(0, i, 1) }));
 * }
 * ```
 */
export class PointTracker {
  readonly #steps = new Map<string, Promise<FrameStep>>();
  readonly #built: FrameStep[] = [];
  readonly #times: Tensor;
  readonly #unsolved: Tensor;

  private constructor(
    private readonly model: MonoNerf,
    private readonly scenes: EncodedScenes["scenes"],
    private readonly trajectory: Trajectory,
    private readonly codes: SceneCodes,
  ) {
    this.#times = createTensor(model.gpu, "tracks.times", [1, 2]);
    this.#unsolved = createTensor(model.gpu, "tracks.unsolved", [1]);
  }

  /**
   * Makes the tracker of a model and its encoded scenes.
   *
   * @param options a recipe, or anything with its `trajectory`
   */
  static async create(
    model: MonoNerf,
    { scenes, pooled }: Pick<EncodedScenes, "scenes" | "pooled">,
    options: { readonly trajectory: Trajectory },
  ): Promise<PointTracker> {
    const codes = await SceneCodes.create(model, pooled);
    return new PointTracker(model, scenes, options.trajectory, codes);
  }

  /** Takes the model's parameters as they are now. */
  refresh(): void {
    this.codes.refresh();
  }

  /**
   * Follows points over whole frames before and after a time.
   *
   * @throws {RangeError} If the scene is none of the batch, a time is outside of its frames, or a point outside of its NDC.
   * @throws {Error} If a solver needs more steps than the trajectory allows.
   */
  async track(request: TrackRequest): Promise<PointTracks> {
    const { scene, time, before = 0, after = 0 } = request;
    const camera = this.#cameraOf(request);
    const start = Float32Array.from(pointsNdc(request, camera).flat());
    const count = start.length / 3;
    const ndc = new Float32Array(count * (before + 1 + after) * 3);
    for (let first = 0; first < count; first += mostPoints) {
      const chunk = start.subarray(3 * first, 3 * Math.min(first + mostPoints, count));
      const frames = await this.#follow(scene, time, chunk, { before, after });
      frames.forEach((places, frame) => {
        for (let i = 0; i < places.length; i += 3) {
          ndc.set(places.subarray(i, i + 3), (first + i / 3) * frames.length * 3 + frame * 3);
        }
      });
    }
    const world = new Float32Array(ndc.length);
    for (let i = 0; i < ndc.length; i += 3) {
      world.set(ndcToWorld([ndc[i], ndc[i + 1], ndc[i + 2]], camera), i);
    }
    const times = Array.from({ length: before + 1 + after }, (_, frame) => time - before + frame);
    const shape = [count, times.length, 3];
    return { times, world: ndarray(world, shape), ndc: ndarray(ndc, shape) };
  }

  /** Frees the tracker's memory, not the model's. */
  destroy(): void {
    const { gpu } = this.model;
    for (const { program, start } of this.#built) {
      program.destroy();
      destroyTensor(gpu, start);
    }
    for (const tensor of [this.#times, this.#unsolved]) destroyTensor(gpu, tensor);
    this.codes.destroy();
  }

  /** Points `[points, 3]` at each time, NDC: those given and, on both sides of them, what the replays leave. */
  async #follow(
    scene: number,
    time: number,
    given: Float32Array,
    { before, after }: { before: number; after: number },
  ): Promise<Float32Array[]> {
    const { gpu } = this.model;
    const count = given.length / 3;
    const frames = this.scenes[scene].cameras.length;
    const ways: { step: FrameStep; direction: -1 | 1; places: Tensor[] }[] = [];
    for (const [direction, length] of [[-1, before], [1, after]] as const) {
      const step = await this.#step(count, direction);
      const places = Array.from(
        { length },
        (_, i) =>
          createTensor(gpu, `tracks.${direction * (i + 1)}`, [1, count, 3], { layout: "blocks" }),
      );
      ways.push({ step, direction, places });
    }
    // from here to the reading nothing is awaited: paths that are asked for at once do not mix
    writeTensor(gpu, this.#unsolved, Float32Array.of(0));
    for (const { step: { program, codes, start, end }, direction, places } of ways) {
      program.bind(new Map(this.codes.choose(codes, scene)));
      writeTensor(gpu, start, given);
      places.forEach((place, i) => {
        const at = 2 * (time + direction * i) / frames - 1;
        writeTensor(gpu, this.#times, Float32Array.of(at, 2 / frames));
        program.run([{ from: end, to: place }, { from: end, to: start }]);
      });
    }
    const [back, on] = ways.map(({ places }) => places);
    try {
      const [[unsolved], ...places] = await readTensors(gpu, this.#unsolved, ...back, ...on);
      if (unsolved > 0) throw unsolvedError("follow the points", unsolved);
      return [...places.slice(0, before).reverse(), given, ...places.slice(before)];
    } finally {
      for (const place of [...back, ...on]) destroyTensor(gpu, place);
    }
  }

  /** The trajectory of so many points in a direction, recorded when it is first needed. */
  #step(count: number, direction: -1 | 1): Promise<FrameStep> {
    const key = `${count} ${direction}`;
    let step = this.#steps.get(key);
    if (!step) this.#steps.set(key, step = this.#record(count, direction));
    return step;
  }

  async #record(count: number, direction: -1 | 1): Promise<FrameStep> {
    const { gpu, dynamic } = this.model;
    const plan = new Plan(gpu, "tracks", { inference: true });
    const codes = this.codes.late(plan);
    const start = createTensor(gpu, "tracks.start", [1, count, 3], { layout: "blocks" });
    const { trajectory } = this;
    const context = { group: dynamic, ...codes, times: this.#times, trajectory };
    const { moved: [end], controls } = frameTrajectories(plan, context, start, 0, [direction]);
    countUnsolved(plan, controls, this.#unsolved);
    plan.keep(end);
    const step = { program: await plan.build(), codes, start, end };
    this.#built.push(step);
    return step;
  }

  /** A camera of the scene: they span its NDC. */
  #cameraOf({ scene, time, before = 0, after = 0 }: TrackRequest): Camera {
    const cameras = this.scenes[scene]?.cameras;
    if (!cameras) {
      throw new RangeError(
        `Cannot follow points of scene ${scene}: the batch has scenes 0 to ${
          this.scenes.length - 1
        }`,
      );
    }
    for (const frames of [before, after]) {
      if (Number.isInteger(frames) && frames >= 0) continue;
      throw new RangeError(`Cannot follow points over ${frames} frames: wanted a whole number`);
    }
    if (time - before >= 0 && time + after <= cameras.length - 1) return cameras[0];
    throw new RangeError(
      `Cannot follow points from time ${time} over ${before} frames before and ${after} after: ` +
        `the scene has frames 0 to ${cameras.length - 1}`,
    );
  }
}

/** The points that are asked for, in NDC. */
function pointsNdc({ points, space = "world" }: TrackRequest, camera: Camera): Vector3[] {
  if (points.length === 0) throw new RangeError("Cannot follow no points: wanted at least one");
  const bad = points.find((point) => point.length !== 3 || !point.every(Number.isFinite));
  if (bad) {
    throw new RangeError(
      `Cannot follow the point (${bad.join(", ")}): wanted three finite numbers`,
    );
  }
  return space === "ndc" ? [...points] : points.map((point) => worldToNdc(point, camera));
}

/**
 * Follows points over whole frames before and after a time: a {@link PointTracker} for one time.
 *
 * @example Follow one point, three frames back and on
 * ```ts
 * import type { EncodedScenes, MonoNerf, Recipe } from "../../mod.ts";
 * import { trackPoints } from "./mod.ts";
 *
 * async function path(model: MonoNerf, encoded: EncodedScenes, recipe: Recipe) {
 *   const points = [[0.1, -0.2, -1.5]] as const; // in the scene's world, at frame 5
 *   const request = { scene: 0, time: 5, points, before: 3, after: 3 };
 *   const { world, times } = await trackPoints(model, encoded, recipe, request);
 *   return times.map((time, i) => ({ time, x: world.get(0, i, 0), y: world.get(0, i, 1) }));
 * }
 * ```
 *
 * @param options a recipe, or anything with its `trajectory`
 * @throws {RangeError} If the scene is none of the batch, a time is outside of its frames, or a point outside of its NDC.
 * @throws {Error} If a solver needs more steps than the trajectory allows.
 */
export async function trackPoints(
  model: MonoNerf,
  scenes: Pick<EncodedScenes, "scenes" | "pooled">,
  options: { readonly trajectory: Trajectory },
  request: TrackRequest,
): Promise<PointTracks> {
  const tracker = await PointTracker.create(model, scenes, options);
  try {
    return await tracker.track(request);
  } finally {
    tracker.destroy();
  }
}
