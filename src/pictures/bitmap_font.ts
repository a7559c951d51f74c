/**
 * A small proportional font for figures: ASCII, capitals 7 units high, descenders 1, drawn smooth
 * at any size.
 *
 * @module
 */

// @ts-types="npm:@types/ndarray@1.0.14"
import type { NdArray } from "npm:ndarray@1.1.1";

/** Units from the top of a capital to the foot of a descender. */
export const LINE_UNITS = 8;
/** Units between two letters. */
const GAP = 1;
/** Units of a space. */
const SPACE = 3;

/**
 * Interpolated level on the outline of a letter: a little under a half, so that diagonals keep
 * their weight.
 */
const OUTLINE = 0.42;

/**
 * `!` to `~`, one column a byte from left to right, the top unit in bit 0; empty columns left out.
 */
const COLUMNS = `
  5f 07:00:07 14:7f:14:7f:14 24:2a:7f:2a:12 23:13:08:64:62 36:49:55:22:50 07 1c:22:41 41:22:1c
  14:08:3e:08:14 08:08:3e:08:08 80:40 08:08:08:08 40 60:10:08:04:03
  3e:51:49:45:3e 42:7f:40 62:51:49:49:46 22:41:49:49:36 18:14:12:7f:10 27:45:45:45:39
  3e:49:49:49:32 01:61:19:05:03 36:49:49:49:36 26:49:49:49:3e
  44 80:44 08:14:22:41 14:14:14:14 41:22:14:08 02:01:59:09:06 3e:41:5d:55:1e
  7e:11:11:11:7e 7f:49:49:49:36 3e:41:41:41:22 7f:41:41:41:3e 7f:49:49:49:41 7f:09:09:09:01
  3e:41:49:49:3a 7f:08:08:08:7f 41:7f:41 20:40:40:40:3f 7f:08:14:22:41 7f:40:40:40:40
  7f:02:0c:02:7f 7f:04:08:10:7f 3e:41:41:41:3e 7f:09:09:09:06 3e:41:51:21:5e 7f:09:19:29:46
  26:49:49:49:32 01:01:7f:01:01 3f:40:40:40:3f 1f:20:40:20:1f 3f:40:38:40:3f 63:14:08:14:63
  03:04:78:04:03 61:51:49:45:43 7f:41:41 03:04:08:10:60 41:41:7f 04:02:01:02:04 40:40:40:40
  01:02 20:54:54:54:78 7f:44:44:44:38 38:44:44:44:28 38:44:44:44:7f 38:54:54:54:18 04:7e:05:01
  18:a4:a4:a4:7c 7f:04:04:04:78 7d 80:80:7d 7f:10:28:44 3f:40 7c:04:78:04:78 7c:04:04:04:78
  38:44:44:44:38 fc:24:24:24:18 18:24:24:24:fc 7c:08:04:04 48:54:54:54:24 04:3f:44:44
  3c:40:40:40:7c 1c:20:40:20:1c 3c:40:30:40:3c 44:28:10:28:44 1c:a0:a0:a0:7c 44:64:54:4c:44
  08:36:41 7f 41:36:08 08:04:08:10:08
`;

const GLYPHS = new Map<string, number[]>(
  COLUMNS.trim().split(/\s+/).map((columns, i) => [
    String.fromCharCode(33 + i),
    columns.split(":").map((column) => parseInt(column, 16)),
  ]),
);

/**
 * Columns of a line of text, one byte a unit, the top unit in bit 0.
 *
 * A character outside ASCII is drawn as `?`.
 */
function layOut(text: string): number[] {
  const columns: number[] = [];
  for (const character of text) {
    if (character === " ") columns.push(...Array(SPACE).fill(0));
    else columns.push(...(GLYPHS.get(character) ?? GLYPHS.get("?")!), ...Array(GAP).fill(0));
  }
  return text.endsWith(" ") ? columns : columns.slice(0, -GAP);
}

/** Width of a line of text in units. */
export function textUnits(text: string): number {
  return layOut(text).length;
}

/**
 * Draws a line of text over a picture; what falls outside is cut off.
 *
 * The letter's bits are interpolated linearly and the half-way line is its outline, which rounds
 * corners and joins diagonals.
 *
 * @param picture `[height, width, 3]`, changed in place.
 * @param text ASCII.
 * @param left Left edge of the first letter, in pixels.
 * @param top Top of a capital, in pixels.
 * @param unit Pixels of a unit, at least 1; the stroke's width.
 * @param grey Level of the letters, 0..255.
 */
export function drawText(
  picture: NdArray<Uint8Array>,
  text: string,
  left: number,
  top: number,
  unit: number,
  grey: number,
): void {
  const columns = layOut(text);
  const bit = (x: number, y: number) => y < 0 || y >= LINE_UNITS ? 0 : (columns[x] ?? 0) >> y & 1;
  const [height, width] = picture.shape;
  const firstX = Math.max(0, Math.floor(left - unit)), firstY = Math.max(0, Math.floor(top - unit));
  for (let py = firstY; py < Math.min(height, top + (LINE_UNITS + 1) * unit); py++) {
    for (let px = firstX; px < Math.min(width, left + (columns.length + 1) * unit); px++) {
      const x = (px + 0.5 - left) / unit - 0.5, y = (py + 0.5 - top) / unit - 0.5;
      const x0 = Math.floor(x), y0 = Math.floor(y), dx = x - x0, dy = y - y0;
      const level = (bit(x0, y0) * (1 - dx) + bit(x0 + 1, y0) * dx) * (1 - dy) +
        (bit(x0, y0 + 1) * (1 - dx) + bit(x0 + 1, y0 + 1) * dx) * dy;
      const coverage = Math.min(Math.max((level / OUTLINE - 1) * unit / 2 + 0.5, 0), 1);
      if (coverage === 0) continue;
      for (let channel = 0; channel < 3; channel++) {
        const under = picture.get(py, px, channel);
        picture.set(py, px, channel, Math.round(under + coverage * (grey - under)));
      }
    }
  }
}
