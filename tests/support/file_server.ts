/** What a client asked for. */
export interface FileRequest {
  path: string;
  /** The first byte asked for; undefined where it asked for all. */
  from?: number | undefined;
  /** The version that a range must be of. */
  ifRange?: string | undefined;
}

/** What is sent, as it stands: nothing here is made true. */
export interface Reply {
  /** Default 200. */
  status?: number;
  /** An empty one leaves out what is sent otherwise. */
  headers?: Record<string, string>;
  body?: Uint8Array;
  /** Closes the connection after so many bytes of the body. */
  cutAfter?: number | undefined;
  /** Sends nothing more after so many bytes of the body, and keeps the connection open. */
  stallAfter?: number | undefined;
}

/** A server on this machine that answers as badly as it is told. */
export interface FileServer extends AsyncDisposable {
  url: string;
  host: string;
  /** All that was asked, in order. */
  requests: FileRequest[];
}

/**
 * Starts a server that speaks HTTP over a plain socket, since `Deno.serve` would not lie about a length.
 *
 * @param reply Answers the request with number `nth`, from 0.
 */
export function serveFiles(reply: (request: FileRequest, nth: number) => Reply): FileServer {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const requests: FileRequest[] = [];
  const held: Deno.Conn[] = [];
  const answer = async (connection: Deno.Conn) => {
    const request = await readRequest(connection);
    const { status = 200, headers = {}, body = new Uint8Array(), cutAfter, stallAfter } = reply(
      request,
      requests.push(request) - 1,
    );
    const lines = Object.entries({ "content-length": String(body.length), ...headers })
      .filter(([, value]) => value !== "");
    const head = [
      `HTTP/1.1 ${status} said`,
      ...lines.map((line) => line.join(": ")),
      "connection: close",
    ];
    await writeAll(connection, new TextEncoder().encode(head.join("\r\n") + "\r\n\r\n"));
    await writeAll(connection, body.subarray(0, cutAfter ?? stallAfter));
    if (stallAfter === undefined) connection.close();
    else held.push(connection);
  };
  const answers: Promise<void>[] = [];
  const listening = (async () => {
    for await (const connection of listener) answers.push(answer(connection).catch(() => {}));
  })();
  const { port } = listener.addr as Deno.NetAddr;
  return {
    url: `http://127.0.0.1:${port}/data.zip`,
    host: `127.0.0.1:${port}`,
    requests,
    async [Symbol.asyncDispose]() {
      listener.close();
      await listening;
      await Promise.all(answers);
      for (const connection of held) connection.close();
    },
  };
}

/** The honest answer: the whole file, or what was asked of it if it is still the same. */
export function honest(file: Uint8Array, { from, ifRange }: FileRequest, etag = '"1"'): Reply {
  if (from === undefined || ifRange !== etag) return { headers: { etag }, body: file };
  return {
    status: 206,
    headers: { etag, "content-range": `bytes ${from}-${file.length - 1}/${file.length}` },
    body: file.subarray(from),
  };
}

async function readRequest(connection: Deno.Conn): Promise<FileRequest> {
  const buffer = new Uint8Array(4096);
  let text = "";
  while (!text.includes("\r\n\r\n")) {
    const read = await connection.read(buffer);
    if (read === null) throw new Error("the client went away");
    text += new TextDecoder().decode(buffer.subarray(0, read));
  }
  const from = /^range: bytes=(\d+)-\r$/im.exec(text)?.[1];
  return {
    path: text.split(" ")[1],
    from: from === undefined ? undefined : Number(from),
    ifRange: /^if-range: (.*)\r$/im.exec(text)?.[1],
  };
}

async function writeAll(connection: Deno.Conn, bytes: Uint8Array): Promise<void> {
  for (let at = 0; at < bytes.length;) at += await connection.write(bytes.subarray(at));
}
