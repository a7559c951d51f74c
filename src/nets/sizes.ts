/**
 * The sizes of a model: which numbers make it wide or narrow.
 *
 * @module
 */

/** Every width of the network; the paper's are {@link fullSizes}. */
export interface ModelSizes {
  /** Width of the fields' hidden layers. */
  readonly hidden: number;
  /** Channels of the global code g of a scene. */
  readonly globalCode: number;
  /** Hidden width of the perceptron that makes g from the pooled video feature. */
  readonly globalHidden: number;
  /** Channels of the video encoder's first layer; its maps have 13 times, its pooled feature 32 times as many. */
  readonly videoWidth: number;
  /** Channels of the image encoder's first layer; its maps have 8 times as many. */
  readonly imageWidth: number;
}

/** The sizes of the paper: 832 video channels, 512 image channels, hidden width 256. */
export const fullSizes: ModelSizes = {
  hidden: 256,
  globalCode: 256,
  globalHidden: 4096,
  videoWidth: 64,
  imageWidth: 64,
};

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
