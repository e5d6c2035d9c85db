/**
 * A model with its ancestors as a graph of licenses, and what the graph's answer says in this room's words.
 * @module
 */
import type { Finding } from '../base/index.ts';
import type { Model } from '../model/index.ts';
import { seenIn } from './duties.ts';
import type { Book } from './reason/book.ts';
import type { DriftFact } from './reason/drift.ts';
import type { Reasoning } from './reason/reason.ts';
import type { LicenseEdge, LicenseGraph, LicenseNode, RuleHit } from './reason/types.ts';
import type { Statements } from './statements.ts';
import type { AncestorLicense, Drift } from './types.ts';

/**
 * @param own ids the model itself states, with what the text in the folder makes certain.
 * @param ancestors with ids as this room writes them; those with a `child` stand above another ancestor.
 */
export function graphOf(
  model: Model,
  statements: Statements,
  own: readonly string[],
  ancestors: readonly AncestorLicense[],
  book: Book,
): LicenseGraph {
  const { declared, found } = statements;
  const nodes: Record<string, LicenseNode> = Object.create(null) as Record<string, LicenseNode>;
  const edges: LicenseEdge[] = [];
  let subject = 'this model';
  while (ancestors.some((a) => a.name === subject)) subject += ' ';
  for (const ancestor of ancestors) {
    const known = nodes[ancestor.name];
    nodes[ancestor.name] = {
      licenses: [...new Set([...(known?.licenses ?? []), ...ancestor.licenses])],
      ...(ancestor.revision !== undefined && { revision: ancestor.revision }),
    };
    const { name: parent, child = subject, act = 'unknown', because, evidence } = ancestor;
    edges.push({ parent, child, act, because, ...(evidence !== undefined && { evidence }) });
  }
  const ids = [...own, ...ancestors.flatMap((a) => a.licenses)].flatMap((id) => book.alternatives(id));
  const modified = found.filter((f) => f.modified).map((f) => f.id);
  nodes[subject] = {
    name: model.name,
    licenses: own,
    mentions: [
      ...declared.flatMap((d) => (d.id === null ? [] : [...book.alternatives(d.id), ...(d.candidates ?? [])])),
      ...found.flatMap((f) => [f.id, ...(f.candidates ?? [])]),
    ],
    ...(modified.length > 0 && { modified }),
    ships: seenIn(ids, model, statements, book),
    otherwise: 'unknown',
  };
  return { nodes, edges, subject };
}

/** Groups told elsewhere: duties in `duties`, names among them, labels in `drift`. */
const TOLD_ELSEWHERE: ReadonlySet<string> = new Set(['duty', 'naming', 'relabel', 'identify', 'policy']);

export function conflictFindings({ conflicts }: Reasoning, ancestors: readonly AncestorLicense[]): Finding[] {
  return conflicts
    .filter((hit) => hit.holds === 'yes' && !TOLD_ELSEWHERE.has(hit.group) && !isDutyRule(hit))
    .map((hit) => ({
      rule: `license/${hit.slug}`,
      severity: 'warning' as const,
      where: {},
      what: `${hit.what}${tieWords(hit, ancestors)}`,
      why: `${hit.cites.map((cite) => `the clause reads: "${cite.quote}" (${cite.license} ${cite.section})`).join('; ')}${hit.certainty === 'unsettled' ? '; whether it covers this act is unsettled' : ''}`,
      fix: 'ask the licensors, or leave one of the parts out; whether the clause applies is for a person to say',
      ...(hit.cites[0] && { source: `${hit.cites[0].license} ${hit.cites[0].section}` }),
    }));
}

/** Rules that bite because a duty was not seen met: the duty is told by itself. */
const isDutyRule = (hit: RuleHit): boolean =>
  hit.slug === 'outputs-display' || hit.slug === 'name-prefix-outputs' || hit.slug === 'hosting-is-distribution';

function tieWords({ model, path }: RuleHit, ancestors: readonly AncestorLicense[]): string {
  const tie = ancestors.find((a) => a.name === model);
  if (!tie || path.length === 0) return '';
  if (tie.because === 'claimed') return `; this model names ${model} among its bases`;
  return tie.cameFirst
    ? `; the weights show that this model is built on ${model}`
    : `; the weights show that this model shares training with ${model}`;
}

/** One answer for each ancestor whose license is known, in the order given. */
export function driftWords({ drift }: Reasoning, statements: Statements, ancestors: readonly AncestorLicense[]): Drift[] {
  const here = describeStated(statements);
  const byName = new Map(drift.map((fact) => [fact.ancestor, fact]));
  return [...new Map(ancestors.map((a) => [a.name, a])).values()].flatMap((ancestor) => {
    const fact = byName.get(ancestor.name);
    return fact ? [driftOf(fact, ancestor, here)] : [];
  });
}

function driftOf(fact: DriftFact, ancestor: AncestorLicense, here: string): Drift {
  const { kind, from, to, rules, cites, path, because } = fact;
  const there = `${ancestor.name}, ${tieTo(ancestor, fact)}, is bound by ${from.join(' and ')}${ancestor.from ? ` (${ancestor.from})` : ''}`;
  const ending =
    kind === 'kept'
      ? fact.ownPartOnly
        ? `${fact.ownPartOnly.join(', ')} covers its own part and asks for its notices; the stricter license of another ancestor is stated here`
        : 'the two agree'
      : kind === 'dropped'
        ? 'nothing in the folder mentions it'
        : `nothing in the folder grants the change${fact.unsure ? '; which of the two asks for more is not known here' : ''}${
            fact.dependsOnRevision ? '; its licensor later moved to what is stated here, so it depends on the revision used' : ''
          }`;
  return {
    kind,
    ancestor: ancestor.name,
    because: because === 'asked' ? 'claimed' : because,
    from,
    to,
    what: `${here}; ${there}; ${ending}`,
    path,
    ...(rules.length > 0 && { rules, clauses: cites }),
  };
}

function tieTo(ancestor: AncestorLicense, { path }: DriftFact): string {
  const between = path.slice(1).map((step) => step.model);
  if (between.length > 0) return `which ${between[0]} names as its base`;
  if (ancestor.because === 'claimed') return 'which this model names as its base';
  if (ancestor.cameFirst === 'weights') return 'which the weights show as an ancestor';
  if (ancestor.cameFirst === 'card') return 'which this model names as its base and shares training with';
  return 'which shares training with this model (which came first is not in the weights)';
}

function describeStated({ declared, found }: Statements): string {
  if (declared.length > 0) return `this card says ${declared.map((d) => d.value).join(', ')} (${declared[0]!.from})`;
  const files = [...new Set(found.map((f) => `${f.file} holds ${f.id}`))];
  return files.length > 0 ? `this folder's ${files.slice(0, 3).join(', ')}` : 'this model states no license';
}
