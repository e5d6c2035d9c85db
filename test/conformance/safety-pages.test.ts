import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { example, safetyPages, withTable } from '../../scripts/safety-rules.mjs';
import { applyPolicy, parsePolicy } from '../../src/safety/index.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));
const folder = join(root, 'docs/rules/safety');
const pages = await safetyPages();

test('every safety rule has its page and no page is left over', () => {
  expect(pages.size).toBeGreaterThan(50);
  expect(readdirSync(folder).sort()).toEqual([...pages.keys()].sort());
});
test('the pages show what the scanner says of their examples, in the words of the rules: npm run rules', () => {
  for (const [name, text] of pages) expect(readFileSync(join(folder, name), 'utf8'), name).toBe(text);
  const list = readFileSync(join(root, 'docs/rules-safety.md'), 'utf8');
  expect(withTable(list)).toBe(list);
});
test('the entry a page gives for a policy accepts the finding it shows, and nothing else of it', async () => {
  for (const name of pages.keys()) {
    const rule = name.replace(/\.md$/, '');
    const { files, accept } = await example(rule);
    if (!accept) continue;
    const policy = parsePolicy(new TextEncoder().encode(JSON.stringify({ schema: 'heirloom-policy/1', allow: [accept] })), 'policy.json');
    const answer = await applyPolicy(files, policy, '2027-06-30');
    const left = answer.files.flatMap((file) => file.findings.map((one) => one.rule));
    expect(left, name).not.toContain(`safety/${rule}`);
    expect(answer.findings, name).toEqual([]);
  }
});
