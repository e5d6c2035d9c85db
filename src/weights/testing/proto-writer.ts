/**
 * Writes protobuf fields, right or wrong on purpose.
 * @module
 */

export function varint(value: number | bigint): number[] {
  const out: number[] = [];
  for (let rest = BigInt.asUintN(64, BigInt(value)); ; rest >>= 7n) {
    if (rest < 128n) return [...out, Number(rest)];
    out.push(Number(rest & 127n) | 128);
  }
}

/** A varint field. */
export function int(number: number, value: number | bigint): number[] {
  return [...varint(number * 8), ...varint(value)];
}

/** A length-delimited field: a text, bytes, or the fields of a message. */
export function len(number: number, ...payload: (string | ArrayLike<number>)[]): number[] {
  const bytes = payload.flatMap((part) => (typeof part === 'string' ? [...new TextEncoder().encode(part)] : Array.from(part)));
  return [...varint(number * 8 + 2), ...varint(bytes.length), ...bytes];
}

/** A four-byte field. */
export function float(number: number, value: number): number[] {
  return [...varint(number * 8 + 5), ...floats(value)];
}

/** Floats as little-endian bytes. */
export function floats(...values: number[]): number[] {
  return [...new Uint8Array(new Float32Array(values).buffer)];
}
export function doubles(...values: number[]): number[] {
  return [...new Uint8Array(new Float64Array(values).buffer)];
}
