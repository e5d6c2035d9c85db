/**
 * One graph with its context, as the rules look at it.
 * @module
 */
import type { Term } from '../terms/types.ts';
import type { Book, License } from './book.ts';
import { seenOf } from './duties.ts';
import type { Reach } from './reach.ts';
import { bears } from './terms.ts';
import type { Context, LicenseGraph, LicenseNode, Seen } from './types.ts';

/** Lists that rules name, from catalog/rules.json. */
export interface RuleLists {
  /** By license id: ids that a changed version may be put under instead. */
  readonly shareAlikeCompatible: Readonly<Record<string, readonly string[]>>;
}

export interface Scene {
  readonly graph: LicenseGraph;
  readonly context: Context;
  readonly book: Book;
  readonly reaches: readonly Reach[];
  /** Licenses the subject itself states. */
  readonly declared: readonly License[];
  readonly lists: RuleLists;
}

/** A license that reaches the subject and, for rules about two, the other. */
export interface Here {
  readonly reach: Reach;
  readonly other?: Reach;
}

export const subjectOf = (scene: Scene): LicenseNode => scene.graph.nodes[scene.graph.subject]!;
export const nameOf = (scene: Scene): string => subjectOf(scene).name ?? scene.graph.subject;

export const isSame = (scene: Scene, a: License, b: License): boolean => scene.book.same(a.id, b.id);

/** Newer licenses of the same work, one after another. */
export function successorsOf(license: License, book: Book): License[] {
  const out: License[] = [];
  let next = license.record?.supersededBy;
  // A chain of versions is short; a broken record may loop. (CWE-835)
  for (let i = 0; next !== undefined && i < 10; i++) {
    const one = book.license(next);
    if (out.includes(one) || one === license) break;
    out.push(one);
    next = one.record?.supersededBy;
  }
  return out;
}

/** The subject states a later license of the same work, and nobody knows from which revision it was made. */
export function isMovedOn(scene: Scene, reach: Reach): boolean {
  if (reach.relation === 'own') return false;
  const revision = scene.graph.nodes[reach.node]?.revision;
  if (revision !== undefined) return false;
  const declared = scene.declared;
  if (declared.some((own) => isSame(scene, own, reach.license))) return false;
  return successorsOf(reach.license, scene.book).some((next) => declared.some((own) => isSame(scene, own, next)));
}

export function seenHere(scene: Scene, reach: Reach, term: Term): Seen {
  return seenOf(term, reach, subjectOf(scene), nameOf(scene), scene.context);
}

/** Duties of one license by term, with whether they apply and what is seen. */
export function dutiesHere(scene: Scene, reach: Reach, wanted: readonly string[]): { term: Term; applies: 'yes' | 'if'; seen: Seen }[] {
  return reach.license.terms
    .filter((term) => wanted.includes(term.term))
    .flatMap((term) => {
      const { value } = bears(term, reach, scene.context);
      if (value === 'no') return [];
      const seen = seenHere(scene, reach, term);
      // A licensor is not bound by its own license, and files do not say who that is.
      const isOwn = reach.relation === 'own' && seen.status === 'unmet';
      return [{ term, applies: value, seen: isOwn ? { status: 'unknown' as const, satisfiedBy: '' } : seen }];
    });
}
