import { assertEquals, assertThrows } from "@std/assert";
// @ts-types="npm:@types/ndarray@1.0.14"
import ndarray from "npm:ndarray@1.1.1";
import { readNpz } from "../../src/data/formats/npz.ts";
import type { SafetensorsTensor } from "../../src/data/formats/safetensors.ts";
import { aliasesOf } from "../../src/data/weights/weight_names.ts";
import { loadWeightsFile } from "../../src/data/weights/weights_file.ts";
import { encodeImages, imageEncoderSpecs } from "../../src/nets/image_encoder.ts";
import {
  createMonoNerf,
  destroyMonoNerf,
  groupsOf,
  readParameters,
} from "../../src/nets/mono_nerf.ts";
import { ParameterGroup, type ParameterSpec } from "../../src/nets/parameters.ts";
import { videoEncoderSpecs } from "../../src/nets/video_encoder.ts";
import { own, type Recipe } from "../../src/recipes/recipe.ts";
import { loadModel } from "../../src/training/load_model.ts";
import { withEncoders, withModel } from "../../src/training/pretrained.ts";
import { Trainer } from "../../src/training/trainer.ts";
import { fixture } from "../data/temporary_folder.ts";
import { assertClose } from "../support/close.ts";
import { channelsFirst } from "../support/encoders.ts";
import { testGpu } from "../support/gpu.ts";
import { randomScene } from "../support/scenes.ts";

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
  const npz = await readNpz(fixture("data/weights/encoder_weights/resnet18.npz"));
  const { data, shape } = npz.array("images", ["float32"]);
  const images = ndarray(data, shape);
  for (const format of ["zip", "legacy"] as const) {
    const name = fixture(`data/weights/encoder_weights/resnet18_${format}.pth`);
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

Deno.test("Trainer.create() starts from encoders that are given, and goes on without them", async () => {
  const gpu = await testGpu();
  const small: Recipe = {
    ...own("small", ["A"]),
    model: { hidden: 8, globalCode: 4, globalHidden: 8, videoWidth: 4, imageWidth: 4 },
    encoderWidth: 12,
    encoderHeight: 16,
    rays: 4,
    samples: 4,
  };
  const image = ones(imageEncoderSpecs({ width: 6 }));
  const { recipe, encoderWeights } = withEncoders(small, { image });
  const scenes = [randomScene("a", 1)];
  const first = await Trainer.create(gpu, recipe, scenes, { parameters: encoderWeights });
  const state = await first.state();
  first.destroy();
  const name = "encoder2d.features.layer3.0.downsample.0.weight";
  assertEquals(state.tensors.get(name), {
    shape: [24, 12, 1, 1],
    data: new Float32Array(288).fill(1),
  });
  assertEquals(state.tensors.get("encoder.model.backbone.conv1.bn.weight")!.data.length, 4);

  const second = await Trainer.create(gpu, recipe, scenes, { state });
  assertEquals((await second.state()).tensors, state.tensors);
  second.destroy();
});

Deno.test("withModel() takes a whole model from a training checkpoint of the authors", async () => {
  const gpu = await testGpu();
  const sizes = { hidden: 8, globalCode: 4, globalHidden: 12, videoWidth: 4, imageWidth: 6 };
  const model = createMonoNerf(gpu, { sizes, seed: 3 });
  const values = await readParameters(model);
  const tensors = new Map<string, SafetensorsTensor>();
  for (const { name, shape } of groupsOf(model).flatMap(({ specs }) => specs)) {
    const tensor: SafetensorsTensor = { dtype: "F32", shape: [...shape], data: values.get(name)! };
    for (const key of [name, ...aliasesOf(name)]) {
      tensors.set(`network_fn_d_state_dict/${key}`, tensor);
    }
  }
  tensors.set("optimizer_state_dict/state/0/exp_avg", tensors.values().next().value!);
  const loaded = loadModel(gpu, withModel(own("full", ["A"]), { tensors }));
  assertEquals(loaded.sizes, sizes);
  assertEquals(await readParameters(loaded), values);
  for (const each of [model, loaded]) destroyMonoNerf(each);
});
