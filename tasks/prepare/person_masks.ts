/**
 * Where persons are in a frame, by MediaPipe's selfie segmentation: for persons near the camera, as its model card says.
 *
 * @module
 */
import { join, toFileUrl } from "@std/path";
// @ts-types="npm:@types/ndarray@1.0.14"
import ndarray, { type NdArray } from "npm:ndarray@1.1.1";
import { DataError, exists, readFile } from "../../src/data/files.ts";
import { resizeBilinear } from "../../src/data/resize.ts";
import { FILES, selfieFolder } from "../driver/litert.ts";

/** What is used of LiteRT's module. */
interface LiteRt {
  loadLiteRt(script: string): Promise<unknown>;
  unloadLiteRt(): void;
  loadAndCompile(model: Uint8Array, options: { accelerator: "wasm" }): Promise<LiteRtModel>;
  Tensor: new (data: Float32Array, shape: readonly number[]) => LiteRtTensor;
}

interface LiteRtModel {
  run(input: LiteRtTensor): Promise<LiteRtTensor[]>;
  delete(): void;
}

interface LiteRtTensor {
  data(): Promise<Float32Array>;
  delete(): void;
}

/** The network's input: its two files differ in nothing else. */
const SIZES = {
  landscape: { width: 256, height: 144 },
  square: { width: 256, height: 256 },
} as const;

/** Wider frames than this go to the landscape network: between 1:1 and 16:9. */
const LANDSCAPE_ASPECT = 4 / 3;

/** Finds persons in frames of one aspect. */
export class PersonSegmenter {
  private constructor(
    readonly litert: LiteRt,
    readonly model: LiteRtModel,
    readonly size: { readonly width: number; readonly height: number },
  ) {}

  /**
   * Loads the network that fits frames of a size.
   *
   * @throws {DataError} where its files are not in the cache
   */
  static async load(
    cache: string,
    frame: { readonly width: number; readonly height: number },
  ): Promise<PersonSegmenter> {
    const folder = selfieFolder(cache);
    if (!await exists(join(folder, FILES.square))) {
      throw new DataError(
        `Cannot find persons: "${folder}" has no selfie segmentation; start by deno task prepare with ` +
          "--person-masks selfie, which fetches it",
      );
    }
    const kind = frame.width / frame.height > LANDSCAPE_ASPECT ? "landscape" : "square";
    const litert: LiteRt = await import(toFileUrl(join(folder, FILES.module)).href);
    await litert.loadLiteRt(join(folder, FILES.wasmScript));
    const network = await readFile(join(folder, FILES[kind]));
    const model = await litert.loadAndCompile(network, { accelerator: "wasm" });
    return new PersonSegmenter(litert, model, SIZES[kind]);
  }

  /**
   * A frame's mask: 1 where the network is surer of a person than not.
   *
   * @param frame RGB `[height, width, 3]`
   * @returns `[height, width]`
   */
  async mask(frame: NdArray<Uint8Array>): Promise<NdArray<Uint8Array>> {
    const [height, width] = frame.shape;
    const small = resizeBilinear(frame, this.size.width, this.size.height);
    const shape = [1, this.size.height, this.size.width, 3];
    const input = new this.litert.Tensor(small.data.map((value) => value / 255), shape);
    const [output] = await this.model.run(input);
    const person = ndarray(await output.data(), [this.size.height, this.size.width]);
    const { data } = resizeBilinear(person, width, height);
    for (const tensor of [input, output]) tensor.delete();
    return ndarray(Uint8Array.from(data, (value) => value > 0.5 ? 1 : 0), [height, width]);
  }

  /** Frees the network. */
  destroy(): void {
    this.model.delete();
    this.litert.unloadLiteRt();
  }
}
