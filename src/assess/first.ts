/**
 * Which of several relatives may stand as ancestors, where weights show a tie and no direction. Two dense models point nowhere; what the
 * cards of others say of them does: a model that others name as their base was there before them. Without this, a base
 * would be told that it changed the license of its own descendants.
 * @module
 */
import { normalizeName } from '../model/index.ts';
import type { AncestorRecord } from './types.ts';

export interface Namings {
  /** Registered models that name it as a base. */
  count(name: string): number;
  /** Whether `name` stands, by cards alone, anywhere below one of `ancestors`. */
  descendsFrom(name: string, ancestors: ReadonlySet<string>): boolean;
}

/** @param records every registered model that was looked at. */
export function readNamings(records: readonly AncestorRecord[]): Namings {
  const bases = new Map(records.map((record) => [normalizeName(record.name), (record.baseModels ?? []).map(normalizeName)]));
  const counts = new Map<string, number>();
  for (const [name, named] of bases) for (const base of new Set(named)) if (base !== name) counts.set(base, (counts.get(base) ?? 0) + 1);
  return {
    count: (name) => counts.get(normalizeName(name)) ?? 0,
    descendsFrom(name, ancestors) {
      const seen = new Set<string>([normalizeName(name)]);
      const queue = [...seen];
      for (let at = 0; at < queue.length; at++)
        for (const base of bases.get(queue[at]!) ?? []) {
          if (ancestors.has(base)) return true;
          if (!seen.has(base)) queue.push(base);
          seen.add(base);
        }
      return false;
    },
  };
}

export interface Candidate {
  readonly name: string;
  /** The weights or the suspect's own card say that it came first. */
  readonly isFirst: boolean;
  /** When it was registered, RFC 3339. */
  readonly addedAt?: string | undefined;
}

/**
 * Those of `candidates` that may be ancestors of the suspect. Where one came first for sure or is named as a base by others, the rest are its
 * relatives and no ancestors that anything speaks for.
 * @param own names the suspect goes by, normalized. @param registeredAt when the suspect was registered itself: where nothing else speaks,
 * what was registered later is no ancestor of it.
 */
export function ancestorsAmong<T extends Candidate>(
  candidates: readonly T[],
  own: ReadonlySet<string>,
  namings: Namings,
  registeredAt?: string,
): T[] {
  const ownCount = Math.max(0, ...[...own].map((name) => namings.count(name)));
  const open = candidates.filter((one) => one.isFirst || !namings.descendsFrom(one.name, own));
  const grounded = open.filter((one) => one.isFirst || namings.count(one.name) > ownCount);
  if (grounded.length > 0 || ownCount > 0) return grounded;
  return registeredAt === undefined ? open : open.filter(({ addedAt }) => addedAt !== undefined && addedAt < registeredAt);
}
