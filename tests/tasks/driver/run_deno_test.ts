import { assertEquals } from "@std/assert";
import { runDeno } from "../../../tasks/driver/run_deno.ts";

Deno.test("runDeno() hands the library path and the arguments to the child", async () => {
  const script = "console.log(Deno.env.get('LD_LIBRARY_PATH'), Deno.args)";
  const child = runDeno(["eval", script, "--", "two words", "$HOME", ""], {
    libraryPath: "/a b:/c",
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
