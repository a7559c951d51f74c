/**
 * Which weights the encoders of a run start from: files that were named, official ones found in `checkpoints/`, or a seed.
 *
 * @module
 */
import { basename, join } from "node:path";
import {
  type EncoderKind,
  type OfficialWeights,
  officialWeights,
} from "../../src/data/weights/encoder_weights.ts";
import { DataError, exists } from "../../src/data/files.ts";
import { requireHashInName } from "../../src/data/weights/name_hash.ts";
import { loadWeightsFile, type WeightsFile } from "../../src/data/weights/weights_file.ts";
import type { EncoderSource, EncoderSources } from "../../src/data/run/run_folder.ts";
import type { Recipe } from "../../src/recipes/recipe.ts";
import { withEncoders } from "../../src/training/pretrained.ts";
import { toFlag } from "../terminal/options.ts";
import { asCommandRecipe, type EncoderChoice } from "./command.ts";

/** Where official files are looked for, and which. */
const found = { folder: "checkpoints", official: officialWeights };

/** The encoders of a run that begins. */
export interface ChosenEncoders {
  /** The recipe, at the widths of the files. */
  recipe: Recipe;
  /** Parameters by official name; those of a seeded encoder are not among them. */
  encoderWeights: Map<string, Float32Array>;
  /** What they come from, for the run's record. */
  sources: EncoderSources;
  /** For each encoder a line on what is used. */
  lines: string[];
}

const kinds = ["video", "image"] as const;
const titles = { video: "Video encoder", image: "Image encoder" } as const;
const widths = { video: "videoWidth", image: "imageWidth" } as const;

/**
 * Chooses the encoders' weights and fits the recipe to them.
 *
 * Official files that are found are used where the recipe's encoder is as wide as theirs.
 *
 * @param where Official files are looked for, and which; `checkpoints/`, and those of the paper, by default.
 * @throws {DataError} If a file cannot be read, is damaged, does not hold its encoder, or is not as wide as a flag wants it.
 */
export async function chooseEncoders(
  recipe: Recipe,
  choice: EncoderChoice,
  where: typeof found = found,
): Promise<ChosenEncoders> {
  const files: { [K in EncoderKind]?: WeightsFile & { name: string } } = {};
  const spare: { [K in EncoderKind]?: string | undefined } = {}; // there, but of another width
  for (const kind of kinds) {
    const { files: names, width } = where.official[kind];
    const official = await firstThatExists(names.map((name) => join(where.folder, name)));
    const fits = recipe.model[widths[kind]] === width;
    const path = choice[kind] ?? (fits ? official : undefined);
    if (path === undefined) spare[kind] = official;
    else {
      const file = await loadWeightsFile(path);
      requireHashInName(path, file.sha256);
      files[kind] = { ...file, name: path };
    }
  }
  const { recipe: fitted, encoderWeights } = withEncoders(recipe, files);
  for (const kind of kinds) {
    const field = widths[kind];
    const asked = recipe.model[field], width = fitted.model[field];
    if (asked === width || !choice.given.has(field)) continue;
    throw new DataError(
      `Cannot train with --${toFlag(field)} ${asked}: "${files[kind]!.name}" is ${width} wide; ` +
        "leave the flag out, or name another file",
    );
  }
  const { standardizeFeatures } = choice.given.has("standardizeFeatures") ? recipe : fitted;
  return {
    recipe: asCommandRecipe({ ...fitted, standardizeFeatures }),
    encoderWeights,
    sources: { video: sourceOf(files.video), image: sourceOf(files.image) },
    lines: kinds.map((kind) => {
      const used = files[kind]?.name, width = fitted.model[widths[kind]];
      return `${titles[kind]}: ` +
        (used
          ? `"${used}", ${width} wide`
          : `seeded, ${width} wide; ${remedy(kind, where.official[kind], spare[kind])}`);
    }),
  };
}

/** For each encoder of a run that goes on, what it began with. */
export function beganWith(sources: EncoderSources): string[] {
  return kinds.map((kind) => {
    const source = sources[kind];
    return `${titles[kind]}: that of the checkpoint, ` +
      (source ? `first from "${source.file}"` : "at first seeded");
  });
}

/** How a seeded encoder becomes a pretrained one. */
function remedy(kind: EncoderKind, { title, url, width }: OfficialWeights, spare?: string): string {
  if (spare !== undefined) {
    return `"${spare}", ${width} wide, is used by --preset full or --${kind}-encoder`;
  }
  return `${title} is taken from ${found.folder}/ by --preset full, or from --${kind}-encoder FILE: ${url}`;
}

function sourceOf(file?: WeightsFile & { name: string }): EncoderSource {
  return file ? { file: basename(file.name), sha256: file.sha256 } : null;
}

async function firstThatExists(paths: readonly string[]): Promise<string | undefined> {
  for (const path of paths) if (await exists(path)) return path;
}
