/**
 * Single changes to a license text, made by pattern from a seed: what a person would do who wants a license to look like
 * another and read differently. Used by the property test and by bench/license-identify.
 */

export interface Tampering {
  readonly how: string;
  readonly text: string;
  /** What was changed, for the message of a failed test. */
  readonly what: string;
}

/** Whole numbers from 0 to `below`, the same for the same seed (mulberry32). */
export function randomOf(seed: number): (below: number) => number {
  let state = seed >>> 0;
  return (below) => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), state | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return Math.floor((((t ^ (t >>> 14)) >>> 0) / 4294967296) * below);
  };
}

type Random = (below: number) => number;
type Edit = (text: string, random: Random) => { from: number; to: number; with: string } | null;

const RIDERS = [
  'You may not use the Software for commercial purposes.',
  'Use by any entity with more than 50 employees requires a separate agreement.',
  'This license does not extend to companies that compete with us.',
  'All of your outputs belong to Acme Corporation.',
  'Any user whose yearly revenue exceeds 5 million dollars owes the licensor a fee of two percent.',
  'Military use is excluded.',
  'Notwithstanding the above, no rights are given to residents of Atlantis.',
  'The rights above end on 1 January 2030.',
];

/** Filled in by each licensor, or a notice of whose it is: not part of the license (SPDX matching guidelines). */
const FREE =
  /[<[{][^<>[\]{}\n]{0,90}[>\]}]|^.*(?:copyright|\(c\)|©).*$|neither the names? of [^.;]{3,200}|is provided by [^.;"]{3,170}|in no event (?:shall|will) [^.;]{3,170}|all rights reserved/gim;

function placesOf(text: string, pattern: RegExp, anywhere: boolean): RegExpExecArray[] {
  const free: [number, number][] = anywhere ? [] : [...text.matchAll(FREE)].map((m) => [m.index, m.index + m[0].length]);
  return [...text.matchAll(pattern)].filter((m) => !free.some(([a, b]) => m.index < b && m.index + m[0].length > a));
}

function replacing(pattern: RegExp, by: (found: string, random: Random) => string, anywhere = false): Edit {
  return (text, random) => {
    const places = placesOf(text, pattern, anywhere);
    if (places.length === 0) return null;
    const m = places[random(places.length)]!;
    const written = by(m[0], random);
    return written === m[0] ? null : { from: m.index, to: m.index + m[0].length, with: written };
  };
}

const SWAPS: Readonly<Record<string, string>> = {
  may: 'must',
  must: 'may',
  shall: 'may',
  should: 'must',
  and: 'or',
  or: 'and',
  any: 'some',
  all: 'some',
  million: 'billion',
  thirty: 'ninety',
  '30': '90',
  perpetual: 'temporary',
  irrevocable: 'revocable',
};
const keepCase = (found: string, word: string): string => (found === found.toUpperCase() ? word.toUpperCase() : word);
const RANDOM_WORDS = ['military', 'fee', 'within', 'licensor', 'five', 'profit', 'territory'];
const CYRILLIC: Readonly<Record<string, string>> = { a: 'а', e: 'е', o: 'о', c: 'с', p: 'р', x: 'х' };
const SENTENCE = /[A-Z][^.;\n]{25,300}[.;](?=\s|$)/g;

export const EDITS: Readonly<Record<string, Edit>> = {
  number: replacing(/(?<![\w.])\d+(?:[.,]\d+)*(?![\w])/g, (found, random) =>
    String(Number.parseInt(found.replace(/\D/g, ''), 10) + 1 + random(7)),
  ),
  'number word': replacing(/\b(?:one|two|three|four|five|six|ten|fifteen|thirty|sixty|hundred|million)\b/gi, (found) =>
    keepCase(found, found.toLowerCase() === 'seven' ? 'nine' : 'seven'),
  ),
  'negation removed': replacing(/\b(?:not|no|never|nor|without|non-?) ?/gi, () => ''),
  'negation added': replacing(/\b(?:shall|may|must|will|does|do|is|are|can)\b(?! not)/gi, (found) => `${found} ${keepCase(found, 'not')}`),
  'list item removed': replacing(/^[ \t]*(?:\(?[a-z0-9]{1,3}[.)]|[-*•])[ \t]+(?=\S)[^\n]{15,}\n(?:[ \t]+[^\n]+\n)*/gim, () => ''),
  'sentence removed': replacing(SENTENCE, () => ''),
  'paragraph removed': replacing(/\n\s*\n[^\n]{40,}(?:\n[^\n]+)*(?=\n\s*\n)/g, () => ''),
  'name changed': replacing(/(?<=[a-z,] )[A-Z][a-z]{3,}\b/g, () => 'Acme'),
  'date changed': replacing(
    /\b(?:January|February|March|April|May|June|July|August|September|October|November|December)\b(?= \d)|\b(?:19|20)\d\d\b/g,
    (found) => (/\d/.test(found) ? String(Number(found) + 1) : found === 'June' ? 'July' : 'June'),
  ),
  'modal swapped': replacing(new RegExp(`\\b(?:${Object.keys(SWAPS).join('|')})\\b`, 'gi'), (found) =>
    keepCase(found, SWAPS[found.toLowerCase()]!),
  ),
  'word swapped': replacing(/(?<=[a-z,] )[a-z]{4,}(?= [a-z])/g, (found, random) => {
    const word = RANDOM_WORDS[random(RANDOM_WORDS.length)]!;
    return word === found ? 'moon' : word;
  }),
  'word removed': replacing(/(?<=[a-z,] )[a-z]{4,} (?=[a-z])/g, () => ''),
  'word doubled with a change': replacing(
    /(?<=[a-z] )(?:use|copy|modify|distribute|software|model|license|purpose)(?= )/g,
    (found) => `${found} and sell`,
  ),
  currency: replacing(
    /\$(?= ?\d)|\bUSD\b|\bdollars?\b|€|(?<=\d)%/gi,
    (found) => ({ $: '€', usd: 'EUR', '€': '$', '%': '' })[found.toLowerCase()] ?? 'yen',
  ),
  'exception added': replacing(/(?<=[a-z]{3})[.;](?=\s)/g, (found) => `, except for government use${found}`),
  'rider in the middle': replacing(/(?<=[a-z]{3}\.)\s+(?=[A-Z])/g, (found, random) => `${found}${RIDERS[random(RIDERS.length)]!} `),
  'rider before': (_, random) => ({ from: 0, to: 0, with: `${RIDERS[random(RIDERS.length)]!}\n\n` }),
  'rider after': (text, random) => ({ from: text.length, to: text.length, with: `\n\n${RIDERS[random(RIDERS.length)]!}\n` }),
  'rider far after': (text, random) => ({
    from: text.length,
    to: text.length,
    with: `\n\n${'Lorem ipsum dolor sit amet, consectetur adipiscing elit. '.repeat(40)}\n\n${RIDERS[random(RIDERS.length)]!}\n`,
  }),
  'rider as a list item': (text, random) => ({ from: text.length, to: text.length, with: `\n\n(z) ${RIDERS[random(RIDERS.length)]!}\n` }),
  'title word': (text, random) => {
    const title = /^\s*([^\n]{3,100})\n/.exec(text);
    if (!title || /copyright|\(c\)|©|[<[]/i.test(title[1]!)) return null;
    const words = [...title[1]!.matchAll(/[A-Za-z]{4,}/g)];
    if (words.length < 2) return null;
    const word = words[random(words.length)]!;
    if (/^(license|licence|agreement|version|public|terms)$/i.test(word[0])) return null;
    const from = text.indexOf(title[1]!) + word.index;
    return { from, to: from + word[0].length, with: 'Acme' };
  },
  'look-alike letter': replacing(/(?<= )(?:not|no|may|use|copy|commercial|model|software|person|except)(?= )/g, (found) =>
    found.replace(/[aeocpx]/, (letter) => CYRILLIC[letter]!),
  ),
  'hidden in a comment': replacing(/(?<= )(?:not|no|must|without|only|except)(?= )/gi, (found) => `<!-- ${found} -->`),
  'sentence hidden in a comment': replacing(SENTENCE, (found) => `<!-- ${found} -->`),
  'sentence in a hidden element': replacing(SENTENCE, (found) => `<span style="display:none">${found}</span>`),
  'struck in markdown': replacing(/(?<= )(?:not|no|must|without|only|except|[a-z]{8,})(?= )/gi, (found) => `~~${found}~~`),
  'struck in HTML': replacing(/(?<= )(?:not|no|must|without|only|except|[a-z]{8,})(?= )/gi, (found) => `<del>${found}</del>`),
  'struck in old HTML': replacing(SENTENCE, (found) => `<s>${found}</s>`),
  'entity for a word': replacing(/(?<= )not(?= )/g, () => '&not;'),
  'text direction': replacing(/(?<= )[a-z]{5,}(?= )/g, (found) => `\u202e${found}\u202c`),
};

/** One change of `how`, or null where the text has no place for it. */
export function tamper(text: string, how: string, seed: number): Tampering | null {
  const edit = EDITS[how]!(text, randomOf(seed));
  if (!edit) return null;
  const changed = text.slice(0, edit.from) + edit.with + text.slice(edit.to);
  const around = text.slice(Math.max(0, edit.from - 30), edit.from).replace(/\s+/g, ' ');
  return { how, text: changed, what: `…${around}[${text.slice(edit.from, edit.to).slice(0, 60)} → ${edit.with.slice(0, 60)}]` };
}
