/**
 * Directions of the hidden space that carry the same label in two models: rows of token tables, of position tables,
 * columns of patch embeddings. Labels are fixed by data and tokenizer, not by training, so they lay two hidden spaces over
 * each other whatever was done to the channels.
 * @module
 */
import { type Model, readRoleRows, type RoleTensor, roleShape } from '../../model/index.ts';
import { sharedTokens } from './tokens.ts';

export interface Anchors {
  /** `[count, widthA]` and `[count, widthB]`: the same label in the same row. */
  readonly a: Float32Array;
  readonly b: Float32Array;
  readonly count: number;
  readonly widthA: number;
  readonly widthB: number;
  /** Whether the label is a token that no text produces. */
  readonly unreachable: readonly boolean[];
  /** Rows of merged tokens, most frequent first; empty where that is unknown. */
  readonly frequent: readonly number[];
  readonly by: 'token strings' | 'token ids' | 'input positions';
}

const MOST_TOKENS = 4096;
const LEAST_LABELS = 64;
/** Values of one side's anchors: 32 MiB. */
const MOST_VALUES = 1 << 23;

/** Null when the two share no labels. @throws SourceError, WeightsError when bytes cannot be had. */
export async function anchorsOf(a: Model, b: Model): Promise<Anchors | null> {
  const [tableA, tableB] = [tokenTable(a), tokenTable(b)];
  if (tableA && tableB) return fromTokens(a, b, tableA, tableB);
  return fromInputs(a, b);
}

function tokenTable(model: Model): RoleTensor | null {
  const tables = model.roles.filter((rt) => rt.role === 'embed');
  return tables.find((rt) => rt.stack === '') ?? tables[0] ?? null;
}

async function fromTokens(a: Model, b: Model, tableA: RoleTensor, tableB: RoleTensor): Promise<Anchors | null> {
  const [[rowsA, widthA], [rowsB, widthB]] = [roleShape(tableA), roleShape(tableB)];
  const most = Math.min(MOST_TOKENS, Math.floor(MOST_VALUES / Math.max(widthA, widthB)));
  const [tokensA, tokensB] = [await a.tokens(), await b.tokens()];
  const byString = tokensA && tokensB ? sharedTokens(tokensA, tokensB, most, LEAST_LABELS) : null;
  const shared = byString ?? (rowsA === rowsB && rowsA >= LEAST_LABELS ? sameIds(Math.min(rowsA, most)) : null);
  if (!shared) return null;
  return {
    a: await tokenRows(a, tableA, shared.a),
    b: await tokenRows(b, tableB, shared.b),
    count: shared.a.length,
    widthA,
    widthB,
    unreachable: shared.unreachable,
    frequent: shared.frequent,
    by: byString ? 'token strings' : 'token ids',
  };
}

/**
 * Without shared strings (no tokenizer at hand, or all strings replaced) a token is taken to have the same number in tables of one length.
 * Where that is wrong nothing is found; no error rate rests on it. Which tokens are frequent is unknown.
 */
function sameIds(count: number): { a: Int32Array; b: Int32Array; unreachable: boolean[]; frequent: number[] } {
  const ids = Int32Array.from({ length: count }, (_, i) => i);
  return { a: ids, b: ids, unreachable: Array<boolean>(count).fill(false), frequent: [] };
}

async function fromInputs(a: Model, b: Model): Promise<Anchors | null> {
  const [ofA, ofB] = [inputTables(a), inputTables(b)];
  const parts: { a: Float32Array; b: Float32Array; labels: number }[] = [];
  let widths: readonly [number, number] | null = null;
  for (const [slot, left] of ofA) {
    const right = ofB.get(slot);
    if (!right || right.labels !== left.labels) continue;
    widths ??= [left.width, right.width];
    if (left.width !== widths[0] || right.width !== widths[1] || left.labels * left.width > MOST_VALUES) continue;
    parts.push({ a: await labelRows(a, left), b: await labelRows(b, right), labels: left.labels });
  }
  const count = parts.reduce((sum, part) => sum + part.labels, 0);
  if (!widths || count < LEAST_LABELS) return null;
  const join = (pick: (part: (typeof parts)[number]) => Float32Array, width: number): Float32Array => {
    const out = new Float32Array(count * width);
    let at = 0;
    for (const part of parts) {
      out.set(pick(part), at);
      at += part.labels * width;
    }
    return out;
  };
  return {
    a: join((part) => part.a, widths[0]),
    b: join((part) => part.b, widths[1]),
    count,
    widthA: widths[0],
    widthB: widths[1],
    unreachable: Array<boolean>(count).fill(false),
    frequent: [],
    by: 'input positions',
  };
}

interface InputTable {
  readonly rt: RoleTensor;
  readonly labels: number;
  readonly width: number;
  /** Labels are the inputs of a projection, not the rows of a table. */
  readonly columns: boolean;
}

/** Patch embeddings read pixels, position tables number places: both in an order that no training chose. */
function inputTables(model: Model): Map<string, InputTable> {
  const out = new Map<string, InputTable>();
  for (const rt of model.roles) {
    if (rt.block !== null) continue;
    const [rows, columns] = roleShape(rt);
    // Some are stored as a batch of one: `[1, places, width]`.
    const [batch, places = 0, width = 0] = rt.tensor.shape.length === 3 && rt.tensor.shape[0] === 1 ? rt.tensor.shape : [0, rows, columns];
    if (rt.role === 'position' && (batch === 0 || places * width === columns))
      out.set(rt.slot, { rt, labels: places, width, columns: false });
    else if ((rt.role === 'conv' || rt.role === 'linear') && /(^|\.)patch$/.test(rt.slot))
      out.set(rt.slot, { rt, labels: columns, width: rows, columns: true });
  }
  return out;
}

async function labelRows(model: Model, { rt, labels, width, columns }: InputTable): Promise<Float32Array> {
  const rows = await readRoleRows(model.checkpoint!, rt, 0, roleShape(rt)[0]);
  if (!columns) return rows;
  const out = new Float32Array(rows.length);
  for (let i = 0; i < width; i++) for (let j = 0; j < labels; j++) out[j * width + i] = rows[i * labels + j]!;
  return out;
}

/** Rows of a token table, gathered by id; `[ids, width]`. */
async function tokenRows(model: Model, table: RoleTensor, ids: Int32Array): Promise<Float32Array> {
  const [rows, width] = roleShape(table);
  const out = new Float32Array(ids.length * width);
  const places = Array.from(ids, (id, place) => ({ id, place }))
    .filter(({ id }) => id < rows)
    .sort((x, y) => x.id - y.id);
  // Runs of near ids are read together: tables are large, shared tokens dense.
  for (let i = 0; i < places.length;) {
    let end = i + 1;
    while (end < places.length && places[end]!.id - places[i]!.id < 1024) end++;
    const first = places[i]!.id;
    const block = await readRoleRows(model.checkpoint!, table, first, places[end - 1]!.id - first + 1);
    for (; i < end; i++)
      out.set(block.subarray((places[i]!.id - first) * width, (places[i]!.id - first + 1) * width), places[i]!.place * width);
  }
  return out;
}
