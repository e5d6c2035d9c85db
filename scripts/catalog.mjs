// Builds src/license/data/ from catalog/ and the SPDX License List, or says what is wrong with it.
//
//   npm run catalog                        write the data
//   npm run catalog -- --text ID=FILE      take over the words of a license text first, into catalog/texts/ID.txt
//   npm run catalog -- --texts FOLDER      the same for every FOLDER/ID.txt, after a change of how words are split
//   npm run catalog -- --check             compare, validate, look every quote up in its text; write nothing
//
// The same catalogue gives the same bytes; nothing outside the repository and its dev dependencies is read, but for
// ../shared/licences/texts, where quotes are looked up literally when it lies beside the project.
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { findFaults } from './catalog/faults.mjs';
import { buildNames } from './catalog/names.mjs';
import { readCatalog, writeText } from './catalog/read.mjs';
import { buildTexts } from './catalog/texts.mjs';
import { odrlProfile } from '../src/license/terms/odrl.ts';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
const DATA = 'src/license/data';
const SCHEMA = 'schemas/license-record.schema.json';

/** Every generated file by path. */
function build(catalog) {
  const { entries, files } = buildTexts(catalog);
  const records = catalog.records.map(({ $schema: _schema, ...record }) => ({
    ...record,
    aliases: [
      ...record.aliases,
      ...catalog.names.filter((n) => n.ids.includes(record.id)).map(({ name, places }) => ({ name, places, ambiguous: true })),
    ],
  }));
  const data = {
    ...files,
    'records.json': `[\n${records.map((r) => JSON.stringify(r)).join(',\n')}\n]\n`,
    'names.json': buildNames(catalog, entries),
    'vocabulary.json': `${JSON.stringify({ ...catalog.vocabulary, $comment: undefined })}\n`,
    ...(catalog.rules.lists && { 'rules.json': buildRules(catalog.rules) }),
  };
  return {
    ...Object.fromEntries(Object.entries(data).map(([name, content]) => [`${DATA}/${name}`, content])),
    [SCHEMA]: buildSchema(catalog),
    'docs/odrl-profile.jsonld': `${JSON.stringify(odrlProfile(catalog.vocabulary), null, 2)}\n`,
  };
}

function buildRules({ lists, rules }) {
  const { $comment: _comment, ...shareAlikeCompatible } = lists.shareAlikeCompatible;
  // `when` is for people; the program reads the conditions, and tells what follows as `means` (an object with `then` passes for a promise).
  const compiled = rules.map(({ when: _when, then: means, ...rule }) => JSON.stringify({ ...rule, means }));
  return `{"lists":${JSON.stringify({ ...lists, shareAlikeCompatible })},\n"rules":[\n${compiled.join(',\n')}\n]}\n`;
}

/** The schema as it stands, with the lists of the vocabulary. */
function buildSchema({ root: folder, vocabulary }) {
  const schema = JSON.parse(readFileSync(join(folder, SCHEMA), 'utf8'));
  const lists = {
    termName: vocabulary.terms,
    act: vocabulary.acts,
    useCode: { ...vocabulary.useRestrictions, ...vocabulary.otherUses },
    flowStrength: vocabulary.flow,
    derivationStatus: vocabulary.derivationStatus,
  };
  for (const [name, list] of Object.entries(lists)) schema.$defs[name].enum = Object.keys(list);
  return `${JSON.stringify(schema, null, 2)}\n`;
}

const args = process.argv.slice(2);
while (args[0] === '--text') {
  const [id, ...file] = (args[1] ?? '').split('=');
  if (!id || file.length === 0) throw new Error('usage: npm run catalog -- --text ID=FILE');
  writeText(root, id, file.join('='));
  args.splice(0, 2);
}
if (args[0] === '--texts') {
  const folder = args[1] ?? '';
  for (const { id, source } of readCatalog(root).records)
    if (source.commit && existsSync(join(folder, `${id}.txt`))) writeText(root, id, join(folder, `${id}.txt`));
  args.splice(0, 2);
}
const catalog = readCatalog(root);
const built = build(catalog);
if (args[0] === '--check') {
  const shared = join(root, '..', 'shared', 'licences', 'texts');
  const { faults, counts } = findFaults(catalog, existsSync(shared) ? pathToFileURL(`${shared}/`) : undefined);
  for (const [name, content] of Object.entries(built)) {
    const path = join(root, name);
    if (!existsSync(path) || readFileSync(path, 'utf8') !== content)
      faults.push(`${name} is not what catalog/ gives: run \`npm run catalog\``);
  }
  for (const fault of faults) console.log(fault);
  console.log(counts);
  if (faults.length > 0) process.exitCode = 1;
} else {
  for (const [name, content] of Object.entries(built)) writeFileSync(join(root, name), content);
  console.log(`${catalog.records.length} records, ${Object.keys(built).length} files`);
}
