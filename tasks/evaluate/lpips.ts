/**
 * LPIPS for a task: its weights from files that were named, or found in `checkpoints/`.
 *
 * @module
 */
import { join } from "node:path";
import { exists } from "../../src/data/files.ts";
import { lpipsFiles, lpipsWeights } from "../../src/data/weights/lpips_weights.ts";
import type { NamedTensors } from "../../src/data/weights/named_tensors.ts";
import { requireHashInName } from "../../src/data/weights/name_hash.ts";
import { loadWeightsFile } from "../../src/data/weights/weights_file.ts";
import { Lpips } from "../../src/evaluation/lpips.ts";
import type { Gpu } from "../../src/runtime/device.ts";

/** Where its weights are looked for. */
const CHECKPOINTS = "checkpoints";

/** Files that a command line names. */
export interface LpipsChoice {
  /** AlexNet's. */
  network?: string | undefined;
  /** Those of the heads. */
  heads?: string | undefined;
}

/** LPIPS, or why there is none. */
export type FoundLpips = { lpips: Lpips; note?: undefined } | { lpips?: undefined; note: string };

/**
 * Opens LPIPS where both of its files are there; else tells where they are to be had.
 *
 * @param folder Where files that are not named are looked for.
 * @throws {DataError} If a file cannot be read, is damaged, or lacks a weight.
 */
export async function openLpips(
  gpu: Gpu,
  choice: LpipsChoice = {},
  folder: string = CHECKPOINTS,
): Promise<FoundLpips> {
  const network = choice.network ?? await findFile(folder, lpipsFiles.network.files);
  const heads = choice.heads ?? await findFile(folder, lpipsFiles.heads.files);
  if (network === undefined || heads === undefined) {
    const lacking = [
      ...(network === undefined ? [lpipsFiles.network] : []),
      ...(heads === undefined ? [lpipsFiles.heads] : []),
    ];
    const files = lacking.map(({ title, url, files: [name] }) =>
      `${title} (${url}${url.endsWith(name) ? "" : `, as ${name}`})`
    );
    return { note: `LPIPS needs ${files.join(" and ")} in ${CHECKPOINTS}/.` };
  }
  const files = { network: await read(network), heads: await read(heads) };
  return { lpips: new Lpips(gpu, lpipsWeights(files)) };
}

async function findFile(folder: string, names: readonly string[]): Promise<string | undefined> {
  for (const name of names) {
    if (await exists(join(folder, name))) return join(folder, name);
  }
}

async function read(path: string): Promise<NamedTensors> {
  const { tensors, sha256 } = await loadWeightsFile(path);
  requireHashInName(path, sha256);
  return { name: path, tensors };
}
