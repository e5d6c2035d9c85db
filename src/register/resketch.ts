import type { ReadStats } from '../base/index.ts';
import { encodeSketch } from '../lineage/index.ts';
import { makeSketch, type SketchingOptions, withModel } from './open-model.ts';
import type { Register } from './register.ts';
import { type RegisterEntry, RegisterError, type SaltedSketch } from './types.ts';

export interface Resketched {
  readonly entry: RegisterEntry;
  readonly sketch: SaltedSketch;
  readonly read: ReadStats;
}

/**
 * Sketches a registered model anew, at the positions of a salt that was secret or did not exist when it was registered, and keeps that sketch beside
 * the public one.
 * @param options.from where the model is now; by default the entry's locator.
 * @throws RegisterError `REGISTER_OTHER_MODEL` when another model than the registered one lies there; as reading a model does.
 */
export async function resketchModel(
  register: Register,
  nameOrId: string,
  options: SketchingOptions & { readonly salt: Uint8Array; readonly from?: string },
): Promise<Resketched> {
  const known = await register.find(nameOrId);
  const locator = options.from ?? pinned(known);
  return withModel(locator, options, async (model, tree) => {
    const sketch = await makeSketch(model, options);
    // Evidence about a registered model must not be made from another one that has taken its place.
    if (sketch.subject.digest !== known.digest)
      throw new RegisterError(
        'REGISTER_OTHER_MODEL',
        `${locator} is not the model registered as "${known.name}": its digest is ${sketch.subject.digest}`,
        {
          where: { file: locator, field: 'digest' },
          hint: 'give the place where the registered model is now with --from',
        },
      );
    options.signal?.throwIfAborted();
    const entry = await register.addSalted(known, sketch.salt, encodeSketch(sketch));
    return { entry, sketch: entry.salted!.find((one) => one.salt === sketch.salt)!, read: { ...tree.stats } };
  });
}

/** A name on the hub as it was when the model was registered, not as it is today. */
function pinned({ locator, revision }: RegisterEntry): string {
  return revision !== undefined && /^hf:[^@:]+$/.test(locator) ? `${locator}@${revision}` : locator;
}
