/**
 * A relation with every test and every field of a kind, and a calibration to explain it by. Made up, like the other parts.
 * @module
 */
import type { Calibration, Evidence, Relation } from '../../lineage/index.ts';
import { CORRELATION, DIGEST_A, DIGEST_B, neuronFlips, relation } from './parts.ts';

function test(changes: Partial<Evidence> & Pick<Evidence, 'test'>): Evidence {
  return {
    version: 1,
    class: 'calibrated',
    question: `Does ${changes.test} hold?`,
    statistic: { name: 'measures passed', value: 2 },
    n: 3,
    log10P: null,
    effect: null,
    nullModel: 'strangers give less',
    assumptions: ['thresholds come from small transformers'],
    details: {},
    inputs: { a: DIGEST_A, b: DIGEST_B },
    ...changes,
  };
}

export const TESTS: readonly Evidence[] = [
  neuronFlips([24, 23, 24, 13], [24, 24, 24, 24], -18.2),
  test({
    test: 'swap-sign/unreachable-tokens',
    class: 'exact',
    statistic: { name: 'agreeing flips', value: 71 },
    n: 72,
    log10P: -19.8,
    nullModel: 'fair coins: about 36 of 72 flips would agree',
    details: { smallestPossibleLog10P: -21.6 },
  }),
  test({
    test: 'learned-agreement',
    details: { 'down ratio': 0.97, 'down threshold': 0.85, 'output ratio': 0.64, 'output threshold': 0.7, startShare: 0.21 },
  }),
  test({
    test: 'equal-values',
    class: 'descriptive',
    statistic: { name: 'share of values in equal tensors', value: 0.25 },
    details: { shareOfA: 0.25, shareOfB: 0.31 },
  }),
  test({ test: 'adapter-geometry/neurons', details: { permutations: 200, partZ: [6.1, 7.9, 5.2, 8.8] } }),
  // Tests of other versions, which this report does not know.
  test({ test: 'channel-walk', details: { layerMap: [0, 1, 1, 2], scores: [0.4, 0.9, 0.7, 0.8] } }),
  test({ test: 'regenerated-start', class: 'exact', log10P: -40, statistic: { name: 'share regenerated', value: 0.93 } }),
  CORRELATION,
];

export const FULL: Relation = relation({
  tests: TESTS,
  kind: {
    name: 'merge',
    note: 'Mixed from two parents.',
    rank: 8,
    scheme: 'q8_0',
    schemeProved: true,
    layerMap: [0, 1, 2, 1, 2, 3],
    neuronMap: [
      [1, 0, -1, 3],
      [0, 1, 2, 3],
    ],
    disguises: ['neurons permuted', 'hidden space rotated'],
    alternatives: ['a fine-tune of the mixture'],
    merge: {
      method: 'task-arithmetic',
      base: 'Alder-1M',
      parents: [
        { name: 'alder-cook', digest: DIGEST_A, coefficient: 0.704, standardError: 0.012 },
        { name: 'alder-law', digest: DIGEST_B, coefficient: 0.31, standardError: 0.15 },
      ],
      r2: 0.9973,
      t: 0.3,
      missingParent: true,
    },
  },
});

export const CALIBRATION: Calibration = {
  schema: 'heirloom-calibration/1',
  command: 'node bench/calibration/run.mjs --write',
  panel: [],
  falsePositives: {
    pairs: { of: 805, found: 0, upper95: 0.00372 },
    rootPairs: { of: 28, found: 0, upper95: 0.1015 },
    disjointRootPairs: { of: 4, found: 0, upper95: 0.5272 },
    note: 'The models are small.',
  },
  power: [
    {
      test: 'swap-sign/neurons',
      size: 'a small transformer (4 blocks)',
      flips: 256,
      features: 120,
      trials: 40,
      points: [
        { correlation: 0, detected: 0, agreeing: 0.5 },
        { correlation: 0.1, detected: 0.8, agreeing: 0.85 },
        { correlation: 0.5, detected: 1, agreeing: 1 },
      ],
    },
  ],
  thresholds: [{ id: 'exact tests, log10 p', value: -6, reason: 'chosen' }],
};
