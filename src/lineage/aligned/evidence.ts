/**
 * What the tests after the map found, as evidence.
 * @module
 */
import { ASSUMPTIONS } from '../exact-tests.ts';
import { addFlips, type Flips, log10PValue, NO_FLIPS } from '../swap-sign.ts';
import type { Evidence } from '../types.ts';
import type { BlockMatch } from './compare.ts';

/** Neurons that detect or write single tokens converge in strangers too; 25 times the expected agreements bounds what was seen of it. */
const INFLATION = 25;
const LEAST_EXPECTED = 0.3;

/**
 * @param flips for each block of B, of each block of A.
 * @param straight whether block i may be laid over block i.
 * Three alignments are tried; the smallest p counts three times. Null when no two blocks have as many neurons.
 */
export function neuronsEvidence(flips: readonly (readonly Flips[])[], straight: boolean, inputs: Evidence['inputs']): Evidence | null {
  const layersA = flips[0]?.length ?? 0;
  const tried: { name: string; perLayer: readonly Flips[]; log10P: number }[] = [];
  if (straight) {
    const perLayer = flips.map((row, j) => row[j]!);
    tried.push({ name: 'block i with block i', perLayer, log10P: log10PValue(addFlips(perLayer)) });
  }
  const best = flips.map((row) => row.reduce((top, next) => (share(next) > share(top) ? next : top), NO_FLIPS));
  tried.push({
    name: 'best block of A for every block of B',
    perLayer: best,
    log10P: Math.min(0, log10PValue(addFlips(best)) + flips.length * Math.log10(Math.max(1, layersA))),
  });
  const single = flips.flat().reduce((top, next) => (log10PValue(next) < log10PValue(top) ? next : top), NO_FLIPS);
  tried.push({
    name: 'best single pair of blocks',
    perLayer: [single],
    log10P: Math.min(0, log10PValue(single) + Math.log10(Math.max(1, layersA * flips.length))),
  });
  const chosen = tried.reduce((top, next) => (next.log10P < top.log10P ? next : top));
  const all = addFlips(chosen.perLayer);
  if (all.n === 0) return null;
  return {
    test: 'swap-sign/neurons-after-map',
    version: 2,
    class: 'exact',
    question: 'Do the same neurons sit in the same places once the hidden spaces are laid over each other by their tokens?',
    statistic: { name: 'agreeing flips', value: all.k },
    n: all.n,
    log10P: Math.min(0, chosen.log10P + Math.log10(3)),
    effect: { name: 'share of agreeing flips', value: all.k / all.n },
    nullModel: `fair coins: about ${Math.round(all.n / 2)} of ${all.n} flips would agree`,
    assumptions: [ASSUMPTIONS.start, ASSUMPTIONS.training],
    details: {
      alignment: chosen.name,
      correction:
        'three layer alignments are tried; the p-value is three times the smallest, each first multiplied by the alignments it searched',
      layerAgree: chosen.perLayer.map((layer) => layer.k),
      layerFlips: chosen.perLayer.map((layer) => layer.n),
    },
    inputs,
  };
}

export function unreachableEvidence(flips: Flips, inputs: Evidence['inputs']): Evidence | null {
  if (flips.n === 0) return null;
  return {
    test: 'swap-sign/unreachable-tokens',
    version: 1,
    class: 'exact',
    question: 'Do the rows of tokens that no text can produce, and so no training ever shaped, agree after the map?',
    statistic: { name: 'agreeing flips', value: flips.k },
    n: flips.n,
    log10P: log10PValue(flips),
    effect: { name: 'share of agreeing flips', value: flips.k / flips.n },
    nullModel: `fair coins: about ${Math.round(flips.n / 2)} of ${flips.n} flips would agree`,
    assumptions: [ASSUMPTIONS.start, 'the tokens taken for unreachable never occurred in training'],
    details: { smallestPossibleLog10P: -flips.n * Math.log10(2) },
    inputs,
  };
}

export function agreementEvidence(
  matched: readonly BlockMatch[],
  layersA: number,
  inputs: Evidence['inputs'],
): { evidence: Evidence; log10P: number } {
  const k = matched.reduce((sum, match) => sum + match.agreements, 0);
  const m = matched.reduce((sum, match) => sum + INFLATION * Math.max(match.expected, LEAST_EXPECTED), 0);
  const x = k / m;
  // Chernoff: P[count >= k] <= exp(-m h(k/m)), h(x) = x ln x - x + 1; times the layers each was chosen from.
  const bound = x > 1 ? -m * (x * Math.log(x) - x + 1) * Math.LOG10E : 0;
  const log10P = Math.min(0, bound + matched.length * Math.log10(layersA));
  return {
    log10P,
    evidence: {
      test: 'neuron-agreement',
      version: 2,
      class: 'calibrated',
      question: 'Do independent ways of matching neurons (by what they read and by what they write) pick the same ones?',
      statistic: { name: 'agreeing matches', value: k },
      n: matched.length,
      log10P: null,
      effect: { name: 'median cosine of matched neurons', value: Math.min(...matched.map((match) => match.up)) },
      nullModel: `strangers agree on a few; ${m.toFixed(0)} are allowed, ${INFLATION} times what chance expects`,
      assumptions: ['calibrated on small transformers: neurons of strangers may converge more in other designs'],
      details: {
        allowed: m,
        log10Bound: log10P,
        layerAgreements: matched.map((match) => match.agreements),
        layerMap: matched.map((match) => match.source),
      },
      inputs,
    },
  };
}

function share(flips: Flips): number {
  return flips.n === 0 ? -1 : flips.k / flips.n;
}
