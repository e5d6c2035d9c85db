/** Tiny models made in memory for this room's tests. */
import { type FileTree, memoryTree } from '../../base/index.ts';
import { readModel } from '../read.ts';
import { readRoleRows, roleShape } from '../matrix.ts';
import type { Model, RoleTensor } from '../types.ts';

export interface Matrix {
  readonly shape: readonly number[];
  readonly values: Float32Array;
}

/** Values that differ everywhere and are exact in f32; `seed` keeps tensors apart. */
export function counted(shape: readonly number[], seed: number): Matrix {
  const count = shape.reduce((product, size) => product * size, 1);
  return { shape, values: Float32Array.from({ length: count }, (_, i) => seed * 4096 + i) };
}

export function transposeOf({ shape: [rows = 0, columns = 0], values }: Matrix): Matrix {
  const out = new Float32Array(values.length);
  for (let r = 0; r < rows; r++) for (let c = 0; c < columns; c++) out[c * rows + r] = values[r * columns + c]!;
  return { shape: [columns, rows], values: out };
}

/** Matrices on top of one another (or vectors end to end). */
export function stacked(...parts: readonly Matrix[]): Matrix {
  const values = Float32Array.from(parts.flatMap((part) => [...part.values]));
  return { shape: [parts.reduce((sum, part) => sum + part.shape[0]!, 0), ...parts[0]!.shape.slice(1)], values };
}

/** Rows `[from, to)`. */
export function rowsOf({ shape, values }: Matrix, from: number, to: number): Matrix {
  const width = shape.slice(1).reduce((product, size) => product * size, 1);
  return { shape: [to - from, ...shape.slice(1)], values: values.slice(from * width, to * width) };
}

export function safetensors(tensors: Readonly<Record<string, Matrix>>, metadata?: Readonly<Record<string, string>>): Uint8Array {
  return safetensorsOf(
    Object.entries(tensors).map(([name, { shape, values }]) => ({
      name,
      dtype: 'F32',
      shape,
      bytes: new Uint8Array(values.buffer, values.byteOffset, values.byteLength),
    })),
    metadata,
  );
}

/** The container around any stored values. */
export function safetensorsOf(
  tensors: readonly { readonly name: string; readonly dtype: string; readonly shape: readonly number[]; readonly bytes: Uint8Array }[],
  metadata?: Readonly<Record<string, string>>,
): Uint8Array {
  let end = 0;
  // Own properties, whatever the name: `__proto__` is a tensor name like any other.
  const entries = tensors.map(
    ({ name, dtype, shape, bytes }) => [name, { dtype, shape, data_offsets: [end, (end += bytes.length)] }] as const,
  );
  const header: Record<string, unknown> = Object.fromEntries([...(metadata ? [['__metadata__', metadata] as const] : []), ...entries]);
  const head = new TextEncoder().encode(JSON.stringify(header));
  const out = new Uint8Array(8 + head.length + end);
  new DataView(out.buffer).setBigUint64(0, BigInt(head.length), true);
  out.set(head, 8);
  let at = 8 + head.length;
  for (const { bytes } of tensors) {
    out.set(bytes, at);
    at += bytes.length;
  }
  return out;
}

export function text(content: string): Uint8Array {
  return new TextEncoder().encode(content);
}

export function treeOf(
  tensors: Readonly<Record<string, Matrix>>,
  config?: unknown,
  more: Readonly<Record<string, Uint8Array>> = {},
): FileTree {
  return memoryTree('tiny', {
    'model.safetensors': safetensors(tensors),
    ...(config !== undefined && { 'config.json': text(JSON.stringify(config)) }),
    ...more,
  });
}

export async function tinyModel(tensors: Readonly<Record<string, Matrix>>, config?: unknown): Promise<Model> {
  return readModel(treeOf(tensors, config));
}

export function slotOf(model: Model, slot: string): RoleTensor {
  const found = model.roles.find((role) => role.slot === slot);
  if (!found) throw new Error(`no slot "${slot}" among ${model.roles.map((role) => role.slot).join(', ')}`);
  return found;
}

/** The role as a matrix. */
export async function matrixAt(model: Model, slot: string): Promise<Matrix> {
  const role = slotOf(model, slot);
  const [rows, columns] = roleShape(role);
  const values = await readRoleRows(model.checkpoint!, role, 0, rows);
  return { shape: role.tensor.shape.length === 1 ? [rows] : [rows, columns], values };
}
