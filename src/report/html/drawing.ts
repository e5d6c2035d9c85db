/**
 * Drawings of rectangles, lines and words only. Nothing is said by color: every value is also written beside its mark.
 * @module
 */
import { clean } from '../text.ts';
import { formula, type Html, markup, NOTHING, own } from './markup.ts';

const LABEL = 84;
const WIDTH = 194;
const ROW = 20;
const TOP = 22;

export interface Drawing {
  readonly height: number;
  readonly marks: Html;
}

export interface Tick {
  readonly at: number;
  readonly text: string;
  /** Drawn through all rows, dashed. */
  readonly line?: boolean;
}

export interface Axis {
  readonly from: number;
  readonly to: number;
  readonly ticks: readonly Tick[];
}

export interface Bar {
  readonly label: string;
  readonly value: number;
  /** The value in words, beside the row. */
  readonly told: string;
  /** Where chance would put it. */
  readonly band?: readonly [number, number];
  /** A threshold of its own, drawn as a stroke across the row. */
  readonly threshold?: number;
  /** Half the length of an error bar; the value is then a point. */
  readonly error?: number;
}

/** A drawing with its caption; read out as title and description. */
export function figure(id: string, title: string, description: string, { height, marks }: Drawing, caption: string): Html {
  return markup`<figure>
    <svg viewBox="0 0 370 ${height}" role="img" aria-labelledby="${own(id)}-t ${own(id)}-d">
      <title id="${own(id)}-t">${title}</title>
      <desc id="${own(id)}-d">${description}</desc>
      ${marks}
    </svg>
    <figcaption>${formula(caption)}</figcaption>
  </figure> `;
}

/** Letters of a label that fit beside its bar at the width of a phone; longer ones stand above their bars. */
const SHORT = 12;

/** Where rows and their bars lie. */
interface Layout {
  readonly left: number;
  readonly width: number;
  /** From one row to the next, and from a row's top to its bar. */
  readonly step: number;
  readonly down: number;
}

/** One row a bar; values outside the axis are drawn at its end. */
export function bars(rows: readonly Bar[], axis: Axis): Drawing {
  const isLong = rows.some(({ label }) => [...clean(label, 60)].length > SHORT);
  const layout: Layout = isLong
    ? { left: 4, width: WIDTH + LABEL - 4, step: ROW + 15, down: 15 }
    : { left: LABEL, width: WIDTH, step: ROW, down: 0 };
  const { left, width, step } = layout;
  const height = TOP + rows.length * step + 4;
  const x = (value: number): number =>
    left + (Math.min(axis.to, Math.max(axis.from, value)) - axis.from) * (width / (axis.to - axis.from || 1));
  const side = (at: number): string => (at < left + 8 ? 'start' : at > left + width - 8 ? 'end' : 'middle');
  const marks = markup`${axis.ticks.map(({ at, text }) => markup`<text class="quiet-text" x="${px(x(at))}" y="12" ${anchored(side(x(at)))}>${raised(text)}</text>`)}
  ${rows.map((row, i) => drawRow(row, TOP + i * step, x, layout))}
  ${axis.ticks.filter((tick) => tick.line).map(({ at }) => markup`<line class="half" x1="${px(x(at))}" x2="${px(x(at))}" y1="${TOP - 5}" y2="${height - 4}" />`)}`;
  return { height, marks };
}

function anchored(side: string): Html {
  return markup`text-anchor="${own(side)}"`;
}

function drawRow(row: Bar, top: number, x: (value: number) => number, { left, width, down }: Layout): Html {
  const label = clean(row.label, 60);
  const y = top + down;
  const start = x(0);
  const [from, to] = [Math.min(start, x(row.value)), Math.max(start, x(row.value))];
  return markup`<g>
    <title>${label}: ${row.told}</title>
    ${down > 0 ? markup`<text x="${left}" y="${top + 10}">${label}</text>` : markup`<text x="${left - 6}" y="${y + 11}" text-anchor="end">${label}</text>`}
    <rect class="track" x="${left}" y="${y + 1}" width="${width}" height="13" />
    ${row.band ? markup`<rect class="band" x="${px(x(row.band[0]))}" y="${y + 1}" width="${px(x(row.band[1]) - x(row.band[0]))}" height="13" />` : NOTHING}
    ${
      row.error === undefined
        ? markup`<rect class="bar" x="${px(from)}" y="${y + 4}" width="${px(to - from)}" height="7" />`
        : markup`<line class="stroke" x1="${px(x(row.value - row.error))}" x2="${px(x(row.value + row.error))}" y1="${px(y + 7.5)}" y2="${px(y + 7.5)}" />
            <rect class="bar" x="${px(x(row.value) - 3)}" y="${px(y + 4.5)}" width="6" height="6" />`
    }
    ${row.threshold === undefined ? NOTHING : markup`<line class="stroke" x1="${px(x(row.threshold))}" x2="${px(x(row.threshold))}" y1="${y - 1}" y2="${y + 16}" />`}
    <text class="quiet-text" x="${left + width + 6}" y="${y + 11}">${raised(row.told)}</text></g
  > `;
}

/** Many values on one line, each a stroke. @param band where chance would put them. */
export function strip(values: readonly number[], axis: Axis, band?: readonly [number, number]): Drawing {
  const height = 46;
  const x = (value: number): number =>
    12 + (Math.min(axis.to, Math.max(axis.from, value)) - axis.from) * (346 / (axis.to - axis.from || 1));
  const marks = markup`<rect class="track" x="12" y="20" width="346" height="20" />
  ${band ? markup`<rect class="band" x="${px(x(band[0]))}" y="20" width="${px(x(band[1]) - x(band[0]))}" height="20" />` : NOTHING}
  ${axis.ticks.map(({ at, text }) => markup`<text class="quiet-text" x="${px(x(at))}" y="12" ${anchored(x(at) < 20 ? 'start' : x(at) > 350 ? 'end' : 'middle')}>${text}</text>`)}
  ${values.map((value) => markup`<line class="stroke" x1="${px(x(value))}" x2="${px(x(value))}" y1="22" y2="38" />`)}`;
  return { height, marks };
}

/** Two columns of numbered places joined by lines: `map[j]` on the left to `j` on the right. */
export function arrows(map: readonly number[], names: readonly [string, string]): Drawing {
  const places = Math.max(map.length, ...map.map((source) => source + 1));
  const y = (place: number): number => 32 + place * 16;
  const column = (count: number, x: number, side: string): Html[] =>
    Array.from({ length: count }, (_, place) => markup`<text x="${x}" y="${y(place) + 4}" ${anchored(side)}>${place}</text>`);
  const marks = markup`<text class="quiet-text" x="104" y="12" text-anchor="end">${names[0]}</text><text class="quiet-text" x="266" y="12">${names[1]}</text>
  ${column(Math.max(...map.map((source) => source + 1)), 104, 'end')} ${column(map.length, 266, 'start')}
  ${map.map((source, j) => (source < 0 ? NOTHING : markup`<line class="stroke" x1="112" x2="258" y1="${y(source)}" y2="${y(j)}" />`))}`;
  return { height: y(places) - 4, marks };
}

/** Squares of up to four maps: a point at (place in A, place in B); the diagonal is "not moved". */
export function squares(maps: readonly (readonly number[])[], labels: readonly string[]): Drawing {
  const SIDE = 150;
  const marks = maps.map((map, i) => {
    const [left, top] = [12 + (i % 2) * 182, 20 + Math.floor(i / 2) * 182];
    const size = Math.max(1, map.length, ...map.map((source) => source + 1));
    const step = Math.max(1, Math.ceil(map.length / 128));
    const point = px(Math.max(2, Math.min(6, SIDE / size / 2)));
    const points = map.flatMap((source, j) =>
      source < 0 || j % step !== 0
        ? []
        : [
            markup`<rect class="bar" x="${px(left + (source / size) * SIDE)}" y="${px(top + (j / size) * SIDE)}" width="${point}" height="${point}" />`,
          ],
    );
    return markup`<text x="${left}" y="${top - 6}">${labels[i]!}</text><rect class="track" x="${left}" y="${top}" width="${SIDE + 2}" height="${SIDE + 2}" />${points}`;
  });
  return { height: 20 + Math.ceil(maps.length / 2) * 182, marks: markup`${marks}` };
}

/** `10^-19` with raised digits: a drawing has no superscripts. */
function raised(text: string): string {
  return text.replaceAll(/\^(-?\d+)/g, (_, power: string) =>
    power.replaceAll(/[-\d]/g, (c) => (c === '-' ? '⁻' : '⁰¹²³⁴⁵⁶⁷⁸⁹'[Number(c)]!)),
  );
}

function px(value: number): Html {
  return own(value.toFixed(1));
}
