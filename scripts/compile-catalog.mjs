// Writes src/license/data/records.json, one array of the reviewed records in catalog/licenses/, and rules.json of catalog/rules.json.
//
//   node scripts/compile-catalog.mjs
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';

const folder = new URL('../catalog/licenses/', import.meta.url);
const records = readdirSync(folder)
  .filter((name) => name.endsWith('.json'))
  .sort()
  .map((name) => {
    const { $schema: _, ...record } = JSON.parse(readFileSync(new URL(name, folder), 'utf8'));
    return record;
  });
writeFileSync(new URL('../src/license/data/records.json', import.meta.url), `[\n${records.map((r) => JSON.stringify(r)).join(',\n')}\n]\n`);
console.log(`${records.length} records`);
const { lists, rules } = JSON.parse(readFileSync(new URL('../catalog/rules.json', import.meta.url), 'utf8'));
const { $comment: _, ...shareAlikeCompatible } = lists.shareAlikeCompatible;
// `when` is for people; the program reads the conditions, and tells what follows as `means` (an object with `then` passes for a promise).
const compiled = rules.map(({ when: _when, then: means, ...rule }) => JSON.stringify({ ...rule, means }));
writeFileSync(
  new URL('../src/license/data/rules.json', import.meta.url),
  `{"lists":${JSON.stringify({ ...lists, shareAlikeCompatible })},\n"rules":[\n${compiled.join(',\n')}\n]}\n`,
);
console.log(`${rules.length} rules`);
