// Writes src/license/data/records.json, one array of the reviewed records in catalog/licenses/.
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
