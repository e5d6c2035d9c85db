/**
 * Proof of a quantization scheme: A quantized anew must give B to the bit.
 * @module
 */
import type { Watch } from '../../base/index.ts';
import { type Model, readRoleRows, type RoleTensor } from '../../model/index.ts';
import { blocks } from './pass.ts';
import { type SlotPair, weightsOf } from './pairs.ts';
import { GGML_SCHEMES, PLAIN_SCHEMES, requantizeRow, type Scheme } from './quantizers.ts';
import { roundTo } from './tally.ts';

/** Values quantized anew; a few seconds' work. Beyond them every matrix is tested on fewer of its rows. */
const MAX_VALUES = 96e6;
/** Rows on which a scheme is chosen, and equal values it needs there: a wrong one leaves most values unequal. */
const TRIAL_ROWS = 6;
const TRIAL_EQUAL = 0.9;

export interface SchemeProof {
  readonly scheme: string;
  /** Whether every value that was tested is equal. */
  readonly proved: boolean;
  /** Values tested, and those equal. */
  readonly tested: number;
  readonly equal: number;
  /** Share of the quantized values that was tested; the rest is of types that are not rebuilt here, or was left out for time. */
  readonly coverage: number;
}

/** Pairs whose values in B are coarser than in A, each with the scheme tried on it. */
export async function proveScheme(a: Model, b: Model, pairs: readonly SlotPair[], watch: Watch = {}): Promise<SchemeProof | null> {
  const [left, right] = [a, b].map((model) => new Map(weightsOf(model).map((rt) => [rt.slot, rt])));
  const jobs = pairs
    .filter((pair) => pair.columns > 1 && !pair.rowsOfA)
    .map((pair) => ({ pair, rtA: left!.get(pair.slotA)!, rtB: right!.get(pair.slotB)! }));
  const total = jobs.reduce((sum, { pair }) => sum + pair.rows * pair.columns, 0);
  const rowShare = Math.min(1, MAX_VALUES / Math.max(1, total));
  const byName = new Map<string, number>();
  let [tested, equal, quantized, covered] = [0, 0, 0, 0];
  let known: Scheme | null = null;
  for (const job of jobs) {
    watch.signal?.throwIfAborted();
    const values = job.pair.rows * job.pair.columns;
    const packed = isPacked(job.rtB);
    const scheme: Scheme | null = packed ? (GGML_SCHEMES.get(job.rtB.tensor.dtype) ?? null) : await chooseScheme(a, b, job, known);
    if (!packed && !scheme) continue;
    quantized += values;
    const name = scheme?.name ?? job.rtB.tensor.dtype;
    byName.set(name, (byName.get(name) ?? 0) + values);
    if (!scheme) continue;
    if (!packed) known = scheme;
    const found = await testPair(a, b, job, scheme, rowShare);
    tested += found.tested;
    equal += found.equal;
    covered += found.tested;
  }
  if (byName.size === 0) return null;
  const names = [...byName].sort((x, y) => y[1] - x[1] || (x[0] < y[0] ? -1 : 1)).map(([name]) => name);
  return {
    scheme: names.join(', '),
    proved: tested > 0 && equal === tested && covered >= rowShare * quantized * 0.999,
    tested,
    equal,
    coverage: covered / quantized,
  };
}

interface Job {
  readonly pair: SlotPair;
  readonly rtA: RoleTensor;
  readonly rtB: RoleTensor;
}

function isPacked(rt: RoleTensor): boolean {
  return /^(I?Q\d|TQ|MXFP4|NVFP4)/.test(rt.tensor.dtype);
}

/** The first scheme that gives nearly all values of a few rows; the one that fitted the matrix before is tried first. */
async function chooseScheme(a: Model, b: Model, { pair, rtA, rtB }: Job, known: Scheme | null): Promise<Scheme | null> {
  const count = Math.min(TRIAL_ROWS, pair.rows);
  const start = Math.floor((pair.rows - count) / 2);
  const valuesA = await readRoleRows(a.checkpoint!, rtA, start, count);
  const valuesB = await readRoleRows(b.checkpoint!, rtB, start, count);
  if (valuesA.every((value, i) => value === valuesB[i])) return null;
  let absmax = -1;
  for (const scheme of known ? [known, ...PLAIN_SCHEMES] : PLAIN_SCHEMES) {
    if (scheme.group === 'tensor' && absmax < 0) absmax = await largest(a, rtA, pair);
    const { tested, equal } = compareRows(scheme, valuesA, valuesB, count, pair.columns, absmax, rtB);
    if (tested > 0 && equal >= TRIAL_EQUAL * tested) {
      // Variants of one scheme differ in single values: the one without any is the one that was used.
      if (equal === tested) return scheme;
      return PLAIN_SCHEMES.filter((other) => other.name === scheme.name).reduce((best, other) =>
        compareRows(other, valuesA, valuesB, count, pair.columns, absmax, rtB).equal >
        compareRows(best, valuesA, valuesB, count, pair.columns, absmax, rtB).equal
          ? other
          : best,
      );
    }
  }
  return null;
}

async function testPair(
  a: Model,
  b: Model,
  { pair, rtA, rtB }: Job,
  scheme: Scheme,
  rowShare: number,
): Promise<{ tested: number; equal: number }> {
  const absmax = scheme.group === 'tensor' ? await largest(a, rtA, pair) : 0;
  const part = { ...pair, rows: Math.max(1, Math.round(pair.rows * rowShare)) };
  let [tested, equal] = [0, 0];
  for await (const { count, valuesA, valuesB } of blocks(a, b, rtA, rtB, part)) {
    const found = compareRows(scheme, valuesA, valuesB, count, pair.columns, absmax, rtB);
    tested += found.tested;
    equal += found.equal;
  }
  return { tested, equal };
}

function compareRows(
  scheme: Scheme,
  valuesA: Float32Array,
  valuesB: Float32Array,
  rows: number,
  columns: number,
  absmax: number,
  rtB: RoleTensor,
): { tested: number; equal: number } {
  const out = new Float32Array(columns);
  let [tested, equal] = [0, 0];
  for (let row = 0; row < rows; row++) {
    const values = valuesA.subarray(row * columns, (row + 1) * columns);
    if (!requantizeRow(scheme, values, out, absmax)) return { tested: 0, equal: 0 };
    roundTo(rtB.tensor.dtype, out);
    for (let i = 0; i < columns; i++) if (out[i] === valuesB[row * columns + i]) equal++;
    tested += columns;
  }
  return { tested, equal };
}

async function largest(model: Model, rt: RoleTensor, { rows, columns }: SlotPair): Promise<number> {
  const perBlock = Math.max(1, Math.floor((1 << 20) / columns));
  let most = 0;
  for (let start = 0; start < rows; start += perBlock)
    for (const value of await readRoleRows(model.checkpoint!, rt, start, Math.min(perBlock, rows - start)))
      if (Math.abs(value) > most) most = Math.abs(value);
  return most;
}
