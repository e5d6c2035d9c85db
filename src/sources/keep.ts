/**
 * Where files go that had to be downloaded whole: small ones in memory, the rest in one unnamed temporary file per tree.
 * @module
 */
import { type FileHandle, mkdtemp, open, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { SourceError } from '../base/index.ts';

/** Memory one tree may keep; beyond it everything goes to disk. (CWE-770) */
const MAX_MEMORY_BYTES = 64 << 20;

export interface Kept {
  readonly size: number;
  /** A range known to lie inside. */
  read(offset: number, length: number): Promise<Uint8Array>;
}

export interface Keeper {
  /** Stores the pieces in order. @param limit at most so many bytes come. */
  keep(pieces: AsyncIterable<Uint8Array>, limit: number): Promise<Kept>;
  close(): Promise<void>;
}

export function createKeeper(): Keeper {
  let memory = 0;
  let spill: Promise<FileHandle> | null = null;
  let spillEnd = 0;
  return {
    async keep(pieces, limit) {
      if (memory + limit <= MAX_MEMORY_BYTES) {
        memory += limit;
        let kept = 0;
        try {
          const bytes = await inMemory(pieces);
          kept = bytes.size;
          return bytes;
        } finally {
          memory -= limit - kept;
        }
      }
      const start = spillEnd;
      spillEnd += limit;
      spill ??= openUnnamed();
      const handle = await spill.catch((cause: unknown) => {
        spill = null;
        throw new SourceError('SOURCE_UNREADABLE', 'no temporary file can be made for the download', {
          hint: 'set TMPDIR to a folder with room',
          cause,
        });
      });
      return onDisk(pieces, handle, start).catch((error: unknown) => {
        // A download that broke off is begun again in the same place, if nothing came after it.
        if (spillEnd === start + limit) spillEnd = start;
        throw error;
      });
    },
    async close() {
      const handle = await spill?.catch(() => null);
      spill = null;
      await handle?.close();
    },
  };
}

async function inMemory(pieces: AsyncIterable<Uint8Array>): Promise<Kept> {
  const list: Uint8Array[] = [];
  let size = 0;
  for await (const piece of pieces) {
    list.push(piece);
    size += piece.length;
  }
  const bytes = new Uint8Array(size);
  let at = 0;
  for (const piece of list) {
    bytes.set(piece, at);
    at += piece.length;
  }
  return { size, read: async (offset, length) => bytes.slice(offset, offset + length) };
}

async function onDisk(pieces: AsyncIterable<Uint8Array>, handle: FileHandle, start: number): Promise<Kept> {
  let size = 0;
  for await (const piece of pieces) {
    for (let done = 0; done < piece.length;) {
      const { bytesWritten } = await handle.write(piece, done, piece.length - done, start + size + done).catch((cause: unknown) => {
        throw new SourceError('SOURCE_UNREADABLE', 'the download does not fit into the temporary folder', {
          hint: 'set TMPDIR to a folder with room',
          cause,
        });
      });
      done += bytesWritten;
    }
    size += piece.length;
  }
  return {
    size,
    async read(offset, length) {
      const out = new Uint8Array(length);
      for (let got = 0; got < length;) {
        const { bytesRead } = await handle.read(out, got, length - got, start + offset + got);
        if (bytesRead === 0) throw new SourceError('SOURCE_TRUNCATED', 'the temporary file of a download was cut short');
        got += bytesRead;
      }
      return out;
    },
  };
}

/** A file without a name needs no clean-up: it goes when its handle does, even after a crash. */
async function openUnnamed(): Promise<FileHandle> {
  const folder = await mkdtemp(join(tmpdir(), 'heirloom-'));
  try {
    return await open(join(folder, 'download'), 'wx+', 0o600);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
