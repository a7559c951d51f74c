import { join } from "node:path";
import { DataError, exists, readFile } from "../../files.ts";
import { decodeColmapModel } from "./binary.ts";
import type { ColmapModel } from "./model.ts";
import { parseColmapModel } from "./text.ts";

/** Where a model's files are, from the folder that a person names. */
const PLACES = [".", "sparse/0", "sparse", "0"];

/** A model's files on disk. */
interface Place {
  folder: string;
  ending: "bin" | "txt";
}

/** Whether there is a COLMAP model where {@linkcode loadColmapModel} looks for one. */
export async function hasColmapModel(folder: string): Promise<boolean> {
  return await findModel(folder) !== undefined;
}

/**
 * Reads a COLMAP model: `cameras`, `images` and `points3D`, `.bin` or else `.txt`, in the folder or in `sparse/0` below it.
 * Other files there, as COLMAP 4's `rigs.bin`, are not looked at.
 *
 * @throws {DataError} If there is no model, or it is damaged, cut short or of an unknown camera model.
 */
export async function loadColmapModel(folder: string): Promise<ColmapModel> {
  const place = await findModel(folder);
  if (place === undefined) {
    throw new DataError(
      `Cannot read "${folder}": there is no COLMAP model in it, wanted cameras, images and points3D, ` +
        `.bin or .txt, here or in sparse/0; give the folder that COLMAP's mapper wrote`,
    );
  }
  if (place.ending === "bin") return decodeColmapModel(...await readParts(place, (bytes) => bytes));
  const decoder = new TextDecoder();
  return parseColmapModel(...await readParts(place, (bytes) => decoder.decode(bytes)));
}

async function findModel(folder: string): Promise<Place | undefined> {
  for (const place of PLACES) {
    for (const ending of ["bin", "txt"] as const) {
      const model = join(folder, place);
      if (await exists(join(model, `images.${ending}`))) return { folder: model, ending };
    }
  }
  return undefined;
}

type Parts<T> = { cameras: T; images: T; points: T };

async function readParts<T>(
  { folder, ending }: Place,
  convert: (bytes: Uint8Array) => T,
): Promise<[files: Parts<T>, paths: Parts<string>]> {
  const path = (name: string) => join(folder, `${name}.${ending}`);
  const paths = { cameras: path("cameras"), images: path("images"), points: path("points3D") };
  const read = async (path: string) =>
    convert(await readFile(path, "a model has cameras, images and points3D of one ending"));
  return [
    {
      cameras: await read(paths.cameras),
      images: await read(paths.images),
      points: await read(paths.points),
    },
    paths,
  ];
}
