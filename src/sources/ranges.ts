/**
 * A remote file by ranges of bytes: RFC 9110 §14 (ranges), §13.1.5 (If-Range), §8.8 (validators).
 * All bytes ever handed out belong to one version of the file, the one of the first answer.
 * @module
 */
import { SourceError, type Watch } from '../base/index.ts';
import type { Keeper, Kept } from './keep.ts';
import { Transient } from './retry.ts';
import { statusError } from './status.ts';
import type { Answer, Exchange, Transport } from './transport.ts';

/** Larger files are not downloaded whole unasked; covers every config, tokenizer and card. */
export const MAX_UNASKED_BYTES: number = 64 << 20;

/** How often one attempt may find its redirect expired and ask for a new one. */
const MAX_RENEWALS = 2;

export interface RemoteFile {
  readonly name: string;
  readonly url: URL;
  readonly transport: Transport;
  readonly keeper: Keeper;
  readonly allowWhole: boolean;
  /** For 401 and 403. */
  readonly deniedHint: string;
  /** Told while a file is downloaded whole. */
  readonly onProgress: Watch['onProgress'] | undefined;
  /** In bytes; null until the first answer says it. */
  size: number | null;
  /** Of the first answer. */
  validators: { readonly etag: string | null; readonly modified: string | null } | null;
  /** Where the last redirect led; signed addresses expire. */
  redirectedTo: URL | null;
  /** Set once the server has ignored ranges and the file was small enough to keep. */
  whole: Promise<Kept> | null;
}

export function remoteFile(
  parts: Pick<RemoteFile, 'name' | 'url' | 'transport' | 'keeper' | 'allowWhole' | 'deniedHint' | 'onProgress' | 'size'>,
): RemoteFile {
  return { ...parts, validators: null, redirectedTo: null, whole: null };
}

/**
 * Bytes `[start, end)`, fewer only when the size was unknown and the file ends before `end`.
 * One request, but for redirects, retries, and servers that ignore ranges.
 */
export function fetchRange(file: RemoteFile, start: number, end: number): Promise<Uint8Array> {
  return file.transport.attempt(file.name, async (exchange) => {
    if (file.whole) return readKept(await file.whole, start, end);
    const answer = await ask(file, exchange, start, end);
    switch (answer.response.status) {
      case 206:
        return readPart(file, exchange, answer, start, end);
      case 200:
        return readKept(await keepWhole(file, exchange, answer), start, end);
      case 416:
        return readNothing(file, answer, start, end);
      default:
        throw statusError(file.name, answer, file.deniedHint);
    }
  });
}

async function ask(file: RemoteFile, exchange: Exchange, start: number, end: number): Promise<Answer> {
  const strong = file.validators?.etag?.startsWith('W/') === false ? file.validators.etag : null;
  // A date is a validator only where no entity tag is at hand; a weak tag may not be sent. (RFC 9110 §13.1.5)
  const condition = strong ?? (file.validators?.etag === null ? file.validators.modified : null);
  const headers = { range: `bytes=${start}-${end - 1}`, ...(condition !== null && { 'if-range': condition }) };
  for (let renewals = 0; ; renewals++) {
    const direct = file.redirectedTo;
    const answer = await exchange.get(direct ?? file.url, headers);
    const led = direct !== null || answer.redirected;
    if ([401, 403, 410].includes(answer.response.status) && led && renewals < MAX_RENEWALS) {
      // Another request may have renewed it meanwhile.
      if (file.redirectedTo === direct) file.redirectedTo = null;
      continue;
    }
    if (answer.redirected && answer.response.ok) file.redirectedTo = answer.url;
    return answer;
  }
}

async function readPart(file: RemoteFile, exchange: Exchange, answer: Answer, start: number, end: number): Promise<Uint8Array> {
  const header = answer.response.headers.get('content-range') ?? 'none';
  const match = /^bytes (\d{1,15})-(\d{1,15})\/(\d{1,15})$/.exec(header);
  if (!match)
    throw new SourceError('SOURCE_HTTP', `${file.name}: ${answer.url.host} sent a part with the Content-Range "${header.slice(0, 80)}"`, {
      where: { file: file.name },
    });
  const [first, last, total] = match.slice(1).map(Number) as [number, number, number];
  checkSame(file, answer, total);
  const expectedEnd = Math.min(end, total);
  if (first !== start || last + 1 !== expectedEnd)
    throw new SourceError(
      'SOURCE_HTTP',
      `${file.name}: asked for bytes ${start}-${expectedEnd - 1}, ${answer.url.host} sent ${first}-${last}`,
      {
        where: { file: file.name, byte: start },
      },
    );
  const out = new Uint8Array(expectedEnd - start);
  let got = 0;
  for await (const piece of exchange.chunks(answer, out.length)) {
    out.set(piece, got);
    got += piece.length;
  }
  if (got < out.length) throw short(file.name, start + got, start, expectedEnd);
  return out;
}

/** Throws when `answer` is of another version than the first; remembers the first. */
function checkSame(file: RemoteFile, answer: Answer, size: number | null): void {
  const etag = answer.response.headers.get('etag');
  const modified = answer.response.headers.get('last-modified');
  const first = file.validators;
  const same =
    (size === null || file.size === null || size === file.size) &&
    (first === null || (etag === first.etag && (etag?.startsWith('W/') === false || modified === first.modified)));
  if (!same)
    throw new SourceError(
      'SOURCE_CHANGED',
      `${file.name} is not the file it was when first asked for${size === file.size ? '' : ` (${size} bytes now, ${file.size} before)`}`,
      {
        where: { file: file.name },
        hint: 'open it again',
      },
    );
  file.validators ??= { etag, modified };
  if (size !== null) file.size ??= size;
}

/** The server ignored the range: take the whole file if it is small or the user allowed it. Requests under way at once share one download. */
async function keepWhole(file: RemoteFile, exchange: Exchange, answer: Answer): Promise<Kept> {
  const header = answer.response.headers.get('content-length');
  const declared = header !== null && /^\d{1,15}$/.test(header) ? Number(header) : null;
  checkSame(file, answer, declared);
  const size = file.size;
  if ((size ?? 0) > MAX_UNASKED_BYTES && !file.allowWhole) throw noRanges(file.name, answer.url, `is ${size} bytes long`);
  if (file.whole) return file.whole;
  const limit = size ?? MAX_UNASKED_BYTES;
  const excess = size === null ? noRanges(file.name, answer.url, `is over ${limit} bytes long`) : undefined;
  const download = (async (): Promise<Kept> => {
    const kept = await file.keeper.keep(watched(file, exchange.chunks(answer, limit, excess), limit), limit);
    if (size !== null && kept.size < size) throw short(file.name, kept.size, 0, size);
    file.size ??= kept.size;
    return kept;
  })();
  file.whole = download;
  try {
    return await download;
  } catch (error) {
    file.whole = null;
    throw error;
  }
}

async function* watched(file: RemoteFile, pieces: AsyncIterable<Uint8Array>, total: number): AsyncGenerator<Uint8Array, void, undefined> {
  let done = 0;
  for await (const piece of pieces) {
    done += piece.length;
    file.onProgress?.({ what: `downloading ${file.name}`, done, total });
    yield piece;
  }
}

/** 416: nothing of the range exists. */
function readNothing(file: RemoteFile, answer: Answer, start: number, end: number): Uint8Array {
  const match = /^bytes \*\/(\d{1,15})$/.exec(answer.response.headers.get('content-range') ?? '');
  const total = match ? Number(match[1]) : null;
  if (total === 0 && file.size === null && start === 0) {
    checkSame(file, answer, 0);
    return new Uint8Array(0);
  }
  if (total !== file.size && file.size !== null)
    throw new SourceError('SOURCE_CHANGED', `${file.name} is ${total ?? 'an unknown number of'} bytes long now, ${file.size} before`, {
      where: { file: file.name },
      hint: 'open it again',
    });
  throw new SourceError('SOURCE_OUT_OF_RANGE', `${file.name}: ${answer.url.host} has no bytes ${start}-${end - 1}`, {
    where: { file: file.name, byte: start },
  });
}

function readKept(kept: Kept, start: number, end: number): Promise<Uint8Array> {
  return kept.read(start, Math.max(0, Math.min(end, kept.size) - start));
}

function short(name: string, at: number, start: number, end: number): Transient {
  return new Transient(
    new SourceError('SOURCE_TRUNCATED', `${name}: an answer for bytes ${start}-${end - 1} ended at byte ${at}`, {
      where: { file: name, byte: at },
    }),
  );
}

function noRanges(name: string, url: URL, why: string): SourceError {
  return new SourceError('SOURCE_NO_RANGES', `${name} ${why} and ${url.host} cannot send parts of it`, {
    where: { file: name },
    hint: 'download it first, or allow downloading it whole',
  });
}
