import { byStrength, isTie, type KnownRelation, relateKnown } from '../assess/index.ts';
import type { Finding, ReadStats, Watch } from '../base/index.ts';
import type { RelationSubject } from '../lineage/index.ts';
import { sketchOf } from './open-model.ts';
import type { Register } from './register.ts';

export interface FoundAncestors {
  readonly subject: RelationSubject;
  /** Models compared; every p-value is multiplied by the number registered. */
  readonly searched: number;
  /** Known models with a tie to the subject, strongest first. */
  readonly candidates: readonly KnownRelation[];
  /** Registered models that could not be read and were left out. */
  readonly skipped: readonly Finding[];
  readonly read: ReadStats;
}

/** Which registered models a model, or a sketch file, is tied to. @throws as reading a model does. */
export async function findAncestors(register: Register, locator: string, watch: Watch): Promise<FoundAncestors> {
  const { sketch, read } = await sketchOf(locator, watch);
  const known = await register.known();
  const candidates: KnownRelation[] = [];
  let searched = 0;
  for await (const entry of known.entries()) {
    watch.signal?.throwIfAborted();
    watch.onProgress?.({ what: 'comparing', done: searched++, total: known.count });
    const relation = relateKnown(entry, sketch, known.count);
    if (isTie(relation.verdict)) candidates.push(relation);
  }
  candidates.sort(byStrength);
  const { architecture: _a, scheme: _s, isAdapter: _i, dtype: _d, ...subject } = sketch.subject;
  return { subject, searched, candidates, skipped: known.findings, read };
}
