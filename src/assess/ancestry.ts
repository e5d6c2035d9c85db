/**
 * The ancestors whose licenses are asked about: those the weights show, those the card names, and above them what their own cards name,
 * as far as the register knows. A middle model never hides who stands above it.
 * @module
 */
import type { AncestorLicense, EdgeAct } from '../license/index.ts';
import type { KindName, Relation } from '../lineage/index.ts';
import { type Model, normalizeName, sameName } from '../model/index.ts';
import { ancestorsAmong, readNamings } from './first.ts';
import type { KnownRelation } from './known.ts';
import { ownNames } from './names.ts';
import type { AncestorRecord } from './types.ts';

/** What the weights say was done, in the words licenses use; what they do not say stays unknown. */
const ACT_OF_KIND: Readonly<Record<KindName, EdgeAct>> = {
  copy: 'copy',
  're-encoded': 'convert',
  quantized: 'quantize',
  pruned: 'prune',
  'fine-tune': 'finetune',
  'low-rank': 'finetune',
  noise: 'finetune',
  merge: 'merge',
  'depth-changed': 'finetune',
  'width-changed': 'finetune',
  disguised: 'unknown',
  partial: 'unknown',
  unknown: 'unknown',
};
/** Values of `base_model_relation` on the hub. */
const ACT_OF_CARD: Readonly<Record<string, EdgeAct>> = {
  finetune: 'finetune',
  finetuned: 'finetune',
  adapter: 'adapter',
  merge: 'merge',
  quantized: 'quantize',
};
/** Models above the direct ancestors; a register may hold long chains and loops of claims. (CWE-770) */
const MAX_ABOVE = 500;

/**
 * Every ancestor with the act on its edge, nearest first.
 * @param records every registered model that was looked at. @param own the suspect's own entry, when it is registered.
 */
export function licenseAncestry(
  model: Model,
  ancestors: readonly KnownRelation[],
  claimed: readonly AncestorRecord[],
  records: readonly AncestorRecord[],
  own: AncestorRecord | null = null,
): AncestorLicense[] {
  const carded = cardAct(model);
  const candidates = ancestors.map((relation) => {
    const first = cameFirst(relation.direction, model, relation.ancestor);
    return { relation, first, name: relation.ancestor.name, isFirst: first.cameFirst !== undefined, addedAt: relation.ancestor.addedAt };
  });
  const direct: AncestorLicense[] = [
    ...ancestorsAmong(candidates, ownNames(model), readNamings(records), own?.addedAt).map(({ relation, first }) => ({
      ...licenseOf(relation.ancestor),
      because: 'weights' as const,
      act: actOf(relation, carded),
      evidence: `${relation.verdict}, ${relation.kind.name}`,
      ...first,
    })),
    ...claimed.map((record) => ({ ...licenseOf(record), because: 'claimed' as const, act: carded ?? ('unknown' as const) })),
  ];
  return [...direct, ...above(direct, records)];
}

/** The weights' own word, unless the card is more exact about one and the same: an adapter or a merge. */
function actOf({ kind }: Relation, carded: EdgeAct | undefined): EdgeAct {
  const shown = ACT_OF_KIND[kind.name];
  return shown === 'unknown' || (carded === 'merge' && shown === 'finetune') ? (carded ?? shown) : shown;
}

function cardAct(model: Model): EdgeAct | undefined {
  const said = ACT_OF_CARD[model.claims.relation?.value.trim().toLowerCase() ?? ''];
  if (said) return said;
  if (model.isAdapter) return 'adapter';
  return model.claims.baseModels.length > 1 ? 'merge' : undefined;
}

/** What the ancestors' own cards name, level by level; each tie once, so a loop of claims ends. */
function above(direct: readonly AncestorLicense[], records: readonly AncestorRecord[]): AncestorLicense[] {
  const byName = new Map(records.map((record) => [normalizeName(record.name), record]));
  const out: AncestorLicense[] = [];
  const seen = new Set<string>();
  const queue = direct.map((a) => a.name);
  for (let at = 0; at < queue.length && out.length < MAX_ABOVE; at++) {
    const child = byName.get(normalizeName(queue[at]!));
    for (const base of child?.baseModels ?? []) {
      const record = byName.get(normalizeName(base)) ?? records.find((one) => sameName(base, one.name));
      const tie = `${record?.name ?? ''}\0${child!.name}`;
      if (!record || record === child || seen.has(tie)) continue;
      seen.add(tie);
      out.push({ ...licenseOf(record), because: 'claimed', child: child!.name, evidence: `base_model of ${child!.name}` });
      if (!queue.includes(record.name)) queue.push(record.name);
    }
  }
  return out;
}

function licenseOf(ancestor: AncestorRecord): Pick<AncestorLicense, 'name' | 'licenses' | 'from' | 'revision'> {
  return {
    name: ancestor.name,
    licenses: ancestor.licenses,
    from: ancestor.licenseLabel,
    ...(ancestor.revision !== undefined && { revision: ancestor.revision }),
  };
}

/** What says that a model tied by weights came first; nothing where neither weights nor card do. */
function cameFirst(direction: Relation['direction'], model: Model, { name }: AncestorRecord): Pick<AncestorLicense, 'cameFirst'> {
  if (direction === 'a->b') return { cameFirst: 'weights' };
  return model.claims.baseModels.some((claim) => sameName(claim.value, name)) ? { cameFirst: 'card' } : {};
}
