/**
 * Spellings that the SPDX matching guidelines count as the same word (annex B, "equivalent words"),
 * plus the entities and tags that published license files really hold.
 * Source: https://spdx.github.io/spdx-spec/v3.0.1/annexes/license-matching-guidelines-and-templates/
 * @module
 */

/** British or older spelling → the one used in the catalogue. */
export const EQUIVALENT_WORDS: ReadonlyMap<string, string> = new Map([
  ['acknowledgement', 'acknowledgment'], ['acknowledgements', 'acknowledgments'], ['analogue', 'analog'], ['analyse', 'analyze'], ['artefact', 'artifact'], ['artefacts', 'artifacts'],
  ['authorisation', 'authorization'], ['authorised', 'authorized'], ['calibre', 'caliber'], ['cancelled', 'canceled'],
  ['catalogue', 'catalog'], ['centre', 'center'], ['emphasised', 'emphasized'], ['favour', 'favor'], ['favourite', 'favorite'],
  ['fulfil', 'fulfill'], ['fulfilment', 'fulfillment'], ['https', 'http'], ['initialise', 'initialize'],
  ['judgement', 'judgment'], ['labelling', 'labeling'], ['labour', 'labor'], ['licence', 'license'], ['licences', 'licenses'],
  ['licenced', 'licensed'], ['licencing', 'licensing'], ['licencee', 'licensee'], ['maximise', 'maximize'],
  ['modelled', 'modeled'], ['modelling', 'modeling'], ['offence', 'offense'], ['optimise', 'optimize'],
  ['organisation', 'organization'], ['organisations', 'organizations'], ['organise', 'organize'], ['practise', 'practice'],
  ['programme', 'program'], ['realise', 'realize'], ['recognise', 'recognize'], ['signalling', 'signaling'],
  ['sublicence', 'sublicense'], ['sublicences', 'sublicenses'], ['utilisation', 'utilization'], ['whilst', 'while'], ['wilful', 'willful'], ['wilfully', 'willfully'],
]);

/** Named character references that stand in license pages; others are read as separators. */
export const ENTITIES: ReadonlyMap<string, string> = new Map([
  ['amp', '&'], ['lt', '<'], ['gt', '>'], ['quot', '"'], ['apos', "'"], ['nbsp', ' '], ['copy', '©'], ['reg', ' '], ['trade', ' '],
  ['ldquo', '"'], ['rdquo', '"'], ['lsquo', "'"], ['rsquo', '’'], ['ndash', '-'], ['mdash', '-'], ['hellip', ' '], ['sect', ' '], ['bull', ' '], ['middot', ' '], ['shy', ''],
]);

/** Tags that end a line of text. */
export const BLOCK_TAGS: ReadonlySet<string> = new Set([
  'address', 'article', 'blockquote', 'body', 'br', 'center', 'dd', 'details', 'div', 'dl', 'dt', 'footer', 'h1', 'h2', 'h3', 'h4', 'h5', 'h6', 'head', 'header', 'hr',
  'html', 'li', 'main', 'meta', 'nav', 'ol', 'p', 'pre', 'section', 'summary', 'table', 'tbody', 'td', 'th', 'thead', 'title', 'tr', 'ul',
]);
/** Tags that do not. Anything else in angle brackets is text: `<year>`, `<http://…>`. */
export const INLINE_TAGS: ReadonlySet<string> = new Set([
  'a', 'abbr', 'b', 'big', 'cite', 'code', 'em', 'font', 'i', 'img', 'input', 'kbd', 'link', 'mark', 'q', 's', 'small', 'span', 'strike', 'strong', 'sub', 'sup', 'tt', 'u', 'var',
]);
