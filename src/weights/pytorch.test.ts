import { readFile } from 'node:fs/promises';
import { describe, expect, test } from 'vitest';
import { memoryTree, sha256, toHex } from '../base/index.ts';
import { bytesOfRows, openCheckpoint, rowCount, type Checkpoint } from './index.ts';
import digests from './testing/pickled-digests.json' with { type: 'json' };

const SHARED = new URL('../../../shared/', import.meta.url);
const DTYPES: Readonly<Record<string, string>> = {
  float32: 'F32',
  float64: 'F64',
  float16: 'F16',
  bfloat16: 'BF16',
  int64: 'I64',
  int32: 'I32',
  int16: 'I16',
  int8: 'I8',
  uint8: 'U8',
  bool: 'BOOL',
  complex64: 'C64',
  complex128: 'C128',
};
/** Without floats of eight bits (the other implementation predates them), sparse and per-channel tensors. */
interface Expected {
  readonly tensors?: readonly (readonly [path: string, dtype: string, shape: readonly number[], sha256: string])[];
  readonly refused?: string;
}

async function openFile(path: string): Promise<Checkpoint> {
  return openCheckpoint(memoryTree('test', { [path]: new Uint8Array(await readFile(new URL(path, SHARED))) }), path);
}

describe('a checkpoint read by PyTorch or NumPy too', () => {
  const files = Object.entries(digests.files as unknown as Record<string, Expected>).filter(
    ([, expected]) => (expected.tensors?.length ?? 0) > 0,
  );
  test('is one of at least 30 such files', () => expect(files.length).toBeGreaterThan(30));
  test.each(files)('%s has the same tensors', async (path, expected) => {
    const checkpoint = await openFile(path);
    const tensors = checkpoint.tensors;
    expect(tensors.length).toBe(expected.tensors!.length);
    for (const [index, [fullPath, dtype, shape, digest]] of expected.tensors!.entries()) {
      const tensor = tensors.find((one) => one.name === fullPath || fullPath.endsWith(`.${one.name}`)) ?? tensors[index]!;
      expect([tensor.dtype, tensor.shape]).toEqual([DTYPES[dtype], shape]);
      const rows = rowCount(tensor);
      // In two pieces, so that row offsets are checked too.
      const first = await checkpoint.readBytes(tensor, 0, rows >> 1);
      const second = await checkpoint.readBytes(tensor, rows >> 1, rows - (rows >> 1));
      const whole = new Uint8Array(first.length + second.length);
      whole.set(first);
      whole.set(second, first.length);
      expect(whole.length).toBe(bytesOfRows(tensor, rows));
      expect(toHex(sha256(whole)), fullPath).toBe(digest);
    }
  });
});
