/**
 * The license catalogue: SPDX License List 3.28.0 and the model licenses, from generated data that is loaded on first use.
 * Made by `npm run catalog`; sources in data/SOURCES.md.
 * @module
 */
import { FLAG_OPTIONAL, FLAG_RUN_START, unpackWords } from './pack.ts';
import { type Shingles, shinglesOfHashes, wordHash } from './shingles.ts';
import type { CatalogEntry, LicenseKind } from './types.ts';

/** A catalogue text ready to be compared. */
export interface CatalogText {
  /** Indexes into the vocabulary. */
  readonly words: Int32Array;
  readonly flags: Uint8Array;
  /** Computed on first use. */
  shingles(): Shingles;
  /** Words that cannot be left out. */
  readonly required: number;
}

export interface Catalog {
  readonly entries: readonly CatalogEntry[];
  /** The entry an id stands for: its own, a twin's, an SPDX id's or `LicenseRef-`'s; any case. */
  find(id: string): CatalogEntry | undefined;
  readonly vocabulary: readonly string[];
  /** Number of a word, or undefined when no license uses it. */
  wordNumber(word: string): number | undefined;
  /** Entries (by position) that hold this sampled shingle. */
  readonly postings: ReadonlyMap<number, readonly number[]>;
  /** Sampled shingles of each entry. */
  readonly sampled: readonly number[];
  /** Loads what `text` needs for these entries. */
  prepare(positions: readonly number[]): Promise<void>;
  /** Text of a prepared entry. */
  text(position: number): CatalogText;
}

type StoredEntry = CatalogEntry & { readonly set: 'spdx' | 'model' };

let loading: Promise<Catalog> | undefined;

/** The catalogue, read once per process. */
export function loadCatalog(): Promise<Catalog> {
  loading ??= readCatalog();
  return loading;
}

async function readCatalog(): Promise<Catalog> {
  const [catalogJson, wordsJson, indexJson] = await Promise.all([
    import('./data/catalog.json', { with: { type: 'json' } }),
    import('./data/words.json', { with: { type: 'json' } }),
    import('./data/index.json', { with: { type: 'json' } }),
  ]);
  const stored = catalogJson.default as unknown as readonly StoredEntry[];
  const vocabulary = wordsJson.default as readonly string[];
  const index = indexJson.default as readonly (readonly number[])[];
  const entries: CatalogEntry[] = stored.map(({ set, ...entry }) => ({
    ...entry,
    source: set === 'spdx' ? `https://spdx.org/licenses/${entry.id}.html` : entry.source,
  }));
  const byId = new Map<string, CatalogEntry>();
  // Own ids last: they win over another entry's twin.
  for (const entry of entries) for (const twin of entry.twins ?? []) byId.set(twin.toLowerCase(), entry);
  for (const entry of entries) byId.set(entry.spdx.toLowerCase(), entry);
  for (const entry of entries) byId.set(entry.id.toLowerCase(), entry);
  const numbers = new Map<string, number>();
  for (let k = 0; k < vocabulary.length; k++) numbers.set(vocabulary[k]!, k);
  const postings = new Map<number, number[]>();
  for (let position = 0; position < index.length; position++)
    for (const hash of index[position]!) {
      const list = postings.get(hash);
      if (list) list.push(position);
      else postings.set(hash, [position]);
    }
  const hashes = new Map<number, number>();
  const hashOf = (word: number): number => {
    let hash = hashes.get(word);
    if (hash === undefined) hashes.set(word, (hash = wordHash(vocabulary[word] ?? '')));
    return hash;
  };
  const ready = new Map<number, CatalogText>();
  const packed: { spdx?: Readonly<Record<string, string>>; model?: Readonly<Record<string, string>> } = {};
  const prepare = async (positions: readonly number[]): Promise<void> => {
    if (!packed.spdx && positions.some((position) => stored[position]?.set === 'spdx'))
      packed.spdx = (await import('./data/texts-spdx.json', { with: { type: 'json' } })).default;
    if (!packed.model && positions.some((position) => stored[position]?.set === 'model'))
      packed.model = (await import('./data/texts-model.json', { with: { type: 'json' } })).default;
  };
  const textOf = (position: number): CatalogText => {
    const known = ready.get(position);
    if (known) return known;
    const { id, set } = stored[position]!;
    const { words, flags } = unpackWords(packed[set]?.[id] ?? '');
    let shingles: Shingles | undefined;
    const text: CatalogText = {
      words,
      flags,
      shingles: () =>
        (shingles ??= shinglesOfHashes(
          Uint32Array.from(words, (w) => hashOf(w)),
          flags.map((f) => f & ~(FLAG_OPTIONAL | FLAG_RUN_START)),
        )),
      required: flags.reduce((sum, f) => sum + (f === 0 ? 1 : 0), 0),
    };
    ready.set(position, text);
    return text;
  };
  return {
    entries,
    find: (id) => byId.get(id.toLowerCase()),
    vocabulary,
    wordNumber: (word) => numbers.get(word),
    postings,
    sampled: index.map((hashes) => hashes.length),
    prepare,
    text: textOf,
  };
}

/** From least to most asked for. `unknown` stands last: what cannot be read is taken at its strictest. */
export const KIND_ORDER: readonly LicenseKind[] = [
  'public-domain',
  'permissive',
  'attribution',
  'weak-copyleft',
  'copyleft',
  'network-copyleft',
  'use-restricted',
  'non-commercial',
  'research-only',
  'no-derivatives',
  'proprietary',
  'unknown',
];

/** Position of a kind in `KIND_ORDER`. */
export function kindRank(kind: LicenseKind): number {
  return KIND_ORDER.indexOf(kind);
}
