/**
 * One file on this machine as a tree.
 * @module
 */
import type { BigIntStats } from 'node:fs';
import { realpath, stat } from 'node:fs/promises';
import { basename, resolve } from 'node:path';
import { type FileTree, type ReadStats, SourceError } from '../base/index.ts';
import { createHandlePool, fsError, type LocalFile, localSource } from './handles.ts';
import type { OpenOptions } from './options.ts';

/**
 * The file at `path`; links are followed, since the user named it.
 * @throws SourceError `SOURCE_NOT_FOUND`; `SOURCE_UNREADABLE` for anything but a regular file.
 */
export async function openFile(path: string, options: OpenOptions = {}): Promise<FileTree> {
  let real: string;
  let listed: BigIntStats;
  try {
    real = await realpath(path);
    listed = await stat(real, { bigint: true });
  } catch (error) {
    throw fsError(error, path);
  }
  if (!listed.isFile())
    throw new SourceError('SOURCE_UNREADABLE', `${path} is ${kindOf(listed)}, not a regular file`, { where: { file: path } });
  if (listed.size > Number.MAX_SAFE_INTEGER)
    throw new SourceError('SOURCE_TOO_LARGE', `${path} claims ${listed.size} bytes`, { where: { file: path } });
  const name = basename(resolve(path));
  const file: LocalFile = { name, path: real, inside: null, listed };
  const stats: ReadStats = { bytes: 0, requests: 0 };
  const pool = createHandlePool();
  return {
    locator: path,
    name,
    kind: 'file',
    files: [{ path: name, size: Number(listed.size) }],
    findings: [],
    stats,
    async open(asked) {
      if (asked !== name)
        throw new SourceError('SOURCE_NOT_FOUND', `"${asked}" was not opened with ${path}`, {
          where: { file: asked },
          hint: 'open its folder instead',
        });
      await pool.use(file, async () => undefined);
      return localSource(file, pool, stats, options.signal);
    },
    close: () => pool.close(),
  };
}

/** What a special file is, with its article. */
export function kindOf(stats: BigIntStats): string {
  if (stats.isDirectory()) return 'a folder';
  if (stats.isFIFO()) return 'a named pipe';
  if (stats.isSocket()) return 'a socket';
  if (stats.isBlockDevice() || stats.isCharacterDevice()) return 'a device';
  return 'a special file';
}
