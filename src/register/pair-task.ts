/**
 * The two pieces of work that comparing many models is made of: describe one, relate two. Plain data in and out, for threads.
 * @module
 */
import type { ReadStats, Watch } from '../base/index.ts';
import type { Relation } from '../lineage/index.ts';
import { type Described, type JudgeOptions, judgePair } from './judge-pair.ts';
import { sketchOf } from './open-model.ts';

export type PairTask =
  | { readonly do: 'describe'; readonly locator: string }
  | { readonly do: 'relate'; readonly a: Described; readonly b: Described; readonly options: JudgeOptions };

export interface PairAnswer {
  readonly described?: Described;
  readonly relation?: Relation;
  /** What looking closer read. */
  readonly read: ReadStats;
}

export async function doPairTask(task: PairTask, watch: Watch = {}): Promise<PairAnswer> {
  if (task.do === 'relate') return judgePair(task.a, task.b, task.options, watch);
  const described = { ...(await sketchOf(task.locator, watch)), locator: task.locator };
  return { described, read: described.read };
}
