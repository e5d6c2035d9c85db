/**
 * Families of models on the terminal.
 * @module
 */
import type { FamilyTree } from '../assess/index.ts';
import type { Family } from '../lineage/index.ts';
import { columnsOf, labelled, paint, prose, type Style, wrap } from './style.ts';
import { clean } from './text.ts';
import { CLAIM_MARKS, courseOf, edgeWords, groundsWords, LINK_WORDS, rowsOf, type TreeRow } from './tree-rows.ts';
import { counted, sentence } from './words.ts';

/** Rows drawn; the JSON answer has all. (CWE-770) */
const MAX_ROWS = 2_000;
/** Deeper chains are drawn at this depth: the lines must stay on the screen. */
const MAX_DEPTH = 12;
/** Columns that a name and its words keep. */
const MIN_ROOM = 28;

/** The graph as text: a tree for each family, then weaker links, claims and limits. Lines fit `style.columns`; ends with a newline. */
export function renderTree(tree: FamilyTree, style: Style): string {
  const lines: string[] = [];
  for (const family of tree.families) lines.push(...familyLines(family, tree, style), '');
  if (tree.families.length === 0) lines.push('No two of these models are tied by training.', '');
  if (tree.single.length > 0)
    lines.push(
      paint(`No tie by training seen (${counted(tree.single.length, 'model')})`, 'strong', style),
      ...prose(tree.single.join(', '), style),
      '',
    );
  if (tree.links.length > 0) {
    lines.push(paint('Weaker ties', 'strong', style));
    for (const { a, b, verdict, pairs } of tree.links)
      lines.push(
        ...prose(
          `${a} ┄ ${b}: ${LINK_WORDS[verdict]}${pairs > 1 ? ` (and ${pairs - 1} more such pairs between their groups)` : ''}`,
          style,
          2,
          '· ',
        ),
      );
    lines.push('');
  }
  if (tree.claims.length > 0) {
    lines.push(paint('Bases that cards name', 'strong', style));
    // A base that card and configuration both name is told once.
    const told = new Set(
      tree.claims.map(
        ({ model, name, base, verdict }) =>
          `${model} names ${name}${base !== undefined && base !== name ? ` (${base})` : ''}: ${CLAIM_MARKS[verdict]}`,
      ),
    );
    for (const claim of told) lines.push(...prose(claim, style, 2, '· '));
    lines.push('');
  }
  lines.push(...prose({ text: LEGEND, tone: 'quiet' }, style, 0));
  tree.limits.forEach((limit, i) => lines.push(...labelled(i === 0 ? 'Limits' : '', sentence(limit), style, { indent: 0 })));
  return `${lines.join('\n')}\n`;
}

const LEGEND =
  '─▶ the lower came from the upper, on the grounds given; ◀─ the reverse; ── which came first is not known, and standing above does not say it.';

const MARKS = { down: '─▶', up: '◀─', unknown: '──' } as const;

function familyLines(family: Family, tree: FamilyTree, style: Style): string[] {
  const { rows, extra } = rowsOf(family);
  const count = family.members.length + Object.values(family.copies).flat().length;
  const lines = [paint(`Family of ${counted(count, 'model')}`, 'strong', style)];
  for (const row of rows.slice(0, MAX_ROWS)) lines.push(...rowLines(row, rows, tree, style));
  if (rows.length > MAX_ROWS) lines.push(`… and ${rows.length - MAX_ROWS} more`);
  for (const edge of extra) {
    const [from, to] = edge.direction === 'b->a' ? [edge.b, edge.a] : [edge.a, edge.b];
    const arrow = edge.direction === 'unknown' ? '──' : '─▶';
    lines.push(...prose(`also ${from} ${arrow} ${to}: ${edgeWords(edge)}${groundsWords(edge) && `; ${groundsWords(edge)}`}`, style, 2));
  }
  for (const note of family.notes) lines.push(...prose({ text: sentence(note), tone: 'quiet' }, style, 2));
  return lines;
}

function rowLines(row: TreeRow, rows: readonly TreeRow[], tree: FamilyTree, style: Style): string[] {
  const depth = Math.min(row.depth, MAX_DEPTH, Math.floor((columnsOf(style) - MIN_ROOM) / 3));
  const trunk = row.open
    .slice(0, Math.max(0, depth - 1))
    .map((open) => (open ? '│  ' : '   '))
    .join('');
  const course = row.edge ? courseOf(row.edge, row.id) : 'unknown';
  const branch = depth === 0 ? '' : `${row.open.at(-1) ? '├' : '└'}${MARKS[course]} `;
  const hasChildren = rows.some((other) => other.edge && other.depth === row.depth + 1 && other !== row && isBelow(rows, row, other));
  const hang = depth === 0 ? '' : `${row.open.at(-1) ? '│  ' : '   '}`;
  const hanging = `  ${trunk}${hang}${hasChildren ? '│ ' : '  '}`;
  const room = columnsOf(style) - hanging.length - 1;
  const copies = row.copies.length > 0 ? `, the same values: ${row.copies.join(', ')}` : '';
  const title = wrap([{ text: row.id, tone: 'strong' }, copies], room, style);
  const lines = title.map((line, i) => (i === 0 ? `  ${trunk}${branch}${line}` : `${hanging}${line}`));
  for (const text of [...labels(row), ...claimLabels(row, tree)])
    lines.push(...wrap({ text, tone: 'quiet' }, room, style).map((line) => `${hanging}${line}`));
  return lines.map((line) => line.trimEnd());
}

function isBelow(rows: readonly TreeRow[], row: TreeRow, other: TreeRow): boolean {
  const edge = other.edge!;
  return (edge.a === row.id || edge.b === row.id) && rows.indexOf(other) > rows.indexOf(row);
}

function labels({ edge }: TreeRow): string[] {
  if (!edge) return [];
  const near = edge.alternatives.length > 0 ? `; as near: ${edge.alternatives.slice(0, 4).join(', ')}` : '';
  const grounds = groundsWords(edge);
  return [`${edgeWords(edge)}${grounds === '' ? '' : `; ${grounds}`}${near}`];
}

function claimLabels(row: TreeRow, tree: FamilyTree): string[] {
  return tree.claims
    .filter(({ model, verdict }) => model === row.id && (verdict === 'refuted' || verdict === 'not-shown'))
    .map(({ name, verdict }) => `its card names ${clean(name)}: ${CLAIM_MARKS[verdict]}`);
}
