import { elements, itemBytes, type PthDtype, type PthTensor } from "./tensor_view.ts";
import { encodeStoredZip } from "../formats/zip.ts";

/** What `torch.load` takes for each element type's storage. */
const STORAGES: Record<PthDtype, string> = {
  F16: "HalfStorage",
  BF16: "BFloat16Storage",
  F32: "FloatStorage",
  F64: "DoubleStorage",
  I8: "CharStorage",
  I16: "ShortStorage",
  I32: "IntStorage",
  I64: "LongStorage",
  U8: "ByteStorage",
  BOOL: "BoolStorage",
};

/**
 * Encodes tensors as a state_dict that `torch.load` accepts (zip format, PyTorch 1.4 and later): an OrderedDict of names, each
 * tensor with a storage of its own, uncompressed at a multiple of 64 bytes. Equal tensors give equal bytes.
 *
 * @throws {RangeError} If a tensor's data does not have its shape's size, or the file would be larger than 4 GiB.
 */
export function encodePth(tensors: ReadonlyMap<string, PthTensor>): Uint8Array<ArrayBuffer> {
  const pickle = new PickleWriter();
  const files = new Map<string, Uint8Array>([["archive/data.pkl", new Uint8Array(0)]]);
  pickle.byte(0x80, 2); // PROTO
  pickle.global("collections", "OrderedDict");
  pickle.byte(EMPTY_TUPLE, REDUCE, MARK);
  for (const [name, { dtype, shape, data }] of tensors) {
    const size = elements(shape);
    if (data.length !== size) {
      throw new RangeError(
        `Cannot encode tensor "${name}": shape (${shape.join(", ")}) needs ${size} values, ` +
          `found ${data.length}`,
      );
    }
    const key = String(files.size - 1);
    files.set(
      `archive/data/${key}`,
      new Uint8Array(data.buffer, data.byteOffset, size * itemBytes(dtype)),
    );
    pickle.text(name);
    // _rebuild_tensor_v2(storage, offset, sizes, strides, requires_grad, hooks)
    pickle.global("torch._utils", "_rebuild_tensor_v2");
    pickle.byte(MARK, MARK);
    pickle.text("storage");
    pickle.global("torch", STORAGES[dtype]);
    pickle.text(key);
    pickle.text("cpu");
    pickle.integer(size);
    pickle.byte(TUPLE, 0x51); // BINPERSID
    pickle.integer(0);
    pickle.integers(shape);
    pickle.integers(shape.map((_, dimension) => elements(shape.slice(dimension + 1))));
    pickle.byte(0x89); // NEWFALSE
    pickle.global("collections", "OrderedDict");
    pickle.byte(EMPTY_TUPLE, REDUCE, TUPLE, REDUCE);
  }
  pickle.byte(0x75, 0x2e); // SETITEMS, STOP
  files.set("archive/data.pkl", pickle.bytes());
  const text = (words: string) => new TextEncoder().encode(words);
  return encodeStoredZip(
    files.set("archive/byteorder", text("little")).set("archive/version", text("3\n")),
  );
}

const MARK = 0x28, TUPLE = 0x74, EMPTY_TUPLE = 0x29, REDUCE = 0x52;

/** Writes the opcodes that {@linkcode encodePth} needs; names and repeated texts once, then from the memo. */
class PickleWriter {
  readonly #code: number[] = [];
  readonly #memo = new Map<string, number>();

  byte(...bytes: number[]): void {
    this.#code.push(...bytes);
  }

  #uint32(value: number): void {
    this.byte(value & 255, value >>> 8 & 255, value >>> 16 & 255, value >>> 24);
  }

  /** What `write` pushes, remembered under `key`. */
  #once(key: string, write: () => void): void {
    const index = this.#memo.get(key);
    if (index !== undefined) {
      this.byte(0x6a); // LONG_BINGET
      return this.#uint32(index);
    }
    write();
    this.byte(0x72); // LONG_BINPUT
    this.#uint32(this.#memo.size);
    this.#memo.set(key, this.#memo.size);
  }

  global(module: string, name: string): void {
    this.#once(`${module} ${name}`, () => {
      this.byte(0x63, ...new TextEncoder().encode(`${module}\n${name}\n`)); // GLOBAL
    });
  }

  text(text: string): void {
    this.#once(`"${text}"`, () => {
      const bytes = new TextEncoder().encode(text);
      this.byte(0x58); // BINUNICODE
      this.#uint32(bytes.length);
      for (const byte of bytes) this.byte(byte);
    });
  }

  /** Whole numbers from 0 to 2⁵³. */
  integer(value: number): void {
    if (value < 2 ** 31) {
      this.byte(0x4a); // BININT
      this.#uint32(value);
    } else {
      this.byte(0x8a, 8); // LONG1
      this.#uint32(value % 2 ** 32);
      this.#uint32(Math.floor(value / 2 ** 32));
    }
  }

  integers(values: readonly number[]): void {
    this.byte(MARK);
    for (const value of values) this.integer(value);
    this.byte(TUPLE);
  }

  bytes(): Uint8Array<ArrayBuffer> {
    return Uint8Array.from(this.#code);
  }
}
