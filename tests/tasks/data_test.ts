import { assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { createHash } from "node:crypto";
import { join } from "@std/path";
import { officialArchive } from "../../src/data/download/official.ts";
import { dataGrants, parseCommand } from "../../tasks/data/command.ts";
import { runDeno } from "../../tasks/driver/run_deno.ts";
import { permissionFlags } from "../../tasks/permissions.ts";
import { grantsOf } from "../../tasks/start.ts";
import { copyFolder, fixture, names, temporaryFolder } from "../data/temporary_folder.ts";
import { honest, serveFiles } from "../support/file_server.ts";
import { writeZip, type ZipEntry } from "../support/zip_writer.ts";

const GOLDEN = fixture("goldens/scene_io/scene");

/** Runs `deno task data` as the task runner does, with its own permissions and `flags`. */
async function data(args: string[], flags: string[] = []) {
  const child = runDeno(
    [
      "run",
      "--no-check",
      ...permissionFlags(grantsOf("data", args)!, args),
      ...flags,
      "tasks/data.ts",
      ...args,
    ],
    { cwd: fixture(".."), stdout: "piped", stderr: "piped" },
  );
  const [out, err, { code }] = await Promise.all([
    new Response(child.stdout).text(),
    new Response(child.stderr).text(),
    child.status,
  ]);
  return { out, err, code };
}

/** The golden scene's files under the names of several scenes, below `data/` as in the official archive. */
async function archiveOf(...scenes: string[]): Promise<Uint8Array> {
  const files: ZipEntry[] = [];
  const add = async (folder: string) => {
    for await (const { name, isDirectory } of Deno.readDir(join(GOLDEN, folder))) {
      const path = join(folder, name);
      if (isDirectory) await add(path);
      else files.push({ name: path, data: await Deno.readFile(join(GOLDEN, path)) });
    }
  };
  await add("");
  return writeZip(
    scenes.flatMap((scene) =>
      files.map((file) => ({ ...file, name: `data/${scene}/${file.name}` }))
    ),
  );
}

Deno.test("deno task data fetches, goes on after a cut, unpacks what is asked for, and keeps the rest until it is", async () => {
  await using folder = await temporaryFolder();
  const archive = await archiveOf("Balloon1", "Umbrella");
  await using server = serveFiles((request, nth) => ({
    ...honest(archive, request),
    cutAfter: nth === 0 ? 0.3 * archive.length : undefined,
  }));
  const [scenes, cache] = [join(folder.path, "scenes"), join(folder.path, "cache")];
  const flags = ["--url", server.url, "--data", scenes, "--cache", cache];

  const first = await data(["Umbrella", ...flags]);
  assertEquals([first.err, first.code], ["", 0]);
  assertEquals(server.requests.map(({ from }) => from), [
    undefined,
    Math.floor(0.3 * archive.length),
  ]);
  assertMatch(first.out, /The connection failed \(.*\) at .* kB; trying again in 1 s\.\n/);
  assertStringIncludes(
    first.out,
    `SHA-256 ${createHash("sha256").update(archive).digest("hex")}.\n`,
  );
  assertMatch(first.out, new RegExp(`${scenes}/Umbrella +4 +64 x 36 +yes +none\n`));
  assertMatch(first.out, /stays for Balloon1; delete it/);
  assertEquals([await names(scenes), (await names(cache)).length], [["Umbrella"], 1]);
  for (const file of ["poses_bounds.npy", "flow/001_bwd.npz"]) {
    assertEquals(
      await Deno.readFile(join(scenes, "Umbrella", file)),
      await Deno.readFile(join(GOLDEN, file)),
    );
  }

  const second = await data(flags);
  assertEquals([second.err, second.code], ["", 0]);
  assertStringIncludes(second.out, `"${scenes}" has Umbrella already: they stay`);
  assertEquals([await names(scenes), await names(cache)], [["Balloon1", "Umbrella"], []]);

  const third = await data(["Umbrella", "Balloon1", ...flags]);
  assertStringIncludes(third.out, "nothing to fetch");
  assertEquals(server.requests.length, 2);
});

Deno.test("deno task data refuses a hostile archive, and keeps nothing of it", async () => {
  await using folder = await temporaryFolder();
  const hostile = writeZip([{ name: "s/poses_bounds.npy" }, { name: "s/../../../evil" }]);
  await using server = serveFiles((request) => honest(hostile, request));
  const [scenes, cache] = [join(folder.path, "scenes"), join(folder.path, "cache")];
  const { err, code } = await data(["--url", server.url, "--data", scenes, "--cache", cache]);
  assertEquals(code, 1);
  assertMatch(
    err,
    /^Cannot unpack ".*data\.zip": invalid relative path: s\/\.\.\/\.\.\/\.\.\/evil; fetch it again\n$/,
  );
  assertEquals([await names(folder.path), await names(cache)], [["cache"], []]);
});

Deno.test("deno task data unpacks an archive from the disk, which stays", async () => {
  await using folder = await temporaryFolder();
  const [path, scenes] = [join(folder.path, "by hand.zip"), join(folder.path, "scenes")];
  await Deno.writeFile(path, await archiveOf("Balloon1"));
  const fetched = await data(["--archive", path, "--data", scenes]);
  assertEquals([fetched.err, fetched.code], ["", 0]);
  assertEquals(await names(folder.path), ["by hand.zip", "scenes"]);
  const { err, code } = await data(["Truck", "--archive", path, "--data", scenes]);
  assertEquals([err, code], ['Cannot unpack "Truck": the archive has Balloon1\n', 1]);
});

Deno.test("deno task data says where the scenes are to be had by hand", async () => {
  await using folder = await temporaryFolder();
  const flags = ["--data", join(folder.path, "scenes"), "--cache", folder.path];
  const { err, code } = await data(flags, [`--deny-net=${new URL(officialArchive.url).host}:443`]);
  assertEquals(code, 1);
  assertStringIncludes(err, `Cannot fetch "${officialArchive.url}"`);
  assertStringIncludes(
    err,
    `fetch ${officialArchive.byHand} with a browser, then deno task data --archive FILE\n`,
  );
});

Deno.test("deno task data check tells what a scene has, and ends with 1 where it cannot be trained on", async () => {
  await using folder = await temporaryFolder();
  await copyFolder(GOLDEN, folder.path);
  const good = await data(["check", folder.path]);
  assertEquals([good.err, good.code], ["", 0]);
  assertMatch(good.out, /^flow forward +training +3 of 3 +64 x 36, 48 x 30, 32 x 18$/m);
  assertMatch(good.out, /^multiview_GT +evaluation +0 of 16$/m);
  assertMatch(
    good.out,
    /^It can be trained on\. Without held-out views its own frames are scored\.$/m,
  );

  await Deno.truncate(join(folder.path, "disp", "002.npy"), 200);
  const bad = await data(["check", folder.path]);
  assertEquals(bad.code, 1);
  assertMatch(bad.out, /^disp +training +3 of 4 +48 x 27$/m);
  assertMatch(bad.out, /^It cannot be trained on\.$/m);
  assertMatch(bad.err, /^Cannot read ".*disp\/002\.npy": .*copy or make the file again\n$/);
});

Deno.test("deno task data refuses a command line that it cannot use", async () => {
  for (
    const [args, message] of [
      [["Balon1"], 'Unknown scene "Balon1", did you mean "Balloon1"?'],
      [["check"], "Cannot check: no folder is named"],
      [["check", "data/Balloon1", "--force"], 'Cannot check with "--force"'],
      [["--url", "ftp://host/data.zip"], "wanted an http or https address"],
    ] as const
  ) {
    const { err, code } = await data([...args]);
    assertEquals(code, 2);
    assertStringIncludes(err, message);
  }
});

Deno.test("dataGrants() lets the task speak with the one host, and write scenes and the cache only", () => {
  const env = ["HOME", "XDG_CACHE_HOME"];
  assertEquals(dataGrants([], "/cache"), {
    read: ["data", "/cache/archives"],
    write: ["data", "/cache/archives"],
    net: ["filebox.ece.vt.edu:443"],
    env,
  });
  assertEquals(
    dataGrants(["s", "--url", "http://host:81/a.zip", "--data", "d", "--cache", "c"], "/cache"),
    {
      read: ["d", "c"],
      write: ["d", "c"],
      net: ["host:81"],
      env,
    },
  );
  assertEquals(dataGrants(["--archive", "a.zip"], "/cache"), {
    read: ["data", "a.zip"],
    write: ["data"],
    net: [],
    env,
  });
  assertEquals(dataGrants(["check", "a", "b"], "/cache"), { read: ["a", "b"] });
  assertEquals(dataGrants(["--what"], "/cache"), {});
});

Deno.test("parseCommand() takes any scene from a mirror", () => {
  const command = parseCommand(["Mine", "--url", "https://host/a.zip"]);
  assertEquals(command.kind === "fetch" && command.scenes, ["Mine"]);
});
