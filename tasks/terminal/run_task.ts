/**
 * What every task does around its work: Ctrl-C, errors, exit code.
 *
 * @module
 */

/** Deno tasks pass Ctrl-C on to a child that the terminal has told already: what comes this soon is the same key. */
const SAME_KEY_MS = 1000;

/** Exit code of a process that was asked to stop: 128 + SIGINT, as shells have it. */
export const INTERRUPTED = 130;

/**
 * Does a task's work, then ends the process: with 0; with 1 after an error, whose message goes to stderr; with 130 after
 * Ctrl-C or SIGTERM.
 *
 * The first Ctrl-C aborts the signal that `work` is given, so that it can save what it has; a second one, later, does not wait.
 */
export async function runTask(work: (signal: AbortSignal) => Promise<void>): Promise<never> {
  const controller = new AbortController();
  let interruptedAt = Infinity;
  const interrupt = () => {
    if (performance.now() - interruptedAt > SAME_KEY_MS) Deno.exit(INTERRUPTED);
    if (controller.signal.aborted) return;
    interruptedAt = performance.now();
    controller.abort(new DOMException("interrupted", "AbortError"));
  };
  Deno.addSignalListener("SIGINT", interrupt);
  Deno.addSignalListener("SIGTERM", interrupt);
  try {
    await work(controller.signal);
  } catch (error) {
    if (error !== controller.signal.reason) {
      console.error(describeError(error));
      Deno.exit(1);
    }
  }
  Deno.exit(controller.signal.aborted ? INTERRUPTED : 0);
}

/** The message of an error that a user can mend; the stack too of one that only we can. */
export function describeError(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const ours = error instanceof TypeError || error instanceof ReferenceError ||
    error instanceof RangeError || error instanceof SyntaxError;
  return ours ? `${error.stack}` : error.message;
}
