/**
 * What a question about licenses is asked of: a model, or a license standing for any model under it.
 * @module
 */
import { stat } from 'node:fs/promises';
import type { Context, LicenseGraph, LicenseJudgement, Reasoning } from '../license/index.ts';
import { openNamedRegister } from './register-option.ts';
import { noteSkipped, type Runtime } from './runtime.ts';

export interface LicenseSubject {
  readonly name: string;
  /** Absent for a license. */
  readonly model?: { readonly digest: string; readonly digestCovers: string; readonly locator: string };
  readonly graph: LicenseGraph;
  readonly reasoning: Reasoning;
  /** What the files say, for a model. */
  readonly judgement?: LicenseJudgement;
}

/**
 * A path, URL or `hf:` name is a model; anything else that names a license is that license.
 * @throws as reading a model does; LicenseError `LICENSE_UNKNOWN_ID` for what is neither.
 */
export async function readSubject(
  given: string,
  context: Context,
  register: string | undefined,
  runtime: Runtime,
): Promise<LicenseSubject> {
  const { LicenseError, licenseGraphOf, loadReasoning, reasonOver } = await import('../license/index.ts');
  const isLocator = /^(hf:|https?:)/.test(given) || (await stat(given).catch(() => null)) !== null;
  if (!isLocator) {
    const named = await licenseGraphOf(given);
    if (!named)
      throw new LicenseError('LICENSE_UNKNOWN_ID', `"${given.slice(0, 80)}" is neither a model that is there nor a license that is known`, {
        hint: 'give a folder, file, URL or hf:owner/name, or a license id such as llama-3.1 or Apache-2.0',
      });
    const { graph, candidates } = named;
    if (candidates.length > 0)
      runtime.note(`heirloom: "${given.slice(0, 80)}" may mean ${candidates.join(', ')}; ${graph.subject} is taken: name the one you mean`);
    const { book, rules } = await loadReasoning();
    return { name: graph.subject, graph, reasoning: reasonOver(graph, context, book, rules) };
  }
  const { licenseOf } = await import('../register/index.ts');
  const opened = await openNamedRegister(register, runtime);
  const { name, digest, graph, reasoning, judgement, skipped } = await licenseOf(opened, given, context, runtime.watch);
  runtime.settle();
  noteSkipped(runtime, skipped);
  return { name, model: { digest: digest.value, digestCovers: digest.covers, locator: given }, graph, reasoning, judgement };
}

/** The `subject` of every answer. */
export function subjectJson({ name, model }: LicenseSubject): object {
  return { name, kind: model ? 'model' : 'license', ...model };
}
