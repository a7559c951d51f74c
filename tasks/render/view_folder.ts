/**
 * The folder of one scene's rendered views, which several processes may fill at once.
 *
 * ```
 * runs/balloon-small/novel/balloon1/
 *   views.json       what the numbers of the views mean: cameras and times; and the checkpoint they are of
 *   color/0000.png   a frame a view; so for each layer
 *   color.mp4
 *   tracks/ …        the same of paths, where they are asked for
 * ```
 *
 * @module
 */
import { join } from "node:path";
// @ts-types="npm:@types/ndarray@1.0.14"
import type { NdArray } from "npm:ndarray@1.1.1";
import { DataError, exists, readFile, writeFileAtomically } from "../../src/data/files.ts";
import { decodePng, encodePng, isPng } from "../../src/data/formats/png.ts";
import type { LayerName } from "../../src/viewing/layers.ts";
import type { SceneView } from "../../src/viewing/paths.ts";
import type { EditCommand } from "./edit.ts";
import type { TrackCommand } from "./tracks.ts";

/** What is drawn of a view: a layer, or paths of points over it. */
export type PictureName = LayerName | "tracks";

/** All that decides the pictures. */
export interface ViewRecord {
  /** Version of this program. */
  version: string;
  /** SHA-256 of the checkpoint's file. */
  checkpoint: string;
  /** All views of the path. */
  views: readonly SceneView[];
  /** What is changed of the scene. */
  edit?: EditCommand | undefined;
  /** What paths are drawn. */
  tracks?: TrackCommand | undefined;
}

/** The last chunk of a PNG: a file that was cut short has another end. */
const PNG_END = [0, 0, 0, 0, 0x49, 0x45, 0x4e, 0x44, 0xae, 0x42, 0x60, 0x82];

/** A folder of views, made or gone on with. */
export class ViewFolder {
  private constructor(
    /** The folder's path. */
    readonly directory: string,
  ) {}

  /**
   * Makes the folder, or opens it where it holds views of this very record.
   *
   * @throws {DataError} If it holds others, or cannot be written.
   */
  static async open(directory: string, record: ViewRecord): Promise<ViewFolder> {
    const path = join(directory, "views.json");
    const text = `${JSON.stringify(record, asPlain, 1)}\n`;
    await make(directory);
    if (!await exists(path)) await writeFileAtomically(path, new TextEncoder().encode(text));
    else if (new TextDecoder().decode(await readFile(path)) !== text) {
      throw new DataError(
        `Cannot render into "${directory}": it has views of another checkpoint, path, edit, tracks or size, as its views.json says; ` +
          "name another folder by --out, or remove it",
      );
    }
    return new ViewFolder(directory);
  }

  /** Path of a frame. */
  framePath(layer: PictureName, { name }: SceneView): string {
    return join(this.directory, layer, `${name}.png`);
  }

  /** Whether a frame is there, whole, and of the view's size. */
  async hasFrame(layer: PictureName, view: SceneView): Promise<boolean> {
    const path = this.framePath(layer, view);
    if (!await exists(path)) return false;
    const bytes = await readFile(path);
    if (!isPng(bytes) || !PNG_END.every((byte, i) => bytes.at(i - PNG_END.length) === byte)) {
      return false;
    }
    const header = new DataView(bytes.buffer, bytes.byteOffset);
    return header.getUint32(16) === view.camera.width &&
      header.getUint32(20) === view.camera.height;
  }

  /** Writes a frame `[height, width, 3]`; it is there whole or not at all. */
  async writeFrame(
    layer: PictureName,
    view: SceneView,
    picture: NdArray<Uint8Array>,
  ): Promise<void> {
    await make(join(this.directory, layer));
    await writeFileAtomically(this.framePath(layer, view), encodePng(picture));
  }

  /** The frames of a layer in the order of the views, read when they are asked for; one can go through them again. */
  frames(layer: PictureName, views: readonly SceneView[]): AsyncIterable<NdArray<Uint8Array>> {
    const paths = views.map((view) => this.framePath(layer, view));
    return {
      async *[Symbol.asyncIterator]() {
        for (const path of paths) yield decodePng(await readFile(path), path);
      },
    };
  }

  /** Writes a film of a layer; its path. */
  async writeFilm(layer: PictureName, kind: "mp4" | "gif", bytes: Uint8Array): Promise<string> {
    const path = join(this.directory, `${layer}.${kind}`);
    await writeFileAtomically(path, bytes);
    return path;
  }
}

/** Typed arrays as lists. */
function asPlain(_key: string, value: unknown): unknown {
  return value instanceof Float32Array ? [...value] : value;
}

async function make(directory: string): Promise<void> {
  try {
    await Deno.mkdir(directory, { recursive: true });
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    throw new DataError(`Cannot write "${directory}": ${message}`, { cause: error });
  }
}
