/**
 * Which codes of a table come near a given one: a linear count of differing bits, bucket by bucket.
 * @module
 */
import { CODE_BITS, MARKS, type SearchCode } from './code.ts';

const WORDS = CODE_BITS / 32;

/** Codes of many models, in flat arrays. */
export interface CodeTable {
  /** Models. */
  readonly count: number;
  /** `[rows]`, ascending. */
  readonly buckets: Uint32Array;
  /** `[rows]`: the model each row is a code of. */
  readonly owners: Uint32Array;
  /** `[rows, CODE_BITS / 32]`. */
  readonly bits: Uint32Array;
  /** `[count, MARKS]`. */
  readonly marks: Uint32Array;
}

export interface Nearness {
  /** `[count]`: agreement of the nearest axis above one half, in standard deviations of strangers; at most 32, -99 where no axis is shared. */
  readonly scores: Float32Array;
  /** `[count]`: hashes of equal tensors in common. */
  readonly shared: Uint8Array;
}

/** Every model of the table against one code. Cost: 128 bytes read for each row of a bucket in common, 72 for each model. */
export function scanCodes(table: CodeTable, query: SearchCode): Nearness {
  const scores = new Float32Array(table.count).fill(-99);
  for (const { bucket, bits } of query.axes) {
    const end = firstAtLeast(table.buckets, bucket + 1);
    for (let row = firstAtLeast(table.buckets, bucket); row < end; row++) {
      let differing = 0;
      for (let w = 0, at = row * WORDS; w < WORDS; w++, at++) differing += popcount(table.bits[at]! ^ bits[w]!);
      const score = (CODE_BITS - 2 * differing) / Math.sqrt(CODE_BITS);
      const owner = table.owners[row]!;
      if (score > scores[owner]!) scores[owner] = score;
    }
  }
  return { scores, shared: sharedMarks(table, query.marks) };
}

function sharedMarks({ count, marks }: CodeTable, wanted: Uint32Array): Uint8Array {
  const shared = new Uint8Array(count);
  // One bit for each possible low half: nearly every hash is turned away without a closer look.
  const seen = new Uint8Array(1 << 16);
  const exact = new Set<number>();
  for (const mark of wanted)
    if (mark !== 0) {
      seen[mark & 0xffff] = 1;
      exact.add(mark);
    }
  if (exact.size === 0) return shared;
  for (let i = 0; i < marks.length; i++) if (seen[marks[i]! & 0xffff] === 1 && exact.has(marks[i]!)) shared[Math.floor(i / MARKS)]!++;
  return shared;
}

/** Bits set in a 32-bit word (Warren, Hacker's Delight, section 5-1). */
function popcount(word: number): number {
  const pairs = word - ((word >>> 1) & 0x55555555);
  const fours = (pairs & 0x33333333) + ((pairs >>> 2) & 0x33333333);
  return Math.imul((fours + (fours >>> 4)) & 0x0f0f0f0f, 0x01010101) >>> 24;
}

/** Index of the first value of an ascending array that is `wanted` or more. */
function firstAtLeast(values: Uint32Array, wanted: number): number {
  let [low, high] = [0, values.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (values[middle]! < wanted) low = middle + 1;
    else high = middle;
  }
  return low;
}
