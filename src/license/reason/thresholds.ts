/**
 * Thresholds: a number from which something else holds. What counts is the figure at the time the text names: a snapshot on the
 * release date stays what it was, however large somebody grows.
 * @module
 */
import type { Term, Threshold } from '../terms/types.ts';
import type { License } from './book.ts';
import { isDone, onlyInternal } from './context.ts';
import { all, any, fact, no, not, type Truth, unknown, yes } from './truth.ts';
import type { Context } from './types.ts';
import { paramList } from './words.ts';

export interface ThresholdState {
  readonly state: 'bites' | 'clear' | 'exempt' | 'unknown';
  readonly truth: Truth;
  readonly bitesWhen: string;
  readonly effect: string;
  /** The month looked at, for `release-date`. */
  readonly at?: string;
  /** The exemption that applies, or that would. */
  readonly exemption?: Term;
}

const METRICS: Readonly<Record<Threshold['any'][number]['metric'], string>> = {
  'monthly-active-users': 'monthly active users',
  'monthly-unique-users': 'unique users in a month',
  'annual-revenue': 'in annual revenue',
  'monthly-revenue': 'in revenue in a month',
  'revenue-12-months': 'in revenue in twelve months',
  'annual-recurring-revenue': 'in annual recurring revenue',
};

export function isThreshold(term: Term): term is Term & { params: Threshold } {
  return (term.term === 'threshold.mau' || term.term === 'threshold.revenue') && Array.isArray(term.params?.['any']);
}

/** Where one threshold of a license stands. */
export function evaluateThreshold(license: License, term: Term & { params: Threshold }, context: Context): ThresholdState {
  const threshold = term.params;
  const at = threshold.evaluateAt === 'release-date' ? monthBefore(license.record?.date) : undefined;
  const bitesWhen = `${threshold.any
    .map((one) => `${threshold.op === '>' ? 'more than' : 'at least'} ${amountOf(one)} ${METRICS[one.metric]}`)
    .join(', or ')}${threshold.evaluateAt === 'release-date' ? ` in ${at ?? 'the month before the release'} (looked at once)` : ''}`;
  const passed = any(threshold.any.map((one) => isPassed(one, threshold, license, at, context)));
  const exempt = exemptionFor(license, term.term, context);
  const scope = inScope(threshold, context);
  const base = { bitesWhen, effect: threshold.effectText, ...(at !== undefined && { at }) };
  if (exempt?.truth.value === 'yes')
    return { ...base, state: 'exempt', truth: no(exempt.truth.because.join('; ')), exemption: exempt.term };
  const truth = all([passed, scope]);
  const state = truth.value === 'yes' ? 'bites' : truth.value === 'no' ? 'clear' : 'unknown';
  return { ...base, state, truth, ...(exempt && { exemption: exempt.term }) };
}

/** Words of `scope` and `effectText` that tie a threshold to commerce or to a service. */
function inScope({ scope, effectText }: Threshold, context: Context): Truth {
  const parts: Truth[] = [];
  const told = `${scope} ${effectText}`;
  if (/\bcommercial/i.test(told) && context.commercial !== undefined) parts.push(fact(context.commercial, 'commercial use'));
  if (/model as a service/i.test(told)) parts.push(isDone('host', context));
  return parts.length === 0 ? yes() : all(parts);
}

/** The exemption from a term that applies, else one that may. */
export function exemptionFor(license: License, term: string, context: Context): { readonly term: Term; readonly truth: Truth } | undefined {
  const exempt = license.terms
    .filter((t) => t.term.startsWith('exempt.') && paramList(t, 'exempts').includes(term))
    .map((t) => ({ term: t, truth: isExempt(t, context) }));
  return exempt.find((e) => e.truth.value === 'yes') ?? exempt.find((e) => e.truth.value === 'if');
}

function isExempt(term: Term, context: Context): Truth {
  switch (term.term) {
    case 'exempt.integrated-product':
      return any([
        fact(context.role === 'end-user', 'an end user of a product'),
        context.fromProduct === undefined
          ? unknown('whether the model came inside an end-user product')
          : fact(context.fromProduct, 'received inside an end-user product'),
      ]);
    case 'exempt.internal-use':
      return onlyInternal(context);
    case 'exempt.non-profit':
      return context.role === undefined ? unknown('role') : fact(context.role === 'non-profit', 'a non-profit organization');
    case 'exempt.official-partners':
      return context.officialPartner === undefined
        ? unknown('officialPartner')
        : fact(context.officialPartner, "used through the licensor's products or partners");
    default:
      return unknown(term.term);
  }
}

type Bound = Threshold['any'][number];

function isPassed(bound: Bound, { op, evaluateAt }: Threshold, license: License, month: string | undefined, context: Context): Truth {
  const over = (value: number): boolean => (op === '>' ? value > bound.value : value >= bound.value);
  const say = (value: number, what: string): Truth =>
    over(value)
      ? yes(`${numberOf(value)} ${what}`)
      : no(`${numberOf(value)} ${what} ${value === bound.value ? 'equals' : 'is under'} ${amountOf(bound)}`);
  if (bound.metric === 'monthly-active-users' || bound.metric === 'monthly-unique-users') {
    const { monthly, atRelease, byMonth } = context.users ?? {};
    if (evaluateAt === 'continuous') return monthly === undefined ? unknown('monthly users') : say(monthly, 'monthly users');
    const then =
      typeof atRelease === 'number' ? atRelease : (atRelease?.[license.id] ?? (month === undefined ? undefined : byMonth?.[month]));
    if (then !== undefined) return say(then, `monthly users in ${month ?? 'the month before the release'}`);
    return unknown(
      `monthly users in ${month ?? `the month before ${license.id} was released`}${monthly === undefined ? '' : " (today's figure does not decide)"}`,
    );
  }
  const revenue = context.revenue ?? {};
  const { annual, monthly, last12Months, recurring, currency = 'USD' } = revenue;
  if (currency !== (bound.currency ?? 'USD') && Object.keys(revenue).length > 0)
    return unknown(`revenue in ${bound.currency ?? 'USD'} (given in ${currency})`);
  switch (bound.metric) {
    case 'annual-revenue':
      return firstKnown(
        [annual ?? last12Months, 'annual revenue'],
        [monthly !== undefined && over(monthly) ? monthly : undefined, 'revenue in one month'],
      );
    case 'monthly-revenue':
      // A month is part of its year: a year under the bound settles it.
      return firstKnown(
        [monthly, 'revenue in a month'],
        [annual !== undefined && !over(annual) ? annual : undefined, 'revenue in a whole year'],
      );
    case 'revenue-12-months':
      return firstKnown([last12Months ?? annual, 'revenue in twelve months']);
    case 'annual-recurring-revenue':
      return firstKnown(
        [recurring, 'annual recurring revenue'],
        [annual !== undefined && !over(annual) ? annual : undefined, 'annual revenue'],
      );
  }
  function firstKnown(...figures: readonly [number | undefined, string][]): Truth {
    for (const [value, what] of figures) if (value !== undefined) return say(value, what);
    return unknown(figures[0]![1]);
  }
}

/** Whether a `duty.display-above-threshold` is met by what is shown. */
export function isShown(texts: readonly string[], context: Context): Truth {
  if (context.shows === undefined) return unknown(`whether "${texts[0] ?? ''}" is shown`);
  const shown = context.shows.find((words) => texts.some((text) => words.toLowerCase().includes(text.toLowerCase())));
  return shown === undefined ? not(yes(`"${texts[0] ?? ''}" is not among what is shown`)) : yes(`"${shown}" is shown`);
}

/** `2024-07-23` → `2024-06`; undefined for a date without a month. */
function monthBefore(date: string | undefined): string | undefined {
  const [, year, month] = /^(\d{4})-(\d{2})/.exec(date ?? '') ?? [];
  if (year === undefined || month === undefined) return undefined;
  return month === '01' ? `${Number(year) - 1}-12` : `${year}-${String(Number(month) - 1).padStart(2, '0')}`;
}

/** Grouped by hand: `toLocaleString` depends on the machine. */
function numberOf(value: number): string {
  return String(value).replace(/\B(?=(\d{3})+(?!\d))/g, ',');
}
function amountOf({ value, currency }: Bound): string {
  return `${currency === undefined ? '' : `${currency} `}${numberOf(value)}`;
}
