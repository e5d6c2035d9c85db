/**
 * Words that stand in a file and are not read: HTML comments, struck-through words, elements that a page does not show, and
 * characters that reorder what is shown. A license whose words are partly of that kind says something else than its bytes.
 * @module
 */

/** Characters `[from, to)` that a reader does not see, or sees struck through or in another order. */
export interface HiddenSpan {
  readonly from: number;
  readonly to: number;
}

/** Spans listed; more is no license file. (CWE-770) */
const MAX_SPANS = 2000;
/** Longest start tag read. */
const MAX_TAG = 600;
const STRUCK: ReadonlySet<string> = new Set(['s', 'strike', 'del', 'script', 'style', 'template', 'noscript']);
const UNSEEN =
  /\bhidden\b|display\s*:\s*none|visibility\s*:\s*(?:hidden|collapse)|font-size\s*:\s*0|opacity\s*:\s*0(?![.\d]*[1-9])|line-through|color\s*[:=]\s*["']?(?:transparent|white|#fff(?:fff)?)\b/i;
/** Strokes laid over the letter before: n\u0336o\u0336t\u0336 (Unicode "combining long stroke overlay" and its kin). */
const STROKES = /[\u0334-\u0338\u20d2\u20d3\u20d8-\u20da\u20e5\u20e6\u20ea\u20eb]/;
/** Bidirectional embeddings, overrides and isolates (Unicode TR 9); CVE-2021-42574 shows what they hide. */
const REORDERS = /[\u202a-\u202e\u2066-\u2069]/;

/** Length of style sheets that is read, and names that are remembered of it. (CWE-770) */
const MAX_STYLE = 100_000;
const MAX_NAMES = 200;

/** Classes, ids and elements that the text's own style sheets do not show. */
function unseenNames(text: string): ReadonlySet<string> {
  const names = new Set<string>();
  let read = 0;
  for (let at = text.indexOf('<style'); at >= 0 && read < MAX_STYLE; at = text.indexOf('<style', at + 6)) {
    const from = text.indexOf('>', at);
    if (from < 0) break;
    const end = text.indexOf('</style', from);
    const sheet = text.slice(from + 1, Math.min(end < 0 ? text.length : end, from + MAX_STYLE - read));
    read += sheet.length;
    for (const rule of sheet.split('}')) {
      const [selectors, declarations] = rule.split('{', 2);
      if (declarations === undefined || !UNSEEN.test(declarations)) continue;
      // The last part of a selector is what it speaks of; what stands before narrows it, and is not followed.
      for (const selector of selectors!.slice(-400).split(','))
        for (const name of /[^\s>+~]*$/.exec(selector.trim())![0].match(/[.#]?[\w-]+/g) ?? [])
          if (names.size < MAX_NAMES) names.add(name.toLowerCase());
    }
  }
  return names;
}

/** Every such span in order of its start. One pass; nested spans may be listed once. */
export function hiddenSpans(text: string): HiddenSpan[] {
  const spans: HiddenSpan[] = [];
  const closings = new Map<string, number>();
  const unseen = unseenNames(text);
  let i = 0;
  while (i < text.length && spans.length < MAX_SPANS) {
    const c = text.charCodeAt(i);
    let to = 0;
    if (c === 60) to = text.startsWith('<!--', i) ? afterNext(text, '-->', i + 4, closings) : elementEnd(text, i, closings, unseen);
    else if (c === 126 && text[i + 1] === '~') to = struckEnd(text, i);
    else if (c === 91 && (i === 0 || text[i - 1] === '\n')) to = markdownCommentEnd(text, i);
    else if (c >= 0x202a && c <= 0x2069 && REORDERS.test(text[i]!)) to = directionEnd(text, i);
    else if ((c >= 0x334 && c <= 0x338) || (c >= 0x20d2 && c <= 0x20eb)) {
      if (i > 0 && STROKES.test(text[i]!)) {
        const last = spans.at(-1);
        if (last && last.to >= i - 2) spans[spans.length - 1] = { from: last.from, to: i + 1 };
        else spans.push({ from: i - 1, to: i + 1 });
      }
    }
    if (to > i) {
      spans.push({ from: i, to });
      i = to;
    } else i++;
  }
  return spans;
}

/** End of the next `mark`; the end of the text when there is none. Remembers what was looked for, so that time stays linear. (CWE-407) */
function afterNext(text: string, mark: string, from: number, known: Map<string, number>): number {
  let at = known.get(mark) ?? -1;
  if (at < from) {
    at = text.indexOf(mark, from);
    if (at < 0) at = text.length;
    known.set(mark, at);
  }
  return Math.min(text.length, at + mark.length);
}

/** End of a struck or unseen element that starts at `i`, 0 when it is none. */
function elementEnd(text: string, i: number, closings: Map<string, number>, unseen: ReadonlySet<string>): number {
  const name = /^<([a-zA-Z]{1,10})(?=[\s/>])/.exec(text.slice(i, i + 14))?.[1]?.toLowerCase();
  if (name === undefined) return 0;
  let end = i + 1 + name.length;
  while (end < text.length && end < i + MAX_TAG && text[end] !== '>' && text[end] !== '<') end++;
  if (text[end] !== '>' || text[end - 1] === '/') return 0;
  const attributes = text.slice(i + 1 + name.length, end);
  if (name === 'input' || name === 'img' || !(STRUCK.has(name) || UNSEEN.test(attributes) || isUnseen(name, attributes, unseen))) return 0;
  return afterNext(text, `</${name}`, end, closings);
}

function isUnseen(name: string, attributes: string, unseen: ReadonlySet<string>): boolean {
  if (unseen.size === 0) return false;
  if (unseen.has(name)) return true;
  for (const [, kind, value] of attributes.matchAll(/\b(class|id)\s*=\s*["']?([^"'>]*)/gi))
    if (value!.split(/\s+/).some((one) => unseen.has(`${kind!.toLowerCase() === 'id' ? '#' : '.'}${one.toLowerCase()}`))) return true;
  return false;
}

/** `~~words~~` of one paragraph; a row of tildes is a fence. */
function struckEnd(text: string, i: number): number {
  if (text[i - 1] === '~' || text[i + 2] === '~' || /\s/.test(text[i + 2] ?? ' ')) return 0;
  const near = text.slice(i + 2, i + 4000);
  const end = near.search(/~~|\n[ \t]*\n/);
  return end > 0 && near[end] === '~' && near[end + 2] !== '~' ? i + end + 4 : 0;
}

/** `[//]: # (words)`: a link definition that nobody links to. */
function markdownCommentEnd(text: string, i: number): number {
  const found = /^\[[^\]\n]{1,40}\]:[ \t]*(?:#|<>)[ \t]*[("'][^\n]*/.exec(text.slice(i, i + 2000));
  return found ? i + found[0].length : 0;
}

function directionEnd(text: string, i: number): number {
  const near = text.slice(i + 1, i + 2000);
  const end = near.search(/[\u202c\u2069\n]/);
  return i + 2 + (end < 0 ? near.length : end);
}
