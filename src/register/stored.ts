/**
 * Entries and sketches as they lie in a register's folder, read one by one and checked.
 * @module
 */
import { createHash } from 'node:crypto';
import { readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { type Finding, HeirloomError } from '../base/index.ts';
import { MAX_SKETCH_BYTES } from '../lineage/index.ts';
import { decodeEntry, MAX_ENTRY_BYTES } from './entry.ts';
import { eachName, listFolder } from './files.ts';
import { type RegisterEntry, RegisterError, type RegisterListing, type StoredSketch } from './types.ts';

/** Whether there are more than `most` entries. */
export async function hasMoreEntries(dir: string, most: number): Promise<boolean> {
  let count = 0;
  for await (const name of eachName(join(dir, 'models'))) if (name.endsWith('.json') && ++count > most) return true;
  return false;
}

export async function readEntries(dir: string): Promise<RegisterListing> {
  const entries: RegisterEntry[] = [];
  const findings: Finding[] = [];
  const names = (await listFolder(join(dir, 'models'))).filter((name) => name.endsWith('.json'));
  const read = await Promise.all(
    names.map((name) => readEntry(dir, name).catch((error: unknown) => asFinding(error, join('models', name)))),
  );
  for (const one of read) {
    if (one && 'schema' in one) entries.push(one);
    else if (one) findings.push(one);
  }
  entries.sort((a, b) => (a.name < b.name ? -1 : a.name > b.name ? 1 : 0));
  return { entries, findings };
}

/** Null when it was removed since the folder was listed. */
export async function readEntry(dir: string, name: string): Promise<RegisterEntry | null> {
  const path = join(dir, 'models', name);
  const found = await stat(path).catch(ignoreMissing);
  if (!found) return null;
  const file = join('models', name);
  if (!found.isFile() || found.size > MAX_ENTRY_BYTES)
    throw new RegisterError('REGISTER_CORRUPT', `${file} is not a register entry: not a file of at most ${MAX_ENTRY_BYTES} bytes`, {
      where: { file },
    });
  const bytes = await readFile(path).catch(ignoreMissing);
  return bytes && decodeEntry(bytes, file, idOf(name));
}

/** @param sketch one of the entry's: the public one, or one of its salted. */
export async function readSketch(dir: string, entry: RegisterEntry, sketch: StoredSketch = entry.sketch): Promise<Uint8Array> {
  const path = sketchPath(dir, sketch.sha256);
  const file = join('sketches', `${sketch.sha256}.hlsk`);
  const corrupt = (what: string): RegisterError =>
    new RegisterError('REGISTER_CORRUPT', `the sketch of "${entry.name}" ${what}`, { where: { file }, hint: 'register the model again' });
  const found = await stat(path).catch(ignoreMissing);
  if (!found) throw corrupt('is missing');
  if (!found.isFile() || found.size > MAX_SKETCH_BYTES || found.size !== sketch.bytes)
    throw corrupt(`has ${found.size} bytes, not ${sketch.bytes}`);
  const bytes = await readFile(path);
  if (createHash('sha256').update(bytes).digest('hex') !== sketch.sha256) throw corrupt('has changed since it was registered');
  return bytes;
}

export function asFinding(error: unknown, file: string): Finding {
  if (!(error instanceof HeirloomError) && !isSystemError(error)) throw error;
  return {
    rule: 'register/unreadable-entry',
    severity: 'warning',
    where: error instanceof HeirloomError && error.where ? error.where : { file },
    what: error.message,
    why: 'this model is left out of every comparison',
    fix: error instanceof HeirloomError && error.hint !== undefined ? error.hint : 'remove the entry and register the model again',
  };
}

export function isSystemError(error: unknown): error is NodeJS.ErrnoException {
  return error instanceof Error && typeof (error as NodeJS.ErrnoException).syscall === 'string';
}

export function ignoreMissing(error: NodeJS.ErrnoException): null {
  if (error.code === 'ENOENT') return null;
  throw error;
}

export function idOf(file: string | undefined): string {
  return (file ?? '').replace(/^.*[\\/]/, '').replace(/\.json$/, '');
}

export function sketchPath(dir: string, sha256: string): string {
  return join(dir, 'sketches', `${sha256}.hlsk`);
}
