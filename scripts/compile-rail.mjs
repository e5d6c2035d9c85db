// Writes src/license/data/rail.json, the clauses of catalog/rail/ that `heirloom license compose` puts together.
//
//   node scripts/compile-rail.mjs
import { readFileSync, writeFileSync } from 'node:fs';

const read = (name) => JSON.parse(readFileSync(new URL(`../catalog/rail/${name}.json`, import.meta.url), 'utf8'));
const { $comment: _, ...terms } = read('terms');
const { restrictions } = read('restrictions');
const vocabulary = JSON.parse(readFileSync(new URL('../catalog/vocabulary.json', import.meta.url), 'utf8'));
const codes = Object.keys(vocabulary.useRestrictions);
const missing = codes.filter((code) => !restrictions.some((r) => r.code === code));
const unknown = restrictions.filter((r) => !codes.includes(r.code)).map((r) => r.code);
if (missing.length > 0 || unknown.length > 0)
  throw new Error(`codes without a clause: ${missing.join()}; clauses without a code: ${unknown.join()}`);
writeFileSync(new URL('../src/license/data/rail.json', import.meta.url), `${JSON.stringify({ ...terms, restrictions }, null, 1)}\n`);
console.log(`${restrictions.length} restrictions, ${terms.sections.length} sections`);
