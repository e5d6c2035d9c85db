import fc from 'fast-check';
import { cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, truncateSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { isTie, type KnownRelation, relateKnown } from '../assess/index.ts';
import { decodeSketch, saltCommitment, type Sketch } from '../lineage/index.ts';
import { findCandidates } from './candidates.ts';
import { entryId } from './entry.ts';
import { openRegister, type Register } from './register.ts';
import { decodeSegment, encodeSegment, INDEX_FOLDER, makeSegment } from './segment.ts';
import { madeUpEntry, madeUpSketch, relatedSketch } from './testing/sketches.ts';

const UNITS = 64;
let dir: string;
let register: Register;
const open = (): Promise<Register> => openRegister(dir, { now: () => Date.UTC(2026, 10, 23) });
beforeEach(async () => {
  dir = mkdtempSync(join(tmpdir(), 'heirloom-index-'));
  register = await open();
});
afterEach(() => rmSync(dir, { recursive: true, force: true }));

const add = (name: string, sketch = madeUpSketch(name, UNITS), more = {}): ReturnType<Register['add']> =>
  register.add(madeUpEntry(name, name, more), sketch, { replace: true });
const suspect = (parent: string, every = 4): Sketch => decodeSketch(relatedSketch('suspect', parent, every, UNITS), 'suspect');

interface Answer {
  readonly ties: readonly KnownRelation[];
  readonly names: readonly string[];
  readonly limits: readonly string[];
  readonly findings: number;
  readonly count: number;
}

/** With `compareAll` 0 through the index, however small the register. */
async function search(sketch: Sketch, compareAll = 0, bases: readonly string[] = [], from: Register = register): Promise<Answer> {
  const known = await from.known({ compareAll });
  const relations: KnownRelation[] = [];
  for await (const entry of known.entries({ sketch, bases })) relations.push(relateKnown(entry, sketch, known.count));
  relations.sort((x, y) => (x.a.name < y.a.name ? -1 : 1));
  return {
    ties: relations.filter((one) => isTie(one.verdict)),
    names: relations.map((one) => one.a.name),
    limits: known.limits,
    findings: known.findings.length,
    count: known.count,
  };
}

const segments = (): string[] => readdirSync(join(dir, INDEX_FOLDER)).map((name) => join(dir, INDEX_FOLDER, name));
async function addMany(count: number): Promise<void> {
  for (let i = 0; i < count; i++) await add(`model-${i}`);
}

describe('searching through the index', () => {
  test('finds the relative among strangers, tests few, corrects for all, and says what it did', async () => {
    await addMany(64);
    const answer = await search(suspect('model-7'));
    expect(answer.ties.map((one) => one.a.name)).toEqual(['model-7']);
    expect(answer.names.length).toBeLessThan(20);
    expect(answer.ties[0]).toMatchObject({ searched: 64 });
    expect(answer.limits).toEqual([expect.stringMatching(/^\d+ of 64 registered models were tested: .* correlation of 0\.\d\d /)]);
    expect(segments()).toHaveLength(1);
  });

  test('gives the same relations as comparing with every model, for the models that it proposes', async () => {
    for (let i = 0; i < 6; i++) await add(`base-${i}`);
    for (let i = 0; i < 12; i++) await add(`child-${i}`, relatedSketch(`child-${i}`, `base-${i % 6}`, 2 + i, UNITS));
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: 0, max: 7 }), fc.integer({ min: 2, max: 12 }), async (parent, every) => {
        const sketch = suspect(`base-${parent}`, every);
        const [indexed, full] = [await search(sketch), await search(sketch, 1000)];
        expect(full.limits).toEqual([]);
        expect(indexed.ties).toEqual(full.ties);
        expect(full.names).toEqual(expect.arrayContaining([...indexed.names]));
      }),
      { numRuns: 15 },
    );
  });

  test('finds equal tensors whose signs say nothing', async () => {
    await add('flat', madeUpSketch('flat', 4));
    await add('other');
    const answer = await search(decodeSketch(madeUpSketch('flat', 4), 'copy'));
    expect(answer.names).toContain('flat');
  });

  test('compares with bases that the publisher names, and with those that near models name', async () => {
    await addMany(10);
    await add('lab/Alder_1M');
    await add('lab/Birch');
    await add('near', relatedSketch('near', 'root', 8, UNITS), { baseModels: ['lab/birch'] });
    const answer = await search(suspect('root'), 0, ['hf:LAB/alder-1m', 'nobody/knows']);
    expect(answer.names).toEqual(expect.arrayContaining(['lab/Alder_1M', 'lab/Birch', 'near']));
    expect((await search(suspect('root'), 0, ['alder-1m'])).names).toContain('lab/Alder_1M');
    expect((await search(suspect('root'), 0, ['other/alder-1m'])).names).not.toContain('lab/Alder_1M');
  });

  test('leaves out and names a candidate whose sketch is damaged', async () => {
    await addMany(3);
    await search(suspect('model-1'));
    const { sketch } = await register.find('model-1');
    truncateSync(join(dir, 'sketches', `${sketch.sha256}.hlsk`), 20);
    const answer = await search(suspect('model-1'));
    expect([answer.ties, answer.findings]).toEqual([[], 1]);
    writeFileSync(join(dir, 'models', `${entryId('model-2')}.json`), '{');
    expect((await search(suspect('model-0'))).findings).toBe(2);
  });

  test('is not used for a small register, which is compared whole', async () => {
    await addMany(2);
    const known = await register.known();
    for await (const _ of known.entries({ sketch: suspect('model-1'), bases: [] })) continue;
    expect(known.limits).toEqual([]);
    expect(readdirSync(dir)).not.toContain(INDEX_FOLDER);
  });
});

describe('the index follows the register', () => {
  const template = mkdtempSync(join(tmpdir(), 'heirloom-index-'));
  beforeAll(async () => {
    const made = await openRegister(template, { now: () => 0 });
    for (let i = 0; i < 70; i++) await made.add(madeUpEntry(`model-${i}`), madeUpSketch(`model-${i}`, UNITS));
  });
  afterAll(() => rmSync(template, { recursive: true, force: true }));
  beforeEach(async () => {
    cpSync(template, dir, { recursive: true });
    await search(suspect('model-0'));
  });
  const found = async (parent: string, from: Register = register): Promise<string[]> =>
    (await search(suspect(parent), 0, [], from)).ties.map((one) => one.a.name);

  test('when models are added, removed and replaced', async () => {
    await add('late');
    expect(await found('late')).toEqual(['late']);
    await register.remove('model-3');
    expect(await found('model-3')).toEqual([]);
    await register.add(madeUpEntry('model-4', 'new'), madeUpSketch('new', UNITS), { replace: true });
    expect(await found('model-4')).toEqual([]);
    expect(await found('new')).toEqual(['model-4']);
    expect((await search(suspect('new'))).count).toBe(70);
    // In another process too, and through the entries alone.
    expect(await found('late', await open())).toEqual(['late']);
  });

  test('and is written again when enough has changed, in one file', async () => {
    const [before] = segments();
    for (let i = 1; i < 40; i++) rmSync(join(dir, 'models', `${entryId(`model-${i}`)}.json`));
    expect(await found('model-40')).toEqual(['model-40']);
    expect(segments()).toHaveLength(1);
    expect(segments()).not.toContain(before);
    expect(decodeSegment(readFileSync(segments()[0]!))!.count).toBe(31);
  });

  test.each<[string, (file: string) => void]>([
    ['is missing', (file) => rmSync(file)],
    ['is empty', (file) => truncateSync(file, 0)],
    ['is cut off', (file) => truncateSync(file, 5000)],
    ['has one flipped bit', (file) => flip(file, 3000)],
    ['is something else', (file) => writeFileSync(file, 'x'.repeat(100_000))],
    [
      'claims four billion models',
      (file) => writeFileSync(file, new Uint8Array(Uint32Array.of(0x58494c48, 1, 1, 2 ** 32 - 1, 7, 7).buffer)),
    ],
    [
      'is a folder',
      (file) => {
        rmSync(file);
        mkdirSync(file);
      },
    ],
  ])('and is made again when its file %s', async (_, damage) => {
    damage(segments()[0]!);
    expect(await found('model-9', await open())).toEqual(['model-9']);
    expect((await search(suspect('model-9'))).count).toBe(70);
  });

  test('and is left alone when it is of another version', async () => {
    mkdirSync(join(dir, 'index-99.1'));
    writeFileSync(join(dir, 'index-99.1', 'x.hlix'), 'later');
    expect(await found('model-9', await open())).toEqual(['model-9']);
    expect(readFileSync(join(dir, 'index-99.1', 'x.hlix'), 'utf8')).toBe('later');
  });

  test('and forgets an interrupted write', async () => {
    const leftover = `${segments()[0]!}.tmp-0123`;
    writeFileSync(leftover, 'half');
    utimesSync(leftover, 1, 1);
    expect(await found('model-9', await open())).toEqual(['model-9']);
    await add('another');
    expect(readdirSync(join(dir, INDEX_FOLDER)).filter((name) => name.includes('.tmp-'))).toEqual([]);
  });

  test('and answers without a file where none can be written', async () => {
    rmSync(join(dir, INDEX_FOLDER), { recursive: true });
    writeFileSync(join(dir, INDEX_FOLDER), 'in the way');
    await expect(found('model-9', await open())).resolves.toEqual(['model-9']);
  });
});

test('of a family of hundreds the nearest are proposed and the rest are counted; of strangers only a few', () => {
  const model = (id: string, seed: number, flipped: number): Parameters<typeof makeSegment>[0][number] => {
    const bits = Uint32Array.from({ length: 32 }, (_, i) => Math.imul(seed + 1, 0x9e3779b1 ^ Math.imul(i + 1, 0x85ebca6b)));
    for (let i = 0; i < flipped; i++) bits[i >> 5]! ^= 1 << (i & 31);
    return { id, size: 1, mtimeMs: 1, name: 1, bareName: 1, code: { axes: [{ bucket: 1, bits }], marks: new Uint32Array(18) } };
  };
  const segment = makeSegment([
    ...Array.from({ length: 300 }, (_, i) => model(`relative-${String(i).padStart(3, '0')}`, 0, i)),
    // 3.75 deviations from the query: what a stranger reaches once in ten thousand.
    ...Array.from({ length: 40 }, (_, i) => model(`stranger-${i}`, 0, 452)),
  ]);
  const index = { segments: [{ file: '', segment, live: new Uint8Array(340).fill(1) }], count: 340, findings: [] };
  const { candidates, unseen, leastScore } = findCandidates(index, model('query', 0, 0).code);
  expect(candidates.slice(0, 256).map((one) => one.id)).toEqual(segment.ids.slice(0, 256));
  expect(candidates.slice(256).every((one) => one.id.startsWith('stranger'))).toBe(true);
  expect(candidates.length).toBe(256 + 16);
  expect([unseen, leastScore]).toEqual([44, 3.75]);
});

test('a segment comes back from its bytes, and no damaged one does', () => {
  const model = (id: string, bucket: number): Parameters<typeof makeSegment>[0][number] => ({
    id,
    size: 700,
    mtimeMs: 1.5,
    name: 1,
    bareName: 2,
    code: { axes: [{ bucket, bits: new Uint32Array(32).fill(bucket) }], marks: new Uint32Array(18).fill(3) },
  });
  const segment = makeSegment([model('a', 9), model('b', 4)]);
  const bytes = encodeSegment(segment);
  expect(decodeSegment(bytes)).toEqual(segment);
  expect([...segment.buckets]).toEqual([4, 9]);
  fc.assert(
    fc.property(fc.integer({ min: 0, max: bytes.length - 1 }), fc.integer({ min: 1, max: 255 }), (at, mask) => {
      const damaged = bytes.slice();
      damaged[at]! ^= mask;
      expect(decodeSegment(damaged)).toBeNull();
      expect(decodeSegment(bytes.subarray(0, at))).toBeNull();
    }),
  );
});

describe('a salted sketch', () => {
  const salt = saltCommitment(new Uint8Array(32).fill(7));

  test('is kept beside the public one, replaced by a newer one, and gone with its model', async () => {
    await add('a');
    const entry = await register.addSalted(await register.find('a'), salt, madeUpSketch('salted', UNITS));
    expect(entry.salted).toEqual([{ salt, sha256: expect.any(String), bytes: expect.any(Number) }]);
    await register.addSalted(entry, salt, madeUpSketch('salted again', UNITS));
    expect((await register.find('a')).salted).toHaveLength(1);
    // The same model with new facts keeps it.
    await add('a', undefined, { licenses: ['MIT'] });
    expect((await register.find('a')).salted).toHaveLength(1);
    await register.remove('a');
    expect(readdirSync(join(dir, 'models'))).toEqual([]);
  });

  test('is what a search with its salt compares, and models without one are counted', async () => {
    await add('a');
    await add('b');
    await register.addSalted(await register.find('a'), salt, madeUpSketch('salted', UNITS));
    const known = await register.known({ salt });
    const seen = [];
    for await (const { record, sketch } of known.entries()) seen.push([record.name, sketch]);
    expect(seen).toEqual([['a', decodeSketch(madeUpSketch('salted', UNITS), 'x')]]);
    expect([known.count, known.limits]).toEqual([2, ['1 of 2 registered models have no sketch of this salt and were not compared']]);
  });

  test('is not added to a model that has been replaced or removed meanwhile', async () => {
    await add('a');
    const before = await register.find('a');
    await register.add(madeUpEntry('a', 'other'), madeUpSketch('other', UNITS), { replace: true });
    await expect(register.addSalted(before, salt, madeUpSketch('s'))).rejects.toMatchObject({ code: 'REGISTER_NOT_FOUND' });
  });

  test.each([[{}], [[{ salt: 'open sesame', sha256: '0'.repeat(64), bytes: 1 }]], [[null]], ['x']])(
    'that is malformed makes its entry unreadable, not believed: %j',
    async (salted) => {
      await add('a');
      const file = join(dir, 'models', `${entryId('a')}.json`);
      writeFileSync(file, JSON.stringify({ ...(JSON.parse(readFileSync(file, 'utf8')) as object), salted }));
      expect(await register.list()).toMatchObject({ entries: [], findings: [{ what: expect.stringContaining('"salted"') }] });
    },
  );
});

function flip(file: string, at: number): void {
  const bytes = readFileSync(file);
  bytes[at]! ^= 1;
  writeFileSync(file, bytes);
}
