/**
 * Sizes of the fields, as they follow from the widths of a model.
 *
 * @module
 */
import type { ModelSizes } from "../recipes/recipe.ts";

/** What the two fields need to know of the encoders and of each other. */
export interface FieldSizes {
  readonly hidden: number;
  /** Channels of the video features, 832. */
  readonly videoChannels: number;
  /** Channels of the image features, 512. */
  readonly imageChannels: number;
  /** Channels of g, 256. */
  readonly globalCode: number;
  /** Hidden width of the perceptron before g, 4096. */
  readonly globalHidden: number;
  /** Channels of the pooled video feature, 2048. */
  readonly pooledChannels: number;
}

/** The fields' sizes that follow from a model's. */
export function fieldSizes(sizes: ModelSizes): FieldSizes {
  return {
    hidden: sizes.hidden,
    globalCode: sizes.globalCode,
    globalHidden: sizes.globalHidden,
    videoChannels: 13 * sizes.videoWidth,
    imageChannels: 8 * sizes.imageWidth,
    pooledChannels: 32 * sizes.videoWidth,
  };
}

/** γ₁₀ of (x, y, z, t). */
export const dynamicEncodingChannels = 84;
/** γ₁₀ of (x, y, z). */
export const staticEncodingChannels = 63;
/** γ₄ of a view direction. */
export const viewEncodingChannels = 27;
