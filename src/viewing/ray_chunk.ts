/**
 * Pictures are rendered in chunks of rays: the list of dispatches for one chunk, plain or edited.
 *
 * @module
 */
import type { MonoNerf } from "../nets/mono_nerf.ts";
import { concatenate } from "../ops/concatenate.ts";
import type { Trajectory } from "../recipes/recipe.ts";
import { Plan } from "../runtime/plan.ts";
import type { Program } from "../runtime/program.ts";
import type { Tensor } from "../runtime/tensor.ts";
import { compositeBoth } from "../rendering/composite.ts";
import { compositeEdited } from "./composite_edited.ts";
import { countUnsolved } from "../trajectory/dopri5.ts";
import { evaluateDynamic, evaluateStatic } from "../rendering/evaluate_fields.ts";
import { inducedFlow } from "../rendering/induced_flow.ts";
import { hideUnseen, placePoints } from "./place_points.ts";
import type { FramePictures } from "../ops/choose_frames.ts";
import type { DynamicMaps, StaticMaps } from "./projected_maps.ts";
import { SeenMaps } from "./seen_maps.ts";
import { rayPoints } from "../rendering/rays.ts";
import type { LateCodes, SceneCodes } from "./scene_codes.ts";

/** The static field's part in a picture; all tensors are written before it. */
export interface BackgroundSource {
  readonly maps: StaticMaps | SeenMaps;
  /** The frames' cameras `(1, 3, 16)`. They span the NDC that rays are sampled in. */
  readonly cameras: Tensor;
}

/** A dynamic field's part in a picture; all tensors are written before it. */
export interface ForegroundSource {
  readonly maps: DynamicMaps;
  /** The frames' cameras `(1, 3, 16)`. They span the field's NDC. */
  readonly cameras: Tensor;
  /** `(1, 2)`. */
  readonly times: Tensor;
  /** From the background's NDC to the field's, `(1, 4, 4)`. */
  readonly placements: Tensor;
  /** The view's cameras as they stand in the field's world, `(1, 3, 16)`. */
  readonly viewCameras: Tensor;
}

/** What a chunk is recorded for. */
export interface RayChunkInputs {
  /** Samples of a ray. */
  readonly samples: number;
  /** How a neighbouring frame is reached. */
  readonly trajectory: Trajectory;
  /** Of the chunk's rays, `(1, rays, 2)`. */
  readonly pixels: Tensor;
  /** `(1, 3, 16)`. */
  readonly viewCameras: Tensor;
  /** `(1)`: to it is added how many trajectories were not solved. */
  readonly unsolved: Tensor;
  readonly background: BackgroundSource;
  readonly foregrounds: readonly ForegroundSource[];
  /** Of the scenes that foregrounds may be of. */
  readonly codes: SceneCodes;
  /** Boxes of given blending, `(1, regions, 8)`, for a picture that is edited. */
  readonly regions?: Tensor | undefined;
}

/** The recorded list. */
export interface RayChunk {
  readonly program: Program;
  /** Late: the frames of the background's scene, where points choose among them. */
  readonly seen: FramePictures | undefined;
  /** Late: the codes of each foreground's scene. */
  readonly codes: readonly LateCodes[];
  /** `(1, rays, 16)`. */
  readonly maps: Tensor;
  /** `(1, rays, 2)`: flow of the first foreground, as the same camera sees it, and as the next one does. */
  readonly flows: readonly Tensor[];
}

/**
 * Records and builds a chunk of rays. Without `regions` it is that of a plain picture, with one foreground that is in place;
 * with them it has any number of foregrounds, each evaluated at the points that its placement takes the rays' points to.
 */
export async function recordRayChunk(model: MonoNerf, inputs: RayChunkInputs): Promise<RayChunk> {
  const { pixels, viewCameras, background, foregrounds, regions } = inputs;
  const plan = new Plan(model.gpu, "image", { inference: true });
  const of = rayPoints(plan, pixels, viewCameras, {
    samples: inputs.samples,
    ndcCameras: background.cameras,
  });
  const { maps } = background;
  const seen = maps instanceof SeenMaps ? maps.late(plan) : undefined;
  const { color, density } = evaluateStatic(
    plan,
    model.static,
    of.points,
    of.viewDirections,
    maps instanceof SeenMaps
      ? maps.features(of.points, viewCameras, seen!)
      : maps.features(background.cameras, of.points),
  );
  const rawStatic = concatenate(plan, "static.raw", color, density);
  const fields = foregrounds.map(({ maps, cameras, times, placements }, i) => {
    const label = regions ? `foreground.${i}` : "current";
    const codes = inputs.codes.late(plan);
    const points = regions
      ? placePoints(plan, `${label}.points`, of.points, placements)
      : of.points;
    const context = { group: model.dynamic, ...codes, times, trajectory: inputs.trajectory };
    const field = evaluateDynamic(plan, label, context, points, 0, maps.features(cameras));
    const blending = regions
      ? hideUnseen(plan, `${label}.blending`, field.blending, points, cameras, placements)
      : field.blending;
    return { ...field, blending, codes, points };
  });
  const { z, directions } = of;
  const [first] = fields;
  const both = regions
    ? compositeEdited(plan, "composite", {
      rawStatic,
      points: of.points,
      foregrounds: fields,
      regions,
      z,
      directions,
    })
    : compositeBoth(plan, "composite", {
      rawStatic,
      rawDynamic: first.raw,
      blending: first.blending,
      z,
      directions,
    });
  const flows = first
    ? ([1, 2] as const).map((slot) =>
      plan.keep(inducedFlow(plan, `flow.${slot}`, {
        weights: both.weights,
        points: first.after,
        pixels,
        cameras: foregrounds[0].viewCameras,
        ndcCameras: foregrounds[0].cameras,
        slot,
      }))
    )
    : [];
  countUnsolved(plan, fields.flatMap(({ controls }) => controls), inputs.unsolved);
  plan.keep(both.maps);
  const codes = fields.map((field) => field.codes);
  return { program: await plan.build(), seen, codes, maps: both.maps, flows };
}
