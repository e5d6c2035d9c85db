/**
 * Sums of products of a suspect and its possible parents, tensor by tensor, all read once side by side; every fit is made from them.
 * @module
 */
import type { Watch } from '../../base/index.ts';
import { type Model, readRoleRows, roleShape } from '../../model/index.ts';
import { pairSlots, weightsOf } from './pairs.ts';
import { precisionOf } from './tally.ts';

/** Values of the suspect that are read: standard errors fall with their root, and are far below what is told long before. */
const MAX_VALUES = 48e6;
const BLOCK_VALUES = 1 << 18;
/** Values under which a tensor says nothing of its own. */
const MIN_VALUES = 256;

export interface TensorSums {
  readonly slot: string;
  readonly n: number;
  /** `[size, size]` sums of products: of the first parent, of every other parent minus the first, last of the suspect minus the first. */
  readonly products: Float64Array;
  /** What rounding to the suspect's format alone leaves in its residual. */
  readonly rounding: number;
  /** Values of the suspect that are those of parent k, and those one or two steps of its format away. */
  readonly kept: Float64Array;
  readonly near: Float64Array;
}

export interface Sums {
  readonly size: number;
  readonly tensors: readonly TensorSums[];
  /** Share of the suspect's values in tensors that all parents have. */
  readonly coverage: number;
  readonly values: number;
}

/** @throws SourceError, WeightsError when bytes cannot be had; the signal's reason. */
export async function sumProducts(suspect: Model, parents: readonly Model[], watch: Watch = {}): Promise<Sums> {
  const size = parents.length + 1;
  const pairings = parents.map((parent) => new Map(pairSlots(parent, suspect).pairs.map((pair) => [pair.slotB, pair])));
  const bySlot = parents.map((parent) => new Map(weightsOf(parent).map((rt) => [rt.slot, rt])));
  const all = weightsOf(suspect);
  const whole = all.reduce((sum, rt) => sum + roleShape(rt)[0] * roleShape(rt)[1], 0);
  const common = all.filter(
    (rt) =>
      roleShape(rt)[0] * roleShape(rt)[1] >= MIN_VALUES &&
      pairings.every((pairing) => {
        const pair = pairing.get(rt.slot);
        return pair !== undefined && pair.rows === roleShape(rt)[0];
      }),
  );
  const values = common.reduce((sum, rt) => sum + roleShape(rt)[0] * roleShape(rt)[1], 0);
  const share = Math.min(1, MAX_VALUES / Math.max(1, values));
  const tensors: TensorSums[] = [];
  for (const [done, rt] of common.entries()) {
    watch.signal?.throwIfAborted();
    watch.onProgress?.({ what: 'fit parents', done, total: common.length });
    const [rows, columns] = roleShape(rt);
    const take = Math.max(1, Math.round(rows * share));
    const start = Math.floor((rows - take) / 2);
    const sums = {
      slot: rt.slot,
      n: 0,
      products: new Float64Array(size * size),
      rounding: 0,
      kept: new Float64Array(parents.length),
      near: new Float64Array(parents.length),
    };
    const perBlock = Math.max(1, Math.floor(BLOCK_VALUES / columns));
    for (let at = start; at < start + take; at += perBlock) {
      const count = Math.min(perBlock, start + take - at);
      const [own, ...others] = await Promise.all([
        readRoleRows(suspect.checkpoint!, rt, at, count),
        ...parents.map((parent, k) => readRoleRows(parent.checkpoint!, bySlot[k]!.get(rt.slot)!, at, count)),
      ]);
      addBlock(sums, own!, others, size, precisionOf(rt.tensor.dtype));
    }
    tensors.push(sums);
  }
  return { size, tensors, coverage: whole === 0 ? 0 : values / whole, values: tensors.reduce((sum, { n }) => sum + n, 0) };
}

function addBlock(
  sums: { n: number; products: Float64Array; rounding: number; kept: Float64Array; near: Float64Array },
  own: Float32Array,
  others: readonly Float32Array[],
  size: number,
  precision: number,
): void {
  const row = new Float64Array(size);
  const { products, kept, near } = sums;
  const step = 2 ** (1 - precision);
  const first = others[0]!;
  for (let i = 0; i < own.length; i++) {
    const origin = first[i]!;
    row[0] = origin;
    for (let k = 1; k < others.length; k++) row[k] = others[k]![i]! - origin;
    row[size - 1] = own[i]! - origin;
    let finite = Number.isFinite(origin);
    for (let k = 1; k < size; k++) if (!Number.isFinite(row[k]!)) finite = false;
    if (!finite) continue;
    sums.n++;
    for (let k = 0; k < others.length; k++) {
      const apart = Math.abs(own[i]! - others[k]![i]!);
      if (apart === 0) kept[k]!++;
      else if (apart <= step * Math.abs(own[i]!)) near[k]!++;
    }
    for (let p = 0; p < size; p++) for (let q = 0; q <= p; q++) products[p * size + q]! += row[p]! * row[q]!;
    const magnitude = Math.abs(own[i]!);
    if (magnitude > 0 && precision > 0) sums.rounding += 4 ** (Math.floor(Math.log2(magnitude)) + 1 - precision) / 12;
  }
}

/** The product sums as a full symmetric matrix. */
export function symmetric({ products }: TensorSums, size: number): Float64Array {
  const out = new Float64Array(size * size);
  for (let p = 0; p < size; p++)
    for (let q = 0; q <= p; q++) {
      out[p * size + q] = products[p * size + q]!;
      out[q * size + p] = products[p * size + q]!;
    }
  return out;
}

/**
 * Solves `matrix x = right` for a symmetric positive definite matrix (Cholesky).
 * @returns null when it is singular to working precision: columns that repeat one another.
 */
export function solveSymmetric(matrix: Float64Array, right: Float64Array, n: number): Float64Array | null {
  const lower = new Float64Array(n * n);
  for (let i = 0; i < n; i++)
    for (let j = 0; j <= i; j++) {
      let sum = matrix[i * n + j]!;
      for (let k = 0; k < j; k++) sum -= lower[i * n + k]! * lower[j * n + k]!;
      if (i === j) {
        if (!(sum > 1e-7 * matrix[i * n + i]!)) return null;
        lower[i * n + i] = Math.sqrt(sum);
      } else lower[i * n + j] = sum / lower[j * n + j]!;
    }
  const x = new Float64Array(n);
  for (let i = 0; i < n; i++) {
    let sum = right[i]!;
    for (let k = 0; k < i; k++) sum -= lower[i * n + k]! * x[k]!;
    x[i] = sum / lower[i * n + i]!;
  }
  for (let i = n - 1; i >= 0; i--) {
    let sum = x[i]!;
    for (let k = i + 1; k < n; k++) sum -= lower[k * n + i]! * x[k]!;
    x[i] = sum / lower[i * n + i]!;
  }
  return x;
}
