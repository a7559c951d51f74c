import { assert, assertEquals, assertInstanceOf, assertThrows } from "@std/assert";
import { join } from "@std/path";
import { decodeColmapModel } from "../../../../src/data/given/colmap/binary.ts";
import { parseColmapModel } from "../../../../src/data/given/colmap/text.ts";
import { DataError } from "../../../../src/data/files.ts";
import { assertClose } from "../../../support/close.ts";
import { mutated, seeded } from "../../../support/mutations.ts";
import { goldenColmap, modelFiles } from "./support.ts";

const { files, paths } = await modelFiles(join(goldenColmap(), "text"), "txt");
const decode = (bytes: Uint8Array) => new TextDecoder().decode(bytes);
const texts = {
  cameras: decode(files.cameras),
  images: decode(files.images),
  points: decode(files.points),
};

Deno.test("parseColmapModel() reads of the golden text what decodeColmapModel() reads of the golden bytes", async () => {
  const binary = await modelFiles(join(goldenColmap(), "sparse/0"), "bin");
  const expected = decodeColmapModel(binary.files, binary.paths);
  const model = parseColmapModel(texts, paths);
  assertEquals(model.cameras, expected.cameras);
  assertEquals(model.points, expected.points);
  assertEquals(model.images.length, 4);
  model.images.forEach((image, i) => {
    const { rotation, translation, ...rest } = expected.images[i];
    assertEquals({ ...rest, rotation, translation }, { ...image, rotation, translation });
    assertClose(image.rotation, rotation, 1e-14, image.name);
    assertClose(image.translation, translation, 1e-14, image.name);
  });
});

Deno.test("parseColmapModel() takes images without keypoints and names with spaces", () => {
  const images = "7 1 0 0 0 0 0 0 3 my frame 1.png\n\n8 1 0 0 0 0 0 0 3 b.png\n1 2 -1\n";
  const model = parseColmapModel({ ...texts, images }, paths);
  assertEquals(model.images.map(({ name }) => name), ["my frame 1.png", "b.png"]);
  assertEquals(model.images.map(({ pointIds }) => pointIds.length), [0, 1]);
});

Deno.test("parseColmapModel() names the line that is wrong", () => {
  const fails = (changed: Partial<typeof texts>, message: string) =>
    assertThrows(() => parseColmapModel({ ...texts, ...changed }, paths), DataError, message);
  const image = "7 1 0 0 0 0 0 0 3 a.png";
  fails({ cameras: "# x\n\n3 PINHOLE 64 48\n" }, "line 3: it has 4 words, wanted 5 or more");
  fails(
    { cameras: "3 LENS 64 48 1 2 3" },
    'line 1: the camera model is "LENS", wanted one of SIMPL',
  );
  fails({ cameras: "3 PINHOLE 64 48 1 2 3" }, "has 3 parameters, wanted 4 (fx, fy, cx, cy)");
  fails({ cameras: "3 PINHOLE 64 x 1 2 3 4" }, '"x" is no whole number from 0 up');
  fails(
    { images: `${image}\n1 2 3 4\n` },
    "line 2: it has 4 words, wanted X Y POINT3D_ID, repeated",
  );
  fails({ images: `${image}\n1 2 18446744073709551615\n` }, "is no point's number");
  fails(
    { images: `${image}\n8 1 0 0 0 0 0 0 3 b.png\n` },
    "line 2: it is an image's line where the keypoints of the image before it should be; " +
      "put an empty line after each image that has none",
  );
  fails({ images: `${image}\n1 nan -1\n` }, 'line 2: "nan" is no number');
  fails({ images: `${image}\n\n${image}\n\n` }, 'image "a.png" (id 7) stands there twice');
  fails({ images: "7 0 0 0 0 0 0 0 3 a.png\n\n" }, "line 1: (0, 0, 0, 0) is no rotation");
  fails({ points: "1 0 0 0 1 1 1 0.5 7" }, "its track is not IMAGE_ID POINT2D_IDX, repeated");
  fails({ points: "1 0 0 0 1 1 1 1\n1 0 0 0 1 1 1 1" }, "line 2: point 1 stands there twice");
});

Deno.test("parseColmapModel() of damaged texts is a model or a DataError", () => {
  const random = seeded(12);
  const parts = ["cameras", "images", "points"] as const;
  const outcomes = { models: 0, errors: 0 };
  for (let i = 0; i < 600; i++) {
    const part = parts[i % 3], other = parts[Math.floor(random() * 3)];
    const damaged = decode(mutated(files[part], files[other], random));
    try {
      parseColmapModel({ ...texts, [part]: damaged }, paths);
      outcomes.models++;
    } catch (error) {
      assertInstanceOf(error, DataError, `mutation ${i} of ${part}: ${error}`);
      assert(/Cannot (read|use) "/.test(String(error)), String(error));
      outcomes.errors++;
    }
  }
  assert(outcomes.models > 50 && outcomes.errors > 100, JSON.stringify(outcomes));
});
