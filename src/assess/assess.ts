/**
 * Runs the judgements over one model. Each judgement stands alone; this file only orders them and passes on
 * what one knows to the next: ancestors from lineage to license and credit.
 * @module
 */
import type { FileTree, NewHasher, Watch } from '../base/index.ts';
import { judgeCredit } from '../credit/index.ts';
import type { Model } from '../model/index.ts';
import { scanTree } from '../safety/index.ts';
import { assessLicense } from './license.ts';
import type { Assessment, KnownModels } from './types.ts';

export interface AssessOptions extends Watch {
  readonly version: string;
  readonly known: KnownModels;
  readonly newHasher: NewHasher;
}

/**
 * @param tree the files `model` was read from.
 * @throws SourceError, WeightsError when bytes cannot be had; what is wrong *with* the model is a finding.
 */
export async function assess(model: Model, tree: FileTree, options: AssessOptions): Promise<Assessment> {
  const { digest, lineage, ancestors, judgement: license } = await assessLicense(model, options);
  const credit = judgeCredit(
    model,
    ancestors.filter((ancestor) => ancestor.child === undefined),
    license,
  );
  const safety = await scanTree(tree, options);
  return {
    schema: 'heirloom-assessment/1',
    tool: { name: 'heirloom', version: options.version },
    subject: {
      name: model.name,
      locator: model.locator,
      ...(model.revision !== undefined && { revision: model.revision }),
      digest: digest.value,
      digestCovers: digest.covers,
      format: model.checkpoint?.format ?? 'none',
      formatVersion: model.checkpoint?.formatVersion ?? 'no weights',
      architecture: model.architecture,
      parameters: model.parameters,
      tensors: model.checkpoint?.tensors.length ?? 0,
      files: model.files.map(({ path, size, kind }) => ({ path, size, kind })),
    },
    lineage,
    license,
    credit,
    safety: { verdict: safety.verdict, files: safety.files, findings: safety.files.flatMap((file) => file.findings) },
    findings: model.findings,
    read: { bytes: tree.stats.bytes, requests: tree.stats.requests },
  };
}
