/**
 * Number formats: sizes and decoding to f32.
 * Sources: IEEE 754-2019 (F16, F32, F64), bfloat16 as in "A Study of BFLOAT16" (arXiv 1905.12322),
 * OCP 8-bit Floating Point Specification 1.0 (E4M3, E5M2), OCP Microscaling 1.0 (E8M0), and the FNUZ
 * variants of arXiv 2206.02915. Block quantizations are in `ggml-quants.ts`.
 * @module
 */
import { GGML_QUANTS, type GgmlQuant } from './ggml-quants.ts';
import { halfToFloat } from './half.ts';

export { halfToFloat };

export type PlainDType =
  | 'F64'
  | 'F32'
  | 'F16'
  | 'BF16'
  | 'F8_E4M3'
  | 'F8_E5M2'
  | 'F8_E4M3FNUZ'
  | 'F8_E5M2FNUZ'
  | 'F8_E8M0'
  | 'I64'
  | 'I32'
  | 'I16'
  | 'I8'
  | 'U64'
  | 'U32'
  | 'U16'
  | 'U8'
  | 'BOOL'
  | 'C64'
  | 'C128'
  | 'I4'
  | 'U4'
  | 'F4_E2M1';
export type DType = PlainDType | GgmlQuant;

export interface DTypeSpec {
  /** Values per stored block; 1 for plain types. */
  readonly blockValues: number;
  readonly blockBytes: number;
  /** Decodes whole blocks into `out`; absent when this project cannot decode the type. */
  readonly decode?: (bytes: Uint8Array, out: Float32Array) => void;
}

/** Whether this machine stores numbers little-endian, as every format here does. */
const LITTLE_ENDIAN = new Uint8Array(new Uint16Array([1]).buffer)[0] === 1;

function plain(size: number, decode?: DTypeSpec['decode']): DTypeSpec {
  return { blockValues: 1, blockBytes: size, ...(decode && { decode }) };
}

function view(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

function decodeF32(bytes: Uint8Array, out: Float32Array): void {
  if (LITTLE_ENDIAN) new Uint8Array(out.buffer, out.byteOffset, out.byteLength).set(bytes.subarray(0, out.byteLength));
  else for (let i = 0, v = view(bytes); i < out.length; i++) out[i] = v.getFloat32(i * 4, true);
}

/** The bytes as 16-bit words where machine and buffer allow it, which is five times faster than putting bytes together; else null. */
function words(bytes: Uint8Array, count: number): Uint16Array | null {
  return LITTLE_ENDIAN && bytes.byteOffset % 2 === 0 ? new Uint16Array(bytes.buffer, bytes.byteOffset, count) : null;
}

function decodeBF16(bytes: Uint8Array, out: Float32Array): void {
  const bits = new Uint32Array(out.buffer, out.byteOffset, out.length);
  const stored = words(bytes, out.length);
  if (stored) for (let i = 0; i < stored.length; i++) bits[i] = stored[i]! << 16;
  else for (let i = 0; i < out.length; i++) bits[i] = (bytes[2 * i]! | (bytes[2 * i + 1]! << 8)) << 16;
}

/** All 65,536 half values, filled on first use: a table is ~10 times faster than arithmetic. */
let halfTable: Float32Array | undefined;
function halves(): Float32Array {
  if (!halfTable) {
    halfTable = new Float32Array(65536);
    for (let i = 0; i < 65536; i++) halfTable[i] = halfToFloat(i);
  }
  return halfTable;
}
function decodeF16(bytes: Uint8Array, out: Float32Array): void {
  const table = halves();
  const stored = words(bytes, out.length);
  if (stored) for (let i = 0; i < stored.length; i++) out[i] = table[stored[i]!]!;
  else for (let i = 0; i < out.length; i++) out[i] = table[bytes[2 * i]! | (bytes[2 * i + 1]! << 8)]!;
}

/** A 256-entry table for an 8-bit float: `bias`, mantissa width and what the special codes mean. */
function tiny(exponentBits: number, mantissaBits: number, bias: number, special: 'ieee' | 'fn' | 'fnuz'): DTypeSpec {
  const table = new Float32Array(256);
  for (let code = 0; code < 256; code++) {
    const exponent = (code >> mantissaBits) & ((1 << exponentBits) - 1);
    const fraction = code & ((1 << mantissaBits) - 1);
    const sign = code & 0x80 ? -1 : 1;
    const scale = 2 ** -mantissaBits;
    let value = exponent === 0 ? sign * fraction * scale * 2 ** (1 - bias) : sign * (1 + fraction * scale) * 2 ** (exponent - bias);
    if (special === 'ieee' && exponent === (1 << exponentBits) - 1) value = fraction ? NaN : sign * Infinity;
    if (special === 'fn' && (code & 0x7f) === 0x7f) value = NaN;
    if (special === 'fnuz' && code === 0x80) value = NaN;
    table[code] = value;
  }
  return plain(1, (bytes, out) => {
    for (let i = 0; i < out.length; i++) out[i] = table[bytes[i]!]!;
  });
}

function integers(size: number, get: (v: DataView, at: number) => number): DTypeSpec {
  return plain(size, (bytes, out) => {
    const v = view(bytes);
    for (let i = 0; i < out.length; i++) out[i] = get(v, i * size);
  });
}

/** Two values a byte, the first in the low half (onnx.proto, raw_data). */
function halfBytes(value: (code: number) => number): DTypeSpec {
  return {
    blockValues: 2,
    blockBytes: 1,
    decode(bytes, out) {
      for (let i = 0; i < out.length; i++) out[i] = value((bytes[i >> 1]! >> (4 * (i & 1))) & 15);
    },
  };
}
/** OCP Microscaling 1.0, table 5. */
const E2M1: readonly number[] = [0, 0.5, 1, 1.5, 2, 3, 4, 6];

export const DTYPES: Readonly<Record<DType, DTypeSpec>> = {
  F64: integers(8, (v, at) => v.getFloat64(at, true)),
  F32: plain(4, decodeF32),
  F16: plain(2, decodeF16),
  BF16: plain(2, decodeBF16),
  F8_E4M3: tiny(4, 3, 7, 'fn'),
  F8_E5M2: tiny(5, 2, 15, 'ieee'),
  F8_E4M3FNUZ: tiny(4, 3, 8, 'fnuz'),
  F8_E5M2FNUZ: tiny(5, 2, 16, 'fnuz'),
  F8_E8M0: plain(1, (bytes, out) => {
    for (let i = 0; i < out.length; i++) out[i] = bytes[i] === 255 ? NaN : 2 ** (bytes[i]! - 127);
  }),
  I64: integers(8, (v, at) => Number(v.getBigInt64(at, true))),
  I32: integers(4, (v, at) => v.getInt32(at, true)),
  I16: integers(2, (v, at) => v.getInt16(at, true)),
  I8: integers(1, (v, at) => v.getInt8(at)),
  U64: integers(8, (v, at) => Number(v.getBigUint64(at, true))),
  U32: integers(4, (v, at) => v.getUint32(at, true)),
  U16: integers(2, (v, at) => v.getUint16(at, true)),
  U8: integers(1, (v, at) => v.getUint8(at)),
  BOOL: plain(1, (bytes, out) => {
    for (let i = 0; i < out.length; i++) out[i] = bytes[i] ? 1 : 0;
  }),
  C64: plain(8),
  C128: plain(16),
  I4: halfBytes((code) => (code << 28) >> 28),
  U4: halfBytes((code) => code),
  F4_E2M1: halfBytes((code) => (code & 8 ? -1 : 1) * E2M1[code & 7]!),
  ...GGML_QUANTS,
};
