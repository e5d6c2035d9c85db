import { assess, type Assessment } from '../assess/index.ts';
import { type Finding, HeirloomError, type Watch } from '../base/index.ts';
import { scanTree } from '../safety/index.ts';
import { nodeHasher, openTree } from '../sources/index.ts';
import { closerLook, type CloserOptions } from './closer-known.ts';
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
  options: CloserOptions & { readonly version: string },
): Promise<CheckedModel> {
  try {
    return await withModel(locator, options, async (model, tree) => {
      const known = await register.known(options);
      const closer = closerLook(locator, known.count, options);
      const assessment = await assess(model, tree, { ...options, known: { ...known, closer }, newHasher: nodeHasher });
      return { assessment: withLimits(assessment, known.limits, known.findings.length), skipped: known.findings };
    });
  } catch (error) {
    throw error instanceof HeirloomError && /^(WEIGHTS|MODEL)_/.test(error.code) ? await withDanger(error, locator, options) : error;
  }
}

/** An ancestor among the models that were not looked at or could not be read would not have been seen: the answer says so, not stderr alone. */
function withLimits(assessment: Assessment, unseen: readonly string[], skipped: number): Assessment {
  const { lineage } = assessment;
  const limits = [...lineage.limits, ...unseen];
  if (skipped > 0)
    limits.push(
      `${skipped} registered ${skipped === 1 ? 'model' : 'models'} could not be read and ${skipped === 1 ? 'was' : 'were'} not compared`,
    );
  return { ...assessment, lineage: { ...lineage, limits } };
}

/** What cannot be read as a model may still be an attack: the refusal then says so. */
async function withDanger(error: HeirloomError, locator: string, watch: Watch): Promise<HeirloomError> {
  const tree = await openTree(locator, watch);
  try {
    const { files } = await scanTree(tree, watch);
    const worst = files.find((file) => file.verdict === 'malicious');
    if (!worst) return error;
    return new HeirloomError(
      error.code,
      `${error.message}; and the safety scan calls ${worst.path} malicious: ${worst.findings[0]?.what ?? ''}`,
      {
        where: error.where ?? { file: worst.path },
        hint: 'do not load it; see `heirloom scan`',
        cause: error,
      },
    );
  } finally {
    await tree.close();
  }
}
