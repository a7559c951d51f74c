/** Metrics of a picture, each the mean's name in the report too. */
const METRICS = [
  "psnr",
  "ssim",
  "lpips",
  "psnrMoving",
  "ssimMoving",
  "lpipsMoving",
  "depthOrder",
  "endPointError",
  "trackError",
] as const;

/** How close one picture (or the mean picture of a set) is to the truth. */
export interface ImageScores {
  /** Decibels, 8-bit RGB. */
  psnr: number;
  /** 7×7 uniform windows, at most 1. */
  ssim: number;
  /** AlexNet LPIPS; absent where its weights are. */
  lpips?: number | undefined;
  /** Decibels, over the moving region; absent where that is unknown or empty. */
  psnrMoving?: number | undefined;
  /** Mean over the windows of 7×7 centred in the moving region. */
  ssimMoving?: number | undefined;
  /** Mean of LPIPS's spatial map over the moving region. */
  lpipsMoving?: number | undefined;
  /** Rank correlation of the depth map with the measured one; of the scene's own frames only. */
  depthOrder?: number | undefined;
  /** Mean error of the induced flow to the next frame where something moves, in pixels; of the scene's own frames only. */
  endPointError?: number | undefined;
  /** Mean distance of followed points from their true paths, in pixels; absent where these are unknown. */
  trackError?: number | undefined;
}

/** What the two pictures score that need no model. */
export interface BaselineScores {
  /** The nearest input frame. */
  nearest: ImageScores;
  /** The mean of the input frames. */
  mean: ImageScores;
}

/** Scores of one rendered view beside those of the baselines. */
export interface ViewScores extends ImageScores {
  /** The scene's name. */
  scene: string;
  /** Frame number, 0-based. */
  time: number;
  /** Camera number, 0-based. */
  camera: number;
  /** The baselines' scores on this view. */
  baselines: BaselineScores;
}

/** Sum of a map over a region, and the region's pixels. */
export interface RegionSum {
  /** Sum over the region. */
  sum: number;
  /** Pixels of the region. */
  pixels: number;
}

/** Dynamicness of one rendered picture, summed where the truth moves and where it is still. */
export interface ViewDynamicness {
  /** The scene's name. */
  scene: string;
  /** Over the moving pixels. */
  moving: RegionSum;
  /** Over all others. */
  still: RegionSum;
}

/** Means over a set of views. */
export interface Scores extends ImageScores {
  /** How many views the means are over. */
  views: number;
  /** Means of the baselines over the same views. */
  baselines: BaselineScores;
  /** Mean dynamicness over the moving and over the still pixels; null where there are none. */
  dynamicness: { moving: number | null; still: number | null };
}

/** What is to be known of an evaluation beside its scores; those of older versions do not say. */
export interface EvaluationFacts {
  /** The protocol's views, in words. */
  about?: string;
  /** How many views the protocol has; more than `views` where only some were scored. */
  of?: number;
  /** How the true pictures were made, in words. */
  truth?: string;
}

/** The content of a run's `evaluation.json`. */
export interface Evaluation extends Scores, EvaluationFacts {
  /** Which views were scored: a protocol's title. */
  protocol: string;
  /** The same means for each scene. */
  scenes: Record<string, Scores>;
  /** Every view's scores, in the order given. */
  perView: ViewScores[];
}

/**
 * Sums a dynamicness map over the moving and the still pixels of a motion mask.
 *
 * @param scene The scene's name.
 * @param dynamicness Rendered map, `[pixels]`, 0..1.
 * @param moving True motion, `[pixels]`: anything but 0 moves.
 * @throws {RangeError} If the sizes differ.
 */
export function sumDynamicness(
  scene: string,
  dynamicness: Float32Array,
  moving: Uint8Array,
): ViewDynamicness {
  if (dynamicness.length !== moving.length) {
    throw new RangeError(
      `Cannot sum the dynamicness of "${scene}": the map has ${dynamicness.length} pixels, ` +
        `the motion mask ${moving.length}; wanted one size`,
    );
  }
  const sums: ViewDynamicness = {
    scene,
    moving: { sum: 0, pixels: 0 },
    still: { sum: 0, pixels: 0 },
  };
  dynamicness.forEach((value, pixel) => {
    const region = moving[pixel] === 0 ? sums.still : sums.moving;
    region.sum += value;
    region.pixels++;
  });
  return sums;
}

/**
 * Averages the scores of single views into the content of `evaluation.json`.
 *
 * A score's mean is over the views that have it, every view counting alike; it is absent where no
 * view has it. A dynamicness is a mean over pixels.
 *
 * @param protocol Which views were scored: a protocol's title.
 * @param views One entry a view, of any scene and order.
 * @param dynamicness One entry a picture with a known motion mask, a scored view or not.
 * @throws {RangeError} If there is no view, or a number is not finite: JSON has no NaN.
 */
export function evaluationReport(
  protocol: string,
  views: readonly ViewScores[],
  dynamicness: readonly ViewDynamicness[] = [],
  facts: EvaluationFacts = {},
): Evaluation {
  if (views.length === 0) {
    throw new RangeError(`Cannot report "${protocol}": no view was scored; wanted at least one`);
  }
  views.forEach(requireFinite);
  const scenes = [...new Set(views.map((view) => view.scene))];
  return {
    protocol,
    ...facts,
    ...average(views, dynamicness),
    scenes: Object.fromEntries(scenes.map((scene) => [
      scene,
      average(
        views.filter((view) => view.scene === scene),
        dynamicness.filter((sums) => sums.scene === scene),
      ),
    ])),
    perView: [...views],
  };
}

function average(views: readonly ViewScores[], dynamicness: readonly ViewDynamicness[]): Scores {
  return {
    views: views.length,
    ...meanScores(views),
    baselines: {
      nearest: meanScores(views.map((view) => view.baselines.nearest)),
      mean: meanScores(views.map((view) => view.baselines.mean)),
    },
    dynamicness: {
      moving: meanOfRegions(dynamicness.map((sums) => sums.moving)),
      still: meanOfRegions(dynamicness.map((sums) => sums.still)),
    },
  };
}

function meanScores(scores: readonly ImageScores[]): ImageScores {
  const means: ImageScores = { psnr: 0, ssim: 0 };
  for (const metric of METRICS) {
    const values = scores.map((score) => score[metric]).filter((value) => value !== undefined);
    if (values.length > 0) means[metric] = values.reduce((a, b) => a + b) / values.length;
  }
  return means;
}

function meanOfRegions(regions: readonly RegionSum[]): number | null {
  const pixels = regions.reduce((total, region) => total + region.pixels, 0);
  const sum = regions.reduce((total, region) => total + region.sum, 0);
  return pixels === 0 ? null : sum / pixels;
}

function requireFinite(view: ViewScores): void {
  const parts = { "": view, "nearest ": view.baselines.nearest, "mean ": view.baselines.mean };
  for (const [part, scores] of Object.entries<ImageScores>(parts)) {
    for (const metric of METRICS) {
      const value = scores[metric];
      if (value === undefined || Number.isFinite(value)) continue;
      throw new RangeError(
        `Cannot report "${view.scene}" time ${view.time} camera ${view.camera}: ` +
          `${part}${metric} is ${value}, wanted a finite number`,
      );
    }
  }
}
