import { crc32, deflateRawSync } from "node:zlib";

/** An entry of a zip archive, and what its directory says of it: nothing here is made true. */
export interface ZipEntry {
  name: string;
  data?: Uint8Array | undefined;
  /** Unix file type and rights. Default a regular file's. */
  mode?: number;
  /** 8 (deflated, the default), 0 (stored), or one that does not exist. */
  method?: number;
  /** General purpose flags beside that for UTF-8: 1 is encrypted. */
  flags?: number;
  /** What the directory says where that is not so. */
  claims?: { bytes?: number; crc?: number };
  /** Shares the data of the entry with this number. */
  sameAs?: number;
}

const NO_32_BITS = 0xffffffff;

/** Writes a zip archive; `zip64` has all sizes in the form for archives beyond 4 GB. */
export function writeZip(
  entries: readonly ZipEntry[],
  { zip64 = false }: { zip64?: boolean } = {},
): Uint8Array<ArrayBuffer> {
  const pieces: Uint8Array[] = [], directory: Uint8Array[] = [], offsets: number[] = [];
  let at = 0;
  for (const entry of entries) {
    const { data = new Uint8Array(), mode = 0o100644, method = 8, flags = 0, claims, sameAs } =
      entry;
    const name = new TextEncoder().encode(entry.name);
    const packed = method === 8 ? deflateRawSync(data) : data;
    const bytes = claims?.bytes ?? data.length, checksum = claims?.crc ?? crc32(data);
    const common = [
      ...[u16(45), u16(0x800 | flags), u16(method), u32(0), u32(checksum)],
      ...(zip64 ? [u32(NO_32_BITS), u32(NO_32_BITS)] : [u32(packed.length), u32(bytes)]),
      u16(name.length),
    ];
    const offset = sameAs === undefined ? at : offsets[sameAs];
    offsets.push(offset);
    if (sameAs === undefined) {
      const sizes = zip64 ? [u16(1), u16(16), u64(bytes), u64(packed.length)] : [];
      const local = join([u32(0x04034b50), ...common, u16(zip64 ? 20 : 0), name, ...sizes, packed]);
      pieces.push(local);
      at += local.length;
    }
    const extra = zip64 ? [u16(1), u16(24), u64(bytes), u64(packed.length), u64(offset)] : [];
    directory.push(join([
      ...[
        u32(0x02014b50),
        u16(0x0300 | 45),
        ...common,
        u16(zip64 ? 28 : 0),
        u16(0),
        u16(0),
        u16(0),
      ],
      ...[u32(mode * 0x10000), u32(zip64 ? NO_32_BITS : offset), name, ...extra],
    ]));
  }
  const listed = join(directory), count = entries.length;
  const end64 = zip64
    ? [
      ...[u32(0x06064b50), u64(44), u16(45), u16(45), u32(0), u32(0), u64(count), u64(count)],
      ...[u64(listed.length), u64(at)],
      ...[u32(0x07064b50), u32(0), u64(at + listed.length), u32(1)],
    ]
    : [];
  const [counted, size, start] = zip64
    ? [0xffff, NO_32_BITS, NO_32_BITS]
    : [count, listed.length, at];
  return join([
    ...[...pieces, listed, ...end64],
    ...[u32(0x06054b50), u32(0), u16(counted), u16(counted), u32(size), u32(start), u16(0)],
  ]);
}

function u16(value: number): Uint8Array {
  return new Uint8Array(Uint16Array.of(value).buffer);
}

function u32(value: number): Uint8Array {
  return new Uint8Array(Uint32Array.of(value).buffer);
}

function u64(value: number): Uint8Array {
  return new Uint8Array(BigUint64Array.of(BigInt(value)).buffer);
}

function join(pieces: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(pieces.reduce((length, piece) => length + piece.length, 0));
  let at = 0;
  for (const piece of pieces) {
    bytes.set(piece, at);
    at += piece.length;
  }
  return bytes;
}
