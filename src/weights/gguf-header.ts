/**
 * The header of one GGUF file: metadata and tensor list, by growing range reads.
 * Built from ggml `docs/gguf.md` (GGUF version 3, which reads version 2 alike) and the checks of ggml's `gguf.cpp`.
 * @module
 */
import type { ByteSource, Finding } from '../base/index.ts';
import { byteWindow } from './byte-window.ts';
import { MAX_TENSORS, storedBytes } from './checkpoint.ts';
import type { DType } from './dtypes.ts';
import { type Cursor, fail, need, take32, take64, takeCount, takeString } from './gguf-cursor.ts';
import { takeValue } from './gguf-values.ts';
import type { MetaValue, TensorInfo } from './types.ts';

/** Published files hold 20 to 60 keys. (CWE-770) */
const MAX_KEYS = 65_536;
/** "at most 2^16−1 bytes long" (gguf.md, gguf_metadata_kv_t.key). */
const MAX_KEY_BYTES = 65_535;
/** The specification says 64; ggml can be built with longer names (image models use up to 128). */
const MAX_NAME_BYTES = 1024;
/** GGML_MAX_DIMS. */
const MAX_DIMS = 4;
/** general.alignment is 32 in practice; a page of 64 KiB is the largest anyone maps by. */
const MAX_ALIGNMENT = 65_536;
const DEFAULT_ALIGNMENT = 32;

/** ggml_type by number; 4, 5, 31–33 and 36–38 were removed from the format. */
// prettier-ignore
const TYPES: Readonly<Record<number, DType>> = {
  0: 'F32', 1: 'F16', 2: 'Q4_0', 3: 'Q4_1', 6: 'Q5_0', 7: 'Q5_1', 8: 'Q8_0', 9: 'Q8_1', 10: 'Q2_K', 11: 'Q3_K', 12: 'Q4_K',
  13: 'Q5_K', 14: 'Q6_K', 15: 'Q8_K', 16: 'IQ2_XXS', 17: 'IQ2_XS', 18: 'IQ3_XXS', 19: 'IQ1_S', 20: 'IQ4_NL', 21: 'IQ3_S',
  22: 'IQ2_S', 23: 'IQ4_XS', 24: 'I8', 25: 'I16', 26: 'I32', 27: 'I64', 28: 'F64', 29: 'IQ1_M', 30: 'BF16', 34: 'TQ1_0',
  35: 'TQ2_0', 39: 'MXFP4', 40: 'NVFP4', 41: 'Q1_0',
};

/** The value type of general.alignment. */
const UINT32 = 4;

export interface GgufHeader {
  readonly source: ByteSource;
  readonly version: number;
  readonly metadata: Map<string, MetaValue>;
  readonly tensors: TensorInfo[];
  readonly findings: Finding[];
}

const keys = new TextDecoder('utf-8', { fatal: true });

/** @throws WeightsError naming the byte. */
export async function readGgufHeader(source: ByteSource): Promise<GgufHeader> {
  const c: Cursor = { window: byteWindow(source), file: source.name, size: source.size, at: 0, kept: 0, texts: 0, findings: [] };
  await need(c, 8);
  const magic = take32(c);
  const version = take32(c);
  const { view } = c.window;
  if (magic !== 0x46554747 && magic !== 0x47475546) fail(c, 'WEIGHTS_NOT_A_MODEL', 'does not begin with "GGUF"', 0);
  // A big-endian file stores its version swapped: 3 reads as 0x03000000. (gguf.md: there is no other mark)
  if (magic === 0x47475546 || (view.getUint32(4) <= 0xffff && version > 0xffff))
    fail(c, 'WEIGHTS_NOT_READ_YET', 'is a big-endian GGUF file, which Heirloom does not read; convert it with gguf_convert_endian', 4);
  if (version === 1)
    fail(c, 'WEIGHTS_NOT_READ_YET', 'is GGUF version 1 (August 2023), which no current program writes; convert it first', 4);
  if (version !== 2 && version !== 3) fail(c, 'WEIGHTS_HEADER', `claims GGUF version ${version}; versions 2 and 3 are known`, 4);
  await need(c, 16);
  const tensorCount = takeCount(c, MAX_TENSORS, 24, 'tensors');
  const keyCount = takeCount(c, MAX_KEYS, 13, 'metadata keys');
  const metadata = new Map<string, MetaValue>();
  let alignment = DEFAULT_ALIGNMENT;
  for (let i = 0; i < keyCount; i++) {
    const keyAt = c.at;
    const key = await takeString(c, MAX_KEY_BYTES, keys, 'a metadata key');
    if (metadata.has(key)) fail(c, 'WEIGHTS_DUPLICATE', `gives the metadata key "${key}" twice`, keyAt, key);
    await need(c, 4);
    const type = take32(c);
    const value = await takeValue(c, type, key);
    if (value !== undefined) metadata.set(key, value);
    if (key === 'general.alignment') alignment = checkAlignment(c, type, value, keyAt);
  }
  const { tensors, relative } = await takeTensors(c, tensorCount);
  const dataStart = Math.ceil(c.at / alignment) * alignment;
  const placed = tensors.map((tensor, i) => place(c, tensor, relative[i]!, dataStart, alignment));
  checkLayout(c, placed, dataStart, alignment);
  return { source, version, metadata, tensors: placed, findings: c.findings };
}

async function takeTensors(c: Cursor, count: number): Promise<{ tensors: TensorInfo[]; relative: bigint[] }> {
  const tensors: TensorInfo[] = [];
  const relative: bigint[] = [];
  const names = new Set<string>();
  for (let i = 0; i < count; i++) {
    const at = c.at;
    const name = await takeString(c, MAX_NAME_BYTES, keys, 'a tensor name');
    if (names.has(name)) fail(c, 'WEIGHTS_DUPLICATE', `names the tensor "${name}" twice`, at, name);
    names.add(name);
    await need(c, 4);
    const axes = take32(c);
    if (axes > MAX_DIMS) fail(c, 'WEIGHTS_SHAPE', `gives tensor "${name}" ${axes} axes; ggml allows ${MAX_DIMS}`, c.at - 4, name);
    await need(c, axes * 8 + 12);
    const shape: number[] = [];
    // Stored fastest axis first; turned so that rows come first.
    for (let k = 0; k < axes; k++) shape.unshift(Number(take64(c)));
    const type = take32(c);
    const dtype = TYPES[type];
    if (!dtype) fail(c, 'WEIGHTS_HEADER', `gives tensor "${name}" the unknown type ${type}`, c.at - 4, name);
    relative.push(take64(c));
    tensors.push({ name, dtype, shape, file: c.file, offset: 0, bytes: storedBytes(dtype, shape, name, c.file) });
  }
  return { tensors, relative };
}

function place(c: Cursor, tensor: TensorInfo, relative: bigint, dataStart: number, alignment: number): TensorInfo {
  if (relative % BigInt(alignment) !== 0n)
    fail(
      c,
      'WEIGHTS_HEADER',
      `places tensor "${tensor.name}" at ${relative}, not a multiple of the alignment ${alignment}`,
      undefined,
      tensor.name,
    );
  if (relative + BigInt(dataStart + tensor.bytes) > BigInt(c.size))
    fail(
      c,
      'WEIGHTS_TRUNCATED',
      `ends before tensor "${tensor.name}" (${tensor.bytes} bytes at ${relative} of the data)`,
      undefined,
      tensor.name,
    );
  return { ...tensor, offset: dataStart + Number(relative) };
}

/** Tensors may not share bytes; more than padding between them could hide data, so it is reported. */
function checkLayout(c: Cursor, tensors: readonly TensorInfo[], dataStart: number, alignment: number): void {
  let end = dataStart;
  let last = '';
  const gap = (to: number): void => {
    if (to - end < alignment) return;
    c.findings.push({
      rule: 'weights/unclaimed-bytes',
      severity: 'warning',
      where: { file: c.file, byte: end },
      what: `${to - end} bytes from byte ${end} belong to no tensor`,
      why: 'tensors are padded to the alignment only; unclaimed bytes can carry anything',
      fix: 'write the file again with a current GGUF writer',
      source: 'ggml docs/gguf.md, "tensor_data"',
    });
  };
  for (const tensor of tensors.filter((t) => t.bytes > 0).sort((a, b) => a.offset - b.offset)) {
    if (tensor.offset < end) fail(c, 'WEIGHTS_OVERLAP', `starts tensor "${tensor.name}" inside "${last}"`, tensor.offset, tensor.name);
    gap(tensor.offset);
    end = tensor.offset + tensor.bytes;
    last = tensor.name;
  }
  // A file of metadata only may end before the padding.
  if (end < c.size) gap(c.size);
}

function checkAlignment(c: Cursor, type: number, value: MetaValue | undefined, at: number): number {
  if (type !== UINT32 || typeof value !== 'number' || value < 8 || value > MAX_ALIGNMENT || (value & (value - 1)) !== 0)
    fail(
      c,
      'WEIGHTS_HEADER',
      `gives general.alignment ${String(value)}; a uint32 power of two from 8 to ${MAX_ALIGNMENT} is required`,
      at,
      'general.alignment',
    );
  return value;
}
