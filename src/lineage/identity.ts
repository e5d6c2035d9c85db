/**
 * Equal values: tensor by tensor in order, and as multisets blind to order, axes and names.
 * @module
 */
import { comparable } from './pairing.ts';
import type { Sketch } from './sketch.ts';
import type { Evidence } from './types.ts';

export interface Identity {
  /** Share of the smaller model's values that stand in tensors equal in order, in any slot. */
  readonly ordered: number;
  /** The same for equal multisets of values. */
  readonly sorted: number;
  /** Slots of B whose tensors equal one of A. */
  readonly slots: readonly string[];
  /** Whether whole tensors were hashed, or only sampled rows. */
  readonly sampled: boolean;
  readonly evidence: Evidence;
}

/** Null when nothing was hashed on both sides. Constants and buffers were never printed. */
export function identityOf(a: Sketch, b: Sketch, inputs: Evidence['inputs']): Identity | null {
  if (a.prints.length > 0 && b.prints.length > 0) return fromPrints(a, b, inputs);
  return fromSamples(a, b, inputs);
}

function fromPrints(a: Sketch, b: Sketch, inputs: Evidence['inputs']): Identity {
  const total = Math.min(sum(a.prints), sum(b.prints)) || 1;
  const orderedA = counts(a.prints.map((print) => print.ordered));
  const sortedA = counts(a.prints.map((print) => print.sorted));
  let ordered = 0;
  let sorted = 0;
  const slots: string[] = [];
  for (const print of b.prints) {
    if (takeOne(orderedA, print.ordered)) {
      ordered += print.count;
      slots.push(print.slot);
    }
    if (takeOne(sortedA, print.sorted)) sorted += print.count;
  }
  return describe(Math.min(1, ordered / total), Math.min(1, sorted / total), slots, false, b.prints.length, inputs);
}

function fromSamples(a: Sketch, b: Sketch, inputs: Evidence['inputs']): Identity | null {
  const bySlot = new Map(a.samples.map((sample) => [sample.slot, sample]));
  let total = 0;
  let equal = 0;
  const slots: string[] = [];
  for (const right of b.samples) {
    const left = bySlot.get(right.slot);
    if (right.excluded || !comparable(left, right)) continue;
    const weight = right.shape[0] * right.shape[1];
    total += weight;
    if (left.hash === right.hash && left.units === right.units) {
      equal += weight;
      slots.push(right.slot);
    }
  }
  return total === 0 ? null : describe(equal / total, equal / total, slots, true, b.samples.length, inputs);
}

function describe(ordered: number, sorted: number, slots: string[], sampled: boolean, n: number, inputs: Evidence['inputs']): Identity {
  return {
    ordered, sorted, slots, sampled,
    evidence: {
      test: 'equal-values', version: 1, class: 'descriptive',
      question: 'Which tensors hold the same numbers, after rounding to 16 bits?',
      statistic: { name: 'share of values in equal tensors', value: ordered },
      n, log10P: null,
      effect: { name: 'share of values in tensors equal up to order', value: sorted },
      nullModel: 'tensors trained apart are never equal; stored constants are left out, frozen random starts are not',
      assumptions: ['constants and buffers were recognised and left out', ...(sampled ? ['only sampled rows were hashed'] : [])],
      details: { equalTensors: slots.length, basis: sampled ? 'sampled rows' : 'whole tensors' },
      inputs,
    },
  };
}

function sum(prints: readonly { count: number }[]): number {
  return prints.reduce((total, print) => total + print.count, 0);
}

function counts(hashes: readonly string[]): Map<string, number> {
  const map = new Map<string, number>();
  for (const hash of hashes) map.set(hash, (map.get(hash) ?? 0) + 1);
  return map;
}

function takeOne(map: Map<string, number>, hash: string): boolean {
  const left = map.get(hash) ?? 0;
  if (left > 0) map.set(hash, left - 1);
  return left > 0;
}
