import { assertEquals, assertThrows } from "@std/assert";
import { DataError } from "../../../src/data/data_error.ts";
import { lpipsParameters, lpipsWeights } from "../../../src/data/weights/lpips_weights.ts";
import { decodePth, encodePth, type PthTensor } from "../../../src/data/weights/pth.ts";

/** Both files with weights of 1/2, and AlexNet's classifier. */
function files() {
  const tensors = (prefix: RegExp) =>
    new Map<string, PthTensor>(
      lpipsParameters.filter(({ name }) => prefix.test(name)).map(({ name, shape }) => {
        const size = shape.reduce((product, length) => product * length, 1);
        return [name, { dtype: "F32", shape: [...shape], data: new Float32Array(size).fill(0.5) }];
      }),
    );
  const network = tensors(/^features/);
  network.set("classifier.6.bias", { dtype: "F32", shape: [1], data: Float32Array.of(1) });
  return {
    network: { name: "alexnet.pth", tensors: network },
    heads: { name: "alex.pth", tensors: tensors(/^lin/) },
  };
}

Deno.test("lpipsWeights() takes the trunk from one file and the heads from the other", () => {
  const { network, heads } = files();
  const saved = decodePth(encodePth(heads.tensors), "alex.pth").tensors;
  const weights = lpipsWeights({ network, heads: { name: "alex.pth", tensors: saved } });
  assertEquals([...weights.keys()], lpipsParameters.map(({ name }) => name));
  assertEquals(weights.get("lin4.model.1.weight"), new Float32Array(256).fill(0.5));
});

Deno.test("lpipsWeights() names the weight that is missing, of another shape, or no weight", () => {
  const { network, heads } = files();
  const refuse = (changed: Partial<ReturnType<typeof files>>, message: string) =>
    assertThrows(() => lpipsWeights({ network, heads, ...changed }), DataError, message);
  refuse(
    { heads: network },
    'Cannot take LPIPS from "alexnet.pth": "lin0.model.1.weight" is missing; ' +
      "wanted the lpips package's heads: https://",
  );
  const bent = new Map(network.tensors);
  bent.set("features.3.bias", { dtype: "F32", shape: [191], data: new Float32Array(191) });
  refuse(
    { network: { name: "vgg.pth", tensors: bent } },
    'from "vgg.pth": "features.3.bias" is (191), wanted (192); wanted torchvision\'s AlexNet',
  );
  const negative = new Map(heads.tensors);
  negative.set("lin0.model.1.weight", {
    dtype: "F32",
    shape: [1, 64, 1, 1],
    data: new Float32Array(64).fill(-0.5),
  });
  refuse({ heads: { name: "x", tensors: negative } }, '"lin0.model.1.weight" holds -0.5');
});
