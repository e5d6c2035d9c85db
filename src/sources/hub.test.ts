import { createHash } from 'node:crypto';
import { mkdirSync, mkdtempSync, readdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { type FileTree, SourceError } from '../base/index.ts';
import { type HubLocator, parseHubLocator } from './hub-locator.ts';
import { hubSettings } from './hub-settings.ts';
import { openHub, openTree, type OpenOptions } from './index.ts';
import { type FakeHub, type FakeHubOptions, startFakeHub } from './testing/fake-hub.ts';
import { failure, patient, pattern, spillSizes } from './testing/fixtures.ts';

const WEIGHTS = pattern(200_000);
const FILES = {
  'model.safetensors': WEIGHTS,
  'config.json': new TextEncoder().encode('{}'),
  'README.md': new TextEncoder().encode('# a model'),
  'gguf/model.Q4.gguf': pattern(5000, 3),
  'gguf/model.Q8.gguf': pattern(6000, 4),
  'gguf-notes/with space & 50%.txt': new TextEncoder().encode('notes'),
};

let hub: FakeHub;
let dir: string;
const trees: FileTree[] = [];
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'heirloom-test-'));
});
afterEach(async () => {
  await Promise.all(trees.splice(0).map((tree) => tree.close()));
  await hub.close();
  rmSync(dir, { recursive: true, force: true });
});

async function start(options: FakeHubOptions = {}): Promise<void> {
  hub = await startFakeHub({ 'owner/name': { ...FILES }, gpt2: { 'config.json': FILES['config.json'] } }, options);
}
function settings(env: Record<string, string> = {}): OpenOptions {
  return patient({ HF_ENDPOINT: hub.endpoint, HF_HOME: dir, ...env });
}
async function opened(locator: string, options: OpenOptions = settings()): Promise<FileTree> {
  const tree = await openTree(locator, options);
  trees.push(tree);
  return tree;
}
async function text(tree: FileTree, path: string): Promise<string> {
  const source = await tree.open(path);
  return new TextDecoder().decode(await source.read(0, source.size));
}
/** What a locator means, or a harmless one when it is refused as it should be. */
function orGpt2(locator: string): HubLocator {
  try {
    return parseHubLocator(locator);
  } catch (error) {
    if (error instanceof SourceError) return parseHubLocator('hf:gpt2');
    throw error;
  }
}
/** A snapshot as the hub's tools leave it: links to blobs. */
function cache(id: string, commit: string, files: Record<string, Uint8Array | string>, root = join(dir, 'hub')): void {
  const entry = join(root, `models--${id.replaceAll('/', '--')}`);
  mkdirSync(join(entry, 'blobs'), { recursive: true });
  mkdirSync(join(entry, 'refs'), { recursive: true });
  writeFileSync(join(entry, 'refs/main'), commit);
  for (const [path, content] of Object.entries(files)) {
    const blob = createHash('sha256').update(content).digest('hex');
    writeFileSync(join(entry, 'blobs', blob), content);
    const full = join(entry, 'snapshots', commit, path);
    mkdirSync(join(full, '..'), { recursive: true });
    symlinkSync(join(entry, 'blobs', blob), full);
  }
}

describe('a hub repository', () => {
  test('is pinned to a commit, listed in order with the digests the hub publishes, and read', async () => {
    await start();
    const tree = await opened('hf:owner/name');
    expect(tree).toMatchObject({
      locator: 'hf:owner/name',
      name: 'owner/name',
      kind: 'hub',
      revision: hub.commit('owner/name'),
      findings: [],
    });
    expect(tree.files.map((file) => file.path)).toEqual(Object.keys(FILES).sort());
    expect(tree.files.find((file) => file.path === 'model.safetensors')).toEqual({
      path: 'model.safetensors',
      size: WEIGHTS.length,
      sha256: createHash('sha256').update(WEIGHTS).digest('hex'),
    });
    expect(tree.files.find((file) => file.path === 'config.json')!.sha256).toBeUndefined();
    expect(await text(tree, 'gguf-notes/with space & 50%.txt')).toBe('notes');
    const source = await tree.open('model.safetensors');
    expect(Buffer.compare(await source.read(150_000, 1000), WEIGHTS.subarray(150_000, 151_000))).toBe(0);
    expect(hub.asked[0]!.path).toBe('/api/models/owner/name/revision/main');
    expect(hub.asked.slice(2).every((asked) => asked.server === 'cdn' || asked.path.includes(`/resolve/${tree.revision}/`))).toBe(true);
    expect(tree.stats.requests).toBe(hub.asked.length);
    expect((await failure(tree.open('nothing'))).code).toBe('SOURCE_NOT_FOUND');
  });

  test('without an owner is opened by its name alone', async () => {
    await start();
    expect((await opened('hf:gpt2')).files.map((file) => file.path)).toEqual(['config.json']);
  });

  test('served by the hub itself, without redirect or ranges, is read as well', async () => {
    await start();
    Object.assign(hub.faults, { cdn: false, ignoreRanges: true });
    const tree = await opened('hf:owner/name');
    expect(await text(tree, 'README.md')).toBe('# a model');
    const source = await tree.open('model.safetensors');
    const before = tree.stats.bytes;
    const parts = await Promise.all([0, 70_000, 140_000].map((at) => source.read(at, 60_000)));
    expect(parts.map((part, i) => Buffer.compare(part, WEIGHTS.subarray(i * 70_000, i * 70_000 + 60_000)))).toEqual([0, 0, 0]);
    // Asked for twice at once (the first 64 KiB, and the rest), downloaded once.
    await Promise.all([source.read(0, 8), source.read(190_000, 8)]);
    expect(tree.stats.bytes - before).toBe(WEIGHTS.length);
  });

  test('listed on many pages is read to the last', async () => {
    await start({ pageSize: 2 });
    expect((await opened('hf:owner/name')).files.length).toBe(6);
    expect(hub.asked.filter((asked) => asked.path.includes('/tree/')).length).toBe(3);
  });

  test('of large files on a server without ranges is kept partly in memory, partly on disk, each file in its place', async () => {
    const size = { a: 60 << 20, b: 3 << 20, c: 3 << 20, d: 2 << 20 };
    hub = await startFakeHub({
      'o/n': Object.fromEntries(Object.entries(size).map(([name, bytes]) => [name, new Uint8Array(bytes).fill(name.charCodeAt(0))])),
    });
    hub.faults.ignoreRanges = true;
    const tree = await opened('hf:o/n');
    const sources = await Promise.all(['a', 'b', 'c', 'd'].map((name) => tree.open(name)));
    for (let round = 0; round < 2; round++)
      for (const source of sources) expect([...(await source.read(source.size - 2, 2))]).toEqual(Array(2).fill(source.name.charCodeAt(0)));
    expect(spillSizes()).toEqual([5 << 20]);
    await tree.close();
    expect(spillSizes()).toEqual([]);
    expect((await failure(sources[0]!.read(0, 1))).code).toBe('SOURCE_UNREADABLE');
  });

  test('can be narrowed to a folder or to one file, with paths as if that had been opened', async () => {
    await start();
    const folder = await opened('hf:owner/name@main:gguf');
    expect(folder.files.map((file) => file.path)).toEqual(['model.Q4.gguf', 'model.Q8.gguf']);
    const source = await folder.open('model.Q8.gguf');
    expect([source.name, source.size]).toEqual(['model.Q8.gguf', 6000]);
    expect(Buffer.compare(await source.read(5000, 1000), FILES['gguf/model.Q8.gguf'].subarray(5000))).toBe(0);
    const file = await opened('hf:owner/name:gguf/model.Q4.gguf');
    expect(file.files.map((entry) => entry.path)).toEqual(['model.Q4.gguf']);
    expect((await failure(file.open('gguf/model.Q4.gguf'))).code).toBe('SOURCE_NOT_FOUND');
    expect((await failure(openTree('hf:owner/name:gg', settings()))).code).toBe('SOURCE_NOT_FOUND');
  });

  test('asks for the revision it was given, slashes and all', async () => {
    await start();
    await opened('hf:owner/name@refs/pr/1');
    expect(hub.asked[0]!.path).toBe('/api/models/owner/name/revision/refs%2Fpr%2F1');
    expect(await failure(openTree('hf:owner/name@missing', settings()))).toMatchObject({
      code: 'SOURCE_NOT_FOUND',
      message: 'owner/name has no revision "missing"',
    });
  });

  test('shown in a browser has an address that is no file; the hint says what to write', async () => {
    await start();
    for (const [page, meant] of [
      ['owner/name', 'hf:owner/name'],
      ['owner/name/', 'hf:owner/name'],
      ['gpt2', 'hf:gpt2'],
      ['owner/name/tree/v1', 'hf:owner/name@v1'],
      ['owner/name/blob/main/gguf/model.Q4.gguf', 'hf:owner/name@main:gguf/model.Q4.gguf'],
    ])
      expect(await failure(openTree(`${hub.endpoint}/${page}`, settings()))).toMatchObject({
        code: 'SOURCE_LOCATOR',
        hint: `did you mean ${meant}?`,
      });
    const file = await opened(`${hub.endpoint}/owner/name/resolve/main/config.json`);
    expect(await text(file, 'config.json')).toBe('{}');
  });

  test('whose file is not as long as listed is refused', async () => {
    await start();
    const tree = await opened('hf:owner/name');
    hub.repos['owner/name']!['model.safetensors'] = pattern(199_999);
    expect((await failure((await tree.open('model.safetensors')).read(0, 8))).code).toBe('SOURCE_CHANGED');
  });

  test('is tried again when the hub is busy', async () => {
    await start();
    const options = settings() as ReturnType<typeof patient>;
    const tree = await opened('hf:owner/name', options);
    hub.faults.status = { n: 1, code: 429, headers: { 'retry-after': '3' } };
    expect(await text(tree, 'config.json')).toBe('{}');
    expect(options.waits).toEqual([3037.5]);
  });
});

describe('access', () => {
  test('to an unknown name and to a private repository look alike, and the error says so', async () => {
    await start();
    const unknown = await failure(openTree('hf:owner/typo', settings()));
    expect(unknown).toMatchObject({
      code: 'SOURCE_DENIED',
      message: 'owner/typo does not exist, or it is private or gated; the hub does not say which',
    });
    expect(unknown.hint).toContain('HF_TOKEN');
    hub.faults.access = 'private';
    expect((await failure(openTree('hf:owner/name', settings()))).code).toBe('SOURCE_DENIED');
  });

  test('to a gated repository lists it, and names the terms and the token when a file is read', async () => {
    await start({ token: 'hf_right' });
    hub.faults.access = 'gated';
    const tree = await opened('hf:owner/name');
    const error = await failure((await tree.open('config.json')).read(0, 2));
    expect(error.code).toBe('SOURCE_DENIED');
    expect(error.hint).toContain(`${hub.endpoint}/owner/name`);
    expect(await text(await opened('hf:owner/name', settings({ HF_TOKEN: 'hf_right' })), 'config.json')).toBe('{}');
  });

  test('finds the token where the hub tools keep it, the environment first', async () => {
    await start({ token: 'hf_right' });
    hub.faults.access = 'private';
    writeFileSync(join(dir, 'token'), 'hf_right\n');
    writeFileSync(join(dir, 'other'), 'hf_wrong\n');
    mkdirSync(join(dir, 'xdg/huggingface'), { recursive: true });
    writeFileSync(join(dir, 'xdg/huggingface/token'), 'hf_right');
    const opens = (env: Record<string, string>): Promise<string> =>
      opened('hf:gpt2', settings(env)).then(
        () => 'open',
        (error: SourceError) => error.code,
      );
    expect(await opens({})).toBe('open');
    expect(await opens({ HF_TOKEN: 'hf_wrong' })).toBe('SOURCE_DENIED');
    expect(await opens({ HF_TOKEN: ' ', HUGGING_FACE_HUB_TOKEN: 'hf_right' })).toBe('open');
    expect(await opens({ HF_TOKEN_PATH: join(dir, 'other') })).toBe('SOURCE_DENIED');
    expect(await opens({ HF_HOME: join(dir, 'empty') })).toBe('SOURCE_DENIED');
    expect(await opens({ HF_HOME: '', XDG_CACHE_HOME: join(dir, 'xdg') })).toBe('open');
  });

  test('with a token that would break the header is refused without sending it', async () => {
    await start();
    for (const token of ['hf_a\r\nx: y', 'hf a', 'hf_é', 'x'.repeat(2000)]) {
      const error = await failure(openTree('hf:gpt2', settings({ HF_TOKEN: token })));
      expect(error.code).toBe('SOURCE_DENIED');
      expect(JSON.stringify(error)).not.toContain('hf_');
    }
    expect(hub.asked).toEqual([]);
  });

  test.each(['not an address', 'ftp://hub', 'https://user@hub', 'https://:secret@hub', 'https://hub?x'])(
    'through HF_ENDPOINT "%s" is refused',
    async (endpoint) => {
      await start();
      expect((await failure(openTree('hf:gpt2', settings({ HF_ENDPOINT: endpoint })))).code).toBe('SOURCE_LOCATOR');
    },
  );

  test('through an empty HF_ENDPOINT goes to the public hub', async () => {
    await start();
    expect((await hubSettings({ HF_ENDPOINT: '', HF_HOME: dir })).endpoint).toBe('https://huggingface.co');
    expect((await hubSettings({ HF_ENDPOINT: 'https://hub.example/mirror//', HF_HOME: dir })).endpoint).toBe('https://hub.example/mirror');
  });
});

describe('the local cache', () => {
  test('is read in place of the net where it holds the same commit, and the rest is fetched', async () => {
    await start();
    cache('owner/name', hub.commit('owner/name'), {
      'config.json': FILES['config.json'],
      'gguf/model.Q4.gguf': FILES['gguf/model.Q4.gguf'],
    });
    const tree = await opened('hf:owner/name');
    const asked = hub.asked.length;
    expect(await text(tree, 'config.json')).toBe('{}');
    expect(tree.files.length).toBe(6);
    expect(hub.asked.length).toBe(asked);
    await text(tree, 'README.md');
    expect(hub.asked.length).toBe(asked + 2);
    const source = await (await opened('hf:owner/name:gguf')).open('model.Q4.gguf');
    expect(source.name).toBe('model.Q4.gguf');
    expect(await source.read(0, 5000)).toEqual(FILES['gguf/model.Q4.gguf']);
  });

  test('is not believed for another commit, or for a file of another size', async () => {
    await start();
    cache('owner/name', 'a'.repeat(40), { 'config.json': 'stale' });
    expect(await text(await opened('hf:owner/name'), 'config.json')).toBe('{}');
    cache('owner/name', hub.commit('owner/name'), { 'config.json': 'half a download' });
    expect(await text(await opened('hf:owner/name'), 'config.json')).toBe('{}');
  });

  test('is found by HF_HUB_CACHE too, and never written to', async () => {
    await start();
    const root = join(dir, 'elsewhere');
    cache('gpt2', hub.commit('gpt2'), { 'config.json': FILES['config.json'] }, root);
    const before = readdirSync(root, { recursive: true });
    const tree = await opened('hf:gpt2', settings({ HF_HUB_CACHE: root }));
    const asked = hub.asked.length;
    await text(tree, 'config.json');
    await text(await opened('hf:owner/name', settings({ HF_HUB_CACHE: root })), 'config.json');
    expect(hub.asked.length).toBeGreaterThan(asked);
    expect(readdirSync(root, { recursive: true })).toEqual(before);
  });

  test('is all there is when HF_HUB_OFFLINE is set', async () => {
    await start();
    const commit = 'b'.repeat(40);
    cache('owner/name', commit, { 'config.json': '{}', 'gguf/x.gguf': 'G' });
    for (const locator of ['hf:owner/name', `hf:owner/name@${commit}`]) {
      const tree = await opened(locator, settings({ HF_HUB_OFFLINE: '1' }));
      expect(tree).toMatchObject({ kind: 'hub', name: 'owner/name', revision: commit, locator });
      expect(await text(tree, 'gguf/x.gguf')).toBe('G');
    }
    expect((await opened('hf:owner/name:gguf', settings({ HF_HUB_OFFLINE: 'true' }))).files).toEqual([{ path: 'x.gguf', size: 1 }]);
    for (const locator of ['hf:gpt2', 'hf:owner/name@dev', `hf:owner/name@${'c'.repeat(40)}`]) {
      const error = await failure(openTree(locator, settings({ HF_HUB_OFFLINE: '1' })));
      expect(error).toMatchObject({ code: 'SOURCE_NOT_FOUND', hint: 'HF_HUB_OFFLINE is set; unset it to ask the hub' });
    }
    expect(hub.asked).toEqual([]);
  });

  test('cannot be used to read outside of itself', async () => {
    await start();
    const commit = hub.commit('gpt2');
    cache('gpt2', commit, {});
    const snapshot = join(dir, 'hub/models--gpt2/snapshots', commit);
    mkdirSync(snapshot, { recursive: true });
    writeFileSync(join(dir, 'secret'), '{}');
    symlinkSync(join(dir, 'secret'), join(snapshot, 'config.json'));
    const tree = await opened('hf:gpt2', settings({ HF_HUB_OFFLINE: '1' }));
    expect(tree.files).toEqual([]);
    expect(tree.findings.map((finding) => finding.rule)).toEqual(['sources/link-outside']);
  });
});

describe('a hostile hub', () => {
  const answer = async (json: unknown): Promise<SourceError | FileTree> => {
    const sha = 'd'.repeat(40);
    hub.routes.set('/api/models/owner/name/revision/main', (_, response) => response.end(JSON.stringify({ sha })));
    hub.routes.set(`/api/models/owner/name/tree/${sha}`, (_, response) =>
      response.end(typeof json === 'string' ? json : JSON.stringify(json)),
    );
    return opened('hf:owner/name').catch((error: unknown) => error as SourceError);
  };

  test('cannot list a path that climbs out, is absolute, or hides another', async () => {
    await start();
    const bad = [
      '../x',
      'a/../../x',
      '/etc/passwd',
      'C:/x',
      'c:x',
      'a\\b',
      'a\0b',
      'a\nb',
      'a//b',
      './a',
      '',
      'a/',
      '\ud800',
      'x'.repeat(5000),
      'd/'.repeat(40) + 'f',
    ];
    const entries = [...bad, 'good', 'good'].map((path) => ({ type: 'file', path, size: 1 }));
    const tree = (await answer(entries)) as FileTree;
    expect(tree.files).toEqual([{ path: 'good', size: 1 }]);
    expect(tree.findings.map((finding) => finding.rule)).toEqual(Array(bad.length + 1).fill('sources/bad-path'));
    for (const path of bad) expect((await failure(tree.open(path))).code).toBe('SOURCE_NOT_FOUND');
  });

  test('cannot crash the listing with answers of another shape', async () => {
    await start();
    const bad: unknown[] = [
      {},
      null,
      'not json',
      '',
      '[',
      5,
      [1],
      [null],
      [[]],
      [{}],
      [{ type: 'file' }],
      [{ path: 'a' }],
      [{ type: 'file', path: 'a' }],
      [{ type: 'file', path: 'a', size: -1 }],
      [{ type: 'file', path: 'a', size: 1.5 }],
      [{ type: 'file', path: 'a', size: 2 ** 60 }],
      [{ type: 'file', path: 'a', size: '1' }],
      [{ type: 'file', path: 'a', size: 1, lfs: { size: null } }],
      '['.repeat(10_000),
    ];
    for (const json of bad) expect([json, await answer(json)]).toMatchObject([json, { name: 'SourceError', code: 'SOURCE_HTTP' }]);
    const tree = (await answer([
      { type: 'file', path: '__proto__', size: 1, lfs: { oid: 'zz', size: 7 } },
      { type: 'link', path: 'odd', size: 1 },
    ])) as FileTree;
    expect(tree.files).toEqual([{ path: '__proto__', size: 7 }]);
    expect(tree.findings.length).toBe(1);
  });

  test('cannot crash the listing with any JSON at all', async () => {
    await start();
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.oneof(fc.record({ type: fc.constant('file'), path: fc.string(), size: fc.nat(), lfs: fc.json() }), fc.object())),
        async (json) => {
          const result = await answer(json);
          expect(result instanceof SourceError || Array.isArray((result as FileTree).files)).toBe(true);
        },
      ),
      { numRuns: 60 },
    );
  });

  test.each(['{}', '{"sha":"main"}', '{"sha":5}', '{"sha":"../../x"}', '[]', 'null', '<html>'])(
    'cannot pin the repository to %s',
    async (body) => {
      await start();
      hub.faults.apiBody = body;
      expect((await failure(openTree('hf:owner/name', settings()))).code).toBe('SOURCE_HTTP');
    },
  );

  test('cannot send the next page to another server, or go on for ever', async () => {
    await start();
    const stranger = await startFakeHub({});
    for (const next of [`${stranger.endpoint}/x`, hub.endpoint.replace('127.0.0.1', 'localhost'), 'https://hub.example/', 'http://']) {
      hub.faults.nextLink = next;
      const error = await failure(openTree('hf:owner/name', settings({ HF_TOKEN: 'hf_secret' })));
      expect([next, error.code, error.where?.field]).toEqual([next, 'SOURCE_HTTP', 'Link']);
    }
    expect(stranger.asked).toEqual([]);
    await stranger.close();
    hub.faults.nextLink = '?again';
    hub.asked.length = 0;
    expect((await failure(openTree('hf:owner/name', settings()))).code).toBe('SOURCE_HTTP');
    expect(hub.asked.length).toBeLessThanOrEqual(1001);
  });

  test('cannot list more files than memory holds', async () => {
    await start();
    expect(await answer(Array.from({ length: 100_001 }, (_, i) => ({ type: 'file', path: `f${i}`, size: 1 })))).toMatchObject({
      code: 'SOURCE_TOO_LARGE',
    });
    const sha = 'e'.repeat(40);
    hub.routes.set('/api/models/owner/name/revision/main', (_, response) =>
      response.end(`{"sha":"${sha}","pad":"${'x'.repeat(17 << 20)}"}`),
    );
    expect(await failure(openTree('hf:owner/name', settings()))).toMatchObject({ code: 'SOURCE_HTTP' });
  });
});

describe('a hub locator', () => {
  test.each([
    ['hf:owner/name', { id: 'owner/name', revision: 'main', inside: '' }],
    ['hf:gpt2', { id: 'gpt2', revision: 'main', inside: '' }],
    ['hf:o/n@v1.0', { id: 'o/n', revision: 'v1.0', inside: '' }],
    ['hf:o/n@refs/pr/3:a/b.gguf', { id: 'o/n', revision: 'refs/pr/3', inside: 'a/b.gguf' }],
    ['hf:o/n:a/b@c:d/', { id: 'o/n', revision: 'main', inside: 'a/b@c:d' }],
  ])('%s is read as meant', (locator, expected) => {
    expect(parseHubLocator(locator)).toEqual(expected);
  });

  test.each([
    'hf:',
    'hf:/',
    'hf:a/',
    'hf:/a',
    'hf:a/b/c',
    'hf:../a',
    'hf:a/..',
    'hf:a--b/c',
    'hf:a/b.',
    'hf:-a/b',
    'hf:a/b@',
    'hf:a/b@..',
    'hf:a/b@../x',
    'hf:a/b@x/',
    'hf:a/b:../c',
    'hf:a/b:/etc',
    'hf:a b',
    'hf:a/b?x',
    `hf:${'x'.repeat(97)}`,
  ])('%s is refused', (locator) => {
    expect(() => parseHubLocator(locator)).toThrow(SourceError);
  });

  test('never leads out of the hub or its cache, whatever is typed', () => {
    fc.assert(
      fc.property(fc.oneof(fc.string(), fc.stringMatching(/^[a./@:~%\\-]{0,20}$/)), (typed) => {
        const { id, revision, inside } = orGpt2(`hf:${typed}`);
        expect(
          new URL(`https://hub/api/models/${id}/revision/${encodeURIComponent(revision)}`).pathname.startsWith(
            `/api/models/${id}/revision/`,
          ),
        ).toBe(true);
        expect([...id.split('/'), ...revision.split('/'), ...inside.split('/')].includes('..')).toBe(false);
      }),
    );
  });

  test('needs no "hf:" when it is known to be one', async () => {
    await start();
    const tree = await openHub('gpt2', settings());
    trees.push(tree);
    expect(tree.name).toBe('gpt2');
  });
});
