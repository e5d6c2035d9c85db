/**
 * Writes small GGUF files, right or wrong on purpose.
 * @module
 */

export type GgufValue = {
  type: number;
  value: bigint | number | string | boolean | { of: number; items: (number | string)[]; count?: bigint };
};
export interface GgufTensor {
  readonly name: string;
  /** Fastest axis first, as stored. */
  readonly dims: readonly (number | bigint)[];
  readonly type: number;
  readonly offset: number | bigint;
}
export interface GgufParts {
  readonly version?: number;
  readonly keys?: readonly (readonly [string, GgufValue])[];
  readonly tensors?: readonly GgufTensor[];
  readonly data?: Uint8Array;
  readonly tensorCount?: bigint;
  readonly keyCount?: bigint;
  readonly alignment?: number;
}

export const u32 = (value: number): GgufValue => ({ type: 4, value });
export const u16 = (value: number): GgufValue => ({ type: 2, value });
export const text = (value: string): GgufValue => ({ type: 8, value });

export function writeGguf(parts: GgufParts): Uint8Array {
  const out: number[] = [...new TextEncoder().encode('GGUF')];
  const number = (value: number | bigint, bytes: number): void => {
    const big = BigInt.asUintN(64, BigInt(value));
    for (let i = 0; i < bytes; i++) out.push(Number((big >> BigInt(8 * i)) & 255n));
  };
  const string = (value: string): void => {
    const bytes = new TextEncoder().encode(value);
    number(bytes.length, 8);
    out.push(...bytes);
  };
  const SIZES: Record<number, number> = { 0: 1, 1: 1, 2: 2, 3: 2, 4: 4, 5: 4, 7: 1, 10: 8, 11: 8 };
  const scalar = (type: number, value: unknown): void => {
    if (type === 8) string(value as string);
    else if (type === 6 || type === 12) {
      const view = new DataView(new ArrayBuffer(8));
      if (type === 6) view.setFloat32(0, value as number, true);
      else view.setFloat64(0, value as number, true);
      out.push(...new Uint8Array(view.buffer, 0, type === 6 ? 4 : 8));
    } else number(BigInt(value as number), SIZES[type] ?? 4);
  };
  number(parts.version ?? 3, 4);
  number(parts.tensorCount ?? parts.tensors?.length ?? 0, 8);
  number(parts.keyCount ?? parts.keys?.length ?? 0, 8);
  for (const [key, { type, value }] of parts.keys ?? []) {
    string(key);
    number(type, 4);
    if (typeof value === 'object') {
      number(value.of, 4);
      number(value.count ?? value.items.length, 8);
      for (const item of value.items) scalar(value.of, item);
    } else scalar(type, value);
  }
  for (const tensor of parts.tensors ?? []) {
    string(tensor.name);
    number(tensor.dims.length, 4);
    for (const dim of tensor.dims) number(dim, 8);
    number(tensor.type, 4);
    number(tensor.offset, 8);
  }
  while (out.length % (parts.alignment ?? 32) !== 0) out.push(0);
  const bytes = new Uint8Array(out.length + (parts.data?.length ?? 0));
  bytes.set(out);
  if (parts.data) bytes.set(parts.data, out.length);
  return bytes;
}
