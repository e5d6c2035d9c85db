/**
 * Did the two models learn together, or only start together? Correlations of what training fills
 * (down-projections, gains, token rows) against those of what the start fixes (up-projections).
 * Calibrated on small transformers (research "lineage trials, transformers", section 5); never convicts alone.
 * @module
 */
import { addPair, centered, pairSums, type PairSums } from '../math/index.ts';
import { comparable, comparableTables, neuronBlocks, neuronPairs } from './pairing.ts';
import { type Sample, type Sketch, valueAt, type VectorSample } from './sketch.ts';
import type { Evidence } from './types.ts';

export interface Agreement {
  /** Correlation over up and gate of aligned blocks; null when none is comparable. */
  readonly up: number | null;
  readonly down: number | null;
  readonly output: number | null;
  readonly gain: number | null;
  readonly embed: number | null;
  readonly votes: readonly Vote[];
  readonly verdict: 'learned' | 'start-only' | 'undecided';
  readonly evidence: Evidence;
}

interface Vote {
  readonly name: string;
  readonly ratio: number;
  readonly threshold: number;
  readonly passes: boolean;
}

/** Below this the up-projections say nothing to divide by. */
const MIN_UP = 0.03;
/** Ratios that true relatives exceed and same-start strangers stay under; margins are in the calibration table. */
const THRESHOLDS = { down: 0.65, output: 0.6, gain: 0.5, embed: 0.6 };

export function agreementOf(a: Sketch, b: Sketch, layerMap: ReadonlyMap<string, readonly number[]>, inputs: Evidence['inputs']): Agreement {
  const sums = { up: cell(), down: cell(), output: cell(), gain: cell(), embed: cell() };
  const blocksA = neuronBlocks(a);
  const gainsA = gains(a);
  const gainsB = gains(b);
  const outputsA = byBlock(a.samples.filter((s) => s.role === 'o' && !s.excluded));
  const outputsB = byBlock(b.samples.filter((s) => s.role === 'o' && !s.excluded));
  for (const [stack, listB] of neuronBlocks(b)) {
    const listA = blocksA.get(stack);
    const map = layerMap.get(stack);
    if (!listA || !map) continue;
    listB.forEach((right, j) => {
      const left = listA[map[j] ?? j];
      if (!left) return;
      for (const [x, y] of neuronPairs(left, right)) add(x.role === 'down' ? sums.down : sums.up, x, y);
      const [oa, ob] = [outputsA.get(`${stack}/${left.block}`), outputsB.get(`${stack}/${right.block}`)];
      if (comparable(oa, ob)) add(sums.output, oa, ob!);
      for (const role of ['norm_in', 'norm_mlp']) {
        const [ga, gb] = [gainsA.get(`${stack}/${left.block}/${role}`), gainsB.get(`${stack}/${right.block}/${role}`)];
        if (ga && gb && ga.length === gb.length) addVector(sums.gain, ga, gb);
      }
    });
  }
  for (const role of ['embed', 'head']) {
    const [ea, eb] = [a, b].map((side) => side.samples.find((s) => s.role === role && s.stack === '' && !s.excluded));
    if (comparableTables(ea, eb)) add(sums.embed, ea, eb!);
  }
  return judge(pooledR(sums.up), pooledR(sums.down), pooledR(sums.output), pooledR(sums.gain), pooledR(sums.embed), inputs);
}

function judge(up: number | null, down: number | null, output: number | null, gain: number | null, embed: number | null, inputs: Evidence['inputs']): Agreement {
  const votes: Vote[] = [];
  const vote = (name: keyof typeof THRESHOLDS, value: number | null): void => {
    if (value === null || up === null || up < MIN_UP) return;
    const ratio = value / up;
    votes.push({ name, ratio, threshold: THRESHOLDS[name], passes: ratio >= THRESHOLDS[name] });
  };
  vote('down', down);
  vote('output', output);
  vote('gain', gain);
  vote('embed', embed);
  const passed = votes.filter((entry) => entry.passes).length;
  const downPasses = votes.find((entry) => entry.name === 'down')?.passes;
  const majority = passed * 2 > votes.length;
  const verdict = votes.length < 2 || downPasses === undefined ? 'undecided' : downPasses && majority ? 'learned' : !downPasses && !majority ? 'start-only' : 'undecided';
  return {
    up, down, output, gain, embed, votes, verdict,
    evidence: {
      test: 'learned-agreement', version: 1, class: 'calibrated',
      question: 'Do the two models agree on what training fills, or only on what the random start fixed?',
      statistic: { name: 'measures passed', value: passed },
      n: votes.length, log10P: null,
      effect: up === null ? null : { name: 'correlation of the compared weights (up-projections)', value: up },
      nullModel: 'models that share only their random start: down-projections, gains and token rows agree far less than up-projections',
      assumptions: ['thresholds come from small transformers; siblings trained hardly at all cannot be told from a copy of the start'],
      details: Object.fromEntries(votes.flatMap((entry) => [[`${entry.name}/up`, entry.ratio], [`${entry.name}/up threshold`, entry.threshold]])),
      inputs,
    },
  };
}

interface Cell {
  cov: number;
  varA: number;
  varB: number;
}
function cell(): Cell {
  return { cov: 0, varA: 0, varB: 0 };
}
function addSums(to: Cell, sums: PairSums): void {
  const { cov, varA, varB } = centered(sums);
  // Each part counts by its own scale, so that one loud layer does not drown the others.
  const scale = Math.sqrt(varA * varB);
  if (!(scale > 0) || !Number.isFinite(scale)) return;
  to.cov += (cov / scale) * sums.n;
  to.varA += sums.n;
  to.varB += sums.n;
}
function pooledR(sums: Cell): number | null {
  return sums.varA > 0 ? sums.cov / sums.varA : null;
}

function add(to: Cell, a: Sample, b: Sample): void {
  const sums = pairSums();
  const units = Math.min(a.units, b.units);
  const width = Math.min(a.features, b.features);
  for (let u = 0; u < units; u++) for (let f = 0; f < width; f++) addPair(sums, valueAt(a, u, f), valueAt(b, u, f));
  addSums(to, sums);
}

function addVector(to: Cell, a: VectorSample, b: VectorSample): void {
  const sums = pairSums();
  const n = Math.min(a.values.length, b.values.length);
  for (let i = 0; i < n; i++) addPair(sums, a.values[i]!, b.values[i]!);
  addSums(to, sums);
}

/** Gains by `stack/block/role`; biases of the same norm are left out. */
function gains(sketch: Sketch): Map<string, VectorSample> {
  const map = new Map<string, VectorSample>();
  for (const vector of sketch.vectors) {
    const key = `${vector.stack}/${vector.block}/${vector.role}`;
    if (vector.block !== null && !map.has(key)) map.set(key, vector);
  }
  return map;
}

function byBlock(samples: readonly Sample[]): Map<string, Sample> {
  return new Map(samples.map((sample) => [`${sample.stack}/${sample.block}`, sample]));
}
