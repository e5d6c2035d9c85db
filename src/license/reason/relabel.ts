/**
 * Whether what the subject declares still carries what an ancestor's license hands on.
 * @module
 */
import type { License } from './book.ts';
import type { Reach } from './reach.ts';
import { isSame, type Scene } from './scene.ts';
import { fact, no, type Truth, unknown, yes } from './truth.ts';
import { paramList, paramText } from './words.ts';

/** Codes of use restrictions that a license lists. */
function restrictionsOf(license: License): string[] {
  return [...new Set(license.terms.flatMap((t) => paramList(t, 'restrictions')))];
}
function policiesOf(license: License): string[] {
  return license.terms.filter((t) => t.term === 'duty.acceptable-use').map((t) => paramText(t, 'policy'));
}
const passesOn = (license: License): boolean => license.terms.some((t) => t.term === 'duty.restrictions-flowdown');

/**
 * Restrictions of `reach` that no declared license carries on. A license whose restrictions stand in a policy is carried on only by
 * itself or by one with the same policy.
 */
export function missingRestrictions(scene: Scene, reach: Reach): { readonly truth: Truth; readonly missing: readonly string[] } {
  const declared = scene.declared;
  if (declared.length === 0) return { truth: no('nothing is declared'), missing: [] };
  if (declared.some((own) => isSame(scene, own, reach.license)))
    return { truth: no(`${reach.license.id} itself is declared`), missing: [] };
  const wanted = restrictionsOf(reach.license);
  const label = declared.map((own) => own.id).join(', ');
  const carried = new Set(declared.filter(passesOn).flatMap(restrictionsOf));
  const missing = wanted.filter((code) => !carried.has(code));
  if (wanted.length > 0 && missing.length === 0) return { truth: no(`${label} carries the same restrictions`), missing: [] };
  const policies = policiesOf(reach.license).filter((policy) => policy !== '');
  if (wanted.length === 0 && declared.some((own) => passesOn(own) && policiesOf(own).some((policy) => policies.includes(policy))))
    return { truth: no(`${label} carries the same policy`), missing: [] };
  const unread = declared.find((own) => own.kind === 'unknown');
  if (unread) return { truth: unknown(`whether ${unread.id} carries the restrictions`), missing };
  return {
    truth: yes(
      missing.length > 0 ? `${label} does not carry these restrictions: ${missing.join(', ')}` : `${label} does not carry the restrictions`,
    ),
    missing,
  };
}

/** Whether the subject stays under a license that `reach` accepts for changed versions: itself, a later version where it says so, or a listed one. */
export function isShareAlikeKept(scene: Scene, { license }: Reach): Truth {
  const declared = scene.declared;
  if (declared.length === 0) return yes('nothing is declared');
  const compatible = scene.lists.shareAlikeCompatible[license.record?.id ?? license.id] ?? [];
  const keeps = (own: License): boolean =>
    isSame(scene, own, license) || isLater(own.id, license.id) || compatible.some((id) => scene.book.same(id, own.id));
  const unread = declared.find((own) => own.kind === 'unknown');
  if (unread && !declared.some(keeps)) return unknown(`whether ${unread.id} is a license that ${license.id} accepts`);
  return fact(declared.some(keeps), `${declared.map((own) => own.id).join(', ')} is declared`);
}

/** "this version or later" of the same Creative Commons license. */
function isLater(own: string, license: string): boolean {
  const [, name, version] = /^(CC-[A-Z-]+?)-(\d+\.\d+)/.exec(license) ?? [];
  const [, ownName, ownVersion] = /^(CC-[A-Z-]+?)-(\d+\.\d+)/.exec(own) ?? [];
  return name !== undefined && name === ownName && Number(ownVersion) >= Number(version);
}
