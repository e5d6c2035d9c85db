import { readFileSync } from 'node:fs';
import { deflateSync, gzipSync } from 'node:zlib';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { memorySource } from '../base/index.ts';
import { type CompressionName, compressionOf, decompress } from './decompress.ts';
import { latin1 } from './testing/index.ts';

const DATA: Readonly<Record<string, Uint8Array>> = {
  text: latin1(Array.from({ length: 400 }, (_, i) => `line ${i * 7919} of ${i % 13}\n`).join('')),
  zeros: new Uint8Array(300_000),
  noise: Uint8Array.from({ length: 3000 }, (_, i) => (Math.imul(i, 2654435761) >>> 13) & 255),
  'one byte': latin1('x'),
};
/** Written by the reference implementations; the file says which. */
const { files } = JSON.parse(readFileSync(new URL('testing/compressed-files.json', import.meta.url), 'utf8')) as {
  files: Record<string, Record<string, string>>;
};
const FORMATS: readonly (readonly [CompressionName, (kind: string) => Uint8Array])[] = [
  ['gzip', (kind) => new Uint8Array(gzipSync(DATA[kind]!))],
  ['zlib', (kind) => new Uint8Array(deflateSync(DATA[kind]!))],
  ...(['bzip2', 'xz', 'lzma'] as const).map(
    (name) => [name, (kind: string) => new Uint8Array(Buffer.from(files[name]![kind]!, 'base64'))] as const,
  ),
];

describe.each(FORMATS)('%s', (name, packed) => {
  const open = (bytes: Uint8Array, limit = 1 << 24) => decompress(memorySource('f', bytes), name, limit);
  test.each(Object.keys(DATA))('of %s comes back as it was', async (kind) => {
    expect(compressionOf(packed(kind).subarray(0, 64))).toBe(name);
    const unpacked = await open(packed(kind));
    expect(unpacked.problem).toBeUndefined();
    expect(Buffer.compare(unpacked.bytes, DATA[kind]!)).toBe(0);
  });
  test('cut short gives what came before the cut', async () => {
    const whole = packed('text');
    const { bytes, problem } = await open(whole.subarray(0, Math.ceil(whole.length * 0.8)));
    expect(problem).toMatch(/ends/);
    // A block of bzip2 is whole or nothing.
    expect(bytes.length).toBeGreaterThan(name === 'bzip2' ? -1 : DATA['text']!.length / 4);
  });
  test('stops at the limit', async () => {
    const { bytes, limited } = await open(packed('zeros'), 100_000);
    expect(limited).toBe(true);
    expect(bytes.length).toBeLessThanOrEqual(100_000);
  });
  test('with changed bytes ends in time, and in nothing but bytes', async () => {
    const whole = packed('text');
    await fc.assert(
      fc.asyncProperty(fc.array(fc.tuple(fc.nat(whole.length - 1), fc.nat(255)), { minLength: 1, maxLength: 4 }), async (changes) => {
        const changed = whole.slice();
        for (const [at, value] of changes) changed[at] = value;
        expect((await open(changed)).bytes.length).toBeLessThanOrEqual(1 << 24);
      }),
      { numRuns: 40 },
    );
  });
});

describe('what may be a bomb', () => {
  /** Zeros behind a text, and more text behind them. */
  const around = (zeros: number): Uint8Array => {
    const whole = new Uint8Array(zeros + 2 * DATA['text']!.length);
    whole.set(DATA['text']!);
    whole.set(DATA['text']!, whole.length - DATA['text']!.length);
    return whole;
  };
  test('and ends before the limit is whole', async () => {
    const whole = around(30 << 20);
    const { bytes, problem } = await decompress(memorySource('f', new Uint8Array(gzipSync(whole))), 'gzip', 50 << 20);
    expect(problem).toBeUndefined();
    expect(Buffer.compare(bytes, whole)).toBe(0);
  });
  test('and passes it gives its beginning', async () => {
    const whole = around(60 << 20);
    const { bytes, limited } = await decompress(memorySource('f', new Uint8Array(gzipSync(whole))), 'gzip', 50 << 20);
    expect(limited).toBe(true);
    expect(bytes.length).toBe(1 << 20);
    expect(Buffer.compare(bytes, whole.subarray(0, bytes.length))).toBe(0);
  });
  test('and refers far back is decoded all the same', async () => {
    const { bytes, problem } = await decompress(
      memorySource('f', new Uint8Array(Buffer.from(files['xz']!['far']!, 'base64'))),
      'xz',
      50 << 20,
    );
    expect(problem).toBeUndefined();
    expect(bytes.length).toBe((12 << 20) + 2 * DATA['noise']!.length);
    expect(Buffer.compare(bytes.subarray(0, 3000), DATA['noise']!)).toBe(0);
    expect(Buffer.compare(bytes.subarray(-3000), DATA['noise']!)).toBe(0);
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
