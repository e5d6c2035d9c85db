// Writes src/license/data/{catalog,index,words,texts-spdx,texts-model,names,duties}.json, the license catalogue.
//
//   npx tsx scripts/build-license-data.mjs <folder with ids.json, aliases.draft.json, terms.draft.json and texts/>
//
// Sources: the SPDX License List as packaged by spdx-license-list 6.12.0 (CC0-1.0; texts belong to their authors), and
// model licenses collected with repository, commit and SHA-256 in ids.json. Only the words of a text are kept, in order,
// lower case and without punctuation: enough to compare, as numbers into words.json (src/license/pack.ts). The same inputs give the same bytes.
import { createHash } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { canonicalName, currentId } from '../src/license/names.ts';
import { FLAG_OPTIONAL, FLAG_RUN_START, FLAG_SLOT, packWords } from '../src/license/pack.ts';
import { sampleShingles, shinglesOf } from '../src/license/shingles.ts';
import { splitWords } from '../src/license/words.ts';

const models = process.argv[2];
if (!models) throw new Error('usage: build-license-data.mjs <folder with ids.json and texts/>');
const out = new URL('../src/license/data/', import.meta.url);
const spdx = createRequire(import.meta.url)('spdx-license-list/full');
const kinds = JSON.parse(readFileSync(new URL('license-kinds.json', import.meta.url), 'utf8'));
const patterns = kinds.patterns.map(([source, kind]) => [new RegExp(source), kind]);
const kindOf = (id) => kinds.ids[id] ?? patterns.find(([pattern]) => pattern.test(id))?.[1] ?? 'unknown';
const sha256 = (text) => createHash('sha256').update(text).digest('hex');

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

const entries = [];
/** The same title and the same required words in the same order are the same license. */
const keyOf = ({ words, flags }) => {
  const titleEnd = flags.findIndex((f, k) => !(f & FLAG_OPTIONAL) || (k > 0 && f & FLAG_RUN_START));
  return words
    .filter((_, k) => (flags[k] & ~(FLAG_OPTIONAL | FLAG_RUN_START)) === 0 && (k < Math.min(titleEnd, 14) || flags[k] === 0))
    .join(' ');
};
const byKey = new Map();
function add(entry, packed, set) {
  const key = keyOf(packed);
  // The same license collected twice: the model list's entry stands, SPDX's id is a second name of it.
  const twin = byKey.get(key) ?? entries.find((known) => known.entry.spdx === entry.id);
  if (twin) {
    (twin.entry.twins ??= []).push(entry.id, ...(entry.spdx !== entry.id && spdx[entry.spdx] ? [entry.spdx] : []));
    return;
  }
  const record = { entry, packed, set };
  byKey.set(key, record);
  entries.push(record);
}

const list = JSON.parse(readFileSync(join(models, 'ids.json'), 'utf8')).licences;
for (const l of list.filter((l) => l.kind !== 'general')) {
  let text = readFileSync(join(models, l.file), 'utf8');
  if (sha256(text) !== l.sha256) throw new Error(`${l.file} does not have the SHA-256 that ids.json gives`);
  // A line put on top by the collection the text was taken from.
  text = text.replace(/^\[For the original copy[^\n]*\n/, '');
  const policy = l.kind === 'policy';
  add(
    {
      id: l.id,
      name: l.name,
      kind: policy ? 'unknown' : kindOf(l.id),
      form: policy ? 'policy' : 'license',
      spdx: l.spdxId ?? l.licenseRef,
      source: `https://github.com/${l.source.repo}/blob/${l.source.commit}/${l.source.path}`,
      sha256: l.sha256,
    },
    pack(text, { slotRanges: slots(''), runs: [] }),
    'model',
  );
}
/** Among ids with one text: the plain `-only` form first, deprecated forms last. */
const rank = (id) => (/-only$/.test(id) ? 0 : /-or-later$/.test(id) ? 2 : id.endsWith('+') || spdx[`${id}-only`] ? 3 : 1);
for (const id of Object.keys(spdx).sort((a, b) => rank(a) - rank(b) || (a < b ? -1 : 1))) {
  const { name, licenseText: text = '' } = spdx[id];
  add(
    { id, name, kind: kindOf(id), form: 'license', spdx: id, source: 'spdx', sha256: sha256(text) },
    pack(text, { slotRanges: slots(text), runs: optionalRuns(id, text) }),
    'spdx',
  );
}

entries.sort((a, b) => (a.entry.id < b.entry.id ? -1 : 1));
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
const lines = (items) => `[\n${items.map((item) => JSON.stringify(item)).join(',\n')}\n]\n`;
const object = (map) =>
  `{\n${Object.entries(map)
    .map(([k, v]) => `${JSON.stringify(k)}:${JSON.stringify(v)}`)
    .join(',\n')}\n}\n`;
writeFileSync(new URL('catalog.json', out), lines(entries.map(({ entry, set }) => ({ ...entry, set }))));
writeFileSync(new URL('words.json', out), `${JSON.stringify(vocabulary)}\n`);
writeFileSync(new URL('index.json', out), lines(index));
writeFileSync(new URL('texts-spdx.json', out), object(texts.spdx));
writeFileSync(new URL('texts-model.json', out), object(texts.model));
console.log(`${entries.length} texts, ${index.flat().length} sampled shingles`);

// Reviewed names first; they win over the collected ones.
const own = JSON.parse(readFileSync(new URL('license-aliases.json', import.meta.url), 'utf8'));
const collected = JSON.parse(readFileSync(join(models, 'aliases.draft.json'), 'utf8')).aliases;
const names = new Map();
for (const { alias, ids, family, kind, weak } of own.aliases)
  names.set(alias.toLowerCase(), { alias, ids, ...(family && { family }), ...(kind && { kind }), ...(weak && { weak }) });
for (const { alias, ids } of collected)
  if (ids.length > 0 && !names.has(alias.toLowerCase())) names.set(alias.toLowerCase(), { alias, ids });
/** By canonical words; the first to claim a name keeps it: reviewed names, ids, ids of twins, full names. */
const keys = new Map();
const claim = (name, ids, { family, kind, weak } = {}) => {
  const key = canonicalName(name).join(' ');
  if (key !== '' && !keys.has(key)) keys.set(key, [key, name, ids, (family ? 'f' : '') + (weak ? 'w' : ''), ...(kind ? [kind] : [])]);
};
// Short ids are common words ("Intel", "Ruby", "Fair"): fit for a tag, not for prose.
const isWord = (name) => canonicalName(name).length === 1;
for (const { alias, ids, ...marks } of [...names.values()].sort((a, b) => (a.alias < b.alias ? -1 : 1))) claim(alias, ids, marks);
const licenses = entries.map(({ entry }) => entry).filter((entry) => entry.form === 'license');
for (const { id, twins = [] } of licenses) {
  claim(id, [id], { weak: isWord(id) });
  for (const twin of twins) claim(twin, [currentId(twin)]);
}
for (const { id, name } of licenses) claim(name, [id], { weak: isWord(name) });
writeFileSync(new URL('names.json', out), `{"names":${lines([...keys.values()]).trim()},\n"urls":${lines(own.urls).trim()}}\n`);

/** Duties that a reader of the files can say something sure about; the rest of the terms needs the acts and the lineage. */
const SURE = new Set([
  'duty.licence-copy',
  'duty.notice-file',
  'duty.notice-propagate',
  'duty.retain-notices',
  'duty.attribution-source',
  'duty.attribution-display',
  'duty.name-prefix',
  'duty.state-changes',
  'duty.restrictions-flowdown',
  'duty.notify-downstream',
  'duty.acceptable-use',
  'duty.share-alike',
  'duty.source',
  'duty.network-source',
  'duty.public-statement',
]);
const terms = JSON.parse(readFileSync(join(models, 'terms.draft.json'), 'utf8')).licences;
const duties = {};
for (const { id, terms: list } of [...terms].sort((a, b) => (a.id < b.id ? -1 : 1))) {
  const sure = list
    .filter((t) => SURE.has(t.term))
    .map(({ term, section, quote, on, params }) => ({
      term: term.replace('licence', 'license'),
      section,
      quote,
      on: (on ?? []).map((act) => act.replace('quantise', 'quantize')),
      ...(params?.text && { text: [params.text].flat().map((text) => text.replace(/ \(followed by .*$/, '')) }),
      ...(params?.when && !/distributed or made available/.test(params.when) && { condition: String(params.when) }),
      ...(params?.urlOk && { urlOk: true }),
      ...(params?.policy && { policy: params.policy }),
    }));
  if (sure.length > 0) duties[id] = sure;
}
writeFileSync(new URL('duties.json', out), object(duties));
