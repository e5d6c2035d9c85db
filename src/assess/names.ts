/**
 * Whether two published names mean one model.
 * @module
 */
import type { Model } from '../model/index.ts';

/** Titles of the card and of the weights. Not `_name_or_path` of a config: training scripts leave the base's name there. */
function titles(model: Model): string[] {
  return model.claims.names.filter((claim) => !claim.from.endsWith('_name_or_path')).map((claim) => claim.value.trim());
}

/** Names the model gives itself, normalized. */
export function ownNames(model: Model): Set<string> {
  return new Set([model.name, ...titles(model)].map(normalizeName).filter((name) => name !== ''));
}

/** `https://huggingface.co/Owner/Name` and `owner/name` are one name. */
export function normalizeName(name: string): string {
  return name
    .trim()
    .toLowerCase()
    .replace(/^https?:\/\/[^/]+\//, '')
    .replace(/\/+$/, '');
}

/** Equal, or equal in the part after the owner when one side has no owner. */
export function sameName(a: string, b: string): boolean {
  const [x, y] = [normalizeName(a), normalizeName(b)];
  if (x === '' || y === '') return false;
  if (x === y) return true;
  return x.includes('/') !== y.includes('/') && x.slice(x.lastIndexOf('/') + 1) === y.slice(y.lastIndexOf('/') + 1);
}

/**
 * The name a model is known by in public: the hub's, else `owner/name` as its own card or config says, else its file or
 * folder name. A descendant's card names its base this way.
 */
export function publishedName(model: Model): string {
  if (model.revision !== undefined) return model.name;
  return titles(model).find((title) => /^[\w.-]+\/[\w.-]+$/.test(title)) ?? model.name;
}
