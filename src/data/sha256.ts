/**
 * SHA-256 of bytes in memory, in browsers too.
 *
 * @module
 */

/** The 64 hexadecimal digits of the bytes' SHA-256. */
export async function sha256(bytes: Uint8Array<ArrayBuffer>): Promise<string> {
  return new Uint8Array(await crypto.subtle.digest("SHA-256", bytes)).toHex();
}
