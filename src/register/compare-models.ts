import type { ReadStats, Watch } from '../base/index.ts';
import { isOpen, lookCloser, relate, type Relation } from '../lineage/index.ts';
import { sketchOf, type SketchedModel, withModel } from './open-model.ts';

export interface Comparison {
  readonly relation: Relation;
  /** What this comparison itself read; a model already sketched is not read again. */
  readonly read: ReadStats;
}

/** Sketches kept between pairs: at most 256 KiB each as files, about as much in memory. */
const KEPT_SKETCHES = 128;

/**
 * Compares pairs of models, sketching a model once for as long as it stays among the last 128. Where two sketches leave the
 * question open and both models are at hand, they are read whole.
 * @param watch is handed to everything that reads.
 */
export function makeComparer(watch: Watch): (a: string, b: string) => Promise<Comparison> {
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
    if (!first.isModel || !second.isModel || !isOpen(relation, first.sketch, second.sketch)) return { relation, read };
    // The sketches leave it open and the models are at hand: open both and look closer.
    return withModel(a, watch, (modelA, treeA) =>
      withModel(b, watch, async (modelB, treeB) => {
        const closer = await lookCloser(relation, { model: modelA, sketch: first.sketch }, { model: modelB, sketch: second.sketch }, watch);
        for (const { stats } of [treeA, treeB]) {
          read.bytes += stats.bytes;
          read.requests += stats.requests;
        }
        return { relation: closer, read };
      }),
    );
  };
}
