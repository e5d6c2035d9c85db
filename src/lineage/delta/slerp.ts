/**
 * Spherical interpolation of two parents: per tensor sin((1-t)w)/sin w and sin(t w)/sin w, with w the angle between them
 * (Shoemake 1985; mergekit applies it tensor by tensor).
 * @module
 */
import { type Sums, symmetric } from './normal-equations.ts';

export interface SlerpFit {
  /** Over all tensors together; 0 at the first parent. */
  readonly t: number;
  readonly error: number;
  /** Of the tensors that decide it, each alone. */
  readonly perTensor: readonly number[];
  /** Standard deviation of t over them. */
  readonly spread: number;
  readonly residual: number;
  readonly r2: number;
}

/** Angles below this are interpolated on the line, as mergekit does for a cosine over .9995. */
const LINE_COSINE = 0.9995;
/** Tensors of fewer values have an angle but no weight. */
const MIN_VALUES = 4096;

interface Geometry {
  readonly n: number;
  readonly aa: number;
  readonly bb: number;
  readonly ab: number;
  readonly ay: number;
  readonly by: number;
  readonly yy: number;
  readonly cosine: number;
}

/** @param nearest squared distance of the suspect to its nearest parent. Null when the parents are all but parallel throughout. */
export function fitSlerp(sums: Sums, i: number, j: number, nearest: number): SlerpFit | null {
  const tensors = sums.tensors.map(({ n, ...tensor }) => geometry({ n, ...tensor }, sums.size, i, j));
  const usable = tensors.filter((g) => g.n >= MIN_VALUES && g.cosine < LINE_COSINE && g.cosine > -LINE_COSINE);
  if (usable.length < 3) return null;
  const perTensor = usable.map((g) => minimize((t) => residualAt(g, t)));
  const t = minimize((at) => tensors.reduce((sum, g) => sum + residualAt(g, at), 0));
  const mean = perTensor.reduce((sum, value) => sum + value, 0) / perTensor.length;
  const spread = Math.sqrt(perTensor.reduce((sum, value) => sum + (value - mean) ** 2, 0) / Math.max(1, perTensor.length - 1));
  const residual = tensors.reduce((sum, g) => sum + residualAt(g, t), 0);
  return { t, error: spread / Math.sqrt(perTensor.length), perTensor, spread, residual, r2: nearest > 0 ? 1 - residual / nearest : 0 };
}

/** Products of two parents and the suspect themselves, from differences to parent 0. */
function geometry(tensor: Sums['tensors'][number], size: number, i: number, j: number): Geometry {
  const all = symmetric(tensor, size);
  const product = (p: number, q: number): number => {
    // Parent 0 is entry 0; any other is 0 plus its difference.
    const own = all[0]!;
    const [x, y] = [p === 0 ? 0 : all[p * size]!, q === 0 ? 0 : all[q * size]!];
    return own + x + y + (p === 0 || q === 0 ? 0 : all[p * size + q]!);
  };
  const y = size - 1;
  const [aa, bb, ab] = [product(i, i), product(j, j), product(i, j)];
  return {
    n: tensor.n,
    aa,
    bb,
    ab,
    ay: product(i, y),
    by: product(j, y),
    yy: product(y, y),
    cosine: aa > 0 && bb > 0 ? ab / Math.sqrt(aa * bb) : 1,
  };
}

function residualAt({ aa, bb, ab, ay, by, yy, cosine }: Geometry, t: number): number {
  let [c1, c2] = [1 - t, t];
  if (Math.abs(cosine) < LINE_COSINE) {
    const angle = Math.acos(cosine);
    c1 = Math.sin((1 - t) * angle) / Math.sin(angle);
    c2 = Math.sin(t * angle) / Math.sin(angle);
  }
  return Math.max(0, yy + c1 * c1 * aa + c2 * c2 * bb + 2 * c1 * c2 * ab - 2 * c1 * ay - 2 * c2 * by);
}

/** Golden-section search over [0, 1]; the residual has one minimum there. */
function minimize(value: (t: number) => number): number {
  const ratio = (Math.sqrt(5) - 1) / 2;
  let [low, high] = [0, 1];
  let [x, y] = [1 - ratio, ratio];
  let [fx, fy] = [value(x), value(y)];
  for (let i = 0; i < 60; i++) {
    if (fx < fy) {
      high = y;
      [y, fy] = [x, fx];
      x = high - ratio * (high - low);
      fx = value(x);
    } else {
      low = x;
      [x, fx] = [y, fy];
      y = low + ratio * (high - low);
      fy = value(y);
    }
  }
  return (low + high) / 2;
}
