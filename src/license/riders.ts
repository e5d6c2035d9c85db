/**
 * Sentences beside a license that change what it says: "MIT, but…" is not MIT.
 * A sentence counts when it says that something is due, forbidden, allowed or over, and of what. Statements that only say
 * which license holds ("licensed under either of", the notices that licenses ask for) do not.
 * @module
 */
import type { Words } from './words.ts';

const list = (words: string): ReadonlySet<string> => new Set(words.trim().split(/\s+/));

/** What is done to a right: given, taken, bound, sold, ended. */
const EFFECTS = list(`
  must shall prohibited prohibits prohibit forbidden forbids except exception exceptions excluded excludes excluding restricted restriction
  restrictions condition conditions modified modification addendum additional amendment amended amends rider unless waived waives only require
  requires required owes owe owed fee fees royalty royalties pay pays paid payment belong belongs end ends expire expires expired terminate
  terminates revoked revoke revocable notwithstanding supersedes supersede overrides override consent approval unlawful noncommercial
  disallowed banned limited agree agrees entitled obliged obligation obligations cannot void ineligible contact`);
/** Any of these beside a subject of law. */
const MILD = list(
  `not no never may cannot without but however extend extends apply applies until after before exceeds exceeding more less than given grant granted`,
);
const SUBJECTS = list(`
  license licensed licenses licensor licensee software model models use used uses using user users distribute distributed distribution
  redistribute agreement terms you your permission permissions work works materials rights right output outputs entity entities company
  companies organization organizations commercial commercially military government weights derivative derivatives revenue`);
/** Subjects that make a mild word or a distant sentence count. */
const LAW = list(`
  license licenses licensor licensee rights permission permissions agreement terms commercial commercially noncommercial military entity entities company
  companies organization organizations revenue fee fees royalty royalties outputs government redistribute`);

/** What licenses themselves ask to be written, and how people say which license holds. */
const HARMLESS: readonly (readonly string[])[] = [
  'you may not use this file except in compliance with the license',
  'you may not use these files except in compliance with the license',
  'you may not use this work except in compliance with the license',
  'you may not use this project except in compliance with the license',
  'you may not use this software except in compliance with the license',
  'you may obtain a copy of the license at',
  'a copy of the license is available at',
  'unless required by applicable law or agreed to in writing',
  'without warranties or conditions of any kind',
  'see the license for the specific language governing permissions and limitations under the license',
  'see the license for the specific language governing permissions and limitations',
  'without any warranty',
  'without even the implied warranty of merchantability or fitness for a particular purpose',
  'you can redistribute it and or modify it under the terms of',
  'you may redistribute it and or modify it under the terms of',
  'version 2 as published by the free software foundation',
  'either version 2 of the license or at your option any later version',
  'either version 3 of the license or at your option any later version',
  'you should have received a copy of',
  'at your option',
  'except where otherwise noted',
  'except where noted',
  'unless otherwise noted',
  'unless otherwise specified',
  'unless otherwise stated',
  'modified bsd',
  'subject to the following license terms',
  'subject to the terms of the',
  'the following terms apply to all files associated with the software unless explicitly disclaimed in individual files',
].map((phrase) => phrase.split(' '));
const HARMLESS_FIRST: ReadonlySet<string> = new Set(HARMLESS.map((phrase) => phrase[0]!));

/** The same in the languages that models are most often published in. */
const FOREIGN =
  /禁止|不得|仅限|仅供|僅限|商用|商业|商業|付费|許可なく|verboten|untersagt|nicht\W?kommerziell|gewerblich|interdit|(?:usage|utilisation|uso|fins?) (?:non )?com+ercial|prohibid[oa]|запрещ|некоммерч|상업적|금지/i;

/** Words beside a license that are read closely; farther away, a sentence has to speak of rights. */
const NEAR = 160;
/** Longest sentence; a list without full stops is cut here. */
const MAX_SENTENCE = 80;
const MAX_RIDERS = 20;

/**
 * Word ranges `[from, to)` of the sentences in `[first, last)` that add terms to a license.
 * @param beside the end of the range at which the license stands.
 */
export function findRiders(text: string, words: Words, first: number, last: number, beside: 'start' | 'end'): [number, number][] {
  const found: [number, number][] = [];
  let start = first;
  for (let k = first; k < last && found.length < MAX_RIDERS; k++) {
    if (k + 1 < last && !endsAfter(text, words, k) && k - start < MAX_SENTENCE) continue;
    const distance = beside === 'end' ? last - k - 1 : start - first;
    if (addsTerms(words, start, k + 1, distance > NEAR) || FOREIGN.test(text.slice(words.start[start]!, words.end[k]!))) {
      const previous = found.at(-1);
      if (previous?.[1] === start) previous[1] = k + 1;
      else found.push([start, k + 1]);
    }
    start = k + 1;
  }
  return found;
}

function endsAfter(text: string, words: Words, k: number): boolean {
  const from = words.end[k]!;
  const between = text.slice(from, Math.min(words.start[k + 1] ?? from, from + 60));
  return /[.!?;。；](?:\W|$)|\n\s*\n/.test(between) || words.start[k + 1]! - from > 60;
}

function addsTerms(words: Words, from: number, to: number, far: boolean): boolean {
  let effect = false;
  let mild = false;
  let subject = false;
  let law = false;
  for (let k = from; k < to; k++) {
    const word = words.words[k]!;
    if (HARMLESS_FIRST.has(word)) {
      const phrase = HARMLESS.find((p) => k + p.length <= to && p.every((w, j) => words.words[k + j] === w));
      if (phrase) {
        k += phrase.length - 1;
        continue;
      }
    }
    if (words.flags[k] !== 0) continue;
    if (EFFECTS.has(word)) effect = true;
    if (MILD.has(word)) mild = true;
    if (SUBJECTS.has(word)) subject = true;
    if (LAW.has(word)) law = true;
  }
  if (isStatement(words, from, to)) return false;
  return (law && (effect || mild)) || (!far && effect && subject);
}

/** How people say which license holds, without adding to it. */
const LEADS: readonly (readonly string[])[] = [
  'licensed under',
  'released under',
  'distributed under',
  'provided under',
  'available under',
  'covered by',
  'governed by',
  'is licensed as',
  'license applies to',
  'license which applies to',
  'either of the following licenses',
  'following license',
  'license terms and conditions are shown below',
  'this section contains',
  'of the mit license above',
].map((phrase) => phrase.split(' '));
/** Words that make such a statement more than that. */
const ADDS = list(`
  must shall may not no never prohibited forbidden excluded excluding restricted noncommercial commercial commercially military company companies
  entity entities revenue fee royalty royalties government pay paid payment require requires required notwithstanding supersedes consent approval
  terminate terminates expire expires revoked owe owes cannot void rider addendum amended amendment unlawful but however limited agree`);

function isStatement(words: Words, from: number, to: number): boolean {
  let lead = false;
  for (let k = from; k < to; k++) {
    if (ADDS.has(words.words[k]!)) return false;
    lead ||= LEADS.some((phrase) => phrase.every((word, j) => words.words[k + j] === word));
  }
  if (to - from <= 7 && ['end', 'terms'].includes(words.words[from]!)) return true;
  return lead;
}
