import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, test } from 'vitest';
import { heirloom, scratch, shared } from './cli.ts';

const dir = scratch();
const register = join(dir, 'register');
const corpus = (name: string): string => shared(`lineage-corpus/${name}`);

beforeAll(async () => {
  const added = await heirloom(['register', 'add', corpus('DA'), '--name', 'lab-alder/Alder-1M', '--register', register]);
  expect(added).toMatchObject({ code: 0, stdout: 'registered lab-alder/Alder-1M\n', stderr: '' });
  expect((await heirloom(['register', 'add', corpus('DB'), corpus('DC'), '--register', register])).code).toBe(0);
});

describe('checking a model', () => {
  test('finds the registered model it was fine-tuned from, with the chance of that', async () => {
    const { code, json, stderr } = await heirloom(['check', corpus('a-ft-light'), '--register', register, '--json']);
    const answer = json();
    expect(stderr).toBe('');
    expect([0, 1]).toContain(code);
    expect(answer.schema).toBe('heirloom-assessment/1');
    expect(answer.subject).toMatchObject({ format: 'safetensors', parameters: 896_128 });
    expect(answer.subject.digest).toMatch(/^sha256:[0-9a-f]{64}$/);
    expect(answer.lineage.verdict).toBe('derived');
    expect(answer.lineage.relations.map((r: { ancestor: { name: string } }) => r.ancestor.name)).toEqual(['lab-alder/Alder-1M']);
    expect(answer.lineage.relations[0].log10PAdjusted).toBeLessThan(-50);
    expect(answer.lineage.register).toEqual({ models: 3, compared: 3 });
    for (const part of ['declared', 'found', 'duties', 'conflicts', 'drift']) expect(answer.license[part]).toBeInstanceOf(Array);
    expect(answer.safety.verdict).toBe('clean');
  });

  test('sees through a quantized copy under another license, and exits 1', async () => {
    const { code, json } = await heirloom(['check', corpus('a-gguf-q4_k_m'), '--register', register, '--json']);
    const answer = json();
    expect(code).toBe(1);
    expect(answer.lineage.relations[0]).toMatchObject({ verdict: 'derived', ancestor: { name: 'lab-alder/Alder-1M' } });
    expect(answer.license.drift.map((drift: { kind: string }) => drift.kind)).not.toContain('kept');
  });

  test('prints the reports of several with a blank line between, each under the registered names', async () => {
    const { stdout } = await heirloom(['check', corpus('a-ft-light'), corpus('DB'), '--register', register]);
    expect(stdout).toContain('shares training with lab-alder/Alder-1M');
    expect(stdout).toMatch(/\(exit [01][^)]*\)\n\nDB: /);
  });

  test('says that the weights refute a claimed base when they show a stranger of it, and exits 1', async () => {
    const { code, json } = await heirloom(['check', corpus('b-as-a'), '--register', register, '--json']);
    const answer = json();
    expect(code).toBe(1);
    expect(answer.lineage.claims[0]).toMatchObject({ verdict: 'refuted' });
    expect(answer.lineage.relations[0].ancestor.name).toBe('lab-birch/Birch-1M');
  });

  test('without a register says plainly that there was nothing to compare with', async () => {
    const { stdout } = await heirloom(['check', corpus('DD')]);
    expect(stdout).toContain('no known models to compare with');
    const { json } = await heirloom(['check', corpus('DD'), '--json']);
    expect(json().lineage).toMatchObject({ register: { models: 0, compared: 0 }, relations: [] });
  });

  test('uses the register in $HEIRLOOM_REGISTER when none is named', async () => {
    const { json } = await heirloom(['check', corpus('a-ft-light'), '--json'], { env: { HEIRLOOM_REGISTER: register } });
    expect(json().lineage.register.models).toBe(3);
  });

  test('gives the same bytes each time', async () => {
    const args = ['check', corpus('a-ft-light'), '--register', register, '--json'];
    expect((await heirloom(args)).stdout).toBe((await heirloom(args)).stdout);
  });

  test('of several keeps their order, and one that cannot be read does not stop the others', async () => {
    const missing = join(dir, 'missing');
    const { code, json, stderr } = await heirloom(['check', missing, corpus('DB'), '--register', register, '--json']);
    expect(code).toBe(2);
    expect(json()).toMatchObject({
      schema: 'heirloom-check/1',
      files: [{ locator: missing, error: { code: 'SOURCE_NOT_FOUND' } }, { subject: { name: 'DB' } }],
    });
    expect(stderr).toContain('heirloom: ');
  });

  test('writes the report as a page, whole or not at all', async () => {
    const page = join(dir, 'pages', 'report.html');
    const { stderr } = await heirloom(['check', corpus('a-ft-light'), '--register', register, '--html', page]);
    expect(stderr).toContain(`wrote ${page}`);
    expect(readFileSync(page, 'utf8')).toMatch(/^<!doctype html>[\s\S]*<\/html>\s*$/);
    expect(readdirSync(join(dir, 'pages'))).toEqual(['report.html']);
  });

  test('is made with a broken register entry left out, and says so', async () => {
    const damaged = join(dir, 'damaged');
    cpSync(register, damaged, { recursive: true });
    const [first] = readdirSync(join(damaged, 'models'));
    writeFileSync(join(damaged, 'models', first!), '{');
    const { stderr, json } = await heirloom(['check', corpus('DD'), '--register', damaged, '--json']);
    expect(stderr).toContain('left out of the register');
    expect(json().lineage.register.models).toBe(2);
    expect(json().lineage.limits).toContain('1 registered model could not be read and was not compared');
    const list = await heirloom(['register', 'list', '--register', damaged, '--json']);
    expect([list.code, list.json().models.length, list.json().findings.length]).toEqual([1, 2, 1]);
  });

  test('of a folder without a model says what is missing', async () => {
    const empty = join(dir, 'empty');
    mkdirSync(empty, { recursive: true });
    const { code, stdout, stderr } = await heirloom(['check', empty]);
    expect([code, stdout]).toEqual([2, '']);
    expect(stderr).toMatch(/^heirloom: /);
    expect(existsSync(empty)).toBe(true);
  });
});

describe('the register', () => {
  test('lists, finds and forgets', async () => {
    const own = join(dir, 'own');
    await heirloom(['register', 'add', corpus('DA'), corpus('DB'), '--register', own]);
    const found = await heirloom(['register', 'find', corpus('b-ft-heavy'), '--register', own, '--json']);
    expect(found.code).toBe(0);
    expect(found.json().candidates.map((c: { ancestor: { name: string } }) => c.ancestor.name)).toEqual(['lab-birch/Birch-1M']);
    expect(found.json().candidates[0].log10PAdjusted).toBeGreaterThan(found.json().candidates[0].log10P);
    expect((await heirloom(['register', 'remove', 'lab-', '--register', own])).stderr).toContain(
      '"lab-alder/Alder-1M", "lab-birch/Birch-1M"',
    );
    expect((await heirloom(['register', 'remove', 'lab-birch/Birch-1M', '--register', own])).stdout).toBe('removed lab-birch/Birch-1M\n');
    expect((await heirloom(['register', 'list', '--register', own, '--json'])).json().models.map((m: { name: string }) => m.name)).toEqual([
      'lab-alder/Alder-1M',
    ]);
    const again = await heirloom(['register', 'add', corpus('DA'), '--register', own, '--json']);
    expect(again.json().files[0].status).toBe('unchanged');
  });

  test('that is named and not there is an error, not an empty answer', async () => {
    const { code, stderr } = await heirloom(['check', corpus('DA'), '--register', join(dir, 'typo')]);
    expect(code).toBe(2);
    expect(stderr).toContain('there is no register at');
  });
});

describe('comparing and sketching', () => {
  test('two models gives one relation with what was read', async () => {
    const { code, json, stderr } = await heirloom(['compare', corpus('DA'), corpus('a-ft-heavy'), '--json']);
    expect([code, stderr]).toEqual([0, '']);
    expect(json()).toMatchObject({
      schema: 'heirloom-relation/1',
      verdict: 'derived',
      read: { bytes: expect.any(Number), requests: expect.any(Number) },
      ms: expect.any(Number),
    });
    expect(json().tests.length).toBeGreaterThan(0);
  });

  test('a list of pairs answers each in order, failures included', async () => {
    const list = join(dir, 'pairs.jsonl');
    const lines = [
      JSON.stringify({ id: 'x', a: corpus('DA'), b: corpus('DB') }),
      'not json',
      '',
      JSON.stringify({ id: 7, a: corpus('DA'), b: join(dir, 'gone') }),
      JSON.stringify({ id: 'half', a: corpus('DA') }),
      JSON.stringify({ a: corpus('DA'), b: corpus('a-ft-light') }),
    ];
    writeFileSync(list, lines.join('\r\n'));
    const { code, stdout } = await heirloom(['compare', '--pairs', list]);
    expect(code).toBe(2);
    expect(stdout.endsWith('\n')).toBe(true);
    const answers = stdout
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line) as Record<string, unknown>);
    expect(answers).toMatchObject([
      { id: 'x', verdict: 'no-evidence' },
      { error: { code: 'JSON_INVALID', where: { file: list, field: 'line 2' } } },
      { id: 7, error: { code: 'SOURCE_NOT_FOUND' } },
      { id: 'half', error: { code: 'PAIR_INVALID' } },
      { verdict: 'derived' },
    ]);
    const piped = await heirloom(['compare', '--pairs', '-'], { input: `${lines[0]}\n` });
    expect([piped.code, JSON.parse(piped.stdout).id]).toEqual([0, 'x']);
    for (const unreadable of [join(dir, 'no-list'), dir]) {
      const { code: failed, stderr } = await heirloom(['compare', '--pairs', unreadable]);
      expect([failed, stderr]).toEqual([2, expect.stringMatching(/^heirloom: .* cannot be read: /)]);
    }
  });

  test('a sketch file stands in for its model, with the same evidence', async () => {
    const file = join(dir, 'a.hlsk');
    const made = await heirloom(['sketch', corpus('DA'), '-o', file, '--json']);
    expect(made.json()).toMatchObject({
      schema: 'heirloom-sketch-made/1',
      sketchBytes: readFileSync(file).length,
      read: {},
      ms: expect.any(Number),
    });
    expect(made.json().sketchBytes).toBeLessThanOrEqual(256 * 1024);
    const bySketch = (await heirloom(['compare', file, corpus('a-ft-light'), '--json'])).json();
    const byModel = (await heirloom(['compare', corpus('DA'), corpus('a-ft-light'), '--json'])).json();
    // With the model at hand its values are laid over the other's too.
    expect(bySketch.tests).toEqual(byModel.tests.filter(({ test: name }: { test: string }) => name !== 'full-comparison'));
  });

  test('a second sketch at the positions of a salt finds the ancestor too, and does not hold the salt', async () => {
    const salt = join(dir, 'salt');
    const secret = 'a secret that nobody guessed when the suspect was made';
    writeFileSync(salt, secret);
    const file = join(dir, 'salted.hlsk');
    const made = await heirloom(['sketch', corpus('a-ft-light'), '--salt-file', salt, '-o', file, '--json']);
    expect(made.json().salt).toMatch(/^sha256:[0-9a-f]{64}$/);
    for (const form of [secret, Buffer.from(secret).toString('hex'), Buffer.from(secret).toString('base64')])
      expect(readFileSync(file, 'latin1')).not.toContain(form);
    const find = ['register', 'find', '--register', register, '--json'];

    const before = (await heirloom([...find, file])).json();
    expect(before).toMatchObject({ compared: 0, candidates: [], limits: [expect.stringContaining('no sketch of this salt')] });
    const resketch = ['register', 'resketch', 'lab-alder/Alder-1M', '--salt-file', salt, '--register', register, '--json'];
    expect((await heirloom(resketch)).json()).toMatchObject({
      schema: 'heirloom-register-resketched/1',
      entry: { name: 'lab-alder/Alder-1M', salted: [{ salt: made.json().salt }] },
      sketch: { salt: made.json().salt },
    });
    const bySketch = (await heirloom([...find, file])).json();
    const byModel = (await heirloom([...find, corpus('a-ft-light'), '--salt-file', salt])).json();
    for (const answer of [bySketch, byModel]) {
      expect(answer).toMatchObject({ searched: 3, compared: 1, candidates: [{ verdict: 'derived', a: { name: 'lab-alder/Alder-1M' } }] });
      expect(answer.candidates[0].tests[0].inputs).toEqual(bySketch.candidates[0].tests[0].inputs);
    }
    // Sketches of other positions are not comparable.
    expect((await heirloom(['compare', corpus('DA'), file, '--json'])).json().verdict).toBe('unresolved');
    // Searching with the public positions goes on as before.
    expect((await heirloom([...find, corpus('a-ft-light')])).json()).toMatchObject({ compared: 3, limits: [] });

    const other = await heirloom([...resketch, '--from', corpus('DB')]);
    expect(other).toMatchObject({ code: 2 });
    expect(other.json().error.code).toBe('REGISTER_OTHER_MODEL');
    writeFileSync(salt, 'short');
    expect((await heirloom(resketch)).json().error.code).toBe('SKETCH_SALT');
    writeFileSync(salt, 'another one, which is long enough');
    expect((await heirloom([...find, file, '--salt-file', salt])).json().error.code).toBe('REGISTER_SALT');
    expect((await heirloom(['sketch', corpus('DA'), '--salt-file', join(dir, 'none'), '-o', file, '--json'])).json().error.code).toBe(
      'REGISTER_SALT',
    );
  });
});
