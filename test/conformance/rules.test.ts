import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { readPlan, readSources } from '../../scripts/floors.mjs';
import { rulesPage } from '../../scripts/license-rules.mjs';

const root = fileURLToPath(new URL('../..', import.meta.url));
const rooms = Object.keys(readPlan(root).rooms);
/** `room/kebab-case` in quotes: a rule id, as findings are written throughout. */
const RULE = new RegExp(`['"\`]((?:${rooms.join('|')})/[a-z][a-z0-9-]+)['"\`]`, 'g');
const idsIn = (text: string): string[] => Array.from(text.matchAll(RULE), (match) => match[1]!);

const code = readSources(root).filter(({ path }) => !path.endsWith('.test.ts') && !path.includes('/testing/'));
const licenseRules = JSON.parse(readFileSync(join(root, 'catalog/rules.json'), 'utf8')) as { rules: { slug: string }[] };
const used = new Set([
  ...code.flatMap(({ text }) => idsIn(text)),
  ...licenseRules.rules.map(({ slug }) => `license/${slug}`),
  ...idsIn(readFileSync(join(root, 'src/safety/rules.json'), 'utf8')),
]);
const documented = new Set(
  ['docs/rules.md', 'docs/rules-safety.md', 'docs/license-rules.md'].flatMap((file) => idsIn(readFileSync(join(root, file), 'utf8'))),
);

describe('rule ids', () => {
  test('are many: the check looked at something', () => expect(used.size).toBeGreaterThan(50));
  test('that a finding can name are all documented', () => expect([...used].filter((id) => !documented.has(id)).sort()).toEqual([]));
  test('that are documented all exist', () => expect([...documented].filter((id) => !used.has(id)).sort()).toEqual([]));
  test('of licenses stand in docs/license-rules.md as catalog/rules.json has them', () =>
    expect(readFileSync(join(root, 'docs/license-rules.md'), 'utf8'), 'run scripts/license-rules.mjs').toBe(rulesPage(licenseRules)));
});
