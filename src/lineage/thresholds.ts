/**
 * The thresholds of a verdict with their reasons, taken from where they are used.
 * @module
 */
import { GAINS_AGREE, THRESHOLDS as RATIOS } from './agreement.ts';
import { THRESHOLDS as AFTER_MAP } from './aligned/learned.ts';
import type { Threshold } from './calibration.ts';
import { ADAPTER_BEYOND_START, ADAPTER_Z, AGREEMENT_LOG10 } from './look-closer.ts';
import { ALPHA_LOG10 } from '../math/index.ts';
import { NEAR_EQUAL_GAINS } from './start.ts';

export const THRESHOLD_TABLE: readonly Threshold[] = [
  {
    id: 'exact tests, log10 p',
    value: ALPHA_LOG10,
    reason: 'one wrong rejection in a million searches, over all tests and known models together; chosen, not measured',
  },
  {
    id: 'neuron agreement, log10',
    value: AGREEMENT_LOG10,
    reason: 'stricter than the exact tests, because its chance model is calibrated: strangers agree on some neurons',
  },
  {
    id: 'adapter geometry, z',
    value: ADAPTER_Z,
    reason: 'other bases and bases of the same start gave at most 2, true bases 6.5 and more; each known model searched raises it',
  },
  {
    id: 'adapter geometry, correlation over start share',
    value: ADAPTER_BEYOND_START,
    reason: 'siblings of the base .42 at most, bases and their relatives .50 and more; below it the base may be a sibling',
  },
  { id: 'down over up ratio', value: RATIOS.down, reason: 'relatives .95 and more (1st percentile), same start .42 at most' },
  { id: 'output over value ratio', value: RATIOS.output, reason: 'relatives .79 and more (1st percentile), same start .26 at most' },
  { id: 'gain over up ratio', value: RATIOS.gain, reason: 'relatives .99 and more (1st percentile), same start .68 at most' },
  { id: 'gain correlation', value: GAINS_AGREE, reason: 'same start, other data order: 8 of 3,169 pairs of barely trained models above' },
  { id: 'after the map, down over up ratio', value: AFTER_MAP.down, reason: 'as without the map' },
  { id: 'after the map, head products over up', value: AFTER_MAP.heads, reason: 'products of value and output forget the start fastest' },
  { id: 'after the map, gain correlation', value: AFTER_MAP.gain, reason: 'relatives stay near 1, models of one start drift apart' },
  { id: 'after the map, token ratio', value: AFTER_MAP.tokens, reason: 'frequent tokens over tokens that no text can produce' },
  {
    id: 'norm parameters, correlation',
    value: NEAR_EQUAL_GAINS,
    reason: 'convolutional networks: fine-tunes .89 and more, same start .78 at most',
  },
];
