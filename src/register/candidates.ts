/**
 * Which of very many registered models are worth an exact test: those whose codes agree beyond what strangers do, those with equal tensors,
 * those that the suspect claims as bases, and those that near candidates name as theirs.
 * @module
 */
import { CODE_BITS, scanCodes, type SearchCode } from '../lineage/index.ts';
import { type LiveSegment, nameHashes, type SearchIndex } from './search-index.ts';

/** Agreement in standard deviations that one stranger in 4,300 reaches: below, candidates would be strangers nearly all. */
const LEAST_SCORE = 3.5;
/** No stranger in 10^8 agrees so well: relatives, of which a family may have very many, and testing them is quick. */
const SURE_SCORE = 6;
const MOST_SURE = 256;
/**
 * Strangers nearly all, and testing a stranger takes longest. Of a million on four axes this many pass 4.4, a correlation of .21; ten times as
 * many would pass 3.9, which is .19.
 */
const MOST_DOUBTFUL = 16;
const MOST_EQUAL = 64;
const MOST_NAMED = 64;

export interface Candidate {
  readonly id: string;
  readonly score: number;
  readonly shared: number;
}

export interface Found {
  /** Nearest first, each once. */
  readonly candidates: readonly Candidate[];
  /** The agreement under which models were passed over. */
  readonly leastScore: number;
  /** Models that agree as clearly as relatives do and were passed over all the same: there were too many. */
  readonly unseen: number;
}

/** Deterministic: equal scores stand in order of id. */
export function findCandidates(index: SearchIndex, code: SearchCode): Found {
  const near: Candidate[] = [];
  const equal: Candidate[] = [];
  for (const one of index.segments) {
    const { scores, shared } = scanCodes(one.segment, code);
    for (let i = 0; i < one.segment.count; i++) {
      if (one.live[i] === 0) continue;
      if (scores[i]! >= LEAST_SCORE) near.push(candidate(one, i, scores[i]!, shared[i]!));
      if (shared[i]! > 0) equal.push(candidate(one, i, scores[i]!, shared[i]!));
    }
  }
  near.sort((x, y) => y.score - x.score || (x.id < y.id ? -1 : 1));
  equal.sort((x, y) => y.shared - x.shared || y.score - x.score || (x.id < y.id ? -1 : 1));
  const sure = near.filter((one) => one.score >= SURE_SCORE);
  const doubtful = near.slice(sure.length);
  const kept = [...sure.slice(0, MOST_SURE), ...doubtful.slice(0, MOST_DOUBTFUL), ...equal.slice(0, MOST_EQUAL)];
  const byId = new Map(kept.map((one) => [one.id, one]));
  return {
    candidates: [...byId.values()].sort(byScore),
    leastScore: doubtful[MOST_DOUBTFUL]?.score ?? LEAST_SCORE,
    unseen: sure.filter((one) => !byId.has(one.id)).length,
  };
}

/** Models that may go by one of the names, as `sameName` has it. The caller compares the names themselves: hashes only propose. */
export function findNamed(index: SearchIndex, names: readonly string[]): Candidate[] {
  const wanted = names.map(nameHashes);
  const found: Candidate[] = [];
  if (wanted.length === 0) return found;
  for (const one of index.segments)
    for (let i = 0; i < one.segment.count && found.length < MOST_NAMED; i++) {
      const [whole, bare] = [one.segment.names[2 * i]!, one.segment.names[2 * i + 1]!];
      if (one.live[i] === 1 && wanted.some((name) => name.whole === whole || name.bare === whole || name.whole === bare))
        found.push(candidate(one, i, 0, 0));
    }
  return found;
}

export function isSure({ score, shared }: Candidate): boolean {
  return score >= SURE_SCORE || shared > 1;
}

/** Correlation of weights, the same throughout, whose code reaches `score` in half of the cases: agreement 1/2 + asin(r) / pi. */
export function correlationAt(score: number): number {
  return Math.sin((Math.PI / 2) * Math.min(1, score / Math.sqrt(CODE_BITS)));
}

function candidate({ segment }: LiveSegment, i: number, score: number, shared: number): Candidate {
  return { id: segment.ids[i]!, score, shared };
}

function byScore(x: Candidate, y: Candidate): number {
  return y.score - x.score || y.shared - x.shared || (x.id < y.id ? -1 : 1);
}
