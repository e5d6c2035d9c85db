/**
 * Decoders of ggml's k-quants: super-blocks of 256 values whose group scales are themselves quantized.
 * Layouts: ggml `ggml-common.h` (block_q2_K … block_q8_K) and `ggml-quants.c` (dequantize_row_q*_K).
 * @module
 */
import { readHalf } from './half.ts';

const VALUES = 256;

/** 84 bytes: 16 bytes of 4-bit scale | 4-bit minimum, 64 bytes of 2-bit codes, f16 scale, f16 minimum. */
export function decodeQ2K(bytes: Uint8Array, out: Float32Array): void {
  for (let block = 0, to = 0; to < out.length; block += 84, to += VALUES) {
    const d = readHalf(bytes, block + 80);
    const m = readHalf(bytes, block + 82);
    for (let group = 0; group < 16; group++) {
      const packed = bytes[block + group]!;
      const scale = d * (packed & 15);
      const min = m * (packed >> 4);
      // Codes of 128 values share 32 bytes: value 32·k + i is bits 2k of byte i.
      const codes = block + 16 + (group >> 3) * 32 + (group & 1) * 16;
      const shift = ((group >> 1) & 3) * 2;
      for (let j = 0; j < 16; j++) out[to + group * 16 + j] = scale * ((bytes[codes + j]! >> shift) & 3) - min;
    }
  }
}

/** 110 bytes: 32 bytes of high bits (set means no −4), 64 bytes of 2-bit codes, 12 bytes of 6-bit scales, f16 scale. */
export function decodeQ3K(bytes: Uint8Array, out: Float32Array): void {
  for (let block = 0, to = 0; to < out.length; block += 110, to += VALUES) {
    const d = readHalf(bytes, block + 108);
    for (let group = 0; group < 16; group++) {
      const low = (bytes[block + 96 + (group & 7)]! >> (4 * (group >> 3))) & 15;
      const high = (bytes[block + 104 + (group & 3)]! >> (2 * (group >> 2))) & 3;
      const scale = d * ((low | (high << 4)) - 32);
      const half = (group & 1) * 16;
      const codes = block + 32 + (group >> 3) * 32 + half;
      const shift = ((group >> 1) & 3) * 2;
      for (let j = 0; j < 16; j++) {
        const top = (bytes[block + half + j]! >> (group >> 1)) & 1;
        out[to + group * 16 + j] = scale * (((bytes[codes + j]! >> shift) & 3) - (top ? 0 : 4));
      }
    }
  }
}

/** 6-bit scale (and, with `which` 4, minimum) of `group` in the 12 bytes that Q4_K and Q5_K share. */
function sixBits(bytes: Uint8Array, at: number, group: number, which: 0 | 4): number {
  if (group < 4) return bytes[at + which + group]! & 63;
  const low = bytes[at + 4 + group]!;
  return (which === 0 ? low & 15 : low >> 4) | ((bytes[at + which + group - 4]! >> 6) << 4);
}

/** 144 bytes: f16 scale, f16 minimum, 12 bytes of group scales, 128 bytes of nibbles; eight groups of 32. */
export function decodeQ4K(bytes: Uint8Array, out: Float32Array): void {
  for (let block = 0, to = 0; to < out.length; block += 144, to += VALUES) {
    const d = readHalf(bytes, block);
    const m = readHalf(bytes, block + 2);
    for (let group = 0; group < 8; group++) {
      const scale = d * sixBits(bytes, block + 4, group, 0);
      const min = m * sixBits(bytes, block + 4, group, 4);
      const codes = block + 16 + (group >> 1) * 32;
      const shift = (group & 1) * 4;
      for (let j = 0; j < 32; j++) out[to + group * 32 + j] = scale * ((bytes[codes + j]! >> shift) & 15) - min;
    }
  }
}

/** 176 bytes: as Q4_K with 32 bytes of fifth bits between scales and nibbles. */
export function decodeQ5K(bytes: Uint8Array, out: Float32Array): void {
  for (let block = 0, to = 0; to < out.length; block += 176, to += VALUES) {
    const d = readHalf(bytes, block);
    const m = readHalf(bytes, block + 2);
    for (let group = 0; group < 8; group++) {
      const scale = d * sixBits(bytes, block + 4, group, 0);
      const min = m * sixBits(bytes, block + 4, group, 4);
      const codes = block + 48 + (group >> 1) * 32;
      const shift = (group & 1) * 4;
      for (let j = 0; j < 32; j++) {
        const top = (bytes[block + 16 + j]! >> group) & 1;
        out[to + group * 32 + j] = scale * (((bytes[codes + j]! >> shift) & 15) | (top << 4)) - min;
      }
    }
  }
}

/** 210 bytes: 128 bytes of low nibbles, 64 bytes of high pairs, 16 signed group scales, f16 scale. */
export function decodeQ6K(bytes: Uint8Array, out: Float32Array): void {
  for (let block = 0, to = 0; to < out.length; block += 210, to += VALUES) {
    const d = readHalf(bytes, block + 208);
    for (let j = 0; j < VALUES; j++) {
      // Each 128 values share 64 bytes of nibbles and 32 of pairs; `row` is which 32 of the 128.
      const half = j >> 7;
      const row = (j >> 5) & 3;
      const low = (bytes[block + half * 64 + (row & 1) * 32 + (j & 31)]! >> (row >= 2 ? 4 : 0)) & 15;
      const high = (bytes[block + 128 + half * 32 + (j & 31)]! >> (row * 2)) & 3;
      const scale = (bytes[block + 192 + (j >> 4)]! << 24) >> 24;
      out[to + j] = d * scale * ((low | (high << 4)) - 32);
    }
  }
}

/** 292 bytes: f32 scale, 256 signed codes, 16 group sums that decoding does not need. */
export function decodeQ8K(bytes: Uint8Array, out: Float32Array): void {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  for (let block = 0, to = 0; to < out.length; block += 292, to += VALUES) {
    const d = view.getFloat32(block, true);
    for (let j = 0; j < VALUES; j++) out[to + j] = d * view.getInt8(block + 4 + j);
  }
}
