import { assertEquals, assertThrows } from "@std/assert";
import { DataError } from "../../../src/data/data_error.ts";
import { encoderWeights, encoderWidth } from "../../../src/data/weights/encoder_weights.ts";
import type { SafetensorsTensor } from "../../../src/data/formats/safetensors.ts";
import { imageEncoderSpecs } from "../../../src/nets/image_encoder.ts";
import type { ParameterSpec } from "../../../src/nets/parameters.ts";
import { videoEncoderSpecs } from "../../../src/nets/video_encoder.ts";

type Tensors = Map<string, SafetensorsTensor>;

function tensor(shape: readonly number[], first = 0): SafetensorsTensor {
  const size = shape.reduce((product, length) => product * length, 1);
  return {
    dtype: "F32",
    shape: [...shape],
    data: Float32Array.from({ length: size }, (_, i) => first + i),
  };
}

/** A file with these parameters under other names. */
function fileOf(specs: readonly ParameterSpec[], rename: (name: string) => string): Tensors {
  return new Map(specs.map(({ name, shape }, i) => [rename(name), tensor(shape, i)]));
}

const imageSpecs = imageEncoderSpecs({ width: 2 }), videoSpecs = videoEncoderSpecs({ width: 4 });
const video = "encoder.model.backbone.", image = "encoder2d.features.";

Deno.test("encoderWeights() takes the video encoder from MMAction2's names and from checkpoints", () => {
  for (
    const prefix of ["state_dict/backbone.", "backbone.", video, `network_fn_d_state_dict/${video}`]
  ) {
    const tensors = fileOf(videoSpecs, (name) => name.replace(video, prefix));
    const head = prefix.replace(/backbone\.$/, "cls_head.fc_cls.weight");
    tensors.set(head, tensor([400, 128]));
    tensors.set(`${prefix}conv1.bn.num_batches_tracked`, tensor([]));
    tensors.set("optimizer/state/0/exp_avg", tensor([4]));
    const file = { name: "x.pth", tensors };
    assertEquals(encoderWidth("video", file), 4);
    const found = encoderWeights("video", file, videoSpecs);
    assertEquals([...found.keys()], videoSpecs.map(({ name }) => name));
    const last = videoSpecs.at(-1)!;
    assertEquals(found.get(last.name)![1], videoSpecs.length, prefix);
  }
});

Deno.test("encoderWeights() takes the image encoder from torchvision's names and from checkpoints", () => {
  for (const prefix of ["", "features.", image, `network_fn_d_state_dict/${image}`]) {
    const tensors = fileOf(imageSpecs, (name) => name.replace(image, prefix));
    for (const name of ["layer4.0.conv1.weight", "fc.weight", "bn1.num_batches_tracked"]) {
      tensors.set(prefix + name, tensor([2]));
    }
    const file = { name: "x.pth", tensors };
    assertEquals(encoderWidth("image", file), 2);
    assertEquals(encoderWeights("image", file, imageSpecs).size, imageSpecs.length);
  }
});

Deno.test("encoderWeights() gives 2-D kernels one frame and every dtype float32", () => {
  const tensors = fileOf(videoSpecs, (name) => name);
  const first = `${video}conv1.conv.weight`, bias = `${video}conv1.bn.bias`;
  tensors.set(first, tensor([4, 3, 7, 7], 5));
  tensors.set(bias, { dtype: "F16", shape: [4], data: Uint16Array.of(0x3c00, 0xc000, 0, 0x3555) });
  const found = encoderWeights("video", { name: "x", tensors }, videoSpecs);
  assertEquals([...found.get(first)!.slice(0, 2)], [5, 6]);
  assertEquals([...found.get(bias)!], [1, -2, 0, 0.333251953125]);
});

Deno.test("encoderWeights() lists what is missing, unexpected and of another shape", () => {
  const tensors = fileOf(imageSpecs, (name) => name.replace(image, ""));
  for (const part of ["weight", "bias", "running_mean", "running_var"]) {
    tensors.delete(`layer2.0.bn1.${part}`);
    tensors.set(`layer1.2.bn1.${part}`, tensor([2]));
  }
  tensors.set("layer3.0.downsample.0.weight", tensor([8, 4]));
  const read = () => encoderWeights("image", { name: "net.pth", tensors }, imageSpecs);
  const { message } = assertThrows(read, DataError);
  assertEquals(message.split("\n"), [
    `Cannot take the image encoder from "net.pth": it is not torchvision's ResNet-18`,
    "  4 missing: layer2.0.bn1.weight (4), layer2.0.bn1.bias (4), layer2.0.bn1.running_mean (4) and 1 more",
    "  4 unexpected: layer1.2.bn1.weight (2), layer1.2.bn1.bias (2), layer1.2.bn1.running_mean (2) and 1 more",
    "  1 of another shape: layer3.0.downsample.0.weight is (8, 4), wanted (8, 4, 1, 1)",
    "Take the file from https://download.pytorch.org/models/resnet18-f37072fd.pth",
  ]);
});

Deno.test("encoderWeights() refuses numbers that are not finite", () => {
  const tensors = fileOf(imageSpecs, (name) => name);
  const name = `${image}bn1.running_var`;
  tensors.set(name, { dtype: "F32", shape: [2], data: Float32Array.of(1, NaN) });
  assertThrows(
    () => encoderWeights("image", { name: "x", tensors }, imageSpecs),
    DataError,
    `"${name}" holds NaN, wanted numbers`,
  );
});

Deno.test("encoderWidth() says which encoder a file has instead", () => {
  const cases: [Tensors, string][] = [
    [fileOf(imageSpecs, (name) => name), "it has an image encoder; name it by --image-encoder"],
    [new Map([["a", tensor([1])], ["b", tensor([1])]]), "it has a, b; wanted MMAction2's SlowOnly"],
    [new Map(), "it has no tensors; wanted"],
  ];
  for (const [tensors, message] of cases) {
    assertThrows(() => encoderWidth("video", { name: "x", tensors }), DataError, message);
  }
});
