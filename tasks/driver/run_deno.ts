/**
 * Starting Deno, and Deno again, with a driver.
 *
 * @module
 */
import { basename, dirname } from "node:path";

/** The program in lavapipe's folder that starts others with the folder's libraries. */
const LOADER = "ld-linux-x86-64.so.2";
/** The file there that names the driver to the Vulkan loader. */
export const MANIFEST = "lavapipe_icd.json";

/** What Deno is started with so that it has an adapter. */
export interface Driver {
  /** `LD_LIBRARY_PATH`. */
  libraryPath: string;
  /** A folder of lavapipe to run in: see `lavapipe.ts`. */
  lavapipe?: string;
}

/** Options of {@link runDeno}. */
export interface RunOptions {
  /** The child's driver; by default the one of this process. */
  driver?: Driver | undefined;
  /** The child's working folder; by default the one of this process. */
  cwd?: string;
  /** The child's `PATH`; by default the one of this process. */
  path?: string;
  /** Variables to add to the child's environment. */
  env?: Record<string, string>;
  /** Where the child's output goes; by default to this process's. */
  stdout?: "inherit" | "piped" | "null";
  stderr?: "inherit" | "piped" | "null";
}

/**
 * What a program that is not Deno needs in its environment, to see nothing of ours: Deno would not hand `LD_*` on without
 * permission to run everything, and empty these count as unset.
 */
export const WITHOUT_DRIVER = {
  LD_LIBRARY_PATH: "",
  VK_DRIVER_FILES: "",
  VK_LOADER_LAYERS_DISABLE: "",
  MESA_SHADER_CACHE_DIR: "",
};

/**
 * Becomes Deno. Within lavapipe's folder Deno runs by that folder's loader, which is what `Deno.execPath()` says then: so its
 * own path is handed down. `deno task` starts its commands by that path too: it always runs by the machine's loader, and
 * whatever it starts looks for an adapter again.
 */
const SCRIPT = `
deno="\${MONONERF_DENO:-$0}"
export LD_LIBRARY_PATH="$MONONERF_LIBRARY_PATH" PATH="\${MONONERF_PATH:-$PATH}"
unset MONONERF_PATH
if [ -z "$MONONERF_LAVAPIPE" ] || [ "$1" = task ]; then
  case "$VK_DRIVER_FILES" in
    */${MANIFEST}) unset VK_DRIVER_FILES VK_LOADER_LAYERS_DISABLE MESA_SHADER_CACHE_DIR ;;
  esac
  unset MONONERF_DENO MONONERF_LAVAPIPE
  exec "$deno" "$@"
fi
export MONONERF_DENO="$deno"
export VK_DRIVER_FILES="$MONONERF_LAVAPIPE/${MANIFEST}" VK_LOADER_LAYERS_DISABLE="~implicit~"
export MESA_SHADER_CACHE_DIR="$MONONERF_LAVAPIPE"
exec "$MONONERF_LAVAPIPE/${LOADER}" --inhibit-cache --library-path "$MONONERF_LAVAPIPE" "$deno" "$@"
`;

/**
 * Starts the running Deno again, as a child.
 *
 * Deno hands `LD_*` variables to a child only with permission to run everything. So the child is a shell that sets the
 * variable from another and becomes Deno (`exec`: same process, signals arrive): `--allow-run=sh` is enough, and it works
 * where no `deno` is on the `PATH` or the one there is a script of npm's.
 */
export function runDeno(args: string[], options: RunOptions = {}): Deno.ChildProcess {
  const { driver } = options;
  return new Deno.Command("sh", {
    args: ["-c", SCRIPT, Deno.execPath(), ...args],
    ...(options.cwd === undefined ? {} : { cwd: options.cwd }),
    env: {
      ...options.env,
      LD_LIBRARY_PATH: "",
      MONONERF_LIBRARY_PATH: driver?.libraryPath ?? Deno.env.get("LD_LIBRARY_PATH") ?? "",
      ...(driver ? { MONONERF_LAVAPIPE: driver.lavapipe ?? "" } : {}), // else it is inherited
      ...(options.path === undefined ? {} : { MONONERF_PATH: options.path }),
    },
    stdout: options.stdout ?? "inherit",
    stderr: options.stderr ?? "inherit",
  }).spawn();
}

/** The folder of lavapipe that this process runs in, if it does. */
export function ownLavapipe(): string | undefined {
  const program = Deno.execPath();
  return basename(program) === LOADER ? dirname(program) : undefined;
}

/** What WebGPU runs on, in words: `llvmpipe (LLVM 22.1.8, 256 bits) (software, from /home/me/.cache/…)`. */
export function describeMachine(gpu: { description: string; software: boolean }): string {
  if (!gpu.software) return gpu.description;
  const folder = ownLavapipe();
  return `${gpu.description} (software${folder ? `, from ${folder}` : ""})`;
}
