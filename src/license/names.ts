/**
 * What a license is called: ids, full names, hub tags, spellings seen in cards. Names are compared without the words
 * that come and go ("the", "license", "version"), so "Apache License, Version 2.0" and `apache-2.0` are one name.
 * @module
 */
import type { LicenseKind } from './types.ts';
import { splitWords } from './words.ts';

export interface NameTarget {
  /** Ids the name may mean, most likely first; empty when no text is known. */
  readonly ids: readonly string[];
  /** Different licenses share the name. */
  readonly family: boolean;
  /** For names without a known text. */
  readonly kind?: LicenseKind;
  /** As written in the catalogue. */
  readonly name: string;
  /** Only a name beside the word "license" or as a whole value. */
  readonly weak: boolean;
}

export interface Names {
  /** By canonical words, one space apart. */
  readonly byWords: ReadonlyMap<string, NameTarget>;
  /** Words of the longest name. */
  readonly longest: number;
  /** Address without scheme → name. */
  readonly urls: readonly (readonly [string, string])[];
}

/** `[canonical words, name, ids, marks]`; marks: `f` family, `w` weak. A name without a known text has its kind as fifth. */
type StoredName = readonly [key: string, name: string, ids: readonly string[], marks: string, kind?: LicenseKind];

let loading: Promise<Names> | undefined;

/** The names, read once per process. */
export function loadNames(): Promise<Names> {
  loading ??= readNames();
  return loading;
}

async function readNames(): Promise<Names> {
  const stored = (await import('./data/names.json', { with: { type: 'json' } })).default;
  const byWords = new Map<string, NameTarget>();
  let longest = 1;
  for (const [key, name, ids, marks, kind] of stored.names as unknown as readonly StoredName[]) {
    byWords.set(key, { ids, family: marks.includes('f'), name, weak: marks.includes('w'), ...(kind && { kind }) });
    longest = Math.max(longest, key.split(' ').length);
  }
  return { byWords, longest: Math.min(longest, 16), urls: stored.urls as unknown as Names['urls'] };
}

/** SPDX deprecated `GPL-3.0` and `GPL-3.0+`; the current ids say which is meant. */
export function currentId(id: string): string {
  const old = /^(GPL|LGPL|AGPL|GFDL)-(\d\.\d)(\+?)$/.exec(id);
  return old ? `${old[1]}-${old[2]}-${old[3] ? 'or-later' : 'only'}` : id;
}

/** Words that license names come with and without. */
export const FILLERS: ReadonlySet<string> = new Set([
  'the',
  'license',
  'licenses',
  'agreement',
  'version',
  'v',
  'international',
  'unported',
  'generic',
]);
const JOINED: ReadonlySet<string> = new Set(['non', 'share', 'no']);

/** One word of a name as it is compared; '' when it is left out. */
export function canonicalWord(word: string): string {
  if (FILLERS.has(word)) return '';
  return /^v\d/.test(word) ? word.slice(1) : word;
}

/** Canonical words of `text`; "non commercial" is one word. */
export function canonicalName(text: string): string[] {
  return canonicalWords(splitWords(text.slice(0, 400)).words).map((w) => w.word);
}

/** Canonical words with the index of their first word in `words`. */
export function canonicalWords(words: readonly string[], from = 0, to: number = words.length): { word: string; at: number; end: number }[] {
  const out: { word: string; at: number; end: number }[] = [];
  for (let k = from; k < to; k++) {
    const word = canonicalWord(words[k]!);
    if (word === '') continue;
    if (JOINED.has(word) && k + 1 < to) {
      out.push({ word: word + words[k + 1]!, at: k, end: k + 2 });
      k++;
    } else out.push({ word, at: k, end: k + 1 });
  }
  return out;
}

/** The longest name that begins at `sequence[from]`, or null. */
export function nameAt(names: Names, sequence: readonly { word: string }[], from: number): { target: NameTarget; length: number } | null {
  for (let length = Math.min(names.longest, sequence.length - from); length > 0; length--) {
    let key = sequence[from]!.word;
    for (let j = 1; j < length; j++) key += ` ${sequence[from + j]!.word}`;
    const target = names.byWords.get(key);
    if (target) return { target, length };
  }
  return null;
}

const versioned = new WeakMap<Names, ReadonlyMap<string, readonly string[]>>();
const VERSION = /^\d{1,3}(\.\d{1,3}){0,3}$/;

/** Ids of a family whose names go by number, for its bare name: `llama` → those of `llama 2`, `llama 3.1`...; undefined when none do. */
export function versionsOf(names: Names, key: string): readonly string[] | undefined {
  let known = versioned.get(names);
  if (!known) {
    const families = new Map<string, string[]>();
    for (const [full, { ids }] of names.byWords) {
      const words = full.split(' ');
      const at = words.findIndex((word, k) => k > 0 && VERSION.test(word));
      if (at < 0 || ids.length === 0) continue;
      const family = words.slice(0, at).join(' ');
      const list = families.get(family) ?? [];
      for (const id of ids) if (!list.includes(id)) list.push(id);
      families.set(family, list);
    }
    versioned.set(names, (known = families));
  }
  return known.get(key);
}

/** True for `5`, `3.1`; a year is none. */
export function isVersion(word: string): boolean {
  return VERSION.test(word);
}
