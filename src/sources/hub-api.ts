/**
 * The two questions asked of a hub: which commit, and which files.
 * API: huggingface.co/docs/hub/api (`/api/models/{id}/revision/{rev}`, `/api/models/{id}/tree/{rev}`); pages by RFC 8288 links.
 * Answers are as hostile as files: bounded, validated, and every path checked.
 * @module
 */
import { type FileEntry, type Finding, HeirloomError, type JsonValue, parseJson, SourceError } from '../base/index.ts';
import { byPath, MAX_ENTRIES, pathProblem } from './limits.ts';
import { statusError } from './status.ts';
import type { Answer, Transport } from './transport.ts';

/** One page of JSON: model pages with thousands of files take about 1 MiB. (CWE-770) */
const MAX_PAGE_BYTES: number = 16 << 20;
/** The hub sends 1,000 entries a page. */
const MAX_PAGES = 1000;

interface Page {
  readonly json: JsonValue;
  readonly next: URL | null;
}

/**
 * The commit `revision` stands for now.
 * @throws SourceError `SOURCE_NOT_FOUND`, `SOURCE_DENIED` (missing, private or gated: the hub does not tell which), `SOURCE_HTTP`.
 */
export async function hubCommit(transport: Transport, endpoint: string, id: string, revision: string): Promise<string> {
  const url = new URL(`${endpoint}/api/models/${id}/revision/${encodeURIComponent(revision)}`);
  const { json } = await getPage(transport, url, endpoint, id, revision);
  const sha = isObject(json) ? json['sha'] : undefined;
  if (typeof sha !== 'string' || !/^[0-9a-f]{40}$/.test(sha)) throw invalid(id, 'names no commit', 'sha');
  return sha;
}

/** All files of a commit, sorted; files with unsound paths are findings instead. */
export async function hubFiles(
  transport: Transport,
  endpoint: string,
  id: string,
  commit: string,
): Promise<{ files: FileEntry[]; findings: Finding[] }> {
  const files = new Map<string, FileEntry>();
  const findings: Finding[] = [];
  let url: URL | null = new URL(`${endpoint}/api/models/${id}/tree/${commit}?recursive=true`);
  let entries = 0;
  for (let pages = 0; url; pages++) {
    if (pages >= MAX_PAGES) throw invalid(id, `goes on after ${MAX_PAGES} pages`, 'Link');
    const page: Page = await getPage(transport, url, endpoint, id, commit);
    if (!Array.isArray(page.json)) throw invalid(id, 'is not a list', 'tree');
    entries += page.json.length;
    if (entries > MAX_ENTRIES)
      throw new SourceError('SOURCE_TOO_LARGE', `${id} lists more than ${MAX_ENTRIES} files and folders`, {
        hint: 'name the files you mean by their address',
      });
    for (const entry of page.json) addEntry(entry, id, files, findings);
    url = page.next;
  }
  return { files: [...files.values()].sort(byPath), findings };
}

function addEntry(entry: JsonValue, id: string, files: Map<string, FileEntry>, findings: Finding[]): void {
  if (!isObject(entry) || typeof entry['path'] !== 'string' || typeof entry['type'] !== 'string')
    throw invalid(id, 'has an entry without path or type', 'tree');
  const { path, type, size, lfs } = entry;
  if (type === 'directory') return;
  const problem =
    type !== 'file' ? `is of the unknown type "${type.slice(0, 40)}"` : (pathProblem(path) ?? (files.has(path) ? 'is listed twice' : null));
  if (problem !== null) {
    findings.push(badPath(path, problem));
    return;
  }
  const bytes = isObject(lfs) && lfs['size'] !== undefined ? lfs['size'] : size;
  if (typeof bytes !== 'number' || !Number.isSafeInteger(bytes) || bytes < 0) throw invalid(id, `gives no size for "${path}"`, path);
  const oid = isObject(lfs) ? lfs['oid'] : undefined;
  files.set(path, { path, size: bytes, ...(typeof oid === 'string' && /^[0-9a-f]{64}$/.test(oid) && { sha256: oid }) });
}

function badPath(path: string, problem: string): Finding {
  const shown = JSON.stringify(path.slice(0, 200));
  return {
    rule: 'sources/bad-path',
    severity: 'warning',
    where: { field: shown },
    what: `the hub lists a file ${shown}, which ${problem}`,
    why: 'a program that stores it under that name can write outside its folder, or hide one file behind another',
    fix: 'do not download this repository with tools that trust its paths',
    source: 'CWE-22',
  };
}

function getPage(transport: Transport, url: URL, endpoint: string, id: string, revision: string): Promise<Page> {
  return transport.attempt(id, async (exchange) => {
    const answer = await exchange.get(url, { accept: 'application/json' });
    if (answer.response.status !== 200) throw refused(answer, endpoint, id, revision);
    const pieces: Uint8Array[] = [];
    for await (const piece of exchange.chunks(answer, MAX_PAGE_BYTES, invalid(id, `is over ${MAX_PAGE_BYTES} bytes long`, 'body')))
      pieces.push(piece);
    return { json: parsePage(joined(pieces), id), next: nextPage(answer, id) };
  });
}

function parsePage(bytes: Uint8Array, id: string): JsonValue {
  try {
    return parseJson(bytes, id);
  } catch (cause) {
    if (cause instanceof HeirloomError)
      throw new SourceError('SOURCE_HTTP', `the hub's answer about ${id} is not JSON`, {
        where: { file: id },
        hint: 'check HF_ENDPOINT',
        cause,
      });
    throw cause;
  }
}

function joined(pieces: readonly Uint8Array[]): Uint8Array {
  const out = new Uint8Array(pieces.reduce((sum, piece) => sum + piece.length, 0));
  let at = 0;
  for (const piece of pieces) {
    out.set(piece, at);
    at += piece.length;
  }
  return out;
}

/** The `rel="next"` target; it must stay with the server that was asked. (CWE-918) */
function nextPage(answer: Answer, id: string): URL | null {
  const header = answer.response.headers.get('link') ?? '';
  const target = /<([^<>]{1,2000})>\s*;\s*rel="?next"?/i.exec(header)?.[1];
  if (target === undefined) return null;
  let next: URL;
  try {
    next = new URL(target, answer.url);
  } catch {
    throw invalid(id, 'has a next page with no valid address', 'Link');
  }
  if (next.origin !== answer.url.origin) throw invalid(id, `has its next page at another server, ${next.host}`, 'Link');
  return next;
}

function refused(answer: Answer, endpoint: string, id: string, revision: string): Error {
  const { status, headers } = answer.response;
  const code = headers.get('x-error-code') ?? '';
  const where = { file: id };
  if (code === 'GatedRepo')
    return new SourceError('SOURCE_DENIED', `${id} is gated: its publisher wants its terms accepted first`, {
      where,
      hint: `accept them at ${endpoint}/${id}, then set HF_TOKEN`,
    });
  if (status === 401 || status === 403)
    return new SourceError('SOURCE_DENIED', `${id} does not exist, or it is private or gated; the hub does not say which`, {
      where,
      hint: 'check the name, or set HF_TOKEN to a token that may read it',
    });
  if (code === 'RevisionNotFound')
    return new SourceError('SOURCE_NOT_FOUND', `${id} has no revision "${revision}"`, { where, hint: 'name a branch, a tag or a commit' });
  if (status === 404)
    return new SourceError('SOURCE_NOT_FOUND', `${id} does not exist, or has no revision "${revision}"`, { where, hint: 'check the name' });
  return statusError(id, answer, '');
}

function invalid(id: string, what: string, field: string): SourceError {
  return new SourceError('SOURCE_HTTP', `the hub's answer about ${id} ${what}`, { where: { file: id, field }, hint: 'check HF_ENDPOINT' });
}

function isObject(value: JsonValue | undefined): value is { [key: string]: JsonValue } {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
