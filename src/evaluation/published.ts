/**
 * Scores that others published, each with its protocol and source; a report shows those of its own protocol only.
 *
 * @module
 */
import { protocols } from "./protocols.ts";

/** Scores of one method on one scene. */
export interface PublishedScore {
  /** The method's name. */
  readonly method: string;
  /** The scene's name. */
  readonly scene: string;
  /** Decibels, 8-bit RGB. */
  readonly psnr: number;
  /** AlexNet LPIPS. */
  readonly lpips: number;
}

/** A published table. */
export interface PublishedTable {
  /** The title of its protocol. */
  readonly protocol: string;
  /** Width of its pictures, pixels. */
  readonly width: number;
  /** Height of its pictures, pixels. */
  readonly height: number;
  /** Where it stands. */
  readonly source: string;
  /** What makes it differ from ours nevertheless. */
  readonly remark: string;
  /** Its rows. */
  readonly scores: readonly PublishedScore[];
}

const scenes = ["Jumping", "Skating", "Truck", "Umbrella", "Balloon1", "Balloon2", "Playground"];

/** PSNR and LPIPS by scene, in the order of `scenes`. */
const dynamicNerf: Record<string, [number, number][]> = {
  // deno-fmt-ignore
  "NeRF": [[20.99, 0.305], [23.67, 0.311], [22.73, 0.229], [21.29, 0.440], [19.82, 0.205], [24.37, 0.098], [21.07, 0.165]],
  // deno-fmt-ignore
  "NeRF + t": [[18.04, 0.455], [20.32, 0.512], [18.33, 0.382], [17.69, 0.728], [18.54, 0.275], [20.69, 0.216], [14.68, 0.421]],
  // deno-fmt-ignore
  "NR NeRF": [[20.09, 0.287], [23.95, 0.227], [19.33, 0.446], [19.63, 0.421], [17.39, 0.348], [22.41, 0.213], [15.06, 0.317]],
  // deno-fmt-ignore
  "NSFF": [[24.65, 0.151], [29.29, 0.129], [25.96, 0.167], [22.97, 0.295], [21.96, 0.215], [24.27, 0.222], [21.22, 0.212]],
  // deno-fmt-ignore
  "DynamicNeRF": [[24.68, 0.090], [32.66, 0.035], [28.56, 0.082], [23.26, 0.137], [22.36, 0.104], [27.06, 0.049], [24.15, 0.080]],
};

/** Every table there is: that of DynamicNeRF's README; MonoNeRF's repository has none. */
export const publishedTables: readonly PublishedTable[] = [{
  protocol: protocols.dynnerf.title,
  width: 480,
  height: 270,
  source: "README of github.com/gaochen315/DynamicNeRF (its PyTorch version)",
  remark: "its LPIPS was taken of BGR, ours of RGB; one model a scene",
  scores: Object.entries(dynamicNerf).flatMap(([method, scores]) =>
    scores.map(([psnr, lpips], i) => ({ method, scene: scenes[i], psnr, lpips }))
  ),
}];

/** What a set of scores must agree with a table in. */
export interface ScoredScene {
  /** The scene's name. */
  readonly scene: string;
  /** Width of the pictures, pixels. */
  readonly width: number;
  /** Height of the pictures, pixels. */
  readonly height: number;
}

/**
 * The published tables of a protocol, with their rows for these scenes, at the same size; none where only some of the
 * protocol's views were scored.
 *
 * @param whole Whether all views of the protocol were scored.
 */
export function publishedFor(
  protocol: string,
  whole: boolean,
  scored: readonly ScoredScene[],
): PublishedTable[] {
  if (!whole) return [];
  return publishedTables.filter((table) => table.protocol === protocol).flatMap((table) => {
    const names = scored
      .filter(({ width, height }) => width === table.width && height === table.height)
      .map(({ scene }) => scene);
    const scores = table.scores.filter(({ scene }) => names.includes(scene));
    return scores.length > 0 ? [{ ...table, scores }] : [];
  });
}
