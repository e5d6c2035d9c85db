/**
 * Full license texts inside a text: candidates by shared shingles, then a word-by-word comparison of each.
 * Approach after google/licenseclassifier v2: several matches with ranges, never one score for a file.
 * @module
 */
import { type Alignment, findOccurrences } from './align.ts';
import type { Catalog, CatalogText } from './catalog.ts';
import { type Comparison, compareWords, quote } from './differences.ts';
import { hiddenSpans } from './hidden.ts';
import { findRiders } from './riders.ts';
import { hiddenWords } from './surroundings.ts';
import type { Shingles } from './shingles.ts';
import type { CatalogEntry } from './types.ts';
import type { Words } from './words.ts';

export interface TextMatch extends Comparison {
  readonly entry: CatalogEntry;
  /** Words `[b0, b1)` of the text. */
  readonly b0: number;
  readonly b1: number;
  /** Of an excerpt that stands in several licenses alike: all of them. */
  readonly alike?: readonly string[];
}

/** Share of the sampled shingles a license must show to be compared at all. */
const MIN_CONTAINMENT = 0.3;
/** Licenses compared per text; the largest family of look-alikes, CC BY-NC-SA and its ports, has about 30. (CWE-407) */
const MAX_CANDIDATES = 40;
/** Words after which a text is a collection or an attack; fewer licenses are compared then. (CWE-407) */
const LONG_TEXT = 80_000;
const MAX_CANDIDATES_LONG = 12;
/** Slots filled in cost shingles: an unchanged text still shows this share of them... */
const MIN_WINNING = 0.85;
/** ...when there are enough of them to measure a share. */
const SURE_SAMPLE = 30;
/** Share of the required words below which a text is not called a modified form of a license, but unknown. */
const MIN_COVERAGE = 0.75;
/** A piece of a license is one when the text is little else, and nothing inside it differs. */
const MIN_EXCERPT_WORDS = 60;
const MIN_EXCERPT_SHARE = 0.8;
/** Licenses shorter than this are common phrases: they match whole or not at all. */
const SHORT_WORDS = 40;

/** Licenses found in full, changed or not, in order of place; ranges do not overlap by much. */
export async function findTexts(text: string, words: Words, shingles: Shingles, catalog: Catalog): Promise<TextMatch[]> {
  const found = candidates(shingles, catalog).slice(0, words.words.length > LONG_TEXT ? MAX_CANDIDATES_LONG : MAX_CANDIDATES);
  if (found.length === 0) return [];
  await catalog.prepare(found.map((c) => c.position));
  const numbers = Int32Array.from(words.words, (word) => catalog.wordNumber(word) ?? -1);
  const matches: TextMatch[] = [];
  for (const { position, first, last, containment } of found) {
    const license = catalog.text(position);
    const entry = catalog.entries[position]!;
    // Inside a text that stands unchanged, a shorter license cannot win, nor one that lacks a good part of itself.
    const hopeless = matches.some(
      (m) =>
        m.changed === 0 &&
        m.b0 <= first &&
        last < m.b1 &&
        (license.words.length < m.matched || (containment < MIN_WINNING && catalog.sampled[position]! >= SURE_SAMPLE)),
    );
    if (hopeless) continue;
    for (const alignment of findOccurrences(license, numbers, shingles)) {
      const comparison = compareWords(entry.id, license, text, words, alignment, catalog);
      if (isPlausible(license, alignment, comparison, words.words.length))
        matches.push({ entry, b0: alignment.b0, b1: alignment.b1, ...comparison });
    }
  }
  return withSurroundings(chooseApart(matches), text, words);
}

interface Candidate {
  readonly position: number;
  /** First and last word of the text that the license shares a sampled shingle with. */
  readonly first: number;
  readonly last: number;
  /** Share of its sampled shingles that the text holds. */
  readonly containment: number;
}

function candidates(shingles: Shingles, catalog: Catalog): Candidate[] {
  const shared = new Map<number, { count: number; first: number; last: number }>();
  const seen = new Set<number>();
  for (let s = 0; s < shingles.hash.length; s++) {
    const hash = shingles.hash[s]!;
    const positions = catalog.postings.get(hash);
    if (!positions) continue;
    const again = seen.has(hash);
    seen.add(hash);
    for (const position of positions) {
      const at = shingles.at[s]!;
      const known = shared.get(position);
      if (!known) shared.set(position, { count: 1, first: at, last: at });
      else {
        known.last = at;
        if (!again) known.count++;
      }
    }
  }
  return [...shared]
    .map(([position, c]) => ({
      position,
      first: c.first,
      last: c.last,
      weight: (c.count / Math.max(1, catalog.sampled[position]!)) * Math.sqrt(c.count),
      containment: c.count / Math.max(1, catalog.sampled[position]!),
    }))
    .filter((c) => c.containment >= MIN_CONTAINMENT)
    .sort((x, y) => y.weight - x.weight || x.position - y.position);
}

function isPlausible(license: CatalogText, alignment: Alignment, comparison: Comparison, textWords: number): boolean {
  if (license.required < SHORT_WORDS) return comparison.differs.length === 0;
  if (comparison.coverage < MIN_COVERAGE)
    return (
      comparison.inner === 0 && comparison.matched >= MIN_EXCERPT_WORDS && alignment.b1 - alignment.b0 >= MIN_EXCERPT_SHARE * textWords
    );
  let added = 0;
  for (const h of alignment.hunks) added += h.b1 - h.b0;
  return added <= 0.6 * license.required + 20;
}

/** A word that differs weighs against two that agree: look-alikes differ in few words, and those are the ones that matter. */
const score = (m: TextMatch): number => m.matched - 2 * m.changed;

/** Best first; a match that lies mostly inside a better one is the look-alike. */
function chooseApart(matches: readonly TextMatch[]): TextMatch[] {
  const chosen: TextMatch[] = [];
  const ordered = [...matches].sort(
    (x, y) =>
      score(y) - score(x) ||
      x.differs.length - y.differs.length ||
      y.coverage - x.coverage ||
      (x.entry.id < y.entry.id ? -1 : 1) ||
      x.b0 - y.b0,
  );
  for (const m of ordered) {
    const overlap = chosen.reduce((sum, c) => sum + Math.max(0, Math.min(c.b1, m.b1) - Math.max(c.b0, m.b0)), 0);
    if (overlap > 0.3 * (m.b1 - m.b0)) continue;
    const alike =
      m.coverage >= MIN_COVERAGE
        ? []
        : matches.filter((o) => o.inner === m.inner && o.b0 === m.b0 && o.b1 === m.b1 && o.matched === m.matched);
    chosen.push(alike.length > 1 ? { ...m, alike: [m.entry.id, ...alike.flatMap((o) => (o === m ? [] : o.entry.id))] } : m);
  }
  return chosen.sort((x, y) => x.b0 - y.b0);
}

/** Text beside a license that adds terms is a difference, and so are words of it that a reader does not see. */
function withSurroundings(chosen: readonly TextMatch[], text: string, words: Words): TextMatch[] {
  if (chosen.length === 0) return [];
  const hidden = hiddenSpans(text);
  return chosen.map((m, k) => {
    const extra = hidden.flatMap((span) => hiddenWords(span, m, text, words));
    for (const [first, last, beside] of [
      [chosen[k - 1]?.b1 ?? 0, m.b0, 'end'],
      [m.b1, chosen[k + 1]?.b0 ?? words.words.length, 'start'],
    ] as const)
      for (const [from, to] of last > first ? findRiders(text, words, first, last, beside) : [])
        extra.push({ kind: 'added', catalog: '', found: quote(text, words, from, to), at: words.start[from]! });
    return extra.length === 0 ? m : { ...m, differs: [...m.differs, ...extra].sort((x, y) => x.at - y.at) };
  });
}
