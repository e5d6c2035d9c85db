import { execFileSync } from 'node:child_process';
import { deflateSync, gzipSync } from 'node:zlib';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { memorySource } from '../base/index.ts';
import { type CompressionName, compressionOf, decompress } from './decompress.ts';
import { latin1 } from './testing/index.ts';

const text = latin1(Array.from({ length: 4000 }, (_, i) => `line ${i * 7919} of ${i % 13}\n`).join(''));
const zeros = new Uint8Array(300_000);
/** Written by the tools themselves, which are this test's oracle. */
const tool =
  (command: string, ...args: string[]): ((data: Uint8Array) => Uint8Array) =>
  (data) =>
    new Uint8Array(execFileSync(command, args, { input: data, maxBuffer: 1 << 26 }));
const MAKERS: readonly (readonly [CompressionName, (data: Uint8Array) => Uint8Array])[] = [
  ['gzip', (data) => new Uint8Array(gzipSync(data))],
  ['zlib', (data) => new Uint8Array(deflateSync(data))],
  ['bzip2', tool('python3', '-c', 'import bz2,sys;sys.stdout.buffer.write(bz2.compress(sys.stdin.buffer.read()))')],
  ['xz', tool('python3', '-c', 'import lzma,sys;sys.stdout.buffer.write(lzma.compress(sys.stdin.buffer.read()))')],
  ['lzma', tool('python3', '-c', 'import lzma,sys;sys.stdout.buffer.write(lzma.compress(sys.stdin.buffer.read(),lzma.FORMAT_ALONE))')],
];

describe.each(MAKERS)('%s', (name, make) => {
  const open = (bytes: Uint8Array, limit = 1 << 24) => decompress(memorySource('f', bytes), name, limit);
  const noise = Uint8Array.from({ length: 70_000 }, (_, i) => (Math.imul(i, 2654435761) >>> 13) & 255);
  test.each([
    ['text', text],
    ['zeros', zeros],
    ['noise', noise],
    ['one byte', latin1('x')],
  ])('of %s comes back as it was', async (_, data) => {
    const packed = make(data);
    expect(compressionOf(packed.subarray(0, 64))).toBe(name);
    const unpacked = await open(packed);
    expect(unpacked.problem).toBeUndefined();
    expect(Buffer.compare(unpacked.bytes, data)).toBe(0);
  });
  test('cut short gives what came before the cut', async () => {
    const packed = make(name === 'bzip2' ? noise.subarray(0, 1000) : text);
    const { bytes, problem } = await open(packed.subarray(0, Math.ceil(packed.length * 0.8)));
    expect(problem).toMatch(/ends/);
    if (name !== 'bzip2') expect(bytes.length).toBeGreaterThan(text.length / 4);
  });
  test('stops at the limit', async () => {
    const { bytes, limited } = await open(make(zeros), 100_000);
    expect(limited).toBe(true);
    expect(bytes.length).toBeLessThanOrEqual(100_000);
  });
  test('with changed bytes ends in time, and in nothing but bytes', async () => {
    const packed = make(text);
    await fc.assert(
      fc.asyncProperty(fc.array(fc.tuple(fc.nat(packed.length - 1), fc.nat(255)), { minLength: 1, maxLength: 4 }), async (changes) => {
        const changed = packed.slice();
        for (const [at, value] of changes) changed[at] = value;
        expect((await open(changed)).bytes.length).toBeLessThanOrEqual(1 << 24);
      }),
      { numRuns: 40 },
    );
  });
});

describe('lz4', () => {
  const frame = (block: string): Uint8Array =>
    latin1(`\x04\x22\x4d\x18\x60\x40\x82${String.fromCharCode(block.length)}\0\0\0${block}\0\0\0\0`);
  test('copies, overlapping ones too', async () => {
    const { bytes, problem } = await decompress(memorySource('f', frame('\x35abc\x03\x00\x10x')), 'lz4', 100);
    expect(problem).toBeUndefined();
    expect(new TextDecoder().decode(bytes)).toBe('abcabcabcabcx');
  });
  test('that refers to what is before its beginning is told', async () => {
    expect((await decompress(memorySource('f', frame('\x15a\x09\x00\x10x')), 'lz4', 100)).problem).toMatch(/before its beginning/);
  });
});
