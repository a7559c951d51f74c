// What is used of npm:pngjs; its own types on npm bring in all of Node's.
import type { Buffer } from "node:buffer";

/** A picture that pngjs reads or writes. */
export class PNG {
  constructor(options: { width: number; height: number });
  /** Rows from the top, as `inputColorType` says. */
  data: Buffer;
  static sync: {
    /** With `skipRescale` 16-bit values stay, in a `Uint16Array`. */
    read(file: Buffer, options?: { skipRescale: boolean }): { data: Buffer | Uint16Array };
    write(
      picture: PNG,
      options: {
        bitDepth: 8 | 16;
        colorType: number;
        inputColorType: number;
        inputHasAlpha: boolean;
        filterType: number;
        deflateLevel: number;
        deflateStrategy: number;
      },
    ): Buffer;
  };
}
