/**
 * From a graph of models, what is done and by whom, to everything their licenses say about it. Pure: the same input gives the same answer.
 * @module
 */
import type { Duty, LicenseKind } from '../types.ts';
import type { Book } from './book.ts';
import { type DriftFact, driftOf, strictest } from './drift.ts';
import { meetsProhibition, requiredName, thresholdsOf, toDuty } from './duties.ts';
import { safeGraph } from './graph.ts';
import { type Reach, reachesOf } from './reach.ts';
import { applyRules, type Rules } from './rules.ts';
import { isMovedOn, nameOf, type Scene, seenHere } from './scene.ts';
import { bears, bindTerms, boundTerm } from './terms.ts';
import { all, unknown } from './truth.ts';
import type {
  BoundLicense,
  BoundTerm,
  Context,
  Forbidden,
  GraphNote,
  LicenseGraph,
  ReasonVerdict,
  RequiredName,
  RuleHit,
  Silent,
  ThresholdAnswer,
} from './types.ts';

export interface Reasoning {
  readonly subject: string;
  readonly verdict: ReasonVerdict;
  /** One sentence for each thing that makes the verdict. */
  readonly why: readonly string[];
  /** Licenses that reach the subject, and how. */
  readonly licenses: readonly BoundLicense[];
  readonly effective: { readonly expression: string; readonly ids: readonly string[]; readonly kind: LicenseKind };
  readonly duties: readonly Duty[];
  readonly forbidden: readonly Forbidden[];
  readonly thresholds: readonly ThresholdAnswer[];
  readonly names: { readonly required: readonly RequiredName[]; readonly forbidden: readonly BoundTerm[] };
  readonly conflicts: readonly RuleHit[];
  readonly drift: readonly DriftFact[];
  /** Every rule that speaks here, those that were looked at and do not apply included. */
  readonly rules: readonly RuleHit[];
  /** What the texts do not say of the acts asked about. */
  readonly silent: readonly Silent[];
  /** Every other term that bears on the subject. */
  readonly terms: readonly BoundTerm[];
  readonly notes: readonly GraphNote[];
}

/** Prohibitions on doing something; the others say what is not given or how to behave. */
const ACTED_ON: ReadonlySet<string> = new Set([
  'no.commercial',
  'no.commercial-training',
  'no.production',
  'no.hosting',
  'no.distribute',
  'no.distribute-derivatives',
  'no.distribute-by-commercial-entity',
  'no.modify',
  'no.train-other-models',
  'no.train-competing',
  'no.competing',
  'territory.exclude',
]);
const NAMES: ReadonlySet<string> = new Set(['no.trademark', 'no.misrepresent-official']);

export function reasonOver(graph: LicenseGraph, context: Context, book: Book, rules: Rules): Reasoning {
  const safe = safeGraph(graph);
  const { reaches, silent, notes } = reachesOf(safe, book);
  const declared = reaches.filter((reach) => reach.relation === 'own').map((reach) => reach.license);
  const scene: Scene = { graph: safe.graph, context, book, reaches, declared, lists: rules.lists };
  const hits = applyRules(rules.rules, scene);
  const gathered = gather(scene);
  const drift = driftOf(scene, hits);
  const effective = effectiveOf(reaches);
  return {
    subject: nameOf(scene) || graph.subject,
    ...verdictOf(gathered, hits, drift, unseen(reaches)),
    licenses: reaches.map(boundLicense),
    effective,
    ...gathered,
    conflicts: hits.filter((hit) => hit.holds !== 'no' && (hit.severity === 'conflict' || hit.severity === 'block')),
    drift,
    rules: hits,
    silent: uniqueBy(silent, (one) => `${one.act} ${one.license} ${one.model}`),
    notes: [...safe.notes, ...notes, ...unlisted(reaches)],
  };
}

type Gathered = Pick<Reasoning, 'duties' | 'forbidden' | 'thresholds' | 'names' | 'terms'>;

function gather(scene: Scene): Gathered {
  const duties: Duty[] = [];
  const forbidden: Forbidden[] = [];
  const thresholds: ThresholdAnswer[] = [];
  const required: RequiredName[] = [];
  const noNames: BoundTerm[] = [];
  const terms: BoundTerm[] = [];
  const seen = new Set<string>();
  const isYours = scene.graph.nodes[scene.graph.subject]!.yours === true;
  for (const reach of scene.reaches) {
    // Who puts a license on a model of their own is its licensor.
    if (isYours && reach.relation === 'own') continue;
    const suspended = isMovedOn(scene, reach) ? `${reach.license.id} still binds the revision used` : undefined;
    // One license that reaches by several models is told once, by the nearest; but an inherited duty is never hidden by an own one.
    const fresh = (key: string): boolean => !seen.has(`${reach.license.id} ${key}`) && seen.add(`${reach.license.id} ${key}`) !== undefined;
    const isAlsoInherited = scene.reaches.some((other) => other.relation !== 'own' && scene.book.same(other.license.id, reach.license.id));
    for (const bound of bindTerms(reach, scene.context, suspended)) {
      if (!fresh(`${bound.term} ${bound.from.quote}`)) continue;
      if (bound.term.startsWith('duty.') && !bound.when.every((act) => act === 'breach')) {
        const term = reach.license.terms.find((t) => t.term === bound.term && t.quote === bound.from.quote)!;
        const told = seenHere(scene, reach, term);
        duties.push(toDuty(bound, reach, told, !isAlsoInherited));
        if (bound.term === 'duty.name-prefix' && bound.relation !== 'own') required.push(requiredName(bound, told));
      } else if (NAMES.has(bound.term)) noNames.push(bound);
      else if (!ACTED_ON.has(bound.term) && !bound.term.startsWith('threshold.')) terms.push(bound);
    }
    for (const term of reach.license.terms.filter((t) => ACTED_ON.has(t.term))) {
      const base = bears(term, reach, scene.context);
      const truth = meetsProhibition(term, reach, scene.context, suspended === undefined ? base : all([base, unknown(suspended)]));
      if (truth.value === 'no' || !fresh(`forbidden ${term.term} ${term.quote}`)) continue;
      forbidden.push({ ...boundTerm(term, reach, truth), act: (term.on ?? []).join(', ') });
    }
    for (const answer of thresholdsOf(reach, scene.context)) if (fresh(`threshold ${answer.bitesWhen}`)) thresholds.push(answer);
  }
  return { duties, forbidden, thresholds, names: { required, forbidden: noNames }, terms };
}

const byLevel: readonly ReasonVerdict[] = ['ok', 'ok-with-duties', 'unmet', 'needs-evidence', 'conflict'];

/**
 * The gravest thing that is known to hold. What only may hold never makes a verdict; a license that depends on an unknown revision asks for
 * evidence first, unless something else is open for sure.
 */
function verdictOf(
  { duties }: Gathered,
  hits: readonly RuleHit[],
  drift: readonly DriftFact[],
  unread: readonly string[],
): { verdict: ReasonVerdict; why: string[] } {
  const told: { verdict: ReasonVerdict; what: string }[] = [];
  for (const hit of hits) {
    if (hit.holds !== 'yes') continue;
    if (hit.severity === 'conflict') told.push({ verdict: 'conflict', what: hit.what });
    else if (hit.severity === 'block' || hit.severity === 'drift') told.push({ verdict: 'unmet', what: hit.what });
  }
  const namingTold = hits.some((hit) => hit.group === 'naming' && hit.holds === 'yes');
  for (const duty of duties) {
    if (duty.kind !== 'deliver' || duty.applies !== 'yes') continue;
    if (duty.status === 'unmet' && !(namingTold && duty.id.endsWith('/duty.name-prefix')))
      told.push({ verdict: 'unmet', what: `${duty.what} (${duty.from.license} ${duty.from.section})` });
    else if (duty.status === 'unknown')
      told.push({ verdict: 'ok-with-duties', what: `${duty.what} (${duty.from.license} ${duty.from.section})` });
  }
  for (const fact of drift)
    if (fact.kind === 'dropped' && !fact.dependsOnRevision)
      told.push({ verdict: 'unmet', what: `nothing is declared; ${fact.ancestor} is bound by ${fact.from.join(', ')}` });
  const open = told.some((one) => one.verdict === 'unmet');
  if (!open) for (const what of unread) told.push({ verdict: 'needs-evidence', what });
  if (!open)
    for (const hit of hits)
      if (hit.verdict === 'needs-evidence' && hit.holds === 'yes') told.push({ verdict: hit.verdict, what: hit.what });
  const verdict = told.reduce<ReasonVerdict>(
    (worst, one) => (byLevel.indexOf(one.verdict) > byLevel.indexOf(worst) ? one.verdict : worst),
    'ok',
  );
  return { verdict, why: [...new Set(told.filter((one) => one.verdict === verdict).map((one) => one.what))] };
}

function boundLicense(reach: Reach): BoundLicense {
  return {
    license: reach.license.id,
    spdx: reach.license.spdx,
    kind: reach.license.kind,
    model: reach.node,
    relation: reach.relation,
    path: reach.path,
    certainty: reach.certainty,
    ...(reach.basis && { basis: reach.basis }),
    ...(reach.note !== undefined && { note: reach.note }),
  };
}

/** Ancestors' licenses first, the own one last: it covers only what was added. Policies bind through licenses. */
function effectiveOf(reaches: readonly Reach[]): Reasoning['effective'] {
  const binding = reaches.filter((reach) => reach.relation !== 'outputs');
  const licenses = uniqueBy(
    binding.map((reach) => reach.license).filter((license) => license.record?.form !== 'policy'),
    (license) => license.spdx,
  );
  return {
    expression: licenses.map((license) => license.spdx).join(' AND '),
    ids: licenses.map((license) => license.id),
    kind: strictest(binding.map((reach) => reach.license.kind)),
  };
}

/** What keeps an answer from being "nothing is open": no license at all, or one that nobody has read into the data. */
function unseen(reaches: readonly Reach[]): string[] {
  if (reaches.length === 0) return ['no license is known: without one, no permission is given'];
  return unlisted(reaches).map((note) => note.what);
}

function unlisted(reaches: readonly Reach[]): GraphNote[] {
  const ids = [...new Set(reaches.filter((reach) => !reach.license.listed).map((reach) => reach.license.id))];
  return ids.slice(0, 20).map((id) => ({
    kind: 'unlisted' as const,
    id,
    what: `what ${id} asks for is not listed here`,
    why: 'the duties told are not all that may bind the model; read the license itself',
  }));
}

function uniqueBy<T>(items: readonly T[], key: (item: T) => string): T[] {
  return [...new Map(items.toReversed().map((item) => [key(item), item])).values()].toReversed();
}
