import { readdirSync } from 'node:fs';
import { tmpdir } from 'node:os';
import fc from 'fast-check';
import { afterEach, describe, expect, test, vi } from 'vitest';
import { type ByteSource, type FileTree, type Progress, SourceError } from '../base/index.ts';
import { openTree, openUrl, type OpenOptions } from './index.ts';
import { type Content, type FakeHub, startFakeHub } from './testing/fake-hub.ts';
import { failure, patient, pattern, spillSizes } from './testing/fixtures.ts';

const MIB = 1 << 20;
const BIG = pattern(3 * MIB);
const URL_PATH = 'o/n';

let hub: FakeHub;
const trees: FileTree[] = [];
afterEach(async () => {
  await Promise.all(trees.splice(0).map((tree) => tree.close()));
  await hub.close();
  vi.unstubAllGlobals();
});

async function serve(content: Content = BIG): Promise<void> {
  hub = await startFakeHub({ [URL_PATH]: { 'model.bin': content } });
}
async function opened(options: OpenOptions = patient()): Promise<ByteSource> {
  const tree = await openUrl(hub.fileUrl(URL_PATH, 'model.bin'), options);
  trees.push(tree);
  return tree.open('model.bin');
}
const same = (got: Uint8Array, start: number, end: number): boolean => Buffer.compare(got, BIG.subarray(start, end)) === 0;
const ranges = (): (string | undefined)[] => hub.asked.map((asked) => asked.range);

describe('a file at an address', () => {
  test('tells its size and name, and any range of it can be read', async () => {
    await serve();
    const tree = await openTree(`${hub.fileUrl(URL_PATH, 'model.bin')}?download=true#x`, patient());
    trees.push(tree);
    expect(tree).toMatchObject({ kind: 'url', name: 'model.bin', files: [{ path: 'model.bin', size: BIG.length }] });
    const source = await tree.open('model.bin');
    await fc.assert(
      fc.asyncProperty(fc.array(fc.tuple(fc.nat(BIG.length), fc.nat(300_000)), { minLength: 1, maxLength: 6 }), async (reads) => {
        const right = await Promise.all(
          reads.map(async ([start, length]) =>
            same(await source.read(start, Math.min(length, BIG.length - start)), start, Math.min(start + length, BIG.length)),
          ),
        );
        expect(right).not.toContain(false);
      }),
      { numRuns: 40 },
    );
    expect((await failure(tree.open('other'))).code).toBe('SOURCE_NOT_FOUND');
    expect((await failure(source.read(BIG.length, 1))).code).toBe('SOURCE_OUT_OF_RANGE');
  });

  test('is read by ranges only, and the count of bytes and requests is true', async () => {
    await serve();
    const source = await opened();
    expect(source.stats).toEqual({ bytes: 65536, requests: 2 });
    await source.read(0, 8);
    await source.read(65000, 536);
    await source.read(2 * MIB, 1000);
    // The redirect is followed once; its target is asked directly from then on.
    expect(source.stats).toEqual({ bytes: 65536 + 1000, requests: 3 });
    expect(hub.asked.map((asked) => asked.server)).toEqual(['hub', 'cdn', 'cdn']);
    expect(ranges()).toEqual(['bytes=0-65535', 'bytes=0-65535', `bytes=${2 * MIB}-${2 * MIB + 999}`]);
  });

  test('is named by the end of the address, if that is a name', async () => {
    await serve();
    for (const [path, name] of [
      ['a%20b.gguf', 'a b.gguf'],
      ['a%2Fb', 'a%2Fb'],
      ['%FF', '%FF'],
      ['', '127.0.0.1'],
      ['a%00', 'a%00'],
      ['a/b/c.bin', 'c.bin'],
    ] as const) {
      hub.routes.set(`/${path}`, (_, response) => response.end('x'));
      const tree = await openUrl(`${hub.endpoint}/${path}`, patient());
      trees.push(tree);
      expect(tree.name).toBe(name);
    }
    expect((await failure(openUrl(`${hub.endpoint}/owner/name/tree/%FF`, patient({ HF_ENDPOINT: hub.endpoint })))).code).toBe(
      'SOURCE_LOCATOR',
    );
  });

  test('shorter than the first request, or empty, is read whole', async () => {
    await serve(pattern(100));
    expect((await opened()).size).toBe(100);
    await hub.close();
    await serve(new Uint8Array(0));
    const empty = await opened();
    expect([empty.size, await empty.read(0, 0)]).toEqual([0, new Uint8Array(0)]);
  });

  test('of a terabyte costs as little as a small one', async () => {
    await serve({ size: 1e12, range: (start, end) => new Uint8Array(end - start).fill(start % 251) });
    const source = await opened();
    expect(source.size).toBe(1e12);
    expect(await source.read(5e11, 3)).toEqual(new Uint8Array(3).fill(5e11 % 251));
    expect(source.stats.bytes).toBe(65536 + 3);
    expect((await failure(source.read(0, 2e9))).code).toBe('SOURCE_TOO_LARGE');
  });

  test('asked for near ranges at once answers them with one request, far ones with several', async () => {
    await serve();
    const source = await opened();
    hub.asked.length = 0;
    const near = [100_000, 100_500, 101_000, 160_000, 100_200].map((at) => source.read(at, 600).then((bytes) => same(bytes, at, at + 600)));
    const far = source.read(2 * MIB, 10).then((bytes) => same(bytes, 2 * MIB, 2 * MIB + 10));
    expect(await Promise.all([...near, far])).not.toContain(false);
    expect(ranges().toSorted((a, b) => (a! < b! ? -1 : 1))).toEqual(['bytes=100000-160599', `bytes=${2 * MIB}-${2 * MIB + 9}`]);
  });

  test('gives every caller an array of its own', async () => {
    await serve();
    const source = await opened();
    const [a, b] = await Promise.all([source.read(100_000, 100), source.read(100_000, 100)]);
    const head = await source.read(0, 100);
    for (const bytes of [a, b, head]) {
      expect(bytes.buffer.byteLength).toBe(100);
      bytes.fill(0);
    }
    expect(same(await source.read(0, 100), 0, 100)).toBe(true);
  });

  test('larger than one request is read in parts, at most as many at once as allowed', async () => {
    const size = 80 * MIB;
    await serve({ size, range: (start, end) => new Uint8Array(end - start).fill(Math.floor(start / MIB)) });
    const source = await opened({ ...patient(), maxParallel: 2 });
    const bytes = await source.read(MIB, 70 * MIB);
    for (const part of [0, 1, 2, 3, 4]) expect(bytes[part * 16 * MIB]).toBe(1 + part * 16);
    expect(source.stats.requests).toBe(2 + 5);
    expect(hub.load.most).toBe(2);
  });
});

describe('a server that misbehaves', () => {
  test('by ignoring ranges: a small file is downloaded once and kept', async () => {
    await serve();
    hub.faults.ignoreRanges = true;
    const source = await opened();
    expect(await Promise.all([0, 1, 2].map(async (at) => same(await source.read(at * MIB, 100), at * MIB, at * MIB + 100)))).toEqual([
      true,
      true,
      true,
    ]);
    expect(source.stats).toEqual({ bytes: BIG.length, requests: 2 });
  });

  test('by ignoring ranges of a large file is refused before the download', async () => {
    await serve({ size: 65 * MIB, range: (start, end) => new Uint8Array(end - start) });
    hub.faults.ignoreRanges = true;
    const error = await failure(opened());
    expect(error).toMatchObject({ code: 'SOURCE_NO_RANGES', hint: 'download it first, or allow downloading it whole' });
  });

  test('by ignoring ranges of a large file: it is downloaded to disk when that is allowed, and nothing stays behind', async () => {
    const size = 65 * MIB;
    await serve({ size, range: (start, end) => new Uint8Array(end - start).map((_, i) => (start + i) >> 20) });
    hub.faults.ignoreRanges = true;
    const left = (): number =>
      readdirSync(tmpdir()).filter((name) => name.startsWith('heirloom-') && !name.startsWith('heirloom-test-')).length;
    const before = left();
    hub.faults.cut = 1;
    const ticks: Progress[] = [];
    const source = await opened({ ...patient(), allowWholeDownload: true, onProgress: (tick) => void ticks.push(tick) });
    expect(ticks.at(-1)).toEqual({ what: 'downloading model.bin', done: size, total: size });
    expect(source.size).toBe(size);
    expect(await source.read(64 * MIB - 1, 2)).toEqual(new Uint8Array([63, 64]));
    // Begun twice, kept once.
    expect(source.stats.requests).toBe(3);
    expect(spillSizes()).toEqual([size]);
    expect(left()).toBe(before);
  });

  test('by ignoring ranges without telling the length: read to the end if small', async () => {
    await serve();
    Object.assign(hub.faults, { ignoreRanges: true, hideLength: true });
    const source = await opened();
    expect(source.size).toBe(BIG.length);
    expect(same(await source.read(MIB, 5), MIB, MIB + 5)).toBe(true);
  });

  test('by sending a body without end is cut off at what was asked for', async () => {
    await serve();
    hub.faults.endless = true;
    expect((await failure(opened())).code).toBe('SOURCE_HTTP');
    Object.assign(hub.faults, { ignoreRanges: true, hideLength: true });
    expect((await failure(opened())).code).toBe('SOURCE_NO_RANGES');
  });

  test.each(['wrongRange', 'noRange', 'compressed'] as const)('by %s is refused, not believed', async (fault) => {
    await serve();
    hub.faults[fault] = true;
    expect((await failure(opened())).code).toBe('SOURCE_HTTP');
  });

  test.each([
    [404, 'SOURCE_NOT_FOUND'],
    [401, 'SOURCE_DENIED'],
    [418, 'SOURCE_HTTP'],
    [204, 'SOURCE_HTTP'],
  ])('with status %d is told as %s, without another try', async (code, expected) => {
    await serve();
    hub.faults.cdn = false;
    hub.faults.status = { n: 9, code };
    expect((await failure(opened())).code).toBe(expected);
    expect(hub.asked.length).toBe(1);
  });

  test('never has its signed query repeated in an error', async () => {
    await serve();
    hub.faults.status = { n: 9, code: 404 };
    const error = await failure(openUrl(`${hub.fileUrl(URL_PATH, 'model.bin')}?token=SECRET`, patient()));
    expect(JSON.stringify(error)).not.toMatch(/SECRET|signature/);
  });
});

test('a server may send any status and headers: the answer is bytes or an error of ours', async () => {
  await serve();
  let reply: { status: number; headers: Record<string, string>; body: string };
  hub.routes.set('/any', (_, response) => {
    response.writeHead(reply.status, reply.headers);
    response.end(reply.body);
  });
  const word = fc.oneof(
    fc.stringMatching(/^[ -~]{0,30}$/),
    fc.constantFrom(
      'bytes 0-9/10',
      'bytes 0-9/*',
      'bytes 0-99999999999999999999/5',
      'bytes 9-0/10',
      'bytes */10',
      '"x"',
      'W/"x"',
      '10',
      '-1',
      '1e9',
      'gzip',
    ),
  );
  const names = fc.constantFrom('content-range', 'etag', 'last-modified', 'retry-after', 'content-encoding', 'location', 'date', 'x-other');
  await fc.assert(
    fc.asyncProperty(
      fc.constantFrom(200, 201, 204, 206, 206, 206, 302, 304, 400, 404, 416, 416, 429, 500),
      fc.dictionary(names, word),
      fc.constantFrom('', '0123456789', 'x'.repeat(100_000)),
      async (status, headers, body) => {
        reply = { status, headers, body };
        const result = await openUrl(`${hub.endpoint}/any`, patient()).catch((error: unknown) => error);
        expect(result instanceof SourceError || (result as FileTree).files[0]!.size >= 0).toBe(true);
        if (!(result instanceof SourceError)) await (result as FileTree).close();
      },
    ),
    { numRuns: 150 },
  );
});

describe('a failure that passes', () => {
  test.each([408, 429, 500, 502, 503, 504])('status %d is tried again', async (code) => {
    await serve();
    const options = patient();
    const source = await opened(options);
    hub.faults.status = { n: 2, code };
    expect(same(await source.read(MIB, 100), MIB, MIB + 100)).toBe(true);
    expect(options.waits).toEqual([375, 750]);
    expect(source.stats.requests).toBe(2 + 3);
  });

  test('is not tried for ever', async () => {
    await serve();
    const options = patient();
    const source = await opened(options);
    hub.faults.status = { n: 99, code: 503 };
    expect((await failure(source.read(MIB, 100))).code).toBe('SOURCE_HTTP');
    expect(options.waits).toEqual([375, 750, 1500, 3000]);
  });

  test('waits as long as Retry-After says, in seconds or until a date, but never over a minute', async () => {
    await serve();
    const date = 'Sun, 06 Nov 1994 08:49:37 GMT';
    for (const [headers, wait] of [
      [{ 'retry-after': '7' }, 7037.5],
      [{ 'retry-after': 'Sun, 06 Nov 1994 08:49:47 GMT', date }, 10037.5],
      [{ 'retry-after': 'Sun, 06 Nov 1994 08:49:00 GMT', date }, 37.5],
      [{ 'retry-after': '999999' }, 60000],
      [{ 'retry-after': 'soon' }, 375],
      [{ 'retry-after': '-5' }, 375],
    ] as const) {
      const options = patient();
      hub.faults.status = { n: 1, code: 429, headers };
      await opened(options);
      expect([headers['retry-after'], ...options.waits]).toEqual([headers['retry-after'], wait]);
    }
  });

  test('a connection reset, a body cut in the middle, a body that ends early: the range is asked for again', async () => {
    await serve();
    const source = await opened();
    for (const fault of ['resets', 'cut', 'short'] as const) {
      hub.faults[fault] = 2;
      expect(same(await source.read(MIB, 100_000), MIB, MIB + 100_000)).toBe(true);
      expect(hub.faults[fault]).toBe(0);
    }
  });

  test('a body that is always cut off is an error, as is one that ends early', async () => {
    await serve();
    const source = await opened();
    for (const fault of ['cut', 'short'] as const) {
      hub.faults[fault] = 99;
      expect((await failure(source.read(MIB, 100_000))).code).toBe('SOURCE_TRUNCATED');
      hub.faults[fault] = 0;
    }
    expect(same(await source.read(MIB, 100), MIB, MIB + 100)).toBe(true);
  });

  test('a download of the whole file that breaks off is begun again', async () => {
    await serve();
    Object.assign(hub.faults, { ignoreRanges: true, cut: 1 });
    const source = await opened();
    expect(same(await source.read(0, BIG.length), 0, BIG.length)).toBe(true);
  });

  test('a server that never answers, or only drop by drop, is given up after the time allowed', async () => {
    await serve();
    const options = { ...patient(), timeoutMs: 60 };
    const source = await opened({ ...options, timeoutMs: 2000 });
    hub.faults.silent = 1;
    const quick = await opened(options);
    expect(options.waits.length).toBe(1);
    hub.faults.slowMs = 20;
    const error = await failure(quick.read(MIB, 100_000));
    expect(error.message).toContain('next to nothing');
    hub.faults.slowMs = 0;
    expect(same(await source.read(MIB, 10), MIB, MIB + 10)).toBe(true);
  });

  test('every byte and request of it is counted', async () => {
    await serve();
    const source = await opened();
    hub.faults.short = 1;
    hub.faults.status = { n: 1, code: 500 };
    await source.read(MIB, 100_000);
    expect(source.stats.requests).toBe(hub.asked.length);
    // The redirect's body is sent but nobody reads it.
    expect(source.stats.bytes).toBe(65536 + 50_000 + 100_000);
  });
});

describe('a file that changes on the server while it is read', () => {
  test.each(['strong', 'weak', 'none'] as const)('in size and content is noticed (%s entity tags)', async (etags) => {
    await serve();
    hub.faults.etags = etags;
    const source = await opened();
    hub.repos[URL_PATH]!['model.bin'] = pattern(2 * MIB + 5, 2);
    expect((await failure(source.read(MIB, 100))).code).toBe('SOURCE_CHANGED');
    expect((await failure(source.read(2 * MIB + 100, 100))).code).toBe('SOURCE_CHANGED');
  });

  test.each(['strong', 'weak'] as const)('in content alone is noticed by its %s entity tag, even if If-Range is ignored', async (etags) => {
    await serve();
    for (const ignoreIfRange of [false, true]) {
      Object.assign(hub.faults, { etags, ignoreIfRange });
      hub.repos[URL_PATH]!['model.bin'] = BIG;
      const source = await opened();
      hub.repos[URL_PATH]!['model.bin'] = pattern(BIG.length, 2);
      expect((await failure(source.read(MIB, 100))).code).toBe('SOURCE_CHANGED');
    }
  });

  test('between two tries of one range gives no mixed bytes', async () => {
    await serve();
    const source = await opened({
      ...patient(),
      sleep: async () => void (hub.repos[URL_PATH]!['model.bin'] = pattern(BIG.length, 2)),
    });
    hub.faults.cut = 1;
    expect((await failure(source.read(MIB, 100_000))).code).toBe('SOURCE_CHANGED');
  });

  test('sends the strong tag as If-Range, the date where there is none, and never a weak tag', async () => {
    await serve();
    for (const [etags, sent] of [
      ['strong', /^"[0-9a-f]{32}"$/],
      ['none', /^Sun, 06 Nov 1994/],
      ['weak', /^undefined$/],
    ] as const) {
      hub.faults.etags = etags;
      await (await opened()).read(MIB, 1);
      expect(String(hub.asked.at(-1)!.ifRange)).toMatch(sent);
    }
  });

  test('but is read on when only its address has expired', async () => {
    await serve();
    hub.faults.signedUses = 2;
    const source = await opened();
    for (let at = 1; at < 6; at++) expect(same(await source.read(at * 300_000, 100), at * 300_000, at * 300_000 + 100)).toBe(true);
    expect(hub.asked.filter((asked) => asked.server === 'hub').length).toBe(3);
    hub.faults.signedUses = 0;
    expect((await failure(source.read(MIB, 1))).code).toBe('SOURCE_DENIED');
  });
});

describe('a redirect', () => {
  const redirect = (to: string): void => void hub.routes.set('/start', (_, response) => response.writeHead(302, { location: to }).end());
  const open = (): Promise<unknown> => openUrl(`${hub.endpoint}/start`, patient());

  test('that goes round in circles, nowhere, to a file, or to a password is refused', async () => {
    await serve();
    for (const to of ['/start', 'http://', 'file:///etc/passwd', 'ftp://host/x', 'http://user:secret@127.0.0.1/x']) {
      redirect(to);
      expect([to, (await failure(open())).code]).toEqual([to, 'SOURCE_HTTP']);
    }
    hub.routes.set('/start', (_, response) => response.writeHead(302).end());
    expect((await failure(open())).code).toBe('SOURCE_HTTP');
  });

  test('from https to http is refused', async () => {
    await serve();
    const asked: string[] = [];
    vi.stubGlobal('fetch', async (url: URL) => {
      asked.push(url.href);
      return new Response(null, { status: 302, headers: { location: 'http://example.org/model' } });
    });
    const error = await failure(openUrl('https://example.org/model', patient()));
    expect(error.message).toContain('unencrypted');
    expect(asked).toEqual(['https://example.org/model']);
  });

  test('does not carry the hub token to another host', async () => {
    await serve();
    const source = await opened(patient({ HF_ENDPOINT: hub.endpoint, HF_TOKEN: 'hf_secret' }));
    await source.read(MIB, 10);
    expect(hub.asked.map((asked) => [asked.server, asked.authorization])).toEqual([
      ['hub', 'Bearer hf_secret'],
      ['cdn', undefined],
      ['cdn', undefined],
    ]);
  });

  test('from another host does not carry the hub token either', async () => {
    await serve();
    await opened(patient({ HF_ENDPOINT: 'https://hub.example', HF_TOKEN: 'hf_secret' }));
    expect(hub.asked.map((asked) => asked.authorization)).toEqual([undefined, undefined]);
  });
});

describe('giving up', () => {
  test('ends a request under way with the reason given', async () => {
    await serve();
    const gaveUp = new AbortController();
    const source = await opened({ ...patient(), signal: gaveUp.signal });
    hub.faults.silent = 9;
    const reading = source.read(MIB, 10);
    setTimeout(() => gaveUp.abort(new Error('enough')), 30);
    await expect(reading).rejects.toThrow('enough');
    await expect(source.read(0, 10)).rejects.toThrow('enough');
  });

  test('ends the wait before another try', async () => {
    await serve();
    const gaveUp = new AbortController();
    hub.faults.status = { n: 9, code: 429, headers: { 'retry-after': '60' } };
    setTimeout(() => gaveUp.abort(new Error('enough')), 30);
    await expect(opened({ env: patient().env!, signal: gaveUp.signal })).rejects.toThrow('enough');
  });

  test('by closing the tree ends what is under way, and later reads', async () => {
    await serve();
    const source = await opened();
    hub.faults.silent = 9;
    const reading = failure(source.read(MIB, 10));
    await new Promise((resume) => setTimeout(resume, 30));
    await trees[0]!.close();
    expect((await reading).code).toBe('SOURCE_UNREADABLE');
    expect((await failure(source.read(MIB, 10))).code).toBe('SOURCE_UNREADABLE');
    await trees[0]!.close();
  });

  test('by many readers at once makes Node complain of no leak', async () => {
    await serve();
    const warned = vi.fn<(warning: Error) => void>();
    process.on('warning', warned);
    const source = await opened({ ...patient(), maxParallel: 30, signal: new AbortController().signal });
    hub.faults.status = { n: 4, code: 500 };
    await Promise.all(Array.from({ length: 30 }, (_, i) => source.read(100_000 * i + 66_000, 1)));
    await new Promise((resume) => setTimeout(resume, 10));
    process.off('warning', warned);
    expect(warned.mock.calls).toEqual([]);
  });

  test('a host that is not there is an error at once', async () => {
    await serve();
    const options = patient();
    const address = hub.fileUrl(URL_PATH, 'model.bin');
    await hub.close();
    expect((await failure(openUrl(address, options))).code).toBe('SOURCE_HTTP');
    expect(options.waits).toEqual([]);
  });
});
