import type { FileTree, ReadStats, Watch } from '../base/index.ts';
import {
  explainWith,
  isOpen,
  lookCloser,
  type MeasureAll,
  measurePairs,
  type MergeParent,
  refineKind,
  relate,
  type Relation,
} from '../lineage/index.ts';
import type { Model } from '../model/index.ts';
import { canUseWorkers, measureByWorkers } from './delta-workers.ts';
import { sketchOf, type SketchedModel, withModel } from './open-model.ts';
import { RegisterError } from './types.ts';

export interface Comparison {
  readonly relation: Relation;
  /** What this comparison itself read; a model already sketched is not read again. */
  readonly read: ReadStats;
}

export interface CompareOptions {
  /** Read both models to the end, also over the network; else remote models are judged by their sketches, and very large local ones as far as the answer needs. */
  readonly full?: boolean;
  /** Locators of further models: other possible parents of the suspect, or an adapter that may have been merged into it. */
  readonly with?: readonly string[];
}

/** Sketches kept between pairs: at most 256 KiB each as files, about as much in memory. */
const KEPT_SKETCHES = 128;
/** Values from which starting threads pays. */
const MANY_VALUES = 64e6;
/** Parameters of both models up to which remote ones are read whole to look closer: a pair of 40 MB in half precision. */
const MANY_REMOTE_PARAMETERS = 40e6;
const NOT_READ_WHOLE =
  'the models were not read whole over the network; with --full, rotated or rearranged weights would be looked for too';
/** Stored bytes of both models up to which they are always read to the end. */
const READ_WHOLE_BYTES = 16 * 2 ** 30;

/**
 * Compares pairs of models, sketching a model once for as long as it stays among the last 128. Where sketches show shared training
 * and both models are at hand, they are laid over each other for the kind; where sketches leave the question open, they are looked at closer.
 * @param watch is handed to everything that reads.
 */
export function makeComparer(watch: Watch, options: CompareOptions = {}): (a: string, b: string) => Promise<Comparison> {
  const kept = new Map<string, SketchedModel>();
  const sketch = async (locator: string, read: ReadStats): Promise<SketchedModel> => {
    const known = kept.get(locator);
    const made = known ?? (await sketchOf(locator, watch));
    if (!known) {
      read.bytes += made.read.bytes;
      read.requests += made.read.requests;
    }
    // Last used goes last: the first key is the one to let go.
    kept.delete(locator);
    kept.set(locator, made);
    const [oldest] = kept.keys();
    if (kept.size > KEPT_SKETCHES && oldest !== undefined) kept.delete(oldest);
    return made;
  };
  return async (a, b) => {
    const read: ReadStats = { bytes: 0, requests: 0 };
    const first = await sketch(a, read);
    const second = await sketch(b, read);
    const relation = relate(first.sketch, second.sketch);
    const open = isOpen(relation, first.sketch, second.sketch);
    const remote = [a, b].some(isRemote);
    const others = options.with ?? [];
    const needed = open || others.length > 0 || (sharesTraining(relation) && (!remote || options.full === true));
    if (!first.isModel || !second.isModel || !needed) return { relation, read };
    return withModel(a, watch, (modelA, treeA) =>
      withModel(b, watch, async (modelB, treeB) => {
        const [x, y] = [
          { model: modelA, sketch: first.sketch },
          { model: modelB, sketch: second.sketch },
        ];
        // The sketches leave it open and the models are at hand: look closer first.
        const near = !remote || options.full || modelA.parameters + modelB.parameters <= MANY_REMOTE_PARAMETERS;
        let told = !open ? relation : near ? await lookCloser(relation, x, y, watch) : withLimit(relation, NOT_READ_WHOLE);
        if (sharesTraining(told) && (!remote || options.full)) {
          const measure = measureOf(a, b, modelA, modelB, remote, options, read);
          told = await refineKind(told, x, y, measure, watch);
        }
        if (others.length > 0)
          told = await withOthers(others, sketch, read, watch, (opened) =>
            explainWith(told, named(modelA, first), named(modelB, second), opened, watch),
          );
        addRead(read, treeA, treeB);
        return { relation: told, read };
      }),
    );
  };
}

function named(model: Model, { sketch }: SketchedModel): MergeParent {
  return { model, name: sketch.subject.name, digest: sketch.subject.digest };
}

/** Opens the models one inside the other, so that all are open together and all are closed. */
async function withOthers<T>(
  locators: readonly string[],
  sketch: (locator: string, read: ReadStats) => Promise<SketchedModel>,
  read: ReadStats,
  watch: Watch,
  work: (opened: readonly MergeParent[]) => Promise<T>,
  opened: readonly MergeParent[] = [],
): Promise<T> {
  const [next, ...rest] = locators;
  if (next === undefined) return work(opened);
  const made = await sketch(next, read);
  if (!made.isModel)
    throw new RegisterError('REGISTER_NO_WEIGHTS', `${next} is a sketch; another possible parent is read whole`, {
      where: { file: next },
      hint: 'give the model itself',
    });
  return withModel(next, watch, async (model, tree) => {
    const answer = await withOthers(rest, sketch, read, watch, work, [...opened, named(model, made)]);
    addRead(read, tree);
    return answer;
  });
}

function measureOf(
  a: string,
  b: string,
  modelA: Model,
  modelB: Model,
  remote: boolean,
  options: CompareOptions,
  read: ReadStats,
): MeasureAll {
  const stored = [modelA, modelB].map((model) => (model.checkpoint?.tensors ?? []).reduce((sum, tensor) => sum + tensor.bytes, 0));
  const mayStop = !options.full && stored[0]! + stored[1]! > READ_WHOLE_BYTES;
  if (remote || modelB.parameters < MANY_VALUES || !canUseWorkers()) return measurePairs(modelA, modelB, mayStop);
  return async (pairs, watch) => {
    const measured = await measureByWorkers(a, b, pairs, mayStop, watch);
    // Threads read through handles of their own: what they took is what the tensors they answered for hold.
    const bytes = new Map(
      [modelA, modelB].flatMap((model, side) => model.roles.map((rt) => [`${side}/${rt.slot}`, rt.tensor.bytes] as const)),
    );
    for (const { slotA, slotB } of measured.tensors) read.bytes += (bytes.get(`0/${slotA}`) ?? 0) + (bytes.get(`1/${slotB}`) ?? 0);
    return measured;
  };
}

function withLimit(relation: Relation, limit: string): Relation {
  return { ...relation, limits: [...relation.limits, limit] };
}

function sharesTraining({ verdict }: Relation): boolean {
  return verdict === 'derived' || verdict === 'identical';
}

function isRemote(locator: string): boolean {
  return /^(https?:|hf:)/i.test(locator);
}

function addRead(read: ReadStats, ...trees: FileTree[]): void {
  for (const { stats } of trees) {
    read.bytes += stats.bytes;
    read.requests += stats.requests;
  }
}
