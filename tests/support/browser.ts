/**
 * Pages in headless Chromium, spoken to by its DevTools protocol.
 *
 * @module
 */
import { findChromium } from "../../tasks/driver/chromium.ts";
import { WITHOUT_DRIVER } from "../../tasks/driver/run_deno.ts";
import { cacheFolder } from "../../tasks/driver/swiftshader.ts";
import { temporaryFolder } from "../data/temporary_folder.ts";

/** A page that is open. */
export interface Page extends AsyncDisposable {
  /** Errors in the console, and exceptions that nobody caught. */
  readonly errors: string[];
  /** Addresses that the page asked for, `data:` ones left out. */
  readonly requests: string[];
  /** The value of an expression in the page. */
  evaluate<T>(expression: string): Promise<T>;
  /** Presses the mouse at one place, moves it to another and lets go; pixels of the window. */
  drag(from: [number, number], to: [number, number]): Promise<void>;
  /** The whole page as a PNG. */
  screenshot(): Promise<Uint8Array>;
}

type Message = {
  id?: number;
  method?: string;
  sessionId?: string;
  // deno-lint-ignore no-explicit-any
  params?: any;
  result?: unknown;
  error?: { message: string };
};

/** Opens an address once it is loaded. */
export async function openPage(url: string): Promise<Page> {
  const profile = await temporaryFolder();
  const child = await start(profile.path);
  const { address, end } = listen(child);
  const socket = new WebSocket(await address);
  await new Promise((resolve) => socket.addEventListener("open", resolve, { once: true }));
  const waiting = new Map<number, PromiseWithResolvers<unknown>>();
  const errors: string[] = [], requests: string[] = [];
  const loaded = Promise.withResolvers<void>();
  let count = 0, session: string | undefined;

  const send = <T>(method: string, params: Record<string, unknown> = {}): Promise<T> => {
    const id = ++count;
    const answer = Promise.withResolvers<unknown>();
    waiting.set(id, answer);
    socket.send(JSON.stringify({ id, method, params, sessionId: session }));
    return answer.promise as Promise<T>;
  };
  socket.addEventListener("message", ({ data }) => {
    const { id, method, params, result, error } = JSON.parse(data) as Message;
    if (id !== undefined) {
      if (error) waiting.get(id)?.reject(new Error(`Cannot drive the browser: ${error.message}`));
      else waiting.get(id)?.resolve(result);
    } else if (method === "Page.loadEventFired") loaded.resolve();
    else if (method === "Network.requestWillBeSent" && !params.request.url.startsWith("data:")) {
      requests.push(params.request.url);
    } else if (method === "Runtime.exceptionThrown") {
      errors.push(params.exceptionDetails.exception?.description ?? params.exceptionDetails.text);
    } else if (method === "Runtime.consoleAPICalled" && params.type === "error") {
      errors.push(JSON.stringify(params.args));
    } else if (method === "Log.entryAdded" && params.entry.level === "error") {
      errors.push(params.entry.text);
    }
  });

  const { targetId } = await send<{ targetId: string }>("Target.createTarget", {
    url: "about:blank",
    width: 1280,
    height: 900,
  });
  const attached = { targetId, flatten: true };
  session = (await send<{ sessionId: string }>("Target.attachToTarget", attached)).sessionId;
  for (const domain of ["Runtime", "Log", "Network", "Page"]) await send(`${domain}.enable`);
  await send("Page.navigate", { url });
  await loaded.promise;

  return {
    errors,
    requests,
    async evaluate<T>(expression: string) {
      const { result, exceptionDetails } = await send<
        { result: { value: T }; exceptionDetails?: { exception: { description: string } } }
      >("Runtime.evaluate", { expression, returnByValue: true, awaitPromise: true });
      if (exceptionDetails) throw new Error(exceptionDetails.exception.description);
      return result.value;
    },
    async drag(from, to) {
      for (
        const [type, [x, y]] of [
          ["mousePressed", from],
          ["mouseMoved", to],
          ["mouseReleased", to],
        ] as const
      ) {
        const buttons = type === "mouseReleased" ? 0 : 1;
        await send("Input.dispatchMouseEvent", {
          type,
          x,
          y,
          button: "left",
          buttons,
          clickCount: 1,
        });
      }
    },
    async screenshot() {
      const { data } = await send<{ data: string }>("Page.captureScreenshot", {
        captureBeyondViewport: true,
      });
      return Uint8Array.fromBase64(data);
    },
    async [Symbol.asyncDispose]() {
      session = undefined;
      const closed = new Promise((resolve) => socket.addEventListener("close", resolve));
      await send("Browser.close");
      await closed;
      await Promise.all([end, child.status]);
      await profile[Symbol.asyncDispose]();
    },
  };
}

/** Starts Chromium by `sh`, which alone the tests may start. */
async function start(profile: string): Promise<Deno.ChildProcess> {
  const { program, libraryPath, fontPath } = await findChromium(cacheFolder());
  return new Deno.Command("sh", {
    args: [
      "-c",
      'export LD_LIBRARY_PATH="$BROWSER_LIBRARY_PATH"; exec "$0" "$@"',
      program,
      "--headless",
      "--no-sandbox", // which needs rights that containers do not give
      "--disable-gpu",
      "--disable-dev-shm-usage",
      "--remote-debugging-port=0",
      `--user-data-dir=${profile}`,
      "about:blank",
    ],
    env: {
      BROWSER_LIBRARY_PATH: libraryPath,
      ...WITHOUT_DRIVER,
      ...(fontPath ? { FONTCONFIG_PATH: fontPath } : {}),
    },
    stdout: "null",
    stderr: "piped",
  }).spawn();
}

/** Where the browser listens, which it says on stderr; and that stream read to its end. */
function listen(child: Deno.ChildProcess): { address: Promise<string>; end: Promise<void> } {
  const address = Promise.withResolvers<string>();
  const read = async () => {
    let text = "";
    for await (const part of child.stderr.pipeThrough(new TextDecoderStream())) {
      text += part;
      const found = /DevTools listening on (ws:\S+)/.exec(text);
      if (found) address.resolve(found[1]);
    }
    address.reject(new Error(`Cannot open a browser: it ended, saying:\n${text}`));
  };
  return { address: address.promise, end: read() };
}
