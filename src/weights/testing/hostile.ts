/**
 * Damaged files: whatever a reader is given, it answers or refuses with a typed error, quickly.
 * @module
 */
import fc from 'fast-check';
import { HeirloomError, memoryTree } from '../../base/index.ts';
import { rowCount } from '../checkpoint.ts';
import type { Checkpoint } from '../types.ts';

/** Values read per tensor while fuzzing; enough to reach the decoders, little enough to stay quick. */
const ROWS_TRIED = 2;
const TENSORS_TRIED = 20;

type Reader = (tree: ReturnType<typeof memoryTree>, path: string) => Promise<Checkpoint>;

/**
 * Opens `bytes` and reads a little of each tensor.
 * @returns `opened`, or the error's code.
 * @throws anything that is not a HeirloomError, a read outside the file, or an Error when it took over two seconds.
 */
export async function survives(read: Reader, name: string, bytes: Uint8Array): Promise<string> {
  const started = process.cpuUsage();
  let outcome = 'opened';
  try {
    const checkpoint = await read(memoryTree('hostile', { [name]: bytes }), name);
    for (const tensor of checkpoint.tensors.slice(0, TENSORS_TRIED)) await tryRows(checkpoint, tensor);
  } catch (error) {
    outcome = codeOf(error);
  }
  // Processor time, so that a busy machine does not fail the test.
  const { user, system } = process.cpuUsage(started);
  if (user + system > 2_000_000) throw new Error(`took ${Math.round((user + system) / 1000)} ms`);
  return outcome;
}

async function tryRows(checkpoint: Checkpoint, tensor: Checkpoint['tensors'][number]): Promise<void> {
  try {
    await checkpoint.readRows(tensor, 0, Math.min(ROWS_TRIED, rowCount(tensor)));
  } catch (error) {
    codeOf(error);
  }
}

/** A range outside the file means that a reader believed an offset it had not checked. */
function codeOf(error: unknown): string {
  if (!(error instanceof HeirloomError) || error.code === 'SOURCE_OUT_OF_RANGE') throw error;
  return error.code;
}

/** One to eight bytes changed, or a cut, an insertion, or a run of 0xFF (huge counts), mostly near the start. */
export function mutations(original: Uint8Array, span: number = original.length): fc.Arbitrary<Uint8Array> {
  const at = fc.nat(Math.max(0, Math.min(span, original.length) - 1));
  return fc.oneof(
    fc.array(fc.tuple(at, fc.nat(255)), { minLength: 1, maxLength: 8 }).map((edits) => {
      const out = original.slice();
      for (const [where, byte] of edits) out[where] = byte;
      return out;
    }),
    at.map((cut) => original.slice(0, cut)),
    fc.tuple(at, fc.uint8Array({ minLength: 1, maxLength: 40 })).map(([where, more]) => {
      const out = new Uint8Array(original.length + more.length);
      out.set(original.subarray(0, where));
      out.set(more, where);
      out.set(original.subarray(where), where + more.length);
      return out;
    }),
    fc.tuple(at, fc.integer({ min: 1, max: 9 })).map(([where, length]) => {
      const out = original.slice();
      out.fill(0xff, where, where + length);
      return out;
    }),
  );
}
