import { assertEquals, assertThrows } from "@std/assert";
// @ts-types="npm:@types/ndarray@1.0.14"
import ndarray from "npm:ndarray@1.1.1";
import { readNpz } from "../../src/data/npz.ts";
import type { SafetensorsTensor } from "../../src/data/safetensors.ts";
import { loadWeightsFile } from "../../src/data/weights_file.ts";
import { encodeImages, imageEncoderSpecs } from "../../src/nets/image_encoder.ts";
import { ParameterGroup, type ParameterSpec } from "../../src/nets/parameters.ts";
import { videoEncoderSpecs } from "../../src/nets/video_encoder.ts";
import { own } from "../../src/recipes/recipe.ts";
import { withEncoders } from "../../src/training/pretrained.ts";
import { fixture } from "../data/temporary_folder.ts";
import { assertClose } from "../support/close.ts";
import { channelsFirst } from "../support/encoders.ts";
import { testGpu } from "../support/gpu.ts";

/** A file with these parameters, all 1. */
function ones(specs: readonly ParameterSpec[]) {
  const tensor = (shape: readonly number[]): SafetensorsTensor => {
    const size = shape.reduce((product, length) => product * length, 1);
    return { dtype: "F32", shape: [...shape], data: new Float32Array(size).fill(1) };
  };
  return { name: "x.pth", tensors: new Map(specs.map(({ name, shape }) => [name, tensor(shape)])) };
}

Deno.test("withEncoders() fits a recipe's widths to the files", () => {
  const recipe = own("small", ["A"]);
  const image = ones(imageEncoderSpecs({ width: 6 })),
    video = ones(videoEncoderSpecs({ width: 8 }));

  const one = withEncoders(recipe, { image });
  assertEquals(one.recipe, { ...recipe, model: { ...recipe.model, imageWidth: 6 } });
  assertEquals([...one.encoderWeights.keys()], [...image.tensors.keys()]);

  const pair = withEncoders(recipe, { image, video });
  assertEquals([pair.recipe.model.videoWidth, pair.recipe.standardizeFeatures], [8, false]);
  assertEquals(pair.encoderWeights.size, image.tensors.size + video.tensors.size);

  const full = { ...own("full", ["A"]), standardizeFeatures: true }; // as its flag says
  assertEquals(withEncoders(full, { image, video }).recipe.standardizeFeatures, true);
  assertEquals(withEncoders(recipe, {}), { recipe, encoderWeights: new Map() });
  assertThrows(() => withEncoders(recipe, { video: image }), Error, "it has an image encoder");
});

Deno.test("withEncoders() makes the image encoder give torch's features from either of PyTorch's formats", async () => {
  const gpu = await testGpu();
  const npz = await readNpz(fixture("data/encoder_weights/resnet18.npz"));
  const { data, shape } = npz.array("images", ["float32"]);
  const images = ndarray(data, shape);
  for (const format of ["zip", "legacy"] as const) {
    const name = fixture(`data/encoder_weights/resnet18_${format}.pth`);
    const image = { name, ...await loadWeightsFile(name) };
    assertEquals(image.format, format);
    const { recipe, encoderWeights } = withEncoders(own("small", ["A"]), { image });
    const specs = imageEncoderSpecs({ width: recipe.model.imageWidth });
    const group = new ParameterGroup(gpu, "encoder2d", specs, false);
    group.write(encoderWeights);
    for (const statistics of ["running", "batch"] as const) {
      const encoded = await encodeImages(gpu, group, [images], { statistics });
      const { features } = await channelsFirst(gpu, encoded);
      const wanted = npz.array(statistics, ["float32"]);
      const { channels, height, width } = encoded;
      assertEquals(wanted.shape, [channels, shape[0], height, width]);
      const largest = wanted.data.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
      assertClose(features, wanted.data, 1e-4 * largest, `${format}, ${statistics}`);
    }
    group.destroy();
  }
});
