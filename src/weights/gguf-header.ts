/**
 * The header of one GGUF file: metadata and tensor list, by growing range reads.
 * Built from ggml `docs/gguf.md` (GGUF version 3, which reads version 2 alike) and the checks of ggml's `gguf.cpp`.
 * @module
 */
import type { ByteSource, Finding } from '../base/index.ts';
import { type ByteWindow, byteWindow } from './byte-window.ts';
import { MAX_TENSORS, storedBytes } from './checkpoint.ts';
import type { DType } from './dtypes.ts';
import { type MetaValue, type TensorInfo, WeightsError, type WeightsErrorCode } from './types.ts';

/** Metadata and tensor list together; the largest tokenizers (260,000 tokens with merges) take about 15 MB. (CWE-770) */
const MAX_HEADER_BYTES = 128 << 20;
/** Published files hold 20 to 60 keys. (CWE-770) */
const MAX_KEYS = 65_536;
/** "at most 2^16−1 bytes long" (gguf.md, gguf_metadata_kv_t.key). */
const MAX_KEY_BYTES = 65_535;
/** The specification says 64; ggml can be built with longer names (image models use up to 128). */
const MAX_NAME_BYTES = 1024;
/** One string value; chat templates reach 100 kB, embedded licences 1 MB. (CWE-789) */
const MAX_STRING_BYTES = 16 << 20;
/** Elements of one array that are kept; vocabularies stay below 300,000. Longer arrays are skipped with a finding. (CWE-789) */
const MAX_ARRAY_KEPT = 1_000_000;
/** Elements kept over all arrays of a file; bounds memory at about 8 bytes each besides the strings. (CWE-789) */
const MAX_ELEMENTS_KEPT = 4_000_000;
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

/** Bytes of a metadata value type; 8 is a string, 9 an array. */
const VALUE_BYTES: Readonly<Record<number, number>> = { 0: 1, 1: 1, 2: 2, 3: 2, 4: 4, 5: 4, 6: 4, 7: 1, 10: 8, 11: 8, 12: 8 };
const STRING = 8;
const ARRAY = 9;
const UINT32 = 4;

export interface GgufHeader {
  readonly source: ByteSource;
  readonly version: number;
  readonly metadata: Map<string, MetaValue>;
  readonly tensors: TensorInfo[];
  readonly findings: Finding[];
}

interface Cursor {
  readonly window: ByteWindow;
  readonly file: string;
  readonly size: number;
  at: number;
  kept: number;
  readonly findings: Finding[];
}

const keys = new TextDecoder('utf-8', { fatal: true });
/** Token strings may hold half characters; they are kept with U+FFFD rather than refused. */
const values = new TextDecoder('utf-8');

/** @throws WeightsError naming the byte. */
export async function readGgufHeader(source: ByteSource): Promise<GgufHeader> {
  const c: Cursor = { window: byteWindow(source), file: source.name, size: source.size, at: 0, kept: 0, findings: [] };
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

/** @returns undefined for an array too long to keep. */
async function takeValue(c: Cursor, type: number, key: string): Promise<MetaValue | undefined> {
  if (type === STRING) return takeString(c, MAX_STRING_BYTES, values, `"${key}"`);
  if (type === ARRAY) return takeArray(c, key);
  const bytes = valueBytes(c, type, key);
  await need(c, bytes);
  return takeScalar(c, type, key);
}

async function takeArray(c: Cursor, key: string): Promise<MetaValue | undefined> {
  const at = c.at;
  await need(c, 12);
  const type = take32(c);
  if (type === ARRAY) fail(c, 'WEIGHTS_HEADER', `nests arrays under "${key}", which no program reads`, at, key);
  const each = type === STRING ? 8 : valueBytes(c, type, key);
  const count = takeCount(c, MAX_HEADER_BYTES, each, `elements of "${key}"`);
  const keep = count <= MAX_ARRAY_KEPT && c.kept + count <= MAX_ELEMENTS_KEPT;
  if (!keep) {
    c.findings.push({
      rule: 'weights/metadata-array-skipped',
      severity: 'note',
      where: { file: c.file, byte: at, field: key },
      what: `the array "${key}" of ${count} elements was not kept`,
      why: 'vocabularies stay below a million entries; longer arrays only cost memory',
      fix: 'none needed unless the array matters',
      source: 'CWE-789',
    });
    if (type !== STRING) {
      checkEnd(c, c.at + count * each);
      c.at += count * each;
      return undefined;
    }
  }
  const out: MetaValue[] = [];
  for (let i = 0; i < count; i++) {
    if (type === STRING) {
      const text = await takeString(c, MAX_STRING_BYTES, values, `"${key}"`, keep);
      if (keep) out.push(text);
    } else {
      if (!c.window.has(c.at, each)) await need(c, each);
      out.push(takeScalar(c, type, key));
    }
  }
  if (keep) c.kept += count;
  return keep ? out : undefined;
}

function valueBytes(c: Cursor, type: number, key: string): number {
  return VALUE_BYTES[type] ?? fail(c, 'WEIGHTS_HEADER', `gives "${key}" the unknown value type ${type}`, c.at, key);
}

function takeScalar(c: Cursor, type: number, key: string): MetaValue {
  const { view, base } = c.window;
  const at = c.at - base;
  c.at += VALUE_BYTES[type]!;
  // prettier-ignore
  switch (type) {
    case 0: return view.getUint8(at);
    case 1: return view.getInt8(at);
    case 2: return view.getUint16(at, true);
    case 3: return view.getInt16(at, true);
    case 4: return view.getUint32(at, true);
    case 5: return view.getInt32(at, true);
    case 6: return view.getFloat32(at, true);
    case 10: return exact(view.getBigUint64(at, true));
    case 11: return exact(view.getBigInt64(at, true));
    case 12: return view.getFloat64(at, true);
    default: {
      const byte = view.getUint8(at);
      // "Anything else is invalid" (gguf.md, GGUF_METADATA_VALUE_TYPE_BOOL).
      if (byte > 1) fail(c, 'WEIGHTS_HEADER', `gives the boolean "${key}" the value ${byte}`, c.at - 1, key);
      return byte === 1;
    }
  }
}

/** A number when a double holds it exactly, else its decimal digits. */
function exact(value: bigint): number | string {
  const number = Number(value);
  return Number.isSafeInteger(number) ? number : value.toString();
}

/** @param keep false walks over the string without building it. */
async function takeString(c: Cursor, max: number, decoder: TextDecoder, what: string, keep = true): Promise<string> {
  if (!c.window.has(c.at, 8)) await need(c, 8);
  const at = c.at;
  const length = take64(c);
  if (length > BigInt(max)) fail(c, 'WEIGHTS_LIMIT', `claims ${length} bytes for ${what}, over the cap of ${max}`, at);
  const bytes = Number(length);
  if (!c.window.has(c.at, bytes)) await need(c, bytes);
  const raw = c.window.slice(c.at, bytes);
  c.at += bytes;
  if (!keep) return '';
  try {
    return decoder.decode(raw);
  } catch {
    return fail(c, 'WEIGHTS_HEADER', `holds bytes that are not UTF-8 in ${what}`, at);
  }
}

function take32(c: Cursor): number {
  c.at += 4;
  return c.window.view.getUint32(c.at - 4 - c.window.base, true);
}
function take64(c: Cursor): bigint {
  c.at += 8;
  return c.window.view.getBigUint64(c.at - 8 - c.window.base, true);
}

/** A 64-bit count, checked against a cap and against what the rest of the file could hold. */
function takeCount(c: Cursor, max: number, leastBytes: number, what: string): number {
  const at = c.at;
  const count = take64(c);
  if (count > BigInt(max)) fail(c, 'WEIGHTS_LIMIT', `claims ${count} ${what}, over the cap of ${max}`, at);
  if (Number(count) * leastBytes > c.size - c.at)
    fail(c, 'WEIGHTS_TRUNCATED', `claims ${count} ${what}, more than its ${c.size} bytes can hold`, at);
  return Number(count);
}

async function need(c: Cursor, bytes: number): Promise<void> {
  checkEnd(c, c.at + bytes);
  if (!c.window.has(c.at, bytes)) await c.window.load(c.at, bytes);
}

function checkEnd(c: Cursor, end: number): void {
  if (end > c.size) fail(c, 'WEIGHTS_TRUNCATED', `ends inside its header (${c.size} bytes)`, c.at);
  if (end > MAX_HEADER_BYTES) fail(c, 'WEIGHTS_LIMIT', `has a header over the cap of ${MAX_HEADER_BYTES} bytes`, c.at);
}

function fail(c: Cursor, code: WeightsErrorCode, what: string, byte?: number, field?: string): never {
  throw new WeightsError(code, `${c.file} ${what}`, {
    where: { file: c.file, ...(byte !== undefined && { byte }), ...(field !== undefined && { field }) },
  });
}
