/**
 * PyTorch's files: what `torch.save` writes, in the zip format (PyTorch 1.4 and later) and in the one before.
 *
 * - zip: `<root>/data.pkl` describes the objects; `<root>/data/<key>` is the memory of storage `<key>`.
 * - legacy: four pickles in a row (magic number, version, the machine, the objects), a fifth with the storages' keys, then each
 *   storage as an int64 count of elements and its memory.
 *
 * Source: torch/serialization.py.
 *
 * @module
 */
import { DataError } from "../files.ts";
import { MOST_PICKLE_BYTES, Opaque, PickleDict, unpickle } from "./pickle.ts";
import { shown } from "../shown.ts";
import { gather, type PthTensor, type Storage, TensorView } from "./tensor_view.ts";
import { torchHost } from "./torch_objects.ts";
import { openZip } from "../formats/zip.ts";

export { encodePth } from "./encode_pth.ts";
export type { PthDtype, PthTensor } from "./tensor_view.ts";

/** A number, text or truth value beside the tensors. */
export type PthValue = number | bigint | string | boolean;

/** What a PyTorch file holds. */
export interface PthFile {
  /** By path, the keys of the dicts around it joined by `/`: `network_fn_d_state_dict/mlp_static.lin_in.weight`. */
  readonly tensors: Map<string, PthTensor>;
  /** What is no tensor, by path: `global_step`. None, bytes and bare storages are left out. */
  readonly values: Map<string, PthValue>;
  /** Objects that are not known here and so are left out, by path: `args` → `argparse.Namespace`. */
  readonly unknown: Map<string, string>;
  /** The container. */
  readonly format: "zip" | "legacy";
}

/** Unpacked storages and tensors take at most so many times the file's bytes, or 64 MiB. */
const MOST_TIMES = 4, ALWAYS_ALLOWED = 2 ** 26;
const MOST_DEPTH = 100;
/** Keys count too. */
const MOST_ENTRIES = 2 ** 20;

/**
 * Decodes a PyTorch file of either format; runs nothing that is in it.
 *
 * Each view becomes an array of its own, row-major. Reads dicts, lists, tuples, tensors and plain values; other objects stand for
 * nothing and are left out.
 *
 * @param name Where the bytes came from, for messages.
 * @throws {DataError} If the bytes are no such file, are damaged or cut short, if the file wants to run, open or load
 * something, has a tensor of an unknown kind among others, no tensor at all but unknown objects, two entries of one path, or claims
 * far more than it can hold.
 */
export function decodePth(bytes: Uint8Array, name: string): PthFile {
  if (bytes[0] === 0x50 && bytes[1] === 0x4b) return decodeZip(bytes, name); // "PK"
  if (bytes[0] === 0x80) return decodeLegacy(bytes, name); // a pickle's PROTO
  throw new DataError(`Cannot read "${name}": it does not begin like a PyTorch file; ${SAVE}`);
}

const SAVE = "save the network's state_dict() with torch.save";
const KIND = { what: "PyTorch file", remedy: SAVE };
// PyTorch stores its entries; a deflated byte made for it takes 10 µs to inflate
const MOST_DEFLATED_BYTES = 2 ** 16;

function decodeZip(bytes: Uint8Array, name: string): PthFile {
  const fail = (what: string) => new DataError(`Cannot read "${name}": ${what}`);
  const zip = openZip(bytes, name, KIND);
  let deflated = 0;
  for (const { method, packedBytes } of zip.entries.values()) {
    if (method !== 0) deflated += packedBytes;
  }
  if (deflated > MOST_DEFLATED_BYTES) {
    throw fail(
      `its compressed entries have ${deflated} bytes, wanted at most ${MOST_DEFLATED_BYTES}; unzip it and zip it again ` +
        `without compression (zip -0), or ${SAVE}`,
    );
  }
  const pickles = [...zip.entries.keys()].filter((key) => /(^|\/)data\.pkl$/.test(key));
  if (pickles.length !== 1) {
    throw fail(`${pickles.length} entries are named data.pkl, wanted one; ${SAVE}`);
  }
  const root = pickles[0].slice(0, -"data.pkl".length);
  if (zip.entries.has(`${root}constants.pkl`)) {
    throw fail(`it is a TorchScript program; ${SAVE}`);
  }
  const entry = (key: string) => zip.entries.get(root + key);
  const label = (key: string) => `${name}[${key}]`;
  const order = entry("byteorder");
  if (order !== undefined) {
    const small = order.bytes < 100; // else it is not worth unpacking
    const text = small ? new TextDecoder().decode(zip.extract(order, label("byteorder"))) : "…";
    if (text !== "little") {
      throw fail(`its byte order is "${shown(text)}", wanted "little"; ${SAVE}`);
    }
  }
  const pickle = entry("data.pkl")!;
  if (pickle.bytes > MOST_PICKLE_BYTES) {
    throw fail(
      `its pickle has ${pickle.bytes} bytes, wanted at most ${MOST_PICKLE_BYTES}; ${SAVE}`,
    );
  }
  const host = torchHost(name);
  const { value } = unpickle(zip.extract(pickle, label("data.pkl")), 0, host);
  const budget = makeBudget(bytes.length, name);
  const memory = (storage: Storage): Uint8Array => {
    const key = `data/${shown(storage.key)}`, found = entry(`data/${storage.key}`);
    if (found === undefined) throw fail(`storage "${key}" is missing; copy the file again`);
    if (found.bytes !== storage.bytes) {
      throw fail(
        `storage "${key}" has ${found.bytes} bytes, wanted ${storage.bytes}; copy the file again`,
      );
    }
    if (found.method !== 0) budget(found.bytes);
    return zip.extract(found, label(key));
  };
  return { ...flatten(value, memory, budget, name), format: "zip" };
}

const MAGIC = 0x1950a86a20f9469cfc6cn, VERSION = 1001;

function decodeLegacy(bytes: Uint8Array, name: string): PthFile {
  const fail = (what: string) => new DataError(`Cannot read "${name}": ${what}`);
  const host = torchHost(name);
  let at = 0;
  const next = (): unknown => {
    const { value, end } = unpickle(bytes, at, host);
    at = end;
    return value;
  };
  if (next() !== MAGIC) throw fail(`it is a pickle, but not of torch.save; ${SAVE}`);
  const version = next();
  if (version !== VERSION) {
    const found = isPlain(version) ? shown(String(version)) : "no number";
    throw fail(`its format has version ${found}, wanted ${VERSION}; ${SAVE}`);
  }
  const machine = next();
  const little = machine instanceof PickleDict ? machine.items.indexOf("little_endian") + 1 : 0;
  if (little === 0 || !(machine instanceof PickleDict) || machine.items[little] !== true) {
    throw fail(`it is not of a little-endian machine; ${SAVE} there with torch 1.4 or later`);
  }
  const root = next(), keys = next();
  if (!Array.isArray(keys)) throw fail("its list of storages is missing; copy the file again");

  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const memories = new Map<Storage, Uint8Array>();
  for (const key of keys) {
    const storage = host.storages.get(key);
    if (storage === undefined || memories.has(storage)) {
      throw fail("its list of storages does not fit its tensors; copy the file again");
    }
    const start = at + 8, left = Math.max(0, bytes.length - start);
    const stored = left > 0 ? Number(view.getBigInt64(at, true)) * storage.itemBytes : 0;
    if (stored !== storage.bytes || stored > left) {
      throw fail(
        `storage "${shown(storage.key)}" has ${Math.min(stored, left)} bytes, ` +
          `wanted ${storage.bytes}; copy the file again`,
      );
    }
    at = start + stored;
    memories.set(storage, bytes.subarray(start, at));
  }
  const memory = (storage: Storage): Uint8Array => {
    const found = memories.get(storage);
    if (!found) throw fail(`storage "${shown(storage.key)}" is missing; copy the file again`);
    return found;
  };
  return { ...flatten(root, memory, makeBudget(bytes.length, name), name), format: "legacy" };
}

/** Spends bytes of memory; throws once they are out of proportion to the file. */
type Budget = (bytes: number) => void;

function makeBudget(fileBytes: number, name: string): Budget {
  const most = Math.max(ALWAYS_ALLOWED, MOST_TIMES * fileBytes);
  let spent = 0;
  return (bytes) => {
    spent += bytes;
    if (!(spent <= most)) {
      throw new DataError(
        `Cannot read "${name}": a file of ${fileBytes} bytes unfolds to ${spent} bytes or more, ` +
          `wanted at most ${most} (${MOST_TIMES} times the file, or 64 MiB); ` +
          "save expanded tensors by what they repeat",
      );
    }
  };
}

/** Walks through dicts and lists, gathers tensors, and names each leaf by its path. */
function flatten(
  root: unknown,
  memory: (storage: Storage) => Uint8Array,
  budget: Budget,
  name: string,
): Pick<PthFile, "tensors" | "values" | "unknown"> {
  const fail = (what: string) => new DataError(`Cannot read "${name}": ${what}`);
  const tensors = new Map<string, PthTensor>(), values = new Map<string, PthValue>();
  const unknown = new Map<string, string>();
  const leaveOut = (path: string, what: string) => unknown.set(path, shown(what));
  const memories = new Map<Storage, Uint8Array>();
  const claim = (path: string): string => {
    budget(path.length);
    if (tensors.has(path) || values.has(path)) {
      throw fail(`two entries are named "${shown(path)}"; ${SAVE}`);
    }
    return path;
  };
  const walk = (value: unknown, path: string, depth: number): void => {
    const at = (key: unknown) => depth === 0 ? String(key) : `${path}/${key}`;
    if (value instanceof TensorView) {
      claim(path);
      budget(value.bytes);
      let bytes = memories.get(value.storage);
      if (!bytes) memories.set(value.storage, bytes = memory(value.storage));
      tensors.set(path, gather(value, bytes));
    } else if (isPlain(value)) {
      values.set(claim(path), value);
    } else if (value instanceof Opaque) {
      leaveOut(path, value.what);
    } else if (Array.isArray(value)) {
      for (const [i, item] of value.entries()) walk(item, at(i), depth + 1);
    } else if (value instanceof PickleDict) {
      for (let i = 0; i < value.items.length; i += 2) {
        const key = value.items[i];
        if (key instanceof Opaque) {
          leaveOut(at(key.what), `an entry whose key is ${key.what}`);
          continue;
        }
        if (!isPlain(key)) {
          throw fail(`a key in "${shown(path)}" is neither text nor number; ${SAVE}`);
        }
        walk(value.items[i + 1], at(key), depth + 1);
      }
    }
  };
  checkExtent(root, fail);
  walk(root, "", 0);
  if (tensors.size === 0 && unknown.size > 0) {
    const [what] = unknown.values();
    throw fail(`it wants to call ${what}; only tensors and plain values are read; ${SAVE}`);
  }
  requireWholeStates(root, fail);
  return { tensors, values, unknown };
}

/** A network's tensors are all known, or it is refused: other objects beside them do not matter. */
function requireWholeStates(root: unknown, fail: (what: string) => DataError): void {
  const visit = (value: unknown, path: string): void => {
    if (Array.isArray(value)) value.forEach((item, i) => visit(item, `${path}/${i}`));
    if (!(value instanceof PickleDict) || /(^|\/)optimizer/.test(path)) return;
    const { items } = value;
    const hasTensors = items.some((item) => item instanceof TensorView);
    for (let i = 0; i < items.length; i += 2) {
      const item = items[i + 1];
      if (hasTensors && item instanceof Opaque && item.isTensor) {
        throw fail(
          `"${shown(`${path}/${items[i]}`.slice(1))}" is a tensor of ${
            shown(item.what)
          }, which is not read here; save it as a dense one of real numbers`,
        );
      }
      visit(item, `${path}/${items[i]}`);
    }
  };
  visit(root, "");
}

/** Dicts and lists may hold each other any number of times, and themselves. */
function checkExtent(root: unknown, fail: (what: string) => DataError): void {
  let entries = 0;
  const visit = (value: unknown, depth: number): void => {
    if (++entries > MOST_ENTRIES) throw fail(`it has more than ${MOST_ENTRIES} entries; ${SAVE}`);
    if (depth > MOST_DEPTH) throw fail(`it is nested deeper than ${MOST_DEPTH}; ${SAVE}`);
    const items = value instanceof PickleDict ? value.items : value;
    if (Array.isArray(items)) { for (const item of items) visit(item, depth + 1); }
  };
  visit(root, 0);
}

function isPlain(value: unknown): value is PthValue {
  return ["string", "number", "boolean", "bigint"].includes(typeof value);
}
