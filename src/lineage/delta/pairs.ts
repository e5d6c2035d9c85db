/**
 * Which tensor of A is laid over which of B. Decided by slots, shapes and maps alone; plain data, so that a worker can be told.
 * @module
 */
import { type Model, type RoleTensor, roleShape } from '../../model/index.ts';
import { type DType, DTYPES } from '../../weights/index.ts';

export interface SlotPair {
  readonly slotA: string;
  readonly slotB: string;
  /** Rows laid over each other; of token tables of different length, the common ones. */
  readonly rows: number;
  readonly columns: number;
  /** Where row i of B stands in A, when not at i; -1 where A has none. */
  readonly rowsOfA: Int32Array | null;
}

export interface Pairing {
  readonly pairs: readonly SlotPair[];
  /** Slots of B without a partner of its shape, with their values. */
  readonly unpaired: readonly { readonly slot: string; readonly values: number }[];
  /** Slots of A without a partner. */
  readonly missing: readonly string[];
  /** Token tables on both sides, with their lengths. */
  readonly tables: readonly { readonly slot: string; readonly rowsA: number; readonly rowsB: number }[];
  /** Values of all tensors of B that hold weights. */
  readonly parametersB: number;
}

export interface PairOptions {
  /** For each block of B the block of A it matches, per stack; blocks that stay in place need no entry. */
  readonly layerMap?: ReadonlyMap<string, readonly number[]>;
  /** For each token row of B the row of A that stands for the same token, -1 for none. */
  readonly tokenMap?: Int32Array;
}

const WHOLE_NUMBERS: readonly DType[] = ['I64', 'I32', 'I16', 'I8', 'U64', 'U32', 'U16', 'U8', 'BOOL', 'I4', 'U4'];
const TOKEN_ROLES: readonly string[] = ['embed', 'head'];

/** Tensors that hold weights as numbers this project decodes. */
export function weightsOf(model: Model): RoleTensor[] {
  return model.roles.filter(
    (rt) =>
      rt.role !== 'buffer' && DTYPES[rt.tensor.dtype].decode !== undefined && !WHOLE_NUMBERS.includes(rt.tensor.dtype) && valuesOf(rt) > 0,
  );
}

export function valuesOf(rt: RoleTensor): number {
  const [rows, columns] = roleShape(rt);
  return rows * columns;
}

/** In B's order. Never reads a value. */
export function pairSlots(a: Model, b: Model, { layerMap, tokenMap }: PairOptions = {}): Pairing {
  const left = new Map(weightsOf(a).map((rt) => [rt.slot, rt]));
  const used = new Set<string>();
  const pairs: SlotPair[] = [];
  const unpaired: { slot: string; values: number }[] = [];
  const tables: { slot: string; rowsA: number; rowsB: number }[] = [];
  let parametersB = 0;
  for (const right of weightsOf(b)) {
    const [rows, columns] = roleShape(right);
    parametersB += rows * columns;
    const slotA = sourceSlot(right, layerMap);
    const partner = slotA === null ? undefined : left.get(slotA);
    const shape = partner ? roleShape(partner) : null;
    const isTable = TOKEN_ROLES.includes(right.role);
    if (!partner || !shape || shape[1] !== columns || (shape[0] !== rows && !isTable)) {
      unpaired.push({ slot: right.slot, values: rows * columns });
      continue;
    }
    used.add(partner.slot);
    if (isTable) tables.push({ slot: right.slot, rowsA: shape[0], rowsB: rows });
    const mapped = isTable && tokenMap && tokenMap.length >= rows ? tokenMap.subarray(0, rows) : null;
    pairs.push({
      slotA: partner.slot,
      slotB: right.slot,
      rows: mapped ? rows : Math.min(shape[0], rows),
      columns,
      rowsOfA: mapped?.some((from, to) => from !== to) ? mapped.map((from) => (from < shape[0] ? from : -1)) : null,
    });
  }
  return { pairs, unpaired, missing: [...left.keys()].filter((slot) => !used.has(slot)), tables, parametersB };
}

/** The slot of A that a tensor of B is laid over; null when its block comes from nowhere. */
function sourceSlot(right: RoleTensor, layerMap: PairOptions['layerMap']): string | null {
  const from = right.block === null ? undefined : layerMap?.get(right.stack)?.[right.block];
  if (from === undefined || from === right.block) return right.slot;
  if (from < 0) return null;
  // Slots name their block once, as a whole component: `layers.3.up`, `encoder.0.q.bias`.
  return right.slot.replace(`.${right.block}.`, `.${from}.`);
}

/**
 * For each token of B the row of A with the same string; null when either vocabulary is unknown, or both are the same list.
 * Strings that stand twice are left out.
 */
export async function tokenMapOf(a: Model, b: Model): Promise<Int32Array | null> {
  const [tokensA, tokensB] = [await a.tokens(), await b.tokens()];
  if (!tokensA || !tokensB || tokensA.length === 0) return null;
  const common = Math.min(tokensA.length, tokensB.length);
  if (tokensB.slice(0, common).every((token, id) => token === tokensA[id])) return null;
  const ids = new Map<string, number>();
  tokensA.forEach((token, id) => ids.set(token, ids.has(token) ? -1 : id));
  return Int32Array.from(tokensB, (token) => ids.get(token) ?? -1);
}
