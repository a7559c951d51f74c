import { encodeZip } from "../../src/data/formats/zip.ts";

/** Bytes of a pickle or file from pieces: texts (a byte a letter), numbers, bytes. */
export function bytesOf(...pieces: (string | number | Uint8Array)[]): Uint8Array<ArrayBuffer> {
  const parts = pieces.map((piece) => {
    if (typeof piece === "number") return Uint8Array.of(piece);
    if (typeof piece !== "string") return piece;
    const letters = new Uint8Array(piece.length);
    for (let i = 0; i < piece.length; i++) letters[i] = piece.charCodeAt(i);
    return letters;
  });
  const bytes = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    bytes.set(part, at);
    at += part.length;
  }
  return bytes;
}

/** `X`: a text as a pickle has it. */
export function text(value: string): Uint8Array {
  return bytesOf("X", int32(value.length), value);
}

/** `J`: a whole number as a pickle has it. */
export function integer(value: number): Uint8Array {
  return bytesOf("J", int32(value));
}

function int32(value: number): Uint8Array {
  return new Uint8Array(Int32Array.of(value).buffer);
}

/** What a test says about a tensor; the rest is a float32 vector of its storage `0`. */
export interface PickledTensor {
  storage?: string;
  key?: string;
  location?: string;
  elements: number;
  /** A piece of the storage: offset and elements. */
  part?: [number, number];
  offset?: number;
  shape: number[];
  strides: number[];
}

/** The opcodes that push a tensor. */
export function pickledTensor(tensor: PickledTensor): Uint8Array {
  const { storage = "FloatStorage", key = "0", location = "cpu", offset = 0 } = tensor;
  const sizes = (values: number[]) => bytesOf("(", ...values.map(integer), "t");
  return bytesOf(
    ...["ctorch._utils\n_rebuild_tensor_v2\n((", text("storage"), `ctorch\n${storage}\n`],
    ...[text(key), text(location), integer(tensor.elements)],
    tensor.part ? bytesOf("(", text("part"), ...tensor.part.map(integer), "t") : "",
    ...["tQ", integer(offset), sizes(tensor.shape), sizes(tensor.strides)],
    ...[0x89, "ccollections\nOrderedDict\n)RtR"],
  );
}

/** A PyTorch file in the zip format: its pickle without PROTO and STOP, and its storages. */
export function zipFile(
  pickle: Uint8Array | string,
  storages: Record<string, ArrayBufferView<ArrayBuffer>> = {},
): Uint8Array<ArrayBuffer> {
  const memory = Object.entries(storages).map(([key, { buffer }]) =>
    [`archive/data/${key}`, new Uint8Array(buffer)] as const
  );
  return encodeZip({
    "archive/data.pkl": bytesOf(0x80, 2, pickle, "."),
    ...Object.fromEntries(memory),
    "archive/version": bytesOf("3\n"),
  });
}

/** A PyTorch file in the older format: its pickle without PROTO and STOP, and its storages with their elements' bytes. */
export function legacyFile(
  pickle: Uint8Array | string,
  storages: Record<string, Float32Array<ArrayBuffer>>,
): Uint8Array<ArrayBuffer> {
  const one = (code: Uint8Array | string) => bytesOf(0x80, 2, code, ".");
  return bytesOf(
    one(bytesOf(0x8a, 10, "\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19")),
    one("M\xe9\x03"),
    one(bytesOf("}", text("little_endian"), 0x88, "s")),
    one(pickle),
    one(bytesOf("](", ...Object.keys(storages).map(text), "e")),
    ...Object.values(storages).flatMap((data) => [
      new Uint8Array(BigInt64Array.of(BigInt(data.length)).buffer),
      new Uint8Array(data.buffer),
    ]),
  );
}
