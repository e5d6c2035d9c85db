/**
 * Fast Fourier transform, radix 2 (Cooley and Tukey 1965).
 * @module
 */

/** cos and -sin of 2 pi k / n, k < n / 2; the lengths in use are few. */
const tables = new Map<number, { readonly cos: Float64Array; readonly sin: Float64Array }>();

function table(n: number): { readonly cos: Float64Array; readonly sin: Float64Array } {
  let made = tables.get(n);
  if (!made) {
    const angle = (-2 * Math.PI) / n;
    made = {
      cos: Float64Array.from({ length: n / 2 }, (_, k) => Math.cos(angle * k)),
      sin: Float64Array.from({ length: n / 2 }, (_, k) => Math.sin(angle * k)),
    };
    tables.set(n, made);
  }
  return made;
}

/**
 * In place, unscaled, forward. The inverse is the same with the two arrays exchanged, over their length.
 * @param re real parts, a power of two of them. @param im imaginary parts, as many.
 */
export function fft(re: Float64Array, im: Float64Array): void {
  const n = re.length;
  for (let i = 1, j = 0; i < n; i++) {
    let bit = n >> 1;
    for (; j & bit; bit >>= 1) j ^= bit;
    j ^= bit;
    if (i < j) {
      const [x, y] = [re[i]!, im[i]!];
      re[i] = re[j]!;
      im[i] = im[j]!;
      re[j] = x;
      im[j] = y;
    }
  }
  const { cos, sin } = table(n);
  for (let length = 2; length <= n; length <<= 1) {
    const half = length >> 1;
    const step = n / length;
    for (let start = 0; start < n; start += length)
      for (let k = 0; k < half; k++) {
        const c = cos[k * step]!;
        const s = sin[k * step]!;
        const x = start + k;
        const y = x + half;
        const tr = re[y]! * c - im[y]! * s;
        const ti = re[y]! * s + im[y]! * c;
        re[y] = re[x]! - tr;
        im[y] = im[x]! - ti;
        re[x] = re[x]! + tr;
        im[x] = im[x]! + ti;
      }
  }
}
