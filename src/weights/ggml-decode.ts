/**
 * Decoders of ggml's 32-value blocks and of its small-float blocks.
 * Layouts: ggml `ggml-common.h` (block structs) and `ggml-quants.c` (dequantize_row_*), read at llama.cpp 2026-11;
 * checked against the `gguf` Python package 0.17+ (testing/ggml-blocks.json). Scales are binary16, everything is little-endian.
 * Products of the few significant bits of a scale and a code are exact in f64, so rounding once on storing
 * gives the same f32 as ggml's C.
 * @module
 */
import { readHalf } from './half.ts';

/** Decodes whole blocks of `bytes` into `out`. */
export type BlockDecoder = (bytes: Uint8Array, out: Float32Array) => void;

/** `d · (q − zero) + m` for 4-bit codes: low nibbles are values 0–15, high nibbles values 16–31. */
export function nibbles(blockBytes: number, codesAt: number, zero: number, hasMin: boolean): BlockDecoder {
  return (bytes, out) => {
    for (let block = 0, to = 0; to < out.length; block += blockBytes, to += 32) {
      const d = readHalf(bytes, block);
      // −0, not 0: adding it keeps the sign of a zero, as ggml's formula without a minimum does.
      const m = hasMin ? readHalf(bytes, block + 2) : -0;
      for (let j = 0; j < 16; j++) {
        const code = bytes[block + codesAt + j]!;
        out[to + j] = d * ((code & 15) - zero) + m;
        out[to + 16 + j] = d * ((code >> 4) - zero) + m;
      }
    }
  };
}

/** As `nibbles`, with a fifth bit per value in 32 bits at `highAt`. */
export function fiveBits(blockBytes: number, highAt: number, zero: number, hasMin: boolean): BlockDecoder {
  return (bytes, out) => {
    for (let block = 0, to = 0; to < out.length; block += blockBytes, to += 32) {
      const d = readHalf(bytes, block);
      // −0, not 0: adding it keeps the sign of a zero, as ggml's formula without a minimum does.
      const m = hasMin ? readHalf(bytes, block + 2) : -0;
      for (let j = 0; j < 32; j++) {
        const code = bytes[block + highAt + 4 + (j & 15)]!;
        const high = (bytes[block + highAt + (j >> 3)]! >> (j & 7)) & 1;
        out[to + j] = d * (((j < 16 ? code & 15 : code >> 4) | (high << 4)) - zero) + m;
      }
    }
  };
}

/** `d · q` for signed bytes. Q8_1 keeps a sum of its codes between scale and codes, which decoding does not need. */
export function signedBytes(blockBytes: number, codesAt: number): BlockDecoder {
  return (bytes, out) => {
    for (let block = 0, to = 0; to < out.length; block += blockBytes, to += 32) {
      const d = readHalf(bytes, block);
      for (let j = 0; j < 32; j++) out[to + j] = d * ((bytes[block + codesAt + j]! << 24) >> 24);
    }
  };
}

/** The 16 levels of IQ4_NL and IQ4_XS (`kvalues_iq4nl`). */
const IQ4_LEVELS: readonly number[] = [-127, -104, -83, -65, -49, -35, -22, -10, 1, 13, 25, 38, 53, 69, 89, 113];

/** 18 bytes: f16 scale, 16 bytes of nibbles that index 16 uneven levels. */
export function decodeIq4Nl(bytes: Uint8Array, out: Float32Array): void {
  for (let block = 0, to = 0; to < out.length; block += 18, to += 32) {
    const d = readHalf(bytes, block);
    for (let j = 0; j < 16; j++) {
      const code = bytes[block + 2 + j]!;
      out[to + j] = d * IQ4_LEVELS[code & 15]!;
      out[to + 16 + j] = d * IQ4_LEVELS[code >> 4]!;
    }
  }
}

/** 136 bytes: f16 scale, 16 bits of scale tops, 4 bytes of scale bottoms, 128 bytes of nibbles; eight groups of 32. */
export function decodeIq4Xs(bytes: Uint8Array, out: Float32Array): void {
  for (let block = 0, to = 0; to < out.length; block += 136, to += 256) {
    const d = readHalf(bytes, block);
    const tops = bytes[block + 2]! | (bytes[block + 3]! << 8);
    for (let group = 0; group < 8; group++) {
      const bottom = (bytes[block + 4 + (group >> 1)]! >> (4 * (group & 1))) & 15;
      const scale = d * ((bottom | (((tops >> (2 * group)) & 3) << 4)) - 32);
      for (let j = 0; j < 16; j++) {
        const code = bytes[block + 8 + group * 16 + j]!;
        out[to + group * 32 + j] = scale * IQ4_LEVELS[code & 15]!;
        out[to + group * 32 + 16 + j] = scale * IQ4_LEVELS[code >> 4]!;
      }
    }
  }
}

/** E2M1 values, doubled so that they are whole; scales are halved to match (OCP Microscaling 1.0, table 5). */
const E2M1_DOUBLED: readonly number[] = [0, 1, 2, 3, 4, 6, 8, 12, 0, -1, -2, -3, -4, -6, -8, -12];

/** 17 bytes: E8M0 exponent, 16 bytes of E2M1 nibbles. Exponents 0 and 1 are the subnormals 2^-128 and 2^-127. */
export function decodeMxfp4(bytes: Uint8Array, out: Float32Array): void {
  for (let block = 0, to = 0; to < out.length; block += 17, to += 32) {
    const scale = 2 ** (bytes[block]! - 128);
    for (let j = 0; j < 16; j++) {
      const code = bytes[block + 1 + j]!;
      out[to + j] = scale * E2M1_DOUBLED[code & 15]!;
      out[to + 16 + j] = scale * E2M1_DOUBLED[code >> 4]!;
    }
  }
}

/** 36 bytes for 64 values: four unsigned E4M3 scales, then four groups of 8 bytes of E2M1 nibbles. 0x7F means zero. */
export function decodeNvfp4(bytes: Uint8Array, out: Float32Array): void {
  for (let block = 0, to = 0; to < out.length; block += 36, to += 64)
    for (let group = 0; group < 4; group++) {
      const code = bytes[block + group]!;
      const exponent = (code >> 3) & 15;
      const fraction = code & 7;
      const scale = code === 0x7f ? 0 : exponent === 0 ? fraction * 2 ** -10 : (1 + fraction / 8) * 2 ** (exponent - 8);
      for (let j = 0; j < 8; j++) {
        const pair = bytes[block + 4 + group * 8 + j]!;
        out[to + group * 16 + j] = scale * E2M1_DOUBLED[pair & 15]!;
        out[to + group * 16 + 8 + j] = scale * E2M1_DOUBLED[pair >> 4]!;
      }
    }
}

const POWERS_OF_3: readonly number[] = [1, 3, 9, 27, 81];

/** Digit `n` (most significant first) of five base-3 digits stored as `ceil(value · 256 / 243)`; −1, 0 or 1. */
function ternary(code: number, n: number): number {
  return ((((code * POWERS_OF_3[n]!) & 255) * 3) >> 8) - 1;
}

/** 54 bytes: 48 bytes of five ternary digits, 4 bytes of four, f16 scale. */
export function decodeTq1(bytes: Uint8Array, out: Float32Array): void {
  for (let block = 0, to = 0; to < out.length; block += 54, to += 256) {
    const d = readHalf(bytes, block + 52);
    for (let n = 0; n < 5; n++) {
      for (let j = 0; j < 32; j++) out[to + n * 32 + j] = d * ternary(bytes[block + j]!, n);
      for (let j = 0; j < 16; j++) out[to + 160 + n * 16 + j] = d * ternary(bytes[block + 32 + j]!, n);
    }
    for (let n = 0; n < 4; n++) for (let j = 0; j < 4; j++) out[to + 240 + n * 4 + j] = d * ternary(bytes[block + 48 + j]!, n);
  }
}

/** 66 bytes: 64 bytes of four 2-bit ternary digits, f16 scale. */
export function decodeTq2(bytes: Uint8Array, out: Float32Array): void {
  for (let block = 0, to = 0; to < out.length; block += 66, to += 256) {
    const d = readHalf(bytes, block + 64);
    for (let j = 0; j < 256; j++) {
      const code = bytes[block + (j >> 7) * 32 + (j & 31)]!;
      out[to + j] = d * (((code >> (((j >> 5) & 3) * 2)) & 3) - 1);
    }
  }
}
