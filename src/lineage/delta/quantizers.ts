/**
 * Round-to-nearest quantizers that are a function of the weights alone, as values after dequantizing: what a copy must
 * hold to the bit when it was made that way.
 * ggml: `quantize_row_q*_ref` of ggml-quants.c (llama.cpp), f32 arithmetic, scales kept as binary16.
 * Others: absmax and min-max rounding as torch, bitsandbytes and most toolkits write it; they differ in details, which are tried in turn.
 * @module
 */
import { halfToFloat } from '../../weights/index.ts';
import { fromBfloat16, toBfloat16, toHalf } from '../rounding.ts';

/** Quantizes and dequantizes `count` values from `at`; writes the same places of `out`. */
export type Requantize = (values: Float32Array, at: number, count: number, out: Float32Array) => void;

export interface Scheme {
  /** E.g. `Q8_0`, `int8 per row`, `int4 in groups of 32`. */
  readonly name: string;
  /** Values that share a scale: a fixed number, a whole row, or the whole tensor. */
  readonly group: number | 'row' | 'tensor';
  readonly requantize: Requantize;
  /** The largest absolute value decides alone, so one number a tensor is enough to quantize it in parts. */
  readonly byAbsmax: ((values: Float32Array, at: number, count: number, out: Float32Array, absmax: number) => void) | null;
}

const f = Math.fround;
const toHalfValue = (value: number): number => halfToFloat(toHalf(value));

/** C's roundf: halves away from zero. */
function roundAway(value: number): number {
  return value < 0 ? -Math.floor(-value + 0.5) : Math.floor(value + 0.5);
}
/** torch.round, numpy.rint: halves to even. */
function roundEven(value: number): number {
  const low = Math.floor(value);
  const rest = value - low;
  return rest < 0.5 ? low : rest > 0.5 ? low + 1 : low % 2 === 0 ? low : low + 1;
}

/** Signed value of the largest size; the first of equals, as ggml's loops keep it. */
function extreme(values: Float32Array, at: number, count: number): number {
  let most = 0;
  let found = 0;
  for (let i = at; i < at + count; i++)
    if (Math.abs(values[i]!) > most) {
      most = Math.abs(values[i]!);
      found = values[i]!;
    }
  return found;
}

/** Q4_0 and Q5_0: the largest value becomes the lowest code. */
function signedBlock(low: number, high: number): Requantize {
  return (values, at, count, out) => {
    const d = f(extreme(values, at, count) / low);
    const inverse = d === 0 ? 0 : f(1 / d);
    const kept = toHalfValue(d);
    for (let i = at; i < at + count; i++) {
      const code = Math.min(high - low, Math.trunc(f(f(values[i]! * inverse) + (0.5 - low))));
      out[i] = kept * (code + low);
    }
  };
}

/** Q4_1 and Q5_1: codes count up from the smallest value. */
function minBlock(levels: number): Requantize {
  return (values, at, count, out) => {
    let min = Infinity;
    let max = -Infinity;
    for (let i = at; i < at + count; i++) {
      if (values[i]! < min) min = values[i]!;
      if (values[i]! > max) max = values[i]!;
    }
    const d = f(f(max - min) / levels);
    const inverse = d === 0 ? 0 : f(1 / d);
    const [kept, keptMin] = [toHalfValue(d), toHalfValue(min)];
    for (let i = at; i < at + count; i++) out[i] = kept * Math.min(levels, Math.trunc(f(f(f(values[i]! - min) * inverse) + 0.5))) + keptMin;
  };
}

const q8: Requantize = (values, at, count, out) => {
  const d = f(Math.abs(extreme(values, at, count)) / 127);
  const inverse = d === 0 ? 0 : f(1 / d);
  const kept = toHalfValue(d);
  for (let i = at; i < at + count; i++) out[i] = kept * roundAway(f(values[i]! * inverse));
};

const ggml = (name: string, requantize: Requantize): Scheme => ({ name, group: 32, requantize, byAbsmax: null });

/** By the name of the type in a GGUF file. */
export const GGML_SCHEMES: ReadonlyMap<string, Scheme> = new Map(
  [
    ggml('Q8_0', q8),
    ggml('Q4_0', signedBlock(-8, 7)),
    ggml('Q4_1', minBlock(15)),
    ggml('Q5_0', signedBlock(-16, 15)),
    ggml('Q5_1', minBlock(31)),
  ].map((scheme) => [scheme.name, scheme]),
);

/** How a scale is kept beside the codes. */
const KEEPS: readonly ((value: number) => number)[] = [f, toHalfValue, (value) => fromBfloat16(toBfloat16(value))];
const ROUNDS = [roundEven, roundAway];

/** |largest| / top is one step; codes run from -top to top. */
function absmaxSchemes(bits: number, group: Scheme['group'], label: string): Scheme[] {
  const schemes: Scheme[] = [];
  for (const top of [2 ** (bits - 1) - 1, 2 ** (bits - 1)])
    for (const keep of KEEPS)
      for (const round of ROUNDS)
        for (const multiply of [false, true]) {
          const byAbsmax: Scheme['byAbsmax'] = (values, at, count, out, absmax) => {
            const scale = keep(f(absmax / top));
            const inverse = scale === 0 ? 0 : f(1 / scale);
            const most = 2 ** (bits - 1) - 1;
            for (let i = at; i < at + count; i++) {
              const steps = scale === 0 ? 0 : multiply ? f(values[i]! * inverse) : f(values[i]! / scale);
              out[i] = f(Math.max(-top, Math.min(most, round(steps))) * scale);
            }
          };
          schemes.push({
            name: `int${bits} ${label}`,
            group,
            byAbsmax,
            requantize: (values, at, count, out) => byAbsmax(values, at, count, out, Math.abs(extreme(values, at, count))),
          });
        }
  return schemes;
}

/** (largest - smallest) / levels is one step; the zero point is a whole code, or the smallest value itself. */
function rangeSchemes(bits: number, group: Scheme['group'], label: string): Scheme[] {
  const schemes: Scheme[] = [];
  const levels = 2 ** bits - 1;
  for (const keep of KEEPS)
    for (const round of ROUNDS)
      for (const wholeZero of [true, false])
        for (const coversZero of [true, false])
          schemes.push({
            name: `int${bits} ${label}, asymmetric`,
            group,
            byAbsmax: null,
            requantize: (values, at, count, out) => {
              let min = coversZero ? 0 : Infinity;
              let max = coversZero ? 0 : -Infinity;
              for (let i = at; i < at + count; i++) {
                if (values[i]! < min) min = values[i]!;
                if (values[i]! > max) max = values[i]!;
              }
              const scale = keep(f(f(max - min) / levels));
              if (!(scale > 0)) {
                out.set(values.subarray(at, at + count), at);
                return;
              }
              if (wholeZero) {
                const zero = round(f(-min / scale));
                for (let i = at; i < at + count; i++)
                  out[i] = f((Math.max(0, Math.min(levels, round(f(values[i]! / scale)) + zero)) - zero) * scale);
              } else {
                const low = keep(min);
                for (let i = at; i < at + count; i++)
                  out[i] = f(f(Math.max(0, Math.min(levels, round(f(f(values[i]! - low) / scale)))) * scale) + low);
              }
            },
          });
  return schemes;
}

/** Schemes whose result may have been stored in plain numbers again. */
export const PLAIN_SCHEMES: readonly Scheme[] = [
  ...GGML_SCHEMES.values(),
  ...absmaxSchemes(8, 'row', 'per row'),
  ...absmaxSchemes(8, 'tensor', 'per tensor'),
  ...[32, 64, 128].flatMap((group) => absmaxSchemes(4, group, `in groups of ${group}`)),
  ...[32, 64, 128].flatMap((group) => rangeSchemes(4, group, `in groups of ${group}`)),
  ...absmaxSchemes(4, 'row', 'per row'),
  ...rangeSchemes(8, 'row', 'per row'),
  ...[64, 128].flatMap((group) => absmaxSchemes(8, group, `in groups of ${group}`)),
];

/** Values of one row by a scheme; false where the row does not divide into its groups. */
export function requantizeRow(scheme: Scheme, values: Float32Array, out: Float32Array, absmax: number): boolean {
  if (scheme.group === 'tensor') scheme.byAbsmax?.(values, 0, values.length, out, absmax);
  else if (scheme.group === 'row') scheme.requantize(values, 0, values.length, out);
  else {
    if (values.length % scheme.group !== 0) return false;
    for (let at = 0; at < values.length; at += scheme.group) scheme.requantize(values, at, scheme.group, out);
  }
  return true;
}
