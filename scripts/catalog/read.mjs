// The catalogue as it lies in catalog/, and the words of its texts.
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { FLAG_OPTIONAL, FLAG_RUN_START, FLAG_SLOT } from '../../src/license/pack.ts';
import { FLAG_COPYRIGHT, FLAG_MARKER, splitWords } from '../../src/license/words.ts';

/** As in src/license/pack.ts, with the word itself behind the marks. */
const MARKS = { '~': FLAG_MARKER, '%': FLAG_COPYRIGHT, _: FLAG_SLOT, '+': FLAG_OPTIONAL, '=': FLAG_OPTIONAL | FLAG_RUN_START };
/** Words a line, so that a change of a text shows as a few lines. */
const LINE = 20;

const readJson = (path) => JSON.parse(readFileSync(path, 'utf8'));
export const sha256 = (text) => createHash('sha256').update(text).digest('hex');

/** Records sorted by id, shared names, kinds of SPDX ids, vocabulary, rules, and `wordsOf(id)` of the kept texts. */
export function readCatalog(root) {
  const folder = join(root, 'catalog');
  const licenses = join(folder, 'licenses');
  const records = readdirSync(licenses)
    .filter((name) => name.endsWith('.json'))
    .sort()
    .map((name) => readJson(join(licenses, name)));
  const { names, urls } = readJson(join(folder, 'names.json'));
  const patterns = readJson(join(folder, 'spdx-kinds.json')).patterns.map(([source, kind]) => [new RegExp(source), kind]);
  return {
    root,
    records,
    names,
    urls,
    vocabulary: readJson(join(folder, 'vocabulary.json')),
    rules: readJson(join(folder, 'rules.json')),
    spdx: createRequire(join(root, 'package.json'))('spdx-license-list/full'),
    kindOfSpdx: (id) => patterns.find(([pattern]) => pattern.test(id))?.[1] ?? 'unknown',
    wordsOf: (id) => {
      const path = textPath(root, id);
      return existsSync(path) ? parseWords(readFileSync(path, 'utf8')) : undefined;
    },
  };
}

const textPath = (root, id) => join(root, 'catalog', 'texts', `${id}.txt`);

function parseWords(text) {
  const tokens = text.split(/\s+/).filter(Boolean);
  const flags = new Uint8Array(tokens.length);
  const words = tokens.map((token, k) => {
    let i = 0;
    for (; token[i] in MARKS; i++) flags[k] |= MARKS[token[i]];
    return token.slice(i);
  });
  return { words, flags };
}

/** Writes the bare words of the text in `file` to catalog/texts/<id>.txt, and its SHA-256 into the record when that has none. */
export function writeText(root, id, file) {
  const recordPath = join(root, 'catalog', 'licenses', `${id}.json`);
  if (!existsSync(recordPath)) throw new Error(`there is no catalog/licenses/${id}.json: write the record first`);
  const text = readFileSync(file, 'utf8');
  const record = readJson(recordPath);
  if (record.sha256 === undefined) writeFileSync(recordPath, `${JSON.stringify({ ...record, sha256: sha256(text) }, null, 2)}\n`);
  else if (record.sha256 !== sha256(text)) throw new Error(`${file} has the SHA-256 ${sha256(text)}, the record ${record.sha256}`);
  // A line put on top by a collection that some texts were taken from.
  const { words, flags } = splitWords(text.replace(/^\[For the original copy[^\n]*\n/, ''));
  const tokens = words.map((word, k) => (flags[k] & FLAG_MARKER ? '~' : '') + (flags[k] & FLAG_COPYRIGHT ? '%' : '') + word);
  const lines = [];
  for (let k = 0; k < tokens.length; k += LINE) lines.push(tokens.slice(k, k + LINE).join(' '));
  mkdirSync(join(root, 'catalog', 'texts'), { recursive: true });
  writeFileSync(textPath(root, id), `${lines.join('\n')}\n`);
}
