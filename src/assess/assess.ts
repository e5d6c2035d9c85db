/**
 * Runs the judgements over one model. Each judgement stands alone; this file only orders them and passes on
 * what one knows to the next: ancestors from lineage to license and credit.
 * @module
 */
import type { FileTree, NewHasher, Watch } from '../base/index.ts';
import { judgeCredit } from '../credit/index.ts';
import { judgeLicenseFor } from '../license/index.ts';
import { sketchModel } from '../lineage/index.ts';
import { digestHeader, digestModel, type Model } from '../model/index.ts';
import { scanTree } from '../safety/index.ts';
import { licenseAncestry } from './ancestry.ts';
import { traceLineage } from './lineage.ts';
import type { Assessment, KnownModels } from './types.ts';

export interface AssessOptions extends Watch {
  readonly version: string;
  readonly known: KnownModels;
  readonly newHasher: NewHasher;
}

/** Models up to this size are hashed whole; above, the digest covers headers and says so. */
const WHOLE_DIGEST_BYTES = 64 << 20;

/**
 * @param tree the files `model` was read from.
 * @throws SourceError, WeightsError when bytes cannot be had; what is wrong *with* the model is a finding.
 */
export async function assess(model: Model, tree: FileTree, options: AssessOptions): Promise<Assessment> {
  const digest = await subjectDigest(model, options);
  const sketch = model.checkpoint ? await sketchModel(model, { ...options, digest }) : null;
  const { answer, ancestors, claimed, records } = await traceLineage(model, sketch, options.known, options);
  const builtOn = licenseAncestry(model, ancestors, claimed, records);
  const { judgement: license } = await judgeLicenseFor(model, builtOn, {});
  const credit = judgeCredit(
    model,
    builtOn.filter((ancestor) => ancestor.child === undefined),
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
    lineage: answer,
    license,
    credit,
    safety: { verdict: safety.verdict, files: safety.files, findings: safety.files.flatMap((file) => file.findings) },
    findings: model.findings,
    read: { bytes: tree.stats.bytes, requests: tree.stats.requests },
  };
}

/** The model's digest: whole when small, of its headers when large. */
export async function subjectDigest(model: Model, options: { newHasher: NewHasher } & Watch): Promise<{ value: string; covers: string }> {
  const size = model.files.reduce((sum, file) => sum + file.size, 0);
  if (size <= WHOLE_DIGEST_BYTES) {
    const { model: value, tensors } = await digestModel(model, options.newHasher, options);
    return { value, covers: tensors.length > 0 ? 'all tensor values' : 'all files' };
  }
  return { value: digestHeader(model), covers: 'names, types, shapes and sizes of tensors; values were not read whole' };
}
