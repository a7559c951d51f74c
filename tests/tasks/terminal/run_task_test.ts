import { assertEquals, assertMatch } from "@std/assert";
import { runDeno } from "../../../tasks/driver/run_deno.ts";

const module = import.meta.resolve("../../../tasks/terminal/run_task.ts");

/** A process that does `work(signal)` as a task; it prints "ready" first, and is signalled then. */
async function runWork(work: string, signals: Deno.Signal[] = []) {
  const script = `
    import { runTask } from ${JSON.stringify(module)};
    await runTask(async (signal) => { console.log("ready"); ${work} });`;
  const child = runDeno(["eval", script], { stdout: "piped", stderr: "piped" });
  let out = "";
  for await (const text of child.stdout.pipeThrough(new TextDecoderStream())) {
    if (out === "") { for (const signal of signals) child.kill(signal); }
    out += text;
  }
  return { out, err: await new Response(child.stderr).text(), code: (await child.status).code };
}

const untilAborted = `
  await new Promise((resolve) => signal.addEventListener("abort", resolve, { once: true }));
  await new Promise((resolve) => setTimeout(resolve, 100));
  console.log("saved");`;

Deno.test("runTask() ends with 0 after its work", async () => {
  assertEquals(await runWork("await 0;"), { out: "ready\n", err: "", code: 0 });
});

Deno.test("runTask() lets the work save after Ctrl-C, however often it is told, and ends with 130", async () => {
  const result = await runWork(untilAborted, ["SIGINT", "SIGINT", "SIGINT"]);
  assertEquals(result, { out: "ready\nsaved\n", err: "", code: 130 });
});

Deno.test("runTask() ends with 130 where the work throws the signal's reason", async () => {
  const work = "for (;;) { await new Promise((r) => setTimeout(r, 5)); signal.throwIfAborted(); }";
  assertEquals(await runWork(work, ["SIGTERM"]), { out: "ready\n", err: "", code: 130 });
});

Deno.test("runTask() prints an error's message and ends with 1", async () => {
  const { err, code } = await runWork('throw new Error("Cannot read it; mend it");');
  assertEquals({ err, code }, { err: "Cannot read it; mend it\n", code: 1 });
});

Deno.test("runTask() prints the stack of an error of ours", async () => {
  const { err, code } = await runWork("undefined.x;");
  assertEquals(code, 1);
  assertMatch(err, /TypeError: .*\n +at /);
});
