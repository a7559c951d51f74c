/**
 * Reads Python's pickles, protocols 2 to 5, without running anything.
 *
 * A pickle is a program for a small stack machine. It can name any Python function and call it; here a name stands for what
 * the caller's table gives it, and every other one for nothing, or is refused. Text opcodes of protocol 0 and 1, which no PyTorch file has, are
 * refused too (but for `INT`, which Python 2 wrote). Opcodes: CPython's Lib/pickletools.py.
 *
 * @module
 */
import { DataError } from "../files.ts";
import { shown } from "../shown.ts";

/** A Python dict or OrderedDict. */
export class PickleDict {
  /** Key, value, key, value …, in the order of setting and as often as they were set. */
  readonly items: unknown[] = [];
}

/** An object that is not known here, nor what it holds: what calling an unknown name gives, and that name itself. */
export class Opaque {
  /**
   * @param what The name in the pickle.
   * @param isTensor Whether it was made of a tensor or its memory.
   */
  constructor(readonly what: string, readonly isTensor: boolean = false) {}
}

/** Stands for a Python function or class: makes what a call of it with these arguments gives. */
export type PickleFunction = (args: readonly unknown[]) => unknown;

/** What a pickle may name, and what its outside references mean. */
export interface PickleHost {
  /** By `module.name`: functions are called, other values stand for themselves. */
  readonly globals: ReadonlyMap<string, unknown>;
  /** What a name stands for that is not among them; undefined: it is refused. */
  unknown?(name: string): Opaque | undefined;
  /** What a call of an opaque name gives. */
  opaque?(callable: Opaque, args: readonly unknown[]): Opaque;
  /** The object of a persistent id. */
  persistent(id: unknown): unknown;
  /** Gives an object its `__setstate__` state; a dict's attributes never get here. */
  setState(object: unknown, state: unknown): void;
  /** Where the bytes came from, for messages. */
  readonly name: string;
}

/** A pickle of so many bytes describes more than any network has: PyTorch's take 250 a tensor. */
export const MOST_PICKLE_BYTES: number = 2 ** 24;
/** Objects and their items, memo and stack have at most so many entries; PyTorch's have 10 a tensor. */
const MOST_OBJECTS = 2 ** 20;

/**
 * Runs one pickle.
 *
 * None is `null`; ints are numbers, beyond 2⁵³ bigints; tuples, lists and sets are arrays; bytes are views of the file's.
 *
 * @param start Where it begins in `bytes`.
 * @returns Its value, and where the next byte after it is.
 * @throws {DataError} If it is damaged or cut short, names what is not in `host.globals`, or is out of all proportion.
 */
export function unpickle(
  bytes: Uint8Array,
  start: number,
  host: PickleHost,
): { value: unknown; end: number } {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const limit = Math.min(bytes.length, start + MOST_PICKLE_BYTES);
  const stack: unknown[] = [], marks: number[] = [], memo = new Map<number, unknown>();
  let at = start, objects = 0;

  const fail = (what: string) => new DataError(`Cannot read "${host.name}": ${what}`);
  const damaged = (what: string) =>
    fail(`its pickle is damaged (${what}, byte ${at}); copy the file again`);
  const tooMuch = (what: string) =>
    fail(`its pickle has more than ${what}; save only the network's state_dict()`);

  /** Where the next `count` bytes are. */
  const take = (count: number): number => {
    if (count > limit - at) {
      throw limit < bytes.length ? tooMuch(`${MOST_PICKLE_BYTES} bytes`) : damaged("it ends early");
    }
    at += count;
    return at - count;
  };
  const take8 = () => Number(view.getBigUint64(take(8), true));
  const push = (value: unknown): void => {
    if (stack.length >= MOST_OBJECTS) throw tooMuch(`${MOST_OBJECTS} objects`);
    stack.push(value);
  };
  const count = (more: number): void => {
    objects += more;
    if (objects > MOST_OBJECTS) throw tooMuch(`${MOST_OBJECTS} objects`);
  };
  const make = (value: unknown): void => {
    count(1);
    push(value);
  };
  const needs = (count: number): void => {
    if (stack.length - (marks.at(-1) ?? 0) < count) throw damaged("its stack is empty");
  };
  const pop = (): unknown => {
    needs(1);
    return stack.pop();
  };
  const top = (): unknown => {
    needs(1);
    return stack[stack.length - 1];
  };
  const popTuple = (count: number): unknown[] => {
    needs(count);
    return stack.splice(stack.length - count);
  };
  const popToMark = (): unknown[] => {
    const mark = marks.pop();
    if (mark === undefined) throw damaged("a mark is missing");
    return stack.splice(mark);
  };
  const append = (target: unknown[], items: readonly unknown[]): void => {
    count(items.length);
    for (const item of items) target.push(item);
  };
  const list = (): unknown[] => {
    const value = top();
    if (value instanceof Opaque) return [];
    if (!Array.isArray(value)) throw damaged("it adds items to what is no list");
    return value;
  };
  const dict = (): PickleDict => {
    const value = top();
    if (value instanceof Opaque) return new PickleDict();
    if (!(value instanceof PickleDict)) throw damaged("it sets an entry of what is no dict");
    return value;
  };
  const remember = (index: number): void => {
    if (memo.size >= MOST_OBJECTS) throw tooMuch(`${MOST_OBJECTS} objects`);
    memo.set(index, top());
  };
  const recall = (index: number): void => {
    const value = memo.get(index);
    if (value === undefined) throw damaged(`entry ${index} of its memo is missing`);
    push(value);
  };
  const text = (length: number): string => {
    const from = take(length);
    try {
      return UTF8.decode(bytes.subarray(from, at));
    } catch {
      throw damaged("a string is not UTF-8");
    }
  };
  const line = (): string => {
    const length = bytes.indexOf(NEWLINE, at) - at;
    if (length < 0 || length > MOST_LINE) throw damaged("a line does not end");
    const found = text(length);
    take(1);
    return found;
  };
  const raw = (length: number): Uint8Array => {
    const from = take(length);
    return bytes.subarray(from, at);
  };
  const name = (module: unknown, name: unknown): void => {
    if (typeof module !== "string" || typeof name !== "string") throw damaged("a name is no text");
    const path = `${module}.${name}`;
    const value = host.globals.get(path) ?? host.unknown?.(path);
    if (value === undefined) {
      throw fail(
        `it wants to call ${shown(path)}; only tensors and plain values are read; ` +
          "save the network's state_dict() with torch.save",
      );
    }
    make(value);
  };
  const call = (): void => {
    const args = pop(), callable = pop();
    if (callable instanceof Opaque && Array.isArray(args)) {
      return make(host.opaque?.(callable, args) ?? callable);
    }
    if (typeof callable !== "function" || !Array.isArray(args)) {
      throw damaged("it calls what is no function");
    }
    const value = (callable as PickleFunction)(args);
    if (value instanceof PickleDict) count(value.items.length);
    make(value);
  };
  const build = (): void => {
    const state = pop(), object = top();
    // An OrderedDict's attributes are no entries: `_metadata` of a state_dict.
    if (!(object instanceof PickleDict || object instanceof Opaque)) host.setState(object, state);
  };
  const setItems = (items: readonly unknown[]): void => {
    if (items.length % 2 > 0) throw damaged("a dict's last key has no value");
    append(dict().items, items);
  };
  const integer = (length: number): number | bigint => {
    if (length > MOST_INTEGER_BYTES) throw tooMuch(`${MOST_INTEGER_BYTES} bytes in a number`);
    const from = take(length);
    let value = 0n;
    for (let i = at - 1; i >= from; i--) value = value << 8n | BigInt(bytes[i]);
    return narrowed(BigInt.asIntN(8 * length, value));
  };

  for (;;) {
    const opcode = bytes[take(1)];
    switch (opcode) {
      case 0x80: { // PROTO
        const protocol = bytes[take(1)];
        if (protocol > 5) throw fail(`its pickle has protocol ${protocol}, wanted 2 to 5`);
        break;
      }
      case 0x95: // FRAME: only says how much to read at once
        take(8);
        break;
      case 0x2e: // STOP
        return { value: pop(), end: at };

      case 0x28: // MARK
        if (marks.length >= MOST_OBJECTS) throw tooMuch(`${MOST_OBJECTS} objects`);
        marks.push(stack.length);
        break;
      case 0x30: // POP
        pop();
        break;
      case 0x31: // POP_MARK
        popToMark();
        break;
      case 0x32: // DUP
        push(top());
        break;

      case 0x71: // BINPUT
        remember(bytes[take(1)]);
        break;
      case 0x72: // LONG_BINPUT
        remember(view.getUint32(take(4), true));
        break;
      case 0x94: // MEMOIZE
        remember(memo.size);
        break;
      case 0x68: // BINGET
        recall(bytes[take(1)]);
        break;
      case 0x6a: // LONG_BINGET
        recall(view.getUint32(take(4), true));
        break;

      case 0x4e: // NONE
        push(null);
        break;
      case 0x88: // NEWTRUE
        push(true);
        break;
      case 0x89: // NEWFALSE
        push(false);
        break;
      case 0x4b: // BININT1
        push(bytes[take(1)]);
        break;
      case 0x4d: // BININT2
        push(view.getUint16(take(2), true));
        break;
      case 0x4a: // BININT
        push(view.getInt32(take(4), true));
        break;
      case 0x8a: // LONG1
        push(integer(bytes[take(1)]));
        break;
      case 0x8b: // LONG4
        push(integer(view.getUint32(take(4), true)));
        break;
      case 0x49: { // INT, decimal
        const digits = line();
        if (!/^-?\d{1,20}$/.test(digits)) throw damaged("a number is no number");
        push(digits === "01" ? true : digits === "00" ? false : narrowed(BigInt(digits)));
        break;
      }
      case 0x47: // BINFLOAT
        push(view.getFloat64(take(8), false));
        break;

      case 0x58: // BINUNICODE
      case 0x54: // BINSTRING of Python 2
        make(text(view.getUint32(take(4), true)));
        break;
      case 0x8c: // SHORT_BINUNICODE
      case 0x55: // SHORT_BINSTRING of Python 2
        make(text(bytes[take(1)]));
        break;
      case 0x8d: // BINUNICODE8
        make(text(take8()));
        break;
      case 0x43: // SHORT_BINBYTES
        make(raw(bytes[take(1)]));
        break;
      case 0x42: // BINBYTES
        make(raw(view.getUint32(take(4), true)));
        break;
      case 0x8e: // BINBYTES8
      case 0x96: // BYTEARRAY8
        make(raw(take8()));
        break;

      case 0x29: // EMPTY_TUPLE
      case 0x5d: // EMPTY_LIST
      case 0x8f: // EMPTY_SET
        make([]);
        break;
      case 0x85: // TUPLE1
        make(popTuple(1));
        break;
      case 0x86: // TUPLE2
        make(popTuple(2));
        break;
      case 0x87: // TUPLE3
        make(popTuple(3));
        break;
      case 0x74: // TUPLE
      case 0x6c: // LIST
      case 0x91: // FROZENSET
        make(popToMark());
        break;
      case 0x61: { // APPEND
        const items = popTuple(1);
        append(list(), items);
        break;
      }
      case 0x65: // APPENDS
      case 0x90: { // ADDITEMS
        const items = popToMark();
        append(list(), items);
        break;
      }
      case 0x7d: // EMPTY_DICT
        make(new PickleDict());
        break;
      case 0x73: // SETITEM
        setItems(popTuple(2));
        break;
      case 0x75: // SETITEMS
        setItems(popToMark());
        break;

      case 0x63: { // GLOBAL
        const module = line();
        name(module, line());
        break;
      }
      case 0x93: { // STACK_GLOBAL
        const last = pop();
        name(pop(), last);
        break;
      }
      case 0x52: // REDUCE
      case 0x81: // NEWOBJ
        call();
        break;
      case 0x92: { // NEWOBJ_EX: class, arguments, arguments by name
        const named = pop();
        if (!(named instanceof PickleDict)) throw damaged("arguments by name are no dict");
        call();
        break;
      }
      case 0x62: // BUILD
        build();
        break;
      case 0x51: // BINPERSID
        make(host.persistent(pop()));
        break;
      default:
        throw damaged(`opcode 0x${opcode.toString(16).padStart(2, "0")} is not known`);
    }
  }
}

const UTF8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
const NEWLINE = 0x0a;
const MOST_LINE = 1024;
const MOST_INTEGER_BYTES = 16;

/** A number where one holds the integer exactly. */
export function narrowed(value: number | bigint): number | bigint {
  const number = Number(value);
  return Number.isSafeInteger(number) ? number : value;
}
