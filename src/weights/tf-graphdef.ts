/**
 * TensorFlow frozen graphs (`.pb`): the Const nodes of a GraphDef and of its function library.
 * Built from graph.proto, node_def.proto, attr_value.proto, tensor.proto, tensor_shape.proto and types.proto of TensorFlow 2.
 * A SavedModel keeps its weights in `variables/` and is not read yet.
 * @module
 */
import type { FileTree, Finding } from '../base/index.ts';
import { makeCheckpoint, MAX_TENSORS } from './checkpoint.ts';
import { type Field, protoReader, type ProtoReader } from './protobuf.ts';
import { type ProtoTensor, protoStored } from './protobuf-values.ts';
import { orientNodes, type TfNode } from './tf-orientation.ts';
import { readTfTensor } from './tf-tensor.ts';
import { type Checkpoint, type MetaValue, WeightsError } from './types.ts';

/** Nodes of all graphs; unrolled training graphs have about 200,000. (CWE-770) */
const MAX_NODES = 1_000_000;
/** Inputs of one node; concatenations of a whole batch have a few hundred. (CWE-770) */
const MAX_INPUTS = 10_000;

interface Walk {
  readonly reader: ProtoReader;
  readonly tensors: ProtoTensor[];
  readonly names: Set<string>;
  readonly ops: Map<string, number>;
  readonly findings: Finding[];
  nodes: number;
}

/**
 * Metadata: `tf.ops` is a list of `[operation, count]`, `tf.producer` the GraphDef version that wrote it.
 * Constants that are not floating point, or are single numbers, are marked `constant`: frozen weights are arrays of floats.
 * @throws WeightsError naming file and byte or tensor.
 */
export async function openTfGraphDef(tree: FileTree, path: string): Promise<Checkpoint> {
  const source = await tree.open(path);
  const reader = protoReader(source);
  const walk: Walk = { reader, tensors: [], names: new Set(), ops: new Map(), findings: [], nodes: 0 };
  const metadata = new Map<string, MetaValue>();
  const nodes = new Map<string, TfNode>();
  let functions = 0;
  await reader.walk(0, source.size, async (field) => {
    if (field.number === 1 && field.wire === 0)
      throw new WeightsError(
        'WEIGHTS_NOT_READ_YET',
        `${path} is a TensorFlow SavedModel; its weights stand in variables/, which Heirloom does not read yet`,
        { where: { file: path, byte: 0 } },
      );
    if (field.number === 1) await readNode(walk, field, '', nodes);
    else if (field.number === 4 && field.wire === 2)
      await reader.walk(field.start, field.end, (part) => {
        if (part.number === 1) metadata.set('tf.producer', part.value);
      });
    else if (field.number === 2 && field.wire === 2)
      await reader.walk(field.start, field.end, async (part) => {
        if (part.number === 1 && part.wire === 2) await readFunction(walk, part, functions++);
      });
  });
  if (walk.nodes === 0) throw new WeightsError('WEIGHTS_HEADER', `${path} holds no nodes`, { where: { file: path, field: 'node' } });
  orientNodes(nodes, new Map(walk.tensors.map((tensor) => [tensor.info.name, tensor])));
  metadata.set(
    'tf.ops',
    [...walk.ops].map(([op, count]) => [op, count]),
  );
  return makeCheckpoint({
    format: 'tf-graphdef',
    formatVersion: 'TensorFlow GraphDef',
    files: [path],
    tensors: walk.tensors.map((tensor) => tensor.info),
    metadata,
    findings: walk.findings,
    readStored: protoStored(new Map([[path, source]]), walk.tensors),
  });
}

/** A FunctionDef: its body's nodes are named inside it only. */
async function readFunction(walk: Walk, range: Field, index: number): Promise<void> {
  const nodes = new Map<string, TfNode>();
  await walk.reader.walk(range.start, range.end, async (field) => {
    if (field.number === 3 && field.wire === 2) await readNode(walk, field, `function.${index}/`, nodes);
  });
}

async function readNode(walk: Walk, range: Field, prefix: string, nodes: Map<string, TfNode>): Promise<void> {
  const { reader } = walk;
  const file = reader.source.name;
  const fail = (code: 'WEIGHTS_LIMIT' | 'WEIGHTS_DUPLICATE', what: string): never => {
    throw new WeightsError(code, `${file} ${what}`, { where: { file, byte: range.start } });
  };
  if (range.wire !== 2) return;
  if (++walk.nodes > MAX_NODES) fail('WEIGHTS_LIMIT', `holds over ${MAX_NODES} nodes`);
  let name = '';
  let op = '';
  const inputs: string[] = [];
  let value: { start: number; end: number } | null = null;
  let transposed = false;
  await reader.walk(range.start, range.end, async (field) => {
    if (field.number === 1) name = reader.text(field);
    else if (field.number === 2) op = reader.text(field);
    else if (field.number === 3) {
      if (inputs.length >= MAX_INPUTS) fail('WEIGHTS_LIMIT', `gives one node over ${MAX_INPUTS} inputs`);
      inputs.push(reader.text(field));
    } else if (field.number === 5 && field.wire === 2) {
      const attribute = await readAttribute(reader, field);
      if (attribute.key === 'value' && attribute.tensor) value = attribute.tensor;
      if ((attribute.key === 'transpose_b' || attribute.key === 'adj_y') && attribute.flag) transposed = true;
    }
  });
  walk.ops.set(op, (walk.ops.get(op) ?? 0) + 1);
  if (nodes.has(name)) fail('WEIGHTS_DUPLICATE', `names the node "${name}" twice`);
  nodes.set(name, { op, inputs, transposed });
  if (op !== 'Const' || !value) return;
  if (walk.tensors.length >= MAX_TENSORS) fail('WEIGHTS_LIMIT', `lists over ${MAX_TENSORS} tensors`);
  const full = prefix + name;
  if (walk.names.has(full)) fail('WEIGHTS_DUPLICATE', `names the tensor "${full}" twice`);
  walk.names.add(full);
  const tensor = await readTfTensor(reader, value, full, walk.findings);
  if (tensor) walk.tensors.push(tensor);
}

/** An entry of NodeDef.attr: key and AttrValue. */
async function readAttribute(
  reader: ProtoReader,
  range: Field,
): Promise<{ key: string; flag: boolean; tensor: { start: number; end: number } | null }> {
  let key = '';
  let flag = false;
  let tensor: { start: number; end: number } | null = null;
  await reader.walk(range.start, range.end, (field) => {
    if (field.number === 1) key = reader.text(field);
    if (field.number === 2 && field.wire === 2)
      return reader.walk(field.start, field.end, (part) => {
        if (part.number === 5 && part.wire === 0) flag = part.value !== 0;
        if (part.number === 8 && part.wire === 2) tensor = { start: part.start, end: part.end };
      });
  });
  return { key, flag, tensor };
}
