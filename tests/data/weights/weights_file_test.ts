import { assertEquals, assertRejects, assertThrows } from "@std/assert";
import { join } from "@std/path";
import { DataError } from "../../../src/data/files.ts";
import { decodePth, encodePth } from "../../../src/data/weights/pth.ts";
import { encodeSafetensors } from "../../../src/data/formats/safetensors.ts";
import { sha256 } from "../../../src/data/sha256.ts";
import { decodeWeights, loadWeightsFile } from "../../../src/data/weights/weights_file.ts";
import { bytesOf } from "../../support/pickles.ts";
import { fixture, temporaryFolder } from "../temporary_folder.ts";

const golden = (file: string) => fixture(`goldens/pth/${file}`);

Deno.test("loadWeightsFile() tells formats apart by content, not by name", async () => {
  await using folder = await temporaryFolder();
  const zip = await Deno.readFile(golden("state_zip.pth"));
  const { tensors } = decodePth(zip, "state_zip.pth");
  const files = {
    "zip.safetensors": zip,
    "legacy.zip": await Deno.readFile(golden("state_legacy.pth")),
    "safetensors.pth": encodeSafetensors(tensors, { stage: "done" }),
  };
  for (const [name, bytes] of Object.entries(files)) {
    const path = join(folder.path, name);
    await Deno.writeFile(path, bytes);
    const file = await loadWeightsFile(path);
    assertEquals(file.format, name.split(".")[0]);
    assertEquals(file.tensors, tensors);
    assertEquals([...file.values], name.startsWith("safetensors") ? [["stage", "done"]] : []);
    assertEquals(file.sha256, await sha256(bytes));
  }
});

Deno.test("loadWeightsFile() gives the file's SHA-256", async () => {
  assertEquals(
    await sha256(bytesOf("abc")),
    "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad",
  );
  await assertRejects(
    () => loadWeightsFile(golden("none.pth")),
    DataError,
    "there is no such file",
  );
});

Deno.test("decodeWeights() says what else a file is", () => {
  const fails = (bytes: Uint8Array, message: string) =>
    assertThrows(() => decodeWeights(bytes, "x.pth"), DataError, message);
  fails(bytesOf("<!DOCTYPE html><html>"), 'found 21 bytes that begin with "<!DOCTYPE html><"');
  fails(bytesOf(), "it is neither a PyTorch nor a safetensors file, found 0 bytes");
  fails(bytesOf(new Uint8Array(257), "ustar", new Uint8Array(300)), "found a tar archive");
  // A header of 128 bytes begins like a pickle.
  const header = '{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}'.padEnd(128);
  const tensors =
    decodeWeights(bytesOf(0x80, new Uint8Array(7), header, "\0\0\x80\x3f"), "x").tensors;
  assertEquals([...tensors.get("a")!.data], [1]);
  assertEquals(
    decodeWeights(encodePth(tensors as Parameters<typeof encodePth>[0]), "x").format,
    "zip",
  );
});
