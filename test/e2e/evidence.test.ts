import { createHash } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { heirloom, scratch, shared } from './cli.ts';

const dir = scratch();
const pair = (): [string, string] => [shared('lineage-corpus/DA'), shared('lineage-corpus/a-ft-light')];

test('compare --html writes a report that is the same to the byte when made again, with the digest of what it prints', async () => {
  const files = [join(dir, 'one.html'), join(dir, 'two.html')];
  for (const file of files) expect((await heirloom(['compare', ...pair(), '--html', file])).code).toBe(0);
  const [one, two] = files.map((file) => readFileSync(file, 'utf8'));
  expect(one).toBe(two);
  const json = /<pre id="relation">([^<]*)<\/pre>/
    .exec(one!)![1]!
    .replaceAll('&quot;', '"')
    .replaceAll('&#39;', "'")
    .replaceAll('&gt;', '>')
    .replaceAll('&lt;', '<')
    .replaceAll('&amp;', '&');
  expect(one).toContain(createHash('sha256').update(json).digest('hex'));
  const { read: _, ms: __, ...relation } = (await heirloom(['compare', ...pair(), '--json'])).json() as Record<string, unknown>;
  expect(JSON.parse(json)).toEqual(relation);
});

test('compare --explain adds meaning, chance, power and the bound on false positives, inside 80 columns', async () => {
  const { code, stdout } = await heirloom(['compare', ...pair(), '--explain']);
  expect(code).toBe(0);
  for (const words of ['By chance', 'Power', 'How thresholds were set', 'pairs without shared training']) expect(stdout).toContain(words);
  expect(stdout.split('\n').filter((line) => line.length > 80)).toEqual([]);
});

test('--html and --explain are for two models: with --pairs they are a usage error', async () => {
  const pairs = join(dir, 'pairs.jsonl');
  writeFileSync(pairs, '');
  for (const option of [['--html', join(dir, 'x.html')], ['--explain']])
    expect((await heirloom(['compare', '--pairs', pairs, ...option])).code).toBe(2);
});
