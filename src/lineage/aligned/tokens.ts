/**
 * Which tokens two models share, and which of them no text can ever produce.
 * Tokens are matched by string, never by id: permuted and extended vocabularies then cost nothing.
 * @module
 */

/** Bytes that valid UTF-8 text does not hold, control characters apart from tab, line feed and carriage return (Unicode 15, table 3-7). */
const UNREACHABLE_BYTES: ReadonlySet<number> = new Set([
  ...range(0x00, 0x08),
  0x0b,
  0x0c,
  ...range(0x0e, 0x1f),
  0x7f,
  0xc0,
  0xc1,
  ...range(0xf5, 0xff),
]);

/** Placeholders that tokenizers reserve and training never sees. */
const RESERVED =
  /^(\[unused\d+\]|<unused_?\d+>|<\|reserved_special_token_\d+\|>|<reserved_\d+>|\[control_\d+\]|<\|dummy_\d+\|>|<pad_?\d+>)$/i;

export interface SharedTokens {
  /** Rows of A and of B that stand for the same token. */
  readonly a: Int32Array;
  readonly b: Int32Array;
  /** Whether the token at this place is unreachable. */
  readonly unreachable: readonly boolean[];
  /** Places of merged tokens (two characters and more), most frequent first in A's order. */
  readonly frequent: readonly number[];
}

/** Null when fewer than `least` tokens are shared. Strings that stand twice in a vocabulary are left out. */
export function sharedTokens(tokensA: readonly string[], tokensB: readonly string[], most: number, least: number): SharedTokens | null {
  const [idsA, idsB] = [idOf(tokensA), idOf(tokensB)];
  const byteLevel = isByteLevel(idsA) && isByteLevel(idsB);
  const shared: [string, number, number][] = [];
  for (const [token, a] of idsA) {
    const b = idsB.get(token);
    if (b !== undefined && a >= 0 && b >= 0) shared.push([token, a, b]);
  }
  if (shared.length < least) return null;
  // Unreachable ones first, then the low ids: byte-level vocabularies grow from the most frequent merges on.
  const never = new Set(shared.flatMap(([token]) => (isUnreachable(token, byteLevel) ? [token] : [])));
  const chosen = shared.sort((x, y) => Number(never.has(y[0])) - Number(never.has(x[0])) || x[1] - y[1]).slice(0, most);
  return {
    a: Int32Array.from(chosen, (entry) => entry[1]),
    b: Int32Array.from(chosen, (entry) => entry[2]),
    unreachable: chosen.map(([token]) => never.has(token)),
    frequent: chosen.flatMap(([token], at) => (!never.has(token) && token.length >= 2 && !token.startsWith('<') ? [at] : [])),
  };
}

function idOf(tokens: readonly string[]): Map<string, number> {
  const ids = new Map<string, number>();
  tokens.forEach((token, id) => ids.set(token, ids.has(token) ? -1 : id));
  return ids;
}

/**
 * @param byteLevel whether single characters of this vocabulary stand for bytes; elsewhere they are letters, and trained.
 */
export function isUnreachable(token: string, byteLevel: boolean): boolean {
  if (RESERVED.test(token)) return true;
  const hex = /^<0x([0-9A-F]{2})>$/i.exec(token);
  if (hex) return UNREACHABLE_BYTES.has(Number.parseInt(hex[1]!, 16));
  return byteLevel && UNREACHABLE_BYTES.has(BYTE_SIGNS.indexOf(token));
}

/** GPT-2's byte alphabet: printable bytes stand for themselves, the others follow from U+0100 on in byte order. */
const BYTE_SIGNS: readonly string[] = (() => {
  const printable = new Set([...range(0x21, 0x7e), ...range(0xa1, 0xac), ...range(0xae, 0xff)]);
  let next = 0x100;
  return range(0, 255).map((byte) => String.fromCodePoint(printable.has(byte) ? byte : next++));
})();

/** A byte-level vocabulary holds a sign for every byte; one of letters has no use for most of them. */
function isByteLevel(ids: ReadonlyMap<string, number>): boolean {
  return BYTE_SIGNS.every((sign) => ids.has(sign));
}

function range(from: number, to: number): number[] {
  return Array.from({ length: to - from + 1 }, (_, i) => from + i);
}
