/**
 * Licenses stated inside the weights file itself: GGUF keys, `__metadata__` of safetensors, ONNX properties and documentation,
 * Keras metadata, strings beside the tensors of a PyTorch checkpoint. The values were read as data; nothing is executed.
 * @module
 */
import type { Model } from '../model/index.ts';
import type { Catalog } from './catalog.ts';
import { identifyLicense } from './identify.ts';
import type { Names } from './names.ts';
import { kindOfId, resolveWith } from './tags.ts';
import type { Found, LicenseMatch } from './types.ts';

/** A key that is about terms. */
const LICENSE_KEY = /licen[cs]e|copying|terms_of_use|usage_permission/i;
/** A key that may hold prose; its value is read when it speaks of a license. */
const PROSE_KEY = /doc_string|doc$|docs|description|comment|notice|copyright|about|metadata|config|readme|author/i;
/** Values read per checkpoint, and characters of each. (CWE-400) */
const MAX_VALUES = 40;
const MAX_CHARACTERS = 200_000;

/** What the metadata of the judged checkpoint states; `file` is the checkpoint, `field` the key. */
export async function readEmbedded(model: Model, catalog: Catalog, names: Names): Promise<Found[]> {
  const { checkpoint } = model;
  if (!checkpoint) return [];
  const file = checkpoint.files[0] ?? model.name;
  const found: Found[] = [];
  let read = 0;
  for (const [field, value] of checkpoint.metadata) {
    if (typeof value !== 'string' || value.trim() === '' || read >= MAX_VALUES) continue;
    const isKey = LICENSE_KEY.test(field);
    if (!isKey && !(PROSE_KEY.test(field) && /licen[cs]e|copyright/i.test(value.slice(0, MAX_CHARACTERS)))) continue;
    read++;
    for (const match of await matchesOf(value.slice(0, MAX_CHARACTERS), isKey, catalog, names))
      if (!found.some((f) => f.id === match.id && f.field === field))
        found.push({ ...match, file, field, kind: kindOfId(catalog, names, match.id) });
  }
  return found;
}

/** A short value under a license key is a tag; anything else is a text like any other. */
async function matchesOf(value: string, isKey: boolean, catalog: Catalog, names: Names): Promise<LicenseMatch[]> {
  const tag = isKey ? resolveWith(catalog, names, value) : null;
  if (!tag) return identifyLicense(value);
  return (tag.expression?.ids ?? [tag.id]).map((id) => ({
    id,
    name: catalog.find(id)?.name ?? id,
    modified: false,
    by: 'tag',
    coverage: 0,
    differs: [],
    range: [0, value.length],
    ...(tag.candidates && !tag.expression && { candidates: tag.candidates }),
  }));
}
