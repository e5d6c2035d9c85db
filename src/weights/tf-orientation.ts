/**
 * Which axis of a frozen TensorFlow weight is the output, read off the operation that uses it.
 * Source: TensorFlow operation documentation. Kernels are HWIO whatever `data_format` says.
 * @module
 */
import type { ProtoTensor } from './protobuf-values.ts';

export interface TfNode {
  readonly op: string;
  /** `node`, `node:output`, or `^node` for a control edge. */
  readonly inputs: readonly string[];
  /** transpose_b or adj_y is set. */
  readonly transposed: boolean;
}

/** Operations that pass their first input on. */
const SAME: ReadonlySet<string> = new Set(['Identity', 'StopGradient', 'Cast', 'Enter', 'Snapshot']);
/** `Identity` chains are one or two long. (CWE-674) */
const MAX_CHAIN = 16;

/** Axis orders that put outputs first, by operation; the kernel is input 1 everywhere. */
const KERNELS: Readonly<Record<string, readonly number[]>> = {
  Conv2D: [3, 2, 0, 1],
  // [height, width, in, multiplier]: output channels are in × multiplier.
  DepthwiseConv2dNative: [2, 3, 0, 1],
  // The transposed convolution: [height, width, out, in].
  Conv2DBackpropInput: [2, 3, 0, 1],
  Conv3D: [4, 3, 0, 1, 2],
};
const MATRICES: ReadonlySet<string> = new Set(['MatMul', 'BatchMatMul', 'BatchMatMulV2', 'BatchMatMulV3']);

/** Sets `outputFirst` where the using operations agree. */
export function orientNodes(nodes: ReadonlyMap<string, TfNode>, tensors: ReadonlyMap<string, ProtoTensor>): void {
  const found = new Map<ProtoTensor, string>();
  for (const node of nodes.values()) {
    const kernel = Object.hasOwn(KERNELS, node.op) ? KERNELS[node.op] : undefined;
    if (!kernel && !MATRICES.has(node.op)) continue;
    const tensor = origin(node.inputs[1], nodes, tensors);
    const rank = tensor?.info.shape.length ?? 0;
    if (!tensor || rank < 2 || (kernel && kernel.length !== rank)) continue;
    const straight = tensor.info.shape.map((_, i) => i);
    const order = kernel ?? (node.transposed ? straight : [...straight.slice(0, -2), rank - 1, rank - 2]);
    found.set(tensor, found.has(tensor) && found.get(tensor) !== order.join() ? 'disputed' : order.join());
  }
  for (const [tensor, order] of found) {
    if (order === 'disputed') continue;
    const outputFirst = order.split(',').map(Number);
    if (outputFirst.some((axis, i) => axis !== i)) tensor.info = { ...tensor.info, outputFirst };
  }
}

function origin(
  input: string | undefined,
  nodes: ReadonlyMap<string, TfNode>,
  tensors: ReadonlyMap<string, ProtoTensor>,
): ProtoTensor | undefined {
  for (let i = 0, name = input; i < MAX_CHAIN && name !== undefined && !name.startsWith('^'); i++) {
    const plain: string = name.replace(/:0$/, '');
    const node = nodes.get(plain);
    if (node?.op === 'Const') return tensors.get(plain);
    if (!node || !SAME.has(node.op)) return undefined;
    name = node.inputs[0];
  }
  return undefined;
}
