/**
 * Rounding to 16-bit formats, as bits: what makes values comparable after a cast.
 * @module
 */

const floats = new Float32Array(1);
const bits = new Uint32Array(floats.buffer);

/** bfloat16 bits, round to nearest even; -0 becomes 0, every NaN the same NaN. */
export function toBfloat16(value: number): number {
  if (value === 0) return 0;
  if (Number.isNaN(value)) return 0x7fc0;
  floats[0] = value;
  const word = bits[0]!;
  return ((word + 0x7fff + ((word >>> 16) & 1)) >>> 16) & 0xffff;
}

export function fromBfloat16(half: number): number {
  bits[0] = half << 16;
  return floats[0]!;
}

/** IEEE half bits, round to nearest even; overflow becomes infinity; -0 becomes 0, every NaN the same NaN. */
export function toHalf(value: number): number {
  if (value === 0) return 0;
  if (Number.isNaN(value)) return 0x7e00;
  floats[0] = value;
  const word = bits[0]!;
  const sign = (word >>> 16) & 0x8000;
  const magnitude = word & 0x7fffffff;
  if (magnitude >= 0x477ff000) return sign | 0x7c00; // from 65520 up
  if (magnitude < 0x33000001) return 0; // 2^-25 and below round to zero
  if (magnitude < 0x38800000) {
    // Subnormal half: shift the full significand into place.
    const shift = 126 - (magnitude >>> 23);
    const significand = (magnitude & 0x7fffff) | 0x800000;
    const kept = significand >>> shift;
    const rest = significand & ((1 << shift) - 1);
    const middle = 1 << (shift - 1);
    return sign | (kept + (rest > middle || (rest === middle && kept & 1) ? 1 : 0));
  }
  return sign | ((magnitude - 0x38000000 + 0xfff + ((magnitude >>> 13) & 1)) >>> 13);
}
