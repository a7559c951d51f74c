/**
 * Feature maps projected by the fields' layers before they are sampled: sampling and projecting commute, and an image has far
 * more points than a map has pixels (spec section 9, saving 4).
 *
 * @module
 */
import { layerOf, range } from "../nets/block.ts";
import { fusedLayers } from "../nets/dynamic_field.ts";
import { type FeatureSource, type Layer, projectedFeatures } from "../nets/features.ts";
import type { MonoNerf } from "../nets/mono_nerf.ts";
import { blocksToMap, mapToBlocks } from "../ops/change_layout.ts";
import { linear } from "../ops/linear.ts";
import { sampleFeatures } from "../ops/sample_features.ts";
import { Plan } from "../runtime/plan.ts";
import type { Program } from "../runtime/program.ts";
import { createTensor, destroyTensor, type Tensor } from "../runtime/tensor.ts";
import { type DynamicFeatures, slots } from "./evaluate.ts";

/** Raw maps that one time of a scene needs. */
export interface TimeMaps {
  /** Video maps of the frames before, at and after, `(height, width, 832)`. */
  readonly video: readonly [Tensor, Tensor, Tensor];
  /** Image map of the frame, `(height, width, 512)`. */
  readonly image: Tensor;
}

const currentKeys = ["fuse.current", "lin_z.1", "lin_z.2"] as const;
const temporalKey = "fuse.temporal";
const staticKeys = ["lin_z.0", "lin_z.1", "lin_z.2"] as const;

/** The maps of one time, projected; made again whenever the time or the parameters change. */
export class ProjectedMaps {
  readonly #maps: ReadonlyMap<string, Tensor>;
  readonly #raw: { readonly video: readonly Tensor[]; readonly image: Tensor };

  private constructor(
    readonly program: Program,
    maps: ReadonlyMap<string, Tensor>,
    raw: { video: readonly Tensor[]; image: Tensor },
  ) {
    this.#maps = maps;
    this.#raw = raw;
  }

  /** Records and builds the projection of maps like `example`'s. */
  static async create(model: MonoNerf, example: TimeMaps): Promise<ProjectedMaps> {
    const { gpu, sizes: { hidden } } = model;
    const plan = new Plan(gpu, "project");
    const fused = fusedLayers(plan, model.dynamic.frozen);
    const maps = new Map<string, Tensor>();
    const project = (key: string, blocks: Tensor, like: Tensor, layer: Layer) => {
      const [height, width] = like.shape;
      const map = createTensor(gpu, `projected.${key}`, [height, width, hidden]);
      blocksToMap(plan, `${key}.to_map`, linear(plan, key, blocks, layer), map);
      maps.set(key, map);
    };
    const video = example.video.map(({ shape }, slot) => plan.late(`video.${slot}`, shape));
    const image = plan.late("image", example.image.shape);
    const [before, current, after] = video.map((map, slot) =>
      mapToBlocks(plan, `video.${slot}.to_blocks`, map)
    );
    const layers = [
      fused.current(),
      layerOf(model.dynamic.frozen, "mlp_dynamic.lin_z.1"),
      layerOf(model.dynamic.frozen, "mlp_dynamic.lin_z.2"),
    ];
    currentKeys.forEach((key, i) => project(`dynamic.${key}`, current, video[1], layers[i]));
    project(`before.${temporalKey}`, before, video[0], fused.temporal());
    project(`after.${temporalKey}`, after, video[2], fused.temporal());
    const imageBlocks = mapToBlocks(plan, "image.to_blocks", image);
    for (const i of range(staticKeys.length)) {
      const layer = layerOf(model.static.frozen, `mlp_static.lin_z.${i}`);
      project(`static.${staticKeys[i]}`, imageBlocks, image, layer);
    }
    return new ProjectedMaps(await plan.build(), maps, { video, image });
  }

  /** Projects the maps of a time. */
  update({ video, image }: TimeMaps): void {
    this.program.bind(
      new Map([
        ...this.#raw.video.map((late, slot): [Tensor, Tensor] => [late, video[slot]]),
        [this.#raw.image, image],
      ]),
    );
    this.program.run();
  }

  /** The dynamic field's features, sampled from the projected maps as `cameras` `(1, 3, 16)` see the points. */
  dynamicFeatures(cameras: Tensor): DynamicFeatures {
    const map = (key: string) => this.#maps.get(key)!;
    return (_plan, points, before, after) => ({
      current: projectedFeatures((plan, key) => {
        const current = map(`dynamic.${key}`);
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

  /** The static field's features at points. */
  staticFeatures(cameras: Tensor, points: Tensor): FeatureSource {
    return projectedFeatures((plan, key) => {
      const map = this.#maps.get(`static.${key}`)!;
      return sampleFeatures(plan, `static.${key}.sample`, {
        maps: [[map, map, map]],
        cameras,
        terms: [{ points, slot: slots.current, weight: 1 }],
      });
    });
  }

  /** Frees the maps. */
  destroy(): void {
    for (const map of this.#maps.values()) destroyTensor(this.program.gpu, map);
    this.program.destroy();
  }
}
