import { createHash } from 'node:crypto';
import { publishedName } from '../assess/index.ts';
import type { Watch } from '../base/index.ts';
import { judgeLicense } from '../license/index.ts';
import { encodeSketch } from '../lineage/index.ts';
import type { Model } from '../model/index.ts';
import { cleanField, MAX_LIST } from './entry.ts';
import { makeSketch, withModel } from './open-model.ts';
import type { Register } from './register.ts';
import type { AddResult, NewEntry } from './types.ts';

export interface AddModelOptions extends Watch {
  /** Instead of the name it is published under. */
  readonly name?: string;
  readonly replace?: boolean;
}

/**
 * Takes a model's fingerprint and license into the register; the model itself is not kept.
 * @throws as reading a model and `Register.add` do.
 */
export async function addModel(register: Register, locator: string, options: AddModelOptions): Promise<AddResult> {
  return withModel(locator, options, async (model) => {
    const sketch = await makeSketch(model, options);
    const license = await judgeLicense(model, []);
    const facts: NewEntry = {
      name: options.name ?? publishedName(model),
      locator: model.locator,
      ...(model.revision !== undefined && { revision: model.revision }),
      digest: sketch.subject.digest,
      digestCovers: sketch.subject.digestCovers,
      parameters: model.parameters,
      architecture: cleanField(model.architecture),
      format: sketch.subject.format,
      licenses: license.effective.ids.map(cleanField).slice(0, MAX_LIST),
      licenseLabel: cleanField(labelOf(model)),
      baseModels: model.claims.baseModels.map((claim) => cleanField(claim.value)).slice(0, MAX_LIST),
      ...licenseText(model),
    };
    options.signal?.throwIfAborted();
    return register.add(facts, encodeSketch(sketch), { replace: options.replace ?? false });
  });
}

/** As its card names it, else the file that states it, else nothing. */
function labelOf(model: Model): string {
  const named = model.claims.licenseName?.value ?? model.claims.licenses.map((claim) => claim.value).join(', ');
  return named || (model.licenseFiles[0]?.file ?? '');
}

function licenseText(model: Model): { licenseText?: string } {
  const [file] = model.licenseFiles;
  return file ? { licenseText: createHash('sha256').update(file.text).digest('hex') } : {};
}
