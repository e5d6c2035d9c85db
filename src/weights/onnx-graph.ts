/**
 * ONNX graphs: initializers, constants, subgraphs, and what the nodes are, with the bulk data skipped.
 * Built from onnx.proto of ONNX 1.23: GraphProto, NodeProto, AttributeProto, FunctionProto.
 * @module
 */
import { WeightsError } from './types.ts';
import { DTYPES, type DType } from './dtypes.ts';
import { type OnnxTensors, readOnnxTensor } from './onnx-tensor.ts';
import type { Field, ProtoReader } from './protobuf.ts';
import { addValues, plainRange, type ProtoTensor, type ValueList, valueList } from './protobuf-values.ts';
import { MAX_TENSORS } from './checkpoint.ts';

/** Nodes of all graphs; unrolled exports of large models have about 100,000. (CWE-770) */
const MAX_NODES = 500_000;
/** Inputs, outputs or small integer lists of one node. (CWE-770) */
const MAX_LIST = 10_000;
/** Subgraphs inside subgraphs (If in Loop in If). (CWE-674) */
const MAX_SUBGRAPHS = 16;

export interface OnnxNode {
  readonly op: string;
  readonly domain: string;
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  readonly perm?: readonly number[];
  readonly transA?: boolean;
  readonly transB?: boolean;
}

/** One graph: names are resolved in it, then in its parent. */
export interface OnnxScope {
  readonly parent: OnnxScope | null;
  readonly tensors: Map<string, ProtoTensor>;
  readonly nodes: OnnxNode[];
}

export interface OnnxWalk extends OnnxTensors {
  readonly scopes: OnnxScope[];
  /** `domain` + NUL + op type → how many. */
  readonly ops: Map<string, number>;
  nodes: number;
}

type Range = { start: number; end: number };

interface GraphNames {
  name: string;
  readonly inputs: string[];
  readonly outputs: string[];
}

/** @param prefix of tensor names in this graph; empty for the main graph. */
export async function readGraph(
  reader: ProtoReader,
  range: Range,
  prefix: string,
  parent: OnnxScope | null,
  walk: OnnxWalk,
  depth = 0,
): Promise<GraphNames> {
  const file = reader.source.name;
  if (depth > MAX_SUBGRAPHS)
    throw new WeightsError('WEIGHTS_LIMIT', `${file} nests subgraphs deeper than ${MAX_SUBGRAPHS}`, { where: { file, byte: range.start } });
  const scope: OnnxScope = { parent, tensors: new Map(), nodes: [] };
  walk.scopes.push(scope);
  const names: GraphNames = { name: '', inputs: [], outputs: [] };
  await reader.walk(range.start, range.end, (field) => {
    if (field.wire !== 2) return;
    switch (field.number) {
      case 1:
        return readNode(reader, field, prefix, scope, walk, depth);
      case 2:
        names.name = reader.text(field);
        return;
      case 5:
        return readInitializer(reader, field, prefix, scope, walk);
      case 11:
        return readValueName(reader, field, names.inputs);
      case 12:
        return readValueName(reader, field, names.outputs);
      case 15:
        sparse(walk, file, field.start, `${prefix}sparse_initializer`);
    }
  });
  return names;
}

async function readInitializer(reader: ProtoReader, range: Range, prefix: string, scope: OnnxScope, walk: OnnxWalk): Promise<void> {
  checkTensors(reader, range, walk);
  const tensor = await readOnnxTensor(reader, { start: range.start, end: range.end }, { prefix, constant: false }, walk);
  if (tensor) scope.tensors.set(tensor.info.name.slice(prefix.length), tensor);
}

async function readValueName(reader: ProtoReader, range: Range, into: string[]): Promise<void> {
  await reader.walk(range.start, range.end, (field) => {
    if (field.number === 1 && into.length < MAX_LIST) into.push(reader.text(field));
  });
}

function checkTensors(reader: ProtoReader, range: Range, walk: OnnxWalk): void {
  const file = reader.source.name;
  if (walk.tensors.length >= MAX_TENSORS)
    throw new WeightsError('WEIGHTS_LIMIT', `${file} lists over ${MAX_TENSORS} tensors`, { where: { file, byte: range.start } });
}

function sparse(walk: OnnxWalk, file: string, byte: number, field: string): void {
  walk.findings.push({
    rule: 'weights/sparse-tensor',
    severity: 'warning',
    where: { file, byte, field },
    what: 'a sparse tensor is not listed',
    why: 'its values were not looked at',
    fix: 'store it dense to have it compared',
    source: 'onnx.proto, SparseTensorProto',
  });
}

interface Attribute {
  name: string;
  integer: number;
  hasInteger: boolean;
  float: Range | null;
  readonly floats: ValueList;
  /** Noted as places; their count is not known before they are read. */
  readonly integers: ValueList;
  readonly small: number[];
  readonly tensors: Range[];
  readonly graphs: Range[];
}

async function readAttribute(reader: ProtoReader, range: Range, walk: OnnxWalk): Promise<Attribute> {
  const file = reader.source.name;
  const out: Attribute = {
    name: '',
    integer: 0,
    hasInteger: false,
    float: null,
    floats: valueList('fixed32', 4),
    integers: valueList('varint', 8),
    small: [],
    tensors: [],
    graphs: [],
  };
  await reader.walk(range.start, range.end, (field: Field) => {
    switch (field.number) {
      case 1:
        out.name = reader.text(field);
        return;
      case 2:
        if (field.wire === 5) out.float = field;
        return;
      case 3:
        out.integer = field.value;
        out.hasInteger = true;
        addValues(out.integers, field, file);
        return;
      case 5:
      case 10:
        if (field.wire === 2) push(out.tensors, { start: field.start, end: field.end }, reader, field);
        return;
      case 6:
      case 11:
        if (field.wire === 2) push(out.graphs, { start: field.start, end: field.end }, reader, field);
        return;
      case 7:
        return addValues(out.floats, field, file);
      case 8:
        addValues(out.integers, field, file);
        // Long lists are values, short ones may be a permutation.
        if (out.small.length < MAX_LIST && field.end - field.start < 1000) out.small.push(...reader.numbers(field));
        return;
      case 22:
      case 23:
        sparse(walk, file, field.start, out.name);
    }
  });
  return out;
}

function push<T>(list: T[], item: T, reader: ProtoReader, field: Field): void {
  if (list.length >= MAX_LIST)
    throw new WeightsError('WEIGHTS_LIMIT', `${reader.source.name} lists over ${MAX_LIST} parts of one node`, {
      where: { file: reader.source.name, byte: field.tag },
    });
  list.push(item);
}

/** Reads a NodeProto; also used for the nodes of functions. */
export async function readNode(
  reader: ProtoReader,
  range: Range,
  prefix: string,
  scope: OnnxScope,
  walk: OnnxWalk,
  depth: number,
): Promise<void> {
  const file = reader.source.name;
  if (++walk.nodes > MAX_NODES)
    throw new WeightsError('WEIGHTS_LIMIT', `${file} holds over ${MAX_NODES} nodes`, { where: { file, byte: range.start } });
  const { start, end } = range;
  let op = '';
  let domain = '';
  const inputs: string[] = [];
  const outputs: string[] = [];
  const attributes: Attribute[] = [];
  await reader.walk(start, end, async (field) => {
    if (field.number === 1) push(inputs, reader.text(field), reader, field);
    else if (field.number === 2) push(outputs, reader.text(field), reader, field);
    else if (field.number === 4) op = reader.text(field);
    else if (field.number === 7) domain = reader.text(field);
    else if (field.number === 5) push(attributes, await readAttribute(reader, field, walk), reader, field);
  });
  const key = `${domain}\0${op}`;
  walk.ops.set(key, (walk.ops.get(key) ?? 0) + 1);
  const flag = (name: string): boolean => attributes.some((attribute) => attribute.name === name && attribute.integer !== 0);
  const perm = attributes.find((attribute) => attribute.name === 'perm')?.small;
  scope.nodes.push({
    op,
    domain,
    inputs,
    outputs,
    ...(perm && { perm }),
    ...(flag('transA') && { transA: true }),
    ...(flag('transB') && { transB: true }),
  });
  for (const attribute of attributes) {
    for (const [i, tensor] of attribute.tensors.entries()) {
      checkTensors(reader, tensor, walk);
      const own = op === 'Constant' && attribute.name === 'value' && i === 0;
      const named = own ? (outputs[0] ?? '') : `${outputs[0] ?? ''}.${attribute.name}${attribute.tensors.length > 1 ? `.${i}` : ''}`;
      const found = await readOnnxTensor(reader, tensor, { prefix, named, constant: true }, walk);
      if (found && own) scope.tensors.set(named, found);
    }
    if (op === 'Constant') addInline(file, attribute, outputs[0] ?? '', prefix, scope, walk);
    for (const [i, graph] of attribute.graphs.entries()) {
      const which = attribute.graphs.length > 1 ? `.${i}` : '';
      await readGraph(reader, graph, `${prefix}${outputs[0] ?? op}.${attribute.name}${which}/`, scope, walk, depth + 1);
    }
  }
}

/** `value_float`, `value_floats`, `value_int` and `value_ints` of a Constant. */
function addInline(file: string, attribute: Attribute, output: string, prefix: string, scope: OnnxScope, walk: OnnxWalk): void {
  const name = prefix + output;
  const add = (dtype: DType, shape: number[], offset: number, values?: ValueList): void => {
    if (walk.names.has(name))
      throw new WeightsError('WEIGHTS_DUPLICATE', `${file} names the tensor "${name}" twice`, { where: { file, field: name } });
    walk.names.add(name);
    const bytes = shape.reduce((product, size) => product * size, DTYPES[dtype].blockBytes);
    const tensor: ProtoTensor = { info: { name, dtype, shape, file, offset, bytes, constant: true }, ...(values && { values }) };
    walk.tensors.push(tensor);
    scope.tensors.set(output, tensor);
  };
  if (attribute.name === 'value_float' && attribute.float) add('F32', [], attribute.float.start);
  if (attribute.name === 'value_int' && attribute.hasInteger) add('I64', [], -1, attribute.integers);
  const { integers, floats, small } = attribute;
  const count = Number.isNaN(integers.entries) && integers.runs.length === 1 ? small.length : integers.entries;
  if (attribute.name === 'value_ints' && count > 0) add('I64', [count], -1, integers);
  if (attribute.name === 'value_floats' && Number.isInteger(floats.entries)) {
    const plain = plainRange(floats);
    add('F32', [floats.entries], plain ? plain.start : -1, plain ? undefined : floats);
  }
}
