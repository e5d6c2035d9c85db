/**
 * Attention heads by what they do: W_q^T W_k and W_v^T W_o of each head, applied to fixed probe vectors. A change of basis between
 * query and key, or value and output, leaves these products alone and changes every stored number; a permutation of heads moves them.
 * @module
 */
import { readHeads, readRoleRows, type Model, type RoleTensor, roleShape } from '../../model/index.ts';
import { gaussians } from './probes.ts';

/** Cosine of a head's answers from which it is the same head: unrelated ones stay below .61 (trials, transformers, section 3.2). */
const SAME_HEAD = 0.95;
const BLOCK_VALUES = 1 << 20;

export interface HeadMatch {
  /** For each query head of B the head of A whose product it has, -1 for none. */
  readonly map: Int32Array;
  /** Share of heads that found a partner, and the least cosine among them. */
  readonly share: number;
  readonly least: number;
}

interface Attention {
  readonly q: RoleTensor;
  readonly k: RoleTensor;
  readonly v: RoleTensor;
  readonly o: RoleTensor;
}

/** Null when the number of heads is not stated or does not fit the shapes. */
export async function matchHeads(
  a: Model,
  attentionA: Attention,
  b: Model,
  attentionB: Attention,
): Promise<{ readonly queryKey: HeadMatch; readonly valueOutput: HeadMatch } | null> {
  const [x, y] = [await answers(a, attentionA), await answers(b, attentionB)];
  if (!x || !y || x.width !== y.width) return null;
  return { queryKey: match(x.queryKey, y.queryKey, x.width), valueOutput: match(x.valueOutput, y.valueOutput, x.width) };
}

interface Answers {
  readonly width: number;
  /** `[heads, width]` each. */
  readonly queryKey: Float64Array;
  readonly valueOutput: Float64Array;
}

async function answers(model: Model, { q, k, v, o }: Attention): Promise<Answers | null> {
  const stated = readHeads(model.configs, model.checkpoint);
  const [rowsQ, width] = roleShape(q);
  const rowsK = roleShape(k)[0];
  const heads = stated.heads(q.block ?? 0);
  if (heads === undefined || rowsQ % heads !== 0) return null;
  const size = rowsQ / heads;
  const sizeV = roleShape(o)[1] / heads;
  const groups = rowsK / size;
  const fits = [roleShape(k), roleShape(v)].every((shape) => shape[1] === width) && roleShape(o)[0] === width;
  if (!fits || !Number.isInteger(groups) || heads % groups !== 0 || roleShape(v)[0] !== groups * sizeV) return null;
  const probe = gaussians(width);
  const perGroup = heads / groups;
  const keys = await apply(model, k, probe);
  const queryKey = new Float64Array(heads * width);
  await eachRow(model, q, (values, at, row) => {
    const head = Math.floor(row / size);
    const weight = keys[Math.floor(head / perGroup) * size + (row % size)]!;
    for (let j = 0; j < width; j++) queryKey[head * width + j]! += weight * values[at + j]!;
  });
  const written = await apply(model, v, probe);
  const valueOutput = new Float64Array(heads * width);
  await eachRow(model, o, (values, at, row) => {
    for (let head = 0; head < heads; head++) {
      const from = Math.floor(head / perGroup) * sizeV;
      let sum = 0;
      for (let c = 0; c < sizeV; c++) sum += values[at + head * sizeV + c]! * written[from + c]!;
      valueOutput[head * width + row] = sum;
    }
  });
  return { width, queryKey, valueOutput };
}

async function apply(model: Model, rt: RoleTensor, probe: Float64Array): Promise<Float64Array> {
  const out = new Float64Array(roleShape(rt)[0]);
  await eachRow(model, rt, (values, at, row) => {
    let sum = 0;
    for (let j = 0; j < probe.length; j++) sum += values[at + j]! * probe[j]!;
    out[row] = sum;
  });
  return out;
}

async function eachRow(model: Model, rt: RoleTensor, use: (values: Float32Array, at: number, row: number) => void): Promise<void> {
  const [rows, columns] = roleShape(rt);
  const perBlock = Math.max(1, Math.floor(BLOCK_VALUES / columns));
  for (let start = 0; start < rows; start += perBlock) {
    const count = Math.min(perBlock, rows - start);
    const values = await readRoleRows(model.checkpoint!, rt, start, count);
    for (let r = 0; r < count; r++) use(values, r * columns, start + r);
  }
}

function match(a: Float64Array, b: Float64Array, width: number): HeadMatch {
  const [headsA, headsB] = [a.length / width, b.length / width];
  const cosine = (i: number, j: number): number => {
    let xx = 0;
    let yy = 0;
    let xy = 0;
    for (let c = 0; c < width; c++) {
      const [x, y] = [a[i * width + c]!, b[j * width + c]!];
      xx += x * x;
      yy += y * y;
      xy += x * y;
    }
    return xx > 0 && yy > 0 ? xy / Math.sqrt(xx * yy) : 0;
  };
  const taken = new Set<number>();
  let least = 1;
  const map = Int32Array.from({ length: headsB }, (_, j) => {
    // The same place first: repeated heads have many equal partners.
    const order = [j, ...Array.from({ length: headsA }, (_x, i) => i).filter((i) => i !== j)].filter((i) => i < headsA && !taken.has(i));
    const found = order.find((i) => cosine(i, j) >= SAME_HEAD) ?? -1;
    if (found < 0) return -1;
    taken.add(found);
    least = Math.min(least, cosine(found, j));
    return found;
  });
  return { map, share: map.filter((from) => from >= 0).length / Math.max(1, headsB), least };
}
