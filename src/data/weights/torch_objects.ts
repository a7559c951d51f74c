/**
 * What PyTorch's pickles name: storages, views of them, and the few functions that put tensors together.
 *
 * A tensor is a view of a storage: offset, sizes and strides in elements. Storages may be shared, overlap, or be expanded by
 * strides of 0. Source: torch/_utils.py, torch/storage.py.
 *
 * @module
 */
import { DataError } from "../files.ts";
import { narrowed, Opaque, PickleDict, type PickleFunction, type PickleHost } from "./pickle.ts";
import { tensorViews } from "../formats/safetensors.ts";
import { shown } from "../shown.ts";
import { elements, itemBytes, type PthDtype, type Storage, TensorView } from "./tensor_view.ts";

/** A storage, or a piece of one, as elements of a type. */
class StorageView {
  constructor(
    readonly storage: Storage,
    readonly dtype: PthDtype,
    readonly start: number,
    readonly bytes: number,
  ) {}
}

/** A storage class or a dtype, as a pickle names them. */
class ElementType {
  constructor(readonly dtype: PthDtype) {}
}

const STORAGES: Record<string, PthDtype> = {
  HalfStorage: "F16",
  BFloat16Storage: "BF16",
  FloatStorage: "F32",
  DoubleStorage: "F64",
  CharStorage: "I8",
  ShortStorage: "I16",
  IntStorage: "I32",
  LongStorage: "I64",
  ByteStorage: "U8",
  BoolStorage: "BOOL",
  UntypedStorage: "U8",
  _UntypedStorage: "U8",
};

const DTYPES: Record<string, PthDtype> = {
  float16: "F16",
  bfloat16: "BF16",
  float32: "F32",
  float64: "F64",
  int8: "I8",
  int16: "I16",
  int32: "I32",
  int64: "I64",
  uint8: "U8",
  bool: "BOOL",
};

/** Numbers of NumPy's, as training loops leave them in their checkpoints. */
const NUMPY = new Map<string, PthDtype>([
  ["f4", "F32"],
  ["f8", "F64"],
  ["i4", "I32"],
  ["i8", "I64"],
  ["b1", "BOOL"],
]);
const MOST_SCALAR_BYTES = 8;

/** Names that no network needs: they run, open or load something. A file with one is not to be trusted, though nothing is run. */
const FORBIDDEN =
  /^(os|posix|nt|sys|subprocess|pty|shutil|socket|runpy|importlib|ctypes|webbrowser|commands|code|pickle|marshal|types|operator|functools)\.|^(builtins|__builtin__)\.(eval|exec|execfile|compile|open|__import__|getattr|setattr|apply|input)$|\.__\w+__$/;

/** PyTorch's own limit is 64 dimensions. */
const MOST_DIMENSIONS = 64;
/** Ten times what the largest networks and their optimisers have. */
const MOST_TENSORS = 2 ** 17;

/**
 * What the pickles of one file may name.
 *
 * @param name Where the bytes came from, for messages.
 * @returns The host, and the storages that its tensors view, by key.
 */
export function torchHost(name: string): PickleHost & { storages: ReadonlyMap<string, Storage> } {
  const fail = (what: string) => new DataError(`Cannot read "${name}": ${what}`);
  const wrong = (what: string) => fail(`${what}; copy the file again or save it again`);
  const storages = new Map<string, Storage>();
  let tensors = 0;

  /** `('storage', type, key, location, elements[, (view key, offset, elements)])`: where it lay does not matter here. */
  const persistent = (id: unknown): StorageView | Opaque => {
    const [tag, type, key, _location, count, part] = Array.isArray(id) ? id : [];
    if (tag === "storage" && type instanceof Opaque) return new Opaque(type.what, true);
    if (
      tag !== "storage" || !(type instanceof ElementType) || typeof key !== "string" ||
      !isSize(count)
    ) {
      throw wrong("a storage is described in a way that is not known");
    }
    const bytes = count * itemBytes(type.dtype);
    const storage = storages.get(key) ?? { key, bytes, itemBytes: itemBytes(type.dtype) };
    if (storage.bytes !== bytes) {
      throw wrong(`storage "${shown(key)}" has ${storage.bytes} and ${bytes} bytes`);
    }
    storages.set(key, storage);
    if (part === undefined || part === null) return new StorageView(storage, type.dtype, 0, bytes);
    const [, offset, size] = Array.isArray(part) ? part : [];
    if (!isSize(offset) || !isSize(size) || offset + size > count) {
      throw wrong(`a part of storage "${shown(key)}" of ${count} elements lies outside it`);
    }
    const item = itemBytes(type.dtype);
    return new StorageView(storage, type.dtype, offset * item, size * item);
  };

  const view = (args: readonly unknown[], type?: unknown): TensorView | Opaque => {
    const [part, offset, size, stride] = args;
    if (part instanceof Opaque) return new Opaque(part.what, true);
    if (type instanceof Opaque) return new Opaque(type.what, true);
    if (
      !(part instanceof StorageView) || !isSize(offset) || !isSizes(size) || !isSizes(stride) ||
      size.length !== stride.length
    ) {
      throw wrong("a tensor is described in a way that is not known");
    }
    if (++tensors > MOST_TENSORS) throw fail(`it has more than ${MOST_TENSORS} tensors`);
    const dtype = type instanceof ElementType ? type.dtype : part.dtype;
    const item = itemBytes(dtype);
    const last = size.includes(0) ? -1 : size.reduce(
      (sum, length, dimension) => sum + (length - 1) * stride[dimension],
      offset,
    );
    if (!(elements(size) <= Number.MAX_SAFE_INTEGER) || (last + 1) * item > part.bytes) {
      throw wrong(
        `a tensor of shape (${size.join(", ")}), strides (${stride.join(", ")}) and offset ` +
          `${offset} lies outside its storage "${shown(part.storage.key)}" of ` +
          `${part.bytes / item} elements`,
      );
    }
    return new TensorView(part.storage, dtype, part.start + offset * item, [...size], [...stride]);
  };

  /** `(…, requires_grad, backward_hooks[, metadata])`: a conjugated or negated view's values are not its storage's. */
  const plain = (metadata: unknown): void => {
    if (metadata instanceof PickleDict && metadata.items.includes(true)) {
      throw fail("a tensor is a negated or conjugated view; save its .clone()");
    }
  };

  const functions: Record<string, PickleFunction> = {
    "collections.OrderedDict": dictOf,
    "collections.Counter": dictOf,
    "torch.Size": ([sizes]) => {
      if (!isSizes(sizes)) throw wrong("a torch.Size is no list of sizes");
      return [...sizes];
    },
    "torch._utils._rebuild_tensor": (args) => view(args),
    "torch._utils._rebuild_tensor_v2": (args) => {
      plain(args[6]);
      return view(args);
    },
    "torch._utils._rebuild_tensor_v3": (args) => {
      if (!(args[6] instanceof ElementType || args[6] instanceof Opaque)) {
        throw wrong("a tensor's dtype is not known");
      }
      plain(args[7]);
      return view(args, args[6]);
    },
    "torch._utils._rebuild_parameter": tensorOf,
    "torch._utils._rebuild_parameter_with_state": tensorOf,
    // Before PyTorch 0.4: Parameter(tensor), then its flags as state.
    "torch.nn.parameter.Parameter": tensorOf,
    // A tensor with attributes: (function, class, its arguments, attributes).
    "torch._tensor._rebuild_from_type_v2": ([rebuild, _type, args]) => {
      if (rebuild !== functions["torch._utils._rebuild_tensor_v2"] || !Array.isArray(args)) {
        throw wrong("a tensor is described in a way that is not known");
      }
      return functions["torch._utils._rebuild_tensor_v2"](args);
    },
    "torch.Tensor": tensorOf,
    // How protocol 2 spells bytes; only a number's matter.
    "_codecs.encode": ([text, encoding]) => {
      if (typeof text !== "string" || encoding !== "latin1") {
        throw wrong("bytes are spelled in a way that is not known");
      }
      const bytes = new Uint8Array(Math.min(text.length, MOST_SCALAR_BYTES + 1));
      for (let i = 0; i < bytes.length; i++) bytes[i] = text.charCodeAt(i);
      return bytes;
    },
    "numpy.dtype": ([code]) => {
      if (typeof code !== "string") throw wrong(`a number has NumPy's type "?"`);
      const dtype = NUMPY.get(code);
      return dtype === undefined ? new Opaque(`numpy.dtype ${code}`) : new ElementType(dtype);
    },
    "torch.device": ([...parts]) => parts.filter((part) => part !== null).join(":"), // cuda, 0
    "collections.defaultdict": () => new PickleDict(), // what it makes of missing keys does not matter
    "builtins.set": setOf,
    "builtins.frozenset": setOf,
    "__builtin__.set": setOf,
    "numpy.core.multiarray.scalar": scalar,
    "numpy._core.multiarray.scalar": scalar,
  };
  const globals = new Map<string, unknown>(Object.entries(functions));
  for (const [type, dtype] of Object.entries(STORAGES)) {
    for (const module of ["torch", "torch.cuda", "torch.storage"]) {
      globals.set(`${module}.${type}`, new ElementType(dtype));
    }
  }
  for (const [type, dtype] of Object.entries(DTYPES)) {
    globals.set(`torch.${type}`, new ElementType(dtype));
  }

  function dictOf([items]: readonly unknown[]): PickleDict {
    const dict = new PickleDict();
    if (items === undefined) return dict;
    if (items instanceof PickleDict) return items;
    for (const pair of Array.isArray(items) ? items : [items]) { // Python 2: a list of pairs
      if (!Array.isArray(pair) || pair.length !== 2) throw wrong("a dict is no list of pairs");
      dict.items.push(pair[0], pair[1]);
    }
    return dict;
  }

  function tensorOf([tensor]: readonly unknown[]): TensorView | Opaque {
    if (tensor instanceof Opaque) return tensor;
    if (!(tensor instanceof TensorView)) throw wrong("a parameter is no tensor");
    return tensor;
  }

  function setOf([items = []]: readonly unknown[]): unknown[] {
    if (!Array.isArray(items)) throw wrong("a set is no list of items");
    return [...items];
  }

  function scalar([type, bytes]: readonly unknown[]): number | bigint | boolean | Opaque {
    if (type instanceof Opaque) return type;
    if (
      !(type instanceof ElementType) || !(bytes instanceof Uint8Array) ||
      bytes.length !== itemBytes(type.dtype)
    ) {
      throw wrong("a number is described in a way that is not known");
    }
    const [value] = new tensorViews[type.dtype](bytes.slice().buffer);
    return type.dtype === "BOOL" ? value !== 0 : narrowed(value);
  }

  return {
    name,
    globals,
    storages,
    persistent,
    unknown: (name) => FORBIDDEN.test(name) ? undefined : new Opaque(name),
    opaque: ({ what, isTensor }, args) => new Opaque(what, isTensor || args.some(isOfTensors)),
    setState(object, state) {
      if (object instanceof TensorView) return; // its flags and hooks
      // NumPy's dtype: (version, byte order, …)
      const order = Array.isArray(state) ? state[1] : undefined;
      if (!(object instanceof ElementType) || (order !== "<" && order !== "|")) {
        throw wrong("an object has a state that is not known");
      }
    },
  };
}

/** Whether an argument is a tensor, its memory, or a list that begins with some. */
function isOfTensors(value: unknown): boolean {
  const values = Array.isArray(value) ? value.slice(0, 4) : [value];
  return values.some((value) =>
    value instanceof TensorView || value instanceof StorageView ||
    (value instanceof Opaque && value.isTensor)
  );
}

function isSize(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0;
}

function isSizes(value: unknown): value is number[] {
  return Array.isArray(value) && value.length <= MOST_DIMENSIONS && value.every(isSize);
}
