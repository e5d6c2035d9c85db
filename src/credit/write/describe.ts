/**
 * The generated section of a card: facts with their clause, in Markdown that no name can break out of.
 * @module
 */
import { creditList, type CreditNode } from '../tree.ts';
import type { CatalogRecord } from '../../license/index.ts';
import { displayWords, sayLicense } from './words.ts';

export interface Described {
  readonly tree: CreditNode;
  /** Records of the licenses that come with the bases, sorted by id. */
  readonly records: readonly CatalogRecord[];
  /** Id → file that holds its copy. */
  readonly copies: ReadonlyMap<string, string>;
  readonly find: (id: string) => CatalogRecord | undefined;
}

/** Lines of the section; none where nothing is known to be built on. */
export function describeCredit({ tree, records, copies, find }: Described): string[] {
  const models = creditList(tree);
  if (models.length === 0) return [];
  const direct = new Set(tree.bases.map((base) => base.name));
  const rows = models.map((model) =>
    [
      direct.has(model.name) ? inline(model.name) : `${inline(model.name)} (further up)`,
      model.revision === undefined ? 'not recorded' : inline(model.revision),
      model.licenses.length > 0 ? model.licenses.map(inline).join(', ') : 'not known here',
      model.change ?? 'not known',
      model.share === undefined ? 'not measured' : `${Math.round(100 * model.share)} %`,
      model.because === 'weights' ? 'its weights' : direct.has(model.name) ? 'this card' : 'the card of a model in between',
    ].join(' | '),
  );
  const lines = [
    '## Built on',
    '',
    '| Model | Version | License | What was done | Share of the weights | Known from |',
    '| --- | --- | --- | --- | --- | --- |',
    ...rows.map((row) => `| ${row} |`),
  ];
  const shown = [...new Set(records.flatMap((record) => displayWords(record).map((asked) => asked.words)))];
  for (const words of shown) lines.push('', `**${inline(words)}**`);
  const points = records.flatMap((record) => [
    ...(copies.has(record.id) ? [`${inline(record.name)}: a copy is in ${inline(copies.get(record.id)!)}.`] : []),
    ...sayLicense(record, find).map(inline),
  ]);
  if (points.length > 0)
    lines.push(
      '',
      'What the licenses of these models ask, in their own words (a reading aid, not legal advice):',
      '',
      ...points.map((point) => `- ${point}`),
    );
  return lines;
}

/** One line of text with nothing in it that Markdown, a table or an HTML comment would act on (CommonMark 0.31, 2.4). */
function inline(text: string): string {
  return text
    .replace(/[\s\p{Cc}\p{Cf}\p{Zl}\p{Zp}]+/gu, ' ')
    .trim()
    .slice(0, 400)
    .replace(/&(?=#?\w+;)/g, '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replace(/[\\`*_[\]|~]/g, (c) => (c === '_' || c === '~' ? c : `\\${c}`));
}
