/** A JPEG with an EXIF segment that holds its orientation alone, in Intel's or Motorola's byte order. */
export function withOrientation(
  jpeg: Uint8Array,
  orientation: number,
  order: "II" | "MM",
): Uint8Array {
  const segment = new Uint8Array(2 + 2 + 6 + 8 + 2 + 12 + 4);
  const view = new DataView(segment.buffer), little = order === "II", tiff = 10, entry = tiff + 10;
  view.setUint16(0, 0xffe1);
  view.setUint16(2, segment.length - 2);
  segment.set(new TextEncoder().encode(`Exif\0\0${order}`), 4);
  view.setUint16(tiff + 2, 42, little);
  view.setUint32(tiff + 4, 8, little); // the first list, behind this header
  view.setUint16(tiff + 8, 1, little); // its one entry
  view.setUint16(entry, 0x0112, little);
  view.setUint16(entry + 2, 3, little);
  view.setUint32(entry + 4, 1, little);
  view.setUint16(entry + 8, orientation, little);
  return Uint8Array.from([...jpeg.subarray(0, 2), ...segment, ...jpeg.subarray(2)]);
}
