/**
 * The hash in the names of PyTorch's files: `resnet18-f37072fd.pth` begins its SHA-256 with `f37072fd`.
 *
 * @module
 */
import { DataError } from "../data_error.ts";

/** The hexadecimal digits of its SHA-256 that a PyTorch file's name carries: `3f9ce182` of `…-3f9ce182.pth`. */
export function hashInName(path: string): string | undefined {
  const digits = /-([0-9a-f]{8,64})\.(?:pth|pt|tar)$/.exec(path)?.[1];
  return digits && /^(19|20)\d\d[01]\d[0-3]\d$/.test(digits) ? undefined : digits; // a date
}

/**
 * Holds a file to the hash in its name, where it carries one.
 *
 * @param sha256 Of the file's bytes, in hexadecimal.
 * @throws {DataError} If they differ.
 */
export function requireHashInName(path: string, sha256: string): void {
  const wanted = hashInName(path);
  if (wanted === undefined || sha256.startsWith(wanted)) return;
  throw new DataError(
    `Cannot use "${path}": its SHA-256 begins with ${
      sha256.slice(0, wanted.length)
    }, its name says ${wanted}; ` +
      "it is damaged or was changed: download it again, or rename it",
  );
}
