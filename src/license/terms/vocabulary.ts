/**
 * The words records may use, compiled from catalog/vocabulary.json by `npm run catalog` and loaded on first use.
 * @module
 */
import type { TermKind } from './types.ts';

export interface Vocabulary {
  /** Act → what it is. */
  readonly acts: Readonly<Record<string, string>>;
  /** `say`: under the heading of its kind ("you must …"). */
  readonly terms: Readonly<Record<string, { readonly kind: TermKind; readonly meaning: string; readonly say: string }>>;
  readonly derivationStatus: Readonly<Record<string, string>>;
  /** Code → the use: those of the RAIL family's lists, and those of policies and other licenses. */
  readonly useRestrictions: Readonly<Record<string, string>>;
  readonly otherUses: Readonly<Record<string, string>>;
  /** Strength → what has to go on. */
  readonly flow: Readonly<Record<string, string>>;
}

let loading: Promise<Vocabulary> | undefined;

export function loadVocabulary(): Promise<Vocabulary> {
  loading ??= import('../data/vocabulary.json', { with: { type: 'json' } }).then((file) => file.default as unknown as Vocabulary);
  return loading;
}
