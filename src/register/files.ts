/**
 * Writing so that a crash at any moment leaves the old file or the new one: a temporary file in the same folder,
 * fsync, rename, fsync of the folder (rename(2) is atomic, but durable only once its folder is).
 * @module
 */
import { randomBytes } from 'node:crypto';
import { mkdir, open, opendir, readdir, rename, rm, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';

/** In every temporary name, so that leftovers are told from entries. */
const TEMPORARY = '.tmp-';
/** A leftover younger than this may belong to a writer that is still at work. */
const LEFTOVER_AGE_MS = 10 * 60 * 1000;

/** Writes `bytes` whole or not at all; the folder is made when missing. */
export async function writeAtomic(path: string, bytes: Uint8Array | string): Promise<void> {
  await streamAtomic(path, (write) => write(bytes));
}

/**
 * As `writeAtomic`, for content that comes in blocks.
 * @param check looks at the finished temporary file before it takes the name; what it throws keeps the old file in its place.
 */
export async function streamAtomic<T>(
  path: string,
  produce: (write: (block: Uint8Array | string) => Promise<void>) => Promise<T>,
  check?: (temporary: string, made: T) => Promise<void>,
): Promise<T> {
  const folder = dirname(path);
  await mkdir(folder, { recursive: true });
  const temporary = `${path}${TEMPORARY}${randomBytes(6).toString('hex')}`;
  let made: T;
  try {
    const file = await open(temporary, 'wx');
    try {
      made = await produce((block) => file.writeFile(block));
      await file.sync();
    } finally {
      await file.close();
    }
    await check?.(temporary, made);
    await rename(temporary, path);
  } catch (error) {
    await rm(temporary, { force: true });
    throw error;
  }
  await syncFolder(folder);
  return made;
}

/** Removes a file durably; a missing one is removed already. */
export async function removeDurably(path: string): Promise<void> {
  await rm(path, { force: true });
  await syncFolder(dirname(path));
}

async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder, 'r').catch(() => null);
  // Windows cannot open folders and some network drives cannot sync them; the rename itself is done.
  await handle?.sync().catch(() => {});
  await handle?.close();
}

/** Names in `folder`, sorted, without temporary files; none when the folder does not exist. */
export async function listFolder(folder: string): Promise<string[]> {
  try {
    return (await readdir(folder)).filter((name) => !name.includes(TEMPORARY)).sort();
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
    throw error;
  }
}

/** The same one by one, in no order, for folders whose names would take a hundred megabytes. */
export async function* eachName(folder: string): AsyncGenerator<string> {
  const opened = await opendir(folder, { bufferSize: 4096 }).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return null;
    throw error;
  });
  if (opened) for await (const { name } of opened) if (!name.includes(TEMPORARY)) yield name;
}

/** Deletes what an interrupted writer left: old temporary files, and old files for which `isOrphan` holds. */
export async function sweep(folder: string, nowMs: number, isOrphan: (name: string) => boolean): Promise<void> {
  for (const name of await readdir(folder).catch(() => [])) {
    if (!name.includes(TEMPORARY) && !isOrphan(name)) continue;
    const path = join(folder, name);
    const found = await stat(path).catch(() => null);
    if (found?.isFile() && nowMs - found.mtimeMs > LEFTOVER_AGE_MS) await rm(path, { force: true });
  }
}
