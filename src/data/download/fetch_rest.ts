import { formatBytes } from "../byte_size.ts";
import { DataError } from "../files.ts";
import type { PartFile, ServedFile } from "./part_file.ts";

/** What is known of a file before it is fetched, and how patiently a connection is. */
export interface FetchOptions {
  /** Its size, where that is known. */
  bytes?: number;
  /** The bytes that it starts with: what starts otherwise (a web page, say) is refused at once. */
  signature?: readonly number[];
  /** Milliseconds without a byte after which a connection is given up. Default 30000. */
  stallMs?: number;
  /** Ends it; what has come stays, and the next call goes on. */
  signal?: AbortSignal;
  /** Hears how much has come; `total` is undefined where the server does not tell. */
  onProgress?: (stage: "fetching" | "hashing", bytes: number, total?: number) => void;
  /** Hears of what went wrong and was mended, a sentence each. */
  onNotice?: (notice: string) => void;
}

/** Something that another attempt may mend. */
export class Interruption extends Error {}

/**
 * One connection: asks for what is missing of a file, and appends what comes.
 *
 * @throws {Interruption} If the server or the connection fails in a way that another attempt may mend.
 * @throws {DataError} If another attempt would not help.
 */
export async function fetchRest(
  url: string,
  part: PartFile,
  options: FetchOptions,
): Promise<void> {
  const { stallMs = 30_000, signature = [], signal, onProgress } = options;
  using stall = new StallClock(stallMs);
  try {
    const signals = [stall.signal, ...(signal ? [signal] : [])];
    const response = await request(url, rangeHeaders(part), AbortSignal.any(signals));
    await readHead(url, response, part, options);
    const head: number[] = [];
    const isBegun = part.bytes > 0;
    for await (const chunk of response.body ?? []) {
      stall.reset();
      if (!isBegun) head.push(...chunk.subarray(0, signature.length - head.length));
      if (head.some((byte, i) => byte !== signature[i])) await refuseContent(url, response, part);
      await part.append(chunk);
      onProgress?.("fetching", part.bytes, part.served.total);
    }
    if (!isBegun && head.length < signature.length) await refuseContent(url, response, part);
  } catch (error) {
    if (error instanceof DataError || error instanceof Interruption) throw error;
    if (stall.signal.aborted) throw new Interruption(`nothing came for ${stallMs / 1000} s`);
    const message = rootMessage(error);
    if (/certificate/i.test(message)) {
      throw new DataError(`Cannot fetch "${url}": the server cannot prove who it is (${message})`);
    }
    throw new Interruption(`the connection failed (${message})`);
  }
  const { total } = part.served;
  if (total === undefined || part.bytes === total) return;
  const { bytes } = part;
  if (bytes < total) throw new Interruption(`${formatBytes(total - bytes)} did not come`);
  await part.restart();
  throw contradiction(url, `${total} bytes`, `${bytes} or more came`);
}

/** Asks for the part that is missing, of the same version only. */
function rangeHeaders({ bytes, served: { validator } }: PartFile): HeadersInit {
  const plain = { "accept-encoding": "identity" }; // ranges are of the file, not of its compressed form
  if (bytes === 0 || validator === undefined) return plain;
  return { ...plain, range: `bytes=${bytes}-`, "if-range": validator };
}

const REDIRECTS = [301, 302, 303, 307, 308];

/** Fetches with redirects followed by hand, so that the one that goes too far can be named. */
async function request(
  url: string,
  headers: HeadersInit,
  signal: AbortSignal,
): Promise<Response> {
  let address = new URL(url);
  for (let hop = 0; hop < 10; hop++) {
    let response: Response;
    try {
      response = await fetch(address, { headers, signal, redirect: "manual" });
    } catch (error) {
      if (!(error instanceof Deno.errors.NotCapable)) throw error;
      throw new DataError(
        `Cannot fetch "${url}": ` +
          (hop > 0
            ? `it redirects to "${address}", and only ${new URL(url).host} may be spoken with; ` +
              "if you trust that, name this address itself"
            : error.message),
      );
    }
    const location = response.headers.get("location");
    if (!REDIRECTS.includes(response.status) || location === null) return response;
    await response.body?.cancel();
    const next = new URL(location, address);
    const isSafer = next.protocol === "https:" || next.protocol === address.protocol;
    if (!isSafer) {
      throw new DataError(`Cannot fetch "${url}": it redirects to "${next}", which is less safe`);
    }
    address = next;
  }
  throw new DataError(`Cannot fetch "${url}": it redirects again and again`);
}

/** Decides by status and headers whether the body goes on where `part` ends, or is the file from its start. */
async function readHead(
  url: string,
  response: Response,
  part: PartFile,
  { bytes: wanted, onNotice }: FetchOptions,
): Promise<void> {
  const { status, headers } = response;
  const refuse = async (error: Error) => {
    await response.body?.cancel();
    throw error;
  };
  const known = part.served.total;
  if (status === 206) {
    const [, start, , total] = contentRange(headers);
    if (
      Number(start) !== part.bytes ||
      (known !== undefined && total !== "*" && Number(total) !== known)
    ) {
      const asked = `byte ${part.bytes} of ${known ?? "the file"}`;
      await part.restart();
      await refuse(
        new Interruption(`asked for ${asked}, the server sends "${headers.get("content-range")}"`),
      );
    }
    return;
  }
  if (status === 416) {
    const { bytes } = part;
    await part.restart();
    await refuse(contradiction(url, `${known ?? "more"} bytes`, `it has none after ${bytes}`));
  }
  if (status === 408 || status === 429 || status >= 500) {
    await refuse(new Interruption(`the server answers ${status}`));
  }
  if (status !== 200) {
    await refuse(
      new DataError(`Cannot fetch "${url}": the server answers ${status}${statusWords(status)}`),
    );
  }
  const served = servedFile(headers);
  if (wanted !== undefined && served.total !== undefined && served.total !== wanted) {
    await refuse(
      new DataError(
        `Cannot fetch "${url}": it has ${served.total} bytes, wanted ${wanted}; it is another file`,
      ),
    );
  }
  if (part.bytes > 0) {
    onNotice?.(
      "The server sends the file from its start: it has changed, or cannot be cut in parts.",
    );
  }
  await part.restart(served);
}

/** `bytes 700-999/1000`: all, first, last, total. */
function contentRange(headers: Headers): string[] {
  return /^bytes (\d+)-(\d+)\/(\d+|\*)$/.exec(headers.get("content-range") ?? "") ?? [];
}

function servedFile(headers: Headers): ServedFile {
  const length = headers.get("content-encoding") === null ? headers.get("content-length") : null;
  const etag = headers.get("etag");
  const isStrong = etag !== null && !etag.startsWith("W/"); // weak ones do not promise equal bytes
  return {
    total: length === null ? undefined : Number(length),
    validator: (isStrong ? etag : headers.get("last-modified")) ?? undefined,
  };
}

async function refuseContent(url: string, { headers }: Response, part: PartFile): Promise<never> {
  await part.restart();
  const type = headers.get("content-type")?.split(";")[0] ?? "something";
  const what = type === "text/html" ? "a web page" : type;
  throw new DataError(
    `Cannot fetch "${url}": it sends ${what}, and not the file; check the address`,
  );
}

function contradiction(url: string, said: string, found: string): DataError {
  return new DataError(
    `Cannot fetch "${url}": the server contradicts itself: it promised ${said}, and ${found}; name a mirror`,
  );
}

function statusWords(status: number): string {
  if (status === 404 || status === 410) return " (there is no such file)";
  return status === 401 || status === 403 ? " (it wants a permission)" : "";
}

type Timer = ReturnType<typeof setTimeout>;

/** Aborts its signal when it has not been reset for a time. */
class StallClock implements Disposable {
  readonly #controller = new AbortController();
  readonly #ms: number;
  #timer: Timer;

  constructor(ms: number) {
    this.#ms = ms;
    this.#timer = this.#start();
  }

  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  reset(): void {
    clearTimeout(this.#timer);
    this.#timer = this.#start();
  }

  [Symbol.dispose](): void {
    clearTimeout(this.#timer);
  }

  #start(): Timer {
    return setTimeout(() => this.#controller.abort(), this.#ms);
  }
}

/** What went wrong, from the bottom: `fetch failed` alone tells nothing. */
function rootMessage(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return error.cause === undefined ? error.message : rootMessage(error.cause);
}
