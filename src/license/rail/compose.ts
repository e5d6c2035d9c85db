/**
 * A responsible-use license put together from reviewed clauses. The same options give the same text and the same id.
 * @module
 */
import { sha256, toHex } from '../../base/index.ts';
import type { LicenseRecord, Term } from '../terms/types.ts';
import { LicenseError } from '../types.ts';
import { splitWords } from '../words.ts';
import { type Artifact, loadRail, type RailData, type RailType } from './data.ts';

export interface RailOptions {
  readonly artifact: Artifact;
  readonly type: RailType;
  /** Codes of the vocabulary's use restrictions; at least one. Order and repetition do not matter. */
  readonly restrictions: readonly string[];
  /** What is licensed; at most 100 characters. */
  readonly name?: string;
  readonly licensor?: string;
}

export interface ComposedLicense {
  /** `LicenseRef-RAIL-M-open-` and 16 hexadecimal digits of the SHA-256 of the text's words. */
  readonly id: string;
  readonly text: string;
  /** The same terms for programs; every quote stands in the text. */
  readonly record: LicenseRecord;
}

const MAX_NAME = 100;

/**
 * Composes a license.
 * @throws LicenseError `RAIL_OPTIONS` for an unknown artifact, type or restriction, none at all, or a name that a line cannot hold.
 */
export async function composeRail(options: RailOptions): Promise<ComposedLicense> {
  return composeWith(await loadRail(), options);
}

/** `composeRail` over loaded data. */
export function composeWith(data: RailData, options: RailOptions): ComposedLicense {
  const type = Object.hasOwn(data.types, options.type) ? data.types[options.type] : undefined;
  const artifact = Object.hasOwn(data.artifacts, options.artifact) ? data.artifacts[options.artifact] : undefined;
  if (!type) throw refuse(`there is no type "${options.type}"`, `types are ${Object.keys(data.types).join(', ')}`);
  if (!artifact)
    throw refuse(`there is no artifact "${options.artifact}"`, 'artifacts are D (data), A (application), M (model), S (source code)');
  const all = data.restrictions.map((r) => r.code);
  const unknown = options.restrictions.find((code) => !all.includes(code));
  if (unknown !== undefined) throw refuse(`there is no restriction "${unknown}"`, `restrictions are ${all.join(', ')}`);
  const chosen = data.restrictions.filter((r) => options.restrictions.includes(r.code));
  if (chosen.length === 0) throw refuse('no restriction was chosen', `a responsible-use license restricts something: ${all.join(', ')}`);
  const name = line(options.name ?? `the ${artifact.noun} published with this text`, 'name');
  const licensor = line(options.licensor ?? `the publisher of the ${artifact.noun}`, 'licensor');
  const fill = (text: string): string =>
    text
      .replaceAll('{definition}', artifact.definition)
      .replaceAll('{derivative}', artifact.derivative)
      .replaceAll('{Work}', artifact.noun);
  const items = chosen.map((r, k) => `Restriction ${k + 1}. ${r.text}`).join('\n\n');
  const sections = data.sections.filter((section) => !section.types || section.types.includes(options.type));
  const title = `${type.title} for ${artifact.noun} (${type.short}-${options.artifact})`;
  const body = [
    `Composed of Heirloom RAIL clauses, version ${data.version}\n\nWork: ${name}\n\nLicensor: ${licensor}`,
    ...sections.map((section, k) =>
      [`Section ${k + 1}. ${section.heading}`, ...section.paragraphs.map((p) => (p === '{restrictions}' ? items : fill(p)))].join('\n\n'),
    ),
    'This text was put together by a program from clauses that people reviewed. It is not legal advice.',
  ].join('\n\n');
  const digest = toHex(sha256(new TextEncoder().encode(splitWords(`${title}\n\n${body}`).words.join(' '))));
  const id = `LicenseRef-RAIL-${options.artifact}-${options.type}-${digest.slice(0, 16)}`;
  const codes = chosen.map((r) => r.code);
  const terms = sections.flatMap((section, k) =>
    section.terms.map(({ restrictions, quote, ...term }): Term => ({
      ...term,
      section: `Section ${k + 1}`,
      quote: fill(quote),
      ...(restrictions && { params: { policy: `Section ${k + 1}`, restrictions: codes } }),
    })),
  );
  const record: LicenseRecord = { id, spdx: id, name: title, licensor, form: 'license', kind: type.kind, terms };
  return { id, text: `${title}\n\nLicense ID: ${id}\n\n${body}\n`, record };
}

/** One line of a header. */
function line(value: string, what: string): string {
  const text = value.trim().replace(/\s+/g, ' ');
  const { words } = splitWords(text);
  const joined = ` ${words.join(' ')} `;
  if (words.length === 0 || text.length > MAX_NAME || /[\p{Cc}\p{Cf}<>&]/u.test(text))
    throw refuse(`the ${what} must be one line of at most ${MAX_NAME} letters without <, > and &`, 'shorten it');
  if (joined.includes(' licensor ') || joined.includes(' section 1 definitions '))
    throw refuse(`the ${what} holds a word that the license's own headings use`, 'leave out "licensor" and "section 1 definitions"');
  return text;
}

function refuse(message: string, hint: string): LicenseError {
  return new LicenseError('RAIL_OPTIONS', message, { hint });
}
