import { assess, type Assessment } from '../assess/index.ts';
import type { Finding, Watch } from '../base/index.ts';
import { nodeHasher } from '../sources/index.ts';
import { withModel } from './open-model.ts';
import type { Register } from './register.ts';

export interface CheckedModel {
  readonly assessment: Assessment;
  /** Registered models that could not be read and were left out. */
  readonly skipped: readonly Finding[];
}

/**
 * The four questions about one model, against the register.
 * @throws as reading a model does; what is wrong with the model is a finding.
 */
export async function checkModel(
  register: Register,
  locator: string,
  options: Watch & { readonly version: string },
): Promise<CheckedModel> {
  return withModel(locator, options, async (model, tree) => {
    const known = await register.known();
    const assessment = await assess(model, tree, { ...options, known, newHasher: nodeHasher });
    return { assessment, skipped: known.findings };
  });
}
