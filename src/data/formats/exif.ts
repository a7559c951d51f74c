// @ts-types="npm:@types/ndarray@1.0.14"
import ndarray, { type NdArray } from "npm:ndarray@1.1.1";

/** How a stored picture is to be turned for the eye: EXIF's tag 0x0112, 1 (as it is) to 8. */
export type Orientation = 1 | 2 | 3 | 4 | 5 | 6 | 7 | 8;

/** For each orientation whether rows, and whether columns, are stored from the end; from 5 on rows are columns besides. */
const REVERSED: Readonly<Record<Orientation, readonly [rows: boolean, columns: boolean]>> = {
  1: [false, false],
  2: [false, true],
  3: [true, true],
  4: [true, false],
  5: [false, false],
  6: [true, false],
  7: [true, true],
  8: [false, true],
};

/** "Exif", behind which are two zeros. */
const EXIF = 0x45786966;
const ORIENTATION = 0x0112, SHORT = 3, ENTRY_BYTES = 12;

/** The orientation that the EXIF data of a JPEG say; 1 where they say none, or are damaged. */
export function exifOrientation(jpeg: Uint8Array): Orientation {
  const view = new DataView(jpeg.buffer, jpeg.byteOffset, jpeg.byteLength);
  try {
    // Segments 0xff, marker, length (which counts itself), up to the picture's data.
    for (let at = 2; jpeg[at] === 0xff && jpeg[at + 1] !== 0xda; at += 2 + view.getUint16(at + 2)) {
      const isExif = jpeg[at + 1] === 0xe1 && view.getUint32(at + 4) === EXIF;
      if (!isExif) continue;
      const start = at + 10;
      const tiff = new DataView(jpeg.buffer, jpeg.byteOffset + start, jpeg.length - start);
      return tiffOrientation(tiff);
    }
  } catch (error) {
    if (!(error instanceof RangeError)) throw error; // it ends before it should
  }
  return 1;
}

/** TIFF: "II" (little-endian) or "MM", 42, the place of the first list: a count and its entries of tag, type, count, value. */
function tiffOrientation(tiff: DataView): Orientation {
  const little = tiff.getUint16(0) === 0x4949, list = tiff.getUint32(4, little);
  for (let i = 0; i < tiff.getUint16(list, little); i++) {
    const entry = list + 2 + i * ENTRY_BYTES;
    if (tiff.getUint16(entry, little) !== ORIENTATION) continue;
    const value = tiff.getUint16(entry + 8, little);
    return tiff.getUint16(entry + 2, little) === SHORT && value in REVERSED
      ? value as Orientation
      : 1;
  }
  return 1;
}

/** A picture `[height, width, channels]` as the eye is to see it: from orientation 5 on its sides change places. */
export function upright<D extends Uint8Array | Float32Array>(
  image: NdArray<D>,
  orientation: Orientation,
): NdArray<D> {
  if (orientation === 1) return image;
  const [storedHeight, storedWidth, channels] = image.shape;
  const isTransposed = orientation >= 5, [rows, columns] = REVERSED[orientation];
  const [height, width] = isTransposed ? [storedWidth, storedHeight] : [storedHeight, storedWidth];
  const turned = image.data.slice() as D;
  for (let y = 0, to = 0; y < height; y++) {
    for (let x = 0; x < width; x++, to += channels) {
      const [row, column] = isTransposed ? [x, y] : [y, x];
      const from = (rows ? storedHeight - 1 - row : row) * storedWidth +
        (columns ? storedWidth - 1 - column : column);
      for (let channel = 0; channel < channels; channel++) {
        turned[to + channel] = image.data[from * channels + channel];
      }
    }
  }
  return ndarray(turned, [height, width, channels]);
}
