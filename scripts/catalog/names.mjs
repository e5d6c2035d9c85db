// names.json: what licenses are called, by the words that count.
import { canonicalName, currentId } from '../../src/license/names.ts';
import { lines } from './texts.mjs';

/** Places whose names are written in cards and prose; ids of other catalogues are not. */
const SPOKEN = new Set(['hugging-face', 'gguf', 'license-name', 'spelling']);

/** `[canonical words, name, ids, marks, kind?]` of every name, reviewed names first; the first to claim a name keeps it. */
export function buildNames({ records, names, urls }, entries) {
  const reviewed = [
    ...names,
    ...records
      .filter((record) => record.form === 'license')
      .flatMap(({ id, aliases }) =>
        aliases
          .filter(({ places }) => places.some((place) => SPOKEN.has(place)))
          .map(({ name, weak }) => ({ name, ids: [id], ...(weak && { weak }) })),
      ),
  ];
  const keys = new Map();
  const claim = (name, ids, { family, kind, weak } = {}) => {
    const key = canonicalName(name).join(' ');
    if (key !== '' && !keys.has(key)) keys.set(key, [key, name, ids, (family ? 'f' : '') + (weak ? 'w' : ''), ...(kind ? [kind] : [])]);
  };
  // Short ids are common words ("Intel", "Ruby", "Fair"): fit for a tag, not for prose.
  const isWord = (name) => canonicalName(name).length === 1;
  const order = (a, b) => (a.name < b.name ? -1 : a.name > b.name ? 1 : 0);
  for (const { name, ids, ...marks } of reviewed.sort(order)) claim(name, ids, marks);
  const licenses = entries.filter((entry) => entry.form === 'license');
  for (const { id, twins = [] } of licenses) {
    claim(id, [id], { weak: isWord(id) });
    for (const twin of twins) claim(twin, [currentId(twin)]);
  }
  for (const { id, name } of licenses) claim(name, [id], { weak: isWord(name) });
  return `{"names":${lines([...keys.values()]).trim()},\n"urls":${lines(urls).trim()}}\n`;
}
