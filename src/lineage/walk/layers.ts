/**
 * The filters and matrices of a network whose graph is not known, in the order its names give, each as outputs by inputs by kernel.
 * @module
 */
import type { Watch } from '../../base/index.ts';
import { type Model, readRoleRows, type RoleTensor, roleShape } from '../../model/index.ts';
import { headReason } from '../heads.ts';

export interface WalkLayer {
  readonly slot: string;
  readonly outputs: number;
  /** Of one group: 1 in a depthwise convolution. */
  readonly inputs: number;
  /** Positions of the kernel; 1 for matrices. */
  readonly kernel: number;
  /** `[outputs, inputs, kernel]`. */
  readonly values: Float32Array;
  /** Norm gains, shifts and biases, one value an output. */
  readonly vectors: readonly { readonly slot: string; readonly role: RoleTensor['role']; readonly values: Float32Array }[];
}

/** Values decoded at once over one model; 32-bit floats: 160 MB. */
const MAX_VALUES = 40e6;
/** Values of one answer of the reader. */
const MAX_LAYER = 1 << 24;
/** Layers walked. (CWE-770) */
const MAX_LAYERS = 400;

/** Null when the model is no plain network of filters and matrices, or too large to hold. */
export async function walkLayers(model: Model, watch: Watch): Promise<WalkLayer[] | null> {
  const { checkpoint } = model;
  if (!checkpoint || model.isAdapter || model.scheme !== 'generic' || model.parameters > MAX_VALUES) return null;
  const head = headReason(model.roles);
  const view = filterView(model.roles);
  const matrices = inOrder(model.roles.filter((rt) => (rt.role === 'conv' || rt.role === 'linear') && head(rt) === '')).map(view);
  if (matrices.length < 2 || matrices.length > MAX_LAYERS) return null;
  const vectors = model.roles.filter((rt) => rt.role === 'norm' || rt.role === 'bias');
  const layers: WalkLayer[] = [];
  for (const rt of matrices) {
    watch.signal?.throwIfAborted();
    watch.onProgress?.({ what: `read ${model.name}`, done: layers.length, total: matrices.length });
    const [outputs, columns] = roleShape(rt);
    if (outputs * columns > MAX_LAYER) continue;
    const inputs = inputsOf(rt) ?? columns;
    const own = vectors.filter((vector) => roleShape(vector)[0] === outputs && owner(vector, matrices) === rt);
    layers.push({
      slot: rt.slot,
      outputs,
      inputs,
      kernel: columns / inputs,
      values: await readRoleRows(checkpoint, rt, 0, outputs),
      vectors: await Promise.all(
        own.map(async ({ slot, role, ...rest }) => ({
          slot,
          role,
          values: await readRoleRows(checkpoint, { slot, role, ...rest }, 0, outputs),
        })),
      ),
    });
  }
  return layers;
}

/** Second axis once outputs stand first: all others are the kernel's. */
function inputsOf(rt: RoleTensor): number | undefined {
  const { shape } = rt.tensor;
  return rt.view.outputFirst ? shape[rt.view.outputFirst[1]!] : rt.view.transpose ? shape[0] : shape[1];
}

/** Kernels are small and square; channels mostly are neither. */
const MAX_KERNEL = 11;

/**
 * Conversions leave filters as [height, width, in, out] or [out, height, width, in] without a word about it. The shapes of all 4-D
 * tensors together tell which; values are not looked at.
 */
function filterView(roles: readonly RoleTensor[]): (rt: RoleTensor) => RoleTensor {
  const votes = { first: 0, inside: 0, last: 0 };
  for (const { tensor, view } of roles) {
    const [p, q, r, s] = tensor.shape;
    if (tensor.shape.length !== 4 || view.outputFirst || view.transpose) continue;
    if (r === s && r! <= MAX_KERNEL) votes.last++;
    else if (p === q && p! <= MAX_KERNEL) votes.first++;
    else if (q === r && q! <= MAX_KERNEL) votes.inside++;
  }
  const { first, inside, last } = votes;
  if (last >= first && last >= inside) return (rt) => rt;
  return (rt) => {
    const axes = rt.tensor.shape.length;
    if (rt.view.outputFirst || rt.view.transpose || rt.view.slice !== undefined) return rt;
    if (first > inside && axes === 2) return { ...rt, view: { ...rt.view, transpose: true } };
    // Depthwise kernels: [height, width, channels, 1].
    const depthwise = first > inside && axes === 4 && rt.tensor.shape[3] === 1;
    const order =
      axes === 4
        ? first > inside
          ? depthwise
            ? [2, 3, 0, 1]
            : [3, 2, 0, 1]
          : [0, 3, 1, 2]
        : axes === 3
          ? first > inside
            ? [2, 1, 0]
            : [0, 2, 1]
          : null;
    return order ? { ...rt, view: { ...rt.view, outputFirst: order } } : rt;
  };
}

/** safetensors and ONNX files may be sorted by letters, where 10 comes before 2; others are in the order of building. */
function inOrder(roles: readonly RoleTensor[]): RoleTensor[] {
  const sorted = roles.every((rt, i) => i === 0 || roles[i - 1]!.slot <= rt.slot);
  return sorted ? [...roles].sort((x, y) => byNumbers(x.slot, y.slot)) : [...roles];
}

/** Runs of digits compare as numbers. */
function byNumbers(x: string, y: string): number {
  const [left, right] = [pieces(x), pieces(y)];
  for (let i = 0; i < Math.min(left.length, right.length); i++) {
    const [p, q] = [left[i]!, right[i]!];
    if (p === q) continue;
    const [m, n] = [Number(p), Number(q)];
    return Number.isNaN(m) || Number.isNaN(n) ? (p < q ? -1 : 1) : m - n;
  }
  return left.length - right.length;
}

function pieces(slot: string): string[] {
  return slot.split(/(\d{1,15})/).filter((part) => part !== '');
}

/** `bn1` belongs to `conv1`, `0.1` to `0.0`: the same number under another word, or the nearest number before. */
function owner(vector: RoleTensor, matrices: readonly RoleTensor[]): RoleTensor | undefined {
  const path = modulePath(vector.slot);
  let best: RoleTensor | undefined;
  let score = -Infinity;
  for (const rt of matrices) {
    if (roleShape(rt)[0] !== roleShape(vector)[0]) continue;
    const other = modulePath(rt.slot);
    let same = 0;
    while (same < Math.min(path.length, other.length) && path[same] === other[same]) same++;
    const distance = number(path[same]) - number(other[same]);
    const fit = same * 1000 - (path.length === same && other.length === same ? 0 : distance >= 0 ? Math.min(distance, 400) : 500);
    if (fit > score) [best, score] = [rt, fit];
  }
  return best;
}

function modulePath(slot: string): string[] {
  const parts = slot.split('.');
  return parts.length > 1 ? parts.slice(0, -1) : parts;
}

function number(part: string | undefined): number {
  return Number(/\d{1,9}$/.exec(part ?? '')?.[0] ?? 0);
}
