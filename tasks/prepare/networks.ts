/**
 * The networks that measure flow and depth: their weights' files, and one adapter for both.
 *
 * @module
 */
import { join } from "node:path";
import { exists } from "../../src/data/files.ts";
import { sha256OfFile } from "../../src/data/download/download.ts";
import { midasFile, midasWeights } from "../../src/data/weights/midas_weights.ts";
import { requireHashInName } from "../../src/data/weights/name_hash.ts";
import { raftFile, raftWeights } from "../../src/data/weights/raft_weights.ts";
import { loadWeightsFile } from "../../src/data/weights/weights_file.ts";
import { Raft } from "../../src/preparation/raft/raft.ts";
import { Midas } from "../../src/preparation/midas/midas.ts";
import { type Gpu, openGpu } from "../../src/runtime/device.ts";
import { CHECKPOINTS, type PrepareCommand } from "./command.ts";

/** A network of the preparation. */
export type NetworkName = "raft" | "midas";

/** Where a network's weights are, and what does without them. */
interface WeightsPlace {
  path: string;
  wanted: boolean;
  title: string;
  /** What to fetch, and what to do with it. */
  fetch: string;
  instead: string;
}

/** The networks that a command needs. */
export class Networks {
  readonly #places: Readonly<Record<NetworkName, WeightsPlace>>;
  #gpu?: Gpu;

  constructor(
    { midas, raft, depth, flow }: Pick<PrepareCommand, "midas" | "raft" | "depth" | "flow">,
    readonly signal: AbortSignal,
    readonly tell: (line: string) => void,
    folder: string = CHECKPOINTS,
  ) {
    const [midasName] = midasFile.files;
    this.#places = {
      raft: {
        path: raft ?? join(folder, raftFile.file),
        wanted: flow === undefined,
        title: raftFile.title,
        fetch: `"${raftFile.file}" in ${raftFile.url}`,
        instead: "flow that you have: --flow FOLDER",
      },
      midas: {
        path: midas ?? join(folder, midasName),
        wanted: depth === undefined,
        title: midasFile.title,
        fetch: midasFile.url,
        instead: "depth that you have: --depth FOLDER",
      },
    };
  }

  /** What is missing, a line each; none where all is there. */
  async missing(): Promise<string[]> {
    const lines: string[] = [];
    for (const [name, { path, wanted, title, fetch, instead }] of Object.entries(this.#places)) {
      if (!wanted || await exists(path)) continue;
      lines.push(
        `the weights of ${title}: fetch ${fetch}, and put it at "${path}" (or name the file: --${name} FILE); ` +
          `or give ${instead}`,
      );
    }
    return lines;
  }

  /** Hash of a network's file. */
  sha256(name: NetworkName): Promise<string> {
    return sha256OfFile(this.#places[name].path, { signal: this.signal });
  }

  /**
   * Reads a network's file and keeps nothing of it: so that a wrong one is found before anything long begins.
   *
   * @throws {DataError} If it is damaged, or holds another network.
   */
  async check(name: NetworkName): Promise<void> {
    if (this.#places[name].wanted) await this.#weights(name);
  }

  /** RAFT with its weights on the adapter; the caller destroys it. */
  async openRaft(): Promise<Raft> {
    return await Raft.create(await this.#open(), await this.#weights("raft"));
  }

  /** MiDaS with its weights on the adapter; the caller destroys it. */
  async openMidas(): Promise<Midas> {
    const weights = await this.#weights("midas");
    return await Midas.create(await this.#open(), weights, { signal: this.signal });
  }

  async #weights(name: NetworkName): Promise<Map<string, Float32Array>> {
    const { path } = this.#places[name];
    const { tensors, sha256 } = await loadWeightsFile(path);
    requireHashInName(path, sha256);
    return (name === "raft" ? raftWeights : midasWeights)({ name: path, tensors });
  }

  async #open(): Promise<Gpu> {
    if (!this.#gpu) {
      this.#gpu = await openGpu();
      this.tell(this.#gpu.description + (this.#gpu.software ? " (software)" : ""));
    }
    return this.#gpu;
  }
}
