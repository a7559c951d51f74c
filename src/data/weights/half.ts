import type { SafetensorsTensor } from "../formats/safetensors.ts";

/**
 * A tensor's values as float32: exact for F16, BF16, F32, BOOL and integers up to 2²⁴, rounded to nearest else. F32 is not copied.
 */
export function toFloat32(tensor: SafetensorsTensor): Float32Array {
  switch (tensor.dtype) {
    case "F32":
      return tensor.data;
    case "F16":
      return float16ToFloat32(tensor.data);
    case "BF16":
      return bfloat16ToFloat32(tensor.data);
    case "I64":
    case "U64":
      return Float32Array.from(tensor.data, Number);
    default:
      return Float32Array.from(tensor.data);
  }
}

/** float32 of IEEE 754 half-precision bits: `(−1)^s · 2^(e−15) · (1 + m/2¹⁰)`, exact. */
export function float16ToFloat32(bits: Uint16Array): Float32Array {
  const words = new Uint32Array(bits.length);
  const values = new Float32Array(words.buffer);
  for (let i = 0; i < bits.length; i++) {
    const sign = (bits[i] & 0x8000) << 16;
    const exponent = (bits[i] >> 10) & 31, mantissa = bits[i] & 1023;
    if (exponent === 0) { // zero and subnormal: m · 2^-24
      values[i] = mantissa / 2 ** 24;
      words[i] |= sign;
    } else {
      words[i] = sign | (exponent === 31 ? 255 : exponent + 112) << 23 | mantissa << 13;
    }
  }
  return values;
}

/** float32 of bfloat16 bits, which are the upper half of a float32's. */
export function bfloat16ToFloat32(bits: Uint16Array): Float32Array {
  return new Float32Array(Uint32Array.from(bits, (high) => high << 16).buffer);
}
