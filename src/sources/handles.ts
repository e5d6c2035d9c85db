/**
 * Open file handles of one tree: few at a time, each checked against what was listed.
 * @module
 */
import { type BigIntStats, constants, fstatSync } from 'node:fs';
import { type FileHandle, open, realpath } from 'node:fs/promises';
import { sep } from 'node:path';
import { type ByteSource, type ReadStats, SourceError } from '../base/index.ts';
import { createGate } from './gate.ts';
import { checkRead } from './limits.ts';

/** Handles of one tree held at once; the usual soft limit of a process is 1,024, and a register run opens many trees. (CWE-774) */
export const MAX_HANDLES = 32;

/** Follows no last link, waits for nobody at the other end of a pipe; Windows has neither flag. */
export const READ_ONLY: number = constants.O_RDONLY | (constants.O_NONBLOCK ?? 0) | (constants.O_NOFOLLOW ?? 0);

/** A regular file as it was when listed. */
export interface LocalFile {
  /** Path inside its tree, for messages. */
  readonly name: string;
  /** Path on this machine. */
  readonly path: string;
  /** The real path must be this folder's descendant; null for a file the user named. */
  readonly inside: string | null;
  readonly listed: BigIntStats;
}

export interface HandlePool {
  use<T>(file: LocalFile, task: (handle: FileHandle) => Promise<T>): Promise<T>;
  close(): Promise<void>;
}

interface Entry {
  readonly opening: Promise<FileHandle>;
  users: number;
  /** A task failed on it: nobody new gets this handle, the last user closes it. */
  broken: boolean;
}

/** Least recently used handles are closed first; a file opened again must still be the one listed. */
export function createHandlePool(): HandlePool {
  const entries = new Map<string, Entry>();
  const gate = createGate(MAX_HANDLES);
  let closed = false;

  const release = async (entry: Entry): Promise<void> => {
    const handle = await entry.opening.catch(() => null);
    await handle?.close();
  };
  // At most MAX_HANDLES - 1 others are in use (the gate), so an idle one exists when the map is full.
  const makeRoom = async (): Promise<void> => {
    const idle = [...entries].filter(([, entry]) => entry.users === 0).slice(0, Math.max(0, entries.size - MAX_HANDLES + 1));
    for (const [path] of idle) entries.delete(path);
    await Promise.all(idle.map(([, entry]) => release(entry)));
  };
  const acquire = (file: LocalFile): Entry => {
    const entry = entries.get(file.path) ?? { opening: makeRoom().then(() => openListed(file)), users: 0, broken: false };
    entries.delete(file.path);
    entries.set(file.path, entry);
    entry.users++;
    return entry;
  };

  return {
    use: (file, task) =>
      gate.run(async () => {
        if (closed)
          throw new SourceError('SOURCE_UNREADABLE', `${file.name} was read after its tree was closed`, { where: { file: file.name } });
        const entry = acquire(file);
        try {
          return await task(await entry.opening);
        } catch (error) {
          entry.broken = true;
          if (entries.get(file.path) === entry) entries.delete(file.path);
          throw error;
        } finally {
          if (--entry.users === 0 && (closed || entry.broken)) await release(entry);
        }
      }),
    async close() {
      closed = true;
      const idle = [...entries.values()].filter((entry) => entry.users === 0);
      entries.clear();
      await Promise.all(idle.map(release));
    },
  };
}

/**
 * Opens without following a last link and without waiting on a pipe, then compares with the listing,
 * so that nothing swapped in between can be read. (CWE-59, CWE-367)
 */
async function openListed(file: LocalFile): Promise<FileHandle> {
  const where = { where: { file: file.name } };
  let handle: FileHandle | undefined;
  try {
    const real = await realpath(file.path);
    if (file.inside !== null && !isInside(real, file.inside))
      throw new SourceError('SOURCE_CHANGED', `${file.name} now links out of its folder`, where);
    handle = await open(real, READ_ONLY);
    checkUnchanged(file, fstatSync(handle.fd, { bigint: true }));
    return handle;
  } catch (error) {
    await handle?.close();
    throw error instanceof SourceError ? error : fsError(error, file.name);
  }
}

function checkUnchanged(file: LocalFile, now: BigIntStats): void {
  const { listed } = file;
  const what =
    !now.isFile() || now.ino !== listed.ino || now.dev !== listed.dev
      ? 'was replaced'
      : now.size !== listed.size
        ? `changed from ${listed.size} to ${now.size} bytes`
        : now.mtimeNs !== listed.mtimeNs
          ? 'was written to'
          : null;
  if (what !== null)
    throw new SourceError('SOURCE_CHANGED', `${file.name} ${what} while it was open`, {
      where: { file: file.name },
      hint: 'run again when nothing writes to it',
    });
}

/** Whether real path `path` is `folder` or lies in it. */
export function isInside(path: string, folder: string): boolean {
  return path === folder || path.startsWith(folder.endsWith(sep) ? folder : folder + sep);
}

/** Bytes of `file`, through the pool. */
export function localSource(file: LocalFile, pool: HandlePool, stats: ReadStats, signal: AbortSignal | undefined): ByteSource {
  const { name } = file;
  const size = Number(file.listed.size);
  return {
    name,
    size,
    stats,
    async read(offset, length) {
      checkRead(name, size, offset, length);
      signal?.throwIfAborted();
      return pool.use(file, async (handle) => {
        const out = new Uint8Array(length);
        let got = 0;
        try {
          while (got < length) {
            const { bytesRead } = await handle.read(out, got, length - got, offset + got);
            if (bytesRead === 0) break;
            got += bytesRead;
          }
        } catch (error) {
          throw fsError(error, name);
        }
        stats.bytes += got;
        stats.requests += 1;
        if (got < length)
          throw new SourceError('SOURCE_TRUNCATED', `${name} ended at byte ${offset + got} while it was read`, {
            where: { file: name, byte: offset + got },
          });
        // After the read, so that bytes written before it are noticed too; the call is a memory look-up.
        checkUnchanged(file, fstatSync(handle.fd, { bigint: true }));
        return out;
      });
    },
  };
}

/** A failed system call as the house's error. */
export function fsError(cause: unknown, name: string): SourceError {
  const code = (cause as NodeJS.ErrnoException | null)?.code ?? 'unknown error';
  const where = { where: { file: name }, cause };
  if (code === 'ENOENT' || code === 'ENOTDIR') return new SourceError('SOURCE_NOT_FOUND', `${name} does not exist`, where);
  if (code === 'EACCES' || code === 'EPERM') return new SourceError('SOURCE_UNREADABLE', `${name} may not be read by this user`, where);
  if (code === 'EMFILE' || code === 'ENFILE')
    return new SourceError('SOURCE_UNREADABLE', `${name} cannot be opened: too many files are open`, {
      ...where,
      hint: 'close trees when done with them',
    });
  return new SourceError('SOURCE_UNREADABLE', `${name} cannot be read (${code})`, where);
}
