/**
 * Feature maps projected by the fields' layers before they are sampled: sampling and projecting commute, and an image has far
 * more points than a map has pixels (src/nets/README.md#exact-savings, 4).
 *
 * @module
 */
import { layerOf, range } from "../nets/block.ts";
import { fusedLayers } from "../nets/dynamic_field.ts";
import { type FeatureSource, type Layer, projectedFeatures } from "../nets/features.ts";
import type { MonoNerf } from "../nets/mono_nerf.ts";
import { blocksToMap, mapToBlocks } from "../ops/map_to_blocks.ts";
import { linear } from "../ops/linear.ts";
import { sampleFeatures } from "../ops/sample_features.ts";
import { Plan } from "../runtime/plan.ts";
import type { Program } from "../runtime/program.ts";
import { createTensor, destroyTensor, type Tensor } from "../runtime/tensor.ts";
import { slots } from "../rendering/camera_records.ts";
import type { DynamicFeatures } from "../rendering/evaluate_fields.ts";

/** Raw video maps `(height, width, 832)` of the frames before, at and after a time. */
export type VideoMaps = readonly [Tensor, Tensor, Tensor];

const currentKeys = ["fuse.current", "lin_z.1", "lin_z.2"] as const;
const temporalKey = "fuse.temporal";
/** The static field's layers that read image features. */
export const staticKeys = ["lin_z.0", "lin_z.1", "lin_z.2"] as const;

/** Adds a layer's projection of a map, given in blocks, under a key. */
type Project = (key: string, blocks: Tensor, like: Tensor, layer: Layer) => void;

/** Maps of one time, projected; made again whenever the time or the parameters change. */
class ProjectedMaps {
  protected constructor(
    readonly program: Program,
    readonly raw: readonly Tensor[],
    readonly maps: ReadonlyMap<string, Tensor>,
  ) {}

  /** Records and builds the projection of maps like `examples`. */
  protected static async record(
    { gpu, sizes: { hidden } }: MonoNerf,
    label: string,
    examples: readonly Tensor[],
    record: (plan: Plan, blocks: readonly Tensor[], project: Project) => void,
  ): Promise<[Program, readonly Tensor[], ReadonlyMap<string, Tensor>]> {
    const plan = new Plan(gpu, `project.${label}`, { inference: true });
    const maps = new Map<string, Tensor>();
    const raw = examples.map(({ shape }, i) => plan.late(`${label}.${i}`, shape));
    const blocks = raw.map((map, i) => mapToBlocks(plan, `${label}.${i}.to_blocks`, map));
    record(plan, blocks, (key, blocks, like, layer) => {
      const [height, width] = like.shape;
      const map = createTensor(gpu, `projected.${key}`, [height, width, hidden]);
      blocksToMap(plan, `${key}.to_map`, linear(plan, key, blocks, layer), map);
      maps.set(key, map);
    });
    return [await plan.build(), raw, maps];
  }

  /** Projects the maps of a time. */
  update(maps: readonly Tensor[]): void {
    this.program.bind(new Map(this.raw.map((late, i) => [late, maps[i]])));
    this.program.run();
  }

  /** Frees the maps. */
  destroy(): void {
    for (const map of this.maps.values()) destroyTensor(this.program.gpu, map);
    this.program.destroy();
  }
}

/** What the dynamic field reads at one time of a scene. */
export class DynamicMaps extends ProjectedMaps {
  /** Records and builds the projection of maps like `example`'s. */
  static async create(model: MonoNerf, example: VideoMaps): Promise<DynamicMaps> {
    const parts = await this.record(model, "video", example, (plan, blocks, project) => {
      const [before, current, after] = blocks;
      const fused = fusedLayers(plan, model.dynamic);
      const layers = [
        fused.current(),
        layerOf(model.dynamic, "mlp_dynamic.lin_z.1"),
        layerOf(model.dynamic, "mlp_dynamic.lin_z.2"),
      ];
      currentKeys.forEach((key, i) => project(key, current, example[1], layers[i]));
      project(`before.${temporalKey}`, before, example[0], fused.temporal());
      project(`after.${temporalKey}`, after, example[2], fused.temporal());
    });
    return new DynamicMaps(...parts);
  }

  /** The field's features, sampled from the projected maps as `cameras` `(1, 3, 16)` see the points. */
  features(cameras: Tensor): DynamicFeatures {
    const map = (key: string) => this.maps.get(key)!;
    return (_plan, points, before, after) => ({
      current: projectedFeatures((plan, key) => {
        const current = map(key);
        return sampleFeatures(plan, `${key}.sample`, {
          maps: [[current, current, current]],
          cameras,
          terms: [{ points, slot: slots.current, weight: 1 }],
        });
      }),
      temporal: projectedFeatures((plan, key) => {
        const pair = [map(`before.${key}`), map(`after.${key}`)];
        return sampleFeatures(plan, `${key}.sample`, {
          maps: [[pair[0], pair[0], pair[1]]],
          cameras,
          terms: [
            { points: before, slot: slots.before, fallback: points, weight: 0.5 },
            { points: after, slot: slots.after, fallback: points, weight: 0.5 },
          ],
        });
      }),
    });
  }
}

/** What the static field reads at one time of a scene. */
export class StaticMaps extends ProjectedMaps {
  /** Records and builds the projection of maps `(height, width, 512)` like `example`. */
  static async create(model: MonoNerf, example: Tensor): Promise<StaticMaps> {
    const parts = await this.record(model, "image", [example], (_plan, [blocks], project) => {
      for (const i of range(staticKeys.length)) {
        const layer = layerOf(model.static, `mlp_static.lin_z.${i}`);
        project(staticKeys[i], blocks, example, layer);
      }
    });
    return new StaticMaps(...parts);
  }

  /** The field's features at points, sampled as `cameras` `(1, 3, 16)` see them. */
  features(cameras: Tensor, points: Tensor): FeatureSource {
    return projectedFeatures((plan, key) => {
      const map = this.maps.get(key)!;
      return sampleFeatures(plan, `static.${key}.sample`, {
        maps: [[map, map, map]],
        cameras,
        terms: [{ points, slot: slots.current, weight: 1 }],
      });
    });
  }
}
