/**
 * The search index: codes of all sketches in a few flat files, so that one query reads some hundred sketches and not a million.
 *
 *     index-<versions>/<sha256>.hlix     see segment.ts
 *
 * The index is a fold of the entries and can be thrown away at any time. It belongs to the readers: whoever searches looks at the size and time
 * of every entry's file, codes what is new or changed, and writes the codes down when there are enough of them to be worth it. Writers of models
 * know nothing of it. It only proposes candidates: whatever is told of a model is read from its entry and its sketch.
 * @module
 */
import { createHash } from 'node:crypto';
import { statSync } from 'node:fs';
import { readFile, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { Finding, Watch } from '../base/index.ts';
import { decodeSketch, searchCode } from '../lineage/index.ts';
import { normalizeName } from '../model/index.ts';
import { nodeHasher } from '../sources/index.ts';
import { eachName, listFolder, writeAtomic } from './files.ts';
import {
  type CodedModel,
  decodeSegment,
  encodeSegment,
  INDEX_FOLDER,
  makeSegment,
  MAX_SEGMENT_BYTES,
  MAX_SEGMENT_MODELS,
  modelsOf,
  type Segment,
} from './segment.ts';
import { asFinding, idOf, readEntry, readSketch } from './stored.ts';

/** Fewer new models are coded again by the next search; more are written down. */
const WORTH_WRITING = 64;

export interface LiveSegment {
  /** Name of its file; '' for one that is not written. */
  readonly file: string;
  readonly segment: Segment;
  /** 1 for a model whose entry is as it was when it was coded. */
  readonly live: Uint8Array;
}

export interface SearchIndex {
  readonly segments: readonly LiveSegment[];
  /** Models in it. */
  readonly count: number;
  /** Entries and sketches that could not be read. */
  readonly findings: readonly Finding[];
}

/** @param known segments already in memory, by file name; filled by this. */
export async function openIndex(dir: string, known: Map<string, Segment>, watch: Watch = {}): Promise<SearchIndex> {
  const stored = await loadSegments(dir, known);
  const fresh = await markLive(dir, stored, watch);
  const findings: Finding[] = [];
  const made: CodedModel[] = [];
  let segments = stored;
  for (let at = 0; at < fresh.length; at++) {
    watch.signal?.throwIfAborted();
    watch.onProgress?.({ what: 'index', done: at, total: fresh.length });
    const { name, size, mtimeMs } = fresh[at]!;
    try {
      const coded = await codeModel(dir, name, size, mtimeMs);
      if (coded) made.push(coded);
    } catch (error) {
      findings.push(asFinding(error, join('models', name)));
    }
    // A first index of a large register takes hours: what is done stays done.
    if (made.length === MAX_SEGMENT_MODELS) segments = [...segments, await store(dir, made.splice(0), known)];
  }
  if (made.length >= WORTH_WRITING || stored.some((one) => isMostlyDead(one)))
    segments = await compact(dir, segments, made.splice(0), known);
  else if (made.length > 0) segments = [...segments, alive('', makeSegment(made))];
  return { segments, count: segments.reduce((sum, { live }) => sum + live.reduce((n, one) => n + one, 0), 0), findings };
}

/** Hashes of a name by which claims are looked up; whoever finds one compares the names themselves. */
export function nameHashes(name: string): { whole: number; bare: number } {
  const spelled = normalizeName(name).replace(/[\s_-]+/g, '-');
  const hash = (text: string): number => createHash('sha256').update(text).digest().readUInt32BE(0);
  return { whole: hash(spelled), bare: hash(spelled.slice(spelled.lastIndexOf('/') + 1)) };
}

async function codeModel(dir: string, file: string, size: number, mtimeMs: number): Promise<CodedModel | null> {
  const entry = await readEntry(dir, file);
  if (!entry) return null;
  const sketch = decodeSketch(await readSketch(dir, entry), join('sketches', `${entry.sketch.sha256}.hlsk`), nodeHasher);
  const { whole, bare } = nameHashes(entry.name);
  return { id: entry.id, size, mtimeMs, name: whole, bareName: bare, code: searchCode(sketch) };
}

async function loadSegments(dir: string, known: Map<string, Segment>): Promise<LiveSegment[]> {
  // Whatever is wrong with the folder: a search without an index is slower, not wrong.
  const files = (await listFolder(join(dir, INDEX_FOLDER)).catch(() => [])).filter((name) => name.endsWith('.hlix'));
  for (const file of known.keys()) if (!files.includes(file)) known.delete(file);
  const segments: LiveSegment[] = [];
  for (const file of files) {
    const segment = known.get(file) ?? (await loadSegment(join(dir, INDEX_FOLDER, file)));
    if (!segment) continue;
    known.set(file, segment);
    segments.push({ file, segment, live: new Uint8Array(segment.count) });
  }
  return segments;
}

/** Null, and the file gone, when it is damaged; null when another reader has just replaced it. */
async function loadSegment(path: string): Promise<Segment | null> {
  const found = await stat(path).catch(() => null);
  if (!found?.isFile()) return null;
  const bytes = found.size <= MAX_SEGMENT_BYTES ? await readFile(path).catch(() => null) : null;
  const segment = bytes && decodeSegment(bytes);
  // A register that may only be read keeps its damaged index, and every search makes its own.
  if (!segment) await rm(path, { force: true }).catch(() => {});
  return segment;
}

interface EntryFile {
  readonly name: string;
  readonly size: number;
  readonly mtimeMs: number;
}

/** Marks what is still as it was coded. @returns the entries' files that no segment speaks for, by name. */
async function markLive(dir: string, segments: readonly LiveSegment[], { signal }: Watch): Promise<EntryFile[]> {
  const places = new Map<string, number>();
  segments.forEach(({ segment }, s) => segment.ids.forEach((id, i) => places.set(id, s * MAX_SEGMENT_MODELS + i)));
  const fresh: EntryFile[] = [];
  for await (const name of eachName(join(dir, 'models'))) {
    signal?.throwIfAborted();
    if (!name.endsWith('.json')) continue;
    // Six times as fast as without waiting; names come in batches, between which others have their turn.
    const { size, mtimeMs } = statSync(join(dir, 'models', name), { throwIfNoEntry: false }) ?? {};
    if (size === undefined || mtimeMs === undefined) continue;
    const place = places.get(idOf(name));
    const one = place === undefined ? undefined : segments[Math.floor(place / MAX_SEGMENT_MODELS)];
    const i = (place ?? 0) % MAX_SEGMENT_MODELS;
    if (one && one.segment.stamps[2 * i] === size && one.segment.stamps[2 * i + 1] === mtimeMs) one.live[i] = 1;
    else fresh.push({ name, size, mtimeMs });
  }
  return fresh.sort((x, y) => (x.name < y.name ? -1 : 1));
}

function isMostlyDead({ live, segment }: LiveSegment): boolean {
  return live.reduce((sum, one) => sum + one, 0) * 2 < segment.count;
}

/** Puts what is new, what is not full and what is mostly gone together into new files, then removes the old ones. */
async function compact(
  dir: string,
  segments: readonly LiveSegment[],
  made: CodedModel[],
  known: Map<string, Segment>,
): Promise<LiveSegment[]> {
  const loose = segments.filter((one) => one.segment.count < MAX_SEGMENT_MODELS || isMostlyDead(one));
  const models = [...loose.flatMap(({ segment, live }) => modelsOf(segment, (i) => live[i] === 1)), ...made];
  const out = segments.filter((one) => !loose.includes(one));
  for (let at = 0; at < models.length; at += MAX_SEGMENT_MODELS)
    out.push(await store(dir, models.slice(at, at + MAX_SEGMENT_MODELS), known));
  const files = new Set(out.map((one) => one.file));
  for (const { file } of loose)
    if (!files.has(file)) {
      await rm(join(dir, INDEX_FOLDER, file), { force: true }).catch(() => {});
      known.delete(file);
    }
  return out;
}

async function store(dir: string, models: readonly CodedModel[], known: Map<string, Segment>): Promise<LiveSegment> {
  const segment = makeSegment(models);
  const bytes = encodeSegment(segment);
  const file = `${createHash('sha256').update(bytes).digest('hex').slice(0, 32)}.hlix`;
  // Without the file the search is slower, not wrong: a register may be read-only, a disk full.
  const written = await writeAtomic(join(dir, INDEX_FOLDER, file), bytes).then(
    () => true,
    () => false,
  );
  if (written) known.set(file, segment);
  return alive(written ? file : '', segment);
}

function alive(file: string, segment: Segment): LiveSegment {
  return { file, segment, live: new Uint8Array(segment.count).fill(1) };
}
