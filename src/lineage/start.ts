/**
 * Same start or same training, for networks without a transformer's inner contrast (research "lineage trials,
 * convnets", section 4): the law of the shared component, and tensors that hold no randomness at the start.
 * @module
 */
import { addPair, correlation, median, pairSums, quantile } from '../math/index.ts';
import { type SamplePair, vectorPairs } from './pairing.ts';
import { type Sample, type Sketch, valueAt } from './sketch.ts';
import { beyondStart, EXPLAINS_ALL, startShare } from './start-share.ts';
import { log10PValue } from './swap-sign.ts';
import type { Evidence } from './types.ts';

export interface StartEvidence {
  readonly verdict: 'learned' | 'start-only' | 'undecided';
  readonly why: string;
  readonly evidence: readonly Evidence[];
}

/** Layers that enter kappa: those that show a tie at all. */
const LAYER_P = Math.log10(0.03);
const MIN_Z_FLIPS = 40;
/** Median correlation of norm parameters: fine-tunes .89 and more, same start up to .78. */
export const NEAR_EQUAL_GAINS = 0.85;
/** Of what weights hold beyond any usual start, the share that must be common: fine-tunes .85 and more, same start up to .28. */
const BEYOND_START = 0.5;
/** A shared start is flatter than what either model became; what a child shares is shaped like its parent. */
const FLATTER = 0.2;
/** 10th percentile of layer correlations from which one is a near copy of the other. */
const NEAR_COPY = 0.98;

/**
 * @param layers the matched layers and their p-values, corrected for selection.
 * @param selected whether they were matched by their values.
 */
export function startEvidence(
  a: Sketch,
  b: Sketch,
  layers: readonly { readonly pair: SamplePair; readonly log10P: number }[],
  selected: boolean,
  inputs: Evidence['inputs'],
): StartEvidence {
  const pairs = layers.map((layer) => layer.pair);
  const related = layers.filter((layer) => layer.log10P < LAYER_P).map((layer) => layer.pair);
  const kappa = excessKurtosis(related);
  const z = zeroStart(a, b);
  // Where layers were chosen by their values, only those that show a tie say how close it is.
  const r10 =
    quantile(
      (selected ? related : pairs).map(([x, y]) => Math.abs(sampleCorrelation(x, y) ?? 0)),
      0.1,
    ) ?? 0;
  const evidence: Evidence[] = [];
  if (kappa)
    evidence.push({
      test: 'shared-component-kurtosis',
      version: 1,
      class: 'calibrated',
      question: 'Is what the two models share shaped like a random start, or like trained weights?',
      statistic: { name: 'excess kurtosis of the shared component', value: kappa.value },
      n: related.length,
      log10P: null,
      effect: { name: 'standard error', value: kappa.se },
      nullModel: 'a shared uniform start gives -1.2, a shared normal start 0; trained parents are mostly heavy-tailed, above 1',
      assumptions: ['the parts that differ are independent of the shared part'],
      details: { r10, largestOwnKurtosis: kappa.own },
      inputs,
    });
  if (z)
    evidence.push({
      test: 'zero-start-vectors',
      version: 1,
      class: 'calibrated',
      question: 'Do norm gains and shifts, which start at 1 and 0 in every model, agree?',
      statistic: { name: 'median correlation', value: z.r },
      n: z.flips,
      log10P: null,
      effect: { name: 'median correlation', value: z.r },
      nullModel: 'without shared training the correlation stays below about 0.3, even from the same start',
      assumptions: ['gains and shifts were initialized to constants'],
      details: { vectors: z.vectors, signLog10P: z.log10P },
      inputs,
    });
  const hz = z !== null && z.flips >= MIN_Z_FLIPS;
  const say = (verdict: StartEvidence['verdict'], why: string): StartEvidence => ({ verdict, why, evidence });
  const uniform = kappa !== null && kappa.value + 2 * kappa.se <= -0.3;
  // The order of section 6 of the trials, with what was learned since: brief training from one start on like data also makes gains
  // agree somewhat and layers closely, so both must be near-equal to convict.
  // Nor do they convict alone: with large batches or small steps, models of one start and data set learn nearly the same gains.
  const shared = median(related.map(([x, y]) => Math.abs(sampleCorrelation(x, y) ?? 0))) ?? 0;
  const beyond = beyondStart(shared, startShare(related));
  const gainsAgree = hz && z.log10P < -6 && z.r >= NEAR_EQUAL_GAINS;
  if (gainsAgree && beyond !== null && beyond >= BEYOND_START)
    return say('learned', `norm gains and shifts, which start equal in every model, agree (median correlation ${z.r.toFixed(2)})`);
  if (kappa && kappa.value - 2 * kappa.se >= 0.3 && !(hz && z.r < 0.1))
    return say('learned', `what is shared is heavy-tailed as trained weights are (excess kurtosis ${kappa.value.toFixed(2)})`);
  if (uniform && r10 >= NEAR_COPY)
    return say(
      'undecided',
      'the models are close to each other and to a uniform random start; a copy and a sibling trained hardly at all look the same',
    );
  if (uniform && kappa.own - kappa.value < FLATTER)
    return say(
      'undecided',
      `what is shared is as flat as the models themselves (excess kurtosis ${kappa.value.toFixed(2)}): they hold much of a uniform start, and so would a child`,
    );
  if (uniform)
    return say('start-only', `what is shared has the flat shape of a uniform random start (excess kurtosis ${kappa.value.toFixed(2)})`);
  // Gains of layers that came from elsewhere say nothing of the few that are shared.
  if (hz && z.r < 0.1 && 2 * related.length >= pairs.length)
    return say('start-only', `norm gains and shifts do not agree (median correlation ${z.r.toFixed(2)})`);
  if (!hz && r10 >= NEAR_COPY && startShare(related) <= EXPLAINS_ALL)
    return say(
      'learned',
      `nearly every layer agrees closely (10th percentile of layer correlations ${r10.toFixed(2)}), beyond what a usual start explains`,
    );
  if (gainsAgree)
    return say(
      'undecided',
      `norm gains and shifts agree (median correlation ${z.r.toFixed(2)}), but the weights hold little beyond a random start; models trained alike from one start look the same`,
    );
  return say('undecided', 'neither the shape of what is shared nor the norm parameters decide');
}

function sampleCorrelation(a: Sample, b: Sample): number | null {
  const sums = pairSums();
  const width = Math.min(a.features, b.features);
  for (let u = 0; u < Math.min(a.units, b.units); u++) for (let f = 0; f < width; f++) addPair(sums, valueAt(a, u, f), valueAt(b, u, f));
  return correlation(sums);
}

/** With A = S + a, B = S + b: E[A^2 B^2] - 1 - 2 E[AB]^2 over E[AB]^2 estimates the excess kurtosis of S. */
function excessKurtosis(pairs: readonly SamplePair[]): { value: number; se: number; own: number } | null {
  let top = 0;
  let bottom = 0;
  let n = 0;
  let [fourthA, fourthB] = [0, 0];
  for (const [a, b] of pairs) {
    const width = Math.min(a.features, b.features);
    const units = Math.min(a.units, b.units);
    const [x, y] = [standardized(a, units, width), standardized(b, units, width)];
    const count = x.length;
    let r = 0;
    let square = 0;
    for (let i = 0; i < count; i++) {
      r += x[i]! * y[i]!;
      square += (x[i]! * y[i]!) ** 2;
      fourthA += x[i]! ** 4;
      fourthB += y[i]! ** 4;
    }
    r /= count;
    top += count * (square / count - 1 - 2 * r * r);
    bottom += count * r * r;
    n += count;
  }
  return n > 0 && bottom > 0 ? { value: top / bottom, se: Math.sqrt(24 * n) / bottom, own: Math.max(fourthA, fourthB) / n - 3 } : null;
}

/** Rows to rms 1, then all entries to mean 0 and variance 1. */
function standardized(sample: Sample, units: number, width: number): Float64Array {
  const out = new Float64Array(units * width);
  for (let u = 0; u < units; u++) {
    let square = 0;
    for (let f = 0; f < width; f++) square += valueAt(sample, u, f) ** 2;
    const scale = square > 0 ? Math.sqrt(width / square) : 0;
    for (let f = 0; f < width; f++) out[u * width + f] = valueAt(sample, u, f) * scale;
  }
  const mean = out.reduce((sum, value) => sum + value, 0) / (out.length || 1);
  const sd = Math.sqrt(out.reduce((sum, value) => sum + (value - mean) ** 2, 0) / (out.length || 1)) || 1;
  for (let i = 0; i < out.length; i++) out[i] = (out[i]! - mean) / sd;
  return out;
}

/** Norm gains and the shifts beside them. Convolution and linear biases are seeded by some frameworks and do not count. */
function zeroStart(a: Sketch, b: Sketch): { r: number; flips: number; log10P: number; vectors: number } | null {
  const prefix = (slot: string): string => slot.slice(0, Math.max(0, slot.lastIndexOf('.')));
  const normed = new Set(a.vectors.filter((vector) => vector.role.startsWith('norm')).map((vector) => prefix(vector.slot)));
  const pairs = vectorPairs(
    a,
    b,
    (vector) => vector.role.startsWith('norm') || (vector.role === 'bias' && normed.has(prefix(vector.slot))),
  );
  const correlations: number[] = [];
  let k = 0;
  let n = 0;
  for (const [x, y] of pairs) {
    const sums = pairSums();
    const length = Math.min(x.values.length, y.values.length);
    for (let i = 0; i < length; i++) addPair(sums, x.values[i]!, y.values[i]!);
    const r = correlation(sums);
    if (r === null) continue;
    correlations.push(r);
    for (let i = 0; i + 1 < length; i += 2) {
      const d = (x.values[i]! - x.values[i + 1]!) * (y.values[i]! - y.values[i + 1]!);
      if (d === 0) continue;
      n++;
      if (d > 0) k++;
    }
  }
  const r = median(correlations);
  return r === null ? null : { r, flips: n, log10P: log10PValue({ k, n, features: 1 }), vectors: correlations.length };
}
