/**
 * Markup that cannot be injected into: every string put into a template is escaped and cleaned, only values made here pass as they are.
 * Rules: HTML Living Standard, section 13.3 (text and double-quoted attribute values); CWE-79.
 * @module
 */
import { pieces } from '../text.ts';

/** Markup that is safe to put into a page. The private field keeps look-alikes out: only this module can make one. */
export class Html {
  readonly #markup: string;
  constructor(key: typeof KEY, markup: string) {
    if (key !== KEY) throw new TypeError('Html is made by the markup template only');
    this.#markup = markup;
  }
  toString(): string {
    return this.#markup;
  }
}
const KEY: unique symbol = Symbol('html');

export type Child = Html | string | number | readonly Child[] | null | undefined | false;

/**
 * Template of our own markup; strings put in become text. Attribute values stand in double quotes and come from `own`.
 * (Not called `html`: formatters reflow templates of that name, and white space counts in `style` and `pre`.)
 */
export function markup(literals: TemplateStringsArray, ...children: readonly Child[]): Html {
  let out = literals[0]!;
  children.forEach((child, i) => {
    out += markupOf(child) + literals[i + 1]!;
  });
  return new Html(KEY, out);
}

export const NOTHING: Html = markup``;

/** Our own text as it stands: style sheets, numbers, attribute values. @throws TypeError when it could open markup. */
export function own(text: string): Html {
  if (/[<"&]/.test(text)) throw new TypeError('our own text holds markup');
  return new Html(KEY, text);
}

function markupOf(child: Child): string {
  if (child === null || child === undefined || child === false) return '';
  if (child instanceof Html) return child.toString();
  if (typeof child === 'number') return String(child);
  if (typeof child === 'string') return textMarkup(child);
  return child.map(markupOf).join('');
}

/** Hidden characters as chips with their code point; the rest escaped. */
function textMarkup(text: string): string {
  let out = '';
  for (const piece of pieces(text))
    out += piece.hidden ? `<span class="code-point">${escapeText(piece.text)}</span>` : escapeText(piece.text);
  // Cleaning trims; a string put beside markup keeps its outer spaces.
  return `${/^\s/.test(text) ? ' ' : ''}${out}${/\s$/.test(text) ? ' ' : ''}`;
}

/** Text byte for byte, for a reader who wants to hash it. @throws TypeError on anything but printable ASCII and line ends. */
export function verbatim(text: string): Html {
  if (!/^[\n\x20-\x7e]*$/.test(text)) throw new TypeError('only printable ASCII can be shown byte for byte');
  return new Html(KEY, escapeText(text));
}

/** Foreign text set apart, so that right-to-left names do not reorder the words around them (HTML `bdi`). */
export function foreign(text: string): Html {
  return markup`<bdi>${text}</bdi>`;
}

/** An identifier, path, digest or command: exact, in a fixed-width face. */
export function code(text: string): Html {
  return markup`<code><bdi>${text}</bdi></code>`;
}

/** Our own words with powers of ten set as such: `10^-19`. */
export function formula(text: string): Html {
  return markup`${text.split(/(10\^-?\d+)/).map((part) => {
    const power = /^10\^(-?)(\d+)$/.exec(part);
    return power ? markup`10<sup>${power[1] === '-' ? '−' : ''}${power[2]!}</sup>` : part;
  })}`;
}

export function escapeText(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;').replaceAll("'", '&#39;');
}

/** A heading of level 1 to 6 with an id of ours. */
export function heading(level: number, id: string, text: Child): Html {
  const tag = own(`h${level}`);
  return markup`<${tag} id="${own(id)}">${text}</${tag}>`;
}

/** Definition list of those entries that have something to say. */
export function facts(entries: readonly (readonly [name: Child, value: Child])[]): Html {
  const rows = entries.filter(([, value]) => value !== '' && value !== null && value !== undefined && value !== false);
  if (rows.length === 0) return NOTHING;
  return markup`<dl class="facts">
    ${rows.map(
      ([name, value]) =>
        markup`<div>
          <dt>${name}</dt>
          <dd>${value}</dd>
        </div>`,
    )}
  </dl>`;
}

export interface Column {
  readonly name: string;
  readonly number?: boolean;
}

/** Rows shown of one table; the JSON answer has them all. (CWE-770) */
const MAX_ROWS = 500;

/**
 * A table with caption and scoped heads. On narrow screens its rows become blocks and each cell shows its column's name; the roles keep
 * it a table for screen readers then, too. The first cell of a row names it.
 */
export function table(id: string, caption: string, columns: readonly Column[], rows: readonly (readonly Child[])[]): Html {
  if (rows.length === 0) return NOTHING;
  const more = rows.length - MAX_ROWS;
  const heads = columns.map((column) => markup`<th scope="col" role="columnheader"${numeric(column)}>${column.name}</th>`);
  const body = rows.slice(0, MAX_ROWS).map((row) => markup`<tr role="row">${row.map((cell, i) => tableCell(cell, i, columns[i]!))}</tr>\n`);
  return markup`<div class="scroll" role="region" aria-labelledby="${own(id)}" tabindex="0"><table role="table">
<caption id="${own(id)}">${caption}${more > 0 ? ` (${MAX_ROWS} of ${rows.length} rows)` : ''}</caption>
<thead role="rowgroup"><tr role="row">${heads}</tr></thead>
<tbody role="rowgroup">${body}</tbody></table></div>
`;
}

function numeric(column: Column): Html {
  return column.number ? markup` class="number"` : NOTHING;
}

function tableCell(cell: Child, i: number, column: Column): Html {
  if (i === 0) return markup`<th scope="row" role="rowheader">${cell}</th>`;
  return markup`<td role="cell" data-name="${own(column.name)}"${numeric(column)}><div>${cell}</div></td>`;
}

/** A part that is folded away on screen and open in print. */
export function fold(summary: Child, body: Child): Html {
  return markup`<details>
    <summary>${summary}</summary>
    <div>${body}</div>
  </details> `;
}
