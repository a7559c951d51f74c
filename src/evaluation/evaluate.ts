/**
 * Scoring a trained model on views of its scenes.
 *
 * @module
 */
// @ts-types="npm:@types/ndarray@1.0.14"
import ndarray, { type NdArray } from "npm:ndarray@1.1.1";
import type { Camera } from "../data/scene/camera.ts";
import type { Scene } from "../data/scene/scene.ts";
import type { RenderedImage } from "../viewing/image_renderer.ts";
import {
  depthPicture,
  dynamicnessPicture,
  flowPicture,
  flowRadius,
  to8bit,
} from "../pictures/layer_pictures.ts";
import { meanImage, nearestFrame, type View } from "./baselines.ts";
import type { ContactSheetRow } from "../pictures/contact_sheet.ts";
import { depthOrder } from "./depth_order.ts";
import { endPointError } from "./flow_error.ts";
import { leastLpipsPixels, type Lpips } from "./lpips.ts";
import { scoredViews, type ScoredViewsOptions } from "./protocols.ts";
import { maskedPsnr, psnr } from "./psnr.ts";
import {
  type Evaluation,
  evaluationReport,
  type ImageScores,
  sumDynamicness,
  type ViewDynamicness,
  type ViewScores,
} from "./report.ts";
import { maskedSsim, ssim } from "./ssim.ts";
import { spreadViews } from "./views.ts";

/** What renders views: an `ImageRenderer`, or anything like it. */
export interface ViewRenderer {
  /**
   * Renders what `camera` sees of scene number `scene` at `time`, in frames, and the flow to what `next` sees a frame later
   * where that is given.
   */
  render(scene: number, camera: Camera, time: number, next?: Camera): Promise<RenderedImage>;
}

/** A view that was rendered and scored. */
export interface EvaluatedView {
  /** The view's scene, time, camera and scores. */
  readonly scores: ViewScores;
  /** The true picture, `[height, width, 3]`, 0..255. */
  readonly truth: NdArray<Uint8Array>;
  /** The nearest input frame. */
  readonly nearest: NdArray<Uint8Array>;
  /** The rendered layers. */
  readonly image: RenderedImage;
}

/** What tells how different pictures look: an `Lpips`. */
export type PictureDistance = Pick<Lpips, "compare">;

/** What {@linkcode evaluate} is told. */
export interface EvaluateOptions extends ScoredViewsOptions {
  /** Views of each scene, spread evenly over times and cameras; 0: all. */
  views: number;
  /** The true picture of a held-out view, `[height, width, 3]` at the scene's size. */
  truth: (scene: Scene, view: View) => Promise<NdArray<Uint8Array>>;
  /** How those pictures were made, in words. */
  aboutTruth?: (scene: Scene) => Promise<string>;
  /** What truly moves in a held-out view, `[height, width]`, where that is known. */
  moving?: (scene: Scene, view: View) => NdArray<Uint8Array> | undefined;
  /** How far points of a rendered view, followed over several frames, are from their true paths: pixels, where these are known. */
  trackError?: (scene: number, view: View, image: RenderedImage) => Promise<number | undefined>;
  /** Scores LPIPS too; pictures of less than 31 pixels have none. */
  lpips?: PictureDistance | undefined;
  /** Views of each scene to return for the contact sheet. Default 3. */
  rows?: number;
  /** Told of each view once it is scored, and how many are done of how many. */
  onView?: (view: EvaluatedView, done: number, of: number) => void | Promise<void>;
  /** Stops the evaluation between two views. */
  signal?: AbortSignal;
}

/** Scores, and a few views to look at. */
export interface EvaluationResult {
  /** The content of `evaluation.json`. */
  readonly evaluation: Evaluation;
  /** Some of the views, for `contactSheet`. */
  readonly rows: ContactSheetRow[];
}

/**
 * Renders views of each scene and scores them beside two pictures that need no model: the nearest input frame, and the mean
 * of the input frames.
 *
 * A view that is a frame of the scene has frames other than itself for the nearest, and what pictures hide is scored too: the
 * order of depths, and the flow of what moves. Dynamicness is averaged over what moves and what is still in the scored views
 * where that is known, else in as many of the scene's own frames.
 *
 * @param renderer Renders the trained model.
 * @param scenes The scenes, in the renderer's order.
 * @throws {RangeError} If a score is not finite.
 * @throws {Error} If the protocol has no view in a scene.
 *
 * @example Score held-out views
 * ```ts
 * import { loadMultiviewImage } from "../data/mod.ts";
 * import type { ImageRenderer, Scene } from "../../mod.ts";
 * import { evaluate } from "./mod.ts";
 *
 * async function score(renderer: ImageRenderer, scene: Scene) {
 *   const { evaluation } = await evaluate(renderer, [scene], {
 *     views: 8,
 *     truth: (scene, { time, camera }) => loadMultiviewImage(scene, time, camera),
 *   });
 *   return evaluation;
 * }
 * ```
 */
export async function evaluate(
  renderer: ViewRenderer,
  scenes: readonly Scene[],
  options: EvaluateOptions,
): Promise<EvaluationResult> {
  const plans = scenes.map((scene) => scoredViews(scene, options.views, options));
  const total = plans.reduce((sum, { views }) => sum + views.length, 0);
  const scores: ViewScores[] = [];
  const dynamicness: ViewDynamicness[] = [];
  const rows: ContactSheetRow[] = [];
  const truths = new Set<string>();

  for (const [number, scene] of scenes.entries()) {
    const { views, ownFrames, seen } = plans[number];
    const mean = meanImage(scene.images, seen);
    const shown = new Set(spreadViews(views, options.rows ?? 3));
    const render = (view: View) => {
      options.signal?.throwIfAborted();
      const next = isFrame(view) ? scene.cameras[view.time + 1] : undefined;
      return renderer.render(number, scene.cameras[view.camera], view.time, next);
    };
    truths.add(
      ownFrames
        ? `the scene's own frames at ${scene.width} x ${scene.height}`
        : await options.aboutTruth?.(scene) ?? "multiview_GT",
    );
    let masks = 0;
    for (const view of views) {
      const image = await render(view);
      const truth = ownFrames ? frameOf(scene.images, view.time) : await options.truth(scene, view);
      const moving = ownFrames ? frameOf(scene.moving, view.time) : options.moving?.(scene, view);
      const others = seen.filter((frame) => frame !== view.time || !isFrame(view));
      const nearest = frameOf(scene.images, nearestFrame(scene.cameras, view, others));
      const pictures = [to8bit(image.color), nearest, mean];
      const [own, ofNearest, ofMean] = await scorePictures(pictures, truth, moving, options.lpips);
      const evaluated: EvaluatedView = {
        scores: {
          scene: scene.name,
          time: view.time,
          camera: view.camera,
          ...own,
          ...(isFrame(view) ? hiddenScores(image, scene, view.time) : {}),
          ...withoutUndefined({ trackError: await options.trackError?.(number, view, image) }),
          baselines: { nearest: ofNearest, mean: ofMean },
        },
        truth,
        nearest,
        image,
      };
      scores.push(evaluated.scores);
      if (moving) {
        masks++;
        dynamicness.push(sumDynamicness(scene.name, image.dynamicness.data, moving.data));
      }
      if (shown.has(view)) rows.push(sheetRow(evaluated));
      await options.onView?.(evaluated, scores.length, total);
    }
    if (masks > 0) continue;
    for (const { time } of scoredViews(scene, views.length, { protocol: "training" }).views) {
      const { dynamicness: map } = await render({ time, camera: time });
      dynamicness.push(sumDynamicness(scene.name, map.data, frameOf(scene.moving, time).data));
    }
  }
  const joined = (texts: Iterable<string>) => [...new Set(texts)].join(" and ");
  const evaluation = evaluationReport(
    joined(plans.map((plan) => plan.protocol)),
    scores,
    dynamicness,
    {
      about: joined(plans.map((plan) => plan.about)),
      of: plans.reduce((sum, plan) => sum + plan.of, 0),
      truth: joined(truths),
    },
  );
  return { evaluation, rows };
}

/** Whether a view is a frame of its scene: frame i was taken by camera i. */
function isFrame({ time, camera }: View): boolean {
  return time === camera;
}

/** The rendered layers of a view as pictures `[height, width, 3]`, by name. */
export function layerPictures(image: RenderedImage): Record<string, NdArray<Uint8Array>> {
  return {
    color: to8bit(image.color),
    static: to8bit(image.colorStatic),
    dynamic: to8bit(image.colorDynamic),
    depth: depthPicture(image.depth),
    dynamicness: dynamicnessPicture(image.dynamicness),
    // rest stays white where nothing moves a pixel
    flow: flowPicture(image.flowForward, Math.max(1, flowRadius([image.flowForward]))),
  };
}

/** A view as a row of the contact sheet. */
function sheetRow({ scores, truth, image }: EvaluatedView): ContactSheetRow {
  return {
    scene: scores.scene,
    time: scores.time,
    camera: scores.camera,
    psnr: scores.psnr,
    truth,
    color: image.color,
    colorStatic: image.colorStatic,
    colorDynamic: image.colorDynamic,
    depthNdc: image.depth,
    dynamicness: image.dynamicness,
    flowPixels: image.flowForward,
  };
}

/** Scores of pictures `[height, width, 3]`, also of their moving region where that is known. */
async function scorePictures(
  pictures: readonly NdArray<Uint8Array>[],
  truth: NdArray<Uint8Array>,
  moving?: NdArray<Uint8Array>,
  lpips?: PictureDistance,
): Promise<ImageScores[]> {
  const [height, width] = truth.shape;
  const distances = Math.min(height, width) < leastLpipsPixels
    ? undefined
    : await lpips?.compare(pictures, truth, moving);
  return pictures.map(({ data }, i) =>
    withoutUndefined({
      psnr: psnr(data, truth.data),
      ssim: ssim(data, truth.data, width, height),
      lpips: distances?.[i].distance,
      psnrMoving: moving && maskedPsnr(data, truth.data, moving.data),
      ssimMoving: moving && maskedSsim(data, truth.data, width, height, moving.data),
      lpipsMoving: distances?.[i].region,
    })
  );
}

/**
 * What pictures hide, in a view that is a frame: how well the order of depths agrees with the measured one, and the error of
 * the induced flow where something moves.
 */
function hiddenScores(image: RenderedImage, scene: Scene, frame: number): Partial<ImageScores> {
  const nearness = frameOf(scene.inverseDepth, frame).data;
  const moving = frameOf(scene.moving, frame).data;
  const known = frameOf(scene.flowForwardValid, frame).data;
  return withoutUndefined({
    depthOrder: depthOrder(image.depth.data, nearness.map((value) => -value)),
    endPointError: image.flowToNext && endPointError(
      image.flowToNext.data,
      frameOf(scene.flowForward, frame).data,
      known.map((valid, pixel) => valid && moving[pixel]),
    ),
  });
}

/** A score that is not known is no entry. */
function withoutUndefined<T extends object>(scores: T): T {
  return Object.fromEntries(
    Object.entries(scores).filter(([, value]) => value !== undefined),
  ) as T;
}

/** One frame of `[frames, …]`, the same memory. */
function frameOf<D extends Uint8Array | Float32Array>(
  array: NdArray<D>,
  frame: number,
): NdArray<D> {
  const shape = array.shape.slice(1);
  const length = shape.reduce((product, size) => product * size, 1);
  const data = array.data.subarray(frame * length, (frame + 1) * length) as D;
  return ndarray(data, shape);
}
