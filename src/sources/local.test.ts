import { execFileSync } from 'node:child_process';
import {
  appendFileSync,
  chmodSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  renameSync,
  rmSync,
  symlinkSync,
  truncateSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { portableHasher } from '../base/index.ts';
import { MAX_HANDLES } from './handles.ts';
import { nodeHasher, openFile, openFolder, openTree } from './index.ts';
import { failure, pattern } from './testing/fixtures.ts';

let dir: string;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'heirloom-test-'));
});
afterEach(() => rmSync(dir, { recursive: true, force: true }));

function put(path: string, content: string | Uint8Array = path): string {
  const full = join(dir, path);
  mkdirSync(join(full, '..'), { recursive: true });
  writeFileSync(full, content);
  return full;
}
function mkfifo(path: string): void {
  execFileSync('/usr/bin/env', ['mkfifo', path]);
}
const rules = (findings: readonly { rule: string; where: { file?: string } }[]): string[] =>
  findings.map((f) => `${f.rule} ${f.where.file}`);
const openHandles = (): number => readdirSync('/proc/self/fd').length;

describe('a file', () => {
  test('is a tree of itself, and any range of it can be read', async () => {
    const bytes = pattern(100_000);
    const tree = await openTree(put('model.bin', bytes));
    expect(tree).toMatchObject({ kind: 'file', name: 'model.bin', files: [{ path: 'model.bin', size: 100_000 }], findings: [] });
    const source = await tree.open('model.bin');
    await fc.assert(
      fc.asyncProperty(fc.nat(100_000), fc.nat(100_000), async (a, b) => {
        const [start, end] = a < b ? [a, b] : [b, a];
        expect(Buffer.compare(await source.read(start, end - start), bytes.subarray(start, end))).toBe(0);
      }),
      { numRuns: 50 },
    );
    await tree.close();
  });

  test('counts the bytes and requests reading it took', async () => {
    const tree = await openFile(put('a', pattern(1000)));
    const source = await tree.open('a');
    await source.read(0, 10);
    await source.read(500, 500);
    expect(tree.stats).toEqual({ bytes: 510, requests: 2 });
    await tree.close();
  });

  test.each([
    [-1, 1],
    [0, 11],
    [10, 1],
    [11, 0],
    [0.5, 1],
    [0, NaN],
    [2 ** 53, 1],
    [0, -1],
  ])('refuses a range that leaves it (%d, %d)', async (offset, length) => {
    const tree = await openFile(put('a', pattern(10)));
    expect((await failure((await tree.open('a')).read(offset, length))).code).toBe('SOURCE_OUT_OF_RANGE');
    await tree.close();
  });

  test('of many gigabytes is never read in one piece', async () => {
    truncateSync(put('sparse'), 6e9);
    const tree = await openFile(join(dir, 'sparse'));
    const source = await tree.open('sparse');
    expect((await failure(source.read(0, 6e9))).code).toBe('SOURCE_TOO_LARGE');
    expect(await source.read(6e9 - 4, 4)).toEqual(new Uint8Array(4));
    await tree.close();
  });

  test('that is empty reads as nothing', async () => {
    const tree = await openFile(put('a', ''));
    expect(await (await tree.open('a')).read(0, 0)).toEqual(new Uint8Array(0));
    await tree.close();
  });

  test('may be named through a link, since the user chose it', async () => {
    symlinkSync(put('blobs/123', 'content'), join(dir, 'model.gguf'));
    const tree = await openFile(join(dir, 'model.gguf'));
    expect(tree.name).toBe('model.gguf');
    expect(new TextDecoder().decode(await (await tree.open('model.gguf')).read(0, 7))).toBe('content');
    await tree.close();
  });

  test('named pipes, sockets, devices and folders are refused without being opened', async () => {
    mkfifo(join(dir, 'pipe'));
    const server = createServer().listen(join(dir, 'socket'));
    await new Promise((ready) => server.once('listening', ready));
    for (const path of [join(dir, 'pipe'), join(dir, 'socket'), '/dev/zero', dir])
      expect((await failure(openFile(path))).code).toBe('SOURCE_UNREADABLE');
    await new Promise((closed) => server.close(closed));
  });

  test('knows no other file', async () => {
    put('b');
    const tree = await openFile(put('a'));
    expect((await failure(tree.open('b'))).code).toBe('SOURCE_NOT_FOUND');
    expect((await failure(tree.open('../a'))).code).toBe('SOURCE_NOT_FOUND');
    await tree.close();
  });
});

describe('a file that changes while it is open', () => {
  const cases: [string, string, (path: string) => void][] = [
    ['is written to', 'SOURCE_CHANGED', (path) => (writeFileSync(path, pattern(1000, 2)), utimesSync(path, 1, 1))],
    ['grows', 'SOURCE_CHANGED', (path) => appendFileSync(path, 'more')],
    ['shrinks', 'SOURCE_TRUNCATED', (path) => truncateSync(path, 10)],
  ];
  test.each(cases)('is refused when it %s', async (_what, code, change) => {
    const path = put('a', pattern(1000));
    const tree = await openFile(path);
    const source = await tree.open('a');
    await source.read(0, 1000);
    const before = openHandles();
    change(path);
    expect((await failure(source.read(0, 1000))).code).toBe(code);
    // A handle that failed is not kept for the next reader.
    expect(openHandles()).toBe(before - 1);
    expect((await failure(source.read(0, 10))).code).toBe('SOURCE_CHANGED');
    await tree.close();
  });

  test('is refused when another file takes its place before it is opened', async () => {
    const path = put('a', pattern(1000));
    const tree = await openFolder(dir);
    rmSync(path);
    renameSync(put('b', pattern(1000)), path);
    expect((await failure(tree.open('a'))).code).toBe('SOURCE_CHANGED');
    await tree.close();
  });

  test('is refused when it becomes a link or a pipe after listing', async () => {
    const [a, b] = [put('a'), put('b')];
    const tree = await openFolder(dir);
    rmSync(a);
    symlinkSync('/etc/passwd', a);
    rmSync(b);
    mkfifo(b);
    expect((await failure(tree.open('a'))).code).toBe('SOURCE_CHANGED');
    expect((await failure(tree.open('b'))).code).toBe('SOURCE_CHANGED');
    await tree.close();
  });

  test('is refused when it was moved out of the folder and a link left in its place', async () => {
    const path = put('model/a');
    const tree = await openFolder(join(dir, 'model'));
    renameSync(path, join(dir, 'moved'));
    symlinkSync('../moved', path);
    expect((await failure(tree.open('a'))).message).toContain('links out of its folder');
    await tree.close();
  });

  test('is refused when its folder becomes a link to elsewhere after listing', async () => {
    put('model/sub/a', 'inside');
    put('elsewhere/a', 'secret');
    const tree = await openFolder(join(dir, 'model'));
    renameSync(join(dir, 'model/sub'), join(dir, 'model/old'));
    symlinkSync(join(dir, 'elsewhere'), join(dir, 'model/sub'));
    expect((await failure(tree.open('sub/a'))).code).toBe('SOURCE_CHANGED');
    await tree.close();
  });
});

describe('a folder', () => {
  test('lists every file below it in code-unit order, without tool folders', async () => {
    for (const path of [
      'z',
      'a',
      'B',
      'sub/x',
      'sub/deep/y',
      'é',
      '.git/config',
      'node_modules/m/i.js',
      '.cache/huggingface/x',
      'sub/.git/HEAD',
      '.gitattributes',
    ])
      put(path);
    const tree = await openTree(dir);
    expect(tree.kind).toBe('folder');
    expect(tree.files.map((file) => file.path)).toEqual(['.gitattributes', 'B', 'a', 'sub/deep/y', 'sub/x', 'z', 'é']);
    expect(tree.findings).toEqual([]);
    const source = await tree.open('sub/deep/y');
    expect(new TextDecoder().decode(await source.read(0, source.size))).toBe('sub/deep/y');
    await tree.close();
  });

  test('never opens what it did not list', async () => {
    put('model/a');
    put('secret');
    const tree = await openFolder(join(dir, 'model'));
    for (const path of ['../secret', join(dir, 'secret'), './a', 'b', '', '__proto__'])
      expect((await failure(tree.open(path))).code).toBe('SOURCE_NOT_FOUND');
    await tree.close();
  });

  test('follows links that stay inside it and reports those that leave it', async () => {
    put('model/real/a', 'A');
    put('outside/secret');
    symlinkSync('real/a', join(dir, 'model/link'));
    symlinkSync('real', join(dir, 'model/linked'));
    symlinkSync('../outside/secret', join(dir, 'model/leak'));
    symlinkSync('../outside', join(dir, 'model/leaks'));
    symlinkSync('/etc/passwd', join(dir, 'model/passwd'));
    symlinkSync('nowhere', join(dir, 'model/broken'));
    symlinkSync('itself', join(dir, 'model/itself'));
    symlinkSync('..', join(dir, 'model/real/up'));
    const tree = await openFolder(join(dir, 'model'));
    expect(tree.files.map((file) => file.path)).toEqual(['link', 'linked/a', 'real/a']);
    expect(rules(tree.findings)).toEqual([
      'sources/unreadable broken',
      'sources/unreadable itself',
      'sources/link-outside leak',
      'sources/link-outside leaks',
      'sources/link-loop linked/up',
      'sources/link-outside passwd',
      'sources/link-loop real/up',
    ]);
    expect(new TextDecoder().decode(await (await tree.open('link')).read(0, 1))).toBe('A');
    expect((await failure(tree.open('passwd'))).code).toBe('SOURCE_NOT_FOUND');
    await tree.close();
  });

  test('is not fooled by a neighbor whose name begins like its own', async () => {
    put('model/a');
    put('model-2/secret');
    symlinkSync('../model-2/secret', join(dir, 'model/leak'));
    const tree = await openFolder(join(dir, 'model'));
    expect(rules(tree.findings)).toEqual(['sources/link-outside leak']);
    await tree.close();
  });

  test('that is a snapshot of a hub cache reads its blobs, but nothing of another model', async () => {
    const [mine, other] = ['hub/models--o--n', 'hub/models--o--other'];
    put(`${mine}/blobs/111`, 'mine');
    put(`${other}/blobs/222`, 'theirs');
    mkdirSync(join(dir, mine, 'snapshots/abc/sub'), { recursive: true });
    symlinkSync('../../blobs/111', join(dir, mine, 'snapshots/abc/model.safetensors'));
    symlinkSync('../../../blobs/111', join(dir, mine, 'snapshots/abc/sub/config.json'));
    symlinkSync('../../../models--o--other/blobs/222', join(dir, mine, 'snapshots/abc/stolen'));
    symlinkSync('../../blobs', join(dir, mine, 'snapshots/abc/blobs'));
    const tree = await openFolder(join(dir, mine, 'snapshots/abc'));
    expect(tree.files.map((file) => file.path)).toEqual(['model.safetensors', 'sub/config.json']);
    expect(rules(tree.findings)).toEqual(['sources/link-outside blobs', 'sources/link-outside stolen']);
    expect(new TextDecoder().decode(await (await tree.open('sub/config.json')).read(0, 4))).toBe('mine');
    await tree.close();
  });

  test('reports pipes, sockets and names that cannot be opened, and lists the rest', async () => {
    put('a');
    mkfifo(join(dir, 'pipe'));
    writeFileSync(Buffer.concat([Buffer.from(`${dir}/bad`), Buffer.from([0xff, 0xfe])]), 'x');
    const server = createServer().listen(join(dir, 'socket'));
    await new Promise((ready) => server.once('listening', ready));
    const tree = await openFolder(dir);
    expect(tree.files.map((file) => file.path)).toEqual(['a']);
    expect(tree.findings.map((finding) => finding.rule)).toEqual(['sources/unreadable', 'sources/special-file', 'sources/special-file']);
    await tree.close();
    await new Promise((closed) => server.close(closed));
  });

  test('reports files and folders this user may not read; a whole folder like that is an error', async () => {
    chmodSync(put('sub/a'), 0o000);
    put('shut/b');
    chmodSync(join(dir, 'shut'), 0o000);
    chmodSync(dir, 0o755);
    await asNobody(async () => {
      const tree = await openFolder(dir);
      expect(rules(tree.findings)).toEqual(['sources/unreadable shut', 'sources/unreadable sub/a']);
      expect((await failure(tree.open('sub/a'))).code).toBe('SOURCE_UNREADABLE');
      expect((await failure(openFolder(join(dir, 'shut')))).code).toBe('SOURCE_UNREADABLE');
      await tree.close();
    });
    chmodSync(join(dir, 'shut'), 0o755);
  });

  test('nested too deeply is refused', async () => {
    mkdirSync(join(dir, ...Array<string>(33).fill('d')), { recursive: true });
    expect((await failure(openFolder(dir))).code).toBe('SOURCE_TOO_LARGE');
  });

  test('that links to itself many ways is refused instead of being walked forever', async () => {
    // Each level holds ten links to the next: ten to the power of twelve paths.
    for (let level = 0; level < 12; level++) mkdirSync(join(dir, `level${level}`));
    for (let level = 0; level < 11; level++)
      for (let i = 0; i < 10; i++) symlinkSync(`../level${level + 1}`, join(dir, `level${level}`, `l${i}`));
    put('level11/a');
    expect((await failure(openFolder(dir))).code).toBe('SOURCE_TOO_LARGE');
  });

  test('of more files than handles may be open is read in any order', async () => {
    const paths = Array.from({ length: MAX_HANDLES * 3 }, (_, i) => `f${String(i).padStart(3, '0')}`);
    for (const path of paths) put(path);
    const before = openHandles();
    const tree = await openFolder(dir);
    const sources = await Promise.all(paths.map((path) => tree.open(path)));
    for (let round = 0; round < 2; round++) {
      const read = await Promise.all(sources.map(async (source) => new TextDecoder().decode(await source.read(0, source.size))));
      expect(read).toEqual(paths);
      expect(openHandles() - before).toBeLessThanOrEqual(MAX_HANDLES);
    }
    await tree.close();
    await tree.close();
    expect(openHandles()).toBe(before);
    expect((await failure(sources[0]!.read(0, 1))).code).toBe('SOURCE_UNREADABLE');
  });

  test('stops listing and reading when the caller gives up', async () => {
    put('a');
    const gaveUp = new AbortController();
    const tree = await openFolder(dir, { signal: gaveUp.signal });
    const source = await tree.open('a');
    gaveUp.abort(new Error('enough'));
    await expect(source.read(0, 1)).rejects.toThrow('enough');
    await expect(openFolder(dir, { signal: gaveUp.signal })).rejects.toThrow('enough');
    await tree.close();
  });
});

describe('a locator', () => {
  test('that looks like a hub name but is no path gets a hint', async () => {
    expect(await failure(openTree('owner/name'))).toMatchObject({ code: 'SOURCE_NOT_FOUND', hint: 'did you mean hf:owner/name?' });
    expect((await failure(openTree('/no/such/place'))).code).toBe('SOURCE_NOT_FOUND');
  });
  test('of no known kind is refused', async () => {
    for (const locator of ['', 'ftp://host/x', 's3://bucket/x', 'a\0b', 'https://', 'https://user:secret@host/x', 'hf:', 'hf:a/b/c'])
      expect([locator, (await failure(openTree(locator))).code]).toEqual([locator, 'SOURCE_LOCATOR']);
  });
  test('that exists on disk is a path, whatever it looks like', async () => {
    mkdirSync(join(dir, 'hf:owner'));
    put('hf:owner/name/a');
    const here = process.cwd();
    process.chdir(dir);
    try {
      expect((await openTree('hf:owner/name')).files).toEqual([{ path: 'a', size: 'hf:owner/name/a'.length }]);
    } finally {
      process.chdir(here);
    }
  });
});

test('both hashers give the same digest', () => {
  fc.assert(
    fc.property(fc.array(fc.uint8Array({ maxLength: 300 }), { maxLength: 5 }), (pieces) => {
      const [fast, portable] = [nodeHasher(), portableHasher()];
      for (const piece of pieces) {
        fast.update(piece);
        portable.update(piece);
      }
      expect(fast.digest()).toEqual(portable.digest());
    }),
    { numRuns: 50 },
  );
});

/** The superuser may read everything; permissions are tried as somebody who may not. */
async function asNobody(task: () => Promise<void>): Promise<void> {
  const user = process.geteuid!();
  if (user !== 0) return task();
  process.seteuid!(65534);
  try {
    await task();
  } finally {
    process.seteuid!(0);
  }
}
