/**
 * `hf:owner/name[@revision][:path/inside]` and `hf:name` (the hub's oldest models, such as `hf:gpt2`).
 * @module
 */
import { SourceError } from '../base/index.ts';
import { pathProblem } from './limits.ts';

export interface HubLocator {
  /** `owner/name` or `name`. */
  readonly id: string;
  /** Branch, tag, commit or `refs/pr/N`. */
  readonly revision: string;
  /** File or folder inside; '' for all. */
  readonly inside: string;
}

/** Longest id the hub allows (huggingface_hub, `validate_repo_id`). */
const MAX_ID_LENGTH = 96;
const MAX_REVISION_LENGTH = 255;

/** @throws SourceError `SOURCE_LOCATOR` saying which part is wrong. */
export function parseHubLocator(locator: string): HubLocator {
  const match = /^(?:hf:)?([^@:]*)(?:@([^:]*))?(?::(.*))?$/s.exec(locator);
  const [id = '', revision = 'main', inside = ''] = match?.slice(1) ?? [];
  const refuse = (part: string, why: string): SourceError =>
    new SourceError('SOURCE_LOCATOR', `"${locator}": the ${part} ${why}`, {
      where: { field: part },
      hint: 'write hf:owner/name, hf:owner/name@revision or hf:owner/name@revision:path',
    });
  if (!/^(?:\w[\w.-]*\/)?\w[\w.-]*$/.test(id) || id.length > MAX_ID_LENGTH)
    throw refuse('name', 'is not owner/name in letters, digits, "-", "_" and "."');
  // Refused by the hub as well; "--" would make two repositories share one cache folder.
  if (id.includes('--') || id.includes('..') || /[.-](\/|$)/.test(id)) throw refuse('name', 'has "--" or "..", or ends in "-" or "."');
  const problem = pathProblem(revision);
  if (problem !== null || revision.length > MAX_REVISION_LENGTH) throw refuse('revision', problem ?? 'is too long');
  const clean = inside.replace(/\/$/, '');
  const insideProblem = clean === '' ? null : pathProblem(clean);
  if (insideProblem !== null) throw refuse('path', insideProblem);
  return { id, revision, inside: clean };
}
