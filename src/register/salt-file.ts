import { open, stat } from 'node:fs/promises';
import { saltCommitment } from '../lineage/index.ts';
import { RegisterError } from './types.ts';

/** Above what any salt may hold. (CWE-770) */
const MAX_BYTES = 1 << 16;

/**
 * A salt, every byte of a file. From a file and not from the command line, which other users of the machine can read (CWE-214).
 * @throws RegisterError `REGISTER_SALT` when it cannot be read; LineageError `SKETCH_SALT` when it is too short or too long.
 */
export async function readSaltFile(path: string): Promise<Uint8Array> {
  const refuse = (why: string, cause?: unknown): RegisterError =>
    new RegisterError('REGISTER_SALT', `the salt cannot be read from ${path}: ${why}`, { where: { file: path }, cause });
  // Looked at before it is opened: opening a named pipe waits for a writer, for ever.
  const found = await stat(path).catch((error: Error) => error);
  if (found instanceof Error) throw refuse(found.message, found);
  if (!found.isFile() || found.size > MAX_BYTES) throw refuse(`not a file of at most ${MAX_BYTES} bytes`);
  const file = await open(path, 'r').catch((error: Error) => error);
  if (file instanceof Error) throw refuse(file.message, file);
  try {
    const salt = new Uint8Array(await file.readFile());
    saltCommitment(salt);
    return salt;
  } finally {
    await file.close();
  }
}
