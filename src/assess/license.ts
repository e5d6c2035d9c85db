/**
 * Lineage and license alone: what binds a model for somebody who does something with it.
 * @module
 */
import type { NewHasher, Watch } from '../base/index.ts';
import { type AncestorLicense, type Context, judgeLicenseFor, type LicenseJudged } from '../license/index.ts';
import { sketchModel } from '../lineage/index.ts';
import type { Model } from '../model/index.ts';
import { licenseAncestry } from './ancestry.ts';
import { subjectDigest } from './digest.ts';
import { traceLineage } from './lineage.ts';
import type { Assessment, KnownModels } from './types.ts';

export interface LicenseAssessed extends LicenseJudged {
  readonly digest: { readonly value: string; readonly covers: string };
  readonly lineage: Assessment['lineage'];
  /** Direct ancestors first; those with a `child` stand above one. */
  readonly ancestors: readonly AncestorLicense[];
}

/** @throws SourceError, WeightsError when bytes cannot be had. */
export async function assessLicense(
  model: Model,
  options: Watch & { readonly known: KnownModels; readonly newHasher: NewHasher },
  context: Context = {},
): Promise<LicenseAssessed> {
  const digest = await subjectDigest(model, options);
  const sketch = model.checkpoint ? await sketchModel(model, { ...options, digest }) : null;
  const { answer, ancestors: shown, claimed, records, own } = await traceLineage(model, sketch, options.known, options);
  const ancestors = licenseAncestry(model, shown, claimed, records, own);
  return { digest, lineage: answer, ancestors, ...(await judgeLicenseFor(model, ancestors, context)) };
}
