/**
 * Which weights the encoders of a run start from: files that were named, official ones found in `checkpoints/`, or a seed.
 *
 * @module
 */
import { basename, join } from "node:path";
import { type EncoderKind, officialWeights } from "../../src/data/encoder_weights.ts";
import { DataError, exists } from "../../src/data/files.ts";
import { requireHashInName } from "../../src/data/name_hash.ts";
import { loadWeightsFile, type WeightsFile } from "../../src/data/weights_file.ts";
import type { EncoderSource, EncoderSources } from "../../src/data/run_folder.ts";
import type { Recipe } from "../../src/recipes/recipe.ts";
import { withEncoders } from "../../src/training/pretrained.ts";
import { toFlag } from "../terminal/options.ts";
import { asCommandRecipe } from "./command.ts";

/** Where official files are looked for. */
const CHECKPOINTS = "checkpoints";

/** What the command line says of the encoders. */
export interface EncoderChoice {
  /** File of the video encoder's weights. */
  video?: string;
  /** File of the image encoder's weights. */
  image?: string;
  /** Numbers of the recipe that the command line gives. */
  given: ReadonlySet<string>;
}

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
const widths = { video: "videoWidth", image: "imageWidth" } as const;

/**
 * Chooses the encoders' weights and fits the recipe to them.
 *
 * @param folder Where official files are looked for. They are used where the recipe's encoder is as wide as theirs.
 * @throws {DataError} If a file cannot be read, is damaged, does not hold its encoder, or is not as wide as a flag wants it.
 */
export async function chooseEncoders(
  recipe: Recipe,
  choice: EncoderChoice,
  folder: string = CHECKPOINTS,
): Promise<ChosenEncoders> {
  const files: { [K in EncoderKind]?: WeightsFile & { name: string } } = {};
  const spare: { [K in EncoderKind]?: string } = {}; // there, but of another width
  for (const kind of kinds) {
    const official = await findOfficialWeights(kind, folder);
    const fits = recipe.model[widths[kind]] === officialWeights[kind].width;
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
    const [asked, found] = [recipe.model[field], fitted.model[field]];
    if (asked === found || !choice.given.has(field)) continue;
    throw new DataError(
      `Cannot train with --${toFlag(field)} ${asked}: the encoder in "${
        files[kind]!.name
      }" is ${found} wide; ` +
        "leave the flag out, or name another file",
    );
  }
  const { standardizeFeatures } = choice.given.has("standardizeFeatures") ? recipe : fitted;
  return {
    recipe: asCommandRecipe({ ...fitted, standardizeFeatures }),
    encoderWeights,
    sources: { video: sourceOf(files.video), image: sourceOf(files.image) },
    lines: kinds.map((kind) => encoderLine(kind, fitted, files[kind]?.name, spare[kind])),
  };
}

function sourceOf(file?: WeightsFile & { name: string }): EncoderSource {
  return file ? { file: basename(file.name), sha256: file.sha256 } : null;
}

async function findOfficialWeights(kind: EncoderKind, folder: string): Promise<string | undefined> {
  for (const file of officialWeights[kind].files) {
    const path = join(folder, file);
    if (await exists(path)) return path;
  }
}

function encoderLine(kind: EncoderKind, { model }: Recipe, used?: string, spare?: string): string {
  const begins = `${kind === "video" ? "Video" : "Image"} encoder:`;
  const width = model[widths[kind]];
  if (used !== undefined) return `${begins} "${used}", ${width} wide.`;
  const { title, url, width: official } = officialWeights[kind];
  const remedy = spare === undefined
    ? `for ${title}, --${kind}-encoder FILE or in ${CHECKPOINTS}/: ${url}`
    : `"${spare}" is ${official} wide: --${kind}-encoder '${spare}' uses it`;
  return `${begins} seeded, ${width} wide; ${remedy}`;
}
