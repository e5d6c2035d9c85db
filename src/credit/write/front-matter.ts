/**
 * Fields put into a card's front matter as lines of text: nothing is parsed and printed again, so comments, order, quotes and line ends of
 * the author stay. Each edit is read back; one that changes more than it should is not made.
 * @module
 */
import type { JsonValue } from '../../base/index.ts';
import { readYaml } from '../../model/index.ts';
import { inserted } from './edit.ts';

/** Fields to add where they are missing, and names to add to `base_model`. */
export interface CardFields {
  readonly fields: Readonly<Record<string, string>>;
  readonly bases: readonly string[];
}

interface Data {
  readonly [key: string]: JsonValue;
}

/** @returns the card with the fields, and what was refused. Fields that are there are never changed. */
export function withFields(text: string, wanted: CardFields): { text: string; refused: string[] } {
  const refused: string[] = [];
  const missing = (data: Data): [string, string][] => Object.entries(wanted.fields).filter(([key]) => !Object.hasOwn(data, key));
  const found = frontMatterOf(text);
  if (found === 'unclosed') return { text, refused: ['the front matter is opened with "---" but never closed'] };
  if (!found) {
    const lines = [...missing({}).map(([key, value]) => `${key}: ${scalar(value)}`), ...baseLines(wanted.bases)];
    if (lines.length === 0) return { text, refused };
    const mark = text.startsWith('\ufeff') ? 1 : 0;
    const after = inserted(text, mark, ['---', ...lines, '---', ...(text.slice(mark).trim() === '' ? [] : [''])]);
    return readsAs(after, { ...Object.fromEntries(missing({})), ...baseData(wanted.bases) })
      ? { text: after, refused }
      : { text, refused: ['the first lines of the card would be read as something else'] };
  }
  let data = dataOf(found.yaml);
  if (!data) return { text, refused: ['the front matter cannot be read without doubt (see `heirloom check`)'] };
  let out = text;
  const attempt = (after: string | undefined, expected: Data, what: string): void => {
    if (after !== undefined && readsAs(after, expected)) {
      out = after;
      data = expected;
    } else refused.push(what);
  };
  for (const [key, value] of missing(data))
    attempt(
      inserted(out, endOf(out), [`${key}: ${scalar(value)}`]),
      { ...data, [key]: value },
      `${key}: ${scalar(value)} could not be added`,
    );
  for (const base of wanted.bases) {
    const stated = Object.hasOwn(data, 'base_model') ? data['base_model'] : undefined;
    const what = `${base} could not be added to base_model without rewriting what stands there`;
    if (!Object.hasOwn(data, 'base_model')) attempt(inserted(out, endOf(out), baseLines([base])), { ...data, ...baseData([base]) }, what);
    else if (Array.isArray(stated)) attempt(withItem(out, base), { ...data, base_model: [...stated, base] }, what);
    else refused.push(what);
  }
  return { text: out, refused };
}

/** As src/model/card.ts finds it. */
export function frontMatterOf(
  text: string,
): { readonly yaml: string; readonly start: number; readonly end: number } | 'unclosed' | undefined {
  const open = /^\s*---[ \t]*\r?\n/.exec(text);
  if (!open) return undefined;
  const start = open[0].length;
  const close = /^---[ \t]*$/m.exec(text.slice(start));
  return close ? { yaml: text.slice(start, start + close.index), start, end: start + close.index } : 'unclosed';
}

/** Front matter that reads one way only; undefined for any other. */
function dataOf(yaml: string): Data | undefined {
  const { data, findings } = readYaml('', yaml);
  return findings.some((finding) => finding.severity !== 'note') ? undefined : data;
}

function endOf(text: string): number {
  const found = frontMatterOf(text);
  return found && found !== 'unclosed' ? found.end : 0;
}

function readsAs(text: string, expected: Data): boolean {
  const found = frontMatterOf(text);
  const data = found && found !== 'unclosed' ? dataOf(found.yaml) : undefined;
  return data !== undefined && JSON.stringify(data) === JSON.stringify(expected);
}

/** One more item behind the last of a `base_model` that is written as a list of lines. */
function withItem(text: string, base: string): string | undefined {
  const found = frontMatterOf(text);
  if (!found || found === 'unclosed') return undefined;
  const list =
    /^base_model:[ \t]*(?:#[^\r\n]*)?\r?\n((?:[ \t]*(?:#[^\r\n]*)?\r?\n)*([ ]*)- [^\r\n]*\r?\n(?:\2(?:-|[ ]+)[^\r\n]*\r?\n)*)/m.exec(
      found.yaml,
    );
  return list ? inserted(text, found.start + list.index + list[0].length, [`${list[2]}- ${scalar(base)}`]) : undefined;
}

const baseLines = (bases: readonly string[]): string[] =>
  bases.length === 0 ? [] : ['base_model:', ...bases.map((base) => `- ${scalar(base)}`)];
const baseData = (bases: readonly string[]): Data => (bases.length === 0 ? {} : { base_model: [...bases] });

/** A YAML 1.1 and 1.2 scalar that both read as this text: plain where that is safe, else in double quotes. */
export function scalar(value: string): string {
  return /^[A-Za-z][\w./-]*$/.test(value) && !/^(y|n|yes|no|on|off|true|false|null)$/i.test(value) ? value : JSON.stringify(value);
}
