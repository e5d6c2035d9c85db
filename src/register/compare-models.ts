import { HeirloomError, type ReadStats, type Watch } from '../base/index.ts';
import { explainWith, type MergeParent, type Relation } from '../lineage/index.ts';
import { addRead, type Described } from './judge-pair.ts';
import { withModel } from './open-model.ts';
import { doPairTask, type PairAnswer, type PairTask } from './pair-task.ts';
import { makePool, type Pool } from './pool.ts';
import { RegisterError } from './types.ts';

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

export interface CompareOptions {
  /** Worker threads at most; 1, the default, does everything in this thread. */
  readonly jobs?: number;
  /** Read both models to the end, also over the network; see `JudgeOptions`. */
  readonly full?: boolean;
  /** Locators of further models: other possible parents of the suspect, or an adapter that may have been merged into it. */
  readonly with?: readonly string[];
}

/**
 * Compares pairs of models, sketching a model once, by whichever thread is free, for as long as it stays among the last 128.
 * Where both models are at hand they are opened as `judgePair` says.
 * @param watch is handed to everything that reads in this thread; with several jobs only its signal counts.
 */
export function makeComparer(watch: Watch, options: CompareOptions = {}): Comparer {
  const { jobs = 1, full = false, with: others = [] } = options;
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
    if (first.status === 'rejected') throw ofModel('first model', a, first.reason);
    if (second.status === 'rejected') throw ofModel('second model', b, second.reason);
    const judge = { searched: 1, closer: 'kind' as const, full, threads: jobs === 1 };
    const { relation, read } = await pool.run({ do: 'relate', a: first.value, b: second.value, options: judge });
    for (const [i, { read: made }] of [first.value, second.value].entries())
      if (asked[i]!.isFirst) {
        read.bytes += made.bytes;
        read.requests += made.requests;
      }
    if (others.length === 0 || !first.value.isModel || !second.value.isModel) return { relation: relation!, read };
    const more = await Promise.all(others.map((locator) => describe(locator).made));
    return { relation: await toldWith(relation!, first.value, second.value, more, read, watch), read };
  };
  return { jobs: pool.jobs, compare, close: () => pool.close() };
}

/** Says which of the two could not be read: files in folders often have the same name. */
function ofModel(which: string, locator: string, error: unknown): unknown {
  if (!(error instanceof HeirloomError)) return error;
  const { code, message, where, hint } = error;
  return new HeirloomError(code, `${which} (${locator}): ${message}`, {
    ...(where && { where }),
    ...(hint !== undefined && { hint }),
    cause: error,
  });
}

/** The relation with further models at hand; all are open together, and closed. */
async function toldWith(
  relation: Relation,
  a: Described,
  b: Described,
  others: readonly Described[],
  read: ReadStats,
  watch: Watch,
): Promise<Relation> {
  const sketched = others.find((other) => !other.isModel);
  if (sketched)
    throw new RegisterError('REGISTER_NO_WEIGHTS', `${sketched.locator} is a sketch; another possible parent is read whole`, {
      where: { file: sketched.locator },
      hint: 'give the model itself',
    });
  const open = async (left: readonly Described[], opened: readonly MergeParent[]): Promise<Relation> => {
    const [next, ...rest] = left;
    if (!next) return explainWith(relation, opened[0]!, opened[1]!, opened.slice(2), watch);
    return withModel(next.locator, watch, async (model, tree) => {
      const { name, digest } = next.sketch.subject;
      const answer = await open(rest, [...opened, { model, name, digest }]);
      addRead(read, tree);
      return answer;
    });
  };
  return open([a, b, ...others], []);
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
