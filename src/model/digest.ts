/**
 * Digests that name a model: of every file, of every tensor's values, and one over all tensors.
 *
 * Tensor digest: SHA-256 of the values as stored, in logical row-major order, little-endian, without padding. It does not depend on
 * the container: safetensors and PyTorch files of the same dtype give the same digest; a cast or a quantization changes it.
 * Model digest: SHA-256 of the RFC 8785 text of `{"schema": "heirloom.model-digest/1", "tensors": [{"dtype", "name", "sha256", "shape"}, …]}`,
 * tensors sorted by name (code units); without tensors `"files": [{"bytes", "path", "sha256"}, …]` stands in their place.
 * Lone surrogates in names are replaced by U+FFFD, because JSON text cannot carry them.
 * @module
 */
import { canonicalJson, type NewHasher, sha256, toHex, type Watch } from '../base/index.ts';
import { bytesOfRows, type Checkpoint, DTYPES, rowCount, type TensorInfo } from '../weights/index.ts';
import { isPlainRange } from './matrix.ts';
import type { Model } from './types.ts';

/** Bytes read at once. */
const BLOCK_BYTES = 8 << 20;

export interface FileDigest {
  readonly path: string;
  readonly sha256: string;
  readonly bytes: number;
}
export interface TensorDigest {
  readonly name: string;
  readonly dtype: string;
  readonly shape: readonly number[];
  readonly sha256: string;
}
export interface ModelDigest {
  /** `sha256:` and 64 hex digits. */
  readonly model: string;
  readonly files: readonly FileDigest[];
  readonly tensors: readonly TensorDigest[];
}

/**
 * Reads everything once for the files and once for the tensors, in blocks of at most 8 MiB (a single longer row excepted in packed formats).
 * @throws SourceError, WeightsError when bytes cannot be had; the signal's reason when aborted.
 */
export async function digestModel(model: Model, newHasher: NewHasher, watch: Watch = {}): Promise<ModelDigest> {
  const tensors = [...(model.checkpoint?.tensors ?? [])].sort((a, b) => (a.name < b.name ? -1 : a.name > b.name ? 1 : 0));
  const total = model.files.reduce((sum, file) => sum + file.size, 0) + tensors.reduce((sum, tensor) => sum + tensor.bytes, 0);
  let done = 0;
  const step = (bytes: number): void => {
    watch.signal?.throwIfAborted();
    done += bytes;
    watch.onProgress?.({ what: 'hashing', done, total });
  };
  watch.signal?.throwIfAborted();
  const files: FileDigest[] = [];
  for (const { path } of model.files) {
    const source = await model.open(path);
    const hasher = newHasher();
    for (let at = 0; at < source.size; at += BLOCK_BYTES) {
      const block = await source.read(at, Math.min(BLOCK_BYTES, source.size - at));
      hasher.update(block);
      step(block.length);
    }
    files.push({ path, sha256: toHex(hasher.digest()), bytes: source.size });
  }
  const digests: TensorDigest[] = [];
  for (const tensor of tensors) {
    const hasher = newHasher();
    for await (const block of storedBlocks(model.checkpoint!, tensor)) {
      hasher.update(block);
      step(block.length);
    }
    digests.push({ name: wellFormed(tensor.name), dtype: tensor.dtype, shape: tensor.shape, sha256: toHex(hasher.digest()) });
  }
  const content = digests.length > 0 ? { tensors: digests } : { files: files.map((file) => ({ ...file, path: wellFormed(file.path) })) };
  return { model: named({ schema: 'heirloom.model-digest/1', ...content }), files, tensors: digests };
}

/**
 * A digest of the header alone: names, dtypes, shapes and sizes of all tensors, values not read. Two models of one design share it;
 * it names a listing, never the weights, and its prefix `header-sha256:` says so.
 */
export function digestHeader(model: Model): string {
  const tensors = (model.checkpoint?.tensors ?? []).map(({ name, dtype, shape, bytes }) => ({
    name: wellFormed(name),
    dtype,
    shape,
    bytes,
  }));
  tensors.sort((a, b) => (a.name < b.name ? -1 : a.name > b.name ? 1 : 0));
  return `header-${named({ schema: 'heirloom.header-digest/1', format: model.checkpoint?.format ?? null, tensors })}`;
}

function named(value: unknown): string {
  return `sha256:${toHex(sha256(new TextEncoder().encode(canonicalJson(value))))}`;
}

function wellFormed(text: string): string {
  return new TextDecoder().decode(new TextEncoder().encode(text));
}

/** The stored values in order, in blocks of at most 8 MiB (a single longer row excepted in packed formats). */
export async function* storedBlocks(checkpoint: Checkpoint, tensor: TensorInfo): AsyncGenerator<Uint8Array> {
  const { blockValues, blockBytes } = DTYPES[tensor.dtype];
  // Seen as one long vector, a plain range can be cut anywhere between quantization blocks.
  const flat: TensorInfo = isPlainRange(checkpoint, tensor)
    ? { ...tensor, shape: [tensor.shape.reduce((product, size) => product * size, 1)] }
    : tensor;
  const rows = rowCount(flat);
  const unit = flat === tensor ? 1 : blockValues;
  const unitBytes = flat === tensor ? Math.max(1, bytesOfRows(tensor, 1)) : blockBytes;
  const step = Math.max(1, Math.floor(BLOCK_BYTES / unitBytes)) * unit;
  if (tensor.bytes === 0) return;
  for (let at = 0; at < rows; at += step) yield await checkpoint.readBytes(flat, at, Math.min(step, rows - at));
}
