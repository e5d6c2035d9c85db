/**
 * What a report says first, as data for the terminal and the page alike: one line per question, and what to do next.
 * @module
 */
import type { Assessment } from '../assess/index.ts';
import type { Finding } from '../base/index.ts';
import type { Drift } from '../license/index.ts';
import { countFindings, sortFindings } from './findings.ts';
import type { Tone } from './style.ts';
import { capital, counted, sentence, tieWords, VERDICT_NAMES, verdictTone } from './words.ts';

export interface SummaryLine {
  readonly label: 'Lineage' | 'License' | 'Credit' | 'Safety';
  /** The answer in a word or two. */
  readonly badge: string;
  /** The answer in a sentence that stands without the badge. */
  readonly text: string;
  /** What the sentence adds to the badge, where it would repeat it. */
  readonly detail?: string;
  readonly tone: Tone;
}

export interface Outcome {
  /** 0: nothing to act on. 1: something is. (2, could not do it, never comes with an assessment.) */
  readonly exitCode: 0 | 1;
  /** What there is to act on, counted: `3 findings and 1 license label`; '' for nothing. */
  readonly toActOn: string;
  /** What to do next, one or two sentences. */
  readonly next: string;
}

/** Every finding of the assessment, told once, gravest first. */
export function allFindings(a: Assessment): Finding[] {
  return sortFindings([
    ...a.safety.findings,
    ...a.safety.files.flatMap((file) => file.findings),
    ...a.lineage.findings,
    ...a.license.findings,
    ...a.license.conflicts,
    ...a.credit.missing,
    ...a.findings,
  ]);
}

export function isDrifting(drift: Drift): boolean {
  return drift.kind === 'loosened' || drift.kind === 'relabelled' || drift.kind === 'dropped';
}

/** Whether there is something to act on, and what first: errors, then changed license labels, then warnings. Notes do not count. */
export function outcomeOf(a: Assessment): Outcome {
  const findings = allFindings(a);
  const grave = findings.filter((finding) => finding.severity !== 'note');
  // A finding of the license room already tells of the drift.
  const drifting = grave.some((finding) => finding.rule.startsWith('license/')) ? [] : a.license.drift.filter(isDrifting);
  const [drift] = drifting;
  const first = grave[0];
  const toActOn = [
    ...(grave.length > 0 ? [counted(grave.length, 'finding')] : []),
    ...(drift ? [counted(drifting.length, 'license label')] : []),
  ].join(' and ');
  const act = (next: string): Outcome => ({ exitCode: 1, toActOn: toActOn === '' ? 'the safety of a file' : toActOn, next });
  if (a.safety.verdict === 'malicious')
    return act(
      sentence(/^do not load/i.test(first?.fix ?? '') ? first!.fix : `do not load this model; ${first?.fix ?? 'see the safety findings'}`),
    );
  if (drift && first?.severity !== 'error')
    return act(
      `Compare the license of ${drift.ancestor} (${drift.from.join(', ') || 'not known'}) with this model's (${drift.to.join(', ') || 'none stated'}).`,
    );
  if (first) return act(sentence(first.fix === '' ? first.what : first.fix));
  if (a.safety.verdict !== 'clean') return act('Look at the files named under safety before loading them.');
  const grow = a.lineage.register.models === 0 ? ' Add known models to the register to learn what this one descends from.' : '';
  return { exitCode: 0, toActOn, next: `Nothing to act on.${grow}` };
}

/** One line per question, in the order of the report. */
export function summaryOf(a: Assessment): SummaryLine[] {
  return [lineageLine(a), licenseLine(a), creditLine(a), safetyLine(a)];
}

function lineageLine(a: Assessment): SummaryLine {
  const { relations, claims, register, verdict } = a.lineage;
  const best = relations.find((relation) => relation.verdict === verdict);
  const notShown = claims.find((claim) => claim.verdict === 'refuted') ?? claims.find((claim) => claim.verdict === 'not-shown');
  const not = notShown?.verdict === 'refuted' ? 'refuted' : 'not shown';
  const claim = notShown ? `; the named base ${notShown.name} is ${not} by the weights` : '';
  // On its own, "Derived" would read as "derived from".
  const named = verdict === 'derived' && best?.direction !== 'a->b' ? 'Shares training' : VERDICT_NAMES[verdict];
  const line = (text: string, tone: Tone, badge: string = named): SummaryLine => ({ label: 'Lineage', badge, text, tone });
  const tied = verdict !== 'no-evidence' && verdict !== 'unresolved';
  if (best && tied) return line(`${tieWords(best)}${claim}`, notShown ? 'careful' : verdictTone(verdict));
  if (register.models === 0) return line('no known models to compare with: the register is empty', 'plain', 'Not compared');
  const against = register.models === 1 ? 'the one known model' : `the ${counted(register.models, 'known model')}`;
  if (a.subject.tensors === 0) return line('no weights to compare', 'careful', 'Not compared');
  if (verdict === 'unresolved') return line(best ? tieWords(best) : `could not be compared with ${against}`, 'careful');
  const seen =
    register.compared < register.models
      ? `the ${register.compared} of ${counted(register.models, 'known model')} that could be compared`
      : against;
  return line(`no tie seen to ${seen}${claim}`, notShown ? 'careful' : 'plain');
}

function licenseLine(a: Assessment): SummaryLine {
  const { declared, found, effective, drift } = a.license;
  const stated = unique([...declared.map((item) => item.id ?? item.value), ...found.map((item) => item.id)]);
  const changed = drift.find(isDrifting);
  const says = stated.length === 0 ? 'states none' : `states ${stated.join(', ')}`;
  if (changed) {
    const detail = `${says}; ${carriedWords(changed)}`;
    const change = DRIFT_WORDS[changed.kind];
    return { label: 'License', badge: capital(change.replace(/^the /, '')), text: `${detail} (${change})`, detail, tone: 'careful' };
  }
  const conflict = a.license.conflicts[0] ?? a.license.findings.find((finding) => finding.severity !== 'note');
  if (conflict)
    return {
      label: 'License',
      badge: 'To check',
      text: stated.length === 0 ? conflict.what : `${says}; ${conflict.what}`,
      tone: 'careful',
    };
  if (stated.length > 0) return { label: 'License', badge: 'Stated', text: effective.ids.join(', ') || stated.join(', '), tone: 'plain' };
  const text =
    effective.ids.length === 0
      ? 'none declared, none found in the files'
      : `${says}; ${effective.ids.join(', ')} reaches it from its ancestors`;
  return { label: 'License', badge: 'Not stated', text, tone: 'careful' };
}

/** `Alder-1M carries heirloom-community-test-1.0`. */
function carriedWords(drift: Drift): string {
  const carried = drift.from.length === 0 ? 'a license not known here' : drift.from.join(', ');
  return `${drift.ancestor}${drift.because === 'claimed' ? ', the base it names,' : ''} carries ${carried}`;
}

export const DRIFT_WORDS: { readonly [kind in Drift['kind']]: string } = {
  kept: 'kept',
  loosened: 'the label asks for less',
  relabelled: 'the label differs',
  tightened: 'the label asks for more',
  dropped: 'not mentioned here',
};

export const CLAIM_WORDS: { readonly [verdict in Assessment['lineage']['claims'][number]['verdict']]: string } = {
  supported: 'the weights bear it out',
  'not-shown': 'the weights do not show it',
  refuted: 'the weights speak against it',
  'not-registered': 'not in the register, not compared',
  unresolved: 'could not be compared',
};

function creditLine(a: Assessment): SummaryLine {
  const { ancestors, missing } = a.credit;
  const first = missing[0];
  if (first) {
    const badge = `${missing.length} missing`;
    return { label: 'Credit', badge, text: `${badge}: ${first.what}`, detail: first.what, tone: 'careful' };
  }
  if (ancestors.length === 0) return { label: 'Credit', badge: 'No ancestor', text: 'no ancestor to credit was found', tone: 'plain' };
  const detail = `${counted(ancestors.length, 'ancestor')} named`;
  return { label: 'Credit', badge: 'Nothing missing', text: `nothing missing; ${detail}`, detail, tone: 'plain' };
}

export const SAFETY_WORDS: {
  readonly [verdict in Assessment['safety']['verdict']]: { readonly badge: string; readonly means: string; readonly tone: Tone };
} = {
  malicious: { badge: 'malicious', means: 'loading it could run code', tone: 'bad' },
  suspicious: { badge: 'suspicious', means: 'look before loading', tone: 'careful' },
  unreadable: { badge: 'not known', means: 'a file could not be read', tone: 'careful' },
  clean: { badge: 'nothing found', means: '', tone: 'plain' },
};

function safetyLine(a: Assessment): SummaryLine {
  const { badge, means, tone } = SAFETY_WORDS[a.safety.verdict];
  const findings = sortFindings([...a.safety.findings, ...a.safety.files.flatMap((file) => file.findings)]);
  const looked = `${counted(a.safety.files.length, 'file')} looked at${findings.length === 0 ? '' : `, ${countFindings(findings)}`}`;
  const detail = means === '' ? looked : `${means} (${looked})`;
  return { label: 'Safety', badge: capital(badge), text: means === '' ? `${badge} (${looked})` : `${badge}: ${detail}`, detail, tone };
}

function unique(items: readonly string[]): string[] {
  return [...new Set(items)];
}
