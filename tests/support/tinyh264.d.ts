// npm:tinyh264: h264bsd, the decoder of Android's stagefright, in WebAssembly.

/** The compiled module. */
export type TinyH264 = { readonly HEAPU8: Uint8Array };

export default function tinyH264(): Promise<TinyH264>;
