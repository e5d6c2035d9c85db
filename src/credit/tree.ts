/**
 * Whose work a model is made of: what it builds on, what that builds on, with version, license, what was done and how much of it is shared.
 * Only what came first by the weights or is named by a card stands here; a model that merely shares an origin does not.
 * @module
 */
import { type KindName, type Relation } from '../lineage/index.ts';
import { normalizeName, sameName } from '../model/index.ts';

export interface CreditNode {
  readonly name: string;
  readonly revision?: string;
  readonly url?: string;
  readonly licenses: readonly string[];
  /** `weights`: they show that it came first, or that its trained weights are in this model and the card names it; `claimed`: a card says so. */
  readonly because: 'subject' | 'weights' | 'claimed';
  /** What was done to it to make the node above, in words; absent: not known. */
  readonly change?: string;
  /** Part of the weights of the node above that descends from it, 0 to 1; absent: not measured. */
  readonly share?: number;
  /** Whether it is registered, so that license and version are on record. */
  readonly known: boolean;
  /** Its own bases are not told: it stands above itself, stands elsewhere in the tree already, or too far up. */
  readonly ends?: 'loop' | 'told' | 'bound';
  readonly bases: readonly CreditNode[];
}

/** A model the subject was made from. */
export interface DirectBase {
  readonly name: string;
  readonly because: 'weights' | 'claimed';
  readonly change?: string;
  readonly share?: number;
  /** `base_model_relation` of a hub card. */
  readonly relation?: string;
}

/** What the register keeps of a model. */
export interface KnownBase {
  readonly name: string;
  readonly locator: string;
  readonly revision?: string;
  readonly licenses: readonly string[];
  readonly baseModels?: readonly string[];
}

/** Cards name bases of bases of bases; published chains are a handful long. (CWE-674, CWE-770) */
const MAX_DEPTH = 16;
const MAX_NODES = 500;

/** @param known every registered model. */
export function creditTree(
  subject: { readonly name: string; readonly licenses: readonly string[]; readonly revision?: string },
  direct: readonly DirectBase[],
  known: readonly KnownBase[],
): CreditNode {
  const byName = new Map(known.map((one) => [normalizeName(one.name), one]));
  const find = (name: string): KnownBase | undefined => byName.get(normalizeName(name)) ?? known.find((one) => sameName(one.name, name));
  const told = new Set<string>();
  let left = MAX_NODES;
  const grow = (base: DirectBase, above: readonly string[]): CreditNode => {
    const record = find(base.name);
    const name = record?.name ?? base.name;
    const key = normalizeName(name);
    const bases = record?.baseModels ?? [];
    const ends = above.includes(key) ? 'loop' : told.has(key) && bases.length > 0 ? 'told' : above.length > MAX_DEPTH ? 'bound' : undefined;
    told.add(key);
    const grown: CreditNode[] = [];
    let cut = false;
    if (ends === undefined)
      for (const claim of bases) {
        if (--left < 0) {
          cut = true;
          break;
        }
        grown.push(grow({ name: claim, because: 'claimed' }, [...above, key]));
      }
    const url = record && hubUrl(record.locator);
    return {
      name,
      ...(record?.revision !== undefined && { revision: record.revision }),
      ...(url !== undefined && { url }),
      licenses: record?.licenses ?? [],
      because: base.because,
      ...(base.change !== undefined && { change: base.change }),
      ...(base.share !== undefined && { share: base.share }),
      known: record !== undefined,
      ...((ends ?? (cut ? 'bound' : undefined)) && { ends: ends ?? 'bound' }),
      bases: grown,
    };
  };
  return {
    ...subject,
    because: 'subject',
    known: true,
    bases: direct.slice(0, MAX_NODES).map((base) => grow(base, [normalizeName(subject.name)])),
  };
}

function hubUrl(locator: string): string | undefined {
  const name = /^hf:([\w.-]+\/[\w.-]+?)(?:@[^:]*)?(?::.*)?$/.exec(locator)?.[1];
  return name === undefined ? undefined : `https://huggingface.co/${name}`;
}

/** Every model of the tree but its root, once, nearest first. */
export function creditList(root: CreditNode): CreditNode[] {
  const out = new Map<string, CreditNode>();
  const queue = [...root.bases];
  for (let at = 0; at < queue.length; at++) {
    const node = queue[at]!;
    const key = normalizeName(node.name);
    if (node.ends !== 'loop' && !out.has(key)) out.set(key, node);
    queue.push(...node.bases);
  }
  return [...out.values()];
}

/** What was done, as the evidence has it. */
const CHANGES: Readonly<Partial<Record<KindName, readonly [words: string, relation?: string]>>> = {
  copy: ['copied unchanged'],
  're-encoded': ['stored in another format, same values'],
  quantized: ['quantized', 'quantized'],
  pruned: ['pruned'],
  'fine-tune': ['fine-tuned', 'finetune'],
  'low-rank': ['fine-tuned by a low-rank change', 'finetune'],
  noise: ['changed slightly throughout'],
  merge: ['merged with other weights', 'merge'],
  'depth-changed': ['layers added or removed'],
  'width-changed': ['width changed'],
  partial: ['a part of its weights was taken'],
};
const RELATIONS: Readonly<Record<string, string>> = {
  finetune: 'fine-tuned',
  adapter: 'an adapter was trained on it',
  merge: 'merged with other weights',
  quantized: 'quantized',
};

export interface BasesFound {
  readonly bases: readonly DirectBase[];
  /** What is not written as a base, and why. */
  readonly leftOut: readonly string[];
}

/** Which models may be written down as those this one was made from. */
export function basesOf(
  relations: readonly (Pick<Relation, 'verdict' | 'direction'> & {
    readonly kind: { readonly name: KindName };
    readonly share: { readonly fraction: number | null };
    readonly ancestor: { readonly name: string };
  })[],
  claims: readonly { readonly name: string; readonly verdict: string }[],
  relation?: string,
): BasesFound {
  const bases: DirectBase[] = [];
  const leftOut: string[] = [];
  const said = relation !== undefined && Object.hasOwn(RELATIONS, relation) ? RELATIONS[relation] : undefined;
  for (const one of relations) {
    if (one.verdict !== 'derived' && one.verdict !== 'identical') continue;
    const { name } = one.ancestor;
    const named = claims.some((claim) => sameName(claim.name, name));
    if (one.direction === 'b->a') continue;
    if (one.direction !== 'a->b' && !named) {
      leftOut.push(
        `${name} shares training with this model; which of the two came first is not shown, so it is not written down as a base`,
      );
      continue;
    }
    const [change, kind] = CHANGES[one.kind.name] ?? [];
    bases.push({
      name,
      because: 'weights',
      ...(change !== undefined && { change }),
      ...(kind !== undefined && { relation: kind }),
      ...(one.share.fraction !== null && { share: one.share.fraction }),
    });
  }
  for (const claim of claims) {
    if (bases.some((base) => sameName(base.name, claim.name))) continue;
    if (claim.verdict === 'refuted' || claim.verdict === 'not-shown')
      leftOut.push(
        `the card names ${claim.name}; the weights ${claim.verdict === 'refuted' ? 'speak against it' : 'show no tie to it'}, so it is not written down as a base`,
      );
    else bases.push({ name: claim.name, because: 'claimed', ...(said !== undefined && { change: said }) });
  }
  return { bases, leftOut };
}
