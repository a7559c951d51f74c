// What is used of npm:pngjs; its own types on npm bring in all of Node's.
import type { Buffer } from "node:buffer";

/** A picture that pngjs reads or writes. */
export class PNG {
  constructor(options: { width: number; height: number });
  /** Rows from the top: RGBA when read, as `inputColorType` says when written. */
  data: Buffer;
  static sync: {
    read(file: Buffer): PNG;
    write(
      picture: PNG,
      options: {
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
