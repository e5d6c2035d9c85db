/**
 * One ONNX TensorProto: its name, shape and where its values are.
 * Built from onnx.proto of ONNX 1.23 (IR version 13).
 * @module
 */
import type { FileTree, Finding } from '../base/index.ts';
import { MAX_AXES, storedBytes } from './checkpoint.ts';
import { type DType, DTYPES } from './dtypes.ts';
import type { ProtoReader } from './protobuf.ts';
import { addValues, canHold, plainRange, type ProtoTensor, type ValueList, valueList } from './protobuf-values.ts';
import { type TensorInfo, WeightsError, type WeightsErrorCode } from './types.ts';

/** TensorProto.DataType by number; 8 is STRING, 25 and 26 are the 2-bit integers. */
// prettier-ignore
const TYPES: Readonly<Record<number, DType>> = {
  1: 'F32', 2: 'U8', 3: 'I8', 4: 'U16', 5: 'I16', 6: 'I32', 7: 'I64', 9: 'BOOL', 10: 'F16', 11: 'F64', 12: 'U32', 13: 'U64',
  14: 'C64', 15: 'C128', 16: 'BF16', 17: 'F8_E4M3', 18: 'F8_E4M3FNUZ', 19: 'F8_E5M2', 20: 'F8_E5M2FNUZ', 21: 'U4', 22: 'I4',
  23: 'F4_E2M1', 24: 'F8_E8M0',
};
const STRING = 8;
const EXTERNAL = 1;

/** What a tensor's fields say, before they are checked against one another. */
interface Raw {
  name: string;
  readonly dims: number[];
  type: number;
  raw: { start: number; end: number } | null;
  readonly floats: ValueList;
  readonly doubles: ValueList;
  /** int32_data, int64_data, uint64_data, by field number; entries are cut to the dtype's bytes when its type is known. */
  readonly integers: Map<number, ValueList>;
  location: number;
  readonly external: Map<string, string>;
}

async function readFields(reader: ProtoReader, start: number, end: number): Promise<Raw> {
  const file = reader.source.name;
  const out: Raw = {
    name: '',
    dims: [],
    type: 0,
    raw: null,
    location: 0,
    external: new Map(),
    floats: valueList('fixed32', 4),
    doubles: valueList('fixed64', 8),
    integers: new Map(),
  };
  await reader.walk(start, end, (field) => {
    switch (field.number) {
      case 1:
        out.dims.push(...reader.numbers(field));
        if (out.dims.length > MAX_AXES)
          throw new WeightsError('WEIGHTS_SHAPE', `${file} holds a tensor of over ${MAX_AXES} axes`, { where: { file, byte: field.tag } });
        return;
      case 2:
        out.type = field.value;
        return;
      case 4:
        return addValues(out.floats, field, file);
      case 5:
      case 7:
      case 11: {
        const list = out.integers.get(field.number) ?? valueList('varint', 8);
        out.integers.set(field.number, list);
        return addValues(list, field, file);
      }
      case 8:
        out.name = reader.text(field);
        return;
      case 9:
        if (field.wire === 2) out.raw = field;
        return;
      case 10:
        return addValues(out.doubles, field, file);
      case 13:
        return readEntry(reader, field.start, field.end, out.external);
      case 14:
        out.location = field.value;
    }
  });
  return out;
}

/** A StringStringEntryProto into `into`; the first of two equal keys stays. */
export async function readEntry(reader: ProtoReader, start: number, end: number, into: Map<string, string>): Promise<void> {
  let key = '';
  let value = '';
  await reader.walk(start, end, async (field) => {
    if (field.number === 1) key = reader.text(field);
    if (field.number === 2 && field.wire === 2) value = await reader.longText(field, MAX_ENTRY_BYTES);
  });
  if (!into.has(key)) into.set(key, value);
}
/** One metadata value; class lists of detectors reach 10 kB. (CWE-789) */
const MAX_ENTRY_BYTES = 1 << 20;

/** Where tensors go while the graph is walked. */
export interface OnnxTensors {
  readonly tree: FileTree;
  readonly tensors: ProtoTensor[];
  readonly names: Set<string>;
  readonly findings: Finding[];
  /** Sizes of files beside the model that hold values; null for a missing one. */
  readonly external: Map<string, number | null>;
}

/**
 * Reads the TensorProto in `[start, end)` and adds it to `into`.
 * @param named its name from outside (the output of a Constant); the tensor's own otherwise. `prefix` names the subgraph.
 * @returns null for tensors that hold no numbers.
 * @throws WeightsError `WEIGHTS_PATH` for external data outside the model's folder.
 */
export async function readOnnxTensor(
  reader: ProtoReader,
  range: { start: number; end: number },
  naming: { prefix: string; named?: string; constant: boolean },
  into: OnnxTensors,
): Promise<ProtoTensor | null> {
  const file = reader.source.name;
  const raw = await readFields(reader, range.start, range.end);
  const local = naming.named ?? raw.name;
  const name = naming.prefix + local;
  const fail = (code: WeightsErrorCode, what: string): never => {
    throw new WeightsError(code, what, { where: { file, byte: range.start, field: name } });
  };
  const note = (severity: Finding['severity'], rule: string, what: string, why: string, fix: string): null => {
    into.findings.push({
      rule,
      severity,
      where: { file, byte: range.start, field: name },
      what,
      why,
      fix,
      source: 'onnx.proto, TensorProto',
    });
    return null;
  };
  if (into.names.has(name)) fail('WEIGHTS_DUPLICATE', `${file} names the tensor "${name}" twice`);
  into.names.add(name);
  const dtype = TYPES[raw.type];
  if (raw.type === STRING)
    return note('note', 'weights/string-tensor', `tensor "${name}" holds texts, not numbers`, 'texts are not weights', 'none needed');
  if (!dtype) {
    if (raw.type !== 25 && raw.type !== 26) fail('WEIGHTS_HEADER', `tensor "${name}" has the unknown type ${raw.type}`);
    return note(
      'warning',
      'weights/tensor-not-listed',
      `tensor "${name}" holds 2-bit integers, which are not listed`,
      'its values were not looked at',
      'none yet',
    );
  }
  const { blockValues } = DTYPES[dtype];
  if (blockValues > 1 && (raw.dims.at(-1) ?? 1) % blockValues !== 0)
    return note(
      'warning',
      'weights/tensor-not-listed',
      `tensor "${name}" is ${dtype} with rows that end inside a byte`,
      'its values were not looked at',
      'none yet',
    );
  const bytes = storedBytes(dtype, raw.dims, name, file);
  const info = (at: string, offset: number): TensorInfo => ({
    name,
    dtype,
    shape: raw.dims,
    file: at,
    offset,
    bytes,
    ...(naming.constant && { constant: true }),
  });
  const add = (tensor: ProtoTensor): ProtoTensor => {
    into.tensors.push(tensor);
    return tensor;
  };
  if (raw.location === EXTERNAL) return add({ info: await placeExternal(raw.external, info, bytes, name, file, into) });
  if (raw.location !== 0) fail('WEIGHTS_HEADER', `tensor "${name}" has the unknown data location ${raw.location}`);
  if (raw.raw) {
    const length = raw.raw.end - raw.raw.start;
    if (length !== bytes) fail('WEIGHTS_HEADER', `tensor "${name}" holds ${length} bytes, its shape and type need ${bytes}`);
    return add({ info: info(file, raw.raw.start) });
  }
  const values = listFor(raw, dtype);
  if (!canHold(values, bytes))
    fail('WEIGHTS_HEADER', `tensor "${name}" does not hold the ${bytes} bytes of values that its shape and type need`);
  const plain = plainRange(values);
  return plain ? add({ info: info(file, plain.start) }) : add({ info: info(file, -1), values });
}

/** The typed field that holds values of `dtype` (onnx.proto, comments of the `_data` fields). */
function listFor(raw: Raw, dtype: DType): ValueList {
  if (dtype === 'F32' || dtype === 'C64') return raw.floats;
  if (dtype === 'F64' || dtype === 'C128') return raw.doubles;
  const field = dtype === 'I64' ? 7 : dtype === 'U32' || dtype === 'U64' ? 11 : 5;
  const list = raw.integers.get(field) ?? valueList('varint', 8);
  return { ...list, unit: DTYPES[dtype].blockBytes };
}

/** Values in a file beside the model: it must stay in the model's folder (CVE-2022-25882, CVE-2024-27318) and hold them whole. */
async function placeExternal(
  keys: ReadonlyMap<string, string>,
  info: (file: string, offset: number) => TensorInfo,
  bytes: number,
  name: string,
  file: string,
  into: OnnxTensors,
): Promise<TensorInfo> {
  const where = { file, field: name };
  const location = keys.get('location') ?? '';
  const offset = wholeNumber(keys.get('offset') ?? '0');
  const length = wholeNumber(keys.get('length') ?? String(bytes));
  // A drive letter, a backslash and a URL are absolute or become so on some machine.
  if (location === '' || /^\/|\\|\0|:/.test(location) || location.split('/').some((part) => part === '..'))
    throw new WeightsError(
      'WEIGHTS_PATH',
      `tensor "${name}" places its values at ${JSON.stringify(location)}, outside the model's folder`,
      { where },
    );
  if (offset === null || length === null || length !== bytes)
    throw new WeightsError(
      'WEIGHTS_HEADER',
      `tensor "${name}" claims ${keys.get('length')} bytes at ${keys.get('offset')} of "${location}", its shape needs ${bytes}`,
      { where },
    );
  const folder = file.includes('/') ? file.slice(0, file.lastIndexOf('/') + 1) : '';
  const path =
    folder +
    location
      .split('/')
      .filter((part) => part !== '.' && part !== '')
      .join('/');
  let size = into.external.get(path);
  if (size === undefined) {
    size = into.tree.files.find((entry) => entry.path === path)?.size ?? null;
    into.external.set(path, size);
    if (size === null)
      into.findings.push({
        rule: 'weights/external-data-missing',
        severity: 'error',
        where: { file, field: name },
        what: `the values of "${name}" and possibly others stand in "${path}", which is not there`,
        why: 'the model cannot be run or compared without it',
        fix: `put "${location}" beside the model`,
        source: 'onnx.proto, external_data',
      });
  }
  if (size !== null && offset + length > size)
    throw new WeightsError('WEIGHTS_TRUNCATED', `tensor "${name}" ends at byte ${offset + length} of "${path}", which has ${size}`, {
      where: { file: path, byte: offset, field: name },
    });
  return info(path, offset);
}

function wholeNumber(text: string): number | null {
  const value = /^\d{1,16}$/.test(text) ? Number(text) : NaN;
  return Number.isSafeInteger(value) ? value : null;
}
