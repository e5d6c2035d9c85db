/**
 * safetensors as its README and reference implementation demand it, where JavaScript's JSON is more generous than serde_json,
 * and what the metadata says. The reader of weights has checked lengths, overlaps, gaps and repeated keys.
 * Source: huggingface/safetensors README "Format", `safetensors/src/tensor.rs`.
 * @module
 */
import type { ByteSource } from '../../base/index.ts';
import type { Checkpoint } from '../../weights/index.ts';
import { type Collector, report } from '../rules.ts';

const MAX_HEADER = 100_000_000;

/** @param source whose header was read without an error. */
export async function judgeSafetensors(source: ByteSource, checkpoint: Checkpoint, into: Collector): Promise<void> {
  const file = source.name;
  const head = await source.read(0, 8);
  const length = Number(new DataView(head.buffer, head.byteOffset).getBigUint64(0, true));
  if (length > MAX_HEADER) return;
  const header = await source.read(8, length);
  const odd = oddNumber(header);
  if (odd !== null)
    report(
      into,
      'broken-file',
      { file, byte: 8 + odd },
      'the header spells a size or offset with a sign, a point or an exponent, which the reference reader refuses',
    );
  const surrogate = /\\u[dD][89abAB][0-9a-fA-F]{2}(?!\\u[dD][c-fC-F])|(?<!\\u[dD][89abAB][0-9a-fA-F]{2})\\u[dD][c-fC-F]/.exec(
    latin1(header),
  );
  if (surrogate)
    report(
      into,
      'broken-file',
      { file, byte: 8 + surrogate.index },
      'the header holds half a character, which the reference reader refuses',
    );
  if (/[^ \t\r\n\x7d]/.test(latin1(header.subarray(header.lastIndexOf(0x7d)))))
    report(into, 'broken-file', { file, byte: 8 + header.lastIndexOf(0x7d) }, 'the header is padded with something other than white space');
  emptyTensors(source, 8 + length, checkpoint, into);
}

function latin1(bytes: Uint8Array): string {
  return new TextDecoder('latin1').decode(bytes);
}

/** Outside of texts only digits make a number here. */
function oddNumber(bytes: Uint8Array): number | null {
  for (let i = 0; i < bytes.length; i++) {
    const c = bytes[i]!;
    if (c === 0x22) {
      for (i++; i < bytes.length && bytes[i] !== 0x22; i++) if (bytes[i] === 0x5c) i++;
      continue;
    }
    if (c === 0x2d || c === 0x2b || c === 0x2e) return i;
    if ((c === 0x65 || c === 0x45) && i > 0 && bytes[i - 1]! >= 0x30 && bytes[i - 1]! <= 0x39) return i;
  }
  return null;
}

/** A tensor without values has a place in the order as well: it begins where another ends, or the reference reader refuses the file. */
function emptyTensors(source: ByteSource, dataStart: number, checkpoint: Checkpoint, into: Collector): void {
  const own = checkpoint.tensors.filter((tensor) => tensor.file === source.name);
  if (!own.some((tensor) => tensor.bytes === 0)) return;
  const ends = new Set([dataStart, ...own.filter((tensor) => tensor.bytes > 0).map((tensor) => tensor.offset + tensor.bytes)]);
  for (const tensor of own)
    if (tensor.bytes === 0 && !ends.has(tensor.offset))
      report(
        into,
        'broken-file',
        { file: source.name, field: tensor.name },
        `the empty tensor "${tensor.name}" stands at byte ${tensor.offset}, where no other ends`,
      );
}
