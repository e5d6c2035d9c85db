import { byStrength, isTie, type KnownRelation, relateKnown } from '../assess/index.ts';
import type { Finding, ReadStats } from '../base/index.ts';
import type { RelationSubject } from '../lineage/index.ts';
import { type SketchingOptions, sketchOf } from './open-model.ts';
import type { Register } from './register.ts';

export interface FoundAncestors {
  readonly subject: RelationSubject;
  /** Models registered; every p-value is multiplied by it. */
  readonly searched: number;
  /** Of those, how many were compared: in a large register the candidates of the search index, see `limits`. */
  readonly compared: number;
  /** Known models with a tie to the subject, strongest first. */
  readonly candidates: readonly KnownRelation[];
  /** What was not looked at. */
  readonly limits: readonly string[];
  /** Registered models that could not be read and were left out. */
  readonly skipped: readonly Finding[];
  readonly read: ReadStats;
}

/**
 * Which registered models a model, or a sketch file, is tied to.
 * @param options.salt compares the sketches of that salt instead of the public ones; a salted sketch file brings its own.
 * @throws as reading a model does.
 */
export async function findAncestors(register: Register, locator: string, options: SketchingOptions): Promise<FoundAncestors> {
  const { sketch, read, claims } = await sketchOf(locator, options);
  const known = await register.known({ ...options, salt: sketch.salt });
  const candidates: KnownRelation[] = [];
  let compared = 0;
  for await (const entry of known.entries({ sketch, bases: claims.map(({ value }) => value) })) {
    options.signal?.throwIfAborted();
    options.onProgress?.({ what: 'comparing', done: compared++, total: known.count });
    const relation = relateKnown(entry, sketch, known.count);
    if (isTie(relation.verdict)) candidates.push(relation);
  }
  candidates.sort(byStrength);
  const { architecture: _a, scheme: _s, isAdapter: _i, dtype: _d, ...subject } = sketch.subject;
  return { subject, searched: known.count, compared, candidates, limits: known.limits, skipped: known.findings, read };
}
