import type { AncestorRecord } from '../assess/index.ts';
import type { Finding, ReadStats, Watch } from '../base/index.ts';
import { relate, type Relation, type RelationSubject, type Verdict } from '../lineage/index.ts';
import { sketchOf } from './open-model.ts';
import type { Register } from './register.ts';

export interface FoundAncestors {
  readonly subject: RelationSubject;
  /** Models compared; every p-value is multiplied by the number registered. */
  readonly searched: number;
  /** Known models with a tie to the subject, strongest first. */
  readonly candidates: readonly (Relation & { readonly ancestor: AncestorRecord })[];
  /** Registered models that could not be read and were left out. */
  readonly skipped: readonly Finding[];
  readonly read: ReadStats;
}

/** Strongest first; verdicts that show no tie are not candidates. */
const TIES: readonly Verdict[] = ['identical', 'derived', 'shared-origin', 'common-initialization'];

/** Which registered models a model, or a sketch file, is tied to. @throws as reading a model does. */
export async function findAncestors(register: Register, locator: string, watch: Watch): Promise<FoundAncestors> {
  const { sketch, read } = await sketchOf(locator, watch);
  const known = await register.known();
  const candidates: (Relation & { ancestor: AncestorRecord })[] = [];
  let searched = 0;
  for await (const { record, sketch: other } of known.entries()) {
    watch.signal?.throwIfAborted();
    watch.onProgress?.({ what: 'comparing', done: searched++, total: known.count });
    const relation = relate(other, sketch, { searched: known.count });
    if (TIES.includes(relation.verdict)) candidates.push({ ...relation, ancestor: record });
  }
  candidates.sort(
    (x, y) =>
      TIES.indexOf(x.verdict) - TIES.indexOf(y.verdict) ||
      (x.kind.relativeChange ?? Infinity) - (y.kind.relativeChange ?? Infinity) ||
      (x.log10PAdjusted ?? 0) - (y.log10PAdjusted ?? 0) ||
      (x.ancestor.name < y.ancestor.name ? -1 : 1),
  );
  const { architecture: _a, scheme: _s, isAdapter: _i, dtype: _d, ...subject } = sketch.subject;
  return { subject, searched, candidates, skipped: known.findings, read };
}
