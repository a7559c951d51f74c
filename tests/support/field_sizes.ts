import type { FieldSizes } from "../../src/nets/sizes.ts";

/** The two sizes of the golden cases that have no table of their own. */
export const fieldSizesOfGoldens: Record<string, FieldSizes> = {
  small: {
    hidden: 64,
    videoChannels: 40,
    imageChannels: 24,
    globalCode: 16,
    globalHidden: 48,
    pooledChannels: 32,
  },
  full: {
    hidden: 256,
    videoChannels: 832,
    imageChannels: 512,
    globalCode: 256,
    globalHidden: 4096,
    pooledChannels: 2048,
  },
};
