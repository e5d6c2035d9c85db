/**
 * The bytes of the copy, and the proof that they are the source's.
 * @module
 */
import { HeirloomError, type NewHasher, toHex, type Watch } from '../base/index.ts';
import { storedBlocks } from '../model/index.ts';
import type { Checkpoint } from '../weights/index.ts';
import type { ConversionPlan, CopiedTensor } from './types.ts';

/**
 * Streams the copy, in blocks of at most 8 MiB where rows allow. Nothing of the source is executed.
 * @param write takes one block after the other. @returns digests of the values as they were read from the source.
 * @throws SourceError, WeightsError when bytes cannot be had; the signal's reason.
 */
export async function writeSafetensors(
  checkpoint: Checkpoint,
  plan: ConversionPlan,
  newHasher: NewHasher,
  write: (block: Uint8Array) => Promise<void>,
  watch: Watch = {},
): Promise<CopiedTensor[]> {
  await write(plan.header);
  const copied: CopiedTensor[] = [];
  let done = 0;
  for (const tensor of plan.tensors) {
    const hasher = newHasher();
    let bytes = 0;
    for await (const block of storedBlocks(checkpoint, tensor)) {
      watch.signal?.throwIfAborted();
      watch.onProgress?.({ what: 'copying', done, total: plan.bytes });
      hasher.update(block);
      await write(block);
      bytes += block.length;
      done += block.length;
    }
    if (bytes !== tensor.bytes)
      throw new HeirloomError(
        'CONVERT_SIZE',
        `tensor "${tensor.name}" has ${bytes} bytes of values where its shape asks for ${tensor.bytes}`,
        {
          where: { file: tensor.file, field: tensor.name },
        },
      );
    copied.push({ name: tensor.name, sha256: toHex(hasher.digest()) });
  }
  return copied;
}

/**
 * Reads the copy anew and compares every tensor's digest.
 * @throws HeirloomError `CONVERT_MISMATCH` naming the first tensor that differs.
 */
export async function verifyCopy(
  copy: Checkpoint,
  copied: readonly CopiedTensor[],
  newHasher: NewHasher,
  watch: Watch = {},
): Promise<void> {
  const byName = new Map(copy.tensors.map((tensor) => [tensor.name, tensor]));
  let done = 0;
  for (const { name, sha256 } of copied) {
    watch.signal?.throwIfAborted();
    watch.onProgress?.({ what: 'checking the copy', done: done++, total: copied.length });
    const tensor = byName.get(new TextDecoder().decode(new TextEncoder().encode(name)));
    const hasher = newHasher();
    if (tensor) for await (const block of storedBlocks(copy, tensor)) hasher.update(block);
    if (!tensor || toHex(hasher.digest()) !== sha256)
      throw new HeirloomError('CONVERT_MISMATCH', `tensor "${name}" of the copy is not what was read from the source`, {
        where: { file: copy.files[0] ?? '', field: name },
      });
  }
}
