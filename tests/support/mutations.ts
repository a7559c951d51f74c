/** Random numbers in [0, 1), the same for each seed (mulberry32). */
export function seeded(seed: number): () => number {
  return () => {
    seed = (seed + 0x6d2b79f5) | 0;
    let x = Math.imul(seed ^ (seed >>> 15), seed | 1);
    x ^= x + Math.imul(x ^ (x >>> 7), x | 61);
    return ((x ^ (x >>> 14)) >>> 0) / 2 ** 32;
  };
}

/**
 * A damaged copy of a file: bits turned over, an end cut off, a piece of it or of another file put in or over it, a piece
 * taken out or repeated, or a number of 1 to 8 bytes (a length, an offset, a count) set to one that lies.
 */
export function mutated(
  bytes: Uint8Array,
  other: Uint8Array,
  random: () => number,
): Uint8Array<ArrayBuffer> {
  const below = (count: number) => Math.floor(random() * count);
  const at = below(bytes.length);
  const piece = (from: Uint8Array) => {
    const start = below(from.length);
    return from.subarray(start, start + 1 + below(64));
  };
  const joined = (...parts: Uint8Array[]) => Uint8Array.from(parts.flatMap((part) => [...part]));
  switch (below(6)) {
    case 0: { // bit flips
      const copy = Uint8Array.from(bytes);
      for (let left = 1 + below(8); left > 0; left--) copy[below(copy.length)] ^= 1 << below(8);
      return copy;
    }
    case 1: // a cut
      return Uint8Array.from(bytes.subarray(0, at));
    case 2: // an insertion
      return joined(bytes.subarray(0, at), piece(other), bytes.subarray(at));
    case 3: // a removal
      return joined(bytes.subarray(0, at), bytes.subarray(at + 1 + below(64)));
    case 4: { // an overwriting
      const copy = Uint8Array.from(bytes), patch = piece(other);
      copy.set(patch.subarray(0, copy.length - at), at);
      return copy;
    }
    default: { // a length edit
      const copy = Uint8Array.from(bytes);
      const size = [1, 2, 4, 8][below(4)];
      const value = BigInt.asUintN(64, LIES[below(LIES.length)]);
      for (let i = 0; i < size && at + i < copy.length; i++) {
        copy[at + i] = Number(value >> BigInt(8 * i) & 255n);
      }
      return copy;
    }
  }
}

const LIES = [0n, 1n, 255n, 65535n, 2n ** 31n - 1n, 2n ** 32n - 1n, 2n ** 53n, 2n ** 63n, -1n];
