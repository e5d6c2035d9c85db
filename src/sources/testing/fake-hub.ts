/**
 * A hub on this machine, for tests and benchmarks: the API, resolve addresses, and a second server as its CDN,
 * with faults that can be switched on. It speaks the protocol as the public hub did in 2025; it keeps no secrets and no state on disk.
 * @module
 */
import { createHash } from 'node:crypto';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';

/** Bytes in memory, or anything that can give a range of them (a sparse giant, a file on disk). */
export type Content = Uint8Array | { readonly size: number; range(start: number, end: number): Uint8Array };

/** Switch on by assignment; numbers count down with each request for a file's bytes that they spoil. */
export interface Faults {
  /** Answers 200 with the whole file. */
  ignoreRanges: boolean;
  /** With `ignoreRanges`: no Content-Length. */
  hideLength: boolean;
  /** `n` answers of this status, with these headers. */
  status: { n: number; code: number; headers?: Record<string, string> };
  /** `n` connections reset before any answer. */
  resets: number;
  /** `n` bodies cut in the middle: the connection is closed. */
  cut: number;
  /** `n` bodies that end early without a broken connection. */
  short: number;
  /** `n` requests never answered. */
  silent: number;
  /** Content-Range is off by one. */
  wrongRange: boolean;
  /** No Content-Range at all. */
  noRange: boolean;
  /** The body never ends. */
  endless: boolean;
  /** Milliseconds between single bytes of a body; 0 for none. */
  slowMs: number;
  /** Claims a compressed body. */
  compressed: boolean;
  /** `weak`, or none at all. */
  etags: 'strong' | 'weak' | 'none';
  /** Anything else makes every entity tag another one. */
  etagSalt: string;
  /** Does not look at If-Range. */
  ignoreIfRange: boolean;
  /** Uses a signed address allows; then 403. */
  signedUses: number;
  /** Files are redirected to the CDN; else served by the hub itself. */
  cdn: boolean;
  /** Raw text in place of an API answer. */
  apiBody: string | null;
  /** In place of the true next page. */
  nextLink: string | null;
  /** `missing` and `private` look alike from outside. */
  access: 'open' | 'gated' | 'private';
}

export interface Asked {
  readonly server: 'hub' | 'cdn';
  /** With query. */
  readonly path: string;
  readonly range: string | undefined;
  readonly ifRange: string | undefined;
  readonly authorization: string | undefined;
}

export interface FakeHub {
  /** For `HF_ENDPOINT`. */
  readonly endpoint: string;
  readonly repos: Record<string, Record<string, Content>>;
  readonly faults: Faults;
  /** Every request so far. */
  readonly asked: Asked[];
  /** Body bytes written so far, by both servers. */
  readonly sent: { bytes: number };
  /** Requests for file bytes under way now, and at most so far. */
  readonly load: { now: number; most: number };
  /** The commit every revision but `missing` stands for: a pure function of the id. */
  commit(id: string): string;
  fileUrl(id: string, path: string): string;
  /** Answers these paths of the hub in a test's own way. */
  readonly routes: Map<string, (request: IncomingMessage, response: ServerResponse) => void>;
  close(): Promise<void>;
}

export interface FakeHubOptions {
  /** Entries of one page of a listing; default 1,000. */
  readonly pageSize?: number;
  /** A token that opens gated and private repositories. */
  readonly token?: string;
}

const SOUND: Faults = {
  ignoreRanges: false,
  hideLength: false,
  status: { n: 0, code: 500 },
  resets: 0,
  cut: 0,
  short: 0,
  silent: 0,
  wrongRange: false,
  noRange: false,
  endless: false,
  slowMs: 0,
  compressed: false,
  etags: 'strong',
  etagSalt: '',
  ignoreIfRange: false,
  signedUses: Infinity,
  cdn: true,
  apiBody: null,
  nextLink: null,
  access: 'open',
};

/** @param repos id → path → content; may be changed while the hub runs. */
export async function startFakeHub(repos: Record<string, Record<string, Content>>, options: FakeHubOptions = {}): Promise<FakeHub> {
  const sockets = new Set<Socket>();
  const uses = new Map<string, number>();
  let signatures = 0;
  const hubServer = createServer((request, response) => onHub(request, response));
  const cdnServer = createServer((request, response) => onCdn(request, response));
  // Two host names of one machine: to a client that guards its token they are strangers.
  const endpoint = `http://127.0.0.1:${await listen(hubServer, '127.0.0.1', sockets)}`;
  const cdn = `http://localhost:${await listen(cdnServer, 'localhost', sockets)}`;

  const hub: FakeHub = {
    endpoint,
    repos,
    faults: { ...SOUND, status: { ...SOUND.status } },
    asked: [],
    sent: { bytes: 0 },
    load: { now: 0, most: 0 },
    commit: (id) => createHash('sha1').update(id).digest('hex'),
    fileUrl: (id, path) => `${endpoint}/${id}/resolve/${hub.commit(id)}/${path.split('/').map(encodeURIComponent).join('/')}`,
    routes: new Map(),
    async close() {
      const closing = [hubServer, cdnServer].map((server) => new Promise<void>((done) => void server.close(() => done())));
      for (const socket of sockets) socket.destroy();
      await Promise.all(closing);
    },
  };
  return hub;

  function note(server: 'hub' | 'cdn', request: IncomingMessage): void {
    const { range, 'if-range': ifRange, authorization } = request.headers;
    hub.asked.push({ server, path: request.url!, range, ifRange: ifRange as string | undefined, authorization });
  }

  function onHub(request: IncomingMessage, response: ServerResponse): void {
    note('hub', request);
    const url = new URL(request.url!, endpoint);
    const route = hub.routes.get(url.pathname);
    if (route) return route(request, response);
    const api = /^\/api\/models\/(.+?)\/(revision|tree)\/([^/]+)$/.exec(url.pathname);
    const file = /^\/(.+?)\/resolve\/([^/]+)\/(.+)$/.exec(url.pathname);
    const id = api?.[1] ?? file?.[1] ?? '';
    const known = Object.hasOwn(repos, id);
    const mayRead = options.token !== undefined && request.headers.authorization === `Bearer ${options.token}`;
    if ((!known || hub.faults.access === 'private') && !mayRead) return refuse(response, 401, 'RepoNotFound');
    if (!known) return refuse(response, 404, 'RepoNotFound');
    if (api) return onApi(api[2]!, id, decodeURIComponent(api[3]!), url, response);
    if (hub.faults.access === 'gated' && !mayRead) return refuse(response, 401, 'GatedRepo');
    const path = decodeURIComponent(file?.[3] ?? '');
    if (!Object.hasOwn(repos[id]!, path)) return refuse(response, 404, 'EntryNotFound');
    if (!hub.faults.cdn) return serve(repos[id]![path]!, request, response);
    response.writeHead(302, { location: `${cdn}/${id}/${file![3]!}?signature=${++signatures}`, 'x-repo-commit': hub.commit(id) });
    response.end('redirecting');
    hub.sent.bytes += 11;
  }

  function onApi(what: string, id: string, revision: string, url: URL, response: ServerResponse): void {
    if (hub.faults.apiBody !== null) return json(response, hub.faults.apiBody);
    if (revision === 'missing') return refuse(response, 404, 'RevisionNotFound');
    if (what === 'revision') return json(response, JSON.stringify({ id, sha: hub.commit(id), siblings: [] }));
    const entries = Object.entries(repos[id]!).map(([path, content]) => treeEntry(path, content));
    const at = Number(url.searchParams.get('cursor') ?? 0);
    const end = at + (options.pageSize ?? 1000);
    const next = hub.faults.nextLink ?? (end < entries.length ? `${endpoint}${url.pathname}?recursive=true&cursor=${end}` : null);
    json(
      response,
      JSON.stringify([{ type: 'directory', path: 'a folder', oid: '', size: 0 }, ...entries.slice(at, end)]),
      next === null ? {} : { link: `<${next}>; rel="next"` },
    );
  }

  function json(response: ServerResponse, text: string, headers: Record<string, string> = {}): void {
    response.writeHead(200, { 'content-type': 'application/json', ...headers });
    response.end(text);
    hub.sent.bytes += Buffer.byteLength(text);
  }

  function refuse(response: ServerResponse, status: number, code: string): void {
    response.writeHead(status, { 'x-error-code': code });
    response.end();
  }

  function onCdn(request: IncomingMessage, response: ServerResponse): void {
    note('cdn', request);
    const url = new URL(request.url!, cdn);
    const signature = url.searchParams.get('signature') ?? '';
    const used = (uses.get(signature) ?? 0) + 1;
    uses.set(signature, used);
    if (used > hub.faults.signedUses) return refuse(response, 403, 'Expired');
    const match = /^\/([^/]+(?:\/[^/]+)?)\/(.+)$/.exec(url.pathname)!;
    // `owner/name/path` or `name/path`: whichever repository is there.
    const [id, path] = Object.hasOwn(repos, match[1]!)
      ? [match[1]!, match[2]!]
      : [match[1]!.split('/')[0]!, url.pathname.split('/').slice(2).join('/')];
    serve(repos[id]![decodeURIComponent(path)]!, request, response);
  }

  function serve(content: Content, request: IncomingMessage, response: ServerResponse): void {
    hub.load.most = Math.max(hub.load.most, ++hub.load.now);
    response.on('close', () => void hub.load.now--);
    const { faults } = hub;
    if (faults.silent > 0 && faults.silent--) return;
    if (faults.resets > 0 && faults.resets--) return void request.socket.resetAndDestroy();
    if (faults.status.n > 0 && faults.status.n--) {
      response.writeHead(faults.status.code, faults.status.headers);
      return void response.end();
    }
    const size = content instanceof Uint8Array ? content.length : content.size;
    const etag = etagOf(content, faults.etagSalt);
    const tagged = faults.etags === 'none' ? {} : { etag: faults.etags === 'weak' ? `W/${etag}` : etag };
    const headers: Record<string, string> = {
      ...tagged,
      'last-modified': 'Sun, 06 Nov 1994 08:49:37 GMT',
      ...(faults.compressed && { 'content-encoding': 'gzip' }),
    };
    const match = /^bytes=(\d+)-(\d+)$/.exec(request.headers.range ?? '');
    const condition = request.headers['if-range'];
    const fresh =
      condition === undefined || condition === headers['etag'] || condition === headers['last-modified'] || faults.ignoreIfRange;
    if (!match || faults.ignoreRanges || !fresh) return body(content, 0, size, 200, headers, response);
    const start = Number(match[1]);
    const end = Math.min(Number(match[2]) + 1, size);
    if (start >= size) {
      response.writeHead(416, { ...headers, 'content-range': `bytes */${size}` });
      return void response.end();
    }
    const off = faults.wrongRange ? 1 : 0;
    body(
      content,
      start,
      end,
      206,
      { ...headers, ...(!faults.noRange && { 'content-range': `bytes ${start + off}-${end - 1 + off}/${size}` }) },
      response,
    );
  }

  function body(
    content: Content,
    start: number,
    end: number,
    status: number,
    headers: Record<string, string>,
    response: ServerResponse,
  ): void {
    const { faults } = hub;
    const bytes = content instanceof Uint8Array ? content.slice(start, end) : content.range(start, end);
    const send = (piece: Uint8Array): boolean => {
      hub.sent.bytes += piece.length;
      return response.write(piece);
    };
    if (faults.short > 0 && faults.short--) {
      response.writeHead(status, headers);
      send(bytes.subarray(0, bytes.length >> 1));
      return void response.end();
    }
    if (faults.endless) {
      response.writeHead(status, headers);
      send(bytes);
      const more = (): void => {
        while (!response.destroyed && send(new Uint8Array(65536)));
      };
      response.on('drain', more);
      return more();
    }
    response.writeHead(status, { ...headers, ...(!(faults.hideLength && status === 200) && { 'content-length': String(bytes.length) }) });
    if (faults.cut > 0 && faults.cut--) {
      hub.sent.bytes += bytes.length >> 1;
      return void response.write(bytes.subarray(0, bytes.length >> 1), () => response.destroy());
    }
    if (faults.slowMs > 0) {
      let at = 0;
      const timer = setInterval(() => {
        if (response.destroyed || at >= bytes.length) {
          clearInterval(timer);
          response.end();
        } else send(bytes.subarray(at, ++at));
      }, faults.slowMs);
      return;
    }
    send(bytes);
    response.end();
  }
}

/** As the hub lists a file: what is larger than a small text is in LFS. */
function treeEntry(path: string, content: Content): object {
  const size = content instanceof Uint8Array ? content.length : content.size;
  const lfs = content instanceof Uint8Array && size >= 1024 && { lfs: { oid: digestOf(content), size, pointerSize: 135 } };
  return { type: 'file', path, size, oid: createHash('sha1').update(path).digest('hex'), ...lfs };
}

/** Digests of contents, which are replaced and never changed. */
const digests = new WeakMap<Uint8Array, string>();
function digestOf(content: Uint8Array): string {
  const known = digests.get(content) ?? createHash('sha256').update(content).digest('hex');
  digests.set(content, known);
  return known;
}

function etagOf(content: Content, salt: string): string {
  const hash = createHash('sha256').update(salt);
  hash.update(content instanceof Uint8Array ? digestOf(content) : String(content.size));
  return `"${hash.digest('hex').slice(0, 32)}"`;
}

async function listen(server: Server, host: string, sockets: Set<Socket>): Promise<number> {
  server.on('connection', (socket) => {
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket));
    socket.on('error', () => undefined);
  });
  await new Promise<void>((ready) => void server.listen(0, host, ready));
  return (server.address() as AddressInfo).port;
}
