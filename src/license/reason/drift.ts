/**
 * What became of each ancestor's license in what the subject states. Facts only.
 * @module
 */
import { kindRank } from '../catalog.ts';
import type { Drift, LicenseKind } from '../types.ts';
import { isDistributed } from './context.ts';
import { successorsOf, isSame, type Scene, subjectOf } from './scene.ts';
import type { Reach } from './reach.ts';
import type { Because, Cite, PathStep, Relation, RuleHit } from './types.ts';

/** Kinds whose label may be exchanged with little loss, as long as notices stay. */
const PERMISSIVE_RANK = kindRank('attribution');

export interface DriftFact {
  readonly kind: Drift['kind'];
  readonly ancestor: string;
  readonly because: Because;
  /** Ids that bind the ancestor. */
  readonly from: readonly string[];
  /** Ids the subject states; empty for none. */
  readonly to: readonly string[];
  readonly path: readonly PathStep[];
  readonly relation: Relation;
  /** Rules that say so, and their clauses. */
  readonly rules: readonly string[];
  readonly cites: readonly Cite[];
  /** Licenses of its own part that are not stated here, where a stricter one above it is. */
  readonly ownPartOnly?: readonly string[];
  /** The ancestor's license was later exchanged for what is stated here: it depends on the revision. */
  readonly dependsOnRevision?: true;
  /** Which side asks for more cannot be told. */
  readonly unsure?: true;
}

/** One answer for each ancestor whose license reaches the subject as material, nearest first. */
export function driftOf(scene: Scene, hits: readonly RuleHit[]): DriftFact[] {
  // What nobody is given carries no label.
  if (isDistributed(scene.context).value === 'no') return [];
  const subject = subjectOf(scene);
  if (subject.yours && scene.declared.length === 0) return [];
  const declared = scene.declared;
  const mentions = (subject.mentions ?? []).map((id) => scene.book.license(id));
  const to = declared.map((own) => own.id);
  const isStated = ({ license }: Reach): boolean => [...declared, ...mentions].some((own) => isSame(scene, own, license));
  return [...groupByNode(scene.reaches)].map(([node, reaches]) => {
    const missing = reaches.filter((reach) => !isStated(reach));
    const told = hits.filter((hit) => hit.model === node && hit.holds !== 'no' && (hit.severity === 'drift' || hit.group === 'relabel'));
    const { path, relation } = reaches[0]!;
    const common = {
      ancestor: node,
      because: path.some((step) => step.because === 'claimed') ? ('claimed' as const) : path[0]!.because,
      from: reaches.map((reach) => reach.license.id),
      to,
      path,
      relation,
      rules: told.map((hit) => hit.rule),
      cites: told.flatMap((hit) => hit.cites).slice(0, 6),
    };
    if (missing.length === 0) return { ...common, kind: 'kept' as const };
    if (declared.length === 0 && mentions.length === 0) return { ...common, kind: 'dropped' as const };
    // What a model between them put on its own part, where what stands above it is kept: its notices are a duty, the label holds.
    const isLight = missing.every(({ license }) => kindRank(license.kind) <= PERMISSIVE_RANK);
    const keepsOther = scene.reaches.some(
      (reach) => reach.relation !== 'own' && reach.node !== node && kindRank(reach.license.kind) > PERMISSIVE_RANK && isStated(reach),
    );
    if (isLight && keepsOther) return { ...common, kind: 'kept' as const, ownPartOnly: missing.map(({ license }) => license.id) };
    const before = strictest(missing.map((reach) => reach.license.kind));
    const after = strictest(declared.map((own) => own.kind));
    const moved = missing.some(({ license }) =>
      successorsOf(license, scene.book).some((next) => declared.some((own) => isSame(scene, own, next))),
    );
    return {
      ...common,
      kind: compare(before, after),
      ...(moved && { dependsOnRevision: true as const }),
      ...((before === 'unknown' || after === 'unknown') && { unsure: true as const }),
    };
  });
}

function groupByNode(reaches: readonly Reach[]): Map<string, Reach[]> {
  const out = new Map<string, Reach[]>();
  for (const reach of reaches)
    if (reach.relation !== 'own' && reach.relation !== 'outputs') out.set(reach.node, [...(out.get(reach.node) ?? []), reach]);
  return out;
}

export function strictest(kinds: readonly LicenseKind[]): LicenseKind {
  return (
    kinds.reduce<LicenseKind | undefined>(
      (worst, kind) => (worst === undefined || kindRank(kind) > kindRank(worst) ? kind : worst),
      undefined,
    ) ?? 'unknown'
  );
}

function compare(from: LicenseKind, to: LicenseKind): Drift['kind'] {
  if (from === 'unknown' || to === 'unknown') return 'relabelled';
  const [before, after] = [kindRank(from), kindRank(to)];
  if (after < before && before > PERMISSIVE_RANK) return 'loosened';
  return after > before && after > PERMISSIVE_RANK ? 'tightened' : 'relabelled';
}
