import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { openBlob, openBlobs } from './index.ts';
import { failure, pattern } from './testing/fixtures.ts';

describe('files picked in a browser', () => {
  test('are a tree whose ranges can be read', async () => {
    const bytes = pattern(1000);
    const tree = openBlobs(
      [
        { path: 'sub/b.bin', blob: new Blob([bytes as Uint8Array<ArrayBuffer>]) },
        { path: 'a', blob: new Blob(['A']) },
      ],
      'model',
    );
    expect(tree).toMatchObject({
      kind: 'folder',
      name: 'model',
      files: [
        { path: 'a', size: 1 },
        { path: 'sub/b.bin', size: 1000 },
      ],
    });
    const source = await tree.open('sub/b.bin');
    expect(await source.read(10, 20)).toEqual(bytes.slice(10, 30));
    expect(tree.stats).toEqual({ bytes: 20, requests: 1 });
    expect((await failure(source.read(990, 11))).code).toBe('SOURCE_OUT_OF_RANGE');
    expect((await failure(tree.open('b.bin'))).code).toBe('SOURCE_NOT_FOUND');
    expect(openBlob('a.gguf', new Blob(['A']))).toMatchObject({ kind: 'file', files: [{ path: 'a.gguf', size: 1 }] });
  });

  test('with a path that climbs out, or given twice, are refused', () => {
    const blob = new Blob(['A']);
    for (const files of [
      [{ path: '../a', blob }],
      [{ path: '', blob }],
      [
        { path: 'a', blob },
        { path: 'a', blob },
      ],
    ])
      expect(() => openBlobs(files)).toThrow(expect.objectContaining({ code: 'SOURCE_LOCATOR' }));
  });

  test('that changed on disk since are refused', async () => {
    const blob = new Blob(['A']);
    const gone = Object.assign(new Blob(['A']), {
      slice: () => ({ arrayBuffer: () => Promise.reject(new DOMException('gone', 'NotReadableError')) }),
    });
    const shrunk = Object.assign(new Blob(['AB']), { slice: () => blob });
    expect((await failure((await openBlob('a', gone as unknown as Blob).open('a')).read(0, 1))).code).toBe('SOURCE_CHANGED');
    expect((await failure((await openBlob('a', shrunk as unknown as Blob).open('a')).read(0, 2))).code).toBe('SOURCE_TRUNCATED');
  });

  test('need nothing that only Node has', () => {
    for (const file of ['blob.ts', 'limits.ts']) {
      const text = readFileSync(new URL(file, import.meta.url), 'utf8');
      expect(text.match(/from '([^']+)'/g)!.filter((from) => !["from '../base/index.ts'", "from './limits.ts'"].includes(from))).toEqual(
        [],
      );
      expect(text).not.toMatch(/\b(process|Buffer|setImmediate)\b/);
    }
  });
});
