/**
 * What licenses say about a model, on the terminal: what is open first, each line with the words it rests on.
 * @module
 */
import type { Can, Change, Drift, Duty, PathStep, Reasoning, RuleHit, WhatIf } from '../license/index.ts';
import { labelled, paint, prose, type Style, type Tone } from './style.ts';
import { clean } from './text.ts';
import { sentence } from './words.ts';

const COLUMN = 11;
/** Lines of one kind on the terminal; the JSON answer has them all. */
const MAX_LISTED = 24;

export const NOT_ADVICE = 'Readings of license texts by one reader, not legal advice; the quoted words decide.';

const VERDICTS: Readonly<Record<Reasoning['verdict'], { readonly text: string; readonly tone: Tone }>> = {
  ok: { text: 'Nothing is open, as far as can be seen.', tone: 'good' },
  'ok-with-duties': { text: 'It can be done, with the duties below.', tone: 'good' },
  unmet: { text: 'Some clauses appear unmet.', tone: 'careful' },
  conflict: { text: 'Two licenses cannot both be satisfied.', tone: 'bad' },
  'needs-evidence': { text: 'It depends on a fact that is not known.', tone: 'careful' },
};

const ANSWERS: Readonly<Record<Can['answer'], { readonly text: string; readonly tone: Tone }>> = {
  yes: { text: 'yes', tone: 'good' },
  no: { text: 'no', tone: 'bad' },
  'only-if': { text: 'only if', tone: 'careful' },
  'text-silent': { text: 'the text does not say', tone: 'careful' },
};

const ACTS: Readonly<Record<PathStep['act'], string>> = {
  finetune: 'fine-tuned',
  adapter: 'an adapter trained',
  merge: 'merged',
  quantize: 'quantized',
  convert: 'converted',
  prune: 'pruned',
  distill: 'distilled',
  'train-on-outputs': 'trained on its outputs',
  copy: 'copied',
  unknown: 'what was done is not known',
};

interface Item {
  readonly label: string;
  readonly tone?: Tone;
  readonly text: string;
  readonly cites: readonly { readonly license: string; readonly section: string; readonly quote: string }[];
  readonly path?: readonly PathStep[];
  readonly certainty?: string | undefined;
}

/** What is not known is said as a question ("whether ..."); after "if" the question's own words are enough. */
const conditionOf = ({ condition = '' }: { readonly condition?: string }): string => condition.replaceAll(/(^|; )whether /g, '$1');

/** Labels of drift that leave something to answer. */
const OPEN_DRIFT: ReadonlySet<Drift['kind']> = new Set(['loosened', 'relabelled', 'dropped']);

/** The whole answer, ending with a newline. */
export function renderReasoning(name: string, answer: Reasoning, labels: readonly Drift[], style: Style): string {
  const { verdict, why, effective } = answer;
  const lines = [
    ...prose([{ text: clean(name, 120), tone: 'strong' }, `: ${effective.expression || 'no license is known'}`], style, 0),
    ...prose(VERDICTS[verdict], style, 2),
    ...(verdict === 'ok' || verdict === 'ok-with-duties' ? [] : why.slice(0, 6).flatMap((one) => prose(sentence(one), style, 4, '- '))),
  ];
  const section = (title: string, items: readonly Item[]): void => {
    if (items.length > 0) lines.push('', paint(title, 'strong', style), ...itemLines(items, style));
  };
  section(
    'Not granted',
    answer.forbidden
      .filter((one) => one.applies === 'yes')
      .map((one) => ({ label: 'no', tone: 'bad', text: one.what, cites: [one.from], path: one.path, certainty: one.certainty })),
  );
  section('Conflicts', answer.conflicts.filter((hit) => hit.severity === 'conflict').map(hitItem));
  section('Duties', dutyItems(answer.duties.filter((duty) => duty.applies !== 'if' && duty.kind === 'deliver')));
  section('How to act', dutyItems(answer.duties.filter((duty) => duty.applies !== 'if' && duty.kind === 'conduct')));
  section('It depends', [
    ...answer.forbidden
      .filter((one) => one.applies === 'if')
      .map((one) => ({
        label: 'if',
        text: `${conditionOf(one)}: ${one.what}`,
        cites: [one.from],
        path: one.path,
        certainty: one.certainty,
      })),
    ...answer.duties
      .filter((duty) => duty.applies === 'if')
      .map((duty) => ({
        label: 'if',
        text: `${conditionOf(duty)}: ${duty.what}`,
        cites: [duty.from],
        path: duty.path ?? [],
        certainty: duty.certainty,
      })),
  ]);
  section(
    'Thresholds',
    answer.thresholds.map((one) => ({
      label: one.state,
      ...(one.state === 'bites' && { tone: 'bad' as const }),
      text: `${one.bitesWhen}: ${one.effect}${one.because ? ` (${one.because})` : ''}`,
      cites: [one.from],
      path: one.path,
    })),
  );
  section('Names', [
    ...answer.names.required.map((one) => ({
      label: one.status,
      text: `the model name begins with "${one.text}"`,
      cites: [one.from],
      certainty: one.certainty,
    })),
    ...answer.names.forbidden.map((one) => ({ label: 'no', text: one.what, cites: [one.from] })),
  ]);
  section('Label', [
    ...labels
      .filter((one) => OPEN_DRIFT.has(one.kind))
      .map((one) => ({ label: one.kind, text: one.what, cites: (one.clauses ?? []).slice(0, 3) })),
    ...(labels.length === 0 ? answer.drift.filter((one) => OPEN_DRIFT.has(one.kind)).map(factItem) : []),
  ]);
  section(
    'The text does not say',
    answer.silent.map((one) => ({ label: '-', text: `${one.license}: ${one.what}`, cites: [] })),
  );
  section(
    'Worth knowing',
    answer.rules.filter((hit) => hit.holds === 'yes' && (hit.severity === 'warn' || hit.severity === 'info')).map(hitItem),
  );
  for (const note of answer.notes) lines.push('', ...prose(sentence(note.what), style, 0, 'note: '));
  lines.push('', ...prose({ text: NOT_ADVICE, tone: 'quiet' }, style, 0));
  return `${lines.join('\n')}\n`;
}

function hitItem(hit: RuleHit): Item {
  const open = hit.holds === 'if' ? ` (not known: ${hit.needs.join('; ')})` : '';
  const borrowed = hit.cites.length > 0 && hit.note?.includes('itself is not listed here') ? ` (${hit.note})` : '';
  return { label: hit.rule, text: `${hit.what}${open}${borrowed}`, cites: hit.cites, path: hit.path, certainty: hit.certainty };
}

/** Labels of a graph that no files stand behind. */
function factItem(fact: Reasoning['drift'][number]): Item {
  return {
    label: fact.kind,
    text: `${fact.ancestor} is bound by ${fact.from.join(' and ')}; ${fact.to.length > 0 ? `${fact.to.join(', ')} is declared` : 'nothing is declared'}`,
    cites: fact.cites.slice(0, 2),
  };
}

const STATUS: Readonly<Record<Duty['status'], { readonly label: string; readonly tone: Tone; readonly order: number }>> = {
  unmet: { label: 'unmet', tone: 'careful', order: 0 },
  unknown: { label: 'to check', tone: 'plain', order: 1 },
  met: { label: 'met', tone: 'good', order: 2 },
};

function dutyItems(duties: readonly Duty[]): Item[] {
  return [...duties]
    .sort((a, b) => STATUS[a.status].order - STATUS[b.status].order)
    .map((duty) => ({
      label: STATUS[duty.status].label,
      tone: STATUS[duty.status].tone,
      text: `${duty.what}${duty.satisfiedBy ? ` (${duty.satisfiedBy})` : ''}`,
      cites: [duty.from],
      path: duty.path ?? [],
      certainty: duty.certainty,
    }));
}

function itemLines(items: readonly Item[], style: Style): string[] {
  const lines = items
    .slice(0, MAX_LISTED)
    .flatMap((item) => [
      ...labelled(item.label, item.text, style, { column: COLUMN, ...(item.tone && { tone: item.tone }) }),
      ...item.cites
        .slice(0, 4)
        .flatMap((cite) =>
          labelled('', { text: `${cite.license} ${cite.section}: "${cite.quote}"`, tone: 'quiet' }, style, { column: COLUMN }),
        ),
      ...(item.path && hasStory(item.path) ? labelled('', { text: pathWords(item.path), tone: 'quiet' }, style, { column: COLUMN }) : []),
      ...(item.certainty !== undefined && CERTAINTY[item.certainty] !== undefined
        ? labelled('', { text: CERTAINTY[item.certainty]!, tone: 'quiet' }, style, { column: COLUMN })
        : []),
    ]);
  if (items.length > MAX_LISTED) lines.push(`  … and ${items.length - MAX_LISTED} more`);
  return lines;
}

/** One step that the asker made up needs no telling. */
const hasStory = (path: readonly PathStep[]): boolean => path.length > 1 || path.some((step) => step.because !== 'asked');

const CERTAINTY: Readonly<Record<string, string>> = {
  silent: 'the text does not name this act, or is not listed here; the strictest reading is taken',
  'unknown-act': 'needs evidence: what was done is not known; the strictest reading is taken',
  unsettled: 'unsettled: readers of the text disagree',
};

/** `through lab/Base (fine-tuned), lab/Mid (merged)`. */
function pathWords(path: readonly PathStep[]): string {
  return `through ${path.map((step) => `${step.model} (${ACTS[step.act]}${step.because === 'claimed' ? ', by its card' : ''})`).join(', then ')}`;
}

export function renderCan(name: string, can: Can, style: Style): string {
  const lines: string[] = [];
  for (const one of can.acts) {
    lines.push(...prose([{ text: clean(name, 120), tone: 'strong' }, `, ${one.act}: `, ANSWERS[one.answer]], style, 0));
    const items = one.reasons.map((reason): Item => ({
      label: ANSWERS[reason.answer].text === 'the text does not say' ? 'silent' : ANSWERS[reason.answer].text,
      tone: ANSWERS[reason.answer].tone,
      text: reason.what,
      cites: reason.cites,
      path: reason.path,
      certainty: reason.certainty,
    }));
    lines.push(...itemLines(items, style), '');
  }
  lines.push(...prose({ text: NOT_ADVICE, tone: 'quiet' }, style, 0));
  return `${lines.join('\n')}\n`;
}

export function renderWhatIf(name: string, change: string, what: WhatIf, style: Style): string {
  const lines = [
    ...prose([{ text: clean(name, 120), tone: 'strong' }, `, ${change}`], style, 0),
    ...labelled(
      'license',
      what.effective.before === what.effective.after
        ? `${what.effective.after || 'none known'} (as before)`
        : `${what.effective.before || 'none known'} → ${what.effective.after || 'none known'}`,
      style,
      { column: COLUMN },
    ),
    ...labelled('before', VERDICTS[what.verdict.before].text, style, { column: COLUMN }),
    ...labelled('after', VERDICTS[what.verdict.after].text, style, { column: COLUMN }),
  ];
  const section = <T>(title: string, changes: Change<T>, item: (one: T) => Item): void => {
    const items = [
      ...changes.added.map((one) => ({ ...item(one), label: '+', tone: 'careful' as const })),
      ...changes.removed.map((one) => ({ ...item(one), label: '-', tone: 'quiet' as const })),
    ];
    if (items.length > 0) lines.push('', paint(title, 'strong', style), ...itemLines(items, style));
  };
  // What only depends on a duty being met is told among the duties.
  const telling = (hits: readonly RuleHit[]): RuleHit[] => hits.filter((hit) => hit.holds === 'yes' || hit.severity === 'conflict');
  section('Conflicts and blocks', { added: telling(what.conflicts.added), removed: telling(what.conflicts.removed) }, hitItem);
  section('Not granted', what.forbidden, (one) => ({
    label: '',
    text: `${one.applies === 'if' ? `if ${conditionOf(one)}: ` : ''}${one.what}`,
    cites: [one.from],
  }));
  section('Duties', what.duties, (duty) => ({
    label: '',
    text: `${duty.applies === 'if' ? `if ${conditionOf(duty)}: ` : ''}${duty.what}`,
    cites: [duty.from],
  }));
  section('Thresholds', what.thresholds, (one) => ({ label: '', text: `${one.bitesWhen}: ${one.effect}`, cites: [one.from] }));
  section('Names', what.names, (one) => ({
    label: '',
    text: `the model name begins with "${one.text}" (${one.status})`,
    cites: [one.from],
  }));
  section('Label', what.drift, (one) => ({
    label: '',
    text: `${one.ancestor}: ${one.kind} (${one.from.join(', ')} → ${one.to.join(', ') || 'nothing'})`,
    cites: [],
  }));
  lines.push('', ...prose({ text: NOT_ADVICE, tone: 'quiet' }, style, 0));
  return `${lines.join('\n')}\n`;
}
