/**
 * Wordings that licensors themselves publish side by side, so neither is a change. Each was seen in the wild in
 * more than one independent copy; a variant is bound to the words before it.
 * @module
 */

interface Variant {
  /** Ids it holds for, or their common beginning followed by `*`. */
  readonly id: string;
  /** Words of the catalogue that may be missing or replaced; '' for an addition. */
  readonly catalog: string;
  /** Words that may stand there; '' for a removal. */
  readonly found: string;
  /** The catalogue's last words before it; absent: anywhere. */
  readonly after?: string;
}

const VARIANTS: readonly Variant[] = [
  // Meta's first publication of the Llama 2 license lacks the article that its repository has now.
  { id: 'llama-2', catalog: 'an', found: '', after: 'the foregoing constitutes' },
  // creativecommons.org serves its plain text with the wiki's addresses and without its own name in the title.
  { id: 'CC-*', catalog: 'creative commons', found: '', after: '' },
  { id: 'CC-*', catalog: '', found: 'wiki creativecommons org considerations for licensors' },
  { id: 'CC-*', catalog: '', found: 'wiki creativecommons org considerations for licensees' },
  {
    id: 'CC-*',
    catalog: '',
    found: 'the text of the creative commons public licenses is dedicated to the public domain under the cc0 public domain dedication',
  },
  // Copies of the third clause of BSD say "any contributors" and "their contributors".
  { id: 'BSD-*', catalog: 'its', found: 'any', after: 'nor the names of' },
  { id: 'BSD-*', catalog: 'its', found: 'their', after: 'nor the names of' },
  { id: 'BSD-*', catalog: 'its', found: 'the', after: 'nor the names of' },
  // The FSF moved its essay; both addresses stand in copies it distributes.
  { id: 'GPL-3.0-only', catalog: 'philosophy', found: 'licenses', after: 'www gnu org' },
  { id: 'LGPL-3.0-only', catalog: 'philosophy', found: 'licenses', after: 'www gnu org' },
];

/** True when this difference is one of the published wordings. `before`: the catalogue's words before it, up to six. */
export function isVariant(id: string, catalog: string, found: string, before: string): boolean {
  return VARIANTS.some(
    (v) =>
      (v.id.endsWith('*') ? id.startsWith(v.id.slice(0, -1)) : v.id === id) &&
      v.catalog === catalog &&
      v.found === found &&
      (v.after === undefined || (v.after === '' ? before === '' : before.endsWith(v.after))),
  );
}
