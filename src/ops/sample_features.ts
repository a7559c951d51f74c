/**
 * Bilinear samples of feature maps where cameras see points.
 *
 * @module
 */
import text from "../../wgsl/ops/sample_features.wgsl" with { type: "text" };
import { defineKernel } from "../runtime/kernel.ts";
import { Operation } from "../runtime/operation.ts";
import { linearWorkgroups, type Plan } from "../runtime/plan.ts";
import { blocksOf, type Tensor } from "../runtime/tensor.ts";

const kernel = defineKernel("wgsl/ops/sample_features.wgsl", text);

/** Channels that one workgroup samples. */
const chunk = 64;

/** A place in the camera records and maps: the frame before, the current one, the one after. */
export type Slot = 0 | 1 | 2;

/** One of the samples that are added up. */
export interface SampleTerm {
  /** `(scenes, points, 3)` in blocks, NDC. */
  readonly points: Tensor;
  /** The frame whose map and camera are sampled. */
  readonly slot: Slot;
  /** Sampled in place of `points` in scenes whose camera of that slot is not valid. */
  readonly fallback?: Tensor | undefined;
  /** What the sample is multiplied by. */
  readonly weight: number;
}

/** What {@link sampleFeatures} samples. */
export interface SampleSources {
  /** Feature maps by scene and slot: `(height, width, channels)` in rows, channels a multiple of 4. */
  readonly maps: readonly (readonly Tensor[])[];
  /** `(scenes, 3, 16)` in rows, as `cameraRecords` writes them. */
  readonly cameras: Tensor;
  /** What is added up; at least one. */
  readonly terms: readonly SampleTerm[];
  /** `[first, count]` of the maps' channels that are sampled, multiples of 4; all by default. */
  readonly channels?: readonly [number, number] | undefined;
}

/**
 * Records `y = Σ weight · map(p)`: each point goes from NDC to the world and to the pixel (u, v) of the slot's camera, and
 * the map is read bilinearly at `(u·w/W, v·h/H)`, clamped to its border (src/nets/README.md#feature-sampling).
 *
 * Differentiable by points, fallbacks and maps (those gradients are summed in fixed point, so they do not vary from run to
 * run); not by cameras.
 *
 * @returns `(scenes, points, channels)` in blocks
 */
export function sampleFeatures(plan: Plan, label: string, sources: SampleSources): Tensor {
  const { maps, cameras, terms } = sources;
  const op = new Operation(plan, "sampleFeatures", label, kernel);
  const [scenes] = op.expect({ cameras }, "rows", ["scenes", 3, 16]);
  if (maps.length !== scenes || terms.length === 0) {
    throw op.error(
      `${maps.length} scenes' maps, ${scenes} scenes' cameras, ${terms.length} terms; wanted maps of every scene ` +
        "and at least one term",
    );
  }
  const count = terms[0].points.shape[1];
  const mapChannels = maps[0][terms[0].slot]?.shape[2];
  const [first, channels] = sources.channels ?? [0, mapChannels];
  for (const { points, fallback = points, slot } of terms) {
    op.expect({ points }, "blocks", [scenes, count, 3]);
    op.expect({ fallback }, "blocks", [scenes, count, 3]);
    for (const slots of maps) {
      op.expect({ map: slots[slot] }, "rows", ["height", "width", mapChannels]);
    }
  }
  if (mapChannels % 4 !== 0) {
    throw op.error(`maps have ${mapChannels} channels, wanted a multiple of 4`);
  }
  if (first % 4 !== 0 || channels % 4 !== 0 || channels === 0 || first + channels > mapChannels) {
    throw op.error(
      `${channels} channels from ${first}, wanted multiples of 4 within ${mapChannels}`,
    );
  }
  const used = terms.flatMap(({ points, fallback, slot }) => [
    points,
    fallback,
    ...maps.map((slots) => slots[slot]),
  ]);
  const y = op.output([scenes, count, channels], "blocks", used);
  // x and z count blocks, of which there may be more than fit in one dimension; y counts chunks of channels.
  const [blocks, rows] = linearWorkgroups(blocksOf(count) * 64);
  const byBlocks = [blocks, 1, rows] as const;
  const byChannels = [blocks, Math.ceil(channels / chunk), rows] as const;

  /** Calls `record` for each scene of a term with its map and the uniform block that its dispatches share. */
  const forScenes = (
    term: SampleTerm,
    record: (map: Tensor, dims: Readonly<Record<string, number>>) => void,
  ) =>
    maps.forEach((slots, scene) => {
      const map = slots[term.slot];
      const [height, width] = map.shape;
      record(map, {
        scene,
        points: count,
        slot: term.slot,
        height,
        width,
        map_fours: mapChannels / 4,
        first: first / 4,
        fours: channels / 4,
        weight: term.weight,
        has_fallback: term.fallback ? 1 : 0,
        of_fallback: 0,
      });
    });

  terms.forEach((term, i) =>
    forScenes(term, (map, common) => {
      const { points, fallback } = term;
      const dims = { ...common, mode_y: i > 0 ? 1 : 0 };
      op.run("forward", { map, cameras, points, fallback, y, dims }, byChannels);
    })
  );

  op.backward([y], ([dY]) => {
    for (const term of terms) {
      backwardPoints(term, term.points, 0, dY);
      if (term.fallback) backwardPoints(term, term.fallback, 1, dY);
      forScenes(term, (map, dims) => backwardMap(term, map, dims, dY));
    }
  });

  function backwardPoints(
    term: SampleTerm,
    points: Tensor,
    of_fallback: 0 | 1,
    dY: Tensor,
  ): void {
    const d_points = op.target(points); // the same for all scenes: they write other points
    forScenes(term, (map, common) => {
      const dims = { ...common, of_fallback };
      op.run("backward_points", { map, cameras, points, d_y: dY, d_points, dims }, byBlocks);
    });
  }

  function backwardMap(
    { points, fallback }: SampleTerm,
    map: Tensor,
    dims: Readonly<Record<string, number>>,
    dY: Tensor,
  ): void {
    if (!map.requiresGradient) return;
    const d_map = op.target(map, { partial: channels < mapChannels });
    const texels = map.shape.slice(0, 2);
    const extents = op.scratch("extents", [...texels, 2]);
    const sums = op.scratch("sums", [...texels, channels]);
    plan.fill(extents, 0);
    plan.fill(sums, 0);
    const places = { cameras, points, fallback, d_y: dY, extents, dims };
    op.run("backward_map_extents", places, byBlocks);
    op.run("backward_map_scatter", { ...places, sums }, byChannels);
    op.run("backward_map", { extents, sums, d_map, dims }, linearWorkgroups(sums.size));
  }

  return y;
}
