/**
 * Runs the judgements over one model. Each judgement stands alone; this file only orders them and passes on
 * what one knows to the next: ancestors from lineage to license and credit.
 * @module
 */
import type { FileTree, NewHasher, Watch } from '../base/index.ts';
import { judgeCredit } from '../credit/index.ts';
import { type AncestorLicense, judgeLicense } from '../license/index.ts';
import { type Relation, sketchModel } from '../lineage/index.ts';
import { digestHeader, digestModel, type Model, sameName } from '../model/index.ts';
import { scanTree } from '../safety/index.ts';
import { traceLineage } from './lineage.ts';
import type { AncestorRecord, Assessment, KnownModels } from './types.ts';

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
  const { answer, ancestors, claimed } = await traceLineage(model, sketch, options.known, options);
  const builtOn: AncestorLicense[] = [
    ...ancestors.map(({ ancestor, direction }) => ({
      ...licenseOf(ancestor),
      because: 'weights' as const,
      ...cameFirst(direction, model, ancestor),
    })),
    ...claimed.map((ancestor) => ({ ...licenseOf(ancestor), because: 'claimed' as const })),
  ];
  const license = await judgeLicense(model, builtOn);
  const credit = judgeCredit(model, builtOn, license);
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

function licenseOf(ancestor: AncestorRecord): Pick<AncestorLicense, 'name' | 'licenses' | 'from'> {
  return { name: ancestor.name, licenses: ancestor.licenses, from: ancestor.licenseLabel };
}

/** What says that a model tied by weights came first; nothing where neither weights nor card do. */
function cameFirst(direction: Relation['direction'], model: Model, { name }: AncestorRecord): Pick<AncestorLicense, 'cameFirst'> {
  if (direction === 'a->b') return { cameFirst: 'weights' };
  return model.claims.baseModels.some((claim) => sameName(claim.value, name)) ? { cameFirst: 'card' } : {};
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
