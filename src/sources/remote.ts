/**
 * A remote file as a ByteSource. Reads issued in the same turn of the event loop whose gaps are small become one request.
 * @module
 */
import { type ByteSource, SourceError } from '../base/index.ts';
import { checkRead } from './limits.ts';
import { fetchRange, type RemoteFile } from './ranges.ts';

/** Reads nearer than this share a request: at 10 MB/s it costs 6 ms, a request costs 50 or more. */
const MAX_GAP_BYTES: number = 64 << 10;

/** One request asks for at most this much, so that a broken one repeats little and large reads run in parallel. */
export const MAX_REQUEST_BYTES: number = 16 << 20;

/** First bytes of a file, fetched once: formats are told apart and their headers begin here. */
export const HEAD_BYTES: number = 64 << 10;

interface Wanted {
  readonly start: number;
  readonly end: number;
  readonly resolve: (bytes: Uint8Array) => void;
  readonly reject: (error: unknown) => void;
}

/** @param size of the file, from the listing or its first answer. @param head its first bytes, when they are already here. */
export function remoteSource(file: RemoteFile, size: number, head: Uint8Array | null): ByteSource {
  const { name, transport } = file;
  const headEnd = Math.min(size, HEAD_BYTES);
  let heading: Promise<Uint8Array> | null = head && head.length >= headEnd ? Promise.resolve(head) : null;
  let waiting: Wanted[] = [];

  const fromHead = async (start: number, end: number): Promise<Uint8Array> => {
    heading ??= fetchRange(file, 0, headEnd).catch((error: unknown) => {
      heading = null;
      throw error;
    });
    return (await heading).slice(start, end);
  };
  const want = (start: number, end: number): Promise<Uint8Array> =>
    new Promise((resolve, reject) => {
      if (waiting.length === 0)
        setImmediate(() => {
          const wanted = waiting;
          waiting = [];
          for (const group of groupNear(wanted)) void answerGroup(file, group);
        });
      waiting.push({ start, end, resolve, reject });
    });

  return {
    name,
    size,
    stats: transport.stats,
    async read(offset, length) {
      checkRead(name, size, offset, length);
      transport.check();
      const end = offset + length;
      if (length === 0) return new Uint8Array(0);
      if (end <= headEnd) return fromHead(offset, end);
      if (length <= MAX_REQUEST_BYTES) return want(offset, end);
      const out = new Uint8Array(length);
      const pieces: Promise<void>[] = [];
      for (let at = 0; at < length; at += MAX_REQUEST_BYTES) {
        const pieceEnd = offset + Math.min(at + MAX_REQUEST_BYTES, length);
        pieces.push(fetchWhole(file, offset + at, pieceEnd).then((bytes) => out.set(bytes, at)));
      }
      await Promise.all(pieces);
      return out;
    },
  };
}

/** Runs of reads with small gaps, in order of offset, none spanning more than one request may. */
function groupNear(wanted: readonly Wanted[]): Wanted[][] {
  const groups: { readonly start: number; end: number; readonly reads: Wanted[] }[] = [];
  for (const read of [...wanted].sort((a, b) => a.start - b.start || a.end - b.end)) {
    const last = groups.at(-1);
    const end = Math.max(last?.end ?? 0, read.end);
    if (last && read.start - last.end < MAX_GAP_BYTES && end - last.start <= MAX_REQUEST_BYTES) {
      last.end = end;
      last.reads.push(read);
    } else groups.push({ start: read.start, end: read.end, reads: [read] });
  }
  return groups.map((group) => group.reads);
}

async function answerGroup(file: RemoteFile, group: readonly Wanted[]): Promise<void> {
  const start = group[0]!.start;
  const end = group.reduce((latest, read) => Math.max(latest, read.end), start);
  try {
    const bytes = await fetchWhole(file, start, end);
    // Copies: a read's bytes are its caller's, and must not keep the whole answer alive.
    for (const read of group) read.resolve(group.length === 1 ? bytes : bytes.slice(read.start - start, read.end - start));
  } catch (error) {
    for (const read of group) read.reject(error);
  }
}

/** @throws SourceError `SOURCE_TRUNCATED` when the file ended early; cannot happen unless a kept download and the listing disagree. */
async function fetchWhole(file: RemoteFile, start: number, end: number): Promise<Uint8Array> {
  const bytes = await fetchRange(file, start, end);
  if (bytes.length !== end - start)
    throw new SourceError('SOURCE_TRUNCATED', `${file.name} ended at byte ${start + bytes.length}`, {
      where: { file: file.name, byte: start + bytes.length },
    });
  return bytes;
}
