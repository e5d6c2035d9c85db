/**
 * The registered models that one suspect is held against: all of a small register, the candidates of a large one.
 * @module
 */
import { join } from 'node:path';
import type { KnownQuery } from '../assess/index.ts';
import type { Finding, Watch } from '../base/index.ts';
import { decodeSketch, searchCode, type Sketch } from '../lineage/index.ts';
import { sameName } from '../model/index.ts';
import { nodeHasher } from '../sources/index.ts';
import { type Candidate, correlationAt, findCandidates, findNamed, isSure } from './candidates.ts';
import { openIndex, type SearchIndex } from './search-index.ts';
import type { Segment } from './segment.ts';
import { asFinding, hasMoreEntries, readEntries, readEntry, readSketch } from './stored.ts';
import type { RegisterEntry, StoredSketch } from './types.ts';

/** Up to here every sketch is read and compared: it takes seconds, and nothing is passed over. */
const COMPARE_ALL = 1000;

export interface KnownOptions extends Watch {
  /** Sketches of which salt are compared, by its commitment; '' for the public ones. */
  readonly salt?: string;
  /** Registers of up to so many models are compared whole. */
  readonly compareAll?: number;
}

export interface KnownEntry {
  readonly record: RegisterEntry;
  readonly sketch: Sketch;
}

/** The models one check is held against; structurally what the assessment asks for. */
export interface RegisteredModels {
  /** Models registered, and so the number that p-values are corrected for. */
  readonly count: number;
  /** Grows while `entries` runs: one for each model that could not be read and was left out. */
  readonly findings: readonly Finding[];
  /** Grows while `entries` runs: what the search did not look at. */
  readonly limits: readonly string[];
  /**
   * Each sketch read and decoded when its turn comes: with a query to a large register the candidates, nearest first, else all by name.
   */
  entries(query?: KnownQuery): AsyncIterable<KnownEntry>;
}

/** @param segments of the index, kept from one search to the next. */
export async function knownModels(dir: string, segments: Map<string, Segment>, options: KnownOptions): Promise<RegisteredModels> {
  const { salt = '', compareAll = COMPARE_ALL } = options;
  // Salted sketches are few and made for a dispute: they are compared one by one.
  if (salt !== '' || !(await hasMoreEntries(dir, compareAll))) return allModels(dir, salt);
  return indexedModels(dir, await openIndex(dir, segments, options));
}

async function allModels(dir: string, salt: string): Promise<RegisteredModels> {
  const { entries, findings: broken } = await readEntries(dir);
  const findings = [...broken];
  const limits: string[] = [];
  const without = salt === '' ? 0 : entries.filter((entry) => !sketchWith(entry, salt)).length;
  if (without > 0) limits.push(`${without} of ${entries.length} registered models have no sketch of this salt and were not compared`);
  return {
    count: entries.length,
    findings,
    limits,
    async *entries() {
      for (const record of entries) {
        const stored = sketchWith(record, salt);
        const sketch = stored && (await readOne(dir, record, stored, findings));
        if (sketch) yield { record, sketch };
      }
    },
  };
}

function indexedModels(dir: string, index: SearchIndex): RegisteredModels {
  const findings = [...index.findings];
  const limits: string[] = [];
  return {
    count: index.count,
    findings,
    limits,
    async *entries(query) {
      if (!query) return yield* (await allModels(dir, '')).entries();
      const { candidates, leastScore, unseen } = findCandidates(index, searchCode(query.sketch));
      const seen = new Set<string>();
      const named: string[] = [...query.bases];
      const read = async (candidate: Candidate, wanted?: readonly string[]): Promise<KnownEntry | null> => {
        if (seen.has(candidate.id)) return null;
        const record = await readEntry(dir, `${candidate.id}.json`).catch((error: unknown) => keep(findings, error, candidate.id));
        if (!record || (wanted && !wanted.some((name) => sameName(name, record.name)))) return null;
        seen.add(candidate.id);
        const sketch = await readOne(dir, record, record.sketch, findings);
        return sketch && { record, sketch };
      };
      for (const candidate of candidates) {
        const one = await read(candidate);
        if (!one) continue;
        if (isSure(candidate)) named.push(...(one.record.baseModels ?? []));
        yield one;
      }
      for (const candidate of findNamed(index, [...new Set(named)])) {
        const one = await read(candidate, named);
        if (one) yield one;
      }
      limits.push(
        `${seen.size} of ${index.count} registered models were tested: those whose search codes come nearest, hold equal tensors or are named as bases; ` +
          `weights shared throughout with a correlation of ${correlationAt(leastScore).toFixed(2)} are passed over in half of the cases, stronger ties less often`,
      );
      if (unseen > 0)
        limits.push(
          `${unseen} more models agree as clearly as those tested; near relatives of a model that has very many are not all told`,
        );
    },
  };
}

function sketchWith(entry: RegisterEntry, salt: string): StoredSketch | undefined {
  return salt === '' ? entry.sketch : entry.salted?.find((one) => one.salt === salt);
}

async function readOne(dir: string, record: RegisterEntry, stored: StoredSketch, findings: Finding[]): Promise<Sketch | null> {
  try {
    return decodeSketch(await readSketch(dir, record, stored), join('sketches', `${stored.sha256}.hlsk`), nodeHasher);
  } catch (error) {
    return keep(findings, error, record.id);
  }
}

function keep(findings: Finding[], error: unknown, id: string): null {
  findings.push(asFinding(error, join('models', `${id}.json`)));
  return null;
}
