import { assert, assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { createHash } from "node:crypto";
import { join } from "@std/path";
import { download, type DownloadOptions } from "../../../src/data/download/download.ts";
import { DataError } from "../../../src/data/files.ts";
import { type FileRequest, honest, type Reply, serveFiles } from "../../support/file_server.ts";
import { fullDisk } from "../../support/full_disk.ts";
import { names, temporaryFolder } from "../temporary_folder.ts";

/** A file that is a zip archive by its first bytes, and of no pattern that a cut could repeat. */
const FILE = new Uint8Array(300_000);
for (let i = 0, state = 1; i < FILE.length; i++) {
  state = Math.imul(state, 1664525) + 1013904223 | 0;
  FILE[i] = state >>> 24;
}
FILE.set([0x50, 0x4b, 3, 4]);
const SHA256 = createHash("sha256").update(FILE).digest("hex");
const CUT = 0.3 * FILE.length;

const QUICK: DownloadOptions = { pauseMs: 1, stallMs: 400, attempts: 3, signature: [0x50, 0x4b] };

/** Fetches from a server that answers as `reply` says. */
async function fetchFrom(
  reply: (request: FileRequest, nth: number) => Reply,
  options: DownloadOptions = {},
) {
  const folder = await temporaryFolder();
  await using server = serveFiles(reply);
  const path = join(folder.path, "data.zip");
  const notices: string[] = [];
  const onNotice = (notice: string) => notices.push(notice);
  const outcome = await download(server.url, path, { ...QUICK, onNotice, ...options })
    .catch((error: Error) => error);
  return {
    outcome,
    notices,
    requests: server.requests,
    files: await names(folder.path),
    path,
    [Symbol.asyncDispose]: () => folder[Symbol.asyncDispose](),
  };
}

/** Expects an error that says `message`, and no file. */
async function expectFailure(
  message: string,
  reply: (request: FileRequest, nth: number) => Reply,
  options: DownloadOptions = {},
) {
  await using fetched = await fetchFrom(reply, options);
  const { outcome } = fetched;
  assertStringIncludes(outcome instanceof DataError ? outcome.message : String(outcome), message);
  assert(!fetched.files.includes("data.zip"));
  return fetched;
}

Deno.test("download() goes on after a cut at 30 %, and has the same bytes", async () => {
  await using fetched = await fetchFrom((request, nth) => ({
    ...honest(FILE, request),
    cutAfter: nth === 0 ? CUT : undefined,
  }), { sha256: SHA256, bytes: FILE.length });
  assertEquals(fetched.outcome, { bytes: FILE.length, sha256: SHA256 });
  assertEquals(fetched.requests.map(({ from, ifRange }) => ({ from, ifRange })), [
    { from: undefined, ifRange: undefined },
    { from: CUT, ifRange: '"1"' },
  ]);
  assertEquals(fetched.files, ["data.zip"]);
  assertEquals(await Deno.readFile(fetched.path), FILE);
  assertEquals(fetched.notices.length, 1);
  assertStringIncludes(fetched.notices[0], "at 90.0 kB; trying again in 0.001 s.");
});

Deno.test("download() goes on in another process, and begins anew when the file has changed", async () => {
  const changed = FILE.slice().fill(7, 10);
  for (const [etag, file, from] of [['"1"', FILE, CUT], ['"2"', changed, 0]] as const) {
    await using folder = await temporaryFolder();
    const path = join(folder.path, "data.zip");
    await using server = serveFiles((request, nth) =>
      nth === 0 ? { ...honest(FILE, request), cutAfter: CUT } : honest(file, request, etag)
    );
    await assertRejects(() => download(server.url, path, { ...QUICK, attempts: 1 }), DataError);
    assertEquals(await names(folder.path), ["data.zip.part", "data.zip.part.json"]);
    const seen: number[] = [];
    await download(server.url, path, { ...QUICK, onProgress: (_, bytes) => seen.push(bytes) });
    assertEquals(server.requests[1].from, CUT);
    assert(seen[0] > from);
    assertEquals(await Deno.readFile(path), file);
    assertEquals(await names(folder.path), ["data.zip"]);
  }
});

Deno.test("download() begins anew where a server knows no ranges or tells no version", async () => {
  for (const headers of [{ etag: '"1"' }, {}]) {
    await using fetched = await fetchFrom((_, nth) => ({
      headers: headers as Record<string, string>,
      body: FILE,
      cutAfter: nth === 0 ? CUT : undefined,
    }));
    assertEquals(fetched.outcome, { bytes: FILE.length, sha256: SHA256 });
    assertEquals(fetched.requests[1].from, "etag" in headers ? CUT : undefined);
    assertEquals(await Deno.readFile(fetched.path), FILE);
  }
});

Deno.test("download() gives a silent connection up, and goes on", async () => {
  await using fetched = await fetchFrom((request, nth) => ({
    ...honest(FILE, request),
    stallAfter: nth === 0 ? CUT : undefined,
  }));
  assertEquals(fetched.outcome, { bytes: FILE.length, sha256: SHA256 });
  assertEquals(fetched.requests.map(({ from }) => from), [undefined, CUT]);
  assertStringIncludes(fetched.notices[0], "Nothing came for 0.4 s at 90.0 kB");
});

Deno.test("download() ends after attempts without a new byte, and no sooner", async () => {
  const dead = await expectFailure("and so 3 times", () => ({ body: FILE, cutAfter: 0 }));
  assertEquals(dead.requests.length, 3);
  // ten cuts, but something new each time
  await using slow = await fetchFrom((request) => ({ ...honest(FILE, request), cutAfter: 40_000 }));
  assertEquals(slow.outcome, { bytes: FILE.length, sha256: SHA256 });
  assertEquals(slow.requests.length, 8);
  const busy = await expectFailure(
    "the server answers 500, and so 3 times",
    () => ({ status: 500 }),
  );
  assertEquals(busy.requests.length, 3);
});

Deno.test("download() refuses a file that is not there, and a web page in its place, at once", async () => {
  for (
    const [reply, message] of [
      [{ status: 404, body: FILE }, "the server answers 404 (there is no such file)"],
      [{ status: 403 }, "the server answers 403 (it wants a permission)"],
      [
        {
          headers: { "content-type": "text/html; charset=utf-8" },
          body: new TextEncoder().encode("<!DOCTYPE html>"),
        },
        "it sends a web page, and not the file",
      ],
      [{ body: new Uint8Array() }, "it sends something, and not the file"],
    ] as [Reply, string][]
  ) {
    const { requests } = await expectFailure(message, () => reply);
    assertEquals(requests.length, 1);
  }
});

Deno.test("download() sees through lengths that lie", async () => {
  const over = { "content-length": String(FILE.length + 1000), etag: '"1"' };
  const { requests } = await expectFailure(
    "the server contradicts itself: it promised 301000 bytes, and it has none after 300000",
    ({ from }) => from === undefined ? { headers: over, body: FILE } : { status: 416 },
  );
  assertEquals(requests.map(({ from }) => from), [undefined, FILE.length]);
  await expectFailure("1.00 kB did not come, and so 3 times", ({ from }) => {
    if (from === undefined) return { headers: over, body: FILE };
    const range = `bytes ${from}-${FILE.length + 999}/${FILE.length + 1000}`;
    return { status: 206, headers: { "content-range": range } };
  });
  const elsewhere = { status: 206, headers: { "content-range": "bytes 0-9/10" }, body: FILE };
  const sly = (request: FileRequest): Reply =>
    request.from === undefined ? { ...honest(FILE, request), cutAfter: CUT } : elsewhere;
  await expectFailure('the server sends "bytes 0-9/10"', sly, { attempts: 2 });
  await expectFailure(
    "it has 300000 bytes, wanted 90000",
    () => ({ headers: { "content-length": "" }, body: FILE }),
    { bytes: CUT },
  );
  // too short a length hides the rest: what is known of the file tells
  const under = { "content-length": String(CUT) };
  const reply = () => ({ headers: under, body: FILE });
  await expectFailure("it has 90000 bytes, wanted 300000", reply, { bytes: FILE.length });
  await expectFailure(`wanted ${SHA256}; something on the way changed it`, reply, {
    sha256: SHA256,
  });
});

Deno.test("download() follows redirects on hosts that it may speak with", async () => {
  await using server = serveFiles((request) =>
    request.path === "/data.zip"
      ? { status: 302, headers: { location: "/elsewhere" } }
      : request.path === "/elsewhere"
      ? honest(FILE, request)
      : { status: 302, headers: { location: request.path } }
  );
  await using folder = await temporaryFolder();
  const path = join(folder.path, "data.zip");
  await download(server.url, path, QUICK);
  assertEquals(await Deno.readFile(path), FILE);
  const loop = new URL("/loop", server.url).href;
  await assertRejects(() => download(loop, path, QUICK), DataError, "it redirects again and again");
  await using sly = serveFiles(() => ({
    status: 302,
    headers: { location: "http://192.0.2.1/data.zip" },
  }));
  await assertRejects(
    () => download(sly.url, path, QUICK),
    DataError,
    `it redirects to "http://192.0.2.1/data.zip", and only ${sly.host} may be spoken with`,
  );
});

Deno.test("download() on a full disk leaves no file, says so, and goes on when there is room", async () => {
  await using folder = await temporaryFolder();
  await using server = serveFiles((request) => honest(FILE, request));
  const path = join(folder.path, "data.zip");
  {
    using _disk = fullDisk(CUT);
    await assertRejects(
      () => download(server.url, path, QUICK),
      DataError,
      "the disk is full; free some space or choose another folder; what has come stays there",
    );
  }
  assert(!(await names(folder.path)).includes("data.zip"));
  await download(server.url, path, QUICK);
  assert(server.requests[1].from !== undefined);
  assertEquals(await Deno.readFile(path), FILE);
});

Deno.test("download() ends when told to, and refuses to fetch one file twice at a time", async () => {
  await using folder = await temporaryFolder();
  await using server = serveFiles((request) => ({ ...honest(FILE, request), stallAfter: CUT }));
  const path = join(folder.path, "data.zip");
  const controller = new AbortController();
  const { promise: begun, resolve } = Promise.withResolvers<void>();
  const first = download(server.url, path, {
    ...QUICK,
    stallMs: 60_000,
    signal: controller.signal,
    onProgress: () => resolve(),
  });
  await begun;
  await assertRejects(
    () => download(server.url, path, QUICK),
    DataError,
    "another process is fetching it",
  );
  controller.abort();
  await assertRejects(() => first, DOMException);
  assertEquals(await names(folder.path), ["data.zip.part", "data.zip.part.json"]);
});
