/**
 * A registered model against a suspect with both at hand, for `check`: fingerprints leave rotated and rearranged models open.
 * @module
 */
import { stat } from 'node:fs/promises';
import { type KnownModel, subjectDigest } from '../assess/index.ts';
import { HeirloomError, type Watch } from '../base/index.ts';
import type { Relation, Sketch } from '../lineage/index.ts';
import { nodeHasher } from '../sources/index.ts';
import { judgePair } from './judge-pair.ts';
import { withModel } from './open-model.ts';

export interface CloserOptions extends Watch {
  /** Whether to look closer whatever it costs; else only at small models. */
  readonly closer?: boolean;
}

/** Parameters of all pairs together that are laid over each other unasked: some seconds. */
const UNASKED_PARAMETERS = 12e6;
/** Models looked at closer at most, asked or not. */
const MOST = 64;

/**
 * @param locator of the suspect. @param searched known models, which p-values are corrected for.
 * @returns for each known model in turn its relation, or null when it is not at hand any more, or when enough was looked at.
 */
export function closerLook(
  locator: string,
  searched: number,
  options: CloserOptions,
): (known: KnownModel, suspect: Sketch) => Promise<Relation | null> {
  let [parameters, looked] = [0, 0];
  return async ({ record, sketch }, suspect) => {
    parameters += sketch.subject.parameters + suspect.subject.parameters;
    if (looked >= MOST || (options.closer !== true && parameters > UNASKED_PARAMETERS)) return null;
    const found = await stat(record.locator).catch(() => null);
    if (!found || !(found.isFile() || found.isDirectory())) return null;
    looked++;
    const common = { read: { bytes: 0, requests: 0 }, isModel: true, names: [], claims: [] };
    try {
      const digest = await withModel(record.locator, options, (model) => subjectDigest(model, { ...options, newHasher: nodeHasher }));
      // Another model stands in its place by now.
      if (digest.value !== record.digest) return null;
      const { relation } = await judgePair(
        { ...common, sketch, locator: record.locator },
        { ...common, sketch: suspect, locator },
        { searched, closer: 'open', full: false, threads: false },
        options,
      );
      return relation;
    } catch (error) {
      // What cannot be opened is told by the fingerprints alone.
      if (error instanceof HeirloomError) return null;
      throw error;
    }
  };
}
