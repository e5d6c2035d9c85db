/**
 * Words of a text that the SPDX matching guidelines let vary: list markers and copyright lines.
 * @module
 */

/** A list marker: `(a)`, `1.`, `iv)`. */
export const FLAG_MARKER = 1;
/** Part of a copyright line, or of "all rights reserved". */
export const FLAG_COPYRIGHT = 2;

/** Digits and Latin letters. */
export const isAsciiWord = (c: number): boolean => (c >= 48 && c <= 57) || (c >= 97 && c <= 122) || (c >= 65 && c <= 90);

const NUMBER_MARKER = /^\d{1,2}(\.\d{1,2}){0,3}$/;
const LETTER_MARKER = /^([a-z]|[ivx]{1,5})$/;
/** After these words a number or letter points somewhere and counts. */
const POINTERS: ReadonlySet<string> = new Set([
  'section',
  'sections',
  'paragraph',
  'paragraphs',
  'clause',
  'clauses',
  'subsection',
  'subsections',
  'article',
  'articles',
  'exhibit',
  'item',
  'items',
  'version',
]);

/** Guideline "bullets and numbering": markers may differ. A number that is pointed at ("Section 4", "2(a)") is none. */
export function flagMarkers(
  text: string,
  words: readonly string[],
  start: readonly number[],
  end: readonly number[],
  line: readonly number[],
  flags: Uint8Array,
): void {
  for (let k = 0; k < words.length; k++) {
    const word = words[k]!;
    if (word.length > 11) continue;
    const number = NUMBER_MARKER.test(word);
    if (!number && !LETTER_MARKER.test(word)) continue;
    const before = text[start[k]! - 1];
    const after = text[end[k]!];
    const atLineStart = k === 0 || line[k - 1] !== line[k];
    if (k > 0 && !atLineStart && POINTERS.has(words[k - 1]!)) continue;
    if (before === '(' && after === ')') {
      if (start[k]! >= 2 && isAsciiWord(text.charCodeAt(start[k]! - 2))) continue;
      if (word === 'c' && (words[k - 1] === 'copyright' || /^(19|20)\d\d$/.test(words[k + 1] ?? ''))) continue;
      flags[k] = FLAG_MARKER;
    } else if (atLineStart) {
      // A number alone on its line is a page number.
      if (number && (k + 1 === words.length || line[k + 1] !== line[k])) flags[k] = FLAG_MARKER;
      else if (after === '.' || after === ')' || after === ':' || (number && word.includes('.') && (after === ' ' || after === '\t')))
        flags[k] = FLAG_MARKER;
    } else if ((after === '.' || after === ')') && /\s/.test(text[end[k]! + 1] ?? '') && (number || after === ')')) {
      let b = start[k]! - 1;
      while (b >= 0 && (text[b] === ' ' || text[b] === '*')) b--;
      if ('.;:,'.includes(text[b] ?? '.')) flags[k] = FLAG_MARKER;
    }
  }
}

/** Words that give or take something: a line with one of them is never "only a copyright line". */
export const NORMATIVE: ReadonlySet<string> = new Set([
  'must',
  'shall',
  'may',
  'not',
  'only',
  'except',
  'unless',
  'without',
  'prohibited',
  'prohibits',
  'forbidden',
  'restricted',
  'restriction',
  'restrictions',
  'commercial',
  'noncommercial',
  'permission',
  'permitted',
  'provided',
  'condition',
  'conditions',
  'required',
  'require',
  'requires',
  'exception',
  'waived',
  'granted',
  'hereby',
  'subject',
]);
/** Words that a name in a slot does not hold: a term hidden there is a term. */
export const GIVES_TERMS: ReadonlySet<string> = new Set(
  `use uses used using fee fees pay payment payments royalty royalties owe owes military weapon weapons cannot never no void revoked revoke
  expire expires end ends until after before rights outputs output employees revenue percent million billion euro dollar consent approval
  agree agrees notwithstanding excluded exclude excludes extend forbid noncommercially commercially license licensed terms agreement`.split(
    /\s+/,
  ),
);
const YEAR = /^(19|20)\d\d$/;
const PLACEHOLDERS: ReadonlySet<string> = new Set([
  'year',
  'years',
  'yyyy',
  'name',
  'owner',
  'holder',
  'holders',
  'date',
  'author',
  'authors',
  'xxxx',
  'yy',
  'first',
  'dates',
]);
/** A line that also names the license or its date says more than who holds the copyright (CreativeML OpenRAIL++-M is one line). */
const NAMES_LICENSE: ReadonlySet<string> = new Set(['license', 'licensed', 'agreement', 'terms', 'dated', 'version']);
/** Longest copyright line; beyond it, it says more than who holds the copyright. */
const MAX_COPYRIGHT_WORDS = 24;

/** Guideline "copyright notice": the line that names year and holder is not part of the license. */
export function flagCopyright(words: readonly string[], line: readonly number[], flags: Uint8Array): void {
  for (let k = 0; k < words.length; k++) {
    if (words[k] === 'all' && words[k + 1] === 'rights' && words[k + 2] === 'reserved') {
      for (let j = k; j < k + 3; j++) flags[j] = FLAG_COPYRIGHT;
    }
    if (k > 0 && line[k - 1] === line[k]) continue;
    const first = words[k]!;
    if (first !== 'copyright' && first !== 'c' && !(first === 'portions' && words[k + 1] === 'copyright')) continue;
    let j = k;
    let names = false;
    while (
      j < words.length &&
      line[j] === line[k] &&
      j - k <= MAX_COPYRIGHT_WORDS &&
      !NORMATIVE.has(words[j]!) &&
      !GIVES_TERMS.has(words[j]!) &&
      !NAMES_LICENSE.has(words[j]!)
    ) {
      if (YEAR.test(words[j]!) || PLACEHOLDERS.has(words[j]!) || (j > k && words[j] === 'c')) names = true;
      j++;
    }
    const wholeLine = j === words.length || line[j] !== line[k];
    if (names && wholeLine) for (let m = k; m < j; m++) flags[m] = FLAG_COPYRIGHT;
  }
}
