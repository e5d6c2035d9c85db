import { realpath, stat, writeFile } from 'node:fs/promises';
import { HeirloomError } from '../base/index.ts';

/**
 * Writes an answer to a file the user named: whole or not at all, through links. What is no regular file (`/dev/null`, a
 * pipe) is written to as it is: renaming a file over it would put an end to it.
 * @throws HeirloomError `OUTPUT_UNWRITABLE`.
 */
export async function writeOutput(path: string, content: Uint8Array | string): Promise<void> {
  try {
    const found = await stat(path).catch(() => null);
    if (found && !found.isFile() && !found.isDirectory()) await writeFile(path, content);
    else await (await import('../register/index.ts')).writeAtomic(found ? await realpath(path) : path, content);
  } catch (cause) {
    throw new HeirloomError('OUTPUT_UNWRITABLE', `${path} cannot be written: ${(cause as Error).message}`, {
      where: { file: path },
      cause,
    });
  }
}
