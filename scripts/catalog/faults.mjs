// What is wrong with the catalogue: shape, names, quotes.
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Ajv2020 } from 'ajv/dist/2020.js';
import { splitWords } from '../../src/license/words.ts';
import { sha256 } from './read.mjs';

/** White space, the shape of quotation marks, and marks of Markdown are layout. */
const literal = (text) =>
  text
    .replace(/[“”]/g, '"')
    .replace(/[‘’]/g, "'")
    .replace(/[*\\\ufeff]/g, '')
    .replace(/\s+/g, ' ');
const words = (text) => splitWords(text).words.join(' ');

/** Every place of a record that says it quotes a text: `[where, words, id of the text]`. */
export function quotesOf(record) {
  const out = [];
  const add = (where, quote, id = record.id) => quote !== undefined && out.push([where, quote, id]);
  for (const { term, section, quote, textId, params = {} } of record.terms) {
    add(`${term} (${section})`, quote, textId);
    for (const text of [params.text ?? []].flat()) add(`${term} (${section}) params.text`, text, textId);
    for (const item of params.items ?? []) add(`${term} (${item.section})`, item.quote, textId);
  }
  add('flow', record.flow?.quote);
  for (const { section, quote } of record.policies ?? []) add(`policies (${section})`, quote);
  for (const [act, { quote }] of Object.entries(record.derivation ?? {})) add(`derivation ${act}`, quote);
  return out;
}

/** @returns {{ faults: string[], counts: string }} */
export function findFaults(catalog, sharedTexts) {
  const { root, records, names, vocabulary, rules, spdx, wordsOf } = catalog;
  const faults = [];
  const known = new Map(records.map((record) => [record.id, record]));
  const validate = new Ajv2020({ strict: true, allowUnionTypes: true, allErrors: true }).compile(
    JSON.parse(readFileSync(join(root, 'schemas', 'license-record.schema.json'), 'utf8')),
  );
  const texts = new Map();
  const textOf = (id) => {
    if (!texts.has(id)) texts.set(id, readText(id));
    return texts.get(id);
  };
  const readText = (id) => {
    const kept = wordsOf(id)?.words.join(' ');
    const listed = spdx[id]?.licenseText;
    const file = sharedTexts && new URL(`${id}.txt`, sharedTexts);
    const whole = listed ?? (file && existsSync(file) ? readFileSync(file, 'utf8') : undefined);
    return { words: kept ?? (listed && words(listed)), ...(whole !== undefined && { whole, literal: literal(whole) }) };
  };
  let looked = 0;
  let literally = 0;
  const lookUp = (where, quote, id) => {
    const text = textOf(id);
    looked++;
    if (text.words === undefined) return faults.push(`${where}: there are no words of ${id}: run \`npm run catalog -- --text ${id}=FILE\``);
    if (!text.words.includes(words(quote))) return faults.push(`${where}: not in the text of ${id}: "${quote}"`);
    if (text.literal === undefined) return undefined;
    literally++;
    if (!text.literal.includes(literal(quote))) faults.push(`${where}: not literally in the text of ${id}: "${quote}"`);
  };
  const spoken = new Map();
  for (const record of records) {
    const at = `catalog/licenses/${record.id}.json`;
    if (record.sha256 === undefined && !spdx[record.id]) {
      faults.push(`${at}: its text is not taken over yet: run \`npm run catalog -- --text ${record.id}=FILE\``);
      continue;
    }
    if (!validate(record)) {
      const told = validate.errors
        .filter((e) => e.keyword !== 'if')
        .map((e) => `${at}${e.instancePath}: ${e.message} ${JSON.stringify(e.params)}`);
      faults.push(...told);
      continue;
    }
    for (const [where, quote, id] of quotesOf(record)) lookUp(`${at} ${where}`, quote, id);
    for (const id of idsOf(record)) if (!known.has(id)) faults.push(`${at}: there is no record "${id}"`);
    for (const { term, params = {} } of record.terms) {
      const codes = new Set((params.items ?? []).flatMap((item) => item.codes));
      if (params.restrictions && params.restrictions.join() !== [...codes].join())
        faults.push(`${at} ${term}: restrictions are not the codes of items`);
    }
    const text = textOf(record.id);
    if (text.whole !== undefined && sha256(text.whole) !== record.sha256) faults.push(`${at}: the text at hand has another SHA-256`);
    for (const { name } of record.aliases) {
      const other = spoken.get(name.toLowerCase());
      if (other) faults.push(`${at}: "${name}" is a name of ${other} too; shared names stand in catalog/names.json`);
      spoken.set(name.toLowerCase(), record.id);
    }
  }
  for (const { name, ids } of names) {
    for (const id of ids) if (!known.has(id) && !spdx[id]) faults.push(`catalog/names.json "${name}": there is no license "${id}"`);
    if (spoken.has(name.toLowerCase()))
      faults.push(`catalog/names.json: "${name}" stands in the record ${spoken.get(name.toLowerCase())} too`);
  }
  for (const { id, clauses } of rules.rules)
    for (const { textId, section, quote } of clauses) lookUp(`catalog/rules.json ${id} (${section})`, quote, textId);
  const used = new Set(records.flatMap((record) => record.terms.map((t) => t.term)));
  for (const term of Object.keys(vocabulary.terms)) if (!used.has(term)) faults.push(`catalog/vocabulary.json: no record uses "${term}"`);
  const terms = records.reduce((sum, record) => sum + record.terms.length, 0);
  const counts = `${records.length} records, ${terms} terms, ${looked} quotes looked up, ${literally} of them literally`;
  return { faults, counts };
}

/** Ids of other records that a record points at. */
function idsOf({ supersededBy, confusableWith, policies = [], terms }) {
  return [
    supersededBy,
    ...confusableWith,
    ...policies.map((policy) => policy.id),
    ...terms.flatMap(({ textId, params = {} }) => [textId, params.policy, params.license, ...(params.with ?? [])]),
  ].filter((id) => id !== undefined);
}
