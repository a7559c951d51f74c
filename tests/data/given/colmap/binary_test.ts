import { assert, assertEquals, assertInstanceOf, assertThrows } from "@std/assert";
import { join } from "@std/path";
import { decodeColmapModel } from "../../../../src/data/given/colmap/binary.ts";
import { NO_POINT } from "../../../../src/data/given/colmap/model.ts";
import { DataError } from "../../../../src/data/files.ts";
import { mutated, seeded } from "../../../support/mutations.ts";
import { counts, goldenColmap, modelFiles } from "./support.ts";

const { files, paths } = await modelFiles(join(goldenColmap(), "sparse/0"), "bin");

Deno.test("decodeColmapModel() reads the golden model: its numbers, its 64-bit ids, its keypoints without a point", () => {
  const model = decodeColmapModel(files, paths);
  assertEquals(counts(model), { cameras: 1, images: 4, points: 28 });
  const [camera] = model.cameras;
  assertEquals(camera, {
    id: 3,
    model: "SIMPLE_RADIAL",
    width: 64,
    height: 48,
    parameters: Float64Array.of(60, 32, 24, 0.01),
  });
  assertEquals(model.images.map(({ name }) => name), ["002.jpg", "000.jpg", "003.jpg", "001.jpg"]);
  assertEquals(model.images.map(({ id }) => id), [2, 12, 5, 7]);
  const observations = model.images.map(({ pointIds }) =>
    pointIds.filter((point) => point !== NO_POINT).length
  );
  assertEquals(observations, [24, 26, 19, 22]);
  assert(model.points.has(4294967301n));
  for (const { keypoints, pointIds, cameraId } of model.images) {
    assertEquals(keypoints.length, 2 * pointIds.length);
    assertEquals(cameraId, 3);
  }
});

/** A copy with bytes put over it. */
function edited(
  bytes: Uint8Array<ArrayBuffer>,
  at: number,
  ...patch: number[]
): Uint8Array<ArrayBuffer> {
  const copy = bytes.slice();
  copy.set(patch, at);
  return copy;
}

Deno.test("decodeColmapModel() says what is wrong with a file, takes no memory for counts that lie", () => {
  const fails = (changed: Partial<typeof files>, message: string) =>
    assertThrows(() => decodeColmapModel({ ...files, ...changed }, paths), DataError, message);
  const many = [0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f];
  fails(
    { cameras: edited(files.cameras, 0, ...many) },
    "9223372036854775807 cameras need 48 bytes",
  );
  fails({ images: edited(files.images, 0, ...many) }, "9223372036854775807 images need 73 bytes");
  fails({ points: edited(files.points, 0, ...many) }, "9223372036854775807 points need 51 bytes");
  const keypointCount = 8 + 4 + 7 * 8 + 4 + "002.jpg".length + 1;
  fails(
    { images: edited(files.images, keypointCount, ...many) },
    '9223372036854775807 keypoints of image "002.jpg" need 24 bytes each or more',
  );
  fails({ cameras: edited(files.cameras, 12, 11) }, "camera 3 has model 11, wanted 0 to 10");
  fails({ cameras: edited(files.cameras, 12, 255, 255, 255, 255) }, "camera 3 has model -1");
  fails({ cameras: edited(files.cameras, 12, 3) }, "it ends at byte 64, in the middle of an entry");
  fails({ cameras: edited(files.cameras, 12, 0) }, "8 bytes follow the last camera");
  fails({ cameras: edited(files.cameras, 16, 0) }, "camera 3 is for images of 0 x 48 pixels");
  fails({ cameras: edited(files.cameras, 8, 4) }, 'image "002.jpg" has camera 3, which');
  fails({ images: edited(files.images, 12, ...Array(32).fill(0)) }, "has (0, 0, 0, 0) as its rot");
  fails({ points: Uint8Array.of(...files.points, 1) }, "1 bytes follow the last point");
  const focal = edited(files.cameras, 32, ...Array(8).fill(0));
  fails({ cameras: focal }, "SIMPLE_RADIAL 0 32 24 0.01, wanted finite numbers and a focal > 0");
});

Deno.test("decodeColmapModel() leaves out keypoints of points that the model lacks", () => {
  const { images } = decodeColmapModel({ ...files, points: new Uint8Array(8) }, paths);
  assert(images.every(({ pointIds }) => pointIds.every((point) => point === NO_POINT)));
  assertEquals(images.length, 4);
});

Deno.test("decodeColmapModel() of damaged files is a model whose numbers fit, or a DataError", () => {
  const random = seeded(11);
  const parts = ["cameras", "images", "points"] as const;
  const outcomes = { models: 0, errors: 0 };
  for (let i = 0; i < 900; i++) {
    const part = parts[i % 3], other = parts[Math.floor(random() * 3)];
    const damaged = mutated(files[part], files[other], random);
    try {
      const model = decodeColmapModel({ ...files, [part]: damaged }, paths);
      for (const { keypoints, pointIds } of model.images) {
        assertEquals(keypoints.length, 2 * pointIds.length);
        assert(pointIds.every((point) => point === NO_POINT || model.points.has(point)));
      }
      outcomes.models++;
    } catch (error) {
      assertInstanceOf(error, DataError, `mutation ${i} of ${part}: ${error}`);
      assert(/Cannot (read|use) "/.test(String(error)), String(error));
      outcomes.errors++;
    }
  }
  assert(outcomes.models > 50 && outcomes.errors > 300, JSON.stringify(outcomes));
});
