/**
 * A license text as words that count, after the SPDX matching guidelines: case, punctuation, quotes, white space,
 * markup and comment marks fall away; list markers and copyright lines stay but are flagged, so that a difference
 * in them alone is no difference. Every word keeps its place in the text.
 * One pass, no regular expression over the whole text, so time is linear in its length.
 * @module
 */
import { flagCopyright, flagMarkers, isAsciiWord } from './marks.ts';
import { isEscaped, unwrap } from './unwrap.ts';
import { BLOCK_TAGS, ENTITIES, EQUIVALENT_WORDS, INLINE_TAGS } from './equivalents.ts';

export interface Words {
  readonly words: readonly string[];
  /** `[start, end)` of each word in the text, UTF-16 code units. */
  readonly start: readonly number[];
  readonly end: readonly number[];
  readonly flags: Uint8Array;
  /** Line number of each word; a block tag ends a line. */
  readonly line: readonly number[];
}

/** Longest text read; the longest license known is 60 KB, and model cards are cut at the same length. (CWE-400) */
export const MAX_TEXT: number = 1 << 20;
/** Longest word kept; a base64 blob is one word and no license. */
const MAX_WORD = 200;
/** Longest tag skipped; beyond it `<` is a character like any other. */
const MAX_TAG = 1000;

const SIGNS: ReadonlySet<string> = new Set(['euro', 'pound', 'yen', 'nosign']);
/** Signs that say "not": ¬ ≠ ✖ ✗ ✘ ❌ ⛔ ☒ 🚫 🛑. */
const NO_SIGNS: ReadonlySet<number> = new Set([0xac, 0x2260, 0x2716, 0x2717, 0x2718, 0x274c, 0x26d4, 0x2612, 0x1f6ab, 0x1f6d1]);
const HAN = /\p{Script=Han}/u;
const LETTER_OR_DIGIT = /[\p{L}\p{N}]/u;
const NORMAL_FORMS = new Map<number, string>();
/** Distinct characters remembered between calls; scripts used in licenses hold fewer. (CWE-401) */
const MAX_NORMAL_FORMS = 4096;

/** `''` drop, `' '` separate, otherwise the lower-case compatibility form (NFKC: full-width letters, ligatures). */
function normalForm(code: number): string {
  const known = NORMAL_FORMS.get(code);
  if (known !== undefined) return known;
  let form: string;
  if (code === 0xad || (code >= 0x200b && code <= 0x200d) || code === 0x2060 || code === 0xfeff) form = '';
  else if (code === 0xa9) form = 'c';
  else if (code === 0xae || code === 0x2122) form = ' ';
  else if (code === 0x2019 || code === 0x2bc || code === 0xff07) form = "'";
  else if (code === 0x20ac) form = 'euro';
  else if (code === 0xa3) form = 'pound';
  else if (code === 0xa5) form = 'yen';
  else if (NO_SIGNS.has(code)) form = 'nosign';
  else {
    form = String.fromCodePoint(code).normalize('NFKC').toLowerCase();
    if (!LETTER_OR_DIGIT.test(form)) form = ' ';
  }
  if (NORMAL_FORMS.size < MAX_NORMAL_FORMS) NORMAL_FORMS.set(code, form);
  return form;
}

const isDigit = (c: number): boolean => c >= 48 && c <= 57;
const isLower = (c: number): boolean => c >= 97 && c <= 122;

/** Length of the HTML tag at `i`, 0 if it is none; `block` when it ends a line. */
function tagAt(text: string, i: number): { length: number; block: boolean } {
  let j = i + 1;
  if (text.charCodeAt(j) === 47) j++;
  const nameStart = j;
  while (j - nameStart < 12 && isAsciiWord(text.charCodeAt(j))) j++;
  const name = text.slice(nameStart, j).toLowerCase();
  const block = BLOCK_TAGS.has(name);
  if (!block && !INLINE_TAGS.has(name)) return { length: 0, block: false };
  const next = text[j];
  if (next !== '>' && next !== '/' && next !== ' ' && next !== '\n' && next !== '\t') return { length: 0, block: false };
  for (const limit = i + MAX_TAG; j < text.length && j < limit; j++) {
    if (text[j] === '>') return { length: j - i + 1, block };
    if (text[j] === '<') break;
  }
  return { length: 0, block: false };
}

function entityAt(text: string, i: number): { length: number; value: string } {
  // Looked for in the next few characters only: a file of ampersands would be searched to its end for each. (CWE-407)
  const near = text.slice(i + 1, i + 10).indexOf(';');
  if (near < 0) return { length: 0, value: '' };
  const end = i + 1 + near;
  const name = text.slice(i + 1, end);
  if (name[0] !== '#') {
    const value = ENTITIES.get(name);
    // A page shows a sign for `&not;`, not the word.
    if (value === undefined) return /^[A-Za-z]{2,8}$/.test(name) ? { length: end - i + 1, value: ' ' } : { length: 0, value: '' };
    return { length: end - i + 1, value };
  }
  const code = name[1] === 'x' || name[1] === 'X' ? Number.parseInt(name.slice(2), 16) : Number.parseInt(name.slice(1), 10);
  const ok = Number.isInteger(code) && code > 0 && code <= 0x10ffff;
  return ok ? { length: end - i + 1, value: String.fromCodePoint(code) } : { length: 0, value: '' };
}

/** The words of `text`, of which at most the first 1 MiB is read. Never throws. */
export function splitWords(whole: string): Words {
  const text = unwrap(whole.length > MAX_TEXT ? whole.slice(0, MAX_TEXT) : whole);
  const words: string[] = [];
  const start: number[] = [];
  const end: number[] = [];
  const line: number[] = [];
  const escaped = isEscaped(text);
  let word = '';
  let wordStart = 0;
  let lineNo = 0;
  let i = 0;
  const flush = (at: number): void => {
    if (word === '') return;
    pushWord(words, word);
    start.push(wordStart);
    end.push(at);
    line.push(lineNo);
    word = '';
  };
  const add = (form: string, at: number): void => {
    if (word === '') wordStart = at;
    if (word.length < MAX_WORD) word += form;
  };
  /** A sign that is a word: an amount of dollars is none of euros. */
  const one = (form: string, at: number): void => {
    flush(at);
    add(form, at);
    flush(at + 1);
  };
  /** One character in normal form; returns nothing, moves nothing. */
  const take = (form: string, at: number, next: number): void => {
    if (form === '') return;
    if (SIGNS.has(form)) one(form, at);
    else if (form === "'") {
      if (word === '' || !LETTER_OR_DIGIT.test(text[at + 1] ?? ' ')) flush(at);
    } else if (form === ' ') flush(at);
    else if (HAN.test(form)) {
      flush(at);
      add(form, at);
      flush(next);
    } else add(form, at);
  };
  while (i < text.length) {
    const c = text.charCodeAt(i);
    if (isLower(c) || isDigit(c)) add(text[i]!, i);
    else if (c >= 65 && c <= 90) add(String.fromCharCode(c + 32), i);
    else if (c === 10 || c === 13 || c === 0x2028 || c === 12) {
      flush(i);
      if (c !== 13 || text.charCodeAt(i + 1) !== 10) lineNo++;
    } else if (c === 32 || c === 9) flush(i);
    else if (c === 36 && /^[ \t]?\d/.test(text.slice(i + 1, i + 3))) one('dollar', i);
    else if (c === 37 && isDigit(text.charCodeAt(i - 1))) one('percent', i);
    else if ((c === 46 || c === 44) && word !== '' && isDigit(text.charCodeAt(i - 1)) && isDigit(text.charCodeAt(i + 1))) {
      if (c === 46) add('.', i);
    } else if (c === 43 && text.charCodeAt(i + 1) === 43 && word !== '') {
      // "OpenRAIL++" is not "OpenRAIL".
      add('plusplus', i);
      i += 2;
      continue;
    } else if (c === 39) take("'", i, i + 1);
    else if (c === 60) {
      const tag = tagAt(text, i);
      if (tag.length > 0 && !tag.block && word !== '' && isAsciiWord(text.charCodeAt(i + tag.length))) {
        // Emphasis inside a word does not split it; but 70<sup>0</sup> is read as a power, though its digits are those of 700.
        if (isDigit(text.charCodeAt(i - 1)) && isDigit(text.charCodeAt(i + tag.length)) && /^<su[bp]\b/i.test(text.slice(i, i + 5)))
          flush(i);
        i += tag.length;
        continue;
      }
      flush(i);
      if (tag.block && tag.length > 0) lineNo++;
      i += Math.max(1, tag.length);
      continue;
    } else if (c === 38) {
      const entity = entityAt(text, i);
      if (entity.length > 0) {
        const code = entity.value.codePointAt(0);
        if (code !== undefined) take(code < 128 ? asciiForm(code) : normalForm(code), i, i + entity.length);
        i += entity.length;
        continue;
      }
      flush(i);
    } else if (c === 92 && escaped && 'nrtf'.includes(text[i + 1] ?? ' ')) {
      flush(i);
      if (text[i + 1] === 'n') lineNo++;
      i += 2;
      continue;
    } else if (c === 92 && text[i + 1] === 'u' && /^[0-9a-f]{4}$/i.test(text.slice(i + 2, i + 6))) {
      const code = Number.parseInt(text.slice(i + 2, i + 6), 16);
      take(code < 128 ? asciiForm(code) : normalForm(code), i, i + 6);
      i += 6;
      continue;
    } else if (c === 8) {
      // A terminal goes back over the letter before: printed twice it is bold, after a low line underlined, else it is gone.
      if (i > 0 && text[i + 1] === text[i - 1]) i++;
      else if (text[i - 1] !== '_') one('backspace', i);
    } else if (c < 128) flush(i);
    else {
      const code = text.codePointAt(i)!;
      const size = code > 0xffff ? 2 : 1;
      take(normalForm(code), i, i + size);
      i += size;
      continue;
    }
    i++;
  }
  flush(text.length);
  const flags = new Uint8Array(words.length);
  flagMarkers(text, words, start, end, line, flags);
  flagCopyright(words, line, flags);
  return { words, start, end, flags, line };
}

function asciiForm(code: number): string {
  if (isAsciiWord(code)) return String.fromCharCode(code).toLowerCase();
  return code === 39 ? "'" : ' ';
}

function pushWord(words: string[], raw: string): void {
  let word = EQUIVALENT_WORDS.get(raw) ?? raw;
  // Guideline: "copyright owner" and "copyright holder" are the same words.
  if (word.startsWith('owner') && words.at(-1) === 'copyright') word = word === 'owner' ? 'holder' : word === 'owners' ? 'holders' : word;
  words.push(word);
}
