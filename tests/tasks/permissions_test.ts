import { assertEquals } from "@std/assert";
import { runDeno } from "../../tasks/driver/run_deno.ts";
import { permissionFlags } from "../../tasks/permissions.ts";

Deno.test("permissionFlags() grants what is listed and nothing else, without prompts", () => {
  assertEquals(permissionFlags({}), ["--no-prompt"]);
  assertEquals(permissionFlags({ read: ["."], env: ["HOME", "GOLDENS"], net: ["127.0.0.1"] }), [
    "--no-prompt",
    "--allow-read=.",
    "--allow-net=127.0.0.1",
    "--allow-env=HOME,GOLDENS",
  ]);
});

Deno.test("permissionFlags() grants the folders that the task's flags name", () => {
  const grants = { read: ["."], write: ["runs"], pathFlags: ["data", "out"] };
  assertEquals(permissionFlags(grants, ["balloon", "--data", "/my data", "--steps", "9"]), [
    "--no-prompt",
    "--allow-read=.,/my data",
    "--allow-write=runs,/my data",
  ]);
  assertEquals(permissionFlags(grants, ["--out=a b", "--data", "--resume"]), [
    "--no-prompt",
    "--allow-read=.,a b",
    "--allow-write=runs,a b",
  ]);
});

Deno.test("permissionFlags() grants the folder above a path with a comma, which Deno's lists cannot name", async () => {
  const grants = { read: ["day 1, noon.mp4"], write: ["/films/1,2/a,b"] };
  assertEquals(permissionFlags(grants), ["--no-prompt", "--allow-read=.", "--allow-write=/films"]);
  const args = ["run", ...permissionFlags(grants), "tests/data/temporary_folder.ts"]; // Deno itself takes the flags
  const child = runDeno(args, { stdout: "null", stderr: "null" });
  assertEquals((await child.status).code, 0);
});

Deno.test("permissionFlags() grants the folder that the task's first argument is, where that is asked for", () => {
  const grants = { write: ["runs"], pathFirst: true };
  const writes = (args: string[]) => permissionFlags(grants, args).at(-1);
  assertEquals(writes(["/my run", "--gif"]), "--allow-write=runs,/my run");
  assertEquals(writes(["--gif", "/my run"]), "--allow-write=runs");
  assertEquals(writes([]), "--allow-write=runs");
});

Deno.test("permissionFlags() grants nothing for empty paths, which Deno does not take", () => {
  assertEquals(permissionFlags({ read: ["", "a"], write: [""] }), [
    "--no-prompt",
    "--allow-read=a",
  ]);
});
