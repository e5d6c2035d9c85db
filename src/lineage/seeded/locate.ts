/**
 * Where in a seed's stream a tensor's start was drawn: correlation with every offset at once, by Fourier transform
 * (overlap-save). The offset takes the place of knowing the order in which a script built its layers.
 * @module
 */
import { fft } from '../../math/index.ts';
import type { Law, Stream } from './streams.ts';

/** First entries of a tensor that are looked for; enough for a correlation of .1 to stand at z 9. */
export const TEMPLATE_VALUES = 8192;
/** Length of a transform: four templates. */
const SIZE = 4 * TEMPLATE_VALUES;
const HOP = SIZE - TEMPLATE_VALUES;

export interface Place {
  readonly law: Law;
  readonly offset: number;
  /** `<w, stream> / |w|`: standard normal, or lighter-tailed, at any one place of a stream that the tensor was not drawn from. */
  readonly z: number;
}

/** A tensor's first values, ready to be laid along streams. */
export interface Template {
  readonly norm: number;
  /** Spectra, conjugated, of all values and of those in the first and last 8 of their block of 16. */
  readonly low: Spectrum;
  readonly high: Spectrum;
}

interface Spectrum {
  readonly re: Float64Array;
  readonly im: Float64Array;
}

/** @param values at most `TEMPLATE_VALUES`, standardized. */
export function templateOf(values: Float64Array): Template {
  const masked = (low: boolean): Spectrum => {
    const re = new Float64Array(SIZE);
    values.forEach((value, i) => {
      if (i % 16 < 8 === low) re[i] = value;
    });
    const im = new Float64Array(SIZE);
    fft(re, im);
    return { re, im };
  };
  return { norm: Math.sqrt(values.reduce((sum, value) => sum + value * value, 0)), low: masked(true), high: masked(false) };
}

/** Several tensors laid along a stream in one go; each shows at its own place, through the noise of the others. */
export function superpose(templates: readonly Template[]): Template {
  const add = (pick: (template: Template) => Spectrum): Spectrum => {
    const [re, im] = [new Float64Array(SIZE), new Float64Array(SIZE)];
    for (const template of templates)
      for (let i = 0; i < SIZE; i++) {
        re[i]! += pick(template).re[i]!;
        im[i]! += pick(template).im[i]!;
      }
    return { re, im };
  };
  return { norm: Math.hypot(...templates.map((t) => t.norm)), low: add((t) => t.low), high: add((t) => t.high) };
}

/** The best place of each template. Cost: two transforms of 32,768 for every 24,576 numbers of the stream, and one more a template. */
export function locate(stream: Stream, templates: readonly Template[]): Place[] {
  const best: Place[] = templates.map(() => ({ law: 'uniform', offset: 0, z: 0 }));
  const [re, im] = [new Float64Array(SIZE), new Float64Array(SIZE)];
  for (let start = 0; start < stream.uniform.length; start += HOP) {
    const uniform = spectrumOf(stream.uniform, null, start);
    const pair = spectrumOf(stream.low, stream.high, start);
    templates.forEach((template, t) => {
      for (let k = 0; k < SIZE; k++) {
        const mirror = (SIZE - k) % SIZE;
        // Two real sequences in one transform: low in the even part, high in the odd part.
        const [lowRe, lowIm] = [(pair.re[k]! + pair.re[mirror]!) / 2, (pair.im[k]! - pair.im[mirror]!) / 2];
        const [highRe, highIm] = [(pair.im[k]! + pair.im[mirror]!) / 2, (pair.re[mirror]! - pair.re[k]!) / 2];
        const [lr, li] = [template.low.re[k]!, -template.low.im[k]!];
        const [hr, hi] = [template.high.re[k]!, -template.high.im[k]!];
        const normalRe = lowRe * lr - lowIm * li + highRe * hr - highIm * hi;
        const normalIm = lowRe * li + lowIm * lr + highRe * hi + highIm * hr;
        const [ur, ui] = [uniform.re[k]!, uniform.im[k]!];
        // The uniform correlation comes back in the real part, the normal one in the imaginary part.
        re[k] = ur * (lr + hr) - ui * (li + hi) - normalIm;
        im[k] = ur * (li + hi) + ui * (lr + hr) + normalRe;
      }
      fft(im, re);
      const scale = 1 / (SIZE * (template.norm || 1));
      const end = Math.min(HOP, stream.uniform.length - start);
      for (let o = 0; o < end; o++) {
        const [u, n] = [re[o]! * scale, im[o]! * scale];
        if (u > best[t]!.z) best[t] = { law: 'uniform', offset: start + o, z: u };
        if (n > best[t]!.z) best[t] = { law: 'normal', offset: start + o, z: n };
      }
    });
  }
  return best;
}

function spectrumOf(real: Float64Array, imaginary: Float64Array | null, start: number): Spectrum {
  const [re, im] = [new Float64Array(SIZE), new Float64Array(SIZE)];
  re.set(real.subarray(start, start + SIZE));
  if (imaginary) im.set(imaginary.subarray(start, start + SIZE));
  fft(re, im);
  return { re, im };
}
