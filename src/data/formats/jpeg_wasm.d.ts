/** An instance of MozJPEG's decoder; one that has thrown cannot be used again. */
export interface JpegDecoder {
  /** Decodes to RGBA; `null` or an exception where there is no picture. */
  decode(bytes: ArrayBuffer, applyOrientation: boolean): RgbaPicture | null;
}

/** Pixels in rows from the top, four bytes each. */
export interface RgbaPicture {
  data: Uint8ClampedArray;
  width: number;
  height: number;
}

/** Makes a decoder. `onWarning` hears of damage that the decoder glosses over. */
export function instantiateJpegDecoder(onWarning: (line: string) => void): Promise<JpegDecoder>;
