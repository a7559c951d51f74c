import { assertEquals } from "@std/assert";
import { runDeno } from "../../tasks/driver/run_deno.ts";
import { countTests } from "../../tasks/junit.ts";

const tests = `
Deno.test("holds", () => {});
Deno.test("holds too, <failure > or not", () => {});
Deno.test("steps hold too", async (t) => { await t.step("one", () => {}); await t.step("two > three", () => {}); });
Deno.test("does not hold", () => { throw new Error("<testcase"); });
Deno.test.ignore("does not run", () => {});
`;

Deno.test("countTests() counts what deno test reports", async () => {
  const folder = await Deno.makeTempDir();
  try {
    const report = `${folder}/junit.xml`;
    await Deno.writeTextFile(`${folder}/some_test.ts`, tests);
    const count = async (...args: string[]) => {
      const run = ["test", "--no-check", `--junit-path=${report}`, ...args, folder];
      await runDeno(run, { stdout: "null", stderr: "null" }).status;
      return countTests(await Deno.readTextFile(report));
    };
    assertEquals(await count(), { passed: 3, failed: 1, skipped: 1 });
    assertEquals(await count("--filter", "too"), { passed: 2, failed: 0, skipped: 3 });
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

Deno.test("countTests() counts nothing in the report of a run that broke off", () => {
  assertEquals(countTests(""), { passed: 0, failed: 0, skipped: 0 });
});
