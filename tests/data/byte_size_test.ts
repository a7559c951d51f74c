import { assertEquals } from "@std/assert";
import { formatBytes } from "../../src/data/byte_size.ts";

Deno.test("formatBytes() has three digits, in powers of 1000", () => {
  const sizes = [0, 999, 1000, 9994, 9996, 99_940, 99_960, 999_600, 1.234e9, 5e15];
  assertEquals(sizes.map(formatBytes), [
    ...["0 bytes", "999 bytes", "1.00 kB", "9.99 kB", "10.0 kB", "99.9 kB", "100 kB"],
    ...["1.00 MB", "1.23 GB", "5000 TB"],
  ]);
});
