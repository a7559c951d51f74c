import { assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { join } from "@std/path";
import { officialWeights } from "../../../src/data/weights/encoder_weights.ts";
import { DataError } from "../../../src/data/files.ts";
import {
  encodeSafetensors,
  type SafetensorsTensor,
} from "../../../src/data/formats/safetensors.ts";
import { sha256 } from "../../../src/data/sha256.ts";
import { videoEncoderSpecs } from "../../../src/nets/video_encoder.ts";
import { own, type Recipe } from "../../../src/recipes/recipe.ts";
import { beganWith, chooseEncoders } from "../../../tasks/train/encoders.ts";
import { fixture, temporaryFolder } from "../../data/temporary_folder.ts";

const image = fixture("data/weights/encoder_weights/resnet18_zip.pth"); // 4 wide
const imageHash = await sha256(await Deno.readFile(image));

/** A recipe whose encoders are as wide as that. */
function recipeOf(preset: "small" | "full", width: number): Recipe {
  const recipe = own(preset, ["A"]);
  return { ...recipe, model: { ...recipe.model, videoWidth: width, imageWidth: width } };
}

/** A folder of official files, the image encoder's among them under its hash and the hash `digits`. */
async function checkpoints(digits = imageHash.slice(0, 8)) {
  const folder = await temporaryFolder();
  const name = `resnet18-${digits}.pth`;
  await Deno.copyFile(image, join(folder.path, name));
  const official = {
    ...officialWeights,
    image: { ...officialWeights.image, files: ["resnet18-00000000.pth", name], width: 4 },
  };
  const found = join(folder.path, name);
  return { where: { folder: folder.path, official }, found, folder };
}

Deno.test("chooseEncoders() takes an official file where the recipe's encoder is as wide", async () => {
  const { where, found, folder } = await checkpoints();
  await using _ = folder;
  const given = new Set<string>();
  const used = await chooseEncoders(recipeOf("full", 4), { given }, where);
  assertEquals(used.recipe, recipeOf("full", 4));
  assertEquals(used.encoderWeights.get("encoder2d.features.bn1.weight")?.length, 4);
  const file = found.slice(folder.path.length + 1);
  assertEquals(used.sources, { video: null, image: { file, sha256: imageHash } });
  assertEquals(used.lines, [
    "Video encoder: seeded, 4 wide; MMAction2's SlowOnly is taken from checkpoints/ by --preset full, or from " +
    `--video-encoder FILE: ${officialWeights.video.url}`,
    `Image encoder: "${found}", 4 wide`,
  ]);

  const narrow = await chooseEncoders(recipeOf("small", 16), { given }, where);
  assertEquals([narrow.encoderWeights.size, narrow.sources.image], [0, null]);
  assertStringIncludes(narrow.lines[1], `seeded, 16 wide; "${found}", 4 wide, is used by`);
});

Deno.test("chooseEncoders() refuses an official file that is damaged", async () => {
  const { where, found, folder } = await checkpoints("0badc0de");
  await using _ = folder;
  await assertRejects(
    () => chooseEncoders(recipeOf("full", 4), { given: new Set() }, where),
    DataError,
    `Cannot use "${found}": its SHA-256 begins with ${
      imageHash.slice(0, 8)
    }, its name says 0badc0de`,
  );
});

Deno.test("chooseEncoders() fits the recipe to the files that flags name, and the flags to them", async () => {
  await using folder = await temporaryFolder();
  const video = join(folder.path, "video.safetensors");
  const tensors = videoEncoderSpecs({ width: 8 }).map(({ name, shape }) => {
    const size = shape.reduce((product, length) => product * length, 1);
    const tensor: SafetensorsTensor = {
      dtype: "F32",
      shape: [...shape],
      data: new Float32Array(size),
    };
    return [name, tensor] as const;
  });
  await Deno.writeFile(video, encodeSafetensors(new Map(tensors)));
  const choose = (...given: string[]) =>
    chooseEncoders(own("small", ["A"]), { video, image, given: new Set(given) });

  const { recipe, sources, lines } = await choose();
  assertEquals([recipe.model.videoWidth, recipe.model.imageWidth], [8, 4]);
  assertEquals(recipe.standardizeFeatures, false); // a pretrained pair
  assertEquals(sources.video?.file, "video.safetensors");
  assertEquals(lines, [`Video encoder: "${video}", 8 wide`, `Image encoder: "${image}", 4 wide`]);
  assertEquals(beganWith({ ...sources, image: null }), [
    'Video encoder: that of the checkpoint, first from "video.safetensors"',
    "Image encoder: that of the checkpoint, at first seeded",
  ]);

  assertEquals((await choose("standardizeFeatures")).recipe.standardizeFeatures, true);
  await assertRejects(
    () => choose("imageWidth"),
    DataError,
    `Cannot train with --image-width 16: "${image}" is 4 wide; leave the flag out`,
  );
});
