/**
 * Five-word shingles: what a text is searched by. Flagged words (list markers, copyright lines) are left out,
 * so two layouts of one license share all of them. Hashes are part of the generated index: change nothing here
 * without running `npm run catalog`.
 * @module
 */
import type { Words } from './words.ts';

export const SHINGLE_WORDS = 5;

/** FNV-1a over UTF-16 code units. */
export function wordHash(word: string): number {
  let hash = 0x811c9dc5;
  for (let i = 0; i < word.length; i++) hash = Math.imul(hash ^ word.charCodeAt(i), 0x01000193);
  return hash >>> 0;
}

export interface Shingles {
  /** Index of the first word of each shingle. */
  readonly at: Int32Array;
  /** Unsigned 32-bit hash of each. */
  readonly hash: Uint32Array;
}

/** All shingles of a text in order. A text of fewer than five words is one shingle of what it has. */
export function shinglesOf(text: Pick<Words, 'words' | 'flags'>): Shingles {
  const known = new Map<string, number>();
  const hashes = Uint32Array.from(text.words, (word) => {
    let hash = known.get(word);
    if (hash === undefined) known.set(word, (hash = wordHash(word)));
    return hash;
  });
  return shinglesOfHashes(hashes, text.flags);
}

/** The same over word hashes; words with a flag are left out. */
export function shinglesOfHashes(words: Uint32Array, flags: Uint8Array): Shingles {
  let kept = 0;
  const places = new Int32Array(words.length);
  for (let k = 0; k < words.length; k++) if (flags[k] === 0) places[kept++] = k;
  const size = Math.min(SHINGLE_WORDS, kept);
  const count = size === 0 ? 0 : kept - size + 1;
  const hash = new Uint32Array(count);
  for (let s = 0; s < count; s++) {
    let h = 17;
    for (let j = 0; j < size; j++) h = (Math.imul(h, 0x9e3779b1) + words[places[s + j]!]!) | 0;
    hash[s] = (h ^ (h >>> 15)) >>> 0;
  }
  return { at: places.slice(0, count), hash };
}

/** Which shingles stand in the index: all of a short text, one in 8 of a middling one, one in 32 of a long one. */
export function sampleShingles(hashes: Uint32Array): number[] {
  const distinct = [...new Set(hashes)].sort((a, b) => a - b);
  const keepOneIn = distinct.length <= 80 ? 1 : distinct.length <= 1200 ? 8 : 32;
  // The high bits are the well mixed ones.
  return distinct.filter((hash) => (hash >>> 7) % keepOneIn === 0);
}
