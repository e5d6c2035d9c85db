/**
 * "May this be done?": yes, no, only if, or the text does not say; with the words each reason rests on.
 * @module
 */
import type { Act, EdgeAct, Term } from '../terms/types.ts';
import type { Book, License } from './book.ts';
import { ACT_PHRASE } from './context.ts';
import { derivationOf } from './reach.ts';
import type { Duty } from '../types.ts';
import { reasonOver, type Reasoning } from './reason.ts';
import type { Rules } from './rules.ts';
import { citeOf, EDGE_ACTS } from './terms.ts';
import type { Cite, Context, LicenseGraph, PathStep } from './types.ts';

export type Answer = 'yes' | 'no' | 'only-if' | 'text-silent';

export interface Reason {
  readonly answer: Answer;
  readonly what: string;
  readonly cites: readonly Cite[];
  /** The model whose license says so, and the way from it; empty for the model asked about. */
  readonly model: string;
  readonly path: readonly PathStep[];
  readonly certainty?: string;
}

export interface CanAnswer {
  readonly act: Act;
  readonly answer: Answer;
  /** The deciding ones first. */
  readonly reasons: readonly Reason[];
}

export interface Can {
  readonly answer: Answer;
  readonly acts: readonly CanAnswer[];
  /** Of all acts together. */
  readonly reasoning: Reasoning;
}

const GRAVITY: readonly Answer[] = ['yes', 'only-if', 'text-silent', 'no'];
const gravest = (answers: readonly Answer[]): Answer => answers.reduce((a, b) => (GRAVITY.indexOf(b) > GRAVITY.indexOf(a) ? b : a), 'yes');

/**
 * Acts that change weights (fine-tune, merge...) are put on the graph, one after another, as a model of the asker's; what is done besides is done
 * with what comes out. A student trained on outputs is a model of its own beside it.
 */
export function canDo(graph: LicenseGraph, acts: readonly Act[], context: Context, book: Book, rules: Rules): Can {
  const making = acts.filter((act): act is Act & EdgeAct => EDGE_ACTS.has(act));
  const doing = acts.filter((act) => !EDGE_ACTS.has(act));
  const changing = making.filter((act) => !isTeaching(act));
  const teaching = making.filter(isTeaching);
  const changed = withMade(graph, changing);
  const student = withMade(graph, teaching.slice(0, 1));
  const result = changing.length === 0 && teaching.length > 0 ? student : changed;
  const ask = (on: LicenseGraph, now: readonly Act[]): Reasoning => reasonOver(on, { ...context, acts: now }, book, rules);
  // What is made is a changed version: asking for the same again as unchanged weights would tell every line twice.
  const told = making.length > 0 && acts.includes('distribute-derivative') ? acts.filter((act) => act !== 'distribute-weights') : acts;
  const answers = told.map((act) => {
    if (!EDGE_ACTS.has(act)) return answerFor(act, ask(result, [act]), book);
    if (!isTeaching(act))
      return answerFor(act, ask(withMade(graph, changing.slice(0, changing.findIndex((one) => one === act) + 1)), []), book);
    const taught = withMade(graph, [act as EdgeAct]);
    return answerFor(act, ask(taught, []), book, context.conveyed === false ? [] : ask(taught, ['distribute-derivative']).duties);
  });
  return { answer: gravest(answers.map((one) => one.answer)), acts: answers, reasoning: ask(result, doing) };
}

const isTeaching = (act: Act): boolean => act === 'distill' || act === 'train-on-outputs';

/** The graph with one more model for each act, made from the one before. */
function withMade(graph: LicenseGraph, acts: readonly EdgeAct[]): LicenseGraph {
  let { subject } = graph;
  const nodes = { ...graph.nodes };
  const edges = [...graph.edges];
  for (const act of acts) {
    let child = `your ${MADE[act] ?? 'model'}`;
    while (Object.hasOwn(nodes, child)) child += "'";
    nodes[child] = { name: '', licenses: [], yours: true };
    edges.push({ parent: subject, child, act, because: 'asked' });
    subject = child;
  }
  return { nodes, edges, subject };
}
const MADE: Readonly<Partial<Record<EdgeAct, string>>> = {
  finetune: 'fine-tune',
  adapter: 'adapter',
  merge: 'merge',
  quantize: 'quantized copy',
  convert: 'converted copy',
  prune: 'pruned copy',
  distill: 'student',
  'train-on-outputs': 'student',
};

/** @param later duties that come once the model that was made reaches others. */
function answerFor(act: Act, reasoning: Reasoning, book: Book, later: readonly Duty[] = []): CanAnswer {
  const reasons: Reason[] = [];
  const add = (
    answer: Answer,
    what: string,
    cites: readonly Cite[],
    from: { model: string; path: readonly PathStep[]; certainty?: string },
  ): void => {
    if (reasons.some((one) => one.what === what && one.cites[0]?.quote === cites[0]?.quote)) return;
    reasons.push({
      answer,
      what,
      cites,
      model: from.model,
      path: from.path,
      ...(from.certainty !== undefined && { certainty: from.certainty }),
    });
  };
  for (const one of reasoning.forbidden)
    if (one.applies === 'yes') add('no', one.what, [one.from], one);
    else add('only-if', `${one.what} (not known: ${one.condition ?? ''})`, [one.from], one);
  for (const one of reasoning.thresholds) {
    if (one.relation === 'outputs') continue;
    const display = one.params?.['effect'] === 'display-required';
    if (one.state === 'bites') add(display ? 'only-if' : 'no', `${one.bitesWhen}: ${one.effect} (${one.because})`, [one.from], one);
    else if (one.state === 'unknown') add('only-if', `not ${one.bitesWhen}, else ${one.effect} (${one.because})`, [one.from], one);
  }
  for (const hit of reasoning.rules) {
    if (hit.group === 'relabel' || hit.group === 'naming' || hit.group === 'duty' || hit.severity === 'info' || hit.severity === 'warn')
      continue;
    if (TOLD_OTHERWISE.has(hit.slug) || hit.holds === 'no') continue;
    add(
      hit.holds === 'yes' ? 'no' : 'only-if',
      hit.holds === 'yes' ? hit.what : `${hit.what} (not known: ${hit.needs.join('; ')})`,
      hit.cites,
      hit,
    );
  }
  const oblige = (duty: Duty, conditions: readonly string[]): void => {
    if (duty.kind !== 'deliver' || duty.status === 'met') return;
    const all = [...conditions, ...(duty.applies === 'if' && duty.condition !== undefined ? [duty.condition] : [])];
    add('only-if', `you ${duty.what}${all.length > 0 ? ` (${all.join('; ')})` : ''}`, [duty.from], {
      model: duty.path?.[0]?.model ?? reasoning.subject,
      path: duty.path ?? [],
      ...(duty.certainty && { certainty: duty.certainty }),
    });
  };
  for (const duty of reasoning.duties) oblige(duty, []);
  const due = new Set(reasoning.duties.map((duty) => `${duty.id} ${duty.from.quote}`));
  for (const duty of later)
    if (!due.has(`${duty.id} ${duty.from.quote}`)) oblige(duty, ['when the model you make is distributed or made available']);
  for (const duty of reasoning.duties)
    if (duty.id.endsWith('/duty.acceptable-use') && duty.applies !== 'if')
      add('yes', `as long as you ${duty.what}`, [duty.from], { model: duty.path?.[0]?.model ?? reasoning.subject, path: duty.path ?? [] });
  for (const reach of reasoning.licenses) {
    const license = book.license(reach.license);
    const refused = refusalOf(act, license);
    if (refused && reach.relation !== 'outputs') add('no', `the license does not let you ${ACT_PHRASE[act] ?? act}`, [refused], reach);
    if (reach.relation === 'outputs' && !isTeaching(act)) {
      // The student is no derivative: what the text asks of it, and no more, binds it.
      const free = ofOutputs('train-on-outputs', license);
      if (typeof free === 'object')
        add('yes', 'training a model on outputs is allowed, and the text does not count it as a derivative', [free.cite], reach);
      continue;
    }
    const grant = grantOf(act, license);
    if (grant === 'silent')
      add('text-silent', `the text does not say whether you may ${ACT_PHRASE[act] ?? act}`, basisOf(act, license), reach);
    else if (grant === 'unlisted') add('text-silent', `what ${license.id} says is not listed here: read it`, [], reach);
    else if (grant) add('yes', grant.what, [grant.cite], reach);
  }
  if (reasoning.licenses.length === 0)
    add('no', 'no license is known: without one, no permission is given', [], { model: reasoning.subject, path: [] });
  // A yes rests on words; where none were found the text does not say.
  if (!reasons.some((one) => one.answer !== 'only-if'))
    add('text-silent', `nothing was found that lets you ${ACT_PHRASE[act] ?? act}`, [], { model: reasoning.subject, path: [] });
  const answer = gravest(reasons.map((one) => one.answer));
  return { act, answer, reasons: [...reasons].sort((a, b) => GRAVITY.indexOf(b.answer) - GRAVITY.indexOf(a.answer)) };
}

/** Rules whose matter stands among what is forbidden, due or past a threshold already. */
const TOLD_OTHERWISE: ReadonlySet<string> = new Set([
  'commercial-use',
  'territory',
  'territory-of-domicile',
  'threshold',
  'hosting-not-granted',
  'hosting-is-distribution',
  'no-redistribution',
  'outputs-train-others',
  'outputs-derivative',
  'outputs-display',
  'name-prefix-outputs',
  'synthetic-data-commercial',
  'not-plain-mit',
]);

type Grant = { readonly what: string; readonly cite: Cite } | 'silent' | 'unlisted' | undefined;

/** Acts that a grant of another act covers as well. */
const COVERED_BY: Readonly<Partial<Record<Act, readonly Act[]>>> = {
  finetune: ['modify'],
  adapter: ['modify'],
  merge: ['modify'],
  quantize: ['modify'],
  convert: ['modify'],
  prune: ['modify'],
  'internal-use': ['use'],
  'name-model': ['use'],
  'publish-statement': ['use'],
  product: ['host'],
};

function grantOf(act: Act, license: License): Grant {
  if (license.record?.form === 'policy') return undefined;
  if (license.terms.length === 0) return 'unlisted';
  const wanted = [act, ...(COVERED_BY[act] ?? [])];
  const grants = license.terms.filter((t) => t.term.startsWith('grant.'));
  const giving = grants.filter((t) => t.term !== 'grant.patent' && t.term !== 'grant.mark-for-name');
  const direct = giving.find((t) => t.on?.includes(act)) ?? giving.find((t) => t.on?.some((one) => wanted.includes(one)));
  if (direct && act !== 'commercial-use') return { what: grantWords(act), cite: citeOf(license, direct) };
  if (act === 'commercial-use') return commercial(license, grants, direct);
  if (act === 'publish-outputs' || act === 'train-on-outputs' || act === 'distill') return ofOutputs(act, license);
  const row = EDGE_ACTS.has(act)
    ? derivationOf(license, act as EdgeAct)?.row
    : license.record?.derivation?.[act === 'product' ? 'host' : act];
  if (row && (row.status === 'explicit' || row.status === 'general-words') && row.quote !== undefined)
    return { what: grantWords(act), cite: { license: license.id, section: row.section ?? '', quote: row.quote } };
  if (row?.status === 'explicitly-not' && row.quote !== undefined)
    return {
      what: 'the text does not count it as distribution',
      cite: { license: license.id, section: row.section ?? '', quote: row.quote },
    };
  if (row?.status === 'prohibited') return undefined;
  // What asks for something when an act is done, speaks of that act.
  const duty = license.terms.find((t) => t.term.startsWith('duty.') && t.on?.includes(act));
  return duty ? { what: 'the text speaks of this act, with conditions', cite: citeOf(license, duty) } : 'silent';
}

/** A grant that is not limited to some purpose covers commerce; one for research does not. */
function commercial(license: License, grants: readonly Term[], direct: Term | undefined): Grant {
  if (direct) return { what: grantWords('commercial-use'), cite: citeOf(license, direct) };
  if (license.terms.some((t) => t.term === 'no.commercial' || t.term === 'no.production')) return undefined;
  if (grants.some((t) => t.term === 'grant.non-commercial' || t.term === 'grant.research-only')) return 'silent';
  const general = grants.find((t) => t.term === 'grant.use-modify-distribute' && t.on?.includes('use'));
  return general ? { what: 'use is granted without a limit to non-commercial purposes', cite: citeOf(license, general) } : 'silent';
}

function ofOutputs(act: Act, license: License): Grant {
  const outputs = license.terms.filter((t) => t.term.startsWith('output.') && t.on?.includes(act));
  // Words that let outputs be used say more than words that leave them to the user.
  const free = outputs.find((t) => t.term === 'output.free-use') ?? outputs[0];
  if (free)
    return {
      what:
        free.term === 'output.no-claim' || free.term === 'output.owned-by-user'
          ? 'the licensor claims no rights in outputs'
          : 'outputs are free to use',
      cite: citeOf(license, free),
    };
  const row = act === 'publish-outputs' ? license.record?.derivation?.[act] : derivationOf(license, 'train-on-outputs')?.row;
  if (!row || row.status === 'silent') return 'silent';
  if (row.status === 'prohibited' || row.quote === undefined) return undefined;
  const what =
    row.status === 'explicitly-not'
      ? 'the text does not count it as a derivative'
      : row.status === 'duty-without-derivative'
        ? 'the text speaks of it as something you may do, with a duty'
        : act === 'publish-outputs'
          ? 'the text speaks of outputs: its limits bind them'
          : 'it is allowed, and makes a derivative: its duties bind the student';
  return { what, cite: { license: license.id, section: row.section ?? '', quote: row.quote } };
}

/** The license's own word against an act, where no prohibition among its terms says it already. */
function refusalOf(act: Act, license: License): Cite | undefined {
  const row = license.record?.derivation?.[act];
  if (row?.status !== 'prohibited' || row.quote === undefined) return undefined;
  if (license.terms.some((t) => t.term.startsWith('no.') && t.on?.includes(act))) return undefined;
  return { license: license.id, section: row.section ?? '', quote: row.quote };
}

const grantWords = (act: Act): string => `the license lets you ${ACT_PHRASE[act] ?? act}`;

/** The nearest words there are, so that a reader sees what was looked at. */
function basisOf(act: Act, license: License): Cite[] {
  const row = license.record?.derivation?.[act];
  return row?.quote === undefined ? [] : [{ license: license.id, section: row.section ?? '', quote: row.quote }];
}
