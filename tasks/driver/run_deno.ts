/**
 * Starting Deno again with a library path.
 *
 * @module
 */
/** Options of {@link runDeno}. */
export interface RunOptions {
  /** The child's `LD_LIBRARY_PATH`; by default the one of this process. */
  libraryPath?: string | undefined;
  /** The child's working folder; by default the one of this process. */
  cwd?: string;
  /** Variables to add to the child's environment. */
  env?: Record<string, string>;
  /** Where the child's output goes; by default to this process's. */
  stdout?: "inherit" | "piped" | "null";
  stderr?: "inherit" | "piped" | "null";
}

/**
 * Starts the running Deno again, as a child.
 *
 * Deno hands `LD_*` variables to a child only with permission to run everything. So the child is a shell that sets the
 * variable from another and becomes Deno (`exec`: same process, signals arrive): `--allow-run=sh` is enough, and it works
 * where no `deno` is on the `PATH` or the one there is a script of npm's.
 */
export function runDeno(args: string[], options: RunOptions = {}): Deno.ChildProcess {
  const libraryPath = options.libraryPath ?? Deno.env.get("LD_LIBRARY_PATH") ?? "";
  return new Deno.Command("sh", {
    args: [
      "-c",
      'export LD_LIBRARY_PATH="$MONONERF_LIBRARY_PATH"; exec "$0" "$@"',
      Deno.execPath(),
      ...args,
    ],
    ...(options.cwd === undefined ? {} : { cwd: options.cwd }),
    env: {
      ...options.env,
      LD_LIBRARY_PATH: "",
      MONONERF_LIBRARY_PATH: libraryPath,
    },
    stdout: options.stdout ?? "inherit",
    stderr: options.stderr ?? "inherit",
  }).spawn();
}
