// What is used of npm:gifenc, which has no types.

/** Red, green and blue of each color, 0..255. */
export type Palette = number[][];

/** Encodes one film. */
export interface GifEncoder {
  /** Adds a picture of palette indices; `delay` in milliseconds. */
  writeFrame(
    indices: Uint8Array,
    width: number,
    height: number,
    options: { palette?: Palette | undefined; delay: number },
  ): void;
  finish(): void;
  bytes(): Uint8Array<ArrayBuffer>;
}

declare const gifenc: {
  GIFEncoder(): GifEncoder;
  /** A palette for RGBA pixels, which fill their buffer. */
  quantize(rgba: Uint8Array, colors: number, options: { format: "rgb565" }): Palette;
  applyPalette(rgba: Uint8Array, palette: Palette, format: "rgb565"): Uint8Array;
};
export default gifenc;
