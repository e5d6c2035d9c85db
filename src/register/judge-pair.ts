/**
 * Two models from their sketches, and, where they are at hand, from their files: looked at closer where the sketches leave the
 * question open, laid over each other for the kind where they share training.
 * @module
 */
import type { FileTree, ReadStats, Watch } from '../base/index.ts';
import { isOpen, lookCloser, type MeasureAll, measurePairs, refineKind, relate, type Relation, sharesTraining } from '../lineage/index.ts';
import type { Model } from '../model/index.ts';
import { canUseWorkers, measureByWorkers } from './delta-workers.ts';
import { type SketchedModel, withModel } from './open-model.ts';

export interface Described extends SketchedModel {
  readonly locator: string;
}

export interface JudgeOptions {
  /** Known models searched; p-values are multiplied by it. */
  readonly searched: number;
  /** `never`: sketches only; `open`: look closer where they leave the question open; `kind`: lay the two over each other for the kind too. */
  readonly closer: 'never' | 'open' | 'kind';
  /** Read both models to the end, also over the network; else remote models are judged by their sketches, and very large local ones as far as the answer needs. */
  readonly full: boolean;
  /** Whether large files may be read by threads of their own. */
  readonly threads: boolean;
}

/** Values from which starting threads pays. */
const MANY_VALUES = 64e6;
/** Parameters of both models up to which remote ones are read whole to look closer: a pair of 40 MB in half precision. */
const MANY_REMOTE_PARAMETERS = 40e6;
/** Stored bytes of both models up to which they are always read to the end. */
const READ_WHOLE_BYTES = 16 * 2 ** 30;
const NOT_READ_WHOLE =
  'the models were not read whole over the network; with --full, rotated or rearranged weights would be looked for too';

/** @returns the relation, and what looking closer read. @throws SourceError, WeightsError when bytes cannot be had. */
export async function judgePair(
  a: Described,
  b: Described,
  { searched, closer, full, threads }: JudgeOptions,
  watch: Watch,
): Promise<{ relation: Relation; read: ReadStats }> {
  const read: ReadStats = { bytes: 0, requests: 0 };
  const relation = relate(a.sketch, b.sketch, { searched });
  const open = isOpen(relation, a.sketch, b.sketch);
  const remote = [a, b].some(({ locator }) => /^(https?:|hf:)/i.test(locator));
  const wantsKind = closer === 'kind' && (!remote || full);
  const needed = closer !== 'never' && (open || (wantsKind && sharesTraining(relation.verdict)));
  if (!a.isModel || !b.isModel || !needed) return { relation, read };
  return withModel(a.locator, watch, (modelA, treeA) =>
    withModel(b.locator, watch, async (modelB, treeB) => {
      const [x, y] = [
        { model: modelA, sketch: a.sketch },
        { model: modelB, sketch: b.sketch },
      ];
      const near = !remote || full || modelA.parameters + modelB.parameters <= MANY_REMOTE_PARAMETERS;
      const limited = { ...relation, limits: [...relation.limits, NOT_READ_WHOLE] };
      let told = !open ? relation : near ? await lookCloser(relation, x, y, watch) : limited;
      if (wantsKind && sharesTraining(told.verdict)) {
        const mayStop = !full && storedBytes(modelA) + storedBytes(modelB) > READ_WHOLE_BYTES;
        const byThreads = threads && !remote && modelB.parameters >= MANY_VALUES && canUseWorkers();
        const measure = byThreads
          ? measureThreaded(a.locator, b.locator, modelA, modelB, mayStop, read)
          : measurePairs(modelA, modelB, mayStop);
        told = await refineKind(told, x, y, measure, watch);
      }
      addRead(read, treeA, treeB);
      return { relation: told, read };
    }),
  );
}

function measureThreaded(a: string, b: string, modelA: Model, modelB: Model, mayStop: boolean, read: ReadStats): MeasureAll {
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

function storedBytes(model: Model): number {
  return (model.checkpoint?.tensors ?? []).reduce((sum, tensor) => sum + tensor.bytes, 0);
}

export function addRead(read: ReadStats, ...trees: FileTree[]): void {
  for (const { stats } of trees) {
    read.bytes += stats.bytes;
    read.requests += stats.requests;
  }
}
