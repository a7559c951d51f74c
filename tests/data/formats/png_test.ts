import { assertEquals, assertThrows } from "@std/assert";
// @ts-types="npm:@types/ndarray@1.0.14"
import ndarray from "npm:ndarray@1.1.1";
import { DataError } from "../../../src/data/files.ts";
import { decodePng, decodePngSamples, encodePng } from "../../../src/data/formats/png.ts";
import { fixture } from "../temporary_folder.ts";

Deno.test("decodePng() gives RGB of RGB, gray, palette and RGBA files", async () => {
  const expected: Record<string, number[]> = JSON.parse(
    await Deno.readTextFile(fixture("data/png.json")),
  );
  for (const [name, rgb] of Object.entries(expected)) {
    const image = decodePng(await Deno.readFile(fixture(`data/png_${name}.png`)), name);
    assertEquals(image.shape, [3, 5, 3]);
    assertEquals([...image.data], rgb, name);
  }
});

Deno.test("encodePng() keeps every RGB and gray value", () => {
  const rgb = ndarray(Uint8Array.from({ length: 7 * 5 * 3 }, (_, i) => i * 37), [7, 5, 3]);
  assertEquals(decodePng(encodePng(rgb), "rgb").data, rgb.data);
  const gray = ndarray(Uint8Array.from({ length: 35 }, (_, i) => i * 7), [7, 5]);
  const read = decodePng(encodePng(gray), "gray").data;
  assertEquals(read.filter((_, i) => i % 3 === 1), gray.data);
});

Deno.test("encodePng() keeps every value of 16 bits, wherever the array begins in its memory", () => {
  const memory = Uint16Array.from({ length: 9 + 63 }, (_, i) => i * 911);
  for (const shape of [[7, 9], [7, 3, 3]]) {
    const image = ndarray(memory.subarray(9), shape);
    const { samples, bits } = decodePngSamples(encodePng(image), "deep");
    assertEquals(bits, 16);
    assertEquals(samples.shape, [7, shape[1], 3]);
    const found = shape.length === 2 ? samples.data.filter((_, i) => i % 3 === 1) : samples.data;
    assertEquals(found, image.data);
  }
});

Deno.test("decodePngSamples() reads 8 bits as they are, and 16 bits of another encoder", async () => {
  const gray = ndarray(Uint8Array.from({ length: 35 }, (_, i) => i * 7), [7, 5]);
  const { samples, bits } = decodePngSamples(encodePng(gray), "gray");
  assertEquals(bits, 8);
  assertEquals([...samples.data.filter((_, i) => i % 3 === 1)], [...gray.data]);
  const deep = decodePngSamples(await Deno.readFile(fixture("data/png_16bit.png")), "deep");
  assertEquals(deep.bits, 16);
});

Deno.test("decodePng() refuses 16 bits, cut and damaged files and sizes that cannot be", async () => {
  const fails = (bytes: Uint8Array, message: string) =>
    assertThrows(() => decodePng(bytes, "a.png"), DataError, `Cannot read "a.png": ${message}`);
  fails(await Deno.readFile(fixture("data/png_16bit.png")), "16 bits a channel, wanted 8");
  const bytes = await Deno.readFile(fixture("data/jpeg_420.png"));
  fails(bytes.subarray(0, 20), "it does not start like a PNG");
  fails(bytes.subarray(0, 1000), "the file is damaged or cut short");
  const damaged = bytes.slice();
  damaged[500] ^= 0xff;
  fails(damaged, "the file is damaged or cut short");
  const huge = bytes.slice();
  huge[16] = huge[20] = 0x7f;
  fails(huge, "a size of 2130706469 x 2130706455 cannot be true");
});
