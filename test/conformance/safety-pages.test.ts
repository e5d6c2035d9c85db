import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { safetyPages } from '../../scripts/safety-rules.mjs';

const root = fileURLToPath(new URL('../..', import.meta.url));
const folder = join(root, 'docs/rules/safety');
const pages = safetyPages(JSON.parse(readFileSync(join(root, 'src/safety/rules.json'), 'utf8')));

test('every safety rule has its page and no page is left over', () => {
  expect(pages.size).toBeGreaterThan(50);
  expect(readdirSync(folder).sort()).toEqual([...pages.keys()].sort());
});
test('the pages say what the rules say: run scripts/safety-rules.mjs', () => {
  for (const [name, text] of pages) expect(readFileSync(join(folder, name), 'utf8'), name).toBe(text);
});
