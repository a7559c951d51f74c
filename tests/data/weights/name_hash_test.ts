import { assertEquals, assertThrows } from "@std/assert";
import { DataError } from "../../../src/data/data_error.ts";
import { hashInName, requireHashInName } from "../../../src/data/weights/name_hash.ts";

Deno.test("hashInName() reads what PyTorch's names carry, and takes no date for it", () => {
  const cases: [string, string | undefined][] = [
    ["checkpoints/resnet18-f37072fd.pth", "f37072fd"],
    ["slowonly_kinetics400_rgb_20200912-3f9ce182.pth", "3f9ce182"],
    ["model-0123456789abcdef.pt", "0123456789abcdef"],
    ["run-20240131.pth", undefined],
    ["resnet18.pth", undefined],
    ["resnet18-f37072fd.safetensors", undefined], // not PyTorch's bytes
    ["a-f37072fd/b.pth", undefined],
    ["model-final.pth", undefined],
  ];
  for (const [path, digits] of cases) assertEquals(hashInName(path), digits, path);
});

Deno.test("requireHashInName() refuses a file that is not what its name says", () => {
  requireHashInName("a/resnet18-f37072fd.pth", "f37072fd00");
  requireHashInName("resnet18.pth", "00");
  assertThrows(
    () => requireHashInName("a/resnet18-f37072fd.pth", "0123456789"),
    DataError,
    'Cannot use "a/resnet18-f37072fd.pth": its SHA-256 begins with 01234567, its name says f37072fd; it is damaged',
  );
});
