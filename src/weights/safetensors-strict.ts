/**
 * Where JavaScript's JSON takes more than serde_json, a safetensors header could mean two things: such headers are refused.
 * Source: huggingface/safetensors `safetensors/src/tensor.rs` (sizes are `usize`, names Rust strings, the order of tensors).
 * @module
 */
import { type TensorInfo, WeightsError } from './types.ts';

/** @param header the JSON, already known to be valid; it begins at byte 8. @throws WeightsError `WEIGHTS_HEADER` */
export function refuseOddSpelling(header: Uint8Array, file: string): void {
  const fail = (at: number, what: string): never => {
    throw new WeightsError('WEIGHTS_HEADER', `${file}: the header ${what}, which the reference reader refuses`, {
      where: { file, byte: 8 + at },
    });
  };
  for (let i = 0; i < header.length; i++) {
    const c = header[i]!;
    if (c === 0x22) i = textEnd(header, i, fail);
    // Outside of texts only digits make a number here.
    else if (c === 0x2d || c === 0x2e || ((c === 0x65 || c === 0x45) && isDigit(header[i - 1])))
      fail(i, 'spells a size or offset with a sign, a point or an exponent');
  }
}

function isDigit(byte: number | undefined): boolean {
  return byte !== undefined && byte >= 0x30 && byte <= 0x39;
}

/** The closing quote of the text at `start`; halves of characters are no text in Rust. */
function textEnd(header: Uint8Array, start: number, fail: (at: number, what: string) => never): number {
  let high = false;
  for (let i = start + 1; i < header.length; i++) {
    const c = header[i]!;
    const escaped = c === 0x5c;
    const unit = escaped && header[i + 1] === 0x75 ? parseInt(String.fromCharCode(...header.subarray(i + 2, i + 6)), 16) : 0;
    const low = unit >= 0xdc00 && unit <= 0xdfff;
    if (high !== low) fail(i, 'holds half a character');
    if (c === 0x22) return i;
    high = unit >= 0xd800 && unit <= 0xdbff;
    if (escaped) i += unit || header[i + 1] === 0x75 ? 5 : 1;
  }
  return header.length;
}

/** A tensor without values has a place in the order as well: it begins where another ends. @throws WeightsError `WEIGHTS_HEADER` */
export function refuseStrayEmpty(tensors: readonly TensorInfo[], file: string, dataStart: number): void {
  if (!tensors.some((tensor) => tensor.bytes === 0)) return;
  const ends = new Set([dataStart, ...tensors.filter((tensor) => tensor.bytes > 0).map((tensor) => tensor.offset + tensor.bytes)]);
  const stray = tensors.find((tensor) => tensor.bytes === 0 && !ends.has(tensor.offset));
  if (stray)
    throw new WeightsError('WEIGHTS_HEADER', `the empty tensor "${stray.name}" stands at byte ${stray.offset}, where no other ends`, {
      where: { file, byte: stray.offset, field: stray.name },
    });
}
