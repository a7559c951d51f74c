import { assertEquals, assertRejects } from "@std/assert";
import { join } from "@std/path";
import {
  debianMirrors,
  fetchLavapipe,
  findLavapipeDamage,
  LAVAPIPE,
  type LavapipePins,
} from "../../../tasks/driver/lavapipe.ts";
import { sha256Hex } from "../../../tasks/driver/pinned_files.ts";
import { fixture, names, temporaryFolder } from "../../data/temporary_folder.ts";
import { serveFiles } from "../../support/file_server.ts";

const CHAIR = await Deno.readFile(fixture("tasks/driver/libchair1_1.0-1_amd64.deb"));
const LEGS = new TextEncoder().encode("four legs\n");

/** One package instead of lavapipe's thirty; `path` is the file that is kept of it. */
const pins = (path = "./usr/lib/libchair.so.1.0"): LavapipePins => ({
  version: "1.0-1",
  packages: [{
    path: "pool/libchair1_1.0-1_amd64.deb",
    bytes: CHAIR.length,
    sha256: sha256Hex(CHAIR),
    files: [{ path, name: "libchair.so.1", bytes: LEGS.length, sha256: sha256Hex(LEGS) }],
  }],
});

const fetchFrom = (folder: string, { host }: { host: string }, wanted = pins()) =>
  fetchLavapipe(folder, [`http://${host}`], () => {}, wanted);

Deno.test("fetchLavapipe() puts the files under the names that libraries are asked for by, to be run", async () => {
  await using cache = await temporaryFolder();
  await using server = serveFiles(() => ({ body: CHAIR }));
  const folder = join(cache.path, "new", "lavapipe-1");
  await fetchFrom(folder, server);
  assertEquals(await names(folder), ["lavapipe_icd.json", "libchair.so.1"]);
  assertEquals(await Deno.readFile(join(folder, "libchair.so.1")), LEGS);
  const { mode } = await Deno.stat(join(folder, "libchair.so.1"));
  assertEquals(mode! & 0o500, 0o500);
  assertEquals(findLavapipeDamage(folder, pins()), undefined);
  assertEquals(await names(join(cache.path, "new")), ["lavapipe-1"]);
});

Deno.test("fetchLavapipe() leaves nothing behind of a package that was tampered with", async () => {
  await using cache = await temporaryFolder();
  const tampered = CHAIR.with(CHAIR.length - 9, 0);
  await using server = serveFiles(() => ({ body: tampered }));
  const fetching = fetchFrom(join(cache.path, "lavapipe-1"), server);
  await assertRejects(() => fetching, Error, `of SHA-256 "${sha256Hex(tampered)}", wanted`);
  assertEquals(await names(cache.path), []);
});

Deno.test("fetchLavapipe() takes no link for a file, within the package or out of it", async () => {
  await using cache = await temporaryFolder();
  await using server = serveFiles(() => ({ body: CHAIR }));
  for (const link of ["./usr/lib/libchair.so.1", "./usr/lib/libsofa.so.1"]) {
    const fetching = fetchFrom(join(cache.path, "lavapipe-1"), server, pins(link));
    await assertRejects(() => fetching, Error, 'it has another "libchair.so.1", or none');
  }
  assertEquals(await names(cache.path), []);
});

Deno.test("fetchLavapipe() replaces a damaged folder, and leaves a whole one to those that run in it", async () => {
  await using cache = await temporaryFolder();
  await using server = serveFiles(() => ({ body: CHAIR }));
  const folder = join(cache.path, "lavapipe-1");
  await fetchFrom(folder, server);
  for (const damaged of [LEGS.subarray(1), LEGS.with(0, 0)]) {
    await Deno.writeFile(join(folder, "libchair.so.1"), damaged);
    assertEquals(findLavapipeDamage(folder, pins()), "libchair.so.1");
    await fetchFrom(folder, server);
    assertEquals(findLavapipeDamage(folder, pins()), undefined);
  }
  await Deno.writeTextFile(join(folder, "shader"), "compiled");
  await Promise.all(Array.from({ length: 8 }, () => fetchFrom(folder, server)));
  assertEquals(await names(folder), ["lavapipe_icd.json", "libchair.so.1", "shader"]);
  assertEquals(await names(cache.path), ["lavapipe-1"]);
});

Deno.test("fetchLavapipe() by several at once leaves one whole folder", async () => {
  await using cache = await temporaryFolder();
  await using server = serveFiles(() => ({ body: CHAIR }));
  const folder = join(cache.path, "lavapipe-1");
  await Promise.all(Array.from({ length: 8 }, () => fetchFrom(folder, server)));
  assertEquals(findLavapipeDamage(folder, pins()), undefined);
  assertEquals(await names(cache.path), ["lavapipe-1"]);
});

Deno.test("fetchLavapipe() removes what a start that was ended a day ago left, and nothing newer", async () => {
  await using cache = await temporaryFolder();
  await using server = serveFiles(() => ({ body: CHAIR }));
  for (const name of ["lavapipe-0.old.part", "lavapipe-0.new.part", "lavapipe-0", "x.part"]) {
    await Deno.mkdir(join(cache.path, name));
  }
  const yesterday = Date.now() / 1000 - 90_000;
  await Deno.utime(join(cache.path, "lavapipe-0.old.part"), yesterday, yesterday);
  await fetchFrom(join(cache.path, "lavapipe-1"), server);
  const left = ["lavapipe-0", "lavapipe-0.new.part", "lavapipe-1", "x.part"];
  assertEquals(await names(cache.path), left);
});

Deno.test("debianMirrors() are Debian's own unless MONONERF_DEBIAN_MIRROR names others", () => {
  const mirrors = (value?: string) => debianMirrors({ get: () => value });
  assertEquals(mirrors()[0], "https://deb.debian.org/debian");
  assertEquals(
    /^https:\/\/snapshot\.debian\.org\/archive\/debian\/\d{8}T\d{6}Z$/.test(mirrors()[1]),
    true,
  );
  assertEquals(mirrors(""), mirrors());
  assertEquals(mirrors(" http://a/debian/  http://b "), ["http://a/debian", "http://b"]);
});

Deno.test("LAVAPIPE pins plain names, each once", () => {
  const files = LAVAPIPE.packages.flatMap(({ files }) => files.map(({ name }) => name));
  assertEquals(files.filter((name) => !/^[\w.+-]+$/.test(name) || name.startsWith(".")), []);
  assertEquals(new Set(files).size, files.length);
});
