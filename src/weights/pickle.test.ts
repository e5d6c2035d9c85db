import { readFile } from 'node:fs/promises';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { memorySource } from '../base/index.ts';
import { scanPickle } from './pickle.ts';
import type { PickleResult } from './pickle.ts';
import { joinBytes, latin1, le } from './testing/bytes.ts';

const CORPUS = new URL('../../../shared/safety-corpus/', import.meta.url);
const scan = (bytes: Uint8Array | string, start = 0): Promise<PickleResult> =>
  scanPickle(memorySource('test.pkl', typeof bytes === 'string' ? latin1(bytes) : bytes), start);
const called = (result: PickleResult): string[] => result.globals.map((one) => `${one.module}.${one.name}${one.called ? '()' : ''}`);

describe('a pickle', () => {
  test.each<[string, string, unknown]>([
    ['None', 'N.', null],
    [
      'integers of every width',
      '(I12\nL340282366920938463463374607431768211456L\nJ\xff\xff\xff\xffK\x05M\x00\x01\x8a\x01\x80l.',
      [12, 2n ** 128n, -1, 5, 256, -128],
    ],
    ['booleans of both spellings', '(I00\nI01\n\x88\x89l.', [false, true, true, false]],
    ['floats', '(F1.5\nG\x3f\xf8\x00\x00\x00\x00\x00\x00Finf\nl.', [1.5, 1.5, Infinity]],
    ['strings', "(S'a\\x41\\n'\nVa\\u00e9\nU\x02\xc3\xa9X\x02\x00\x00\x00\xc3\xa9\x8c\x01zl.", ['aA\n', 'aé', 'Ã©', 'é', 'z']],
  ])('gives %s back', async (_, text, expected) => {
    const result = await scan(text);
    expect(result.problem).toBeUndefined();
    const value = result.value;
    expect(typeof value === 'object' && value !== null && value.kind === 'list' ? value.items : value).toEqual(expected);
  });

  test('that would call os.system calls nothing and lists it with its byte', async () => {
    const result = await scan('cos\nsystem\n(S"id"\ntR.');
    expect(result.globals).toMatchObject([{ module: 'os', name: 'system', byte: 0, called: true }]);
    expect(result.value).toMatchObject({ kind: 'call', how: 'reduce', args: { items: ['id'] } });
  });
  test('that only names a callable lists it as not called', async () => {
    expect(called(await scan('cos\nsystem\n.'))).toEqual(['os.system']);
  });
  test.each([
    ['INST', '(S"id"\nios\nsystem\n.'],
    ['OBJ', '(cos\nsystem\nU\x02ido.'],
    ['NEWOBJ', '\x80\x02cos\nsystem\n)\x81.'],
    ['NEWOBJ_EX', '\x80\x04cos\nsystem\n)}\x92.'],
    ['STACK_GLOBAL', '\x80\x04\x8c\x02os\x8c\x06system\x93)R.'],
    ['STACK_GLOBAL through the memo', '\x80\x04\x8c\x02os\x94\x8c\x06system\x940h\x00h\x01\x93)R.'],
    ['STACK_GLOBAL around POP, DUP and MARK', '\x80\x04\x8c\x02os20(\x8c\x01x1\x8c\x06system\x93)R.'],
    ['a broken stream behind the call', 'cos\nsystem\n(S"id"\ntR\xff\xff'],
    ['a stream cut behind the call', 'cos\nsystem\n(S"id"\ntR'],
  ])('that calls os.system by %s is seen', async (_, text) => {
    expect(called(await scan(text))).toEqual(['os.system()']);
  });
  test('whose import is computed is reported as not resolvable', async () => {
    const result = await scan('\x80\x04\x8c\x02os)\x93.');
    expect(result.importsResolved).toBe(false);
    expect((await scan('\x80\x02\x82\x01.')).importsResolved).toBe(false);
  });
  test('ends at STOP and says how much follows', async () => {
    expect(await scan('N.NN')).toMatchObject({ end: 2, trailingBytes: 2 });
  });
  test.each<[string, string, string]>([
    ['an unknown opcode', '\xffN.', 'WEIGHTS_PICKLE'],
    ['an empty stack', '0.', 'WEIGHTS_PICKLE'],
    ['a missing memo entry', 'h\x07.', 'WEIGHTS_PICKLE'],
    ['a missing mark', 't.', 'WEIGHTS_PICKLE'],
    ['no STOP', 'N', 'WEIGHTS_TRUNCATED'],
    ['a string longer than the file', 'X\xff\xff\xff\xff.', 'WEIGHTS_TRUNCATED'],
    ['a 64-bit length', '\x8e\xff\xff\xff\xff\xff\xff\xff\xff.', 'WEIGHTS_TRUNCATED'],
    ['an integer of a gigabyte', '\x8b\x00\x00\x00\x40.', 'WEIGHTS_TRUNCATED'],
    ['a key without a value', '}(K\x01u.', 'WEIGHTS_PICKLE'],
    ['protocol 9', '\x80\x09N.', 'WEIGHTS_PICKLE'],
  ])('with %s is refused and says where', async (_, text, code) => {
    const { problem } = await scan(text);
    expect(problem?.code).toBe(code);
    expect(problem?.where?.byte).toBeTypeOf('number');
  });
  test('whose frame is crossed by an argument is reported', async () => {
    const frame = joinBytes(latin1('\x80\x04\x95'), le(8, 3), latin1('\x8c\x05hello.'));
    expect((await scan(frame)).oddities).toMatchObject([{ kind: 'frame-straddled' }]);
  });
  test('keeps long payloads in the file and reads on behind them', async () => {
    const long = joinBytes(latin1('(B'), le(4, 3_000_000), new Uint8Array(3_000_000), latin1('K\x01l.'));
    const source = memorySource('long.pkl', long);
    const result = await scanPickle(source);
    expect(result.value).toMatchObject({ items: [{ kind: 'bytes', byte: 6, length: 3_000_000, data: null }, 1] });
    expect(source.stats.bytes).toBeLessThan(200_000);
  });
  test('with raw bytes behind a BUILD is read past them when told how many', async () => {
    const bytes = latin1('(cm\nW\n)R}bJUNKK\x07l.');
    const result = await scanPickle(memorySource('j', bytes), 0, { behindBuild: () => 4 });
    expect(result.problem).toBeUndefined();
    expect(result.value).toMatchObject({ items: [{ kind: 'call' }, 7] });
  });
  test('with a pickle behind a BUILD lists the imports of both', async () => {
    const bytes = latin1('(cm\nW\n)R}bcos\nsystem\n)R.K\x07l.');
    const result = await scanPickle(memorySource('j', bytes), 0, { behindBuild: () => 'pickle' });
    expect(called(result)).toEqual(['m.W()', 'os.system()']);
  });
});

describe('a hostile pickle', () => {
  test('of six million marks or empty lists stays within its budget', async () => {
    const marks = await scan(new Uint8Array(6_000_000).fill(0x28));
    expect(marks.problem).toBeDefined();
    const lists = await scan(new Uint8Array(6_000_000).fill(0x5d));
    expect(lists.problem?.code).toBe('WEIGHTS_LIMIT');
  });
  test('that doubles tuples by reference takes no more memory than its opcodes', async () => {
    const result = await scan(`)${'2\x86'.repeat(5000)}.`);
    expect(result.problem).toBeUndefined();
    expect(result.opcodes).toBe(10_002);
  });
  test('of random bytes is refused with a typed error or read', async () => {
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ maxLength: 300 }), async (bytes) => {
        const { problem, value } = await scan(bytes);
        expect(problem === undefined ? value !== undefined : problem.code.startsWith('WEIGHTS_')).toBe(true);
      }),
      { numRuns: 500 },
    );
  });
  test('made of real opcodes in any order is refused with a typed error or read', async () => {
    const opcodes = latin1(
      '().012FIJKLMNPQRSTUVXabcd}eghijl]opqrstuGB\x80\x81\x82\x83\x84\x85\x86\x87\x88\x89\x8a\x8b\x8cC\x8d\x8e\x8f\x90\x91\x92\x93\x94\x95\x96\x97\x98\n\x00\x01\x02',
    );
    await fc.assert(
      fc.asyncProperty(fc.array(fc.constantFrom(...opcodes), { maxLength: 200 }), async (codes) => {
        const { problem } = await scan(Uint8Array.from(codes));
        expect(problem?.code ?? 'WEIGHTS_').toMatch(/^WEIGHTS_/);
      }),
      { numRuns: 1000 },
    );
  });
  test('made by changing bytes of a real one is refused with a typed error or read', async () => {
    const real = new Uint8Array(await readFile(new URL('generated-benign/sd_legacy.pth', CORPUS))).slice(0, 1400);
    await fc.assert(
      fc.asyncProperty(fc.array(fc.tuple(fc.nat(real.length - 1), fc.nat(255)), { minLength: 1, maxLength: 8 }), async (changes) => {
        const bytes = real.slice();
        for (const [at, value] of changes) bytes[at] = value;
        for (let at = 0, n = 0; at < bytes.length && n < 6; n++) {
          const result = await scan(bytes, at);
          expect(result.end).toBeGreaterThanOrEqual(at);
          if (result.problem) break;
          at = result.end;
        }
      }),
      { numRuns: 300 },
    );
  });
});
