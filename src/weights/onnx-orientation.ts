/**
 * Which axis of an ONNX weight is the output, read off the nodes that use it.
 * Source: ONNX operator documentation (MatMul, Gemm, ConvTranspose and their quantized forms): `Y = A · B`, so B is `[in, out]`.
 * @module
 */
import type { OnnxNode, OnnxScope } from './onnx-graph.ts';
import type { ProtoTensor } from './protobuf-values.ts';

/** A value that is a weight with its axes permuted: axis i of the value is axis `axes[i]` of the weight. */
interface Derived {
  readonly tensor: ProtoTensor;
  readonly axes: readonly number[];
}

/** Nodes whose output is their first input, value by value or nearly so. */
const SAME_AXES: ReadonlySet<string> = new Set(['Identity', 'Cast', 'CastLike', 'DequantizeLinear', 'QuantizeLinear']);
/** Which input of a product is the right-hand matrix. */
const RIGHT_MATRIX: Readonly<Record<string, number>> = {
  MatMul: 1,
  Gemm: 1,
  MatMulInteger: 1,
  FusedMatMul: 1,
  FusedGemm: 1,
  DynamicQuantizeMatMul: 1,
  QLinearMatMul: 3,
};

/** Sets `outputFirst` on weights whose users store outputs elsewhere than on the first axis; users that disagree leave it unset. */
export function orient(scopes: readonly OnnxScope[]): void {
  const found = new Map<ProtoTensor, string>();
  const values = new Map<OnnxScope, Map<string, Derived>>();
  for (const scope of scopes) {
    const own = new Map<string, Derived>();
    for (const [name, tensor] of scope.tensors) own.set(name, { tensor, axes: tensor.info.shape.map((_, i) => i) });
    values.set(scope, own);
  }
  for (const scope of scopes)
    for (const node of scope.nodes) {
      const derived = follow(node, scope, values);
      if (derived && node.outputs[0] !== undefined) values.get(scope)!.set(node.outputs[0], derived);
      const use = wanted(node, scope, values);
      if (!use) continue;
      const order = use.order.map((axis) => use.derived.axes[axis]!).join();
      found.set(use.derived.tensor, found.has(use.derived.tensor) && found.get(use.derived.tensor) !== order ? 'disputed' : order);
    }
  for (const [tensor, order] of found) {
    if (order === 'disputed') continue;
    const outputFirst = order.split(',').map(Number);
    if (outputFirst.some((axis, i) => axis !== i)) tensor.info = { ...tensor.info, outputFirst };
  }
}

function resolve(
  name: string | undefined,
  scope: OnnxScope,
  values: ReadonlyMap<OnnxScope, ReadonlyMap<string, Derived>>,
): Derived | undefined {
  if (name === undefined) return undefined;
  for (let at: OnnxScope | null = scope; at; at = at.parent) {
    const derived = values.get(at)?.get(name);
    if (derived) return derived;
  }
  return undefined;
}

function follow(node: OnnxNode, scope: OnnxScope, values: ReadonlyMap<OnnxScope, ReadonlyMap<string, Derived>>): Derived | undefined {
  if (SAME_AXES.has(node.op)) return resolve(node.inputs[0], scope, values);
  if (node.op !== 'Transpose') return undefined;
  const input = resolve(node.inputs[0], scope, values);
  if (!input) return undefined;
  const rank = input.axes.length;
  const perm = node.perm ?? Array.from({ length: rank }, (_, i) => rank - 1 - i);
  if (perm.length !== rank || new Set(perm).size !== rank || perm.some((axis) => axis < 0 || axis >= rank)) return undefined;
  return { tensor: input.tensor, axes: perm.map((axis) => input.axes[axis]!) };
}

/** The weight a node multiplies by, and the order of its axes that puts outputs first. */
function wanted(
  node: OnnxNode,
  scope: OnnxScope,
  values: ReadonlyMap<OnnxScope, ReadonlyMap<string, Derived>>,
): { derived: Derived; order: number[] } | undefined {
  const right = Object.hasOwn(RIGHT_MATRIX, node.op) ? RIGHT_MATRIX[node.op] : undefined;
  const derived = resolve(node.inputs[node.op === 'ConvTranspose' ? 1 : (right ?? 0)], scope, values);
  const rank = derived?.axes.length ?? 0;
  if (!derived || rank < 2) return undefined;
  const order = derived.axes.map((_, i) => i);
  if (node.op === 'ConvTranspose') return { derived, order: [1, 0, ...order.slice(2)] };
  if (right === undefined) return undefined;
  // Batched matrices keep their batch axes in front.
  return { derived, order: node.transB ? order : [...order.slice(0, -2), rank - 1, rank - 2] };
}
