/**
 * Made-up judgements to render. No file and no model stands behind them.
 * @module
 */
import type { Assessment } from '../../assess/index.ts';
import type { Finding } from '../../base/index.ts';
import type { Evidence, Relation, RelationSubject } from '../../lineage/index.ts';

export const DIGEST_A: string = `sha256:${'a1b2c3d4'.repeat(8)}`;
export const DIGEST_B: string = `sha256:${'0f1e2d3c'.repeat(8)}`;
const COVERS = 'names, types, shapes and values of all tensors';

export const ALDER: RelationSubject = {
  name: 'Alder-1M',
  digest: DIGEST_A,
  digestCovers: COVERS,
  format: 'safetensors',
  parameters: 1_210_368,
};
export const ROWAN: RelationSubject = {
  name: 'rowan-chat',
  digest: DIGEST_B,
  digestCovers: COVERS,
  format: 'safetensors',
  parameters: 1_210_368,
};

export function neuronFlips(agreeing: readonly number[], flips: readonly number[], log10P: number): Evidence {
  const sum = (counts: readonly number[]): number => counts.reduce((total, count) => total + count, 0);
  return {
    test: 'swap-sign/neurons',
    version: 1,
    class: 'exact',
    question: 'Do neurons at the same place differ from their neighbors in the same direction in both models?',
    statistic: { name: 'agreeing flips', value: sum(agreeing) },
    n: sum(flips),
    log10P,
    effect: { name: 'share agreeing', value: sum(agreeing) / sum(flips) },
    nullModel: 'Each flip agrees with probability one half, independently of the others.',
    assumptions: ['Before training, the neurons of a layer are exchangeable.'],
    details: { layers: flips.map((_, i) => `layers.${i}`), layerAgree: [...agreeing], layerFlips: [...flips] },
    inputs: { a: DIGEST_A, b: DIGEST_B },
  };
}

export const CORRELATION: Evidence = {
  test: 'correlation/weights',
  version: 1,
  class: 'descriptive',
  question: 'How similar are the weights that stand at the same place?',
  statistic: { name: 'median correlation', value: 0.983_12 },
  n: 39,
  log10P: null,
  effect: null,
  nullModel: 'None: this number describes, it does not decide.',
  assumptions: [],
  details: {},
  inputs: { a: DIGEST_A, b: DIGEST_B },
};

export function relation(changes: Partial<Relation> = {}): Relation {
  return {
    schema: 'heirloom-relation/1',
    a: ALDER,
    b: ROWAN,
    verdict: 'derived',
    because: 'Neurons agree in all four layers, far beyond what a common random start leaves after training.',
    share: { fraction: 0.984, part: 'all blocks', slots: ['layers.0.up', 'layers.1.up', 'layers.2.up', 'layers.3.up'] },
    kind: {
      name: 'fine-tune',
      note: 'The compared values changed by 3.1 % of their size; no zeros and no lattice were added.',
      relativeChange: 0.031,
    },
    direction: 'a->b',
    directionGrounds: 'the values of Alder-1M lie on a coarser lattice that rowan-chat no longer shows',
    log10P: -21.4,
    log10PAdjusted: -19.7,
    searched: 50,
    detectable: 0.08,
    tests: [neuronFlips([24, 23, 24, 24], [24, 24, 24, 24], -21.7), CORRELATION],
    limits: ['Who copied from whom, whether it was allowed, and what was trained on, cannot be read from weights.'],
    ...changes,
  };
}

export const ALDER_RECORD: Assessment['lineage']['relations'][number]['ancestor'] = {
  name: 'Alder-1M',
  locator: 'hf:alder-lab/Alder-1M',
  digest: DIGEST_A,
  licenses: ['LicenseRef-heirloom-community-test-1.0'],
  licenseLabel: 'heirloom-community-test-1.0',
};

export function finding(changes: Partial<Finding> = {}): Finding {
  return {
    rule: 'credit/ancestor-not-named',
    severity: 'warning',
    where: { file: 'README.md', field: 'base_model' },
    what: 'The card does not name Alder-1M.',
    why: 'The license of Alder-1M asks that models built on it say so.',
    fix: 'Add base_model: alder-lab/Alder-1M to the front matter of README.md.',
    ...changes,
  };
}

/** A model about which everything is in order; the other fixtures change it. */
export function assessment(changes: Partial<Assessment> = {}): Assessment {
  return {
    schema: 'heirloom-assessment/1',
    tool: { name: 'heirloom', version: '0.1.0' },
    subject: {
      name: 'rowan-chat',
      locator: './models/rowan-chat',
      digest: DIGEST_B,
      digestCovers: COVERS,
      format: 'safetensors',
      formatVersion: 'safetensors',
      architecture: 'llama',
      parameters: 1_210_368,
      tensors: 39,
      files: [
        { path: 'LICENSE', size: 11_358, kind: 'license' },
        { path: 'README.md', size: 812, kind: 'card' },
        { path: 'config.json', size: 640, kind: 'config' },
        { path: 'model.safetensors', size: 2_424_832, kind: 'weights' },
      ],
    },
    lineage: { verdict: 'no-evidence', relations: [], claims: [], register: { models: 50, compared: 50 }, limits: [], findings: [] },
    license: {
      declared: [{ value: 'apache-2.0', id: 'Apache-2.0', kind: 'permissive', from: 'README.md: license' }],
      found: [
        {
          file: 'LICENSE',
          id: 'Apache-2.0',
          name: 'Apache License 2.0',
          kind: 'permissive',
          modified: false,
          by: 'text',
          coverage: 1,
          differs: [],
          range: [0, 11_358],
        },
      ],
      effective: { ids: ['Apache-2.0'], kind: 'permissive', from: 'own', why: 'README.md and LICENSE agree, and no ancestor adds to it.' },
      duties: [],
      conflicts: [],
      drift: [],
      findings: [],
    },
    credit: { ancestors: [], missing: [], met: [] },
    safety: {
      verdict: 'clean',
      files: [{ path: 'model.safetensors', format: 'safetensors', verdict: 'clean', findings: [] }],
      findings: [],
    },
    findings: [],
    read: { bytes: 181_000, requests: 12 },
    ...changes,
  };
}
