/**
 * Which differences count. The SPDX matching guidelines let list markers, copyright lines, names filled into a
 * template, titles and appendices vary; everything else is a changed license and is reported word by word.
 * @module
 */
import type { Alignment } from './align.ts';
import type { Catalog, CatalogText } from './catalog.ts';
import type { Hunk } from './diff.ts';
import { EQUIVALENT_WORDS } from './equivalents.ts';
import { FLAG_COPYRIGHT, FLAG_MARKER, GIVES_TERMS, NORMATIVE } from './marks.ts';
import { FLAG_OPTIONAL, FLAG_RUN_START, FLAG_SLOT } from './pack.ts';
import type { Difference } from './types.ts';
import { isVariant } from './variants.ts';
import type { Words } from './words.ts';

/** Differences listed for one license; more means it is another text. (CWE-770) */
const MAX_DIFFERENCES = 200;
/** Characters quoted of one difference. */
const MAX_QUOTE = 600;
/** Words of a title that is not marked as one. */
const MAX_TITLE = 15;
/** Words a licensor may fill into one slot. */
const MAX_SLOT_WORDS = 25;

export interface Comparison {
  readonly differs: Difference[];
  /** Share of the required words found, 0 to 1. */
  readonly coverage: number;
  /** Words of the license found, required or not. */
  readonly matched: number;
  /** Words removed, added or replaced that count. */
  readonly changed: number;
  /** The same without what is missing before the first and after the last word: 0 for an excerpt. */
  readonly inner: number;
}

/** Judges an alignment: what differs in a way that matters, and how much of the license is there. */
export function compareWords(
  id: string,
  license: CatalogText,
  text: string,
  words: Words,
  alignment: Alignment,
  catalog: Catalog,
): Comparison {
  const { flags } = license;
  const gone = new Uint8Array(flags.length);
  for (const h of alignment.hunks) gone.fill(1, h.a0, h.a1);
  const optionalGone = wholeRunsGone(license, gone, catalog);
  const ownNotice = hasOwnNotice(id, catalog);
  const differs: Difference[] = [];
  let changed = 0;
  let ends = 0;
  let missing = 0;
  for (let k = 0; k < flags.length; k++) if (gone[k] && flags[k] === 0) missing++;
  let matched = 0;
  for (let k = 0; k < flags.length; k++) if (!gone[k]) matched++;
  for (const hunk of withTitle(alignment, license, words)) {
    const found = keptOf(hunk, flags, words.flags, optionalGone, ownNotice);
    if (isNothing(id, hunk, found, license, text, words, catalog)) continue;
    changed += found.a.length + found.b.length;
    if (hunk.b0 === hunk.b1 && (hunk.a0 === 0 || hunk.a1 === flags.length)) ends += found.a.length;
    if (differs.length < MAX_DIFFERENCES) differs.push(describe(hunk, found, license, text, words, catalog));
  }
  return { differs, coverage: license.required === 0 ? 0 : 1 - missing / license.required, matched, changed, inner: changed - ends };
}

interface Kept {
  readonly a: readonly number[];
  readonly b: readonly number[];
}

/**
 * A license of one licensor, and the GNU licenses, carry the notice of whose text it is; in a template it is the user's.
 * There a changed year or name counts like any other word.
 */
function hasOwnNotice(id: string, catalog: Catalog): boolean {
  return /^(A|L)?GPL-|^GFDL-/.test(id) || (catalog.find(id)?.spdx.startsWith('LicenseRef-') ?? false);
}

/** Optional runs are left out whole or not at all; half an appendix is a changed text. */
function wholeRunsGone({ flags, words }: CatalogText, gone: Uint8Array, catalog: Catalog): Uint8Array {
  const out = new Uint8Array(flags.length);
  for (let k = 0; k < flags.length; k++) {
    if (!(flags[k]! & FLAG_RUN_START)) continue;
    let end = k + 1;
    while (end < flags.length && flags[end]! & FLAG_OPTIONAL && !(flags[end]! & FLAG_RUN_START)) end++;
    let left = 0;
    let plain = 0;
    for (let j = k; j < end; j++)
      if (!gone[j]) {
        left++;
        if (TITLE_WORDS.has(catalog.vocabulary[words[j]!] ?? '')) plain++;
      }
    // A heading "License" is no title; a word or two of a long run may match by chance next to the place it was cut.
    if (left === plain || (end - k > 40 && left <= 3)) out.fill(1, k, end);
  }
  return out;
}

/** Words of a hunk that count. */
function keptOf(hunk: Hunk, flags: Uint8Array, textFlags: Uint8Array, optionalGone: Uint8Array, ownNotice: boolean): Kept {
  const free = FLAG_MARKER | FLAG_SLOT | (ownNotice ? 0 : FLAG_COPYRIGHT);
  const a: number[] = [];
  for (let k = hunk.a0; k < hunk.a1; k++) if (!(flags[k]! & free) && !optionalGone[k]) a.push(k);
  const notice = a.some((k) => flags[k]! & FLAG_COPYRIGHT);
  const b: number[] = [];
  for (let k = hunk.b0; k < hunk.b1; k++) if (!(textFlags[k]! & (FLAG_MARKER | (notice ? 0 : FLAG_COPYRIGHT)))) b.push(k);
  return { a, b };
}

/** The first hunk takes in what stands on the line of a title and is not its own: "Acme Commons" where the license begins "Creative Commons". */
function withTitle(alignment: Alignment, license: CatalogText, words: Words): readonly Hunk[] {
  const [first, ...rest] = alignment.hunks;
  if (!first || first.a0 !== 0 || first.b0 !== alignment.b0 || first.a1 >= (titleEnd(license.flags) || MAX_TITLE)) return alignment.hunks;
  let k = alignment.b0;
  while (k > 0 && words.line[k - 1] === words.line[alignment.b0] && alignment.b0 - k < first.a1) k--;
  return [{ ...first, b0: k }, ...rest];
}

const YEAR = /^(19|20)\d\d$/;
/** Words that titles come with and without: "The MIT License (MIT)". */
const TITLE_WORDS: ReadonlySet<string> = new Set(['the', 'license', 'version', 'v', 'agreement', 'public', 'c', 'text', 'software']);

/** True when the guidelines let this difference pass. */
function isNothing(id: string, hunk: Hunk, kept: Kept, license: CatalogText, text: string, words: Words, catalog: Catalog): boolean {
  const { flags } = license;
  if (kept.a.length === 0 && kept.b.length === 0) return !renumbers(hunk, license, words, catalog);
  const found = kept.b.map((k) => words.words[k]!);
  if (kept.a.length === 0) {
    const besideSlot = [hunk.a0 - 1, hunk.a0, hunk.a1].some((k) => (flags[k] ?? 0) & FLAG_SLOT);
    const plain = !found.some((word) => NORMATIVE.has(word) || GIVES_TERMS.has(word) || mixesScripts(word));
    if (besideSlot && found.length <= MAX_SLOT_WORDS && plain) return true;
    if (plain && found.length <= 30 && (found[0] === 'copyright' || found[0] === 'c') && found.some((word) => YEAR.test(word))) return true;
    if (insideTitle(hunk, license, found, catalog)) return true;
    if (plain && isPageHead(hunk, words, text)) return true;
  }
  // "non-commercial" and "noncommercial", "redistri- butions", "sub license".
  const wanted = kept.a.map((k) => catalog.vocabulary[license.words[k]!] ?? '');
  const joined = found.join('').replace('copyrightowner', 'copyrightholder');
  if (wanted.join('') === (EQUIVALENT_WORDS.get(joined) ?? joined) && !found.some((word) => /\d/.test(word))) return true;
  const before = Array.from(license.words.subarray(Math.max(0, hunk.a0 - 6), hunk.a0), (w) => catalog.vocabulary[w] ?? '');
  return isVariant(id, wanted.join(' '), found.join(' '), before.join(' '));
}

/** Latin letters among Cyrillic or Greek ones: made to look like another word. */
function mixesScripts(word: string): boolean {
  return /[a-z]/.test(word) && /[\p{Script=Cyrillic}\p{Script=Greek}]/u.test(word);
}

/** "Page 3 of 10", or a short line that the text repeats: what a printed page has on top and at its foot. */
function isPageHead(hunk: Hunk, words: Words, text: string): boolean {
  const { line } = words;
  const last = hunk.b1 - 1;
  if (hunk.b1 - hunk.b0 > 24) return false;
  if ((hunk.b0 > 0 && line[hunk.b0 - 1] === line[hunk.b0]) || (last + 1 < line.length && line[last + 1] === line[last])) return false;
  for (let from = hunk.b0; from <= last;) {
    let to = from + 1;
    while (to <= last && line[to] === line[from]) to++;
    const raw = text.slice(words.start[from]!, words.end[to - 1]!);
    const bare = raw.replace(/\d+/g, '').trim();
    if (!/^(page )?\d+( (of|\/) \d+)?$/i.test(raw) && (bare.length < 6 || text.split(bare, 3).length < 3)) return false;
    from = to;
  }
  return true;
}

/** Words of the title, which comes first; 0 when the license has none. */
function titleEnd(flags: Uint8Array): number {
  let end = 0;
  while (end < flags.length && flags[end]! & FLAG_OPTIONAL && !(end > 0 && flags[end]! & FLAG_RUN_START)) end++;
  return end;
}

/** A title may repeat its own words and a few that titles have. */
function insideTitle(hunk: Hunk, license: CatalogText, found: readonly string[], catalog: Catalog): boolean {
  const { flags } = license;
  const end = titleEnd(flags);
  if (end === 0 || end > 20 || hunk.a0 > end) return false;
  const title = new Set<string>();
  for (let k = 0; k < end; k++) title.add(catalog.vocabulary[license.words[k]!] ?? '');
  return found.every((word) => title.has(word) || TITLE_WORDS.has(word));
}

/** "1." → "2.", "(a)" → "(c)": the same style of marker with another value. */
function renumbers(hunk: Hunk, license: CatalogText, words: Words, catalog: Catalog): boolean {
  const a: string[] = [];
  const b: string[] = [];
  for (let k = hunk.a0; k < hunk.a1; k++) if (license.flags[k]! & FLAG_MARKER) a.push(catalog.vocabulary[license.words[k]!] ?? '');
  for (let k = hunk.b0; k < hunk.b1; k++) if (words.flags[k]! & FLAG_MARKER) b.push(words.words[k]!);
  return a.length === b.length && a.some((marker, k) => marker !== b[k] && /^\d/.test(marker) === /^\d/.test(b[k]!) && b[k] !== '1');
}

function describe(hunk: Hunk, kept: Kept, license: CatalogText, text: string, words: Words, catalog: Catalog): Difference {
  const renumbered = kept.a.length === 0 && kept.b.length === 0;
  const a0 = renumbered ? hunk.a0 : (kept.a[0] ?? hunk.a0);
  const a1 = renumbered ? hunk.a1 : (kept.a.at(-1) ?? hunk.a0 - 1) + 1;
  const b0 = renumbered ? hunk.b0 : (kept.b[0] ?? hunk.b0);
  const b1 = renumbered ? hunk.b1 : (kept.b.at(-1) ?? hunk.b0 - 1) + 1;
  const wanted: string[] = [];
  for (let k = a0; k < a1; k++) wanted.push(catalog.vocabulary[license.words[k]!] ?? '');
  const at = words.start[b0] ?? words.end.at(-1) ?? 0;
  return {
    kind: b1 <= b0 ? 'removed' : a1 <= a0 ? 'added' : 'replaced',
    catalog: wanted.join(' ').slice(0, MAX_QUOTE),
    found: b1 <= b0 ? '' : quote(text, words, b0, b1),
    at,
  };
}

/** Words `[from, to)` as written, white space collapsed, at most 600 characters. */
export function quote(text: string, words: Words, from: number, to: number): string {
  const raw = text.slice(words.start[from]!, Math.min(words.end[to - 1]!, words.start[from]! + 4 * MAX_QUOTE));
  return raw.replace(/\s+/g, ' ').slice(0, MAX_QUOTE);
}
