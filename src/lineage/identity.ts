/**
 * Equal values: tensor by tensor in order, and as multisets blind to order, axes and names.
 * @module
 */
import { comparable } from './pairing.ts';
import type { Sketch } from './sketch.ts';
import type { Evidence } from './types.ts';

export interface Identity {
  /** Share of each side's values that stand in tensors equal in order, in any slot. */
  readonly ordered: Shares;
  /** The same for equal multisets of values. */
  readonly sorted: Shares;
  /** Slots of B whose tensors equal one of A. */
  readonly slots: readonly string[];
  /** Whether whole tensors were hashed, or only sampled rows. */
  readonly sampled: boolean;
  readonly evidence: Evidence;
}

export interface Shares {
  readonly ofA: number;
  readonly ofB: number;
}

/** A share that holds for both sides: one model inside a larger one is not the same model. */
export function ofBoth(shares: Shares): number {
  return Math.min(shares.ofA, shares.ofB);
}

/** Null when nothing was hashed on both sides. Constants and buffers were never printed. */
export function identityOf(a: Sketch, b: Sketch, inputs: Evidence['inputs']): Identity | null {
  if (a.prints.length > 0 && b.prints.length > 0) return fromPrints(a, b, inputs);
  return fromSamples(a, b, inputs);
}

function fromPrints(a: Sketch, b: Sketch, inputs: Evidence['inputs']): Identity {
  const [totalA, totalB] = [sum(a.prints), sum(b.prints)];
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
  const shares = (equal: number): Shares => ({ ofA: equal / (totalA || 1), ofB: equal / (totalB || 1) });
  return describe(shares(ordered), shares(sorted), slots, false, b.prints.length, inputs);
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
  if (total === 0) return null;
  const shares = { ofA: equal / weightOf(a), ofB: equal / weightOf(b) };
  return describe(shares, shares, slots, true, b.samples.length, inputs);
}

function weightOf(sketch: Sketch): number {
  return sketch.samples.reduce((total, s) => total + (s.excluded ? 0 : s.shape[0] * s.shape[1]), 0) || 1;
}

function describe(ordered: Shares, sorted: Shares, slots: string[], sampled: boolean, n: number, inputs: Evidence['inputs']): Identity {
  return {
    ordered,
    sorted,
    slots,
    sampled,
    evidence: {
      test: 'equal-values',
      version: 1,
      class: 'descriptive',
      question: 'Which tensors hold the same numbers, after rounding to 16 bits?',
      statistic: { name: 'share of values in equal tensors, of the larger side', value: ofBoth(ordered) },
      n,
      log10P: null,
      effect: { name: 'the same for tensors equal up to order', value: ofBoth(sorted) },
      nullModel: 'tensors trained apart are never equal; stored constants are left out, frozen random starts are not',
      assumptions: ['constants and buffers were recognized and left out', ...(sampled ? ['only sampled rows were hashed'] : [])],
      details: {
        equalTensors: slots.length,
        shareOfA: ordered.ofA,
        shareOfB: ordered.ofB,
        basis: sampled ? 'sampled rows' : 'whole tensors',
      },
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
