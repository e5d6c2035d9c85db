/**
 * One network inside another, or wrapped: `layer1.0.conv1` here is `backbone.layer1.0.conv1` there.
 * @module
 */
import { comparable } from './pairing.ts';
import type { Sketch } from './sketch.ts';

/** A wrapper puts up to this many parts in front: `model.encoder.backbone`. */
const MAX_DEPTH = 3;
/** Prefixes tried on each side, most frequent first; bounds the work on hostile names. (CWE-407) */
const MAX_PREFIXES = 40;

/**
 * The pair of prefixes that, taken off, makes most slots equal. Decided by names and shapes alone, so nothing has to be corrected for.
 * @param fits whether two slots could be the same tensor.
 * @returns for each slot of B that has one its slot of A; empty when prefixes change nothing.
 */
export function renamedSlots(
  a: readonly string[],
  b: readonly string[],
  fits: (slotA: string, slotB: string) => boolean,
): ReadonlyMap<string, string> {
  const known = new Set(a);
  let best = new Map<string, string>();
  let covered = b.filter((slot) => known.has(slot) && fits(slot, slot)).length;
  for (const from of prefixes(b))
    for (const to of prefixes(a)) {
      // A common last part says nothing new, and equal prefixes nothing at all.
      if (from === to || (from !== '' && to !== '' && from.split('.').at(-2) === to.split('.').at(-2))) continue;
      const found = new Map<string, string>();
      for (const slot of b) {
        const there = to + slot.slice(from.length);
        if (slot.startsWith(from) && known.has(there) && fits(there, slot)) found.set(slot, there);
      }
      if (found.size > covered) [best, covered] = [found, found.size];
    }
  return best;
}

/** `''` and every leading part of the slots, with its dot. */
function prefixes(slots: readonly string[]): string[] {
  const counts = new Map<string, number>();
  for (const slot of slots) {
    const parts = slot.split('.');
    for (let depth = 1; depth <= Math.min(MAX_DEPTH, parts.length - 2); depth++) {
      const prefix = `${parts.slice(0, depth).join('.')}.`;
      counts.set(prefix, (counts.get(prefix) ?? 0) + 1);
    }
  }
  const frequent = [...counts].sort((x, y) => y[1] - x[1] || x[0].length - y[0].length || (x[0] < y[0] ? -1 : 1));
  return ['', ...frequent.slice(0, MAX_PREFIXES).map(([prefix]) => prefix)];
}

/** A under B's names, where prefixes make more of a generic network's tensors meet; else A as it is. */
export function underNamesOf(b: Sketch, a: Sketch): Sketch {
  if (a.subject.isAdapter || a.subject.scheme !== 'generic' || b.subject.scheme !== 'generic') return a;
  const samplesA = new Map(a.samples.map((sample) => [sample.slot, sample]));
  const samplesB = new Map(b.samples.map((sample) => [sample.slot, sample]));
  const vectorsA = new Map(a.vectors.map((vector) => [vector.slot, vector.length]));
  const vectorsB = new Map(b.vectors.map((vector) => [vector.slot, vector.length]));
  const map = renamedSlots([...samplesA.keys(), ...vectorsA.keys()], [...samplesB.keys(), ...vectorsB.keys()], (x, y) =>
    samplesB.has(y) ? comparable(samplesA.get(x), samplesB.get(y)) : vectorsA.get(x) === vectorsB.get(y),
  );
  if (map.size === 0) return a;
  const back = new Map([...map].map(([slotB, slotA]) => [slotA, slotB]));
  const taken = new Set(map.keys());
  // A slot of A that B's names now use for another tensor steps aside.
  const rename = <T extends { readonly slot: string }>(entry: T): T => {
    const slot = back.get(entry.slot) ?? (taken.has(entry.slot) ? `(${entry.slot})` : entry.slot);
    return slot === entry.slot ? entry : { ...entry, slot };
  };
  return { ...a, samples: a.samples.map(rename), vectors: a.vectors.map(rename), prints: a.prints.map(rename) };
}
