/**
 * Where a license stands in a text, and which words differ. Shared shingles become runs of equal words, runs are
 * chained, the gaps between them are compared word by word.
 * @module
 */
import type { CatalogText } from './catalog.ts';
import { diffWords, type Hunk } from './diff.ts';
import type { Shingles } from './shingles.ts';

/** One occurrence. Hunks: `a` is the license, `b` the text. */
export interface Alignment {
  /** Words `[b0, b1)` of the text. */
  readonly b0: number;
  readonly b1: number;
  readonly hunks: readonly Hunk[];
}

interface Run {
  readonly a: number;
  readonly b: number;
  readonly length: number;
}

/** Runs chained per license and text; the longest win. A license cut into more pieces is not that license. (CWE-407) */
const MAX_RUNS = 1500;
/** Earlier runs tried as predecessors. */
const MAX_LOOKBACK = 120;
/** Words of the text that may stand between two runs of one occurrence. */
const MAX_GAP = 1500;
/** Words looked at before the first and after the last run. */
const MAX_EDGE = 200;
/** Occurrences of one license reported per text. */
const MAX_OCCURRENCES = 12;

/**
 * Occurrences of a license in a text, best first.
 * @param words the text as numbers of the catalogue's vocabulary; a word no license uses has a number of its own or -1.
 */
export function findOccurrences(license: CatalogText, words: Int32Array, shingles: Shingles): Alignment[] {
  let runs = equalRuns(license, words, shingles);
  const out: Alignment[] = [];
  while (runs.length > 0 && out.length < MAX_OCCURRENCES) {
    const chain = bestChain(runs);
    const covered = chain.reduce((sum, run) => sum + run.length, 0);
    if (covered < 0.25 * license.required) break;
    const alignment = fillGaps(license.words, words, chain);
    out.push(alignment);
    runs = runs.filter((run) => run.b + run.length <= alignment.b0 || run.b >= alignment.b1);
  }
  return out;
}

function equalRuns(license: CatalogText, words: Int32Array, shingles: Shingles): Run[] {
  const places = new Map<number, number[]>();
  const { at, hash } = license.shingles();
  for (let s = 0; s < hash.length; s++) {
    const list = places.get(hash[s]!);
    if (!list) places.set(hash[s]!, [at[s]!]);
    else if (list.length < 4) list.push(at[s]!);
  }
  const reached = new Map<number, number>();
  const runs: Run[] = [];
  const a = license.words;
  for (let s = 0; s < shingles.hash.length; s++) {
    const list = places.get(shingles.hash[s]!);
    if (!list) continue;
    const b = shingles.at[s]!;
    for (const from of list) {
      if (a[from] !== words[b]) continue;
      const diagonal = b - from;
      if ((reached.get(diagonal) ?? -1) > b) continue;
      let start = 0;
      while (from - start > 0 && b - start > 0 && a[from - start - 1] === words[b - start - 1]) start++;
      let length = 1;
      while (from + length < a.length && b + length < words.length && a[from + length] === words[b + length]) length++;
      reached.set(diagonal, b + length);
      runs.push({ a: from - start, b: b - start, length: start + length });
    }
  }
  if (runs.length > MAX_RUNS) {
    runs.sort((x, y) => y.length - x.length || x.b - y.b || x.a - y.a);
    runs.length = MAX_RUNS;
  }
  runs.sort((x, y) => x.b - y.b || y.length - x.length || x.a - y.a);
  // Phrases that a license repeats match everywhere; inside a long run they say nothing.
  const kept: Run[] = [];
  let long: Run | undefined;
  for (const run of runs) {
    if (long && run.b + run.length <= long.b + long.length && run.length * 3 <= long.length) continue;
    kept.push(run);
    if (!long || run.b + run.length > long.b + long.length) long = run;
  }
  return kept;
}

/** The chain of runs that covers most, less a toll for what lies between them. */
function bestChain(runs: readonly Run[]): Run[] {
  const score = new Float64Array(runs.length);
  const previous = new Int32Array(runs.length).fill(-1);
  let best = 0;
  for (let j = 0; j < runs.length; j++) {
    const run = runs[j]!;
    score[j] = run.length;
    for (let back = 0; back <= MAX_LOOKBACK; back++) {
      // The best chain so far is tried first, however far back it ended.
      const i = back === 0 ? best : j - back;
      if (i < 0 || i >= j) continue;
      const earlier = runs[i]!;
      const overlap = Math.max(0, earlier.a + earlier.length - run.a, earlier.b + earlier.length - run.b);
      if (overlap >= run.length || run.a <= earlier.a || run.b <= earlier.b) continue;
      const gap = Math.max(0, run.b - earlier.b - earlier.length);
      if (gap > MAX_GAP) continue;
      const skipped = Math.max(0, run.a - earlier.a - earlier.length);
      const total = score[i]! + run.length - overlap - 0.05 * Math.max(gap, skipped) - 0.5;
      if (total > score[j]!) {
        score[j] = total;
        previous[j] = i;
      }
    }
    if (score[j]! > score[best]!) best = j;
  }
  const chain: Run[] = [];
  for (let j = best; j >= 0; j = previous[j]!) chain.push(runs[j]!);
  return chain.reverse();
}

function fillGaps(a: Int32Array, b: Int32Array, chain: readonly Run[]): Alignment {
  const first = chain[0]!;
  const hunks: Hunk[] = [];
  const head = beforeFirst(a, b, first);
  hunks.push(...head.hunks);
  let atA = first.a + first.length;
  let atB = first.b + first.length;
  for (const run of chain.slice(1)) {
    const cut = Math.max(0, atA - run.a, atB - run.b);
    hunks.push(...diffWords(a, atA, run.a + cut, b, atB, run.b + cut));
    atA = run.a + run.length;
    atB = run.b + run.length;
  }
  const tail = afterLast(a, b, atA, atB);
  hunks.push(...tail.hunks);
  return { b0: head.b0, b1: tail.b1, hunks };
}

/**
 * The license's words before its first run. Only as much of the text is taken in as pays: each word that matches
 * counts one, each word of the text that does not costs one.
 */
function beforeFirst(a: Int32Array, b: Int32Array, first: Run): { b0: number; hunks: Hunk[] } {
  if (first.a === 0) return { b0: first.b, hunks: [] };
  const a0 = Math.max(0, first.a - MAX_EDGE);
  const b0 = Math.max(0, first.b - (first.a - a0) - 8);
  const hunks = diffWords(a, a0, first.a, b, b0, first.b);
  // Walk outwards from the run; equal words lie between the hunks.
  let bestScore = 0;
  let cut = { a: first.a, b: first.b };
  let score = 0;
  let atA = first.a;
  let atB = first.b;
  for (let h = hunks.length - 1; h >= -1; h--) {
    const hunk = h >= 0 ? hunks[h]! : { a0, a1: a0, b0, b1: b0 };
    score += atB - hunk.b1;
    atA = hunk.a1;
    atB = hunk.b1;
    if (score > bestScore) {
      bestScore = score;
      cut = { a: atA, b: atB };
    }
    if (h < 0) break;
    score -= hunk.b1 - hunk.b0;
    atA = hunk.a0;
    atB = hunk.b0;
  }
  const inside = hunks.filter((h) => h.a0 >= cut.a && h.b0 >= cut.b && (h.a1 > cut.a || h.b1 > cut.b));
  const lead: Hunk[] = cut.a > 0 ? [{ a0: 0, a1: cut.a, b0: cut.b, b1: cut.b }] : [];
  return { b0: cut.b, hunks: [...lead, ...inside] };
}

/** The same after the last run. */
function afterLast(a: Int32Array, b: Int32Array, atA: number, atB: number): { b1: number; hunks: Hunk[] } {
  if (atA === a.length) return { b1: atB, hunks: [] };
  const a1 = Math.min(a.length, atA + MAX_EDGE);
  const b1 = Math.min(b.length, atB + (a1 - atA) + 8);
  const hunks = diffWords(a, atA, a1, b, atB, b1);
  let bestScore = 0;
  let cut = { a: atA, b: atB };
  let score = 0;
  let nowB = atB;
  for (let h = 0; h <= hunks.length; h++) {
    const hunk = h < hunks.length ? hunks[h]! : { a0: a1, a1, b0: b1, b1 };
    score += hunk.b0 - nowB;
    if (score >= bestScore) {
      bestScore = score;
      cut = { a: hunk.a0, b: hunk.b0 };
    }
    if (h === hunks.length) break;
    score -= hunk.b1 - hunk.b0;
    nowB = hunk.b1;
  }
  const inside = hunks.filter((h) => h.a1 <= cut.a && h.b1 <= cut.b && (h.a0 < cut.a || h.b0 < cut.b));
  const rest: Hunk[] = cut.a < a.length ? [{ a0: cut.a, a1: a.length, b0: cut.b, b1: cut.b }] : [];
  return { b1: cut.b, hunks: [...inside, ...rest] };
}
