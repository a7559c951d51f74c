/**
 * Scoring a trained model on views of its scenes.
 *
 * @module
 */
// @ts-types="npm:@types/ndarray@1.0.14"
import ndarray, { type NdArray } from "npm:ndarray@1.1.1";
import type { Camera } from "../data/camera.ts";
import type { Scene } from "../data/scene.ts";
import type { RenderedImage } from "../rendering/image_renderer.ts";
import {
  depthPicture,
  dynamicnessPicture,
  flowPicture,
  flowRadius,
  to8bit,
} from "../rendering/pictures.ts";
import { meanImage, nearestFrame, type View } from "./baselines.ts";
import type { ContactSheetRow } from "./contact_sheet.ts";
import { depthOrder } from "./depth_order.ts";
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
  /** Renders what `camera` sees of scene number `scene` at `time`, in frames. */
  render(scene: number, camera: Camera, time: number): Promise<RenderedImage>;
}

/** A view that was rendered and scored. */
export interface EvaluatedView {
  /** The view's scene, time, camera and scores. */
  readonly scores: ViewScores;
  /** The true picture, `[height, width, 3]`, 0..255. */
  readonly truth: NdArray<Uint8Array>;
  /** The rendered layers. */
  readonly image: RenderedImage;
}

/** What {@linkcode evaluate} is told. */
export interface EvaluateOptions {
  /** Views of each scene, spread evenly over times and cameras; 0: all. */
  views: number;
  /** The true picture of a held-out view, `[height, width, 3]` at the scene's size. */
  truth: (scene: Scene, view: View) => Promise<NdArray<Uint8Array>>;
  /** What truly moves in a held-out view, `[height, width]`, where that is known. */
  moving?: (scene: Scene, view: View) => NdArray<Uint8Array> | undefined;
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

/** Which views of a scene are scored. */
export interface ScoredViews {
  /** `held-out views` or `training-views`. */
  readonly protocol: string;
  /** Whether the frames themselves are scored. */
  readonly ownFrames: boolean;
  /** The views. */
  readonly views: readonly View[];
}

/**
 * The views of a scene to score: those of its `multiview_GT` that are no frame of the scene or, without that, its own
 * frames.
 *
 * @param count How many, spread evenly over times and cameras; 0: all.
 */
export function scoredViews(scene: Scene, count: number): ScoredViews {
  const held = scene.multiview.filter(({ time, camera }) =>
    time !== camera && time < scene.frames && camera < scene.frames
  );
  if (held.length > 0) {
    return { protocol: "held-out views", ownFrames: false, views: spreadViews(held, count) };
  }
  const own = scene.cameras.map((_, frame) => ({ time: frame, camera: frame }));
  return { protocol: "training-views", ownFrames: true, views: spreadViews(own, count) };
}

/**
 * Renders views of each scene and scores them beside two pictures that need no model: the nearest input frame, and the mean
 * of the input frames.
 *
 * Scenes with a `multiview_GT` are scored on held-out views. Others are scored on their own frames (protocol
 * `training-views`), where the nearest input frame is one of the others; there the order of depths is scored too.
 * Dynamicness is averaged over what moves and what is still in the scored views where that is known, else in as many of the
 * scene's own frames.
 *
 * @param renderer Renders the trained model.
 * @param scenes The scenes, in the renderer's order.
 * @throws {RangeError} If a score is not finite.
 */
export async function evaluate(
  renderer: ViewRenderer,
  scenes: readonly Scene[],
  options: EvaluateOptions,
): Promise<EvaluationResult> {
  const plans = scenes.map((scene) => scoredViews(scene, options.views));
  const total = plans.reduce((sum, { views }) => sum + views.length, 0);
  const scores: ViewScores[] = [];
  const dynamicness: ViewDynamicness[] = [];
  const rows: ContactSheetRow[] = [];

  for (const [number, scene] of scenes.entries()) {
    const { views, ownFrames } = plans[number];
    const mean = meanImage(scene.images);
    const shown = new Set(spreadViews(views, options.rows ?? 3));
    const render = (view: View) => {
      options.signal?.throwIfAborted();
      return renderer.render(number, scene.cameras[view.camera], view.time);
    };
    let masks = 0;
    for (const view of views) {
      const image = await render(view);
      const truth = ownFrames ? frameOf(scene.images, view.time) : await options.truth(scene, view);
      const moving = ownFrames ? frameOf(scene.moving, view.time) : options.moving?.(scene, view);
      const others = scene.cameras.map((_, frame) => frame)
        .filter((frame) => frame !== view.time || !ownFrames);
      const nearest = frameOf(scene.images, nearestFrame(scene.cameras, view, others));
      const evaluated: EvaluatedView = {
        scores: {
          scene: scene.name,
          time: view.time,
          camera: view.camera,
          ...scorePicture(to8bit(image.color), truth, moving),
          ...(ownFrames ? { depthOrder: orderOfDepths(image, scene, view.time) } : {}),
          baselines: {
            nearest: scorePicture(nearest, truth, moving),
            mean: scorePicture(mean, truth, moving),
          },
        },
        truth,
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
    for (const { time } of scoredViews({ ...scene, multiview: [] }, views.length).views) {
      const { dynamicness: map } = await render({ time, camera: time });
      dynamicness.push(sumDynamicness(scene.name, map.data, frameOf(scene.moving, time).data));
    }
  }
  const protocol = [...new Set(plans.map((plan) => plan.protocol))].join(" and ");
  return { evaluation: evaluationReport(protocol, scores, dynamicness), rows };
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
    colour: image.color,
    colourStatic: image.colorStatic,
    colourDynamic: image.colorDynamic,
    depthNdc: image.depth,
    dynamicness: image.dynamicness,
    flowPixels: image.flowForward,
  };
}

/** Scores of a picture `[height, width, 3]`, also of its moving region where that is known. */
function scorePicture(
  picture: NdArray<Uint8Array>,
  truth: NdArray<Uint8Array>,
  moving?: NdArray<Uint8Array>,
): ImageScores {
  const [height, width] = truth.shape;
  const scores: ImageScores = {
    psnr: psnr(picture.data, truth.data),
    ssim: ssim(picture.data, truth.data, width, height),
  };
  if (!moving) return scores;
  return {
    ...scores,
    psnrMoving: maskedPsnr(picture.data, truth.data, moving.data),
    ssimMoving: maskedSsim(picture.data, truth.data, width, height, moving.data),
  };
}

/** How well the depth agrees with what was measured in a frame: the order of near and far. */
function orderOfDepths(image: RenderedImage, scene: Scene, frame: number): number | undefined {
  const nearness = frameOf(scene.inverseDepth, frame).data;
  return depthOrder(image.depth.data, nearness.map((value) => -value));
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
