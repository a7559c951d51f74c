import { join } from "node:path";
import { DataError, exists, readFile, reason } from "../../files.ts";
import { type FilmedFrames, matchFrames } from "../../frame_matching.ts";
import { naturalOrder } from "../../natural_order.ts";
import { decodeColmapModel } from "./binary.ts";
import type { ColmapModel } from "./model.ts";
import { parseColmapModel } from "./text.ts";

/** Where models are, from the folder that a person names: in it, or below it as COLMAP and nerfstudio have them. */
const PLACES = [".", "sparse", "colmap/sparse"];

/** A model's files on disk. */
interface Place {
  folder: string;
  ending: "bin" | "txt";
}

/** Whether there is a COLMAP model where {@linkcode loadColmapModel} looks for one. */
export async function hasColmapModel(folder: string): Promise<boolean> {
  return (await findPlaces(folder)).length > 0;
}

/**
 * Reads a COLMAP model: `cameras`, `images` and `points3D`, `.bin` or else `.txt`, in the folder, in `sparse/` or in
 * `colmap/sparse/` below it, there itself or in `0`, `1` …; of several models the one with the most images. Other files there, as
 * COLMAP 4's `rigs.bin`, are not looked at.
 *
 * @throws {DataError} If there is no model, or it is damaged, cut short or of an unknown camera model.
 */
export async function loadColmapModel(folder: string): Promise<ColmapModel> {
  return (await findColmapModel(folder)).model;
}

/** As {@linkcode loadColmapModel}; of several models the one with the most of some frames, and its folder. */
export async function findColmapModel(
  folder: string,
  frames?: FilmedFrames,
): Promise<{ model: ColmapModel; folder: string }> {
  const places = await findPlaces(folder);
  if (places.length === 0) {
    throw new DataError(
      `Cannot read "${folder}": there is no COLMAP model in it, wanted cameras, images and points3D, ` +
        `.bin or .txt, here or in sparse/0; give the folder that COLMAP's mapper wrote`,
    );
  }
  if (places.length === 1) return { model: await readModel(places[0]), folder: places[0].folder };
  const found = await Promise.all(places.map(async (place) => {
    const model = await readModel(place), names = model.images.map(({ name }) => name);
    const entries = frames && matchFrames(names, frames, { path: place.folder }).entries;
    const has = entries?.filter((entry) => entry !== undefined).length ?? 0;
    return { model, folder: place.folder, has };
  }));
  return found.reduce((best, other) =>
    other.has > best.has ||
      (other.has === best.has && other.model.images.length > best.model.images.length)
      ? other
      : best
  );
}

async function readModel(place: Place): Promise<ColmapModel> {
  if (place.ending === "bin") return decodeColmapModel(...await readParts(place, (bytes) => bytes));
  const decoder = new TextDecoder();
  return parseColmapModel(...await readParts(place, (bytes) => decoder.decode(bytes)));
}

/** The models of the first place that has any. */
async function findPlaces(folder: string): Promise<Place[]> {
  for (const place of PLACES) {
    const here = join(folder, place);
    const own = await placeOf(here);
    if (own) return [own];
    const below = await Promise.all((await numberedFolders(here)).map(placeOf));
    const found = below.filter((place) => place !== undefined);
    if (found.length > 0) return found;
  }
  return [];
}

async function placeOf(folder: string): Promise<Place | undefined> {
  for (const ending of ["bin", "txt"] as const) {
    if (await exists(join(folder, `images.${ending}`))) return { folder, ending };
  }
  return undefined;
}

/** COLMAP numbers the models that it makes. */
async function numberedFolders(folder: string): Promise<string[]> {
  try {
    const entries = await Array.fromAsync(Deno.readDir(folder));
    const names = entries.filter((entry) => !entry.isFile).map(({ name }) => name);
    return naturalOrder(names.filter((name) => /^\d+$/.test(name))).map((name) =>
      join(folder, name)
    );
  } catch (error) {
    const isNone = error instanceof Deno.errors.NotFound ||
      error instanceof Deno.errors.NotADirectory;
    if (isNone) return [];
    throw new DataError(`Cannot read "${folder}": ${reason(error)}`, { cause: error });
  }
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
