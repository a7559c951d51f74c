import { assertEquals, assertMatch } from "@std/assert";
import { runDeno, type RunOptions } from "../../tasks/driver/run_deno.ts";

/** Runs `deno task …` as a user does; what it prints, and its exit code. */
async function runTask(args: string[], env: RunOptions["env"] = {}) {
  const child = runDeno(["task", "--quiet", ...args], { env, stdout: "piped", stderr: "piped" });
  const [out, err, { code }] = await Promise.all([
    new Response(child.stdout).text(),
    new Response(child.stderr).text(),
    child.status,
  ]);
  return { out, err, code };
}

Deno.test("deno task adapter prints the adapter that tasks run on, with no stray line", async () => {
  const adapter = await navigator.gpu.requestAdapter();
  const { out, err, code } = await runTask(["adapter"], {
    MONONERF_ADAPTER: "",
    XDG_RUNTIME_DIR: "",
  });
  assertEquals({ code, err }, { code: 0, err: "" });
  assertEquals(out.split("\n")[0].replace(/ \(software.*/, ""), adapter?.info.description);
  assertMatch(out, /maxStorageBuffersPerShaderStage +\d+\n/);
});

Deno.test("deno task start refuses a task that is none", async () => {
  const { err, code } = await runTask(["start", "trian"]);
  assertEquals(code, 1);
  assertEquals(err, 'Cannot start "trian": there is no such task\n');
});

Deno.test("deno task start refuses a MONONERF_ADAPTER that is none", async () => {
  const { err, code } = await runTask(["adapter"], { MONONERF_ADAPTER: "gpu" });
  assertEquals(code, 1);
  assertMatch(err, /MONONERF_ADAPTER is "gpu", wanted "lavapipe", "swiftshader" or nothing/);
});

Deno.test("no task runs with all permissions", async () => {
  const { tasks } = JSON.parse(await Deno.readTextFile("deno.json")) as {
    tasks: Record<string, string>;
  };
  const broad = Object.entries(tasks).filter(([, command]) =>
    /(^|\s)(-A|--allow-all|--allow-(read|write|net|env|run|ffi|sys))(\s|$)/.test(command)
  );
  assertEquals(broad, []);
});

Deno.test("deno task start knows no task by a name that every object has", async () => {
  for (const name of ["constructor", "toString", "__proto__", "nothing"]) {
    const { err, code } = await runTask(["start", name]);
    assertEquals([err.trim(), code], [
      `Cannot start "${name}": there is no such task`,
      1,
    ]);
  }
});
