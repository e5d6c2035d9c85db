/**
 * GGUF: what llama.cpp refuses beyond what the reader of weights does, the templates inside, and what the metadata says.
 * Source: ggml `gguf.cpp`, `docs/gguf.md`; CVE-2024-34359 (templates), CVE-2025-53630, CVE-2026-7482 (sizes).
 * @module
 */
import type { ByteSource } from '../../base/index.ts';
import type { Checkpoint } from '../../weights/index.ts';
import { type Collector, report } from '../rules.ts';

/** GGML_MAX_NAME, with the zero behind the name. Programs for images are built with 128. */
const MAX_NAME = 64;
const IMAGE = /^(flux|sd\d?|sdxl|aura|hidream|cosmos|ltxv|hyvid|wan|lumina\d?|qwen_image|pig|mochi|z_image|chroma)/i;
const encoder = new TextEncoder();

/** @param checkpoint of the file, whose header was read without an error. */
export function judgeGguf(source: ByteSource, checkpoint: Checkpoint, into: Collector): void {
  const architecture = checkpoint.metadata.get('general.architecture');
  const image = typeof architecture === 'string' && IMAGE.test(architecture);
  const long = checkpoint.tensors.find((tensor) => encoder.encode(tensor.name).length >= (image ? 2 : 1) * MAX_NAME);
  if (long)
    report(
      into,
      'broken-file',
      { file: source.name, field: long.name.slice(0, 100) },
      `a tensor's name is ${encoder.encode(long.name).length} bytes long; llama.cpp refuses names of ${MAX_NAME} and more`,
    );
  if (checkpoint.metadata.has('')) report(into, 'broken-file', { file: source.name }, 'a metadata key is empty');
  judgeOrder(source.name, checkpoint, into);
  judgeTokens(checkpoint, source.name, into);
}

/** llama.cpp demands that tensors stand in the order of their list, padded to the alignment and no more, and ends names at a zero. */
function judgeOrder(file: string, checkpoint: Checkpoint, into: Collector): void {
  const own = checkpoint.tensors.filter((tensor) => tensor.file === file);
  const alignment = Number(checkpoint.metadata.get('general.alignment') ?? 32);
  let next = own[0]?.offset ?? 0;
  for (const { name, offset, bytes } of own) {
    if (name.includes('\0'))
      return report(
        into,
        'broken-file',
        { file, field: name },
        `the name of tensor ${JSON.stringify(name)} holds a zero, where llama.cpp ends it`,
      );
    if (offset !== next)
      return report(
        into,
        'broken-file',
        { file, byte: offset, field: name },
        `tensor "${name}" stands at byte ${offset}; llama.cpp expects it at ${next}`,
      );
    next = offset + Math.ceil(bytes / alignment) * alignment;
  }
}

/** Ids of special tokens must lie inside the vocabulary: llama.cpp indexes by them. */
function judgeTokens(checkpoint: Checkpoint, file: string, into: Collector): void {
  const tokens = checkpoint.metadata.get('tokenizer.ggml.tokens');
  if (!Array.isArray(tokens)) return;
  for (const [key, value] of checkpoint.metadata)
    if (/^tokenizer\.ggml\.\w+_token_id$/.test(key) && typeof value === 'number' && value >= tokens.length && value !== 0xffff_ffff)
      report(into, 'tokenizer-ids', { file, field: key }, `"${key}" is ${value}, and the vocabulary has ${tokens.length} tokens`);
  for (const key of ['tokenizer.ggml.scores', 'tokenizer.ggml.token_type']) {
    const list = checkpoint.metadata.get(key);
    if (Array.isArray(list) && list.length < tokens.length)
      report(into, 'tokenizer-ids', { file, field: key }, `"${key}" has ${list.length} entries for ${tokens.length} tokens`);
  }
}
