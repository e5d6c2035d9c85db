/**
 * The drawing of one family: a row for each model, ancestors above, elbows to what hangs on them. Rows rather than a wide layer, so
 * that thirty children of one base can be read on a phone and on paper.
 * @module
 */
import type { FamilyTree } from '../../assess/index.ts';
import type { Family, FamilyEdge } from '../../lineage/index.ts';
import { clean } from '../text.ts';
import { CLAIM_MARKS, courseOf, edgeWords, groundsWords, rowsOf, type TreeRow } from '../tree-rows.ts';
import { counted } from '../words.ts';
import { type Html, markup, NOTHING, own } from './markup.ts';

/** Rows drawn; the table below has more, the JSON answer all. (CWE-770) */
const MAX_ROWS = 400;
const WIDTH = 400;
const STEP = 18;
/** Deeper chains are drawn at this depth, so that their words keep room. */
const MAX_DEPTH = 8;
/** Lanes on the right for edges that are not part of the tree. */
const LANE = 12;
const MAX_LANES = 6;
const LINE = 15;
/** Width of a character of the label's face, about. */
const CHAR = 5.9;

export const TREE_STYLE: Html = own(`
.family{max-width:34rem}
.family text{font-size:11.5px}
.family .name{font-size:13px;font-weight:600}
.family .edge{stroke:var(--bar);stroke-width:1.5}
.family .open{stroke:var(--quiet);stroke-width:1.5}
.family .also{stroke:var(--bar);stroke-width:1.2;stroke-dasharray:4 3}
.family .node{fill:var(--page);stroke:var(--ink);stroke-width:1.5}
.family .warn{fill:var(--bad)}
`);

interface Placed {
  readonly row: TreeRow;
  readonly x: number;
  readonly y: number;
  readonly labels: readonly { readonly text: string; readonly tone: string }[];
}

export function familyDrawing(family: Family, tree: FamilyTree, id: string): Html {
  const { rows, extra } = rowsOf(family);
  const lanes = Math.min(MAX_LANES, extra.length);
  const right = WIDTH - lanes * LANE - 6;
  const placed: Placed[] = [];
  let y = 16;
  for (const row of rows.slice(0, MAX_ROWS)) {
    const x = 12 + Math.min(row.depth, MAX_DEPTH) * STEP;
    const labels = labelsOf(row, tree, Math.floor((right - x - 14) / CHAR));
    placed.push({ row, x, y, labels });
    y += 22 + labels.length * LINE;
  }
  const at = new Map(placed.map((one) => [one.row.id, one]));
  const parentOf = ({ edge, id: own_ }: TreeRow): Placed | undefined => edge && at.get(edge.a === own_ ? edge.b : edge.a);
  return markup`<figure class="family">
    <svg viewBox="0 0 ${WIDTH} ${y}" role="img" aria-labelledby="${own(id)}-t ${own(id)}-s">
      <title id="${own(id)}-t">${counted(rows.length, 'model')}, ancestors above</title>
      <desc id="${own(id)}-s">The table after the drawing lists every tie.</desc>
      ${placed.map((one) => branch(one, parentOf(one.row)))}
      ${extra.slice(0, MAX_ROWS).map((edge, i) => lane(edge, at, right + 8 + (i % MAX_LANES) * LANE))} ${placed.map((one) => node(one, right))}
    </svg>
    <figcaption>
      An arrow points from the model that came first, on the grounds named beside it. Gray lines without an arrow: which came first is not
      known.${lanes > 0 ? ' Dashed on the right: further parents, and bases that cards name.' : ''}${rows.length > MAX_ROWS ? ` The first ${MAX_ROWS} of ${rows.length} models.` : ''}
    </figcaption>
  </figure> `;
}

function labelsOf(row: TreeRow, tree: FamilyTree, room: number): Placed['labels'] {
  const out: { text: string; tone: string }[] = [];
  const add = (text: string, tone: string): void => {
    for (const line of broken(clean(text, 400), Math.max(16, room))) out.push({ text: line, tone });
  };
  if (row.copies.length > 0) add(`the same values: ${row.copies.join(', ')}`, 'quiet-text');
  if (row.edge) {
    const grounds = groundsWords(row.edge);
    add(`${raised(edgeWords(row.edge))}${grounds === '' ? '' : `; ${grounds}`}`, 'quiet-text');
    if (row.edge.alternatives.length > 0) add(`as near: ${row.edge.alternatives.slice(0, 4).join(', ')}`, 'quiet-text');
  }
  for (const { model, name, verdict } of tree.claims)
    if (model === row.id && (verdict === 'refuted' || verdict === 'not-shown'))
      add(`its card names ${name}: ${CLAIM_MARKS[verdict]}`, 'warn');
  return out;
}

function node({ row, x, y, labels }: Placed, right: number): Html {
  const name = clean(row.id, 200);
  const room = Math.max(8, Math.floor((right - x - 14) / 7.4));
  const short = [...name].length > room ? `${[...name].slice(0, room - 1).join('')}…` : name;
  return markup`<g>
    <title>${name}</title>
    <rect class="node" x="${x - 4}" y="${y - 4}" width="8" height="8" />
    <text class="name" x="${x + 10}" y="${y + 4}">${short}</text>
    ${labels.map(({ text, tone }, i) => markup`<text class="${own(tone)}" x="${x + 10}" y="${y + 4 + (i + 1) * LINE}">${text}</text>`)}</g
  > `;
}

/** Down from the upper node, then across to the lower; an arrowhead where the direction has grounds. */
function branch({ row, x, y }: Placed, upper: Placed | undefined): Html {
  if (!upper || !row.edge) return NOTHING;
  const course = courseOf(row.edge, row.id);
  const kind = own(course === 'unknown' ? 'open' : 'edge');
  // A chain deeper than is drawn runs straight down.
  const from = Math.min(upper.x, x - STEP / 2);
  return markup`<line class="${kind}" x1="${from}" x2="${from}" y1="${upper.y + 5}" y2="${y}" />
    <line class="${kind}" x1="${from}" x2="${x - 5}" y1="${y}" y2="${y}" />
    ${course === 'down' ? head(x - 5, y, -1, 'edge') : course === 'up' ? head(from, upper.y + 6, 0, 'edge') : NOTHING}`;
}

function lane(edge: FamilyEdge, at: ReadonlyMap<string, Placed>, x: number): Html {
  const [from, to] = edge.direction === 'b->a' ? [edge.b, edge.a] : [edge.a, edge.b];
  const [start, end] = [at.get(from), at.get(to)];
  if (!start || !end) return NOTHING;
  const reach = (one: Placed): number => Math.min(x - 4, one.x + 16 + [...clean(one.row.id, 200)].length * 7.4);
  return markup`<g>
    <title>${from} to ${to}: ${edgeWords(edge)}</title>
    <line class="also" x1="${reach(start).toFixed(1)}" x2="${x}" y1="${start.y}" y2="${start.y}" />
    <line class="also" x1="${x}" x2="${x}" y1="${start.y}" y2="${end.y}" />
    <line class="also" x1="${x}" x2="${reach(end).toFixed(1)}" y1="${end.y}" y2="${end.y}" />
    ${edge.direction === 'unknown' ? NOTHING : head(reach(end), end.y, 1, 'edge')}</g
  > `;
}

/** Two strokes; `side` -1 points right, 1 left, 0 up. */
function head(x: number, y: number, side: -1 | 0 | 1, kind: string): Html {
  const [dx, dy] = side === 0 ? [4, 6] : [side * 6, 4];
  const ends = side === 0 ? [[x - dx, y + dy], [x + dx, y + dy]] : [[x + dx, y - dy], [x + dx, y + dy]]; // prettier-ignore
  return markup`${ends.map(([ex, ey]) => markup`<line class="${own(kind)}" x1="${x.toFixed(1)}" x2="${ex!.toFixed(1)}" y1="${y}" y2="${ey!}" />`)}`;
}

/** `10^-12` as text can show it. */
function raised(text: string): string {
  return text.replaceAll(
    /10\^(-?\d+)/g,
    (_, power: string) => `10${[...power].map((c) => (c === '-' ? '⁻' : '⁰¹²³⁴⁵⁶⁷⁸⁹'[Number(c)]!)).join('')}`,
  );
}

/** Lines of at most `room` characters, broken between words. */
function broken(text: string, room: number): string[] {
  const lines: string[] = [];
  for (const word of text.split(' ')) {
    const last = lines.at(-1);
    if (last !== undefined && last.length + 1 + word.length <= room) lines[lines.length - 1] = `${last} ${word}`;
    else lines.push([...word].slice(0, room).join(''));
  }
  return lines;
}
