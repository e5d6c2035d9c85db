/**
 * A model's own folder as `credit --write` reads and changes it. Links are never followed: a file or folder that is one is not touched.
 * @module
 */
import { lstat, mkdir, open, readFile, rename, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { HeirloomError } from '../base/index.ts';
import type { PlannedFile } from '../credit/index.ts';

/** Cards and notices reach a megabyte. (CWE-770) */
const MAX_BYTES = 4 << 20;

/** Its text with byte order mark and line ends; undefined when there is nothing, null when it is no plain UTF-8 file of this folder. */
export async function readOwnText(root: string, path: string): Promise<string | null | undefined> {
  const parts = path.split('/');
  for (let k = 1; k < parts.length; k++) {
    const folder = await lstat(join(root, ...parts.slice(0, k))).catch(absent);
    if (!folder) return undefined;
    if (!folder.isDirectory()) return null;
  }
  const found = await lstat(join(root, path)).catch(absent);
  if (!found) return undefined;
  if (!found.isFile() || found.size > MAX_BYTES) return null;
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(await readFile(join(root, path)));
  } catch (error) {
    if (error instanceof TypeError) return null;
    throw unwritable(path, error);
  }
}

/**
 * Every file beside its place first, then all renamed over: a failure before the first rename changes nothing.
 * @throws HeirloomError `CREDIT_CHANGED` when a file is no longer what the plan was made from; `OUTPUT_UNWRITABLE`.
 */
export async function writeOwnFiles(root: string, files: readonly PlannedFile[]): Promise<void> {
  const prepared: { readonly temporary: string; readonly path: string }[] = [];
  try {
    for (const { path, before, after } of files) {
      const full = join(root, path);
      if ((await readOwnText(root, path)) !== before)
        throw new HeirloomError('CREDIT_CHANGED', `${path} changed while it was looked at; nothing was written`, {
          where: { file: path },
          hint: 'run the command again',
        });
      if (path.includes('/')) await mkdir(dirname(full), { recursive: true });
      const temporary = `${full}.tmp-${process.pid}`;
      const mode = before === undefined ? 0o666 : (await lstat(full)).mode & 0o777;
      const file = await open(temporary, 'wx', mode);
      prepared.push({ temporary, path: full });
      try {
        await file.writeFile(after, 'utf8');
        if (before !== undefined) await file.chmod(mode);
        await file.sync();
      } finally {
        await file.close();
      }
    }
    for (const { temporary, path } of prepared) await rename(temporary, path);
  } catch (error) {
    for (const { temporary } of prepared) await rm(temporary, { force: true });
    throw error instanceof HeirloomError ? error : unwritable(root, error);
  }
}

function absent(error: NodeJS.ErrnoException): null {
  if (error.code === 'ENOENT' || error.code === 'ENOTDIR') return null;
  throw error;
}

function unwritable(path: string, cause: unknown): HeirloomError {
  return new HeirloomError('OUTPUT_UNWRITABLE', `${path} cannot be written: ${(cause as Error).message}`, { where: { file: path }, cause });
}
