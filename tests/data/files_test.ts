import { assert, assertEquals, assertRejects } from "@std/assert";
import { join } from "@std/path";
import {
  checkPath,
  DataError,
  listFiles,
  readFile,
  reason,
  removeLeftovers,
  writeFileAtomically,
  writeFolderAtomically,
} from "../../src/data/files.ts";
import { names, temporaryFolder } from "./temporary_folder.ts";

Deno.test("readFile() names a missing file and what to do", async () => {
  await using folder = await temporaryFolder();
  const path = join(folder.path, "003.npy");
  await assertRejects(
    () => readFile(path, "make it with prepare"),
    DataError,
    `Cannot read "${path}": there is no such file; make it with prepare`,
  );
  await assertRejects(() => readFile(folder.path), DataError, "it is a folder, wanted a file");
});

Deno.test("listFiles() sorts, and leaves out folders and hidden files", async () => {
  await using folder = await temporaryFolder();
  for (const name of ["b", "a", ".hidden"]) await Deno.create(join(folder.path, name));
  await Deno.mkdir(join(folder.path, "c"));
  assertEquals(await listFiles(folder.path), ["a", "b"]);
  await assertRejects(() => listFiles(join(folder.path, "d")), DataError, "no such folder");
});

Deno.test("writeFileAtomically() replaces a file and leaves nothing else", async () => {
  await using folder = await temporaryFolder();
  const path = join(folder.path, "checkpoint");
  await writeFileAtomically(path, Uint8Array.of(1, 2));
  await writeFileAtomically(path, Uint8Array.of(3));
  assertEquals([...await Deno.readFile(path)], [3]);
  assertEquals(await names(folder.path), ["checkpoint"]);
});

Deno.test("writeFileAtomically() on a full disk keeps the old file, and says so", async () => {
  await using folder = await temporaryFolder();
  const path = join(folder.path, "checkpoint");
  await writeFileAtomically(path, Uint8Array.of(1));
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
    await assertRejects(
      () => writeFileAtomically(path, new Uint8Array(1000)),
      DataError,
      `Cannot write "${path}" (1000 bytes): the disk is full`,
    );
  } finally {
    Deno.open = open;
  }
  assertEquals([...await Deno.readFile(path)], [1]);
  assertEquals(await names(folder.path), ["checkpoint"]);
});

Deno.test("writeFolderAtomically() puts a whole folder in place, or none", async () => {
  await using folder = await temporaryFolder();
  const path = join(folder.path, "images_2");
  const fill = (name: string) => (temporary: string) =>
    writeFileAtomically(join(temporary, name), Uint8Array.of(1));
  await writeFolderAtomically(path, fill("a"));
  await writeFolderAtomically(path, fill("b"));
  assertEquals(await names(path), ["b"]);
  await assertRejects(
    () =>
      writeFolderAtomically(path, async (temporary) => {
        await fill("c")(temporary);
        await fill("no/such/folder")(temporary);
      }),
    DataError,
  );
  assertEquals(await names(path), ["b"]);
  assertEquals(await names(folder.path), ["images_2"]);
});

Deno.test("reason() says what a task may not open, and checkPath() where paths count from", () => {
  const refused = (message: string) => reason(new Deno.errors.NotCapable(message));
  assertEquals(
    refused('Requires all access to "/dev/shm/a.png", run again with the --allow-all flag'),
    "Deno opens nothing in /dev, /proc and /sys; copy it to another folder (df -h /tmp)",
  );
  assert(
    refused('Requires read access to "/a"').startsWith("this task reads and writes only what"),
  );
  assertEquals(checkPath("/a/b"), "check the path");
  assertEquals(checkPath("b"), "check the path, which counts from the project's folder");
});

Deno.test("removeLeftovers() takes away what killed writers left, in folders too, and nothing that may be under way", async () => {
  await using folder = await temporaryFolder();
  const at = (...names: string[]) => join(folder.path, ...names);
  await Deno.mkdir(at("renders"));
  await Deno.mkdir(at("images_2.00c0ffee.part"));
  const left = [
    "metrics.json.0123abcd.part",
    "renders/a.png.89abcdef.part",
    "images_2.00c0ffee.part",
  ];
  const kept = ["metrics.json", "renders/b.png.01234567.part", "song.part"];
  for (const name of [...left.slice(0, 2), ...kept]) await Deno.writeTextFile(at(name), name);
  const old = new Date(Date.now() - 120_000);
  for (const name of [...left, kept[0], kept[2]]) await Deno.utime(at(name), old, old);
  await removeLeftovers(folder.path);
  assertEquals(await names(folder.path), ["metrics.json", "renders", "song.part"]);
  assertEquals(await names(at("renders")), ["b.png.01234567.part"]);
});
