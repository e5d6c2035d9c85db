/**
 * References in CITATION.cff to the models that were built on. Format: Citation File Format 1.2.0, schema-guide.md (`references`: each
 * has `authors`, `title`, `type`). Authors of the file itself are never made up: without them no file is made.
 * @module
 */
import { readYaml } from '../../model/index.ts';
import { inserted, lineEndOf, type Refusal } from './edit.ts';
import { scalar } from './front-matter.ts';

export interface CitedModel {
  /** `owner/name`. */
  readonly name: string;
  readonly url?: string;
  readonly revision?: string;
  /** SPDX id; `license` takes no others. */
  readonly license?: string;
}

/** @param author of the model itself, for a file that is not there yet. */
export function withReferences(
  text: string | undefined,
  cited: readonly CitedModel[],
  own: { readonly title: string; readonly author?: string },
): { text?: string; refused: Refusal[] } {
  const path = 'CITATION.cff';
  const nameable = cited.filter((model) => ownerOf(model.name) !== '');
  const refused: Refusal[] = cited
    .filter((model) => ownerOf(model.name) === '')
    .map((model) => ({
      path,
      why: `who made ${model.name} is not known, and a reference has to name its authors (CFF 1.2.0, references)`,
    }));
  if (nameable.length === 0) return { ...(text !== undefined && { text }), refused };
  if (text === undefined) {
    if (own.author === undefined)
      return {
        refused: [
          ...refused,
          {
            path,
            why: 'there is none, and it has to name the authors of this model, which are not known here (CFF 1.2.0, authors); give them with --author',
            words: ['references:', ...nameable.flatMap((model) => item(model, '  '))].join('\n'),
          },
        ],
      };
    const lines = [
      'cff-version: 1.2.0',
      'message: "If you use this model, please cite it and the models it was made from."',
      `title: ${scalar(own.title)}`,
      'authors:',
      `  - name: ${scalar(own.author)}`,
      'references:',
      ...nameable.flatMap((model) => item(model, '  ')),
    ];
    return { text: `${lines.join('\n')}\n`, refused };
  }
  const before = read(text);
  if (!before) return { text, refused: [...refused, { path, why: 'it cannot be read without doubt as YAML' }] };
  let out = text;
  for (const model of nameable) {
    const data = read(out)!;
    const references = Object.hasOwn(data, 'references') ? data['references'] : undefined;
    if (Array.isArray(references) && references.some((entry) => cites(entry, model))) continue;
    const after = references === undefined ? atEnd(out, ['references:', ...item(model, '  ')]) : withItem(out, model);
    const { references: list, ...rest } = (after === undefined ? undefined : read(after)) ?? {};
    const { references: old, ...kept } = data;
    const isRight =
      Array.isArray(list) &&
      JSON.stringify(rest) === JSON.stringify(kept) &&
      JSON.stringify(list.slice(0, -1)) === JSON.stringify(old ?? []) &&
      cites(list.at(-1), model);
    if (after !== undefined && isRight) out = after;
    else
      refused.push({
        path,
        why: `a reference to ${model.name} could not be added without rewriting what stands there`,
        words: item(model, '  ').join('\n'),
      });
  }
  return { text: out, refused };
}

function read(text: string): { [key: string]: unknown } | undefined {
  const { data, findings } = readYaml('', text.replace(/^\ufeff/, ''));
  return findings.some((finding) => finding.severity !== 'note') || Object.keys(data).length === 0 ? undefined : data;
}

function cites(entry: unknown, model: CitedModel): boolean {
  if (typeof entry !== 'object' || entry === null) return false;
  const { title, url } = entry as { title?: unknown; url?: unknown };
  return title === model.name || (model.url !== undefined && url === model.url);
}

const ownerOf = (name: string): string => (name.includes('/') ? name.slice(0, name.lastIndexOf('/')) : '');

function item(model: CitedModel, indent: string): string[] {
  const lines = [
    `title: ${scalar(model.name)}`,
    // The 1.2.0 list of types has no word for models.
    'type: generic',
    'authors:',
    `  - name: ${scalar(ownerOf(model.name))}`,
    ...(model.url === undefined ? [] : [`url: ${scalar(model.url)}`]),
    ...(model.revision === undefined ? [] : [`version: ${scalar(model.revision)}`]),
    ...(model.license === undefined ? [] : [`license: ${scalar(model.license)}`]),
  ];
  return lines.map((line, k) => `${indent}${k === 0 ? '- ' : '  '}${line}`);
}

/** Behind the last line of a `references` that is written as a list of lines. */
function withItem(text: string, model: CitedModel): string | undefined {
  const list = /^references:[ \t]*\r?\n(?:[ \t]*(?:#[^\r\n]*)?\r?\n)*([ ]*)- [^\r\n]*(?:\r?\n\1(?:-|[ ]+)[^\r\n]*)*/m.exec(text);
  if (!list) return undefined;
  const at = list.index + list[0].length;
  const rest = text.slice(at);
  const line = /^\r?\n/.exec(rest)?.[0];
  if (line === undefined) return rest === '' ? atEnd(text, item(model, list[1]!)) : undefined;
  return inserted(text, at + line.length, item(model, list[1]!));
}

/** CFF files are written without empty lines. */
function atEnd(text: string, lines: readonly string[]): string {
  const end = lineEndOf(text);
  return `${text}${text.endsWith('\n') ? '' : end}${lines.join(end)}${end}`;
}
