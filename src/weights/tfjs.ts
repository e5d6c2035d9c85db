/**
 * TensorFlow.js: `model.json` and the shards its weights manifest names.
 * Built from TensorFlow.js 4 (`io/types.ts`: WeightsManifestConfig, WeightsManifestEntry; `io_utils.ts`: decodeWeights).
 * Shards of a group are one run of bytes; a tensor may cross from one into the next. Affine-quantized weights
 * (`q · scale + min`) are given as the F32 they stand for.
 * @module
 */
import { type ByteSource, type FileTree, type Finding, type JsonValue, parseJson } from '../base/index.ts';
import { bytesOfRows, makeCheckpoint, MAX_AXES, MAX_TENSORS, rowLength, valueCount } from './checkpoint.ts';
import { type DType, DTYPES } from './dtypes.ts';
import { kerasOutputFirst } from './keras-orientation.ts';
import { type Checkpoint, type MetaValue, type TensorInfo, WeightsError, type WeightsErrorCode } from './types.ts';

/** Topology and manifest; published ones stay below 10 MB. (CWE-770) */
const MAX_MODEL_JSON_BYTES = 64 << 20;

const TYPES: Readonly<Record<string, DType>> = {
  float32: 'F32',
  float16: 'F16',
  int32: 'I32',
  bool: 'BOOL',
  complex64: 'C64',
  uint8: 'U8',
  uint16: 'U16',
};
const KEPT = ['format', 'generatedBy', 'convertedBy'] as const;

/** One group of the manifest: shards end to end. */
interface Group {
  readonly shards: { readonly source: ByteSource; readonly start: number }[];
  size: number;
}

interface Stored {
  readonly group: Group;
  /** Of the first value in the group, in bytes. */
  readonly start: number;
  readonly dtype: DType;
  readonly affine: { readonly scale: number; readonly min: number } | null;
}

/** @throws WeightsError naming the entry; `WEIGHTS_PATH` for a shard outside the folder, `WEIGHTS_MISSING_FILE` for one that is not there. */
export async function openTfjs(tree: FileTree, path: string): Promise<Checkpoint> {
  const source = await tree.open(path);
  if (source.size > MAX_MODEL_JSON_BYTES)
    throw new WeightsError('WEIGHTS_LIMIT', `${path} is ${source.size} bytes long, over the cap of ${MAX_MODEL_JSON_BYTES}`, {
      where: { file: path },
    });
  const model = parseJson(await source.read(0, source.size), path);
  const manifest = isObject(model) ? model['weightsManifest'] : undefined;
  if (!isObject(model) || !Array.isArray(manifest))
    throw new WeightsError('WEIGHTS_HEADER', `${path} has no "weightsManifest" list`, { where: { file: path, field: 'weightsManifest' } });
  const keras = model['format'] !== 'graph-model';
  const tensors: TensorInfo[] = [];
  const stored = new Map<string, Stored>();
  const present = new Set(tree.files.map((entry) => entry.path));
  const files = new Set([path]);
  const findings: Finding[] = [];
  for (const [g, entry] of manifest.entries()) {
    const field = `weightsManifest[${g}]`;
    if (!isObject(entry)) throw new WeightsError('WEIGHTS_HEADER', `${path}: ${field} is not an object`, { where: { file: path, field } });
    const group = await openGroup(tree, present, path, entry['paths'], field, files);
    const weights = entry['weights'];
    if (!Array.isArray(weights))
      throw new WeightsError('WEIGHTS_HEADER', `${path}: ${field} lists no weights`, { where: { file: path, field } });
    if (tensors.length + weights.length > MAX_TENSORS)
      throw new WeightsError('WEIGHTS_LIMIT', `${path} lists over ${MAX_TENSORS} tensors`, { where: { file: path, field } });
    let at = 0;
    for (const weight of weights) at = readWeight(weight, { path, field, group, at, keras, stored, tensors });
    if (at < group.size)
      findings.push({
        rule: 'weights/unclaimed-bytes',
        severity: 'warning',
        where: { file: path, field },
        what: `the last ${group.size - at} bytes of ${field} belong to no tensor`,
        why: 'unclaimed bytes can carry anything',
        fix: 'convert the model again',
        source: 'TensorFlow.js io/types.ts',
      });
  }
  const metadata = new Map<string, MetaValue>();
  for (const key of KEPT) if (typeof model[key] === 'string') metadata.set(`tfjs.${key}`, model[key].slice(0, 1000));
  return makeCheckpoint({
    format: 'tfjs',
    formatVersion: `TensorFlow.js ${keras ? 'layers model' : 'graph model'}`,
    files: [...files],
    tensors,
    metadata,
    findings,
    readStored: (tensor, start, count) => readRows(stored.get(tensor.name)!, tensor, start, count),
  });
}

async function openGroup(
  tree: FileTree,
  present: ReadonlySet<string>,
  path: string,
  paths: JsonValue | undefined,
  field: string,
  files: Set<string>,
): Promise<Group> {
  const where = { file: path, field: `${field}.paths` };
  if (!Array.isArray(paths)) throw new WeightsError('WEIGHTS_HEADER', `${path}: ${field} names no files`, { where });
  const folder = path.includes('/') ? path.slice(0, path.lastIndexOf('/') + 1) : '';
  const group: Group = { shards: [], size: 0 };
  for (const shard of paths) {
    if (
      typeof shard !== 'string' ||
      shard === '' ||
      /^\/|\\|\0|:/.test(shard) ||
      shard.split('/').some((part) => part === '..' || part === '.' || part === '')
    )
      throw new WeightsError('WEIGHTS_PATH', `${path} places weights at ${JSON.stringify(shard)}, outside its folder`, { where });
    const full = folder + shard;
    if (!present.has(full))
      throw new WeightsError('WEIGHTS_MISSING_FILE', `${path} names the shard "${full}", which is not there`, { where });
    if (files.has(full)) throw new WeightsError('WEIGHTS_DUPLICATE', `${path} names the shard "${full}" twice`, { where });
    const source = await tree.open(full);
    group.shards.push({ source, start: group.size });
    group.size += source.size;
    files.add(full);
  }
  return group;
}

interface Place {
  readonly path: string;
  readonly field: string;
  readonly group: Group;
  readonly at: number;
  readonly keras: boolean;
  readonly stored: Map<string, Stored>;
  readonly tensors: TensorInfo[];
}

/** @returns where the next weight begins. */
function readWeight(weight: JsonValue, place: Place): number {
  const { path, field, group, at } = place;
  const name = isObject(weight) ? weight['name'] : undefined;
  const fail = (code: WeightsErrorCode, what: string): never => {
    throw new WeightsError(code, `${path}: ${what}`, { where: { file: path, field: typeof name === 'string' ? name : field } });
  };
  if (!isObject(weight) || typeof name !== 'string') return fail('WEIGHTS_HEADER', `${field} holds a weight without a name`);
  if (place.stored.has(name)) fail('WEIGHTS_DUPLICATE', `the weight "${name}" is listed twice`);
  const { shape, quantization } = weight;
  if (!Array.isArray(shape) || shape.length > MAX_AXES || !shape.every((axis) => typeof axis === 'number'))
    return fail('WEIGHTS_SHAPE', `the weight "${name}" has no list of numbers as its shape`);
  const quantized = isObject(quantization) ? quantization : null;
  const text = quantized ? quantized['dtype'] : weight['dtype'];
  if (text === 'string') return fail('WEIGHTS_NOT_READ_YET', `the weight "${name}" holds texts, whose length is not in the manifest`);
  const dtype =
    typeof text === 'string' && Object.hasOwn(TYPES, text)
      ? TYPES[text]!
      : fail('WEIGHTS_HEADER', `the weight "${name}" has the unknown dtype ${JSON.stringify(text)}`);
  const scale = quantized?.['scale'];
  const min = quantized?.['min'];
  const affine = quantized && dtype !== 'F16';
  if (affine && (typeof scale !== 'number' || typeof min !== 'number'))
    fail('WEIGHTS_HEADER', `the weight "${name}" is quantized without scale and min`);
  const count = valueCount(shape as number[], name, path);
  const end = at + count * DTYPES[dtype].blockBytes;
  if (end > group.size) fail('WEIGHTS_TRUNCATED', `the weight "${name}" ends at byte ${end} of shards of ${group.size} bytes`);
  const shard = group.shards.findLast((part) => part.start <= at);
  const inOne = !affine && shard && end <= shard.start + shard.source.size;
  const outputFirst = place.keras ? kerasOutputFirst(name, shape.length) : undefined;
  const shown = affine ? 'F32' : dtype;
  place.tensors.push({
    name,
    dtype: shown,
    shape: shape as number[],
    file: shard?.source.name ?? path,
    offset: inOne ? at - shard.start : -1,
    bytes: count * DTYPES[shown].blockBytes,
    ...(outputFirst && { outputFirst }),
  });
  place.stored.set(name, { group, start: at, dtype, affine: affine ? { scale: scale as number, min: min as number } : null });
  return end;
}

async function readRows(stored: Stored, tensor: TensorInfo, start: number, count: number): Promise<Uint8Array> {
  const { blockBytes } = DTYPES[stored.dtype];
  const length = count * rowLength(tensor);
  const bytes = await readAcross(stored.group, stored.start + start * rowLength(tensor) * blockBytes, length * blockBytes);
  if (!stored.affine) return bytes;
  const { scale, min } = stored.affine;
  const out = new Uint8Array(bytesOfRows(tensor, count));
  const view = new DataView(out.buffer);
  // decodeWeights: `v * quantization.scale + quantization.min`, then Float32Array.
  for (let i = 0; i < length; i++)
    view.setFloat32(i * 4, (blockBytes === 1 ? bytes[i]! : bytes[2 * i]! | (bytes[2 * i + 1]! << 8)) * scale + min, true);
  return out;
}

async function readAcross(group: Group, at: number, length: number): Promise<Uint8Array> {
  const out = new Uint8Array(length);
  for (const { source, start } of group.shards) {
    const from = Math.max(at, start);
    const to = Math.min(at + length, start + source.size);
    if (from < to) out.set(await source.read(from - start, to - from), from - at);
  }
  return out;
}

function isObject(value: JsonValue | undefined): value is { [key: string]: JsonValue } {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
