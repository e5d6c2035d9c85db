import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { HeirloomError, memorySource, memoryTree } from '../base/index.ts';
import { openCheckpoint } from './open.ts';
import { readTar } from './tar.ts';
import { joinBytes, latin1, le, zipBytes } from './testing/bytes.ts';
import { openZipEntry, readZip, readZipRange, type ZipArchive } from './zip.ts';

const open = (bytes: Uint8Array): Promise<ZipArchive> => readZip(memorySource('test.zip', bytes));
async function deflate(bytes: Uint8Array): Promise<Uint8Array> {
  const stream = new Blob([bytes as Uint8Array<ArrayBuffer>]).stream().pipeThrough(new CompressionStream('deflate-raw'));
  return new Uint8Array(await new Response(stream).arrayBuffer());
}
const rules = (archive: ZipArchive): string[] => archive.findings.map((one) => one.rule);
const hello = latin1('hello');

describe('a zip archive', () => {
  test('gives stored and deflated members back', async () => {
    const text = latin1('hello '.repeat(1000));
    const archive = await open(
      zipBytes([
        { name: 'a', data: hello },
        { name: 'b', data: await deflate(text), method: 8, size: text.length },
      ]),
    );
    expect(archive.findings).toEqual([]);
    const [a, b] = archive.entries;
    expect(await (await openZipEntry(archive, a!)).read(0, 5)).toEqual(hello);
    expect(await (await openZipEntry(archive, b!)).read(0, text.length)).toEqual(text);
    expect(await readZipRange(archive, b!, 2400, 6)).toEqual(latin1('hello '));
  });
  test('is read without its members', async () => {
    const source = memorySource(
      'big.zip',
      zipBytes([
        { name: 'a', data: new Uint8Array(2_000_000) },
        { name: 'b', data: new Uint8Array(2_000_000) },
      ]),
    );
    await readZip(source);
    expect(source.stats.bytes).toBeLessThan(100_000);
  });
  test.each<[string, Uint8Array, string]>([
    [
      'whose member has another name in its own header',
      zipBytes([{ name: 'data.pkl', localName: 'evil.pkl', data: hello }]),
      'weights/zip-header-differs',
    ],
    [
      'with two members of one name',
      zipBytes([
        { name: 'a', data: hello },
        { name: 'A', data: hello },
      ]),
      'weights/zip-duplicate-name',
    ],
    ['with a name that leaves the folder', zipBytes([{ name: '../a', data: hello }]), 'weights/zip-unsafe-name'],
    ['with an absolute name', zipBytes([{ name: '/etc/a', data: hello }]), 'weights/zip-unsafe-name'],
    ['with a symbolic link', zipBytes([{ name: 'a', data: hello, mode: 0o120777 }]), 'weights/zip-link'],
    ['marked encrypted', zipBytes([{ name: 'a', data: hello, flags: 1 }]), 'weights/zip-flags'],
    ['behind other bytes', joinBytes(latin1('MZ executable'), zipBytes([{ name: 'a', data: hello }])), 'weights/zip-prefix-bytes'],
    ['before other bytes', joinBytes(zipBytes([{ name: 'a', data: hello }]), latin1('tail')), 'weights/zip-trailing-bytes'],
    [
      'with a second end record in its comment',
      zipBytes([{ name: 'a', data: hello }], latin1Text(zipBytes([]))),
      'weights/zip-two-directories',
    ],
    [
      'with two members in one place',
      zipBytes([
        { name: 'a', data: hello },
        { name: 'b', data: hello, headerOffset: 0 },
      ]),
      'weights/zip-overlap',
    ],
  ])('%s says so', async (_, bytes, rule) => {
    expect(rules(await open(bytes))).toContain(rule);
  });
  test.each<[string, Uint8Array]>([
    ['without an end record', latin1('PK\x03\x04'.padEnd(100, 'x'))],
    ['cut short', zipBytes([{ name: 'a', data: hello }]).slice(0, -5)],
    [
      'whose directory is not where it should be',
      zipBytes([{ name: 'a', data: hello }]).map((byte, i, all) => (i === all.length - 10 ? 0xf0 : byte)),
    ],
    ['that claims 65,000 members', joinBytes(latin1('PK\x05\x06'), le(2, 0, 0, 65000, 65000), le(4, 0, 0), le(2, 0))],
  ])('%s is refused', async (_, bytes) => {
    await expect(open(bytes)).rejects.toMatchObject({ code: expect.stringMatching(/^WEIGHTS_(ARCHIVE|TRUNCATED)$/) as string });
  });
  test('refuses a member that unpacks to more than it declares', async () => {
    const bomb = await deflate(new Uint8Array(5_000_000));
    const archive = await open(zipBytes([{ name: 'bomb', data: bomb, method: 8, size: 1000 }]));
    await expect(openZipEntry(archive, archive.entries[0]!)).rejects.toMatchObject({ code: 'WEIGHTS_LIMIT' });
    await expect(readZipRange(archive, archive.entries[0]!, 10, 10)).rejects.toMatchObject({ code: 'WEIGHTS_LIMIT' });
  });
  test('refuses a member that declares more than fits in memory, before unpacking it', async () => {
    const archive = await open(zipBytes([{ name: 'bomb', data: hello, method: 8, size: 4_000_000_000 }]));
    await expect(openZipEntry(archive, archive.entries[0]!)).rejects.toMatchObject({ code: 'WEIGHTS_LIMIT' });
  });
  test('refuses members that are broken, shorter than declared, or packed by other methods', async () => {
    const archive = await open(
      zipBytes([
        { name: 'broken', data: latin1('\xff\xff\xff\xff'), method: 8, size: 10 },
        { name: 'short', data: await deflate(hello), method: 8, size: 10 },
        { name: 'other', data: hello, method: 14 },
      ]),
    );
    for (const entry of archive.entries)
      await expect(openZipEntry(archive, entry), entry.name).rejects.toMatchObject({ code: 'WEIGHTS_ARCHIVE' });
  });
  test('changed anywhere is refused with a typed error or read', async () => {
    const packed = await deflate(latin1('hello '.repeat(40)));
    const real = zipBytes([
      { name: 'm/data.pkl', data: latin1('\x80\x02}.') },
      { name: 'm/version', data: latin1('3\n') },
      { name: 'm/data/0', data: packed, method: 8, size: 240 },
    ]);
    await fc.assert(
      fc.asyncProperty(fc.array(fc.tuple(fc.nat(real.length - 1), fc.nat(255)), { minLength: 1, maxLength: 6 }), async (changes) => {
        const bytes = real.slice();
        for (const [at, value] of changes) bytes[at] = value;
        try {
          const archive = await open(bytes);
          for (const entry of archive.entries)
            await openZipEntry(archive, entry).catch((error: unknown) => expect(error).toBeInstanceOf(HeirloomError));
        } catch (error) {
          expect(error).toBeInstanceOf(HeirloomError);
        }
      }),
      { numRuns: 500 },
    );
  });
});

function latin1Text(bytes: Uint8Array): string {
  return String.fromCharCode(...bytes);
}

describe('a tar archive', () => {
  test('of random headers is refused with a typed error or listed', async () => {
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ minLength: 0, maxLength: 1600 }), async (bytes) => {
        await readTar(memorySource('t.tar', bytes)).catch((error: unknown) => expect(error).toBeInstanceOf(HeirloomError));
      }),
      { numRuns: 300 },
    );
  });
});

describe('a checkpoint in a zip archive', () => {
  test('without weights is named as such', async () => {
    const tree = memoryTree('t', { 'a.zip': zipBytes([{ name: 'readme.txt', data: hello }]) });
    await expect(openCheckpoint(tree, 'a.zip')).rejects.toMatchObject({ code: 'WEIGHTS_NOT_A_MODEL' });
  });
});
