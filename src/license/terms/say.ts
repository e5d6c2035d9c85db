/**
 * What a term says, as one line for people. The words come from catalog/vocabulary.json; this adds what `params` hold.
 * @module
 */
import type { Act, DerivationStatus, Term, TermParams, Threshold, ThresholdMetric } from './types.ts';
import type { Vocabulary } from './vocabulary.ts';

/** `params` of a term that is no threshold. */
export const paramsOf = (term: Term): TermParams => (term.params ?? {}) as TermParams;

/** One line, without its heading: under "you must", "give recipients a copy of the license". */
export function sayTerm(term: Term, vocabulary: Vocabulary): string {
  if (isThreshold(term)) return sayThreshold(term.params);
  if (term.term === 'territory.exclude') return sayExclusion(paramsOf(term));
  if (term.term === 'grant.use-modify-distribute' || term.term === 'grant.waiver') return sayGrant(term, vocabulary);
  const p = paramsOf(term);
  const say = (name: string): string => vocabulary.terms[name]?.say ?? name;
  const trains = term.term === 'no.train-other-models' || term.term === 'no.train-competing';
  const where = p.where ?? [];
  const parts = [
    say(term.term),
    p.text !== undefined && `: "${[p.text].flat().join('" or "')}"`,
    where.length > 0 &&
      (term.term === 'duty.state-changes'
        ? `, in the ${where.join(', ')}`
        : `, on ${p.anyOf && where.length > 1 ? 'one of: ' : ''}${where.join(', ')}`),
    p.withDate && ', with the date',
    p.urlOk && ' (a link is enough)',
    p.exempt && ` (not for: ${p.exempt})`,
    p.onlyFor && ` (only for: ${p.onlyFor})`,
    p.when && ` (when: ${p.when})`,
    p.condition && ` (on condition: ${p.condition})`,
    p.unless && `, unless: ${p.unless}`,
    p.mustKeep && `, keeping: ${MUST_KEEP[p.mustKeep] ?? p.mustKeep}`,
    p.scope && (trains ? `: ${p.scope}` : ` (${p.scope})`),
    p.exception && ` (but for ${p.exception})`,
    p.appliesTo && ` (${p.appliesTo.join(', ')})`,
    p.exempts && ` from: ${p.exempts.map(say).join('; ')}`,
    p.law && ` ${placeName(p.law)}`,
    p.territory && ` (${placeName(p.territory)})`,
    p.cureDays !== undefined && ` within ${p.cureDays} days${p.firstTime ? ', the first time' : ''}`,
    p.reachesDerivatives !== undefined &&
      (p.reachesDerivatives === true ? ', derivatives too' : '; whether derivatives too the text does not say'),
    p.license && `: ${p.license}`,
    p.licenses && `: ${p.licenses.join(', ')}`,
    p.policy ? `: ${p.policy}` : p.attachment && ` of ${p.attachment}`,
    p.url && ` (${p.url})`,
  ];
  return parts.filter(Boolean).join('');
}

/** What each act of a grant is called. */
const GRANTED: Readonly<Partial<Record<Act, string>>> = {
  use: 'use it',
  'commercial-use': 'use it commercially',
  modify: 'change it',
  'distribute-weights': 'pass it on',
  'distribute-derivative': 'pass on what you make from it',
  host: 'offer it as a service',
  product: 'build it into products',
};

function sayGrant(term: Term, vocabulary: Vocabulary): string {
  const { condition } = paramsOf(term);
  const acts = (Object.keys(GRANTED) as Act[]).filter((act) => term.on?.includes(act)).map((act) => GRANTED[act]!);
  if (acts.length === 0) return vocabulary.terms[term.term]?.say ?? term.term;
  const waived = term.term === 'grant.waiver' ? ' (all rights are waived)' : '';
  return acts.join(', ') + waived + (condition ? ` (on condition: ${condition})` : '');
}

function sayExclusion({ territories = [], basis, scope, exempt }: TermParams): string {
  const regions = territories.map((code) => REGIONS[code] ?? code).join(', ');
  const who = basis ? `not granted to people and companies of ${regions} (by ${basis})` : `not granted in ${regions}`;
  return who + (scope ? `, ${scope}` : '') + (exempt ? `; not for: ${exempt}` : '');
}

const MUST_KEEP: Readonly<Record<string, string>> = {
  'use-based restrictions': 'the use restrictions',
  'otherwise complies with this Agreement': 'this license for the original',
};

const REGIONS: Readonly<Record<string, string>> = { EU: 'the European Union', GB: 'the United Kingdom', KR: 'South Korea' };
const LAWS: Readonly<Record<string, string>> = {
  'US-CA': 'California',
  'US-DE': 'Delaware',
  'US-TX': 'Texas',
  US: 'the United States',
  CN: 'China',
  FR: 'France',
  HK: 'Hong Kong',
  SG: 'Singapore',
  KR: 'South Korea',
};
const placeName = (code: string): string => LAWS[code] ?? code;

/** Whether `params` hold a threshold. */
export function isThreshold(term: Term): term is Term & { readonly params: Threshold & Readonly<Record<string, unknown>> } {
  return (term.term === 'threshold.mau' || term.term === 'threshold.revenue') && Array.isArray(term.params?.['any']);
}

const METRICS: Readonly<Record<ThresholdMetric, string>> = {
  'monthly-active-users': 'monthly active users',
  'monthly-unique-users': 'monthly unique users',
  'annual-revenue': 'revenue a year',
  'monthly-revenue': 'revenue a month',
  'revenue-12-months': 'revenue in 12 months',
  'annual-recurring-revenue': 'annual recurring revenue',
};
const EFFECTS: Readonly<Record<Threshold['effect'], string>> = {
  'license-required': 'ask for another license first',
  'no-rights': 'no rights under this license',
  terminates: 'the license ends',
  'display-required': 'the words below must be shown',
  'separate-agreement': 'a separate agreement is needed',
};
const WINDOWS: Readonly<Record<Threshold['window'], string>> = {
  'preceding-calendar-month': 'in the calendar month before',
  'preceding-month': 'in the month before',
  year: 'in a year',
  'any-12-months': 'over any 12 months',
  'not-stated': '',
};

const isUsers = (metric: ThresholdMetric): boolean => metric === 'monthly-active-users' || metric === 'monthly-unique-users';

/** `more than 700 million monthly active users in the calendar month before (…): ask for another license first; looked at once, …`. */
function sayThreshold({ any, op, scope, window, evaluateAt, effect }: Threshold): string {
  const amounts = any.map(({ metric, value, currency }) => {
    // A metric that names its time needs no window.
    const over = WINDOWS[window] && (isUsers(metric) || metric === 'monthly-revenue') ? ` ${WINDOWS[window]}` : '';
    return `${currency ? `${currency} ` : ''}${amount(value)} ${METRICS[metric]}${over}`;
  });
  const when = evaluateAt === 'release-date' ? 'looked at once, at the release of the version' : 'at any time';
  return `${op === '>' ? 'more than' : 'at least'} ${amounts.join(', or ')} (${scope}): ${EFFECTS[effect]}; ${when}`;
}

function amount(value: number): string {
  if (value % 1e9 === 0) return `${value / 1e9} billion`;
  return value % 1e6 === 0 ? `${value / 1e6} million` : String(value);
}

const ACTS: Readonly<Partial<Record<Act, string>>> = {
  finetune: 'fine-tune',
  adapter: 'adapter (LoRA) alone',
  merge: 'merge',
  quantize: 'quantize',
  'train-on-outputs': 'train on outputs',
  'publish-outputs': 'the outputs themselves',
  host: 'offer as a service',
};
/** An act, as a row of the derivation table. */
export const sayAct = (act: string): string => ACTS[act as Act] ?? act;

const STATUS: Readonly<Record<DerivationStatus, string>> = {
  explicit: 'covered: named, or plainly meant',
  'general-words': 'covered by general words only',
  silent: 'the text does not say',
  'explicitly-not': 'not covered, the text says so',
  prohibited: 'forbidden',
  'duty-without-derivative': 'no derivative, but a duty comes with it',
};
/** Whether the text covers an act. */
export const sayStatus = (status: DerivationStatus): string => STATUS[status];
