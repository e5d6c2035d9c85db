/**
 * The two pieces of work that comparing many models is made of: describe one, relate two. Plain data in and out, for threads.
 * @module
 */
import type { ReadStats, Watch } from '../base/index.ts';
import { isOpen, lookCloser, relate, type Relation } from '../lineage/index.ts';
import { sketchOf, type SketchedModel, withModel } from './open-model.ts';

export interface Described extends SketchedModel {
  readonly locator: string;
}

export type PairTask =
  | { readonly do: 'describe'; readonly locator: string }
  | {
      readonly do: 'relate';
      readonly a: Described;
      readonly b: Described;
      readonly searched: number;
      /** `open`: look closer where the sketches leave the question open; `never`: sketches only. */
      readonly closer: 'open' | 'never';
    };
export interface PairAnswer {
  readonly described?: Described;
  readonly relation?: Relation;
  /** What looking closer read. */
  readonly read: ReadStats;
}

export async function doPairTask(task: PairTask, watch: Watch = {}): Promise<PairAnswer> {
  if (task.do === 'describe') {
    const described = { ...(await sketchOf(task.locator, watch)), locator: task.locator };
    return { described, read: described.read };
  }
  const { a, b, searched } = task;
  const relation = relate(a.sketch, b.sketch, { searched });
  const read: ReadStats = { bytes: 0, requests: 0 };
  if (task.closer === 'never' || !a.isModel || !b.isModel || !isOpen(relation, a.sketch, b.sketch)) return { relation, read };
  // The sketches leave it open and the models are at hand: open both and look closer.
  return withModel(a.locator, watch, (modelA, treeA) =>
    withModel(b.locator, watch, async (modelB, treeB) => {
      const closer = await lookCloser(relation, { model: modelA, sketch: a.sketch }, { model: modelB, sketch: b.sketch }, watch);
      for (const { stats } of [treeA, treeB]) {
        read.bytes += stats.bytes;
        read.requests += stats.requests;
      }
      return { relation: closer, read };
    }),
  );
}
