/**
 * The register on disk. The files are the truth; the index of a large one is a fold of them.
 *
 *     register.json           {"schema": "heirloom-register/1"}
 *     models/<id>.json        one entry; its appearing or changing is the moment a model is registered
 *     sketches/<sha256>.hlsk  named by content, written before the entry that points to it
 *     index-<versions>/       for searching more than 1,000 models: see search-index.ts
 *     lock                    while somebody writes
 *
 * Readers take no lock: an entry is replaced whole by a rename, and points to a sketch that never changes.
 * @module
 */
import { createHash } from 'node:crypto';
import { readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { HeirloomError, parseJson } from '../base/index.ts';
import { encodeEntry, entryId, makeEntry, MAX_ENTRY_BYTES } from './entry.ts';
import { removeDurably, sweep, writeAtomic } from './files.ts';
import { type KnownOptions, knownModels, type RegisteredModels } from './known.ts';
import { withLock } from './lock.ts';
import { INDEX_FOLDER, type Segment } from './segment.ts';
import { idOf, ignoreMissing, isSystemError, readEntries, readEntry, readSketch, sketchPath } from './stored.ts';
import { type AddResult, type NewEntry, type RegisterEntry, RegisterError, type RegisterListing } from './types.ts';

const SCHEMA = 'heirloom-register/1';

export interface RegisterOptions {
  /** Milliseconds since 1970, for `addedAt` and the age of leftovers. */
  readonly now: () => number;
  readonly signal?: AbortSignal;
}

export interface Register {
  readonly dir: string;
  /**
   * Adding a model twice changes nothing: a model is its digest, and a name is registered once.
   * @param options.replace lets a name pass to another model.
   * @throws RegisterError `REGISTER_NAME_TAKEN`, `REGISTER_ENTRY`, `REGISTER_LOCKED`, `REGISTER_UNREADABLE`.
   */
  add(entry: NewEntry, sketch: Uint8Array, options?: { readonly replace?: boolean }): Promise<AddResult>;
  list(): Promise<RegisterListing>;
  /** By name, id, or the unique beginning of one. @throws RegisterError `REGISTER_NOT_FOUND`, `REGISTER_AMBIGUOUS`. */
  find(nameOrId: string): Promise<RegisterEntry>;
  /** As `find`, then removes it. A corrupt entry can be removed by its id. @returns the name or id that is gone. */
  remove(nameOrId: string): Promise<string>;
  /**
   * Keeps a sketch at a salt's positions beside the public one of an entry; one already there for this salt gives way.
   * @param salt its commitment.
   * @throws RegisterError `REGISTER_NOT_FOUND` when the entry is gone or another model's by now.
   */
  addSalted(entry: RegisterEntry, salt: string, sketch: Uint8Array): Promise<RegisterEntry>;
  known(options?: KnownOptions): Promise<RegisteredModels>;
}

/**
 * A folder that does not exist is an empty register; it is made when the first model is added.
 * @throws RegisterError `REGISTER_VERSION` for a register of another version, `REGISTER_UNREADABLE` when it is not a folder.
 */
export async function openRegister(dir: string, options: RegisterOptions): Promise<Register> {
  await checkFolder(dir);
  const lockOptions = options.signal ? { signal: options.signal } : {};
  const locked = <T>(work: () => Promise<T>): Promise<T> => guarded(dir, () => withLock(join(dir, 'lock'), work, lockOptions));
  const segments = new Map<string, Segment>();
  return {
    dir,
    add: (entry, sketch, { replace = false } = {}) => locked(() => addEntry(dir, options, entry, sketch, replace)),
    list: () => guarded(dir, () => readEntries(dir)),
    find: (wanted) => guarded(dir, async () => (await readNamed(dir, wanted)) ?? pick((await readEntries(dir)).entries, wanted)),
    remove: (wanted) => locked(() => removeEntry(dir, options, wanted)),
    addSalted: (entry, salt, sketch) => locked(() => addSalted(dir, options, entry, salt, sketch)),
    known: (how) => guarded(dir, () => knownModels(dir, segments, { ...(options.signal && { signal: options.signal }), ...how })),
  };
}

async function checkFolder(dir: string): Promise<void> {
  const found = await guarded(dir, () => stat(dir).catch(ignoreMissing));
  if (found && !found.isDirectory()) throw new RegisterError('REGISTER_UNREADABLE', `${dir} is not a folder`, { where: { file: dir } });
  const file = join(dir, 'register.json');
  const marker = found && (await guarded(dir, () => stat(file).catch(ignoreMissing)));
  if (!marker) return;
  // A named pipe would be waited for, a giant read whole: neither is a marker.
  const value = marker.isFile() && marker.size <= MAX_ENTRY_BYTES ? parseJson(await guarded(dir, () => readFile(file)), file) : null;
  const schema = value !== null && typeof value === 'object' && !Array.isArray(value) ? value['schema'] : undefined;
  if (schema !== SCHEMA)
    throw new RegisterError(
      'REGISTER_VERSION',
      `${dir} is a register this version of Heirloom does not know (${typeof schema === 'string' ? schema.slice(0, 60) : 'no schema'})`,
      {
        where: { file, field: 'schema' },
      },
    );
}

async function addEntry(dir: string, { now }: RegisterOptions, fresh: NewEntry, sketch: Uint8Array, replace: boolean): Promise<AddResult> {
  const digest = createHash('sha256').update(sketch).digest('hex');
  const made = makeEntry(fresh, new Date(now()).toISOString(), { sha256: digest, bytes: sketch.length });
  const { entries } = await readEntries(dir);
  const sameName = entries.find((entry) => entry.id === made.id);
  const twin = entries.find((entry) => entry.digest === made.digest && entry.id !== made.id);
  if (twin && !sameName) return { entry: twin, status: 'known-as' };
  if (sameName && sameName.digest !== made.digest && !replace)
    throw new RegisterError('REGISTER_NAME_TAKEN', `"${made.name}" is registered already, for another model (${sameName.locator})`, {
      where: { field: 'name' },
      hint: 'give this one another name with --name, or let it take the place with --replace',
    });
  const isSame = sameName?.digest === made.digest;
  const entry: RegisterEntry = isSame ? { ...made, addedAt: sameName.addedAt, ...(sameName.salted && { salted: sameName.salted }) } : made;
  const text = encodeEntry(entry);
  if (isSame && text === encodeEntry(sameName) && (await readSketch(dir, entry).catch(() => null)))
    return { entry: sameName, status: 'unchanged' };
  await writeAtomic(join(dir, 'register.json'), `${JSON.stringify({ schema: SCHEMA })}\n`);
  await writeAtomic(sketchPath(dir, digest), sketch);
  await writeAtomic(join(dir, 'models', `${entry.id}.json`), text);
  await sweepLeftovers(dir, now());
  return { entry, status: isSame ? 'updated' : sameName ? 'replaced' : 'added' };
}

async function addSalted(
  dir: string,
  { now }: RegisterOptions,
  known: RegisterEntry,
  salt: string,
  sketch: Uint8Array,
): Promise<RegisterEntry> {
  const current = await readEntry(dir, `${known.id}.json`);
  if (current?.digest !== known.digest)
    throw new RegisterError('REGISTER_NOT_FOUND', `"${known.name}" was removed or replaced meanwhile`, {
      hint: 'see `heirloom register list`',
    });
  const sha256 = createHash('sha256').update(sketch).digest('hex');
  const others = (current.salted ?? []).filter((one) => one.salt !== salt);
  const entry = { ...current, salted: [...others, { salt, sha256, bytes: sketch.length }] };
  await writeAtomic(sketchPath(dir, sha256), sketch);
  await writeAtomic(join(dir, 'models', `${entry.id}.json`), encodeEntry(entry));
  await sweepLeftovers(dir, now());
  return entry;
}

async function removeEntry(dir: string, { now }: RegisterOptions, wanted: string): Promise<string> {
  const { entries, findings } = await readEntries(dir);
  const broken = findings.map((finding) => idOf(finding.where.file)).find((id) => id === wanted);
  const gone = broken === undefined ? pick(entries, wanted) : undefined;
  await removeDurably(join(dir, 'models', `${gone?.id ?? wanted}.json`));
  const used = new Set((await readEntries(dir)).entries.flatMap(sketchesOf));
  // Deleted at once, not by the sweep: whoever removes a model wants its fingerprint gone too.
  for (const sha256 of gone ? sketchesOf(gone) : []) if (!used.has(sha256)) await removeDurably(sketchPath(dir, sha256));
  await sweepLeftovers(dir, now());
  return gone?.name ?? wanted;
}

/** The entry of just this name, without reading the others. */
async function readNamed(dir: string, name: string): Promise<RegisterEntry | null> {
  return readEntry(dir, `${entryId(name)}.json`).catch(() => null);
}

function pick(entries: readonly RegisterEntry[], wanted: string): RegisterEntry {
  const exact = entries.find((entry) => entry.name === wanted) ?? entries.find((entry) => entry.id === wanted);
  if (exact) return exact;
  const begun = wanted === '' ? [] : entries.filter((entry) => entry.name.startsWith(wanted) || entry.id.startsWith(wanted));
  const [only, ...others] = begun;
  if (!only)
    throw new RegisterError('REGISTER_NOT_FOUND', `no registered model is called "${wanted}"`, { hint: 'see `heirloom register list`' });
  if (others.length === 0) return only;
  const names = begun.slice(0, 5).map((entry) => `"${entry.name}"`);
  throw new RegisterError(
    'REGISTER_AMBIGUOUS',
    `"${wanted}" begins ${begun.length} names: ${names.join(', ')}${begun.length > 5 ? '…' : ''}`,
    {
      hint: 'give the whole name',
    },
  );
}

async function sweepLeftovers(dir: string, nowMs: number): Promise<void> {
  const { entries, findings } = await readEntries(dir);
  await sweep(dir, nowMs, () => false);
  await sweep(join(dir, 'models'), nowMs, () => false);
  await sweep(join(dir, INDEX_FOLDER), nowMs, () => false);
  // What an unreadable entry points to is unknown: then no sketch is called an orphan.
  const used = new Set(entries.flatMap(sketchesOf).map((sha256) => `${sha256}.hlsk`));
  await sweep(join(dir, 'sketches'), nowMs, (name) => findings.length === 0 && name.endsWith('.hlsk') && !used.has(name));
}

function sketchesOf(entry: RegisterEntry): string[] {
  return [entry.sketch, ...(entry.salted ?? [])].map((sketch) => sketch.sha256);
}

/** System errors (no permission, no space, not a folder) as errors of the register. */
async function guarded<T>(dir: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (error instanceof HeirloomError || !isSystemError(error)) throw error;
    throw new RegisterError('REGISTER_UNREADABLE', `the register ${dir} cannot be used: ${error.message}`, {
      where: { file: error.path ?? dir },
      cause: error,
    });
  }
}
