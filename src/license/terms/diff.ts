/**
 * Two licenses beside each other: term by term, act by act, and, where both texts are known, word by word.
 * @module
 */
import { findOccurrences } from '../align.ts';
import { type Catalog, loadCatalog } from '../catalog.ts';
import type { Hunk } from '../diff.ts';
import type { FoundLicense } from './find.ts';
import { sayAct, sayStatus, sayTerm } from './say.ts';
import type { Derivation, LicenseRecord, Term } from './types.ts';
import { FLAG_COPYRIGHT, FLAG_MARKER } from '../words.ts';
import { loadVocabulary, type Vocabulary } from './vocabulary.ts';

/** `same`: same term and params on the same acts; the words and sections may differ. */
export type DiffState = 'same' | 'differs' | 'only-a' | 'only-b';

export interface DiffSide {
  readonly what: string;
  readonly section: string;
  readonly quote: string;
  readonly on?: readonly string[];
  readonly params?: Readonly<Record<string, unknown>>;
}

export interface TermDiff {
  readonly term: string;
  readonly state: DiffState;
  readonly a?: DiffSide;
  readonly b?: DiffSide;
  /** What differs: `acts`, or names of params. */
  readonly differs: readonly string[];
}

export interface ActDiff {
  readonly act: string;
  readonly what: string;
  readonly state: 'same' | 'differs';
  readonly a?: Derivation;
  readonly b?: Derivation;
}

/** A run of words that one text has and the other has not, lower case and without punctuation. */
export interface WordDiff {
  /** The words that stand before it in both. */
  readonly before: string;
  readonly a: string;
  readonly b: string;
}

export interface LicenseDiff {
  readonly a: string;
  readonly b: string;
  /** Empty when one of the two has no recorded terms. */
  readonly terms: readonly TermDiff[];
  readonly derivation: readonly ActDiff[];
  /** Ids without recorded terms. */
  readonly withoutTerms: readonly string[];
  readonly words: {
    /** `same`: no word that counts differs; `different-texts`: too little is shared to go word by word; `unknown`: a text is not held. */
    readonly state: 'same' | 'differs' | 'different-texts' | 'unknown';
    /** At most 200. */
    readonly runs: readonly WordDiff[];
    readonly more: number;
  };
}

/** Runs of words listed; more means another text. (CWE-770) */
const MAX_RUNS = 200;
/** Words shown of one run. */
const MAX_RUN_WORDS = 60;
/** Words shown before a run, to find its place. */
const CONTEXT_WORDS = 5;
/** More words differ than that share of the shorter text: two texts, not two versions. */
const MAX_CHANGED = 0.5;

export async function diffLicenses(
  a: FoundLicense & { found: 'record' | 'text' },
  b: FoundLicense & { found: 'record' | 'text' },
): Promise<LicenseDiff> {
  const [vocabulary, catalog] = await Promise.all([loadVocabulary(), loadCatalog()]);
  const [x, y] = [recordOf(a), recordOf(b)];
  const [idA, idB] = [idOf(a), idOf(b)];
  return {
    a: idA,
    b: idB,
    terms: x && y ? diffTerms(x, y, vocabulary) : [],
    derivation: x && y ? diffActs(x, y) : [],
    withoutTerms: [...(x ? [] : [idA]), ...(y ? [] : [idB])],
    words: await diffTexts(idA, idB, catalog),
  };
}

const recordOf = (one: FoundLicense): LicenseRecord | undefined => (one.found === 'record' ? one.record : undefined);
const idOf = (one: FoundLicense & { found: 'record' | 'text' }): string => (one.found === 'record' ? one.record.id : one.entry.id);

function diffTerms(a: LicenseRecord, b: LicenseRecord, vocabulary: Vocabulary): TermDiff[] {
  const order = Object.keys(vocabulary.terms);
  const names = [...new Set([...a.terms, ...b.terms].map((t) => t.term))].sort((m, n) => order.indexOf(m) - order.indexOf(n));
  const side = (term: Term): DiffSide => ({
    what: sayTerm(term, vocabulary),
    section: term.section,
    quote: term.quote,
    ...(term.on && { on: term.on }),
    ...(term.params && { params: term.params }),
  });
  return names.flatMap((name) => {
    const left = a.terms.filter((t) => t.term === name);
    const right = b.terms.filter((t) => t.term === name);
    const out: TermDiff[] = [];
    for (const [x, y] of pair(left, right)) {
      const differs = x && y ? differences(x, y) : [];
      const state: DiffState = !x ? 'only-b' : !y ? 'only-a' : differs.length > 0 ? 'differs' : 'same';
      out.push({ term: name, state, ...(x && { a: side(x) }), ...(y && { b: side(y) }), differs });
    }
    return out;
  });
}

/** Terms of one name side by side: equal ones first, then in order. */
function pair(left: readonly Term[], right: readonly Term[]): (readonly [Term | undefined, Term | undefined])[] {
  const rest = [...right];
  const take = (fits: (y: Term) => boolean): Term | undefined => {
    const at = rest.findIndex(fits);
    return at < 0 ? undefined : rest.splice(at, 1)[0];
  };
  const out = left.map((x): [Term, Term | undefined] => [x, take((y) => differences(x, y).length === 0)]);
  for (const one of out) one[1] ??= take(() => true);
  return [...out, ...rest.map((y): [undefined, Term] => [undefined, y])];
}

/** Params for people do not make a difference. */
const WORDS_ONLY: ReadonlySet<string> = new Set(['note', 'effectText']);

function differences(x: Term, y: Term): string[] {
  const out: string[] = [];
  if (key([...(x.on ?? [])].sort()) !== key([...(y.on ?? [])].sort())) out.push('acts');
  const names = new Set([...Object.keys(x.params ?? {}), ...Object.keys(y.params ?? {})]);
  for (const name of names) {
    if (WORDS_ONLY.has(name)) continue;
    const [m, n] = [x.params?.[name], y.params?.[name]];
    if (key(name === 'items' ? codesOf(m) : m) !== key(name === 'items' ? codesOf(n) : n)) out.push(name);
  }
  return out;
}

/** Of a list of forbidden uses the codes are compared; the wording shows in the words. */
const codesOf = (items: unknown): string[] =>
  [...new Set(((items ?? []) as { codes: readonly string[] }[]).flatMap((item) => item.codes))].sort();
const key = (value: unknown): string => JSON.stringify(value) ?? '';

function diffActs(a: LicenseRecord, b: LicenseRecord): ActDiff[] {
  const acts = [...new Set([...Object.keys(a.derivation ?? {}), ...Object.keys(b.derivation ?? {})])];
  return acts.map((act) => {
    const [x, y] = [a.derivation?.[act as keyof typeof a.derivation], b.derivation?.[act as keyof typeof b.derivation]];
    const told = (row: Derivation | undefined): string => (row ? sayStatus(row.status) : 'not read');
    const same = x?.status === y?.status;
    return {
      act,
      what: `${sayAct(act)}: ${same ? told(x) : `${told(x)} → ${told(y)}`}`,
      state: same ? 'same' : 'differs',
      ...(x && { a: x }),
      ...(y && { b: y }),
    };
  });
}

async function diffTexts(a: string, b: string, catalog: Catalog): Promise<LicenseDiff['words']> {
  const none = { runs: [], more: 0 };
  const [x, y] = [positionOf(a, catalog), positionOf(b, catalog)];
  if (x < 0 || y < 0) return { state: 'unknown', ...none };
  await catalog.prepare([x, y]);
  const [left, right] = [catalog.text(x), catalog.text(y)];
  // The shorter text is looked for in the longer one: a policy or an appendix may stand behind it.
  const swapped = left.words.length > right.words.length;
  const [short, long] = swapped ? [right, left] : [left, right];
  const [alignment] = findOccurrences(short, long.words, long.shingles());
  if (!alignment) return { state: 'different-texts', ...none };
  const { b0, b1 } = alignment;
  const inside = alignment.hunks.reduce((sum, h) => sum + Math.max(h.a1 - h.a0, h.b1 - h.b0), 0);
  if (inside > MAX_CHANGED * short.words.length) return { state: 'different-texts', ...none };
  const end = short.words.length;
  const hunks = [
    ...(b0 > 0 ? [{ a0: 0, a1: 0, b0: 0, b1: b0 }] : []),
    ...alignment.hunks,
    ...(b1 < long.words.length ? [{ a0: end, a1: end, b0: b1, b1: long.words.length }] : []),
  ].map((h): Hunk => (swapped ? { a0: h.b0, a1: h.b1, b0: h.a0, b1: h.a1 } : h));
  const counted = hunks.filter((h) => counts(left.flags, h.a0, h.a1) || counts(right.flags, h.b0, h.b1));
  const spell = (words: Int32Array, from: number, to: number): string =>
    Array.from(words.subarray(from, to), (word) => catalog.vocabulary[word] ?? '').join(' ');
  const cut = (words: Int32Array, from: number, to: number): string =>
    spell(words, from, Math.min(to, from + MAX_RUN_WORDS)) + (to - from > MAX_RUN_WORDS ? ` … (${to - from} words)` : '');
  const runs = counted.slice(0, MAX_RUNS).map((h) => ({
    before: spell(left.words, Math.max(0, h.a0 - CONTEXT_WORDS), h.a0),
    a: cut(left.words, h.a0, h.a1),
    b: cut(right.words, h.b0, h.b1),
  }));
  return { state: runs.length === 0 ? 'same' : 'differs', runs, more: counted.length - runs.length };
}

/** List markers and copyright lines may differ; a run of nothing else is no difference. */
function counts(flags: Uint8Array, from: number, to: number): boolean {
  for (let k = from; k < to; k++) if ((flags[k]! & (FLAG_MARKER | FLAG_COPYRIGHT)) === 0) return true;
  return false;
}

function positionOf(id: string, catalog: Catalog): number {
  const entry = catalog.find(id);
  return entry ? catalog.entries.indexOf(entry) : -1;
}
