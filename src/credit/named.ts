/**
 * Where a publisher names another model.
 * @module
 */
import { type Model, normalizeName, sameName } from '../model/index.ts';

/** Places listed per ancestor. */
const MAX_PLACES = 5;

const base = (name: string): string => name.slice(name.lastIndexOf('/') + 1);

/** Files and fields of `model` that name `ancestor`, fields before prose. */
export function placesNaming(model: Model, ancestor: string): string[] {
  const places: string[] = [];
  for (const claim of model.claims.baseModels) if (sameName(claim.value, ancestor)) places.push(claim.from);
  const prose = [...(model.card ? [{ file: model.card.file, text: model.card.body }] : []), ...model.noticeFiles];
  for (const { file, text } of prose) if (mentions(text, ancestor)) places.push(file);
  return [...new Set(places)].slice(0, MAX_PLACES);
}

/** Shortest bare name searched in prose; below it a name is a word ("gpt"). */
const MIN_BARE = 5;

/** The name stands in the text with nothing of a longer name around it: "Alder-1M" is not named by "Alder-1M-v0". */
function mentions(text: string, ancestor: string): boolean {
  const full = normalizeName(ancestor);
  const bare = base(full);
  // A bare name must look like a model's: with a digit or a separator in it.
  const wanted = bare.length >= MIN_BARE && /[\d_-]/.test(bare) ? [full, bare] : [full];
  const lower = text.toLowerCase();
  const spellings = [
    ...new Set(wanted.flatMap((name) => [name, name.replace(/[_-]/g, ' '), name.replace(/_/g, '-'), name.replace(/-/g, '_')])),
  ];
  return spellings.some((name) => standsIn(lower, name));
}

function standsIn(text: string, name: string): boolean {
  if (name === '') return false;
  for (let at = text.indexOf(name); at >= 0; at = text.indexOf(name, at + 1)) {
    const before = text[at - 1] ?? ' ';
    const after = text.slice(at + name.length, at + name.length + 2);
    if (!/[\p{L}\p{N}_.-]/u.test(before) && !/^([\p{L}\p{N}_]|[-.][\p{L}\p{N}])/u.test(after)) return true;
  }
  return false;
}
