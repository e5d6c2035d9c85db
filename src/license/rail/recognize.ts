/**
 * Recognizes a license that `composeRail` made. The text is read for its options, composed again, and compared word by word:
 * there is no list of composed licenses.
 * @module
 */
import { diffWords } from '../diff.ts';
import { quote } from '../differences.ts';
import { type Shingles, shinglesOf } from '../shingles.ts';
import type { Difference } from '../types.ts';
import { splitWords, type Words } from '../words.ts';
import { composeWith } from './compose.ts';
import type { Artifact, RailData, RailType } from './data.ts';

export interface ComposedMatch {
  /** The id the text states; the id of its options when it states none. */
  readonly id: string;
  readonly name: string;
  readonly artifact: Artifact;
  readonly type: RailType;
  readonly restrictions: readonly string[];
  readonly version: string;
  readonly differs: readonly Difference[];
  readonly coverage: number;
  /** Words `[b0, b1)` of the text. */
  readonly b0: number;
  readonly b1: number;
}

/** Words looked at before and after the shared shingles: a title and the header, and the last line. */
const EDGE = 60;
/** Longest stretch taken as one composed license; the longest has 1,300 words. (CWE-400) */
const MAX_WORDS = 4000;
/** Shingles of the standard terms a text must show. */
const MIN_SHARED = 120;

let known: { data: RailData; hashes: Set<number> } | undefined;

/** Shingles of the terms that every composed license shares. */
function standardShingles(data: RailData): Set<number> {
  if (known?.data === data) return known.hashes;
  const hashes = new Set<number>();
  for (const artifact of Object.keys(data.artifacts) as Artifact[])
    for (const type of Object.keys(data.types) as RailType[])
      for (const hash of shinglesOf(splitWords(composeWith(data, { artifact, type, restrictions: ['law'] }).text)).hash) hashes.add(hash);
  known = { data, hashes };
  return hashes;
}

/** The composed license in `text`, changed or not; null when there is none. */
export function recognizeComposed(data: RailData, text: string, words: Words, shingles: Shingles): ComposedMatch | null {
  const standard = standardShingles(data);
  let shared = 0;
  let first = -1;
  let last = 0;
  for (let s = 0; s < shingles.hash.length; s++) {
    if (!standard.has(shingles.hash[s]!)) continue;
    const at = shingles.at[s]!;
    if (first >= 0 && at - first > MAX_WORDS) break;
    if (first < 0) first = at;
    last = at;
    shared++;
  }
  if (shared < MIN_SHARED) return null;
  const from = Math.max(0, first - EDGE);
  const to = Math.min(words.words.length, last + EDGE);
  const own = words.words.slice(from, to);
  const artifact = best(Object.keys(data.artifacts) as Artifact[], (a) =>
    holds(own, data.artifacts[a].definition, data.artifacts[a].derivative),
  );
  const type = best(Object.keys(data.types) as RailType[], (t) =>
    holds(
      own,
      ...data.sections
        .filter((s) => s.types?.includes(t))
        .flatMap((s) => s.paragraphs.map((p) => p.replaceAll('{Work}', data.artifacts[artifact].noun))),
    ),
  );
  const restrictions = itemsOf(own).map((item) => best(data.restrictions, (r) => likeness(item, splitWords(r.text).words)).code);
  const names = headerNames(own);
  let expected;
  try {
    expected = composeWith(data, { artifact, type, restrictions: restrictions.length > 0 ? restrictions : ['law'], ...names });
  } catch {
    expected = composeWith(data, { artifact, type, restrictions: restrictions.length > 0 ? restrictions : ['law'] });
  }
  const stated = /LicenseRef-RAIL-[DAMS]-(?:open|research)-[0-9a-f]{16}/i.exec(text.slice(words.start[from], words.end[to - 1]))?.[0];
  return {
    id: stated === undefined || stated.toLowerCase() === expected.id.toLowerCase() ? expected.id : stated,
    name: expected.record.name,
    artifact,
    type,
    restrictions,
    version: String(data.version),
    ...compare(expected.text, text, words, from, to),
  };
}

/** Share of the three-word runs of `texts` that stand in `words`. */
function holds(words: readonly string[], ...texts: string[]): number {
  const runs = new Set<string>();
  for (let k = 0; k + 3 <= words.length; k++) runs.add(`${words[k]} ${words[k + 1]} ${words[k + 2]}`);
  let all = 0;
  let found = 0;
  for (const text of texts) {
    const own = splitWords(text).words;
    for (let k = 0; k + 3 <= own.length; k++) {
      all++;
      if (runs.has(`${own[k]} ${own[k + 1]} ${own[k + 2]}`)) found++;
    }
  }
  return all === 0 ? 0 : found / all;
}

/** The words of each restriction, numbered as they are composed. */
function itemsOf(words: readonly string[]): string[][] {
  const items: string[][] = [];
  for (let k = 0; k + 1 < words.length; k++) {
    if (words[k] !== 'restriction' || !/^\d{1,2}$/.test(words[k + 1]!)) continue;
    let end = k + 2;
    while (end < words.length && words[end] !== 'restriction' && words[end] !== 'section') end++;
    if (end - k > 3) items.push(words.slice(k + 2, end));
  }
  return items.slice(0, 100);
}

/** Sørensen-Dice of the word pairs of two clauses. */
function likeness(x: readonly string[], y: readonly string[]): number {
  const pairs = new Set(x.slice(1).map((word, k) => `${x[k]} ${word}`));
  let shared = 0;
  for (let k = 1; k < y.length; k++) if (pairs.has(`${y[k - 1]} ${y[k]}`)) shared++;
  return (2 * shared) / Math.max(1, x.length + y.length - 2);
}

function headerNames(words: readonly string[]): { name?: string; licensor?: string } {
  const head = words.slice(0, 2 * EDGE + 80);
  const end = head.findIndex((word, k) => word === 'section' && head[k + 1] === '1' && head[k + 2] === 'definitions');
  const work = head.findIndex((word, k) => word === 'work' && head[k - 2] === 'version');
  const licensor = head.indexOf('licensor', work);
  if (end < 0 || work < 0 || licensor < 0 || licensor > end) return {};
  return { name: head.slice(work + 1, licensor).join(' '), licensor: head.slice(licensor + 1, end).join(' ') };
}

function best<T>(items: readonly T[], score: (item: T) => number): T {
  return items.reduce((winner, item) => (score(item) > score(winner) ? item : winner));
}

function compare(
  expected: string,
  text: string,
  words: Words,
  from: number,
  to: number,
): Pick<ComposedMatch, 'differs' | 'coverage' | 'b0' | 'b1'> {
  const wanted = splitWords(expected).words;
  const numbers = new Map<string, number>();
  const numberOf = (word: string): number => {
    let n = numbers.get(word);
    if (n === undefined) numbers.set(word, (n = numbers.size));
    return n;
  };
  const a = Int32Array.from(wanted, numberOf);
  const b = Int32Array.from(words.words.slice(from, to), numberOf);
  let b0 = 0;
  let b1 = b.length;
  // What stands before the first and after the last word of the license is no part of it.
  const hunks = diffWords(a, 0, a.length, b, 0, b.length).filter((h) => {
    if (h.a0 === h.a1 && h.a0 === 0) b0 = h.b1;
    else if (h.a0 === h.a1 && h.a0 === a.length) b1 = h.b0;
    else return true;
    return false;
  });
  let lost = 0;
  for (const h of hunks) lost += h.a1 - h.a0;
  const differs = hunks.map((h): Difference => {
    const end = Math.min(h.b1, h.b0 + 80);
    return {
      kind: h.b0 === h.b1 ? 'removed' : h.a0 === h.a1 ? 'added' : 'replaced',
      catalog: wanted.slice(h.a0, h.a1).join(' ').slice(0, 600),
      found: h.b0 === h.b1 ? '' : quote(text, words, from + h.b0, from + end),
      at: words.start[from + h.b0] ?? words.end[from + h.b0 - 1] ?? 0,
    };
  });
  return { differs, coverage: 1 - lost / a.length, b0: from + b0, b1: from + b1 };
}
