import { assertEquals } from "@std/assert";
import { convLayerSpecs } from "../../src/nets/encoder.ts";

Deno.test("convLayerSpecs() starts convolutions as Kaiming's fan_out and batch norms as the identity", () => {
  const specs = convLayerSpecs({ conv: "a.conv", norm: "a.bn" }, [32, 5, 3, 1, 1]);
  assertEquals(specs, [
    {
      name: "a.conv.weight",
      shape: [32, 5, 3, 1, 1],
      initial: { kind: "normal", deviation: Math.sqrt(2 / 96) },
    },
    { name: "a.bn.weight", shape: [32], initial: { kind: "constant", value: 1 } },
    { name: "a.bn.bias", shape: [32], initial: { kind: "constant", value: 0 } },
    { name: "a.bn.running_mean", shape: [32], initial: { kind: "constant", value: 0 } },
    { name: "a.bn.running_var", shape: [32], initial: { kind: "constant", value: 1 } },
  ]);
});
