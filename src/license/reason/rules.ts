/**
 * The interpreter of catalog/rules.json: which rules speak to a graph, what each says here, and the words it rests on.
 * @module
 */
import { type Condition, evaluate } from './predicates.ts';
import { missingRestrictions } from './relabel.ts';
import type { Reach } from './reach.ts';
import { isMovedOn, isSame, nameOf, type RuleLists, type Scene, subjectOf } from './scene.ts';
import { all, not, type Truth, unknown, yes } from './truth.ts';
import type { Cite, ReasonVerdict, RuleHit } from './types.ts';
import { textsOf } from './words.ts';

export interface Rule {
  readonly id: string;
  readonly slug: string;
  readonly group: string;
  readonly severity: RuleHit['severity'];
  /** What it is asked of: every license that reaches the subject, every two of them, or every model. */
  readonly each: 'license' | 'pair' | 'node';
  /** When it speaks at all. */
  readonly about: Condition | NodeCondition;
  /** For pairs: what the other license is. */
  readonly with?: Condition;
  /** For pairs: what both together are; asked of the first with the other at hand. */
  readonly both?: Condition;
  /** When it bites; absent: whenever it speaks. */
  readonly bites?: Condition;
  readonly unless?: Condition;
  /** Readers of the text disagree in this case. */
  readonly unsettled?: Condition;
  /** Instead of what the severity gives. */
  readonly verdict?: ReasonVerdict;
  /** `{license}`, `{other}`, `{model}`, `{subject}`, `{declared}`, `{prefix}`, `{words}`, `{missing}` are filled in. */
  readonly says: string;
  /** What follows, for people. */
  readonly means: string;
  readonly clauses: readonly { readonly textId: string; readonly section: string; readonly quote: string }[];
  readonly note?: string;
}
/** Conditions on a model rather than a license. */
export type NodeCondition = { readonly node: 'unlicensed' | 'parts-differ' | 'text-modified' };

export interface Rules {
  readonly lists: RuleLists;
  readonly rules: readonly Rule[];
}

/** Distinct licenses paired with one another; a merge of more is told as far as this goes. (CWE-400) */
const MAX_PAIRED = 60;

/** Every rule that speaks here, in the order of the rules, then of the licenses. */
export function applyRules(rules: readonly Rule[], scene: Scene): RuleHit[] {
  const pairable = distinct(scene.reaches).slice(0, MAX_PAIRED);
  // What an ancestor hands down is not told again because the model states it too.
  const singles = scene.reaches.filter(
    (reach) =>
      reach.relation !== 'own' ||
      // Nor does a license that the asker puts on a model of theirs bind the asker.
      (!subjectOf(scene).yours && !scene.reaches.some((other) => other.relation !== 'own' && isSame(scene, other.license, reach.license))),
  );
  return rules.flatMap((rule) => {
    if ('node' in rule.about) return nodeHits(rule, rule.about.node, scene);
    if (rule.each === 'license') return singles.flatMap((reach) => licenseHit(rule, rule.about as Condition, scene, reach));
    const seen = new Set<string>();
    return pairable.flatMap((reach) =>
      pairable.flatMap((other) => {
        if (other === reach || isSame(scene, reach.license, other.license)) return [];
        const key = [reach.license.id, other.license.id].sort().join(' ');
        if (seen.has(key)) return [];
        const hits = licenseHit(rule, rule.about as Condition, scene, reach, other);
        if (hits.length > 0) seen.add(key);
        return hits;
      }),
    );
  });
}

/** One reach for each license: the closest, as `reachesOf` orders them; an inherited one before an own one. */
function distinct(reaches: readonly Reach[]): Reach[] {
  const out = new Map<string, Reach>();
  for (const reach of reaches) {
    const known = out.get(reach.license.id);
    if (!known || (known.relation === 'outputs' && reach.relation !== 'outputs')) out.set(reach.license.id, reach);
  }
  return [...out.values()];
}

function licenseHit(rule: Rule, about: Condition, scene: Scene, reach: Reach, other?: Reach): RuleHit[] {
  const here = { reach, ...(other && { other }) };
  const speaks = all([
    evaluate(about, scene, here),
    ...(rule.with && other ? [evaluate(rule.with, scene, { reach: other, other: reach })] : []),
    ...(rule.both ? [evaluate(rule.both, scene, here)] : []),
  ]);
  if (speaks.value !== 'yes') return [];
  const bites = rule.bites ? evaluate(rule.bites, scene, here) : yes();
  const unless = rule.unless ? evaluate(rule.unless, scene, here) : undefined;
  // An exception counts when it is shown, not when it might be.
  const held = unless?.value === 'yes' ? all([bites, not(unless)]) : bites;
  const moved = rule.verdict === undefined && [reach, ...(other ? [other] : [])].some((one) => isMovedOn(scene, one));
  const truth = moved
    ? all([held, unknown(`which revision of ${reach.node} was used, and so whether ${reach.license.id} still binds`)])
    : held;
  const unsettled = rule.unsettled !== undefined && evaluate(rule.unsettled, scene, here).value === 'yes';
  return [hitOf(rule, scene, reach, other, speaks, truth, unsettled)];
}

function hitOf(rule: Rule, scene: Scene, reach: Reach, other: Reach | undefined, speaks: Truth, truth: Truth, unsettled: boolean): RuleHit {
  const own = [reach, ...(other ? [other] : [])].map((one) => one.license.id);
  const stated = rule.clauses
    .filter((clause) => own.includes(clause.textId))
    .map(({ textId, ...words }) => ({ license: textId, ...words }));
  const cites = unique([...stated, ...speaks.cites, ...truth.cites]);
  const borrowed = cites.length === 0 && rule.clauses.length > 0;
  const note = borrowed ? `the words are those the rule was read from; ${reach.license.id} itself is not listed here` : rule.note;
  const certainty = unsettled ? 'unsettled' : reach.certainty;
  const { missing } = missingRestrictions(scene, reach);
  return {
    rule: rule.id,
    slug: rule.slug,
    group: rule.group,
    severity: rule.severity,
    holds: truth.value,
    license: reach.license.id,
    ...(other && { other: other.license.id }),
    model: reach.node,
    path: reach.path,
    certainty,
    what: fill(rule.says, {
      license: reach.license.id,
      other: other?.license.id ?? '',
      model: reach.node,
      subject: nameOf(scene) || 'this model',
      declared: scene.declared.map((one) => one.id).join(', ') || 'nothing',
      prefix: wordsOf(reach, 'duty.name-prefix'),
      words: wordsOf(reach, 'duty.attribution-display'),
      missing: missing.join(', '),
    }),
    means: rule.means,
    ...(rule.verdict && { verdict: rule.verdict }),
    because: truth.because,
    needs: truth.needs,
    cites: cites.length > 0 ? cites : rule.clauses.map(({ textId, ...words }) => ({ license: textId, ...words })),
    ...(note !== undefined && { note }),
  };
}

function nodeHits(rule: Rule, about: NodeCondition['node'], scene: Scene): RuleHit[] {
  const reached = new Set([scene.graph.subject, ...scene.graph.edges.flatMap((edge) => [edge.parent, edge.child])]);
  return [...reached].flatMap((name) => {
    const node = scene.graph.nodes[name]!;
    const isSubject = name === scene.graph.subject;
    const told =
      about === 'unlicensed'
        ? node.licenses.length === 0 && !isSubject && !node.yours
          ? { license: '', because: 'no license is known' }
          : undefined
        : about === 'text-modified'
          ? node.modified?.length
            ? { license: node.modified.join(', '), because: `the text was found with words changed` }
            : undefined
          : partsDiffer(node.components ?? {});
    if (!told) return [];
    return [
      {
        rule: rule.id,
        slug: rule.slug,
        group: rule.group,
        severity: rule.severity,
        holds: 'yes' as const,
        license: told.license,
        model: name,
        path: [],
        certainty: 'stated' as const,
        what: fill(rule.says, { license: told.license, model: name, subject: nameOf(scene) || 'this model' }),
        means: rule.means,
        because: [told.because],
        needs: [],
        cites: rule.clauses
          .filter((clause) => told.license.includes(clause.textId))
          .map(({ textId, ...words }) => ({ license: textId, ...words })),
        ...(rule.note !== undefined && { note: rule.note }),
      },
    ];
  });
}

function partsDiffer(components: Readonly<Record<string, readonly string[]>>): { license: string; because: string } | undefined {
  const parts = Object.entries(components).map(([part, ids]) => `${part}: ${[...ids].sort().join(', ')}`);
  const distinctIds = new Set(Object.values(components).map((ids) => [...ids].sort().join(' ')));
  return distinctIds.size > 1
    ? { license: [...new Set(Object.values(components).flat())].join(', '), because: parts.join('; ') }
    : undefined;
}

const wordsOf = ({ license }: Reach, term: string): string =>
  license.terms
    .filter((t) => t.term === term)
    .flatMap(textsOf)
    .join('" or "');

/** A license that stands for a model under it is not told twice. */
function fill(text: string, values: Readonly<Record<string, string>>): string {
  if (values['model'] === values['license'])
    return fill(text.replaceAll('{license} of {model}', '{license}'), { ...values, model: 'the parent' });
  return text.replace(/\{(\w+)\}/g, (all_, key: string) => values[key] ?? all_);
}

function unique(cites: readonly Cite[]): Cite[] {
  return [...new Map(cites.map((cite) => [`${cite.license} ${cite.quote}`, cite])).values()];
}
