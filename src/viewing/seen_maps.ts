/**
 * What the static field reads where points choose among all frames of a scene: the frames' maps, projected by its layers.
 *
 * @module
 */
import { layerOf } from "../nets/block.ts";
import { type FeatureSource, projectedFeatures } from "../nets/features.ts";
import type { MonoNerf } from "../nets/mono_nerf.ts";
import { chooseFrames, type FramePictures } from "../ops/choose_frames.ts";
import { linear } from "../ops/linear.ts";
import { blocksToMap, mapToBlocks } from "../ops/map_to_blocks.ts";
import { sampleFrames } from "../ops/sample_frames.ts";
import type { SeenFrames } from "../nets/encoded_scenes.ts";
import { Plan } from "../runtime/plan.ts";
import type { Program } from "../runtime/program.ts";
import { createTensor, destroyTensor, type Tensor } from "../runtime/tensor.ts";
import { staticKeys } from "./projected_maps.ts";

/** Projected pages of the scene that is shown, made again when that or the parameters change. */
export class SeenMaps {
  #shown: SeenFrames | undefined;

  private constructor(
    readonly program: Program,
    /** A page as the frames have it, seen as one map `(frames of the page · height, width, channels)`. */
    readonly raw: Tensor,
    /** Where its projections go, by layer. */
    readonly projected: ReadonlyMap<string, Tensor>,
    /** The projections of each page, by layer: `(frames of the page, height, width, hidden)` rows. */
    readonly pages: ReadonlyMap<string, readonly Tensor[]>,
    /** Frames and pictures of the longest scene, whose sizes late tensors have. */
    readonly longest: FramePictures,
  ) {}

  /** Records and builds the projection of pages like those of the scenes. */
  static async create(model: MonoNerf, scenes: readonly SeenFrames[]): Promise<SeenMaps> {
    const { gpu, sizes: { hidden } } = model;
    const [frames, height, width, channels] = scenes[0].pages[0].shape;
    const flat = (channels: number) => [frames * height, width, channels];
    const longest = scenes.reduce((a, b) => b.cameras.size > a.cameras.size ? b : a);
    const plan = new Plan(gpu, "project.seen", { inference: true });
    const raw = plan.late("seen", flat(channels));
    const blocks = mapToBlocks(plan, "seen.to_blocks", raw);
    const projected = new Map<string, Tensor>();
    const pages = new Map<string, Tensor[]>();
    staticKeys.forEach((key, i) => {
      const map = plan.late(`projected.${key}`, flat(hidden));
      const layer = layerOf(model.static.frozen, `mlp_static.lin_z.${i}`);
      blocksToMap(plan, `${key}.to_map`, linear(plan, key, blocks, layer), map);
      projected.set(key, map);
      const shape = [frames, height, width, hidden];
      pages.set(key, longest.pages.map((_, p) => createTensor(gpu, `seen.${key}.${p}`, shape)));
    });
    return new SeenMaps(await plan.build(), raw, projected, pages, longest);
  }

  /** Forgets the projections: the parameters have changed. */
  refresh(): void {
    this.#shown = undefined;
  }

  /** Projects the maps of a scene, unless it is the one that is there. */
  show(scene: SeenFrames): void {
    if (this.#shown === scene) return;
    scene.pages.forEach((page, p) => {
      const projections = [...this.projected].map(([key, late]): [Tensor, Tensor] => [
        late,
        this.pages.get(key)![p],
      ]);
      this.program.bind(new Map([[this.raw, page], ...projections]));
      this.program.run();
    });
    this.#shown = scene;
  }

  /** The scene's cameras and pictures, late in a plan. */
  late(plan: Plan): FramePictures {
    const { cameras, pictures } = this.longest;
    return {
      cameras: plan.late("seen.cameras", cameras.shape),
      pictures: plan.late("seen.pictures", pictures.shape),
    };
  }

  /** The field's features at points, as the frames have them whose cameras are nearest to the view's. */
  features(points: Tensor, views: Tensor, late: FramePictures): FeatureSource {
    let choice: Tensor | undefined;
    const frames = [late];
    return projectedFeatures((plan, key) => {
      choice ??= chooseFrames(plan, "static.choice", { points, views, frames });
      const pages = [this.pages.get(key)!];
      return sampleFrames(plan, `static.${key}.sample`, { points, choice, frames, pages });
    });
  }

  /** Frees the projections. */
  destroy(): void {
    for (const page of [...this.pages.values()].flat()) destroyTensor(this.program.gpu, page);
    this.program.destroy();
  }
}
