/**
 * A record as a policy of the Open Digital Rights Language (W3C ODRL Information Model 2.2 and Vocabulary 2.2,
 * Recommendations of 15 February 2018), in JSON-LD, with a profile of our own for acts of machine learning.
 *
 * What ODRL has no words for (how a license ends, what it calls a derivative) stays beside the rules, under names of the profile.
 * @module
 */
import { isThreshold, paramsOf } from './say.ts';
import type { Act, LicenseRecord, Term, Threshold, ThresholdMetric, UseItem } from './types.ts';
import type { Vocabulary } from './vocabulary.ts';

const BASE = 'urn:heirloom:odrl:';
/** IRI of the profile (docs/odrl-profile.jsonld). */
export const ODRL_PROFILE: string = `${BASE}profile:1`;

export interface OdrlConstraint {
  readonly leftOperand: string;
  readonly operator: string;
  readonly rightOperand: unknown;
  readonly unit?: string;
}
/** All of, or one of, several constraints. */
export interface OdrlLogical {
  readonly and?: { readonly '@list': readonly OdrlConstraint[] };
  readonly or?: { readonly '@list': readonly OdrlConstraint[] };
}

export interface OdrlRule {
  readonly uid: string;
  readonly target?: string;
  readonly action: string;
  readonly constraint?: readonly (OdrlConstraint | OdrlLogical)[];
  /** The first permission that a duty hangs on has it whole; others name its uid. */
  readonly duty?: readonly (OdrlRule | string)[];
  readonly term?: string;
  readonly section?: string;
  readonly quote?: string;
}

export interface OdrlPolicy {
  readonly '@context': readonly unknown[];
  readonly '@type': 'Set' | 'Offer';
  readonly uid: string;
  readonly profile: string;
  readonly conflict: 'prohibit';
  readonly title: string;
  readonly target: string;
  readonly assigner?: { readonly '@type': 'Party'; readonly uid: string; readonly name: string };
  readonly permission?: readonly OdrlRule[];
  readonly prohibition?: readonly OdrlRule[];
  readonly obligation?: readonly OdrlRule[];
  /** Outside of ODRL: every other statement of the license. */
  readonly statement: readonly { readonly term: string; readonly section: string; readonly quote: string }[];
}

/** Acts that ODRL or Creative Commons have a word for. */
const CORE_ACTS: Readonly<Partial<Record<Act, string>>> = {
  use: 'use',
  modify: 'modify',
  'distribute-weights': 'distribute',
  'commercial-use': 'cc:CommercialUse',
};
const actionOf = (act: string): string => CORE_ACTS[act as Act] ?? `heirloom:${act}`;

/** Happenings, not acts: rules do not hang on them. */
const EVENTS: ReadonlySet<string> = new Set(['threshold', 'breach', 'litigation']);

const METRICS: Readonly<Record<ThresholdMetric, string>> = {
  'monthly-active-users': 'monthlyActiveUsers',
  'monthly-unique-users': 'monthlyUniqueUsers',
  'annual-revenue': 'annualRevenue',
  'monthly-revenue': 'monthlyRevenue',
  'revenue-12-months': 'revenueIn12Months',
  'annual-recurring-revenue': 'annualRecurringRevenue',
};
const OPERANDS: readonly string[] = [
  ...Object.values(METRICS),
  ...Object.values(METRICS).map((m) => `${m}AtRelease`),
  'studentModel',
  'modelKind',
];

const iri = (kind: string, name: string): string => `${BASE}${kind}:${encodeURIComponent(name)}`;
const slug = (name: string): string =>
  name
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, '-')
    .replace(/^-+|-+$/g, '');

/**
 * `record` as an ODRL policy: an `Offer` of its licensor, or a `Set` where nobody is named. Duties hang on the permissions of
 * the acts they come with; those that come with no permitted act are obligations of the policy.
 */
export function toOdrl(record: LicenseRecord, vocabulary: Vocabulary): OdrlPolicy {
  const uid = iri('license', record.id);
  const target = iri('asset', record.id);
  const rules = record.terms.map((term, k) => ({ term, kind: kindOf(term, vocabulary), uid: `${uid}#${k + 1}` }));
  const limits = rules.filter(({ term }) => isThreshold(term) && term.params.effect !== 'display-required');
  const duties = rules.filter(({ kind }) => kind === 'duty');
  const granted = new Map<string, (typeof rules)[number]>();
  for (const rule of rules)
    if (rule.kind === 'permission') for (const act of rule.term.on ?? []) if (!granted.has(act)) granted.set(act, rule);
  const whole = new Set<string>();
  const display = rules.map(({ term }) => term).find((term) => isThreshold(term) && term.params.effect === 'display-required');
  const dutyOf = ({ term, uid: at }: (typeof rules)[number]): OdrlRule => ({
    uid: at,
    action: `heirloom:${term.term.slice('duty.'.length)}`,
    ...(term.term === 'duty.display-above-threshold' && display && isThreshold(display) && { constraint: [above(display.params)] }),
    ...citation(term),
  });
  const permission = [...granted].map(([act, { term, uid: at }]): OdrlRule => {
    const due = duties
      .filter((duty) => duty.term.on?.includes(act as Act))
      .map((duty) => {
        if (whole.has(duty.uid)) return duty.uid;
        whole.add(duty.uid);
        return dutyOf(duty);
      });
    return {
      uid: `${at}-${act}`,
      target,
      action: actionOf(act),
      ...(limits.length > 0 && { constraint: limits.flatMap(({ term: limit }) => (isThreshold(limit) ? [within(limit.params)] : [])) }),
      ...(due.length > 0 && { duty: due }),
      ...citation(term),
    };
  });
  const prohibition = rules.flatMap(({ term, kind, uid: at }) => [
    ...(kind === 'prohibition' ? forbid(term, at, target) : []),
    ...usesOf(term).map((item, k): OdrlRule => ({
      uid: `${at}-use-${k + 1}`,
      target,
      action: 'use',
      constraint: [{ leftOperand: 'purpose', operator: 'isAnyOf', rightOperand: item.codes.map((code) => ({ '@id': iri('use', code) })) }],
      term: term.term,
      section: item.section,
      quote: item.quote,
    })),
  ]);
  const obligation = duties.filter((duty) => !whole.has(duty.uid)).map((duty): OdrlRule => ({ ...dutyOf(duty), target }));
  // Information model 2.1: a policy has at least one rule. The one that says least stands in for a text that only defines.
  const isEmpty = permission.length + prohibition.length + obligation.length === 0;
  return {
    '@context': [
      'http://www.w3.org/ns/odrl.jsonld',
      {
        heirloom: BASE,
        title: 'http://purl.org/dc/terms/title',
        name: 'http://xmlns.com/foaf/0.1/name',
        statement: 'heirloom:statement',
        term: 'heirloom:term',
        section: 'heirloom:section',
        quote: 'heirloom:quote',
      },
    ],
    '@type': record.licensor ? 'Offer' : 'Set',
    uid,
    profile: ODRL_PROFILE,
    conflict: 'prohibit',
    title: record.name,
    target,
    ...(record.licensor && { assigner: { '@type': 'Party', uid: iri('party', slug(record.licensor)), name: record.licensor } }),
    ...(permission.length > 0 && { permission }),
    ...(prohibition.length > 0 && { prohibition }),
    ...((obligation.length > 0 || isEmpty) && { obligation: isEmpty ? [{ uid: `${uid}#0`, action: 'reviewPolicy', target }] : obligation }),
    statement: rules
      .filter(({ kind, term }) => kind === 'statement' && !isThreshold(term))
      .map(({ term: { term, section, quote } }) => ({ term, section, quote })),
  };
}

function kindOf(term: Term, vocabulary: Vocabulary): 'permission' | 'duty' | 'prohibition' | 'statement' {
  if (term.term === 'territory.exclude') return 'prohibition';
  const kind = vocabulary.terms[term.term]?.kind;
  if (kind === 'permission' && term.on?.some((act) => !EVENTS.has(act))) return 'permission';
  if (kind === 'duty' && term.term.startsWith('duty.')) return 'duty';
  return kind === 'prohibition' && !term.term.startsWith('define.') ? 'prohibition' : 'statement';
}

const citation = ({ term, section, quote }: Term): { term: string; section: string; quote: string } => ({ term, section, quote });
const usesOf = (term: Term): readonly UseItem[] => paramsOf(term).items ?? [];

/** Prohibitions whose act is the one they bear on; the others have an action of their own. */
const BY_ACT: ReadonlySet<string> = new Set([
  'no.commercial',
  'no.hosting',
  'no.distribute',
  'no.distribute-derivatives',
  'no.modify',
  'no.train-other-models',
  'no.train-competing',
  'territory.exclude',
]);

function forbid(term: Term, uid: string, target: string): OdrlRule[] {
  const constraint = constraintsOf(term);
  const actions = BY_ACT.has(term.term) && term.on ? term.on.filter((act) => !EVENTS.has(act)).map(actionOf) : [ownAction(term)];
  return actions.map((action, k) => ({
    uid: actions.length > 1 ? `${uid}-${k + 1}` : uid,
    target,
    action,
    ...(constraint.length > 0 && { constraint }),
    ...citation(term),
  }));
}

const ownAction = ({ term }: Term): string =>
  term === 'no.military' || term === 'no.production' ? 'use' : `heirloom:${term.replace(/^no\./, '').replace('.', '-')}`;

function constraintsOf(of: Term): OdrlConstraint[] {
  const { term } = of;
  const { models, territories = [] } = paramsOf(of);
  const isUse = (use: string): OdrlConstraint => ({ leftOperand: 'purpose', operator: 'eq', rightOperand: { '@id': iri('use', use) } });
  if (term === 'no.military') return [isUse('military')];
  if (term === 'no.production') return [isUse('production')];
  const kind = models === undefined ? [] : [{ '@id': iri('model', models) }];
  if (term !== 'territory.exclude')
    return kind.map((rightOperand) => ({ leftOperand: 'heirloom:studentModel', operator: 'isA', rightOperand }));
  const places = territories.map((code) => ({ '@id': `urn:iso:std:iso:3166:${code}` }));
  return [
    { leftOperand: 'spatial', operator: 'isAnyOf', rightOperand: places },
    ...kind.map((rightOperand) => ({ leftOperand: 'heirloom:modelKind', operator: 'eq', rightOperand })),
  ];
}

function measures(threshold: Threshold, operator: string): OdrlConstraint[] {
  return threshold.any.map(({ metric, value, currency }) => ({
    leftOperand: `heirloom:${METRICS[metric]}${threshold.evaluateAt === 'release-date' ? 'AtRelease' : ''}`,
    operator,
    rightOperand: value,
    ...(currency && { unit: `urn:iso:std:iso:4217:${currency}` }),
  }));
}

/** Below every measure of the threshold. */
function within(threshold: Threshold): OdrlConstraint | OdrlLogical {
  const list = measures(threshold, threshold.op === '>' ? 'lteq' : 'lt');
  return list.length === 1 ? list[0]! : { and: { '@list': list } };
}
/** Above one measure of the threshold. */
function above(threshold: Threshold): OdrlConstraint | OdrlLogical {
  const list = measures(threshold, threshold.op === '>' ? 'gt' : 'gteq');
  return list.length === 1 ? list[0]! : { or: { '@list': list } };
}

/** Actions of ODRL that ours belong under; `use` for the rest. */
const INCLUDED_IN: Readonly<Record<string, string>> = {
  'distribute-derivative': 'distribute',
  finetune: 'derive',
  adapter: 'derive',
  merge: 'derive',
  quantize: 'transform',
  convert: 'transform',
  prune: 'derive',
  distill: 'derive',
  'attribution-display': 'attribute',
  'attribution-source': 'attribute',
  'attribution-publication': 'attribute',
  'license-copy': 'inform',
  'notify-downstream': 'inform',
  'state-changes': 'inform',
  'restrictions-flowdown': 'nextPolicy',
  'share-alike': 'nextPolicy',
};

/** The profile: every action and left operand that `toOdrl` may use beside those of ODRL, with what they mean. */
export function odrlProfile(vocabulary: Vocabulary): object {
  const ownTerms = Object.entries(vocabulary.terms).filter(
    ([term, { kind }]) => term.startsWith('duty.') || (kind === 'prohibition' && !BY_ACT.has(term) && !term.startsWith('define.')),
  );
  const actions = [
    ...Object.entries(vocabulary.acts)
      .filter(([act]) => !EVENTS.has(act) && !(act in CORE_ACTS))
      .map(([act, meaning]) => [act, meaning] as const),
    ...ownTerms.map(
      ([term, { meaning }]) =>
        [term.startsWith('duty.') ? term.slice('duty.'.length) : term.replace(/^no\./, '').replace('.', '-'), meaning] as const,
    ),
  ];
  return {
    '@context': {
      odrl: 'http://www.w3.org/ns/odrl/2/',
      skos: 'http://www.w3.org/2004/02/skos/core#',
      heirloom: BASE,
      includedIn: { '@id': 'odrl:includedIn', '@type': '@id' },
      definition: 'skos:definition',
    },
    '@graph': [
      { '@id': ODRL_PROFILE, '@type': 'odrl:Profile' },
      ...[...new Map(actions)].map(([name, definition]) => ({
        '@id': `heirloom:${name}`,
        '@type': 'odrl:Action',
        includedIn: `odrl:${INCLUDED_IN[name] ?? 'use'}`,
        definition,
      })),
      ...OPERANDS.map((name) => ({ '@id': `heirloom:${name}`, '@type': 'odrl:LeftOperand' })),
    ],
  };
}
