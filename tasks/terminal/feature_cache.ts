/**
 * The cache of encoded features, as tasks that encode are told of it.
 *
 * @module
 */
import { join } from "node:path";
import { FeatureFolder } from "../../src/data/run/feature_cache.ts";
import { cacheFolder } from "../driver/swiftshader.ts";
import { flagGroup, type Values } from "./options.ts";

/** Where encoded features are kept. */
export interface FeatureKeeping {
  /** By default in the user's cache folder. */
  folder?: string | undefined;
  /** What they may take; 0: none are kept. */
  limitBytes: number;
}

/** Flags of the cache. */
export const featureFlags = flagGroup("Run", {
  featureCache: undefined as string | undefined,
  featureCacheLimit: 20,
}, {
  featureCache: {
    about:
      "where encoded features are kept for the next start; by default in the user's cache folder",
    unit: "folder",
  },
  featureCacheLimit: { about: "what they may take; 0: none are kept", unit: "GB", min: 0 },
});

/** What the flags say. */
export function featureKeeping(values: Values<typeof featureFlags>): FeatureKeeping {
  return { folder: values.featureCache, limitBytes: values.featureCacheLimit * 1e9 };
}

/** The cache that is to be used, if one is. */
export function openFeatureCache(
  { folder = join(cacheFolder(), "features"), limitBytes }: FeatureKeeping,
  onNotice: (line: string) => void,
): FeatureFolder | undefined {
  return limitBytes > 0 ? new FeatureFolder(folder, { limitBytes, onNotice }) : undefined;
}
