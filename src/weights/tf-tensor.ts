/**
 * One TensorFlow TensorProto.
 * Built from tensor.proto and types.proto of TensorFlow 2; the rule for short lists from `Tensor::FromProto` (tensor.cc).
 * @module
 */
import type { Finding } from '../base/index.ts';
import { MAX_AXES, storedBytes } from './checkpoint.ts';
import { type DType, DTYPES } from './dtypes.ts';
import type { ProtoReader } from './protobuf.ts';
import { addValues, canHold, plainRange, type ProtoTensor, type ValueList, valueList } from './protobuf-values.ts';
import { WeightsError } from './types.ts';

/** DataType by number; the quantized integers (11 to 13, 15, 16) are stored as plain ones. */
// prettier-ignore
const TYPES: Readonly<Record<number, DType>> = {
  1: 'F32', 2: 'F64', 3: 'I32', 4: 'U8', 5: 'I16', 6: 'I8', 8: 'C64', 9: 'I64', 10: 'BOOL', 11: 'I8', 12: 'U8', 13: 'I32', 14: 'BF16',
  15: 'I16', 16: 'U16', 17: 'U16', 18: 'C128', 19: 'F16', 22: 'U32', 23: 'U64', 24: 'F8_E5M2', 25: 'F8_E4M3',
};
const FLOATS: ReadonlySet<DType> = new Set<DType>(['F32', 'F64', 'BF16', 'F16', 'F8_E5M2', 'F8_E4M3', 'C64', 'C128']);

/** The `_val` field of a dtype, and how its entries are stored. */
function fieldOf(dtype: DType): { number: number; wire: ValueList['wire'] } {
  // prettier-ignore
  switch (dtype) {
    case 'F32': return { number: 5, wire: 'fixed32' };
    case 'F64': return { number: 6, wire: 'fixed64' };
    case 'C64': return { number: 9, wire: 'fixed32' };
    case 'C128': return { number: 12, wire: 'fixed64' };
    case 'I64': return { number: 10, wire: 'varint' };
    case 'BOOL': return { number: 11, wire: 'varint' };
    case 'F16': case 'BF16': return { number: 13, wire: 'varint' };
    case 'U32': return { number: 16, wire: 'varint' };
    case 'U64': return { number: 17, wire: 'varint' };
    default: return { number: 7, wire: 'varint' };
  }
}

/** @returns null, with a finding, for tensors that hold no numbers this project lists. */
export async function readTfTensor(
  reader: ProtoReader,
  range: { start: number; end: number },
  name: string,
  findings: Finding[],
): Promise<ProtoTensor | null> {
  const file = reader.source.name;
  const where = { file, byte: range.start, field: name };
  const shape: number[] = [];
  let type = 0;
  let content: { start: number; end: number } | null = null;
  const fields = new Map<number, ValueList>();
  const kinds = new Map(
    (['F32', 'F64', 'C64', 'C128', 'I64', 'BOOL', 'F16', 'U32', 'U64', 'I32'] as const).map((dtype) => [
      fieldOf(dtype).number,
      fieldOf(dtype).wire,
    ]),
  );
  await reader.walk(range.start, range.end, (field) => {
    if (field.number === 1) type = field.value;
    else if (field.number === 2 && field.wire === 2) return readShape(reader, field, shape);
    else if (field.number === 4 && field.wire === 2 && field.end > field.start) content = field;
    const wire = kinds.get(field.number);
    if (!wire) return;
    const list = fields.get(field.number) ?? valueList(wire, wire === 'fixed32' ? 4 : 8);
    fields.set(field.number, list);
    addValues(list, field, file);
  });
  const dtype = TYPES[type];
  if (!dtype) {
    findings.push({
      rule: 'weights/tensor-not-listed',
      severity: type === 7 ? 'note' : 'warning',
      where,
      what: `tensor "${name}" has type ${type}${type === 7 ? ' (texts)' : ''} and is not listed`,
      why: 'its values were not looked at',
      fix: 'none needed for texts and handles',
      source: 'tensorflow types.proto',
    });
    return null;
  }
  const bytes = storedBytes(dtype, shape, name, file);
  const constant = !FLOATS.has(dtype) || shape.length === 0 ? { constant: true } : {};
  const at = content as { start: number; end: number } | null;
  if (at) {
    if (at.end - at.start !== bytes)
      throw new WeightsError('WEIGHTS_HEADER', `tensor "${name}" holds ${at.end - at.start} bytes, its shape and type need ${bytes}`, {
        where,
      });
    return { info: { name, dtype, shape, file, offset: at.start, bytes, ...constant } };
  }
  const { number, wire } = fieldOf(dtype);
  const noted = fields.get(number) ?? valueList(wire, 8);
  const values: ValueList = { ...noted, unit: wire === 'varint' ? DTYPES[dtype].blockBytes : wire === 'fixed32' ? 4 : 8 };
  const plain = plainRange(values);
  if (plain && plain.bytes === bytes) return { info: { name, dtype, shape, file, offset: plain.start, bytes, ...constant } };
  if (values.entries * values.unit > bytes)
    throw new WeightsError('WEIGHTS_HEADER', `tensor "${name}" holds more values than its shape asks for`, { where });
  return {
    info: { name, dtype, shape, file, offset: -1, bytes, ...constant },
    values,
    ...(!canHold(values, bytes) || Number.isNaN(values.entries) ? { fill: true } : {}),
  };
}

/** TensorShapeProto: dimensions of field 2, each with its size in field 1. */
async function readShape(reader: ProtoReader, range: { start: number; end: number }, shape: number[]): Promise<void> {
  const file = reader.source.name;
  await reader.walk(range.start, range.end, async (dim) => {
    if (dim.number === 3 && dim.value !== 0)
      throw new WeightsError('WEIGHTS_SHAPE', `${file} holds a constant of unknown rank`, { where: { file, byte: dim.tag } });
    if (dim.number !== 2 || dim.wire !== 2) return;
    let size = 0;
    await reader.walk(dim.start, dim.end, (part) => {
      if (part.number === 1) size = part.value;
    });
    shape.push(size);
    if (shape.length > MAX_AXES)
      throw new WeightsError('WEIGHTS_SHAPE', `${file} holds a tensor of over ${MAX_AXES} axes`, { where: { file, byte: dim.tag } });
  });
}
