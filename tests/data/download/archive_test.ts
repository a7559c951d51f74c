import { assert, assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { join } from "@std/path";
import { ArchiveError, SceneArchive } from "../../../src/data/download/archive.ts";
import { DataError } from "../../../src/data/files.ts";
import { fullDisk } from "../../support/full_disk.ts";
import { mutated, seeded } from "../../support/mutations.ts";
import { writeZip, type ZipEntry } from "../../support/zip_writer.ts";
import { names, temporaryFolder } from "../temporary_folder.ts";

const text = (value: string) => new TextEncoder().encode(value);
const poses = (scene: string): ZipEntry => ({
  name: `${scene}/poses_bounds.npy`,
  data: text(scene),
});

/** As the official archive has it: below one folder, with what macOS adds. */
const GOOD: ZipEntry[] = [
  { name: "data/", mode: 0o040755 },
  { name: "data/Balloon1/", mode: 0o040755 },
  poses("data/Balloon1"),
  { name: "data/Balloon1/images/000.png", data: new Uint8Array(300_000).fill(7), method: 0 },
  { name: "data/Balloon1/flow/000_fwd.npz", data: text("flow ".repeat(1000)) },
  { name: "data/Balloon1/.DS_Store", data: text("hidden") },
  { name: "__MACOSX/data/Balloon1/._poses_bounds.npy", data: text("hidden") },
  poses("data/Umbrella"),
  { name: "data/README.txt", data: text("no scene's") },
];

/** Opens an archive of entries, unpacks a scene, and tells what lies on the disk then. */
async function unpack(
  archive: Uint8Array,
  scene: string,
  options: Parameters<SceneArchive["unpack"]>[2] = {},
) {
  const folder = await temporaryFolder();
  const path = join(folder.path, "archive.zip"), data = join(folder.path, "data");
  await Deno.writeFile(path, archive);
  await Deno.mkdir(data);
  const work = async () => {
    using archive = await SceneArchive.open(path);
    await archive.unpack(scene, join(data, scene), options);
  };
  const error = await work().then(() => new Error("it went well"), (error: Error) => error);
  return {
    error,
    data,
    outside: await names(folder.path),
    inside: await names(data),
    [Symbol.asyncDispose]: () => folder[Symbol.asyncDispose](),
  };
}

Deno.test("SceneArchive unpacks the scenes asked for and nothing else, also from zip64", async () => {
  for (const zip64 of [false, true]) {
    await using folder = await temporaryFolder();
    const path = join(folder.path, "archive.zip");
    await Deno.writeFile(path, writeZip(GOOD, { zip64 }));
    using archive = await SceneArchive.open(path);
    assertEquals(archive.scenes, [
      { name: "Balloon1", files: 3, bytes: 305_000 + "data/Balloon1".length },
      { name: "Umbrella", files: 1, bytes: "data/Umbrella".length },
    ]);
    const target = join(folder.path, "Balloon1");
    let unpacked = 0;
    await archive.unpack("Balloon1", target, { onProgress: (bytes) => unpacked = bytes });
    assertEquals(unpacked, archive.scenes[0].bytes);
    assertEquals(await names(folder.path), ["Balloon1", "archive.zip"]);
    assertEquals(await names(target), ["flow", "images", "poses_bounds.npy"]);
    assertEquals(await Deno.readFile(join(target, "images/000.png")), GOOD[3].data);
    assertEquals(await Deno.readFile(join(target, "flow/000_fwd.npz")), GOOD[4].data);
    await assertRejects(() => archive.unpack("Truck", target), ArchiveError, "has no such scene");
  }
});

Deno.test("SceneArchive replaces an older folder whole", async () => {
  await using folder = await temporaryFolder();
  const path = join(folder.path, "archive.zip"), target = join(folder.path, "Balloon1");
  await Deno.writeFile(path, writeZip(GOOD));
  await Deno.mkdir(target);
  await Deno.writeTextFile(join(target, "old"), "");
  using archive = await SceneArchive.open(path);
  await archive.unpack("Balloon1", target);
  assertEquals(await names(target), ["flow", "images", "poses_bounds.npy"]);
  assertEquals(await names(folder.path), ["Balloon1", "archive.zip"]);
});

const BOMB = new Uint8Array(20_000_000);
const overlapping = Array.from(
  { length: 50 },
  (_, i): ZipEntry => ({ name: `s/${i}`, data: GOOD[3].data, sameAs: 0 }),
);

for (
  const [what, entries, message] of [
    ["a path through ..", [{ name: "s/../../evil" }], "invalid relative path"],
    ["a .. at the end", [{ name: "s/.." }], "invalid relative path"],
    ["an absolute path", [{ name: "/tmp/evil" }], "absolute path"],
    ["a drive", [{ name: "C:/evil" }], "absolute path"],
    [
      "a backslash",
      [{ name: "s\\..\\evil" }],
      "its names have backslashes, as PowerShell's Compress-Archive writes them",
    ],
    ["a name with nothing in it", [{ name: "s//evil" }], "no plain path"],
    ["a colon", [{ name: "s/evil:stream" }], "no plain path"],
    ["a zero byte", [{ name: "s/evil\0.png" }], "no plain path"],
    [
      "a symbolic link",
      [{ name: "s/evil", data: text("/etc"), mode: 0o120777 }],
      "a link or a device",
    ],
    ["a device", [{ name: "s/evil", mode: 0o020666 }], "a link or a device"],
    ["a name twice", [{ name: "s/a" }, { name: "s/a" }], '"s/a" twice'],
    ["a name twice where case does not count", [{ name: "s/a" }, { name: "s/A" }], '"s/A" twice'],
    ["a file that is a folder too", [{ name: "s/a" }, { name: "s/a/" }], '"s/a/" twice'],
    ["two scenes of one name", [poses("other/s")], 'two scenes "s"'],
    ["encryption", [{ name: "s/a", data: text("a"), flags: 1 }], "is encrypted"],
    ["another compression", [{ name: "s/a", data: text("a"), method: 14 }], "other than deflate"],
    [
      "a bomb",
      [{ name: "s/a", data: BOMB }],
      "claims 20.0 MB from 19.4 kB, which is a bomb or a lie",
    ],
    [
      "a size that cannot be",
      [{ name: "s/a", data: text("a"), claims: { bytes: 1e9 } }],
      "a bomb or a lie",
    ],
    ["entries that share bytes", [{ name: "s/x", data: GOOD[3].data }, ...overlapping], "overlaps"],
    [
      "a bomb that claims to be small",
      [{ name: "s/a", data: BOMB, claims: { bytes: 9 } }],
      "too many bytes",
    ],
    [
      "a file shorter than it claims",
      [{ name: "s/a", data: text("a"), claims: { bytes: 9 } }],
      "not enough bytes",
    ],
    [
      "a wrong checksum",
      [{ name: "s/a", data: text("a"), claims: { crc: 1 } }],
      "checksum does not match",
    ],
  ] as [string, ZipEntry[], string][]
) {
  Deno.test(`SceneArchive refuses ${what}, with nothing on the disk`, async () => {
    await using result = await unpack(writeZip([...entries, poses("s")]), "s");
    assert(result.error instanceof ArchiveError, `${result.error}`);
    assertStringIncludes(result.error.message, message);
    assertStringIncludes(result.error.message, "Cannot unpack");
    assertEquals([result.inside, result.outside], [[], ["archive.zip", "data"]]);
  });
}

Deno.test("SceneArchive refuses what is no archive, is cut short, or has no scene", async () => {
  const good = writeZip(GOOD);
  for (
    const [bytes, message] of [
      [text("<html>"), "it is no zip archive or is cut short"],
      [new Uint8Array(), "it is no zip archive or is cut short"],
      [good.subarray(0, good.length * 0.9), "it is no zip archive or is cut short"],
      [writeZip([{ name: "README" }]), "it has no folder with a poses_bounds.npy"],
    ] as const
  ) {
    await using result = await unpack(bytes, "Balloon1");
    assert(result.error instanceof ArchiveError, `${result.error}`);
    assertStringIncludes(result.error.message, message);
  }
});

Deno.test("SceneArchive names an archive that is not there", async () => {
  await assertRejects(() => SceneArchive.open("no.zip"), DataError, 'Cannot read "no.zip": ');
});

Deno.test("SceneArchive keeps to the limits it is given", async () => {
  await using folder = await temporaryFolder();
  const path = join(folder.path, "archive.zip");
  await Deno.writeFile(path, writeZip(GOOD));
  await assertRejects(
    () => SceneArchive.open(path, { entries: 8 }),
    ArchiveError,
    "it has 9 entries",
  );
  await assertRejects(
    () => SceneArchive.open(path, { bytes: 1e5 }),
    ArchiveError,
    "unpacks to 305 kB",
  );
});

Deno.test("SceneArchive leaves nothing of a scene on a full disk, or when told to end", async () => {
  {
    using _disk = fullDisk(200_000);
    const archive = writeZip(GOOD);
    await using result = await unpack(archive, "Balloon1");
    assert(result.error instanceof DataError && !(result.error instanceof ArchiveError));
    assertStringIncludes(result.error.message, "the disk is full; free some space");
    assertEquals(result.inside, []);
  }
  const controller = new AbortController();
  const onProgress = () => controller.abort(new DOMException("interrupted", "AbortError"));
  await using result = await unpack(writeZip(GOOD), "Balloon1", {
    signal: controller.signal,
    onProgress,
  });
  assertEquals(result.error, controller.signal.reason);
  assertEquals(result.inside, []);
});

Deno.test("SceneArchive refuses 300 damaged archives by name, or unpacks what their checksums vouch for", async () => {
  await using folder = await temporaryFolder();
  const path = join(folder.path, "archive.zip"), data = join(folder.path, "data");
  const small = [poses("s"), { name: "s/a", data: text("a b ".repeat(30)) }, {
    name: "s/b/c",
    data: text("c"),
    method: 0,
  }];
  const archives = [false, true].map((zip64) => writeZip(small, { zip64 }));
  const random = seeded(5);
  let refused = 0;
  for (let i = 0; i < 300; i++) {
    await Deno.mkdir(data);
    await Deno.writeFile(path, mutated(archives[i % 2], archives[(i + 1) % 2], random));
    try {
      using archive = await SceneArchive.open(path);
      for (const { name } of archive.scenes) await archive.unpack(name, join(data, name));
    } catch (error) {
      assert(error instanceof DataError, `${error}`);
      assertEquals(await names(data), []);
      refused++;
    }
    await Deno.remove(data, { recursive: true });
  }
  assert(refused > 200 && refused < 300, `${refused} refused`);
});

Deno.test("SceneArchive refuses a directory that points beyond 2^53", async () => {
  const archive = writeZip(GOOD, { zip64: true });
  // the locator of the zip64 end record: its offset stands 34 bytes before the end
  new DataView(archive.buffer).setBigUint64(archive.length - 34, 2n ** 60n, true);
  await using result = await unpack(archive, "Balloon1");
  assertStringIncludes(result.error.message, "it points to what is not there");
});
