/**
 * The scenes' codes outside of training: what the dynamic field knows of a scene beside its features.
 *
 * @module
 */
import { globalCode, trunkCodes } from "../nets/dynamic_field.ts";
import type { MonoNerf } from "../nets/mono_nerf.ts";
import { Plan } from "../runtime/plan.ts";
import type { Program } from "../runtime/program.ts";
import type { Tensor } from "../runtime/tensor.ts";
import { tensorView } from "../runtime/views.ts";

/** A scene's global code and its shares of the trunk, as tensors whose scene is chosen before each run. */
export interface LateCodes {
  /** `(1, 1, channels)` in blocks. */
  readonly code: Tensor;
  /** Of each block of the trunk, `(1, 1, hidden)` in blocks. */
  readonly codes: readonly Tensor[];
}

/** The codes of all scenes, made from the model's parameters as they are at the last {@link refresh}. */
export class SceneCodes {
  private constructor(
    private readonly program: Program,
    /** The global code, then each block's share, `(scenes, 1, channels)` in blocks. */
    private readonly all: readonly Tensor[],
  ) {}

  /**
   * Records and builds them.
   *
   * @param pooled `(scenes, 1, 2048)` in blocks
   */
  static async create({ gpu, dynamic }: MonoNerf, pooled: Tensor): Promise<SceneCodes> {
    const plan = new Plan(gpu, "codes", { inference: true });
    const global = globalCode(plan, dynamic, pooled);
    const all = [global, ...trunkCodes(plan, dynamic, global)];
    for (const code of all) plan.keep(code);
    const codes = new SceneCodes(await plan.build(), all);
    codes.refresh();
    return codes;
  }

  /** Takes the model's parameters as they are now. */
  refresh(): void {
    this.program.run();
  }

  /** Codes for another plan, to be bound by {@link choose}. */
  late(plan: Plan): LateCodes {
    const [code, ...codes] = this.all.map(({ label, shape }) =>
      plan.late(label, [1, 1, shape[2]], "blocks")
    );
    return { code, codes };
  }

  /** A scene's codes for the late ones, as `Program.bind` takes them. */
  choose({ code, codes }: LateCodes, scene: number): [late: Tensor, chosen: Tensor][] {
    return [code, ...codes].map((late, i) => [late, sceneOf(this.all[i], scene)]);
  }

  /** Frees them. */
  destroy(): void {
    this.program.destroy();
  }
}

/** One scene's part of a tensor `(scenes, 1, channels)` in blocks. */
function sceneOf(codes: Tensor, scene: number): Tensor {
  const [scenes, , channels] = codes.shape;
  const { label, layout } = codes;
  return tensorView(codes, scene * codes.size / scenes, { label, layout, shape: [1, 1, channels] });
}
