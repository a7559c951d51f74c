import { assertEquals } from "@std/assert";
// @ts-types="npm:@types/ndarray@1.0.14"
import ndarray from "npm:ndarray@1.1.1";
import { encoderInput } from "../../../src/data/scene/encoder_input.ts";
import { expectClose, loadCase } from "../../support/goldens.ts";

Deno.test("encoderInput() resizes and normalises as the official pipeline (golden scene_io)", async () => {
  const golden = await loadCase("scene_io");
  const official = golden.output("images_2_official");
  const images = ndarray(Uint8Array.from(official.data), official.shape);
  const standard = encoderInput(images);
  assertEquals(standard.shape, [4, 480, 270, 3]);
  expectClose(golden, {
    encoder_small: encoderInput(images, { width: 18, height: 32 }),
    encoder_270x480: standard,
  }, 1);
});
