/**
 * When the rest of two files need not be read: every matrix so far ties and changed densely, so the answer is a dense change.
 * @module
 */
import type { SlotPair } from './pairs.ts';
import { MIN_RANKED, type TensorDelta } from './pass.ts';
import { isTied } from './tied.ts';

/** Matrices and share of the values before a pass may stop. */
const MIN_MATRICES = 24;
const MIN_SHARE = 0.2;
/** Equal values under which nothing was left alone, and zeros under which nothing was pruned. */
const FEW_EQUAL = 0.1;
const FEW_ZEROS = 0.01;
/** Flatness from which a change was learned and is no noise. */
const LEARNED = 1.2;

/** @returns why the pass may stop, or null: not before every role and every depth of `pairs` was read. */
export function settledBy(tensors: readonly TensorDelta[], pairs: readonly SlotPair[], readShare: number): string | null {
  const matrices = tensors.filter(isRanked);
  if (readShare < MIN_SHARE || matrices.length < MIN_MATRICES) return null;
  const dense = matrices.every(
    (tensor) =>
      isTied(tensor) &&
      tensor.tally.equal < FEW_EQUAL * tensor.tally.n &&
      tensor.tally.zerosB < FEW_ZEROS * tensor.tally.n &&
      tensor.probe?.rank === null &&
      tensor.probe.flatness > LEARNED,
  );
  return dense && coversAll(matrices, pairs.filter(isRanked))
    ? `all ${matrices.length} matrices read so far, of every kind and depth, tie and changed densely; the others were not read`
    : null;
}

const isRanked = ({ rows, columns }: { readonly rows: number; readonly columns: number }): boolean =>
  rows >= MIN_RANKED && columns >= MIN_RANKED;

function coversAll(read: readonly TensorDelta[], pairs: readonly SlotPair[]): boolean {
  const [seen, all] = [read, pairs].map((list) => {
    const places = list.map(placeOf);
    return new Set([...places.map(({ role }) => role), ...places.map(({ depth }) => depth)]);
  });
  return seen!.size === all!.size;
}

/** The kind of tensor and the depth a slot names: `layers.3.experts.7.up` is `layers.#.experts.#.up` at depth 3. */
function placeOf({ slotB }: Pick<SlotPair, 'slotB'>): { readonly role: string; readonly depth: number } {
  return { role: slotB.replaceAll(/\d+/g, '#'), depth: Number(/\d+/.exec(slotB)?.[0] ?? -1) };
}

/**
 * Order of reading that samples all roles and depths before it is through: roles in turn, each at the depth that was read least so
 * far. A walk in even steps would not do: it can keep step with the roles of a block and leave one of them to the last.
 */
export function readingOrder(pairs: readonly SlotPair[]): number[] {
  const waiting = new Map<string, Map<number, number[]>>();
  for (const [at, pair] of pairs.entries()) {
    const { role, depth } = placeOf(pair);
    const depths = waiting.get(role) ?? waiting.set(role, new Map()).get(role)!;
    const queue = depths.get(depth) ?? depths.set(depth, []).get(depth)!;
    queue.push(at);
  }
  for (const depths of waiting.values()) for (const queue of depths.values()) queue.reverse();
  const reads = new Map<number, number>();
  const order: number[] = [];
  while (order.length < pairs.length)
    for (const depths of waiting.values()) {
      let next = -2;
      for (const depth of depths.keys()) if (next === -2 || (reads.get(depth) ?? 0) < (reads.get(next) ?? 0)) next = depth;
      const queue = depths.get(next);
      if (!queue) continue;
      order.push(queue.pop()!);
      reads.set(next, (reads.get(next) ?? 0) + 1);
      if (queue.length === 0) depths.delete(next);
    }
  return order;
}
