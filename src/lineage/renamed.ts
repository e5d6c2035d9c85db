/**
 * One network inside another, or wrapped: `layer1.0.conv1` here is `backbone.layer1.0.conv1` there.
 * @module
 */
import { comparable } from './pairing.ts';
import type { Sketch } from './sketch.ts';

/** A wrapper puts up to this many parts in front: `model.encoder.backbone`. */
const MAX_DEPTH = 3;
/** Slots of A remembered for one ending; bounds the work on hostile names. (CWE-407) */
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
  const straight = b.filter((slot) => known.has(slot) && fits(slot, slot)).length;
  // Names that meet as they are need no other reading.
  if (2 * straight >= Math.min(a.length, b.length)) return new Map();
  const ends = new Map<string, string[]>();
  for (const slot of a)
    for (const prefix of prefixes(slot)) {
      const end = slot.slice(prefix.length);
      const list = ends.get(end) ?? [];
      if (list.length < MAX_PREFIXES) list.push(prefix);
      ends.set(end, list);
    }
  const found = new Map<string, Map<string, string>>();
  for (const slot of b)
    for (const from of prefixes(slot)) {
      const end = slot.slice(from.length);
      for (const to of ends.get(end) ?? []) {
        // A common last part says nothing new, and equal prefixes nothing at all.
        if (from === to || (from !== '' && to !== '' && from.split('.').at(-2) === to.split('.').at(-2))) continue;
        if (!fits(to + end, slot)) continue;
        const key = `${from}|${to}`;
        if (!found.has(key)) found.set(key, new Map());
        found.get(key)!.set(slot, to + end);
      }
    }
  let best = new Map<string, string>();
  for (const map of found.values()) if (map.size > Math.max(straight, best.size)) best = map;
  return best;
}

/** `''` and every leading part of a slot, with its dot. */
function prefixes(slot: string): string[] {
  const parts = slot.split('.');
  return Array.from({ length: Math.max(0, Math.min(MAX_DEPTH, parts.length - 2)) + 1 }, (_, depth) =>
    parts
      .slice(0, depth)
      .map((part) => `${part}.`)
      .join(''),
  );
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
