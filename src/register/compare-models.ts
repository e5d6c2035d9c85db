import type { ReadStats, Watch } from '../base/index.ts';
import type { Relation } from '../lineage/index.ts';
import { type Described, doPairTask, type PairAnswer, type PairTask } from './pair-task.ts';
import { makePool, type Pool } from './pool.ts';

export interface Comparison {
  readonly relation: Relation;
  /** What this comparison itself read; a model already sketched is not read again. */
  readonly read: ReadStats;
}

export interface Comparer {
  /** Comparisons that run at once. */
  readonly jobs: number;
  readonly compare: (a: string, b: string) => Promise<Comparison>;
  readonly close: () => Promise<void>;
}

/** Sketches kept between pairs: at most 256 KiB each as files, about as much in memory. */
const KEPT_SKETCHES = 128;

/**
 * Compares pairs of models, sketching a model once (by whichever thread is free; handing a sketch to another thread takes .2 ms, making one 200 and more) for as long as it stays among the last 128. Where two sketches leave the
 * question open and both models are at hand, they are read whole.
 * @param watch is handed to everything that reads in this thread; with several jobs only its signal counts.
 * @param jobs worker threads at most; 1 does everything in this thread.
 */
export function makeComparer(watch: Watch, jobs: number = 1): Comparer {
  const pool = makePairPool(watch, jobs);
  const kept = new Map<string, Promise<Described>>();
  const describe = (locator: string): { made: Promise<Described>; isFirst: boolean } => {
    const known = kept.get(locator);
    const made = known ?? pool.run({ do: 'describe', locator }).then((answer) => answer.described!);
    // Last used goes last: the first key is the one to let go.
    kept.delete(locator);
    kept.set(locator, made);
    const [oldest] = kept.keys();
    if (kept.size > KEPT_SKETCHES && oldest !== undefined) kept.delete(oldest);
    // What failed is tried anew by the next pair: a server may be back.
    if (!known) made.catch(() => kept.get(locator) === made && kept.delete(locator));
    return { made, isFirst: known === undefined };
  };
  const compare = async (a: string, b: string): Promise<Comparison> => {
    // Whoever asks first counts what was read: the order of asking, not of threads, decides.
    const asked = [describe(a), describe(b)] as const;
    const [first, second] = await Promise.allSettled([asked[0].made, asked[1].made]);
    if (first.status === 'rejected') throw first.reason;
    if (second.status === 'rejected') throw second.reason;
    const { relation, read } = await pool.run({ do: 'relate', a: first.value, b: second.value, searched: 1, closer: 'open' });
    for (const [i, { read: made }] of [first.value, second.value].entries())
      if (asked[i]!.isFirst) {
        read.bytes += made.bytes;
        read.requests += made.requests;
      }
    return { relation: relation!, read };
  };
  return { jobs: pool.jobs, compare, close: () => pool.close() };
}

/** Threads that describe and relate models. */
export function makePairPool(watch: Watch, jobs?: number): Pool<PairTask, PairAnswer> {
  // Beside this file: in `dist/` a script a thread can load, from the sources one that it cannot.
  const beside = import.meta.url.endsWith('.ts') ? './pair-worker.ts' : './pair-worker.js';
  return makePool<PairTask, PairAnswer>({
    worker: new URL(beside, import.meta.url),
    here: (task) => doPairTask(task, watch),
    ...(jobs !== undefined && { jobs }),
    ...(watch.signal && { signal: watch.signal }),
  });
}
