/**
 * What a model calls itself.
 * @module
 */
import { type Model, normalizeName } from '../model/index.ts';

/** Titles of the card and of the weights. Not `_name_or_path` of a config: training scripts leave the base's name there. */
function titles(model: Model): string[] {
  return model.claims.names.filter((claim) => !claim.from.endsWith('_name_or_path')).map((claim) => claim.value.trim());
}

/** Names the model gives itself, normalized. */
export function ownNames(model: Model): Set<string> {
  return new Set([model.name, ...titles(model)].map(normalizeName).filter((name) => name !== ''));
}

/**
 * The name a model is known by in public: the hub's, else `owner/name` as its own card or config says, else its file or
 * folder name. A descendant's card names its base this way.
 */
export function publishedName(model: Model): string {
  if (model.revision !== undefined) return model.name;
  return titles(model).find((title) => /^[\w.-]+\/[\w.-]+$/.test(title)) ?? model.name;
}
