/**
 * Assessments as the tool gives them, one per story a reader may meet.
 * @module
 */
import type { Assessment } from '../../assess/index.ts';
import type { Relation } from '../../lineage/index.ts';
import { ALDER_RECORD, assessment, finding, neuronFlips, relation } from './parts.ts';

const OWN = "Only the model's own files speak here.";

/** Nothing wrong and nothing found: an own model under Apache-2.0. */
export const cleanModel: Assessment = assessment();

/** A fine-tune of Alder-1M that says mit, names no base and ships no license text. */
export const launderedFineTune: Assessment = assessment({
  lineage: {
    verdict: 'derived',
    relations: [{ ...relation(), ancestor: ALDER_RECORD }],
    claims: [],
    register: { models: 50, compared: 50 },
    limits: [],
    findings: [
      finding({
        rule: 'lineage/base-not-named',
        where: { file: 'README.md', field: 'base_model' },
        what: 'The weights share training with Alder-1M; the card names no base model.',
        why: 'Readers cannot know what they build on.',
        fix: 'Name alder-lab/Alder-1M as base_model.',
      }),
    ],
  },
  license: {
    declared: [{ value: 'mit', id: 'MIT', kind: 'permissive', from: 'README.md: license' }],
    found: [],
    effective: {
      ids: ['MIT', 'LicenseRef-heirloom-community-test-1.0'],
      kind: 'use-restricted',
      from: 'both',
      why: 'The weights share training with Alder-1M, whose LICENSE binds models built on it.',
    },
    duties: [
      {
        id: 'heirloom-community-test-1.0/duty.license-copy',
        what: 'ship a copy of the license',
        from: { license: 'heirloom-community-test-1.0', section: '2(a)', quote: 'You must give any recipient a copy of this License.' },
        because: 'Alder-1M',
        when: ['distribute-weights'],
        satisfiedBy: '',
        status: 'unmet',
      },
    ],
    conflicts: [],
    drift: [
      {
        kind: 'loosened',
        ancestor: 'Alder-1M',
        because: 'weights',
        from: ['LicenseRef-heirloom-community-test-1.0'],
        to: ['MIT'],
        what: 'README.md says mit; the LICENSE of Alder-1M says heirloom-community-test-1.0, and nothing in this folder grants the change.',
      },
    ],
    findings: [
      finding({
        rule: 'license/drift-loosened',
        severity: 'error',
        where: { file: 'README.md', field: 'license' },
        what: 'README.md says mit; Alder-1M carries heirloom-community-test-1.0.',
        why: 'A use condition that the ancestor carries is not passed on.',
        fix: 'State heirloom-community-test-1.0, or show the grant that allows mit.',
        source: 'heirloom-community-test-1.0, section 2(a)',
      }),
    ],
  },
  credit: {
    ancestors: [{ name: 'Alder-1M', because: 'weights', named: false, where: [] }],
    missing: [finding()],
    met: [],
  },
});

/** Says that it is built on Birch-1M; the weights show no tie to it. */
export const falseClaim: Assessment = assessment({
  lineage: {
    verdict: 'no-evidence',
    relations: [
      {
        ...relation({
          verdict: 'no-evidence',
          because: 'No test rejected independence.',
          share: { fraction: null, part: '', slots: [] },
          kind: { name: 'unknown', note: '' },
          direction: 'unknown',
          directionGrounds: '',
          log10P: -0.31,
          log10PAdjusted: -0.01,
          searched: 50,
          tests: [neuronFlips([11, 13, 12, 12], [24, 24, 24, 24], -0.31)],
          limits: ['A model trained on the outputs of another shares no weights with it.'],
        }),
        ancestor: ALDER_RECORD,
      },
    ],
    claims: [
      {
        name: 'alder-lab/Alder-1M',
        from: 'README.md: base_model',
        verdict: 'not-shown',
        because: 'Alder-1M is in the register, could be compared, and shows no tie.',
      },
    ],
    register: { models: 50, compared: 48 },
    limits: ['Two known models have another architecture and could not be compared.'],
    findings: [
      finding({
        rule: 'lineage/claim-not-shown',
        where: { file: 'README.md', field: 'base_model' },
        what: 'The card names alder-lab/Alder-1M as its base; the weights show no tie to it.',
        why: 'Its license and its evaluation may not apply.',
        fix: 'Correct base_model, or publish the steps that led here.',
      }),
    ],
  },
});

/** Weights that end in the middle of a tensor. */
export const unreadableFile: Assessment = assessment({
  lineage: {
    verdict: 'unresolved',
    relations: [],
    claims: [],
    register: { models: 50, compared: 0 },
    limits: ['No tensor could be read.'],
    findings: [],
  },
  license: {
    declared: [],
    found: [],
    effective: { ids: [], kind: 'unknown', from: 'none', why: OWN },
    duties: [],
    conflicts: [],
    drift: [],
    findings: [
      finding({
        rule: 'license/none',
        severity: 'note',
        where: {},
        what: 'No license is stated.',
        why: 'Nobody knows what is allowed.',
        fix: 'Add a LICENSE file.',
      }),
    ],
  },
  safety: {
    verdict: 'unreadable',
    files: [
      {
        path: 'model.safetensors',
        format: 'safetensors',
        verdict: 'unreadable',
        findings: [
          finding({
            rule: 'safety/unreadable',
            severity: 'error',
            where: { file: 'model.safetensors', byte: 2_400_128 },
            what: 'The file ends 24,704 bytes before the tensor "layers.3.down" does.',
            why: 'What cannot be read cannot be judged.',
            fix: 'Download the file again and compare its digest.',
            source: 'CWE-1284',
          }),
        ],
      },
    ],
    findings: [],
  },
});

const SHARED: Relation = relation({
  verdict: 'shared-origin',
  because: 'Neurons agree in the first layer only; a common random start would leave the same trace.',
  share: { fraction: 0.25, part: 'layer 0', slots: ['layers.0.up'] },
  kind: { name: 'unknown', note: 'Too little is shared to tell the kind.' },
  direction: 'unknown',
  directionGrounds: '',
  log10P: -5.2,
  log10PAdjusted: -3.5,
  tests: [neuronFlips([24, 15, 12, 13], [24, 24, 24, 24], -5.5)],
  limits: ['Shared training and a shared random start leave the same trace here.'],
});

/** Not independent of Alder-1M, and no more than that. */
export const sharedOrigin: Assessment = assessment({
  lineage: {
    verdict: 'shared-origin',
    relations: [{ ...SHARED, ancestor: ALDER_RECORD }],
    claims: [],
    register: { models: 50, compared: 50 },
    limits: [],
    findings: [],
  },
});

/** A LICENSE that is Apache-2.0 but for a few words. */
export const changedText: Assessment = assessment({
  license: {
    ...cleanModel.license,
    found: [
      {
        ...cleanModel.license.found[0]!,
        modified: true,
        coverage: 0.998,
        differs: [
          { kind: 'replaced', catalog: 'perpetual worldwide', found: 'two-year, European', at: 3_120 },
          { kind: 'added', catalog: '', found: 'for research', at: 3_410 },
        ],
      },
    ],
    findings: [
      finding({
        rule: 'license/declared-differs-from-text',
        where: { file: 'LICENSE' },
        what: 'README.md declares Apache-2.0; LICENSE departs from its published text in 2 places.',
        why: 'Which of the two binds is not clear.',
        fix: 'Compare LICENSE with the published text.',
      }),
    ],
  },
});

/** Compared with an empty register. */
export const emptyRegister: Assessment = assessment({
  lineage: { verdict: 'no-evidence', relations: [], claims: [], register: { models: 0, compared: 0 }, limits: [], findings: [] },
});
