/**
 * Pins Mesa's lavapipe as a Debian release has it, and all that it needs: writes `lavapipe.json`. For whoever keeps this
 * project; a start only reads the file.
 *
 *     deno run --allow-net=deb.debian.org --allow-write=tasks/driver tasks/driver/pin_lavapipe.ts sid 20261030T120000Z
 *
 * The second argument is a time at which snapshot.debian.org has the same versions. Hashes are taken as the mirror's index has
 * them, over https; `apt-get update` on a Debian machine checks the index's signature.
 *
 * @module
 */
import { join } from "node:path";
import { debFiles, decompressXz } from "./deb.ts";
import { readElf } from "./elf.ts";
import { sha256Hex } from "./pinned_files.ts";

const MIRROR = "https://deb.debian.org/debian";
/** What is asked for by name while it runs: the driver, the Vulkan loader; then what the `deno` program is linked with. */
const ROOTS = [
  "libvulkan_lvp.so",
  "libvulkan.so.1",
  ...["ld-linux-x86-64.so.2", "libc.so.6", "libm.so.6", "libgcc_s.so.1"],
  ...["libdl.so.2", "libpthread.so.0", "librt.so.1"],
];

type Stanza = Readonly<Record<string, string>>;

const [release = "sid", snapshot = ""] = Deno.args;
const get = async (path: string) => {
  const response = await fetch(`${MIRROR}/${path}`);
  if (!response.ok) {
    throw new Error(`Cannot fetch "${path}": the server answers ${response.status}`);
  }
  return await response.bytes();
};

/** Debian's index of packages, by name. */
async function readIndex(): Promise<Map<string, Stanza>> {
  const packed = await get(`dists/${release}/main/binary-amd64/Packages.xz`);
  const text = new TextDecoder().decode(await decompressXz(packed));
  return new Map(
    text.split("\n\n").map((stanza) => {
      const fields = Object.fromEntries(
        [...stanza.matchAll(/^(\S+): (.*)$/gm)].map(([, name, value]) => [name, value]),
      );
      return [fields.Package, fields];
    }),
  );
}

/** A package and all that it depends on, the first of alternatives. */
function withDependencies(index: Map<string, Stanza>, name: string, found = new Set<string>()) {
  const stanza = index.get(name);
  if (!stanza || found.has(name)) return found;
  found.add(name);
  for (const list of [stanza.Depends, stanza["Pre-Depends"]]) {
    for (const one of list?.split(",") ?? []) {
      withDependencies(index, one.trim().split(/[ :|(]/)[0], found);
    }
  }
  return found;
}

const index = await readIndex();
const names = [
  ...withDependencies(index, "libvulkan1"),
  ...withDependencies(index, "mesa-vulkan-drivers"),
];
/** Where a library is: its package, and it there. */
const libraries = new Map<
  string,
  { stanza: Stanza; path: string; bytes: Uint8Array; needed: string[] }
>();
for (const name of new Set(names)) {
  const stanza = index.get(name)!;
  const deb = await get(stanza.Filename);
  if (sha256Hex(deb) !== stanza.SHA256) throw new Error(`Cannot pin "${name}": other SHA-256`);
  for await (const [path, bytes] of debFiles(deb)) {
    const elf = readElf(bytes);
    if (elf?.soname) libraries.set(elf.soname, { stanza, path, bytes, needed: elf.needed });
  }
}

const needed = new Set<string>();
const need = (soname: string) => {
  if (needed.has(soname)) return;
  const library = libraries.get(soname);
  if (!library) throw new Error(`Cannot pin lavapipe: no package has "${soname}"`);
  needed.add(soname);
  library.needed.forEach(need);
};
ROOTS.forEach(need);

const packages = new Map<Stanza, { name: string; path: string; bytes: number; sha256: string }[]>();
for (const name of [...needed].sort()) {
  const { stanza, path, bytes } = libraries.get(name)!;
  const files = packages.get(stanza) ?? packages.set(stanza, []).get(stanza)!;
  files.push({ name, path, bytes: bytes.length, sha256: sha256Hex(bytes) });
}
const pins = {
  version: index.get("mesa-vulkan-drivers")!.Version,
  snapshot,
  packages: [...packages].map(([{ Filename, Size, SHA256 }, files]) => ({
    path: Filename,
    bytes: Number(Size),
    sha256: SHA256,
    files,
  })),
};
await Deno.writeTextFile(
  join(import.meta.dirname!, "lavapipe.json"),
  JSON.stringify(pins, undefined, 2) + "\n",
);
