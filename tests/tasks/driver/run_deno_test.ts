import { assertEquals } from "@std/assert";
import { join } from "@std/path";
import { type Driver, runDeno } from "../../../tasks/driver/run_deno.ts";
import { temporaryFolder } from "../../data/temporary_folder.ts";

Deno.test("runDeno() hands the library path and the arguments to the child", async () => {
  const script = "console.log(Deno.env.get('LD_LIBRARY_PATH'), Deno.args)";
  const child = runDeno(["eval", script, "--", "two words", "$HOME", ""], {
    driver: { libraryPath: "/a b:/c" },
    stdout: "piped",
  });
  assertEquals(await new Response(child.stdout).text(), '/a b:/c [ "two words", "$HOME", "" ]\n');
  assertEquals((await child.status).code, 0);
});

Deno.test("runDeno() starts Deno itself, so that signals and exit codes are the child's own", async () => {
  const script = `
    Deno.addSignalListener("SIGINT", () => Deno.exit(7));
    setInterval(() => {}, 1000);
    console.log("ready");`;
  const child = runDeno(["eval", script], { stdout: "piped" });
  const output = child.stdout.getReader();
  await output.read();
  child.kill("SIGINT");
  assertEquals((await child.status).code, 7);
  await output.cancel();
});

/** What a Deno and those that it starts say of their surroundings, a line each, in a folder whose loader is a script. */
async function surroundings(script: string, args: string[], folder: string) {
  const driver: Driver = { libraryPath: "", lavapipe: folder };
  const child = runDeno(["run", "-A", "--no-check", script, ...args], { driver, stdout: "piped" });
  return (await new Response(child.stdout).text()).trim().split("\n").map((line) => line.trim());
}

Deno.test("runDeno() runs Deno by lavapipe's loader, again and again, but not deno task or another program", async () => {
  await using folder = await temporaryFolder();
  const loader = join(folder.path, "ld-linux-x86-64.so.2");
  await Deno.writeTextFile(loader, '#!/bin/sh\nshift 3\nLOADED="$LOADED+" exec "$@"\n');
  await Deno.chmod(loader, 0o755);
  const config = join(folder.path, "deno.json");
  await Deno.writeTextFile(config, JSON.stringify({ tasks: { say: "deno run -A say.ts task" } }));
  const modules = new URL("../../../tasks/driver/run_deno.ts", import.meta.url);
  const script = join(folder.path, "say.ts");
  await Deno.writeTextFile(
    script,
    `import { runDeno, WITHOUT_DRIVER } from "${modules}";
    const { LOADED, VK_DRIVER_FILES, MESA_SHADER_CACHE_DIR, MONONERF_DENO } = Deno.env.toObject();
    console.log(Deno.args[0], [LOADED, VK_DRIVER_FILES, MESA_SHADER_CACHE_DIR, MONONERF_DENO ? "told" : ""].join(" "));
    if (Deno.args[0] === "first") {
      await runDeno(["run", "-A", "--no-check", "${script}", "again"]).status;
      await runDeno(["task", "--quiet", "--config", "${config}", "say"]).status;
      const say = 'echo "other" "$VK_DRIVER_FILES" "$MESA_SHADER_CACHE_DIR" "$LD_LIBRARY_PATH"';
      await new Deno.Command("sh", { args: ["-c", say], env: WITHOUT_DRIVER, stdout: "inherit" }).output();
    }`,
  );
  const files = `${folder.path}/lavapipe_icd.json ${folder.path} told`;
  assertEquals(await surroundings(script, ["first"], folder.path), [
    `first + ${files}`,
    `again ++ ${files}`,
    "task +", // which the first loader left
    "other",
  ]);
});
