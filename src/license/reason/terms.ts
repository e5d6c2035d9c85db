/**
 * Which terms of a license bear on the subject, for what is done with it.
 * @module
 */
import type { Act, EdgeAct, Term } from '../terms/types.ts';
import type { License } from './book.ts';
import { CONVEYING, isConveyed, isDistributed, isDone } from './context.ts';
import type { Reach } from './reach.ts';
import { evaluateThreshold, exemptionFor, isThreshold } from './thresholds.ts';
import { all, any, no, type Truth, unknown, yes } from './truth.ts';
import type { BoundTerm, Cite, Context } from './types.ts';
import { paramText, whatOf } from './words.ts';

/** The text a term stands in, said once: the records' sections begin with it where it is another text than the license. */
export function citeOf(license: License, { textId = license.id, section, quote }: Term): Cite {
  const own = section.startsWith(textId) ? section.slice(textId.length).replace(/^[, ]+/, '') : section;
  return { license: textId, section: own, quote };
}

/** Acts that make one model from another. */
export const EDGE_ACTS: ReadonlySet<Act> = new Set<Act>([
  'finetune',
  'adapter',
  'merge',
  'quantize',
  'convert',
  'prune',
  'distill',
  'train-on-outputs',
]);
const MADE_FROM = 'whether it is changed, or another model made from it';
/** Material of the parent stands in the subject, changed or begun from it. */
export const isDerived = ({ relation }: Reach): boolean =>
  relation === 'derivative' || relation === 'delta' || relation === 'outputs-derivative';

/** Whether `term` bears on the subject: one of its acts is done, nothing exempts from it. */
export function bears(term: Term, reach: Reach, context: Context): Truth {
  const on = term.on ?? [];
  const acts = on.length === 0 ? yes() : any([...on.map((act) => actReaches(act, term, reach, context)), byHosting(term, reach, context)]);
  if (acts.value === 'no') return acts;
  const exempt = exemptionFor(reach.license, term.term, context);
  if (exempt?.truth.value === 'yes') return no(exempt.truth.because.join('; '));
  return all([acts, extraCondition(term, reach, context)]);
}

/** Where a text counts a hosted service as distribution, what distribution asks for is asked for there too, but for what it exempts itself. */
function byHosting(term: Term, reach: Reach, context: Context): Truth {
  const counts = reach.license.terms.some((t) => t.term === 'trigger.hosting-is-distribution');
  // What is asked of changed versions is not asked of one that nobody changed.
  const unchanged = reach.relation === 'own' || reach.relation === 'same';
  const distributing = term.on?.some((act) => act === 'distribute-weights' || (act === 'distribute-derivative' && !unchanged));
  if (!counts || !distributing || term.on?.includes('host')) return no();
  if (/hosted service/i.test(paramText(term, 'exempt'))) return no('a hosted service is exempt');
  return reach.relation === 'outputs' ? no() : isDone('host', context);
}

function actReaches(act: Act, term: Term, reach: Reach, context: Context): Truth {
  const { relation, path } = reach;
  if (EDGE_ACTS.has(act)) {
    const done = path.some((step) => matchesAct(step.act, act)) || (context.acts?.includes(act) ?? false);
    if (done) return /distributed or made available/.test(paramText(term, 'when')) ? isConveyed(context) : yes();
    return relation === 'own' && !context.acts ? unknown(MADE_FROM) : no();
  }
  switch (act) {
    case 'distribute-weights':
      return relation === 'own' || relation === 'same' || relation === 'derivative' ? isDistributed(context) : no();
    case 'distribute-derivative':
      if (relation === 'own') return context.acts ? isDone(act, context) : unknown(MADE_FROM);
      return isDerived(reach) ? isDistributed(context) : no();
    case 'name-model':
      if (relation === 'own') return context.acts?.includes(act) ? yes() : context.acts ? no() : unknown(MADE_FROM);
      return isDerived(reach) ? isDone(act, context) : no();
    case 'use':
    case 'host':
    case 'product':
    case 'modify':
      return relation === 'outputs' ? no() : isDone(act, context);
    case 'threshold':
    case 'breach':
    case 'litigation':
      return no();
    default:
      return isDone(act, context);
  }
}

/** `act` of a term against what was done on an edge: an unknown act may have been any. */
export function matchesAct(done: EdgeAct, act: Act): boolean {
  if (done === act) return true;
  if (done === 'distill') return act === 'train-on-outputs';
  return done === 'unknown' && (act === 'finetune' || act === 'merge' || act === 'quantize');
}

/** Conditions that the license writes beside the act. */
function extraCondition(term: Term, reach: Reach, context: Context): Truth {
  if (term.term === 'duty.display-above-threshold') {
    const display = reach.license.terms.filter(isThreshold).filter((t) => t.params.effect === 'display-required');
    return display.length === 0 ? yes() : any(display.map((t) => evaluateThreshold(reach.license, t, context).truth));
  }
  if (term.term === 'duty.network-source') return isDerived(reach) ? yes() : unknown('whether you changed it');
  const [onlyFor, when] = [paramText(term, 'onlyFor'), paramText(term, 'when')];
  if (onlyFor !== '') return unknown(`only for ${onlyFor}`);
  if (when !== '' && !/distributed or made available|any commercial product|any public statement/.test(when)) return unknown(when);
  return yes();
}

/** Every term of the license that bears on the subject, or may. */
export function bindTerms(reach: Reach, context: Context, suspended: string | undefined): BoundTerm[] {
  const out: BoundTerm[] = [];
  for (const term of reach.license.terms) {
    const truth = suspended === undefined ? bears(term, reach, context) : all([bears(term, reach, context), unknown(suspended)]);
    if (truth.value === 'no') continue;
    out.push({ ...boundTerm(term, reach, truth), when: broughtBy(term, reach, context) });
  }
  return out;
}

/** Acts the license names, and those asked about that bring them along: who hosts a model uses it. */
function broughtBy(term: Term, reach: Reach, context: Context): readonly Act[] {
  const on = term.on ?? [];
  const asked = context.acts ?? [];
  const out = new Set<Act>(on);
  if (on.some((act) => act === 'use' || act === 'commercial-use' || act === 'modify')) asked.forEach((act) => out.add(act));
  if (on.some((act) => act === 'name-model' || EDGE_ACTS.has(act)))
    asked.filter((act) => CONVEYING.includes(act)).forEach((act) => out.add(act));
  if (asked.includes('host') && byHosting(term, reach, context).value === 'yes') out.add('host');
  return [...out];
}

export function boundTerm(term: Term, reach: Reach, truth: Truth): BoundTerm {
  return {
    term: term.term,
    what: whatOf(term),
    from: citeOf(reach.license, term),
    model: reach.node,
    path: reach.path,
    relation: reach.relation,
    certainty: reach.certainty,
    applies: truth.value === 'yes' ? 'yes' : 'if',
    ...(truth.value === 'if' && { condition: truth.needs.join('; ') }),
    when: term.on ?? [],
    ...(term.params && { params: term.params }),
  };
}
