/**
 * Terms that ask for something, with what the files show of it; and what passes judgement as forbidden or as a threshold.
 * @module
 */
import type { Term } from '../terms/types.ts';
import type { Duty } from '../types.ts';
import { isDone, onlyOutputs } from './context.ts';
import type { Reach } from './reach.ts';
import { boundTerm } from './terms.ts';
import { evaluateThreshold, isShown, isThreshold } from './thresholds.ts';
import { isOutside } from './territory.ts';
import { all, type Truth, unknown } from './truth.ts';
import type { BoundTerm, Context, LicenseNode, RequiredName, Seen, ThresholdAnswer } from './types.ts';
import { paramText, textsOf } from './words.ts';

/** Duties met by something handed over, shown or done once; the others are conduct that no file shows. */
const DELIVERED: ReadonlySet<string> = new Set(
  (
    'license-copy notice-file notice-propagate retain-notices attribution-source attribution-display public-statement name-prefix ' +
    'state-changes documentation restrictions-flowdown notify-downstream enforce-users share-alike source network-source disclaimer-carry ' +
    'content-filter ai-disclosure register request-commercial-license display-above-threshold safety-measures'
  )
    .split(' ')
    .map((name) => `duty.${name}`),
);
export const isDelivered = (term: string): boolean => DELIVERED.has(term);

const UNKNOWN: Seen = { status: 'unknown', satisfiedBy: '' };

/** What is seen of a duty: in the files, in the name, or among the words shown. */
export function seenOf(
  term: Term | BoundTerm,
  reach: Pick<Reach, 'license' | 'relation'>,
  subject: LicenseNode,
  name: string,
  context: Context,
): Seen {
  const told = subject.ships?.[`${reach.license.id}/${term.term}`] ?? subject.ships?.[term.term];
  if (told?.status === 'met') return told;
  const texts = textsOf(term);
  if ((term.term === 'duty.attribution-display' || term.term === 'duty.display-above-threshold') && texts.length > 0) {
    const shown = isShown(texts, context);
    if (shown.value !== 'if')
      return { status: shown.value === 'yes' ? 'met' : 'unmet', satisfiedBy: shown.value === 'yes' ? shown.because.join('; ') : '' };
  }
  if (told) return told;
  if (term.term === 'duty.name-prefix') {
    if (name === '') return UNKNOWN;
    return beginsWith(name, texts) ? { status: 'met', satisfiedBy: `model name: ${name}` } : { status: 'unmet', satisfiedBy: '' };
  }
  return subject.otherwise && isFileDuty(term.term) ? { status: subject.otherwise, satisfiedBy: '' } : UNKNOWN;
}

/** Duties that a folder of files can show to be unmet; whether somebody registered or filters outputs, it cannot. */
function isFileDuty(term: string): boolean {
  return FILES.has(term);
}
const FILES: ReadonlySet<string> = new Set(
  'license-copy notice-file retain-notices attribution-source attribution-display state-changes restrictions-flowdown notify-downstream'
    .split(' ')
    .map((name) => `duty.${name}`),
);

/** An owner before the slash is no part of a model's name. */
export function beginsWith(name: string, prefixes: readonly string[]): boolean {
  const own = name.slice(name.lastIndexOf('/') + 1).toLowerCase();
  // "Llama 3" is written Llama-3, Llama_3 and Llama3 in repository names.
  const flat = (text: string): string => text.toLowerCase().replace(/[\s_.-]+/g, '');
  return prefixes.some((prefix) => flat(own).startsWith(flat(prefix)));
}

/** Duties in the shape every answer carries. A licensor is not bound by its own license: an own duty is never called unmet. */
export function toDuty(bound: BoundTerm, reach: Reach, seen: Seen, mayBeLicensor: boolean): Duty {
  const text = textsOf(bound);
  const softened = seen.status === 'unmet' && (bound.applies === 'if' || (bound.relation === 'own' && mayBeLicensor));
  return {
    id: `${reach.license.id}/${bound.term}`,
    what: bound.what,
    from: bound.from,
    because: becauseOf(bound),
    when: bound.when,
    ...(text.length > 0 && { text: text.join(' or ') }),
    satisfiedBy: softened ? '' : seen.satisfiedBy,
    status: softened ? 'unknown' : seen.status,
    applies: bound.applies,
    ...(bound.condition !== undefined && { condition: bound.condition }),
    certainty: bound.certainty,
    kind: isDelivered(bound.term) ? 'deliver' : 'conduct',
    path: bound.path,
  };
}

/** `lab/Base (weights)`, with the models between: `lab/Base (weights), through lab/Mid`. */
function becauseOf({ path, model }: BoundTerm): string {
  if (path.length === 0) return "own: the model's own license";
  const between = path.slice(1).map((step) => step.model);
  const weakest = path.some((step) => step.because === 'claimed') ? 'claimed' : path[0]!.because;
  return `${model} (${weakest})${between.length > 0 ? `, through ${between.join(', ')}` : ''}`;
}

/** Thresholds of a license that reaches the subject as material, and where each stands. */
export function thresholdsOf(reach: Reach, context: Context): ThresholdAnswer[] {
  if (reach.relation === 'outputs') return [];
  return reach.license.terms.filter(isThreshold).map((term) => {
    const { state, truth, bitesWhen, effect, at } = evaluateThreshold(reach.license, term, context);
    return {
      ...boundTerm(term, reach, truth),
      state,
      because: [...truth.because, ...truth.needs.map((need) => `not known: ${need}`)].join('; '),
      bitesWhen,
      effect,
      evaluated: term.params.evaluateAt,
      ...(at !== undefined && { at }),
    };
  });
}

/** Prohibitions that meet an act of the asker, or may; with what would decide it. */
export function meetsProhibition(term: Term, reach: Reach, context: Context, base: Truth): Truth {
  if (term.term === 'territory.exclude') {
    const outside = isOutside(term, context);
    if (!/multimodal/.test(paramText(term, 'scope'))) return all([base, outside]);
    const exempt = context.role === 'end-user' && term.params?.['exempt'] !== undefined;
    if (exempt) return { ...base, value: 'no', because: ['end users of a product are exempt'], needs: [] };
    return all([
      base,
      outside,
      context.multimodal === undefined
        ? unknown('whether the model is multimodal')
        : {
            ...base,
            value: context.multimodal ? 'yes' : 'no',
            because: [context.multimodal ? 'a multimodal model' : 'not a multimodal model'],
            needs: [],
          },
    ]);
  }
  // A text that frees outputs frees their sale too, where nothing but outputs leaves the house.
  const freesOutputs = reach.license.terms.some((t) => t.term === 'output.free-use' || t.term === 'output.no-restriction');
  if ((term.term === 'no.commercial' || term.term === 'no.production') && freesOutputs && onlyOutputs(context).value === 'yes')
    return { ...base, value: 'no', because: ['outputs may be used for any purpose'], needs: [] };
  const scope = paramText(term, 'scope');
  if (/commercial/.test(scope)) return all([base, isDone('commercial-use', context)]);
  if (/competitive/.test(scope) || term.term === 'no.train-competing' || term.term === 'no.competing')
    return all([
      base,
      context.competes === undefined
        ? unknown('whether it competes with the licensor')
        : { ...base, value: context.competes ? 'yes' : 'no' },
    ]);
  if (term.term === 'no.production') return all([base, isDone('commercial-use', context)]);
  if (term.term === 'no.distribute-by-commercial-entity')
    return all([
      base,
      context.role === undefined
        ? unknown('role')
        : { ...base, value: context.role === 'company' ? 'yes' : 'no', because: [`a ${context.role}`] },
    ]);
  return base;
}

export function requiredName(bound: BoundTerm, seen: Seen): RequiredName {
  return {
    text: textsOf(bound).join(' or '),
    from: bound.from,
    model: bound.model,
    status: bound.applies === 'if' && seen.status === 'unmet' ? 'unknown' : seen.status,
    certainty: bound.certainty,
  };
}
