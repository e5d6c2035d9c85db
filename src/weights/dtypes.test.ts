import { createHash } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { decodeValues } from './checkpoint.ts';
import { type DType, DTYPES } from './dtypes.ts';

const decode = (dtype: DType, bytes: Uint8Array, count: number): Float32Array =>
  decodeValues(dtype, bytes, count, { file: 'f', name: 'n' });

/** Every bit pattern of a type of one or two bytes, decoded. */
function everyValue(dtype: DType): Float32Array {
  const size = DTYPES[dtype].blockBytes;
  const codes = size === 2 ? new Uint16Array(65536).map((_, i) => i) : new Uint8Array(256).map((_, i) => i);
  return decode(dtype, new Uint8Array(codes.buffer), codes.length);
}

/** Not-a-numbers are all written as 0x7fc00000: which of them a decoder gives is nobody's business. */
function digest(values: Float32Array): string {
  const bits = new Uint32Array(values.length);
  values.forEach((value, i) => (bits[i] = Number.isNaN(value) ? 0x7fc00000 : new Uint32Array(Float32Array.of(value).buffer)[0]!));
  return createHash('sha256').update(new Uint8Array(bits.buffer)).digest('hex');
}

describe('every value of a small float is the one other libraries read', () => {
  // numpy 2.4.6: arange(65536, dtype='<u2').view('<f2').astype('<f4'); bfloat16 as the upper half of '<f4';
  // ml_dtypes 0.6.0: arange(256, dtype='u1').view(float8_e4m3fn).astype('<f4') and so on.
  test.each<[DType, string]>([
    ['F16', '385ff5fe69182797cda5f1827e20cf423f4416bc9246f27d0eec27cac9039259'],
    ['BF16', 'f12e27efe34841dfd6391497b86f389096b03a376586e1d9691bba0a8de3980a'],
    ['F8_E4M3', '422eccfaa21e72a6b26855bb10cdcfead6c1ce3262ecd813c99d8cbf9677f2e2'],
    ['F8_E5M2', '229a94c5f728edf2259da970a0e1dfb45cc1d69cce2b30e37659f3212ec4b8b9'],
    ['F8_E4M3FNUZ', 'ac4866f772a7c08077713fde1fa54131d49c26339c885e971a24fc0fac6e33f4'],
    ['F8_E5M2FNUZ', 'aac12d2730bf26ca53bfa107a7a6a8df192aba8cf58b971eec9126f83991e6d4'],
    ['F8_E8M0', '2fb2732a956043772ccd2c1664ae5d2558c62f9c06780c04d95f1ff0050f2f2f'],
  ])('%s', (dtype, sha256) => {
    expect(digest(everyValue(dtype))).toBe(sha256);
  });

  // OCP 8-bit Floating Point Specification 1.0, table 1; arXiv 2206.02915, table 1.
  test.each<[DType, number, number, number, number]>([
    ['F8_E4M3', 448, 2 ** -9, 2, 0],
    ['F8_E5M2', 57344, 2 ** -16, 6, 2],
    ['F8_E4M3FNUZ', 240, 2 ** -10, 1, 0],
    ['F8_E5M2FNUZ', 57344, 2 ** -17, 1, 0],
    ['F16', 65504, 2 ** -24, 2046, 2],
  ])('%s reaches from %f to %f and has as many special codes as its specification says', (dtype, largest, smallest, nans, infinities) => {
    const values = [...everyValue(dtype)];
    const finite = values.filter(Number.isFinite);
    expect(Math.max(...finite)).toBe(largest);
    expect(Math.min(...finite.filter((value) => value > 0))).toBe(smallest);
    expect(values.filter(Number.isNaN)).toHaveLength(nans);
    expect(values.filter((value) => Math.abs(value) === Infinity)).toHaveLength(infinities);
  });
});

describe('plain numbers', () => {
  test.each<[DType, (view: DataView, value: bigint) => bigint]>([
    ['I8', (view, value) => (view.setInt8(0, Number(BigInt.asIntN(8, value))), BigInt.asIntN(8, value))],
    ['U8', (view, value) => (view.setUint8(0, Number(BigInt.asUintN(8, value))), BigInt.asUintN(8, value))],
    ['I16', (view, value) => (view.setInt16(0, Number(BigInt.asIntN(16, value)), true), BigInt.asIntN(16, value))],
    ['U16', (view, value) => (view.setUint16(0, Number(BigInt.asUintN(16, value)), true), BigInt.asUintN(16, value))],
    ['I32', (view, value) => (view.setInt32(0, Number(BigInt.asIntN(32, value)), true), BigInt.asIntN(32, value))],
    ['U32', (view, value) => (view.setUint32(0, Number(BigInt.asUintN(32, value)), true), BigInt.asUintN(32, value))],
    ['I64', (view, value) => (view.setBigInt64(0, value, true), BigInt.asIntN(64, value))],
    ['U64', (view, value) => (view.setBigUint64(0, value, true), BigInt.asUintN(64, value))],
  ])('%s is read as the nearest f32', (dtype, write) => {
    fc.assert(
      fc.property(fc.bigInt({ min: -(2n ** 63n), max: 2n ** 64n - 1n }), (value) => {
        const bytes = new Uint8Array(DTYPES[dtype].blockBytes);
        const stored = write(new DataView(bytes.buffer), value);
        expect(decode(dtype, bytes, 1)[0]).toBe(Math.fround(Number(stored)));
      }),
    );
  });

  test('F32 is copied bit by bit, F64 rounded to the nearest f32', () => {
    fc.assert(
      fc.property(fc.float(), fc.double(), (single, double) => {
        expect(decode('F32', new Uint8Array(Float32Array.of(single).buffer), 1)[0]).toBe(single);
        expect(decode('F64', new Uint8Array(Float64Array.of(double).buffer), 1)[0]).toBe(Math.fround(double));
      }),
    );
  });

  test('values are read from bytes at any place in their buffer', () => {
    const bytes = new Uint8Array([9, ...new Uint8Array(Float32Array.of(1.5, -3).buffer)]).subarray(1);
    expect([...decode('F32', bytes, 2)]).toEqual([1.5, -3]);
    expect([...decode('F16', Uint8Array.of(9, 0x00, 0x3c).subarray(1), 1)]).toEqual([1]);
    expect([...decode('BF16', Uint8Array.of(9, 0x80, 0x3f).subarray(1), 1)]).toEqual([1]);
  });

  test('any byte but 0 is true', () => {
    expect([...decode('BOOL', Uint8Array.of(0, 1, 255), 3)]).toEqual([0, 1, 1]);
  });

  test('half bytes come low half first', () => {
    const codes = Uint8Array.from({ length: 8 }, (_, i) => 2 * i + 16 * (2 * i + 1));
    expect([...decode('U4', codes, 16)]).toEqual(Array.from({ length: 16 }, (_, i) => i));
    expect([...decode('I4', codes, 16)]).toEqual([0, 1, 2, 3, 4, 5, 6, 7, -8, -7, -6, -5, -4, -3, -2, -1]);
    expect([...decode('F4_E2M1', codes, 16)]).toEqual([0, 0.5, 1, 1.5, 2, 3, 4, 6, -0, -0.5, -1, -1.5, -2, -3, -4, -6]);
  });

  test('complex numbers are listed but not decoded', () => {
    expect(() => decode('C64', new Uint8Array(8), 1)).toThrow(expect.objectContaining({ code: 'WEIGHTS_NOT_DECODABLE' }));
  });
});
