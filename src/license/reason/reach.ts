/**
 * Which licenses reach the subject, and as what: the research's three questions (does it hold the parent's numbers, was it begun from
 * them, was it only trained on what they said) answered by each license's own words on what makes a derivative.
 * @module
 */
import type { Act, Derivation, EdgeAct } from '../terms/types.ts';
import type { Book, License } from './book.ts';
import type { Holding, SafeGraph, Way } from './graph.ts';
import { waysTo } from './graph.ts';
import type { Certainty, Cite, GraphNote, PathStep, Relation, Silent } from './types.ts';

export interface Reach {
  readonly license: License;
  readonly node: string;
  readonly path: readonly PathStep[];
  readonly relation: Relation;
  readonly certainty: Certainty;
  readonly basis?: Cite;
  readonly note?: string;
}

export interface Reached {
  readonly reaches: readonly Reach[];
  readonly silent: readonly Silent[];
  readonly notes: readonly GraphNote[];
}

/** Nearness of the material: when a license reaches by several ways, the closest counts. */
const CLOSENESS: readonly Relation[] = ['own', 'same', 'derivative', 'delta', 'outputs-derivative', 'outputs'];

/** Every license of every model that reaches the subject, own ones last, ancestors nearest first. */
export function reachesOf(safe: SafeGraph, book: Book): Reached {
  const silent: Silent[] = [];
  const notes: GraphNote[] = [];
  const found = new Map<string, Reach>();
  for (const way of waysTo(safe)) {
    const node = safe.graph.nodes[way.node]!;
    for (const stated of node.licenses) {
      const { ids, chosen } = book.split(stated, safe.graph.nodes[safe.graph.subject]!.licenses);
      if (chosen !== undefined)
        notes.push({
          kind: 'choice',
          what: `${way.node} offers a choice (${chosen}); ${ids[0]} is taken, which asks for least`,
          why: 'the one who takes the model chooses; another choice changes the duties',
        });
      for (const id of ids) {
        const license = book.license(id);
        const reach = reachOf(license, way, silent);
        const key = `${way.node}\0${license.id}`;
        const known = found.get(key);
        if (!known || CLOSENESS.indexOf(reach.relation) < CLOSENESS.indexOf(known.relation)) found.set(key, reach);
      }
    }
  }
  const reaches = [...found.values()];
  return { reaches: [...reaches.filter((r) => r.relation !== 'own'), ...reaches.filter((r) => r.relation === 'own')], silent, notes };
}

/** `derivation` rows that speak to an act, nearest first. */
const ROWS: Readonly<Record<EdgeAct, readonly Act[]>> = {
  finetune: ['finetune'],
  adapter: ['adapter', 'finetune'],
  merge: ['merge', 'finetune'],
  quantize: ['quantize', 'finetune'],
  prune: ['prune', 'quantize', 'finetune'],
  distill: ['distill', 'train-on-outputs'],
  'train-on-outputs': ['train-on-outputs'],
  convert: ['convert'],
  copy: [],
  unknown: ['finetune'],
};

/** What the license says of an act: its own row, or the nearest that covers it. */
export function derivationOf(license: License, act: EdgeAct): { readonly row: Derivation; readonly act: Act } | undefined {
  for (const name of ROWS[act]) {
    const row = license.record?.derivation?.[name];
    if (row) return { row, act: name };
  }
  return undefined;
}

const WORSE: readonly Certainty[] = ['stated', 'general-words', 'unsettled', 'silent', 'unknown-act'];
const worst = (a: Certainty, b: Certainty): Certainty => (WORSE.indexOf(a) >= WORSE.indexOf(b) ? a : b);

function reachOf(license: License, { node, holding, path }: Way, silent: Silent[]): Reach {
  const base = { license, node, path };
  if (path.length === 0) return { ...base, relation: 'own', certainty: 'stated' };
  if (holding === 'same') return { ...base, relation: 'same', certainty: 'stated' };
  let certainty: Certainty = 'stated';
  let basis: Cite | undefined;
  let note: string | undefined;
  let derived = true;
  const told = new Set<EdgeAct>();
  for (const step of path) {
    // One act is read once, however often it was done on the way.
    if (step.act === 'copy' || step.act === 'convert' || told.has(step.act)) continue;
    told.add(step.act);
    const found = derivationOf(license, step.act);
    const status = found?.row.status ?? 'silent';
    if (step.act === 'unknown') certainty = worst(certainty, 'unknown-act');
    else if (status === 'silent') certainty = worst(certainty, 'silent');
    else if (status === 'general-words') certainty = worst(certainty, UNSETTLED.has(step.act) ? 'unsettled' : 'general-words');
    if (found?.row.quote !== undefined && !basis) basis = { license: license.id, section: found.row.section ?? '', quote: found.row.quote };
    note ??= found?.row.note;
    const isOutput = step.act === 'distill' || step.act === 'train-on-outputs';
    // Output-only ties bind as a derivative where the text says so; silence there is not consent, and not a derivative either.
    if (isOutput && status !== 'explicit' && status !== 'general-words') derived = false;
    if (status === 'explicitly-not') derived = false;
    // Of a license whose terms are not in the data nothing is said: that is noted by itself.
    if (status === 'silent' && step.act !== 'unknown' && license.terms.length > 0)
      silent.push({
        act: step.act,
        license: license.id,
        model: node,
        what: isOutput
          ? `the text does not say whether a model trained on outputs is bound; this is no permission`
          : `the text does not say whether ${ACT_WORDS[step.act]} makes a derivative; the strictest reading is taken`,
      });
  }
  return {
    ...base,
    relation: relationOf(holding, derived),
    certainty,
    ...(basis && { basis }),
    ...(note !== undefined && { note }),
  };
}

/** Acts that general words ("works based on") may or may not cover: an adapter holds no number of its base. */
const UNSETTLED: ReadonlySet<EdgeAct> = new Set(['adapter']);

function relationOf(holding: Holding, derived: boolean): Relation {
  if (holding === 'outputs') return derived ? 'outputs-derivative' : 'outputs';
  if (holding === 'delta') return 'delta';
  return derived ? 'derivative' : 'same';
}

export const ACT_WORDS: Readonly<Record<EdgeAct, string>> = {
  finetune: 'fine-tuning',
  adapter: 'an adapter shipped alone',
  merge: 'merging',
  quantize: 'quantizing',
  convert: 'converting the format',
  prune: 'pruning',
  distill: 'distilling',
  'train-on-outputs': 'training on its outputs',
  copy: 'copying',
  unknown: 'an unknown act',
};
