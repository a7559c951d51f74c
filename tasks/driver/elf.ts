/**
 * What a shared library calls itself, and which others it needs: the dynamic section of a 64-bit ELF file (elf(5)).
 *
 * @module
 */
const PT_LOAD = 1, PT_DYNAMIC = 2;
const DT_NEEDED = 1, DT_STRTAB = 5, DT_SONAME = 14;

/** Names of libraries, as a loader looks for them. */
export interface ElfNames {
  soname?: string;
  needed: string[];
}

/** Reads a file's names; undefined for what is no little-endian 64-bit ELF file with a dynamic section. */
export function readElf(bytes: Uint8Array): ElfNames | undefined {
  if (bytes.length < 64 || new TextDecoder().decode(bytes.subarray(1, 4)) !== "ELF") return;
  if (bytes[4] !== 2 || bytes[5] !== 1) return;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const word = (at: number) => Number(view.getBigUint64(at, true));
  const start = word(32), size = view.getUint16(54, true), count = view.getUint16(56, true);
  const segments = Array.from({ length: count }, (_, i) => {
    const at = start + i * size;
    return {
      type: view.getUint32(at, true),
      offset: word(at + 8),
      address: word(at + 16),
      bytes: word(at + 32),
    };
  });
  const dynamic = segments.find(({ type }) => type === PT_DYNAMIC);
  if (!dynamic) return;
  const entries = Array.from({ length: dynamic.bytes / 16 }, (_, i) => {
    const at = dynamic.offset + i * 16;
    return { tag: word(at), value: word(at + 8) };
  });
  const address = entries.find(({ tag }) => tag === DT_STRTAB)!.value;
  const segment = segments.find((one) =>
    one.type === PT_LOAD && one.address <= address && address < one.address + one.bytes
  )!;
  const strings = segment.offset + address - segment.address;
  const text = (offset: number) => {
    const from = strings + offset;
    return new TextDecoder().decode(bytes.subarray(from, bytes.indexOf(0, from)));
  };
  const texts = (wanted: number) =>
    entries.filter(({ tag }) => tag === wanted).map(({ value }) => text(value));
  return { soname: texts(DT_SONAME)[0], needed: texts(DT_NEEDED) };
}
