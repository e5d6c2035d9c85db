/**
 * ONNX: initializers, constants and external data of a ModelProto, without loading it.
 * Built from onnx.proto of ONNX 1.23 (IR version 13) and its document "External Data".
 * Tensors of subgraphs, functions and training graphs carry the path to them in front of their name.
 * @module
 */
import type { ByteSource, FileTree } from '../base/index.ts';
import { makeCheckpoint } from './checkpoint.ts';
import { type OnnxScope, type OnnxWalk, readGraph, readNode } from './onnx-graph.ts';
import { orient } from './onnx-orientation.ts';
import { readEntry } from './onnx-tensor.ts';
import { type Field, protoReader, type ProtoReader } from './protobuf.ts';
import { protoStored } from './protobuf-values.ts';
import { type Checkpoint, type MetaValue, WeightsError } from './types.ts';

/** Of a documentation text; the rest is not kept. (CWE-789) */
const MAX_DOC_BYTES = 64 * 1024;
/** Metadata entries, operator sets and functions of one model. (CWE-770) */
const MAX_ENTRIES = 10_000;

/** Plain texts and numbers of ModelProto, by field number. */
const TEXTS: Readonly<Record<number, string>> = { 2: 'producer_name', 3: 'producer_version', 4: 'domain' };
const NUMBERS: Readonly<Record<number, string>> = { 1: 'ir_version', 5: 'model_version' };

/**
 * Metadata keys: `onnx.*` for the model's own fields (`onnx.ops` is a list of `[domain, operator, count]`, `onnx.opset_import` of
 * `[domain, version]`, `onnx.functions` of `[domain, name]`, `onnx.external_data` of paths), `onnx.metadata_props.*` for what its publisher wrote.
 * A missing external file is a finding; reading its tensors is `WEIGHTS_MISSING_FILE`.
 * @throws WeightsError naming file and byte or tensor.
 */
export async function openOnnx(tree: FileTree, path: string): Promise<Checkpoint> {
  const source = await tree.open(path);
  const reader = protoReader(source);
  const walk: OnnxWalk = { tree, tensors: [], names: new Set(), findings: [], external: new Map(), scopes: [], ops: new Map(), nodes: 0 };
  const metadata = new Map<string, MetaValue>();
  await readModel(reader, walk, metadata);
  orient(walk.scopes);
  metadata.set(
    'onnx.ops',
    [...walk.ops].map(([key, count]) => [...key.split('\0'), count]),
  );
  if (walk.external.size > 0) metadata.set('onnx.external_data', [...walk.external.keys()]);
  const sources = new Map<string, ByteSource>([[path, source]]);
  for (const [file, size] of walk.external) if (size !== null) sources.set(file, await tree.open(file));
  return makeCheckpoint({
    format: 'onnx',
    formatVersion: `ONNX IR ${String(metadata.get('onnx.ir_version') ?? 'unversioned')}`,
    files: [...sources.keys()],
    tensors: walk.tensors.map((tensor) => tensor.info),
    metadata,
    findings: walk.findings,
    readStored: protoStored(sources, walk.tensors),
  });
}

async function readModel(reader: ProtoReader, walk: OnnxWalk, metadata: Map<string, MetaValue>): Promise<void> {
  const file = reader.source.name;
  const opsets: MetaValue[] = [];
  const functions: MetaValue[] = [];
  const properties = new Map<string, string>();
  let graphs = 0;
  let trainings = 0;
  const readMessage = async (field: Field): Promise<void> => {
    const bounded = (list: { length: number }): void => {
      if (list.length >= MAX_ENTRIES)
        throw new WeightsError('WEIGHTS_LIMIT', `${file} lists over ${MAX_ENTRIES} entries of field ${field.number}`, {
          where: { file, byte: field.tag },
        });
    };
    if (field.number in TEXTS) metadata.set(`onnx.${TEXTS[field.number]}`, reader.text(field));
    else if (field.number === 6) metadata.set('onnx.doc_string', await reader.longText(field, MAX_DOC_BYTES));
    else if (field.number === 7) {
      // A second graph would be merged by protobuf and hidden by readers that take the last.
      if (++graphs > 1) throw new WeightsError('WEIGHTS_DUPLICATE', `${file} holds two graphs`, { where: { file, byte: field.tag } });
      const names = await readGraph(reader, field, '', null, walk);
      metadata.set('onnx.graph.name', names.name);
      metadata.set('onnx.inputs', names.inputs);
      metadata.set('onnx.outputs', names.outputs);
    } else if (field.number === 8) {
      bounded(opsets);
      opsets.push(await readOpset(reader, field));
    } else if (field.number === 14) {
      bounded({ length: properties.size });
      await readEntry(reader, field.start, field.end, properties);
    } else if (field.number === 20) {
      const prefix = `training_info.${trainings++}.`;
      await reader.walk(field.start, field.end, async (part) => {
        if (part.wire === 2 && part.number <= 2)
          await readGraph(reader, part, `${prefix}${part.number === 1 ? 'initialization' : 'algorithm'}/`, null, walk);
      });
    } else if (field.number === 25) {
      bounded(functions);
      functions.push(await readFunction(reader, field, walk, functions.length));
    }
  };
  // Numbers wait for nothing: a file may be nothing else.
  await reader.walk(0, reader.source.size, (field) => {
    if (field.wire === 2) return readMessage(field);
    if (field.wire === 0 && field.number in NUMBERS) metadata.set(`onnx.${NUMBERS[field.number]}`, field.value);
    return undefined;
  });
  if (graphs === 0) throw new WeightsError('WEIGHTS_HEADER', `${file} holds no graph`, { where: { file, field: 'graph' } });
  metadata.set('onnx.opset_import', opsets);
  if (functions.length > 0) metadata.set('onnx.functions', functions);
  for (const [key, value] of properties) metadata.set(`onnx.metadata_props.${key}`, value);
}

async function readOpset(reader: ProtoReader, field: Field): Promise<MetaValue> {
  let domain = '';
  let version = 0;
  await reader.walk(field.start, field.end, (part) => {
    if (part.number === 1) domain = reader.text(part);
    if (part.number === 2) version = part.value;
  });
  return [domain, version];
}

async function readFunction(reader: ProtoReader, field: Field, walk: OnnxWalk, index: number): Promise<MetaValue> {
  let name = '';
  let domain = '';
  const scope: OnnxScope = { parent: null, tensors: new Map(), nodes: [] };
  walk.scopes.push(scope);
  await reader.walk(field.start, field.end, (part) => {
    if (part.wire !== 2) return;
    if (part.number === 1) name = reader.text(part);
    else if (part.number === 10) domain = reader.text(part);
    else if (part.number === 7) return readNode(reader, part, `function.${index}/`, scope, walk, 0);
  });
  return [domain, name];
}
