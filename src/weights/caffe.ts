/**
 * Caffe `.caffemodel`: the blobs of a NetParameter, in the current and the V1 layer form.
 * Built from caffe.proto of BVLC Caffe 1.0. V0 layers (2013) are refused; gradients (`diff`) are ignored, as Caffe does on loading.
 * @module
 */
import type { FileTree, Finding } from '../base/index.ts';
import { makeCheckpoint, MAX_AXES, MAX_TENSORS, storedBytes } from './checkpoint.ts';
import { type Field, protoReader, type ProtoReader } from './protobuf.ts';
import { addValues, canHold, plainRange, type ProtoTensor, protoStored, type ValueList, valueList } from './protobuf-values.ts';
import { type Checkpoint, type MetaValue, WeightsError } from './types.ts';

/** Layers of one net; the deepest published ones have about 1,500. (CWE-770) */
const MAX_LAYERS = 100_000;
/** Blobs of one layer; recurrent layers have five. (CWE-770) */
const MAX_BLOBS = 64;

/** Field numbers of LayerParameter and V1LayerParameter. */
const LAYER = { name: 1, type: 2, blobs: 7 };
const V1_LAYER = { name: 4, type: 5, blobs: 6 };
/** V1LayerParameter.LayerType, for the types whose weights are named or turned here. */
const V1_TYPES: Readonly<Record<number, string>> = { 4: 'Convolution', 14: 'InnerProduct', 39: 'Deconvolution' };
/** Caffe numbers blobs; these are what the numbers mean, in the words other frameworks use. */
const BATCH_NORM = ['running_mean', 'running_var', 'scale_factor'];
const WEIGHT_BIAS = ['weight', 'bias'];
const BLOB_NAMES: Readonly<Record<string, readonly string[]>> = {
  Convolution: WEIGHT_BIAS,
  Deconvolution: WEIGHT_BIAS,
  InnerProduct: WEIGHT_BIAS,
  Scale: WEIGHT_BIAS,
  Bias: ['bias'],
  PReLU: ['weight'],
  Embed: WEIGHT_BIAS,
  BatchNorm: BATCH_NORM,
};

interface Blob {
  readonly start: number;
  readonly dims: number[];
  /** num, channels, height, width: the form before BlobShape. */
  readonly legacy: [number, number, number, number];
  hasLegacy: boolean;
  readonly floats: ValueList;
  readonly doubles: ValueList;
}

/**
 * Tensors are named `<layer>.weight`, `<layer>.bias`, `<layer>.running_mean` … or `<layer>.blob<i>`; metadata has `caffe.name` and
 * `caffe.layers`, a list of `[type, count]`.
 * @throws WeightsError naming file and byte or tensor.
 */
export async function openCaffe(tree: FileTree, path: string): Promise<Checkpoint> {
  const source = await tree.open(path);
  const reader = protoReader(source);
  const tensors: ProtoTensor[] = [];
  const names = new Set<string>();
  const types = new Map<string, number>();
  const metadata = new Map<string, MetaValue>();
  const findings: Finding[] = [];
  let layers = 0;
  let v1 = false;
  await reader.walk(0, source.size, async (field) => {
    if (field.number === 1) metadata.set('caffe.name', reader.text(field));
    if ((field.number !== 100 && field.number !== 2) || field.wire !== 2) return;
    if (++layers > MAX_LAYERS)
      throw new WeightsError('WEIGHTS_LIMIT', `${path} holds over ${MAX_LAYERS} layers`, { where: { file: path, byte: field.tag } });
    v1 ||= field.number === 2;
    const { name, type, blobs } = await readLayer(reader, field, field.number === 2);
    types.set(type, (types.get(type) ?? 0) + 1);
    for (const [i, blob] of blobs.entries()) {
      const full = `${name}.${Object.hasOwn(BLOB_NAMES, type) ? (BLOB_NAMES[type]![i] ?? `blob${i}`) : `blob${i}`}`;
      if (names.has(full))
        throw new WeightsError('WEIGHTS_DUPLICATE', `${path} names the blob "${full}" twice`, {
          where: { file: path, byte: blob.start, field: full },
        });
      if (tensors.length >= MAX_TENSORS)
        throw new WeightsError('WEIGHTS_LIMIT', `${path} lists over ${MAX_TENSORS} blobs`, { where: { file: path, byte: blob.start } });
      names.add(full);
      tensors.push(toTensor(blob, full, type, i, path));
    }
  });
  if (layers === 0) throw new WeightsError('WEIGHTS_HEADER', `${path} holds no layers`, { where: { file: path, field: 'layer' } });
  metadata.set(
    'caffe.layers',
    [...types].map(([type, count]) => [type, count]),
  );
  return makeCheckpoint({
    format: 'caffe',
    formatVersion: v1 ? 'Caffe, V1 layers' : 'Caffe',
    files: [path],
    tensors: tensors.map((tensor) => tensor.info),
    metadata,
    findings,
    readStored: protoStored(new Map([[path, source]]), tensors),
  });
}

async function readLayer(reader: ProtoReader, range: Field, v1: boolean): Promise<{ name: string; type: string; blobs: Blob[] }> {
  const numbers = v1 ? V1_LAYER : LAYER;
  const file = reader.source.name;
  let name = '';
  let type = '';
  const blobs: Blob[] = [];
  await reader.walk(range.start, range.end, async (field) => {
    if (v1 && field.number === 1)
      throw new WeightsError(
        'WEIGHTS_NOT_READ_YET',
        `${file} holds layers of the 2013 form (V0); upgrade it with Caffe's upgrade_net_proto_binary`,
        { where: { file, byte: field.tag } },
      );
    if (field.number === numbers.name) name = reader.text(field);
    else if (field.number === numbers.type) type = v1 ? (V1_TYPES[field.value] ?? `V1 type ${field.value}`) : reader.text(field);
    else if (field.number === numbers.blobs && field.wire === 2) {
      if (blobs.length >= MAX_BLOBS)
        throw new WeightsError('WEIGHTS_LIMIT', `${file} gives one layer over ${MAX_BLOBS} blobs`, { where: { file, byte: field.tag } });
      blobs.push(await readBlob(reader, field));
    }
  });
  return { name, type, blobs };
}

async function readBlob(reader: ProtoReader, range: Field): Promise<Blob> {
  const file = reader.source.name;
  const blob: Blob = {
    start: range.start,
    dims: [],
    legacy: [0, 0, 0, 0],
    hasLegacy: false,
    floats: valueList('fixed32', 4),
    doubles: valueList('fixed64', 8),
  };
  await reader.walk(range.start, range.end, (field) => {
    if (field.number >= 1 && field.number <= 4) {
      blob.legacy[field.number - 1] = field.value;
      blob.hasLegacy = true;
    } else if (field.number === 5) addValues(blob.floats, field, file);
    else if (field.number === 8) addValues(blob.doubles, field, file);
    else if (field.number === 7)
      return reader.walk(field.start, field.end, (dim) => {
        if (dim.number === 1) blob.dims.push(...reader.numbers(dim));
        if (blob.dims.length > MAX_AXES)
          throw new WeightsError('WEIGHTS_SHAPE', `${file} holds a blob of over ${MAX_AXES} axes`, { where: { file, byte: dim.tag } });
      });
  });
  return blob;
}

function toTensor(blob: Blob, name: string, type: string, index: number, file: string): ProtoTensor {
  const double = blob.doubles.entries > 0;
  const values = double ? blob.doubles : blob.floats;
  const dtype = double ? 'F64' : 'F32';
  const shape = blob.hasLegacy && blob.dims.length === 0 ? legacyShape(blob.legacy, type, index) : blob.dims;
  const bytes = storedBytes(dtype, shape, name, file);
  if (!canHold(values, bytes))
    throw new WeightsError('WEIGHTS_HEADER', `blob "${name}" holds ${values.entries} values, its shape needs ${bytes / (double ? 8 : 4)}`, {
      where: { file, byte: blob.start, field: name },
    });
  const plain = plainRange(values);
  // Deconvolution reuses the convolution's weights backwards: its first axis is the input.
  const outputFirst = type === 'Deconvolution' && shape.length > 1 ? { outputFirst: [1, 0, ...shape.slice(2).map((_, i) => i + 2)] } : {};
  const info = { name, dtype, shape, file, offset: plain ? plain.start : -1, bytes, ...outputFirst } as const;
  return plain ? { info } : { info, values };
}

/** Four axes always, padded with ones in front: `[1, 1, out, in]` for a matrix, `[1, 1, 1, n]` for a vector. */
function legacyShape(legacy: readonly number[], type: string, index: number): number[] {
  const [a, b, c] = legacy;
  if (index > 0 && a === 1 && b === 1 && c === 1) return legacy.slice(3);
  if (type === 'InnerProduct' && a === 1 && b === 1) return legacy.slice(2);
  return [...legacy];
}
