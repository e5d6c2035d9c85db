/**
 * The register on disk. The files are the truth; there is no index to rebuild.
 *
 *     register.json           {"schema": "heirloom-register/1"}
 *     models/<id>.json        one entry; its appearing or changing is the moment a model is registered
 *     sketches/<sha256>.hlsk  named by content, written before the entry that points to it
 *     lock                    while somebody writes
 *
 * Readers take no lock: an entry is replaced whole by a rename, and points to a sketch that never changes.
 * @module
 */
import { createHash } from 'node:crypto';
import { readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { type Finding, HeirloomError, parseJson } from '../base/index.ts';
import { decodeSketch, MAX_SKETCH_BYTES, type Sketch } from '../lineage/index.ts';
import { nodeHasher } from '../sources/index.ts';
import { decodeEntry, encodeEntry, makeEntry, MAX_ENTRY_BYTES } from './entry.ts';
import { listFolder, removeDurably, sweep, writeAtomic } from './files.ts';
import { withLock } from './lock.ts';
import { type AddResult, type NewEntry, type RegisterEntry, RegisterError, type RegisterListing } from './types.ts';

const SCHEMA = 'heirloom-register/1';

export interface RegisterOptions {
  /** Milliseconds since 1970, for `addedAt` and the age of leftovers. */
  readonly now: () => number;
  readonly signal?: AbortSignal;
}

/** The models one check is held against; structurally what the assessment asks for. */
export interface RegisteredModels {
  readonly count: number;
  /** Grows while `entries` runs: one for each model that could not be read and was left out. */
  readonly findings: readonly Finding[];
  /** In order of name, each sketch read and decoded when its turn comes. */
  entries(): AsyncIterable<{ readonly record: RegisterEntry; readonly sketch: Sketch }>;
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
  known(): Promise<RegisteredModels>;
}

/**
 * A folder that does not exist is an empty register; it is made when the first model is added.
 * @throws RegisterError `REGISTER_VERSION` for a register of another version, `REGISTER_UNREADABLE` when it is not a folder.
 */
export async function openRegister(dir: string, options: RegisterOptions): Promise<Register> {
  await checkFolder(dir);
  const lockOptions = options.signal ? { signal: options.signal } : {};
  const locked = <T>(work: () => Promise<T>): Promise<T> => guarded(dir, () => withLock(join(dir, 'lock'), work, lockOptions));
  return {
    dir,
    add: (entry, sketch, { replace = false } = {}) => locked(() => addEntry(dir, options, entry, sketch, replace)),
    list: () => guarded(dir, () => readEntries(dir)),
    find: (wanted) => guarded(dir, async () => pick((await readEntries(dir)).entries, wanted)),
    remove: (wanted) => locked(() => removeEntry(dir, options, wanted)),
    known: () => guarded(dir, () => knownModels(dir)),
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
  const entry: RegisterEntry = isSame ? { ...made, addedAt: sameName.addedAt } : made;
  const text = encodeEntry(entry);
  if (isSame && text === encodeEntry(sameName) && (await readSketch(dir, entry).catch(() => null)))
    return { entry: sameName, status: 'unchanged' };
  await writeAtomic(join(dir, 'register.json'), `${JSON.stringify({ schema: SCHEMA })}\n`);
  await writeAtomic(sketchPath(dir, digest), sketch);
  await writeAtomic(join(dir, 'models', `${entry.id}.json`), text);
  await sweepLeftovers(dir, now());
  return { entry, status: isSame ? 'updated' : sameName ? 'replaced' : 'added' };
}

async function removeEntry(dir: string, { now }: RegisterOptions, wanted: string): Promise<string> {
  const { entries, findings } = await readEntries(dir);
  const broken = findings.map((finding) => idOf(finding.where.file)).find((id) => id === wanted);
  const gone = broken === undefined ? pick(entries, wanted) : undefined;
  await removeDurably(join(dir, 'models', `${gone?.id ?? wanted}.json`));
  const rest = (await readEntries(dir)).entries;
  // Deleted at once, not by the sweep: whoever removes a model wants its fingerprint gone too.
  if (gone && !rest.some((entry) => entry.sketch.sha256 === gone.sketch.sha256)) await removeDurably(sketchPath(dir, gone.sketch.sha256));
  await sweepLeftovers(dir, now());
  return gone?.name ?? wanted;
}

async function readEntries(dir: string): Promise<RegisterListing> {
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
async function readEntry(dir: string, name: string): Promise<RegisterEntry | null> {
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

async function readSketch(dir: string, entry: RegisterEntry): Promise<Uint8Array> {
  const path = sketchPath(dir, entry.sketch.sha256);
  const file = join('sketches', `${entry.sketch.sha256}.hlsk`);
  const corrupt = (what: string): RegisterError =>
    new RegisterError('REGISTER_CORRUPT', `the sketch of "${entry.name}" ${what}`, { where: { file }, hint: 'register the model again' });
  const found = await stat(path).catch(ignoreMissing);
  if (!found) throw corrupt('is missing');
  if (!found.isFile() || found.size > MAX_SKETCH_BYTES || found.size !== entry.sketch.bytes)
    throw corrupt(`has ${found.size} bytes, not ${entry.sketch.bytes}`);
  const bytes = await readFile(path);
  if (createHash('sha256').update(bytes).digest('hex') !== entry.sketch.sha256) throw corrupt('has changed since it was registered');
  return bytes;
}

async function knownModels(dir: string): Promise<RegisteredModels> {
  const { entries, findings: broken } = await readEntries(dir);
  const findings = [...broken];
  return {
    count: entries.length,
    findings,
    async *entries() {
      for (const record of entries) {
        let sketch: Sketch;
        try {
          sketch = decodeSketch(await readSketch(dir, record), join('sketches', `${record.sketch.sha256}.hlsk`), nodeHasher);
        } catch (error) {
          findings.push(asFinding(error, join('models', `${record.id}.json`)));
          continue;
        }
        yield { record, sketch };
      }
    },
  };
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
  // What an unreadable entry points to is unknown: then no sketch is called an orphan.
  const used = new Set(entries.map((entry) => `${entry.sketch.sha256}.hlsk`));
  await sweep(join(dir, 'sketches'), nowMs, (name) => findings.length === 0 && name.endsWith('.hlsk') && !used.has(name));
}

function asFinding(error: unknown, file: string): Finding {
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

function isSystemError(error: unknown): error is NodeJS.ErrnoException {
  return error instanceof Error && typeof (error as NodeJS.ErrnoException).syscall === 'string';
}

function ignoreMissing(error: NodeJS.ErrnoException): null {
  if (error.code === 'ENOENT') return null;
  throw error;
}

function idOf(file: string | undefined): string {
  return (file ?? '').replace(/^.*[\\/]/, '').replace(/\.json$/, '');
}

function sketchPath(dir: string, sha256: string): string {
  return join(dir, 'sketches', `${sha256}.hlsk`);
}
