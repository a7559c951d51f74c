import { assertEquals, assertRejects } from "@std/assert";
import { join } from "@std/path";
import { DataError } from "../../../src/data/files.ts";
import { type Json, PreparationFolder } from "../../../tasks/prepare/preparation_folder.ts";
import { names, temporaryFolder } from "../../data/temporary_folder.ts";

const SOURCE = { path: "a.mp4", sha256: "aa" };

/** Opens a folder for a short time. */
async function within<T>(
  directory: string,
  work: (folder: PreparationFolder) => Promise<T>,
  signal: AbortSignal = new AbortController().signal,
): Promise<T> {
  using folder = await PreparationFolder.open(directory, SOURCE, { signal, onLine: () => {} });
  return await work(folder);
}

/** Does a step that writes a file with what it was made from; how often it was made. */
function step(made: Json[], from: Json, text: string = JSON.stringify(from)) {
  return async (folder: PreparationFolder) =>
    await folder.folder({ name: "step", output: "made", from }, async (into) => {
      made.push(from);
      await Deno.writeTextFile(join(into, "file"), text);
      return text;
    });
}

Deno.test("PreparationFolder does a step once for equal inputs, and knows what it told", async () => {
  await using folder = await temporaryFolder();
  const directory = join(folder.path, "scene"), made: Json[] = [];
  const first = await within(directory, step(made, { a: 1 }));
  const again = await within(directory, step(made, { a: 1 }));
  assertEquals([made.length, again], [1, first]);
  assertEquals(first.info, '{"a":1}');
  const other = await within(directory, step(made, { a: 2 }));
  assertEquals([made.length, other.sha256 === first.sha256], [2, false]);
  // Back to the first inputs: what is there is of the second ones.
  const back = await within(directory, step(made, { a: 1 }));
  assertEquals([made.length, back], [3, first]);
});

Deno.test("PreparationFolder makes a step again whose file is gone, or that it is told to forget", async () => {
  await using folder = await temporaryFolder();
  const made: Json[] = [];
  const { path } = await within(folder.path, step(made, 1));
  await Deno.remove(join(path, "file"));
  await within(folder.path, step(made, 1));
  assertEquals(made.length, 2);
  await within(folder.path, (scene) => scene.forget("step"));
  await within(folder.path, step(made, 1));
  assertEquals(made.length, 3);
});

Deno.test("PreparationFolder keeps what was there when a step fails, and never takes it for the new one", async () => {
  await using folder = await temporaryFolder();
  const made: Json[] = [];
  await within(folder.path, step(made, 1));
  const failing = (scene: PreparationFolder) =>
    scene.folder({ name: "step", output: "made", from: 2 }, async (into) => {
      await Deno.writeTextFile(join(into, "file"), "half");
      throw new DataError("the disk is full");
    });
  await assertRejects(() => within(folder.path, failing), DataError, "the disk is full");
  assertEquals(await Deno.readTextFile(join(folder.path, "made", "file")), "1");
  assertEquals(await names(folder.path), ["made", "preparation", "preparation.json"]);
  await within(folder.path, step(made, 1)); // its record went before the attempt
  assertEquals(made, [1, 1]);
});

Deno.test("PreparationFolder ends with the signal's reason, whatever the step throws", async () => {
  await using folder = await temporaryFolder();
  const controller = new AbortController();
  const aborting = (scene: PreparationFolder) =>
    scene.folder({ name: "step", output: "made", from: 1 }, () => {
      controller.abort(new DOMException("interrupted", "AbortError"));
      throw new TypeError("cancelled");
    });
  await assertRejects(
    () => within(folder.path, aborting, controller.signal),
    DOMException,
    "interrupted",
  );
});

Deno.test("PreparationFolder is one process's at a time", async () => {
  await using folder = await temporaryFolder();
  await within(folder.path, async () => {
    await assertRejects(
      () => within(folder.path, () => Promise.resolve()),
      DataError,
      "another process does it at the moment",
    );
  });
  await within(folder.path, () => Promise.resolve());
});

Deno.test("PreparationFolder removes what a killed start left, and refuses a damaged record", async () => {
  await using folder = await temporaryFolder();
  await Deno.mkdir(join(folder.path, "preparation", "frames.0a1b2c3d.part"), { recursive: true });
  await within(folder.path, () => Promise.resolve());
  assertEquals(await names(join(folder.path, "preparation")), ["lock"]);
  await Deno.writeTextFile(join(folder.path, "preparation.json"), '{"version": 1, "steps": {');
  await assertRejects(
    () => within(folder.path, () => Promise.resolve()),
    DataError,
    "its preparation.json is damaged",
  );
});

Deno.test("PreparationFolder lets a step that keeps its files go on with them, but not from other inputs", async () => {
  await using folder = await temporaryFolder();
  const written: string[] = [];
  const counting = (from: Json, stopAt?: number) => async (scene: PreparationFolder) =>
    await scene.folder({ name: "step", output: "made", from, keepsFiles: true }, async (into) => {
      for (const number of [0, 1, 2]) {
        if (number === stopAt) throw new DataError("stopped");
        if ((await names(into)).includes(String(number))) continue;
        await Deno.writeTextFile(join(into, String(number)), `${number} from ${from}`);
        written.push(`${number} from ${from}`);
      }
      return null;
    });
  await assertRejects(() => within(folder.path, counting("a", 2)), DataError, "stopped");
  assertEquals(await names(folder.path), ["preparation", "preparation.json"]);
  // a file that a kill cut short
  const unfinished = join(folder.path, "preparation", "made.unfinished");
  await Deno.writeTextFile(join(unfinished, "2.0a1b2c3d.part"), "half");
  await within(folder.path, counting("a"));
  assertEquals(written, ["0 from a", "1 from a", "2 from a"]);
  assertEquals(await names(join(folder.path, "made")), ["0", "1", "2"]);
  assertEquals(await names(join(folder.path, "preparation")), ["lock"]);

  await assertRejects(() => within(folder.path, counting("b", 1)), DataError, "stopped");
  await within(folder.path, counting("c"));
  assertEquals(await Deno.readTextFile(join(folder.path, "made", "0")), "0 from c");
});
