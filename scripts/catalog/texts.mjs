// The texts that licenses are recognized by: catalog.json, words.json, index.json, texts-spdx.json, texts-model.json.
//
// Sources: the SPDX License List as packaged by spdx-license-list (CC0-1.0; texts belong to their authors), and the words
// kept in catalog/texts/. Only the words of a text are kept, in order, lower case and without punctuation: enough to compare.
import { FLAG_OPTIONAL, FLAG_RUN_START, FLAG_SLOT, packWords } from '../../src/license/pack.ts';
import { sampleShingles, shinglesOf } from '../../src/license/shingles.ts';
import { splitWords } from '../../src/license/words.ts';
import { sha256 } from './read.mjs';

/** Character ranges of an SPDX text that every licensor fills in. The npm form of the list has no template marks, so they are found again here. */
function slots(text) {
  const ranges = [];
  const add = (pattern, group = 0) => {
    for (const m of text.matchAll(pattern)) {
      const from = group === 0 ? m.index : m.index + m[0].indexOf(m[group]);
      ranges.push([from, from + m[group].length]);
    }
  };
  add(
    /[<[{][^<>[\]{}\n]{0,80}\b(?:years?|yyyy|names?|owners?|holders?|organi[sz]ation|authors?|copyright|dates?|institution|company|licensor|xxxx)\b[^<>[\]{}\n]{0,80}[>\]}]/gi,
  );
  if (text.length < 5000) {
    add(/neither\s+the\s+names?\s+of\s+([^.;]{3,160}?),?\s+(?:nor|or)\s+the\s+names?/gi, 1);
    add(/is\s+provided\s+by\s+([^.;"]{3,160}?)\s+["'`“]+as\s+is/gi, 1);
    add(/as\s+is["'`”]+\s+and\s+([^.;"]{3,160}?)\s+disclaims?\b/gi, 1);
    add(/in\s+no\s+event\s+(?:shall|will)\s+([^.;]{3,160}?)\s+be\s+(?:held\s+)?liable/gi, 1);
  }
  return ranges;
}

/** Character ranges of an SPDX text that the list's templates mark optional: title, preface and appendix. */
function optionalRuns(id, text) {
  const runs = [];
  const title = /^\s*([^\n]+(?:\n[^\n]+){0,2}?)\n\s*\n/.exec(text);
  if (
    title &&
    title[1].split(/\s+/).length <= 14 &&
    /licen[sc]e|agreement|legal code|international|generic|unported|dedication|terms/i.test(title[1]) &&
    !/copyright|permission|redistribut/i.test(title[1])
  )
    runs.push([0, title[0].length]);
  if (/^CC-|^CC0-/.test(id)) {
    const preface = /By exercising the Licensed Rights|^Statement of Purpose/m.exec(text);
    if (preface && preface.index > (runs[0]?.[1] ?? 0)) runs.push([runs[0]?.[1] ?? 0, preface.index]);
    const tail = text.lastIndexOf('Creative Commons is not a party to its');
    if (tail > 0) runs.push([tail, text.length]);
  }
  if (/^LGPL-3/.test(id)) {
    const gpl = text.lastIndexOf('GNU GENERAL PUBLIC LICENSE\n');
    if (gpl > 1000) return [...runs, [gpl, text.length]];
  }
  const end = /end of (the )?terms and conditions\.?/i.exec(text);
  if (end) runs.push([end.index, end.index + end[0].length], [end.index + end[0].length, text.length]);
  return runs;
}

function pack(text, { slotRanges, runs }) {
  const words = splitWords(text);
  const flags = words.flags.slice();
  for (const [from, to] of slotRanges)
    for (let k = 0; k < flags.length; k++) if (words.start[k] >= from && words.end[k] <= to) flags[k] |= FLAG_SLOT;
  for (const [from, to] of runs) {
    let first = true;
    for (let k = 0; k < flags.length; k++)
      if (words.start[k] >= from && words.start[k] < to) {
        flags[k] |= FLAG_OPTIONAL | (first ? FLAG_RUN_START : 0);
        first = false;
      }
  }
  return { words: words.words, flags };
}

/** The same title and the same required words in the same order are the same license. */
function keyOf({ words, flags }) {
  const titleEnd = flags.findIndex((f, k) => !(f & FLAG_OPTIONAL) || (k > 0 && f & FLAG_RUN_START));
  return words
    .filter((_, k) => (flags[k] & ~(FLAG_OPTIONAL | FLAG_RUN_START)) === 0 && (k < Math.min(titleEnd, 14) || flags[k] === 0))
    .join(' ');
}

/** Among ids with one text: the plain `-only` form first, deprecated forms last. */
const rankIn = (spdx) => (id) => (/-only$/.test(id) ? 0 : /-or-later$/.test(id) ? 2 : id.endsWith('+') || spdx[`${id}-only`] ? 3 : 1);

/** One entry per distinct text, sorted by id, and the generated files by name. */
export function buildTexts({ records, spdx, kindOfSpdx, wordsOf }) {
  const entries = [];
  const byKey = new Map();
  const add = (entry, packed, set) => {
    const key = keyOf(packed);
    // The same license collected twice: the record's entry stands, SPDX's id is a second name of it.
    const twin = byKey.get(key) ?? entries.find((known) => known.entry.spdx === entry.id);
    if (twin) {
      (twin.entry.twins ??= []).push(entry.id, ...(entry.spdx !== entry.id && spdx[entry.spdx] ? [entry.spdx] : []));
      return;
    }
    const one = { entry, packed, set };
    byKey.set(key, one);
    entries.push(one);
  };
  for (const { id, name, kind, form, spdx: ref, source, sha256: digest } of records) {
    const words = wordsOf(id);
    if (!words) continue;
    const url = `https://github.com/${source.repo}/blob/${source.commit}/${source.path}`;
    add({ id, name, kind: kind ?? 'unknown', form, spdx: ref, source: url, sha256: digest }, words, 'model');
  }
  const kinds = new Map(records.map((record) => [record.id, record.kind]));
  const rank = rankIn(spdx);
  for (const id of Object.keys(spdx).sort((a, b) => rank(a) - rank(b) || (a < b ? -1 : 1))) {
    const { name, licenseText: text = '' } = spdx[id];
    add(
      { id, name, kind: kinds.get(id) ?? kindOfSpdx(id), form: 'license', spdx: id, source: 'spdx', sha256: sha256(text) },
      pack(text, { slotRanges: slots(text), runs: optionalRuns(id, text) }),
      'spdx',
    );
  }
  entries.sort((a, b) => (a.entry.id < b.entry.id ? -1 : 1));
  return { entries: entries.map(({ entry }) => entry), files: filesOf(entries) };
}

function filesOf(entries) {
  const counts = new Map();
  for (const { packed } of entries) for (const word of packed.words) counts.set(word, (counts.get(word) ?? 0) + 1);
  // Frequent words get short numbers.
  const vocabulary = [...counts].sort((a, b) => b[1] - a[1] || (a[0] < b[0] ? -1 : 1)).map(([word]) => word);
  const number = new Map(vocabulary.map((word, k) => [word, k]));
  const texts = { spdx: {}, model: {} };
  const index = [];
  for (const { entry, packed, set } of entries) {
    texts[set][entry.id] = packWords(
      packed.words.map((word) => number.get(word)),
      packed.flags,
    );
    const required = { words: packed.words, flags: packed.flags.map((f) => f & ~FLAG_RUN_START) };
    index.push(sampleShingles(shinglesOf(required).hash));
  }
  return {
    'catalog.json': lines(entries.map(({ entry, set }) => ({ ...entry, set }))),
    'words.json': `${JSON.stringify(vocabulary)}\n`,
    'index.json': lines(index),
    'texts-spdx.json': object(texts.spdx),
    'texts-model.json': object(texts.model),
  };
}

/** A JSON array with one item a line. */
export const lines = (items) => `[\n${items.map((item) => JSON.stringify(item)).join(',\n')}\n]\n`;
/** A JSON object with one property a line. */
export const object = (map) =>
  `{\n${Object.entries(map)
    .map(([k, v]) => `${JSON.stringify(k)}:${JSON.stringify(v)}`)
    .join(',\n')}\n}\n`;
