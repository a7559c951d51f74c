import { assertEquals, assertThrows } from "@std/assert";
import { DataError } from "../../../src/data/files.ts";
import { PickleDict, type PickleFunction, unpickle } from "../../../src/data/weights/pickle.ts";
import { bytesOf } from "../../support/pickles.ts";

const pair: PickleFunction = ([first, second]) => ({ first, second });
const host = {
  name: "x.pkl",
  globals: new Map<string, unknown>([["m.pair", pair], ["m.constant", 7]]),
  persistent: (id: unknown) => ({ id }),
  setState(object: unknown, state: unknown) {
    Object.assign(object as object, { state });
  },
};
const run = (...pieces: (string | number | Uint8Array)[]) =>
  unpickle(bytesOf(...pieces), 0, host).value;
const dict = (...items: unknown[]) => Object.assign(new PickleDict(), { items });

Deno.test("unpickle() reads numbers of every size", () => {
  assertEquals(run("K\xff."), 255);
  assertEquals(run("M\xff\xff."), 65535);
  assertEquals(run("J\xff\xff\xff\xff."), -1);
  assertEquals(run("G\x3f\xf8\0\0\0\0\0\0."), 1.5);
  assertEquals(run(0x8a, "\x00."), 0);
  assertEquals(run(0x8a, "\x01\x80."), -128);
  assertEquals(run(0x8a, "\x08\0\0\0\0\0\0\x20\0."), 2n ** 53n);
  assertEquals(run(0x8a, "\x07\xff\xff\xff\xff\xff\xff\x1f."), 2 ** 53 - 1);
  assertEquals(run(0x8b, "\x09\0\0\0\0\0\0\0\0\0\0\x80\xff."), -(2n ** 63n));
  assertEquals(run("I-12345678901234567890\n."), -12345678901234567890n);
  assertEquals([run("I01\n."), run("I00\n."), run("I1\n.")], [true, false, 1]);
  assertEquals([run(0x88, "."), run(0x89, "."), run("N.")], [true, false, null]);
});

Deno.test("unpickle() reads texts, bytes, lists, tuples, sets and dicts of protocols 2 to 5", () => {
  assertEquals(run("X\x02\0\0\0\xc3\xbc."), "ü");
  assertEquals(run(0x8c, "\x02\xc3\xbc."), "ü");
  assertEquals(run(0x8d, "\x01\0\0\0\0\0\0\0a."), "a");
  assertEquals([run("U\x01a."), run("T\x01\0\0\0a.")], ["a", "a"]);
  assertEquals([run("C\x02\0\xff."), run("B\x01\0\0\0\x07.")], [bytesOf(0, 255), bytesOf(7)]);
  assertEquals(run(0x8e, "\x01\0\0\0\0\0\0\0\x07."), bytesOf(7));
  assertEquals(run(0x96, "\x01\0\0\0\0\0\0\0\x07."), bytesOf(7));
  assertEquals(run("](K\x01K\x02eK\x03a."), [1, 2, 3]);
  assertEquals(run("(K\x01(K\x02l", 0x85, "t."), [1, [[2]]]);
  assertEquals(run("K\x01K\x02K\x03", 0x87, "."), [1, 2, 3]);
  assertEquals(run("K\x01K\x02", 0x86, ")", 0x86, "."), [[1, 2], []]);
  assertEquals(run(0x8f, "(K\x01", 0x90, "."), [1]);
  assertEquals(run("(K\x01", 0x91, "."), [1]);
  assertEquals(run("}(U\x01aK\x01U\x01bK\x02uU\x01cK\x03s."), dict("a", 1, "b", 2, "c", 3));
  // A frame, a memo entry by order, one by number.
  const framed = bytesOf(
    0x80,
    4,
    0x95,
    "\x0c\0\0\0\0\0\0\0",
    0x8c,
    "\x01a",
    0x94,
    "K\x07r\0\0\x01\0h\0j\0\0\x01\0",
    0x87,
    ".",
  );
  assertEquals(run(framed), [7, "a", 7]);
  assertEquals(run("K\x01K\x02(K\x0310", "2", 0x86, "."), [1, 1]);
});

Deno.test("unpickle() calls what the host names, and gives states and persistent ids to it", () => {
  assertEquals(run("cm\npair\nK\x01K\x02", 0x86, "R."), { first: 1, second: 2 });
  assertEquals(run(0x8c, "\x01m", 0x8c, "\x04pair", 0x93, ")", 0x81, "."), {
    first: undefined,
    second: undefined,
  });
  assertEquals(run("cm\nconstant\n."), 7);
  assertEquals(run("cm\npair\nNN", 0x86, "RK\x05b."), { first: null, second: null, state: 5 });
  assertEquals(run("}}b."), dict()); // a dict's attributes
  assertEquals(run("U\x01aQ."), { id: "a" });
  const { value, end } = unpickle(bytesOf("K\x01.K\x02."), 3, host);
  assertEquals([value, end], [2, 6]);
});

Deno.test("unpickle() refuses to call anything else, by name", () => {
  const fails = (name: string, ...pieces: (string | number)[]) =>
    assertThrows(
      () => run(...pieces),
      DataError,
      `Cannot read "x.pkl": it wants to call ${name}; only tensors and plain values are read; `,
    );
  fails("os.system", "cos\nsystem\nU\x02ls", 0x85, "R.");
  fails("builtins.eval", 0x8c, "\x08builtins", 0x8c, "\x04eval", 0x93, ".");
  fails("m.constructor", "cm\nconstructor\n.");
  fails(".__proto__", "c\n__proto__\n.");
  fails("a?[31m.b", "ca\x1b[31m\nb\n.");
});

Deno.test("unpickle() refuses pickles that are cut, damaged or out of proportion", () => {
  const fails = (message: string, ...pieces: (string | number | Uint8Array)[]) =>
    assertThrows(() => run(...pieces), DataError, message);
  const good = bytesOf(
    0x80,
    2,
    "}(X\x01\0\0\0aq\0](K\x01M\x01\x02J\0\0\0\0eG\0\0\0\0\0\0\0\0h\0u.",
  );
  assertEquals(run(good), dict("a", [1, 513, 0], 0, "a"));
  for (let length = 0; length < good.length; length++) {
    fails('Cannot read "x.pkl": its pickle is damaged', good.subarray(0, length));
  }
  fails("it ends early", "X\xff\xff\xff\xffabc");
  fails("it ends early", 0x8e, "\xff\xff\xff\xff\xff\xff\xff\xff");
  fails("its stack is empty", "0.");
  fails("its stack is empty", "K\x01(0.");
  fails("a mark is missing", "K\x01t.");
  fails("no list", "NK\x01a.");
  fails("no dict", "](NNu.");
  fails("last key has no value", "}(Nu.");
  fails("entry 3 of its memo is missing", "h\x03.");
  fails("it calls what is no function", "K\x01)R.");
  fails("it calls what is no function", "cm\npair\nNR.");
  fails("a name is no text", "NN", 0x93, ".");
  fails("a string is not UTF-8", "X\x01\0\0\0\xff.");
  fails("a number is no number", "I0x1\n.");
  fails("a line does not end", "I", "1".repeat(2000));
  fails("more than 16 bytes in a number", 0x8a, 17, "\0".repeat(17));
  fails("opcode 0x69 is not known", "i.");
  fails("protocol 6, wanted 2 to 5", 0x80, 6, "N.");
  const many = (opcode: string, ...before: string[]) =>
    fails(
      "more than 1048576 objects",
      ...before,
      new Uint8Array(2 ** 20 + 1).fill(opcode.charCodeAt(0)),
    );
  many("]"); // objects
  many("2", "N"); // stack
  many("("); // marks
  many("\x94", "N"); // memo
  const items = bytesOf("(", new Uint8Array(600_000).fill(0x4e), "e");
  fails("more than 1048576 objects", "]", items, items);
});
