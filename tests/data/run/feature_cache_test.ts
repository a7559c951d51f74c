import { assert, assertEquals, assertMatch, assertRejects } from "@std/assert";
import { join } from "@std/path";
import {
  FeatureFolder,
  type FeatureFolderOptions,
  type FeatureTensor,
} from "../../../src/data/run/feature_cache.ts";
import { decodeSafetensors } from "../../../src/data/formats/safetensors.ts";
import { names, temporaryFolder } from "../temporary_folder.ts";

const tensors = [
  { name: "video.0.0", shape: [2, 3] },
  { name: "video.0.1", shape: [2, 3] },
  { name: "pooled", shape: [1, 1, 4] },
];
const values = [
  Float32Array.of(1, -0, NaN, Infinity, 1e-45, 6),
  Float32Array.of(7, 8, 9, 10, 11, 12),
  Float32Array.of(0.1, 0.2, 0.3, 0.4),
];
const KEY = "0a".repeat(32), OTHER = "0b".repeat(32), THIRD = "0c".repeat(32);
const fileBytes = 512 + 8; // of one set, about: for limits

/** A temporary folder, caches in it, and the notices that they gave. */
async function cacheFolder() {
  const folder = await temporaryFolder();
  const notices: string[] = [];
  const path = join(folder.path, "features");
  return {
    path,
    notices,
    file: (key: string) => join(path, `${key}.safetensors`),
    /** A process of its own. */
    open: (options: FeatureFolderOptions = {}) =>
      new FeatureFolder(path, { onNotice: (line) => notices.push(line), ...options }),
    [Symbol.asyncDispose]: () => folder[Symbol.asyncDispose](),
  };
}

const write = (cache: FeatureFolder, key = KEY) =>
  cache.write(key, tensors, (i) => Promise.resolve(values[i]));

/** What a cache has under a key, as bits; undefined where it misses. */
async function read(
  cache: FeatureFolder,
  key = KEY,
  wanted: readonly FeatureTensor[] = tensors,
): Promise<number[][] | undefined> {
  const found: number[][] = [];
  const whole = await cache.read(key, wanted, (values, i) => {
    found[i] = bits(values);
  });
  return whole ? found : undefined;
}

function bits(values: Float32Array): number[] {
  return [...new Uint32Array(values.slice().buffer)];
}

Deno.test("FeatureFolder gives back the very bits, to another process too, and nothing under another key", async () => {
  await using folder = await cacheFolder();
  assertEquals(await read(folder.open()), undefined);
  await write(folder.open());
  assertEquals(await read(folder.open()), values.map(bits));
  assertEquals(await read(folder.open(), OTHER), undefined);
  assertEquals(await names(folder.path), [`${KEY}.safetensors`]);
  assertEquals(folder.notices, []);
});

Deno.test("FeatureFolder keeps safetensors files", async () => {
  await using folder = await cacheFolder();
  await write(folder.open());
  const file = decodeSafetensors(await Deno.readFile(folder.file(KEY)), KEY);
  assertEquals([...file.tensors.keys()], [...tensors.map(({ name }) => name), "checksums"]);
  assertEquals(file.tensors.get("video.0.1"), { dtype: "F32", shape: [2, 3], data: values[1] });
  assertEquals(file.metadata, { format: "mononerf-features-1", key: KEY });
});

Deno.test("FeatureFolder misses, removes and writes again a file that is damaged anywhere or cut anywhere", async () => {
  await using folder = await cacheFolder();
  await write(folder.open());
  const good = await Deno.readFile(folder.file(KEY));
  const cut = [0, 1, 7, 8, 9, 100, good.length - 40, good.length - 1];
  const damaged = Array.from({ length: 40 }, (_, i) => Math.floor(i * good.length / 40));
  const bad = [
    ...cut.map((length) => good.slice(0, length)),
    ...damaged.map((at) => good.map((byte, i) => i === at ? byte ^ 0x10 : byte)),
    Uint8Array.of(...good, 0),
  ];
  for (const bytes of bad) {
    await Deno.writeFile(folder.file(KEY), bytes);
    assertEquals(await read(folder.open()), undefined);
    assertEquals(await names(folder.path), []);
  }
  await write(folder.open());
  assertEquals(await read(folder.open()), values.map(bits));
});

Deno.test("FeatureFolder misses tensors of other shapes or names, and a file that was renamed", async () => {
  await using folder = await cacheFolder();
  const others = [
    tensors.with(0, { name: "video.0.0", shape: [3, 2] }),
    tensors.with(0, { name: "image.0.0", shape: [2, 3] }),
    tensors.slice(0, 2),
    [...tensors, { name: "more", shape: [1] }],
    [tensors[1], tensors[0], tensors[2]],
  ];
  for (const wanted of others) {
    await write(folder.open());
    assertEquals(await read(folder.open(), KEY, wanted), undefined);
  }
  await write(folder.open());
  await Deno.rename(folder.file(KEY), folder.file(OTHER));
  assertEquals(await read(folder.open(), OTHER), undefined);
});

Deno.test("FeatureFolder at its limit removes what was read longest ago, and never what is in use", async () => {
  await using folder = await cacheFolder();
  const options = { limitBytes: 2 * fileBytes };
  const age = (key: string, minutes: number) => {
    const then = new Date(Date.now() - minutes * 60_000);
    return Deno.utime(folder.file(key), then, then);
  };
  await write(folder.open(options), KEY);
  await write(folder.open(options), OTHER);
  await age(KEY, 30);
  await age(OTHER, 20);
  assert(await read(folder.open(options), KEY)); // now the later of the two
  await write(folder.open(options), THIRD);
  assertEquals(await names(folder.path), [KEY, THIRD].map((key) => `${key}.safetensors`));

  const busy = folder.open({ limitBytes: 1.5 * fileBytes });
  await age(KEY, 30);
  assert(await read(busy, THIRD));
  await age(THIRD, 60);
  await write(busy, OTHER);
  assertEquals(await names(folder.path), [KEY, THIRD].map((key) => `${key}.safetensors`));
  assertMatch(folder.notices.join("\n"), /^Cannot keep \S+ GB of features in ".*": with what is/);
});

Deno.test("FeatureFolder leaves out features that are larger than its limit, and removes nothing for them", async () => {
  await using folder = await cacheFolder();
  await write(folder.open());
  const small = folder.open({ limitBytes: 100 });
  await write(small, OTHER);
  assertEquals(await names(folder.path), [`${KEY}.safetensors`]);
  assertEquals(folder.notices.length, 1);
});

Deno.test("FeatureFolder removes what a killed process left, not what another is writing", async () => {
  await using folder = await cacheFolder();
  await write(folder.open());
  for (const name of ["old", "new"]) {
    await Deno.writeFile(join(folder.path, `${name}.part`), Uint8Array.of(1));
  }
  const then = new Date(Date.now() - 2 * 3_600_000);
  await Deno.utime(join(folder.path, "old.part"), then, then);
  await write(folder.open(), OTHER);
  assertEquals(await names(folder.path), [
    `${KEY}.safetensors`,
    `${OTHER}.safetensors`,
    "new.part",
  ]);
});

Deno.test("FeatureFolder on a full disk leaves nothing, and says so in a line", async () => {
  await using folder = await cacheFolder();
  const open = Deno.open;
  Deno.open = async (...args) => {
    const file = await open(...args), write = file.write.bind(file);
    let room = 400;
    file.write = async (bytes) => {
      // What Deno throws when a tmpfs is full.
      if (room === 0) throw new Error("No space left on device (os error 28)");
      const written = await write(bytes.subarray(0, room));
      room -= written;
      return written;
    };
    return file;
  };
  try {
    await write(folder.open());
  } finally {
    Deno.open = open;
  }
  assertEquals(await names(folder.path), []);
  assertEquals(folder.notices, [
    `Cannot write "${
      folder.file(KEY)
    }": the disk is full; free some space or choose another folder. ` +
    "Without it, the next start encodes these features again.",
  ]);
});

Deno.test("FeatureFolder says that its folder cannot be made, and throws on what is thrown at it", async () => {
  await using folder = await cacheFolder();
  await Deno.writeTextFile(folder.path, "a file");
  await write(folder.open());
  assertMatch(folder.notices.join("\n"), /^Cannot make the folder ".*": /);
  assertEquals(await read(folder.open()), undefined);
  await Deno.remove(folder.path);

  const lost = () => Promise.reject(new Error("the GPU was lost"));
  await assertRejects(() => folder.open().write(KEY, tensors, lost), Error, "the GPU was lost");
  assertEquals(await names(folder.path), []);
});

Deno.test("FeatureFolder: two processes at once write and read the same features", async () => {
  await using folder = await cacheFolder();
  const processes = [folder.open(), folder.open(), folder.open()];
  await Promise.all(processes.map((cache) => write(cache)));
  const found = await Promise.all([
    ...processes.map((cache) => read(cache)),
    write(folder.open()), // in their midst
  ]);
  for (const bitsRead of found.slice(0, 3)) assertEquals(bitsRead, values.map(bits));
  assertEquals(await names(folder.path), [`${KEY}.safetensors`]);
  assertEquals(folder.notices, []);
});
