import type { TinyH264 } from "./tinyh264.d.ts";

export default class TinyH264Decoder {
  /** @param onPicture Given each picture: planes of luma and both chromas, in whole macroblocks. */
  constructor(
    module: TinyH264,
    onPicture: (planes: Uint8Array, columns: number, rows: number) => void,
  );
  /** Decodes a NAL unit with its start code. */
  decode(unit: Uint8Array): void;
}
