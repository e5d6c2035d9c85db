/**
 * What the verdicts were tried on, as data: the panel, the bound on false accusations, the power of the exact tests.
 * `calibration.json` is made by `node bench/calibration/run.mjs --write`.
 * @module
 */
import type { Verdict } from './types.ts';

export interface Calibration {
  readonly schema: 'heirloom-calibration/1';
  /** Rebuilds this data byte for byte. */
  readonly command: string;
  /** Pairs of known truth and what was said of them. */
  readonly panel: readonly {
    readonly corpus: string;
    readonly models: number;
    /** Known models that p-values were corrected for. */
    readonly searched: number;
    readonly rows: readonly PanelRow[];
  }[];
  /** Pairs that share no training, over all panels. */
  readonly falsePositives: {
    readonly pairs: Bound;
    /** Pairs of roots (models trained from scratch), each counted once however many descendants it has. */
    readonly rootPairs: Bound;
    /** Pairs of roots of which no two share a root. */
    readonly disjointRootPairs: Bound;
    readonly note: string;
  };
  readonly power: readonly PowerCurve[];
  readonly thresholds: readonly Threshold[];
}

export interface PanelRow {
  readonly truth: string;
  /** `sketches` alone, or `closer`: with both models at hand, as `compare` does. */
  readonly by: 'sketches' | 'closer';
  readonly pairs: number;
  readonly verdicts: Partial<Record<Verdict, number>>;
}

/** `found` of `of` called derived or identical, and the one-sided 95 % upper limit of the rate (Clopper and Pearson 1934). */
export interface Bound {
  readonly of: number;
  readonly found: number;
  readonly upper95: number;
}

export interface PowerCurve {
  /** Id of the exact test. */
  readonly test: string;
  readonly size: string;
  readonly flips: number;
  readonly features: number;
  /** Simulated pairs for each correlation. */
  readonly trials: number;
  readonly points: readonly {
    /** Correlation of the weights of the two models. */
    readonly correlation: number;
    /** Share of the pairs in which the test passed the threshold of a verdict. */
    readonly detected: number;
    /** Mean share of agreeing flips. */
    readonly agreeing: number;
  }[];
}

export interface Threshold {
  readonly id: string;
  readonly value: number;
  readonly reason: string;
}

let data: Promise<Calibration> | undefined;
/** Read once, when first needed. */
export function loadCalibration(): Promise<Calibration> {
  data ??= import('./calibration.json', { with: { type: 'json' } }).then((module) => module.default as unknown as Calibration);
  return data;
}
