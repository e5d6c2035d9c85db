/**
 * A license on the terminal: what it says, each line with its section and the words it rests on.
 * @module
 */
import type { Candidate, CatalogEntry, LicenseSheet, SheetLine, SheetPart } from '../license/index.ts';
import { labelled, paint, prose, type Style } from './style.ts';

const HEADINGS: readonly (readonly [SheetPart, string])[] = [
  ['may', 'You may'],
  ['must', 'You must'],
  ['mustNot', 'You must not'],
  ['names', 'Names and words to show'],
  ['thresholds', 'When you are large'],
  ['territory', 'Where'],
  ['outputs', 'Outputs'],
  ['passingOn', 'When it is passed on'],
  ['end', 'How it ends, who may change it'],
  ['counts', 'What counts'],
];

/** Column of the sections; longer ones take a line of their own. */
const COLUMN = 12;
/** What happens to somebody, not what he does: the heading says it. */
const EVENTS: ReadonlySet<string> = new Set(['threshold', 'breach', 'litigation']);
const NOT_ADVICE = 'A reading of the text by people who are no lawyers; not legal advice. Where it matters, read the section.';

/** `sheet` as text. Lines fit `style.columns`; ends with a newline. */
export function renderLicenseSheet(sheet: LicenseSheet, style: Style, sameText?: string): string {
  const lines = [...headOf(sheet, style, sameText), ''];
  for (const [part, heading] of HEADINGS) {
    const terms = sheet.parts[part];
    if (terms.length > 0) lines.push(paint(heading, 'strong', style), ...terms.flatMap((term) => lineOf(term, style)), '');
    if (part === 'mustNot') lines.push(...usesOf(sheet, style));
  }
  lines.push(...tableOf(sheet, style), ...policiesOf(sheet, style), ...tailOf(sheet, style));
  return `${lines.join('\n')}\n`;
}

function headOf(sheet: LicenseSheet, style: Style, sameText: string | undefined): string[] {
  const { licensor, version, date, kind, form, flow } = sheet;
  const facts = [sheet.id, licensor, version && `version ${version}`, date, form === 'policy' ? 'a policy, no license by itself' : kind];
  return [
    ...prose({ text: sheet.name, tone: 'strong' }, style, 0),
    ...prose(facts.filter(Boolean).join(' · '), style, 2),
    ...(sameText ? prose(`${sameText} has the same text`, style, 2) : []),
    ...(sheet.supersededBy ? prose({ text: `a newer version exists: ${sheet.supersededBy}`, tone: 'careful' }, style, 2) : []),
    ...(flow ? cited('passed on', `${flow.what}${flow.note ? ` (${flow.note})` : ''}`, flow, style) : []),
  ];
}

function lineOf({ section, what, quote, textId, on, note }: SheetLine, style: Style): string[] {
  const done = on?.filter((act) => !EVENTS.has(act)) ?? [];
  const acts = done.length > 0 ? { text: ` [${done.join(', ')}]`, tone: 'quiet' as const } : '';
  return cited(section, [what, acts, ...(note ? [{ text: ` — ${note}`, tone: 'quiet' as const }] : [])], { quote, textId }, style);
}

type Prose = Parameters<typeof prose>[0];

/** A section, what it says, and below it the words. */
function cited(
  section: string,
  what: Prose,
  { quote }: { quote?: string | undefined; textId?: string | undefined },
  style: Style,
): string[] {
  const out =
    section.length < COLUMN
      ? labelled(section, what, style, { column: COLUMN, tone: 'plain' })
      : [...prose(section, style, 2), ...labelled('', what, style, { column: COLUMN })];
  return quote === undefined ? out : [...out, ...labelled('', { text: `“${quote}”`, tone: 'quiet' }, style, { column: COLUMN })];
}

function usesOf({ uses }: LicenseSheet, style: Style): string[] {
  return uses.flatMap(({ from, items }) => [
    paint(`Uses that ${from} forbids (${items.length})`, 'strong', style),
    ...items.flatMap(({ section, what, quote }) => cited(section, what, { quote }, style)),
    '',
  ]);
}

function tableOf({ derivation, notRead, form }: LicenseSheet, style: Style): string[] {
  if (form === 'policy' && derivation.length === 0) return [];
  const silent = derivation.filter((row) => row.status === 'silent');
  const told = derivation.filter((row) => row.status !== 'silent');
  const line = ({ section = '', what, quote, note }: (typeof derivation)[number]): string[] =>
    cited(section, [what, ...(note ? [{ text: ` — ${note}`, tone: 'quiet' as const }] : [])], { quote }, style);
  return [
    ...(told.length > 0 ? [paint('What makes a derivative', 'strong', style), ...told.flatMap(line), ''] : []),
    ...(silent.length > 0 ? [paint('What the text does not say', 'strong', style), ...silent.flatMap(line), ''] : []),
    ...(notRead.length > 0 ? [...prose(`Not read: ${notRead.join(', ')}`, style, 2), ''] : []),
  ];
}

function policiesOf({ policies }: LicenseSheet, style: Style): string[] {
  if (policies.length === 0) return [];
  return [
    paint('Policies that bind with it', 'strong', style),
    ...policies.flatMap(({ id, name, url, held, section, quote }) =>
      cited(
        section,
        `${name}${id ? ` (${id})` : ''}${held ? '' : ': what it asks for is not known here'}${url ? `, ${url}` : ''}`,
        { quote },
        style,
      ),
    ),
    '',
  ];
}

function tailOf({ names, confusableWith, source, review, spdx }: LicenseSheet, style: Style): string[] {
  const own = names.filter((name) => !name.ambiguous).map((name) => name.name);
  const shared = names.filter((name) => name.ambiguous).map((name) => name.name);
  const said = (label: string, text: string): string[] => (text === '' ? [] : labelled(label, text, style, { indent: 0, column: 14 }));
  return [
    ...said('SPDX', spdx),
    ...said('also called', own.join(', ')),
    ...said('shares names', shared.join(', ')),
    ...said('looks like', confusableWith.join(', ')),
    ...said('text from', source),
    ...said('read', `${review.date}, ${review.extent}, ${review.status}${review.note ? `; ${review.note}` : ''}`),
    ...prose({ text: NOT_ADVICE, tone: 'quiet' }, style, 0),
  ];
}

/** The licenses that share a name. */
export function renderCandidates(asked: string, candidates: readonly Candidate[], style: Style): string {
  const lines = prose(`"${asked}" is the name of ${candidates.length} licenses; ask for one of them:`, style, 0);
  for (const { id, name, date } of candidates)
    lines.push(...prose(`${id} — ${name}${date && !name.includes(date) ? `, ${date}` : ''}`, style, 2, '· '));
  return `${lines.join('\n')}\n`;
}

/** What is known of a license whose terms nobody recorded. */
export function renderBareText({ id, name, kind, source }: CatalogEntry, style: Style): string {
  return `${[
    ...prose({ text: name, tone: 'strong' }, style, 0),
    ...prose(`${id} · ${kind}`, style, 2),
    ...prose('Its text is known, so that a copy is recognized and changed words are found; what it says is not recorded.', style, 2),
    ...prose(source, style, 2),
  ].join('\n')}\n`;
}
