import { Ajv2020 } from 'ajv/dist/2020.js';
import { cpSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { heirloom, ROOT, scratch, shared } from './cli.ts';

const dir = scratch();
const corpus = (id: string): string => shared(`lineage-corpus/${id}`);

function list(name: string, pairs: readonly object[]): string {
  const path = join(dir, name);
  // A blank line at the end, as editors leave them: it is no pair.
  writeFileSync(path, `${pairs.map((pair) => `${JSON.stringify(pair)}\n`).join('')}\n`);
  return path;
}

describe('compare --pairs with several jobs', () => {
  const sides = ['DA', 'a-ft-light', 'a-int8', 'DB'];
  const pairs = sides.flatMap((a, i) => sides.slice(i + 1).map((b) => ({ id: `${a}/${b}`, a: corpus(a), b: corpus(b) })));
  pairs.splice(3, 0, { id: 'gone', a: corpus('DA'), b: join(dir, 'nowhere') });

  test('prints the same bytes in the same order as one job, but for the time taken; a failing pair is a line of its own', async () => {
    const file = list('pairs.jsonl', pairs);
    const [one, three] = await Promise.all(['1', '3'].map((jobs) => heirloom(['compare', '--pairs', file, '--jobs', jobs])));
    const timeless = (text: string): string => text.replaceAll(/"ms":\d+/g, '"ms":0');
    expect(timeless(three!.stdout)).toBe(timeless(one!.stdout));
    expect([one!.code, three!.code]).toEqual([2, 2]);
    const lines = three!.stdout.trimEnd().split('\n').map((line) => JSON.parse(line) as { id: string; verdict?: string; error?: object; read?: { bytes: number } }); // prettier-ignore
    expect(lines.map(({ id }) => id)).toEqual(pairs.map(({ id }) => id));
    expect(lines[3]).toMatchObject({ id: 'gone', error: { code: 'SOURCE_NOT_FOUND' } });
    expect(lines[0]).toMatchObject({ verdict: 'derived' });
    expect(lines[0]!.read!.bytes).toBeGreaterThan(0);
    expect(three!.stderr).toContain('1 of 7 pairs could not be compared');
  });

  test('ends by Ctrl-C with 130, whatever its threads are at', async () => {
    const file = list(
      'long.jsonl',
      Array.from({ length: 30 }, () => ({ a: corpus('a-combo-ft'), b: corpus('DB') })),
    );
    const { code, stderr } = await heirloom(['compare', '--pairs', file, '--jobs', '2'], {
      during: (child) => void setTimeout(() => child.kill('SIGINT'), 900),
    });
    expect(code).toBe(130);
    expect(stderr).toContain('interrupted');
  });

  test.each(['0', '-1', 'many', '1000'])('refuses --jobs %s', async (jobs) => {
    const { code, stdout } = await heirloom(['compare', '--pairs', '-', '--jobs', jobs]);
    expect([code, stdout]).toEqual([2, '']);
  });
});

describe('tree', () => {
  const ajv = new Ajv2020({ strict: true, allowUnionTypes: true });
  for (const name of readdirSync(join(ROOT, 'schemas')))
    ajv.addSchema(JSON.parse(readFileSync(join(ROOT, 'schemas', name), 'utf8')) as object);
  const faults = (value: unknown): unknown => {
    const validate = ajv.getSchema('urn:heirloom:schema:tree:1')!;
    return validate(value) ? [] : validate.errors;
  };
  const family = ['DA', 'a-ft-light', 'a-prune50', 'a-gguf-q8_0', 'DB', 'b-as-a'];

  test('tells families, directions with grounds, and a refuted claim, by the published schema', async () => {
    const page = join(dir, 'tree.html');
    const { code, json } = await heirloom(['tree', ...family.map(corpus), '--json', '--html', page]);
    const tree = json();
    expect(code).toBe(0);
    expect(faults(tree)).toEqual([]);
    expect(tree.families.map((one: { members: string[] }) => one.members.length)).toEqual([4, 2]);
    const ground = (to: string): unknown => tree.families[0].edges.find((edge: { b: string }) => edge.b === to);
    expect(ground('a-prune50')).toMatchObject({ a: 'DA', direction: 'a->b', grounds: 'loss' });
    expect(ground('a-gguf-q8_0')).toMatchObject({ a: 'DA', direction: 'a->b', grounds: 'loss' });
    expect(ground('a-ft-light')).toMatchObject({ a: 'DA', direction: 'a->b', grounds: 'claim' });
    expect(tree.families[1].edges[0]).toMatchObject({ direction: 'unknown', grounds: 'none' });
    expect(tree.claims).toContainEqual(expect.objectContaining({ model: 'b-as-a', base: 'DA', verdict: 'refuted' }));
    expect(readFileSync(page, 'utf8')).toContain('Family of 4 models');
  });

  test('of a folder is that of its models, whatever the number of jobs; one that cannot be read fails alone', async () => {
    const folder = join(dir, 'models');
    mkdirSync(folder);
    for (const id of ['DA', 'a-ft-light']) cpSync(corpus(id), join(folder, id), { recursive: true });
    const [one, two] = await Promise.all(['1', '2'].map((jobs) => heirloom(['tree', folder, '--jobs', jobs, '--json'])));
    expect(one!.code).toBe(0);
    expect(two!.stdout).toBe(one!.stdout);
    mkdirSync(join(folder, 'broken'));
    writeFileSync(join(folder, 'broken', 'model.safetensors'), 'no');
    const broken = await heirloom(['tree', folder, '--json']);
    expect(broken.code).toBe(2);
    expect(faults(broken.json())).toEqual([]);
    expect(broken.json()).toMatchObject({ families: [{ members: ['DA', 'a-ft-light'] }], failed: [{ locator: join(folder, 'broken') }] });
  });

  test('takes registered names', async () => {
    const register = join(dir, 'register');
    await heirloom(['register', 'add', corpus('DA'), '--register', register]);
    const { code, stdout } = await heirloom(['tree', 'lab-alder/Alder-1M', corpus('a-ft-light'), '--register', register]);
    expect(code).toBe(0);
    expect(stdout).toContain('Family of 2 models\n  lab-alder/Alder-1M\n');
    expect(stdout).toMatch(/└─▶ a-ft-light\n.*fine-tune, changed by 6\.\d %.*\n/);
    for (const line of stdout.split('\n')) expect(line.length).toBeLessThanOrEqual(80);
  });

  test('of a folder without models, or of nothing, is an error', async () => {
    mkdirSync(join(dir, 'empty'));
    expect((await heirloom(['tree', join(dir, 'empty')])).code).toBe(2);
    expect((await heirloom(['tree'])).code).toBe(2);
  });
});
