import { assertEquals, assertRejects } from "@std/assert";
import { fetchDebianPackages } from "../../../tasks/driver/debian_package.ts";
import { sha256Hex } from "../../../tasks/driver/pinned_files.ts";
import { type Reply, serveFiles } from "../../support/file_server.ts";

/** Six packages: more than are fetched at once. */
const BODIES = Array.from({ length: 6 }, (_, i) => new Uint8Array(100 + i).fill(i));
const PACKAGES = BODIES.map((body, i) => ({
  path: `pool/${i}.deb`,
  bytes: body.length,
  sha256: sha256Hex(body),
}));

/** A mirror that has all packages but one, for which it answers something else. */
const mirror = (odd?: Reply, which = 2) =>
  serveFiles(({ path }) => {
    const i = Number(/pool\/(\d)\.deb$/.exec(path)?.[1]);
    return odd && i === which ? odd : { body: BODIES[i] };
  });

/** Fetches from servers in turn: which packages were kept, and the lines. */
async function fetchFrom(servers: { host: string }[], silenceMs?: number) {
  const kept: number[] = [], lines: string[] = [];
  await fetchDebianPackages(
    PACKAGES,
    servers.map(({ host }) => `http://${host}/debian`),
    (fetched, bytes) => {
      const i = PACKAGES.indexOf(fetched);
      assertEquals(bytes, BODIES[i]);
      kept.push(i);
      return Promise.resolve();
    },
    (line) => lines.push(line),
    silenceMs,
  );
  return { kept: kept.sort(), lines };
}

Deno.test("fetchDebianPackages() fetches each package once from the first mirror that has it", async () => {
  await using pool = mirror({ status: 404 });
  await using snapshot = mirror();
  const { kept, lines } = await fetchFrom([pool, snapshot]);
  assertEquals(kept, [0, 1, 2, 3, 4, 5]);
  const wanted = `Cannot fetch "http://${pool.host}/debian/pool/2.deb": the server answers 404; ` +
    `trying "http://${snapshot.host}/debian".`;
  assertEquals(lines, [wanted]);
  const asked = snapshot.requests.map(({ path }) => path);
  assertEquals(asked.includes("/debian/pool/2.deb"), true);
  assertEquals(new Set(asked).size, asked.length);
});

Deno.test("fetchDebianPackages() refuses packages that are changed, cut short, longer, or do not come", async () => {
  const changed = BODIES[2].with(50, 255);
  const replies: [Reply, string][] = [
    [{ body: changed }, `it has 102 bytes of SHA-256 "${sha256Hex(changed)}", wanted 102`],
    [{ body: BODIES[2].subarray(0, 80) }, "it has 80 bytes of"],
    [{ body: new Uint8Array(103) }, "it has more than 102 bytes"],
    [{ body: BODIES[2], stallAfter: 60 }, "no byte came in 0.2 s"],
  ];
  for (const [reply, message] of replies) {
    await using server = mirror(reply);
    await assertRejects(() => fetchFrom([server], 200), Error, message);
  }
});

Deno.test("fetchDebianPackages() goes on to the next mirror where there is no route to the first", async () => {
  const closed = serveFiles(() => ({}));
  await closed[Symbol.asyncDispose]();
  await using snapshot = mirror();
  const { kept, lines } = await fetchFrom([closed, snapshot]);
  assertEquals(kept, [0, 1, 2, 3, 4, 5]);
  assertEquals(lines.length, 1);
});

Deno.test("fetchDebianPackages() ends where a package cannot be kept, and blames no mirror", async () => {
  await using pool = mirror();
  await using snapshot = mirror();
  await assertRejects(
    () =>
      fetchDebianPackages(
        PACKAGES,
        [pool.host, snapshot.host].map((host) => `http://${host}`),
        () => Promise.reject(new Deno.errors.WriteZero("the disk is full")),
        () => {},
      ),
    Deno.errors.WriteZero,
  );
  assertEquals(snapshot.requests, []);
});
