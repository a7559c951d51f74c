/**
 * Starts a task on a WebGPU adapter: `deno task train …` runs `tasks/start.ts train …`, which makes sure that there is an
 * adapter and then runs `tasks/train.ts …` in a process of its own, with that task's permissions and no others.
 *
 * It may itself fetch from npm's registry and Debian's archive, keep the driver in the cache folder, and start `sh`, which
 * becomes the task; see `start` in deno.json.
 *
 * @module
 */
import { join } from "node:path";
import { dataGrants } from "./data/command.ts";
import { findDriver } from "./driver/adapter.ts";
import { provideChromium } from "./driver/chromium.ts";
import { provideSelfieSegmentation } from "./driver/litert.ts";
import { runDeno, WITHOUT_DRIVER } from "./driver/run_deno.ts";
import { cacheFolder } from "./driver/swiftshader.ts";
import { evaluateGrants } from "./evaluate/command.ts";
import { type Grants, permissionFlags } from "./permissions.ts";
import { needsAdapter, prepareGrants } from "./prepare/command.ts";
import { weightsGrants } from "./weights/command.ts";

/** Tasks that compute nothing, and so need no adapter; or not with these arguments. */
const WITHOUT_ADAPTER: Readonly<Record<string, (args: readonly string[]) => boolean>> = {
  data: () => true,
  weights: () => true,
  prepare: (args) => !needsAdapter(args),
};

/** What the task `name` may do when called with `args`; undefined where there is no such task. */
export function grantsOf(name: string, args: readonly string[] = []): Grants | undefined {
  const cache = cacheFolder(); // encoded features
  const grants: Record<string, Grants> = {
    adapter: {},
    data: dataGrants(args, cache),
    bench: {
      read: ["data", cache],
      write: ["data", cache], // frames made smaller, and features for a while
      env: ["HOME", "XDG_CACHE_HOME"],
      pathFlags: ["data"],
    },
    train: {
      read: ["/"], // scenes lie anywhere: where --data says, or where a resumed run had them
      write: ["data", "runs", cache],
      env: ["HOME", "XDG_CACHE_HOME"],
      pathFlags: ["data", "run", "resume", "feature-cache"],
    },
    render: {
      read: ["/"], // as for train
      write: ["data", "runs", cache],
      env: ["HOME", "XDG_CACHE_HOME"],
      pathFlags: ["out", "data", "feature-cache"],
      pathFirst: true,
    },
    evaluate: evaluateGrants(args, cache),
    weights: weightsGrants(args),
    prepare: prepareGrants(args, cache),
    test: {
      read: [".", cache],
      write: ["tests/output"],
      env: ["CHROMIUM", "GOLDENS", "HOME", "LD_LIBRARY_PATH", "TMPDIR", "XDG_CACHE_HOME"],
      run: ["sh"], // `deno test`, with the tests' own permissions
    },
  };
  return Object.hasOwn(grants, name) ? grants[name] : undefined;
}

/** Fetches what tests want beside an adapter; those that want it fail where it cannot be had. */
async function provideForTests(cache: string): Promise<void> {
  for (const provide of [provideChromium, provideSelfieSegmentation]) {
    try {
      await provide(cache, console.error);
    } catch (error) {
      console.error(error instanceof Error ? error.message : error);
    }
  }
}

function wantsPersonMasks(args: readonly string[]): boolean {
  return /--person-masks[ =]selfie/.test(args.join(" "));
}

/** Runs a task to its end; its exit code. */
export async function start([name = "", ...args]: string[]): Promise<number> {
  const grants = grantsOf(name, args);
  if (!grants) throw new Error(`Cannot start "${name}": there is no such task`);
  const driver = WITHOUT_ADAPTER[name]?.(args) ? undefined : await findDriver(console.error);
  if (name === "test") await provideForTests(cacheFolder());
  if (name === "prepare" && wantsPersonMasks(args)) {
    await provideSelfieSegmentation(cacheFolder(), console.error);
  }
  const script = join(import.meta.dirname!, `${name}.ts`);
  const run = await installed(grants.run ?? []); // Deno complains of a permission to run what is not there
  const child = runDeno(["run", ...permissionFlags({ ...grants, run }, args), script, ...args], {
    driver,
  });
  // Ctrl-C and the like: the task saves and ends; we wait for it, and end with its exit code.
  for (const signal of ["SIGINT", "SIGTERM"] as const) {
    Deno.addSignalListener(signal, () => {
      try {
        child.kill(signal);
      } catch {
        // It has ended already: its status is on the way.
      }
    });
  }
  return (await child.status).code;
}

/** Those of some programs that are on the `PATH`. */
async function installed(programs: readonly string[]): Promise<string[]> {
  if (programs.length === 0) return [];
  const script = 'for name; do command -v "$name" > /dev/null && echo "$name"; done; true';
  const args = ["-c", script, "sh", ...programs];
  const { stdout } = await new Deno.Command("sh", { args, env: WITHOUT_DRIVER }).output();
  return new TextDecoder().decode(stdout).split("\n").filter(Boolean);
}

if (import.meta.main) {
  try {
    Deno.exit(await start(Deno.args));
  } catch (error) {
    console.error(error instanceof Error ? error.message : error);
    Deno.exit(1);
  }
}
