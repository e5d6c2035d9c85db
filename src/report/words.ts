/**
 * The house's words for what was found. A sentence says what was measured and what it does not tell, never who did what:
 * see docs/verdicts.md.
 * @module
 */
import type { KindName, Relation, Verdict } from '../lineage/index.ts';
import { decimal, grouped, humanCount, percent, pValue } from './numbers.ts';
import type { Tone } from './style.ts';

export const VERDICT_NAMES: { readonly [verdict in Verdict]: string } = {
  identical: 'Identical values',
  derived: 'Derived',
  'common-initialization': 'Common initialization',
  'shared-origin': 'Shared origin',
  'no-evidence': 'No evidence',
  unresolved: 'Unresolved',
};

/** What the verdict means, for a reader who meets it for the first time. */
export const VERDICT_MEANINGS: { readonly [verdict in Verdict]: string } = {
  identical: 'The two models hold the same values, after a change of number format or container at most.',
  derived: 'The two models share training: independence is rejected, and neither a common random start nor stored constants explain it.',
  'common-initialization': 'The two models started from the same random values. Shared training is not shown.',
  'shared-origin':
    'The two models are not independent. Whether they share training or only the random values they started from cannot be told.',
  'no-evidence': 'No tie was seen. This does not show that there is none: a tie weaker than the tests can detect would not be seen.',
  unresolved: 'The two models could not be compared; nothing is said about a tie.',
};

const KIND_NAMES: { readonly [kind in KindName]: string } = {
  copy: 'copy',
  're-encoded': 're-encoded copy',
  quantized: 'quantized copy',
  pruned: 'pruned',
  'fine-tune': 'fine-tune',
  'low-rank': 'low-rank change',
  noise: 'noise added',
  merge: 'merge',
  'depth-changed': 'layers added, removed or repeated',
  'width-changed': 'width changed',
  disguised: 'rearranged so that it computes the same',
  partial: 'part of the weights',
  unknown: 'not determined',
};

export function kindName(kind: KindName): string {
  return KIND_NAMES[kind];
}

/** What the suspect has to do with the other model, without its own name: `shares training with Alder-1M`. */
export function tieWords(relation: Relation): string {
  const other = relation.a.name;
  switch (relation.verdict) {
    case 'identical':
      return `holds the same values as ${other}`;
    case 'derived':
      return relation.direction === 'a->b' ? `descends from ${other}; they share training` : `shares training with ${other}`;
    case 'common-initialization':
      return `same random start as ${other}; shared training is not shown`;
    case 'shared-origin':
      return `not independent of ${other}; shared training and a shared random start cannot be told apart`;
    case 'no-evidence':
      return `no tie to ${other} was seen`;
    case 'unresolved':
      return `could not be compared with ${other}`;
  }
}

/** In words, not with an arrow: between two right-to-left names an arrow would be seen the wrong way round. */
export function directionWords(relation: Relation): string {
  const [from, to] = relation.direction === 'b->a' ? [relation.b.name, relation.a.name] : [relation.a.name, relation.b.name];
  const grounds = relation.directionGrounds === '' ? '' : `: ${relation.directionGrounds}`;
  return relation.direction === 'unknown' ? `not shown${grounds}` : `from ${from} to ${to}${grounds}`;
}

/** `p < 10^-19 after correction for 50 known models`. */
export function evidenceWords(relation: Relation): string {
  const { log10P, log10PAdjusted, searched } = relation;
  if (log10PAdjusted !== null && searched > 1) return `${pValue(log10PAdjusted)} after correction for ${grouped(searched)} known models`;
  if (log10P !== null) return `${pValue(log10PAdjusted ?? log10P)} (one known model compared, nothing to correct for)`;
  return 'no exact test could run, so there is no p-value';
}

/** Below this the assumptions bound the error, not chance: a smaller number is not read out as a number of tries. */
const SMALLEST_READ_OUT = -12;

/** The p-value read out for someone who does not know p-values; empty where there is none worth reading out. */
export function chanceWords(relation: Relation): string {
  const p = relation.log10PAdjusted ?? relation.log10P;
  if (p === null || !Number.isFinite(p) || p > -3) return '';
  const tries = -Math.max(SMALLEST_READ_OUT, Math.floor(p) + 1);
  return `If the two models had been made independently, and the assumptions of the tests hold, agreement this strong would be seen less than once in 10^${tries} tries.`;
}

/** `98 % of the parameters (backbone)`; empty where nothing is shared or measured. */
export function shareWords(relation: Relation): string {
  const { fraction, part } = relation.share;
  if (fraction === null) return part;
  const count = Number.isFinite(fraction * relation.b.parameters) ? ` of its ${humanCount(relation.b.parameters)} parameters` : '';
  return `${percent(fraction)}${count}${part === '' ? '' : ` (${part})`}`;
}

/** Whether something was found. */
export function isTie(verdict: Verdict): boolean {
  return verdict !== 'no-evidence' && verdict !== 'unresolved';
}

/** Whether training is shared: only then is there a kind of derivation to name, and a direction. */
export function sharesTraining(verdict: Verdict): boolean {
  return verdict === 'identical' || verdict === 'derived';
}

/** What the share is a share of. */
export function shareLabel(verdict: Verdict): string {
  return sharesTraining(verdict) ? 'Shared' : verdict === 'common-initialization' ? 'Same start' : 'Tied';
}

export function detectableWords(relation: Relation): string {
  if (relation.detectable === null) return '';
  return `A correlation of the weights of ${decimal(roundedUp(relation.detectable))} or more would have been seen.`;
}

/** To two significant digits, never below `value`. */
function roundedUp(value: number): number {
  if (!(value > 0 && value < 1)) return value;
  const step = 10 ** (Math.floor(Math.log10(value)) - 1);
  return Number((Math.ceil(value / step - 1e-9) * step).toPrecision(2));
}

export function verdictTone(verdict: Verdict): Tone {
  return verdict === 'no-evidence' ? 'plain' : verdict === 'unresolved' ? 'careful' : 'strong';
}

/** A clause as a sentence: the judgements write clauses, the report sentences. */
export function sentence(text: string): string {
  const clause = text.trim();
  return clause === '' || /[.!?…]$/.test(clause) ? capital(clause) : `${capital(clause)}.`;
}

/** The first letter as a capital, unless the first word is a name of something: a path, an id, a word with capitals or digits. */
export function capital(text: string): string {
  return /^[a-z]+(?![^\s,;:])/.test(text) ? text.charAt(0).toUpperCase() + text.slice(1) : text;
}

/** `1 file`, `2 files`. */
export function counted(n: number, noun: string, plural: string = `${noun}s`): string {
  return `${grouped(n)} ${n === 1 ? noun : plural}`;
}
