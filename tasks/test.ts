/**
 * `deno task test [files]`: the tests, on the adapter that was found; all of them or a named part.
 *
 * @module
 */
import { join, normalize } from "node:path";
import { runDeno } from "./driver/run_deno.ts";
import { cacheFolder } from "./driver/swiftshader.ts";
import { countTests } from "./junit.ts";
import { type Grants, permissionFlags } from "./permissions.ts";
import { flagGroup, readOptions } from "./terminal/options.ts";
import { runTask } from "./terminal/run_task.ts";

const flags = {
  ...flagGroup("Which tests", {
    goldens: false,
    programs: false,
    driver: false,
    filter: undefined as string | undefined,
  }, {
    goldens: {
      about: "only those that hold golden numbers (GOLDENS names another folder of them)",
    },
    programs: { about: "only those with ffmpeg and COLMAP (apt install ffmpeg colmap)" },
    driver: {
      about: "only those of drivers in software, which they fetch (270 MB, from Debian and npm)",
    },
    filter: { about: "only those whose name has this in it", unit: "text" },
  }),
  ...flagGroup("How", { parallel: true, failFast: false }, {
    parallel: { about: "as many files at once as there are cores" },
    failFast: { about: "stop at the first that fails" },
  }),
};
const { values, positionals: files } = readOptions(flags, {
  usage: "deno task test [files or folders] [flags]",
  about: "Runs the tests. The last line counts them.",
});

/** Tests that want programs which not every machine has. */
const PROGRAMS = join("tests", "programs");
/** Tests that fetch much; and what they are run with: tests that start Deno again on the driver that they run on. */
const DRIVERS = join("tests", "drivers");
const ON_DRIVERS = [DRIVERS, join("tests", "tasks", "driver"), join("tests", "mod_test.ts")];
const withPrograms = values.programs || files.some((file) => normalize(file).startsWith(PROGRAMS));

const temporary = Deno.env.get("TMPDIR") ?? "/tmp";
const goldens = Deno.env.get("GOLDENS");
const grants: Grants = {
  read: [".", temporary, cacheFolder(), ...(goldens ? [goldens] : [])],
  write: ["tests/output", temporary, cacheFolder()],
  net: ["127.0.0.1"], // a module served over http
  env: ["CHROMIUM", "GOLDENS", "HOME", "LD_LIBRARY_PATH", "TMPDIR", "XDG_CACHE_HOME"],
  run: ["sh", ...withPrograms ? ["ffmpeg", "ffprobe", "colmap"] : []], // tasks and scripts, as a user starts them
};

await runTask(async (signal) => {
  const report = join("tests", "output", "junit.xml");
  await Deno.mkdir("tests/output", { recursive: true });
  await Deno.remove(report).catch(() => {}); // one of an earlier run
  const filter = values.goldens ? "golden" : values.filter;
  const child = runDeno([
    "test",
    "--no-check", // `deno task check` does
    `--junit-path=${report}`,
    ...(values.parallel ? ["--parallel"] : []),
    ...(values.failFast ? ["--fail-fast"] : []),
    ...(filter ? ["--filter", filter] : []),
    ...permissionFlags(grants),
    ...(files.length > 0
      ? files
      : values.programs
      ? [PROGRAMS]
      : values.driver
      ? ON_DRIVERS
      : [`--ignore=${PROGRAMS},${DRIVERS}`, "tests"]),
  ]);
  signal.addEventListener("abort", () => child.kill("SIGINT"));
  const { success } = await child.status;
  const { passed, failed } = countTests(await Deno.readTextFile(report).catch(() => ""));
  const broken = failed > 0 || (success && passed > 0) ? 0 : 1; // a file does not load, or no test has that name
  console.log(`${passed} passed, ${failed + broken} failed`);
  if (!success || broken > 0) Deno.exit(1);
});
