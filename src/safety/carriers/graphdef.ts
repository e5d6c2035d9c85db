/**
 * TensorFlow programs: SavedModel, GraphDef, their function libraries, graphs serialized into constants, and Keras' own file beside them.
 * Built from saved_model.proto, meta_graph.proto, graph.proto, function.proto, node_def.proto, attr_value.proto, tensor.proto.
 * @module
 */
import { type ByteSource, HeirloomError } from '../../base/index.ts';
import { type ProtoField, protoReader, type ProtoReader, sliceSource } from '../../weights/index.ts';
import { type Collector, report } from '../rules.ts';
import { judgeKerasConfig } from './keras.ts';
import { judgeOperation } from './tensorflow-operations.ts';

/** Graphs in constants of graphs. (CWE-674) */
const MAX_DEPTH = 4;
/** A serialized graph in a constant; and all of one file. (CWE-407) */
const MAX_INNER = 64 << 20;
const MAX_CONSTANTS = 10_000;
const MAX_TEXT = 16 << 20;

interface Look {
  readonly source: ByteSource;
  readonly reader: ProtoReader;
  readonly into: Collector;
  readonly depth: number;
  /** Shared over all graphs of the file. */
  readonly budget: { constants: number; bytes: number };
  /** Texts long enough to be a graph. */
  readonly texts: { readonly start: number; readonly end: number }[];
}

/** @param source a SavedModel or a GraphDef. */
export async function judgeGraphDef(source: ByteSource, into: Collector): Promise<void> {
  try {
    await judgeGraphs(source, into, 0, { constants: 0, bytes: 0 });
  } catch (error) {
    if (!(error instanceof HeirloomError) || error.code.startsWith('SOURCE_')) throw error;
    report(into, 'broken-file', error.where ?? { file: source.name }, error.message);
  }
}

async function judgeGraphs(source: ByteSource, into: Collector, depth: number, budget: Look['budget']): Promise<void> {
  const look: Look = { source, reader: protoReader(source), into, depth, budget, texts: [] };
  let version = false;
  let nodes = false;
  await look.reader.walk(0, source.size, (field) => {
    if (field.number === 1)
      if (field.wire === 0) version = true;
      else nodes = true;
  });
  await look.reader.walk(0, source.size, (field) => {
    if (version) return judgeMetaGraph(look, field);
    if (nodes || field.number !== 2) return judgeGraphField(look, field);
    // A graph of functions alone, or a SavedModel whose version, as proto3 leaves out zeros, is not written.
    return eachThatReads([() => judgeMetaGraph(look, field), () => judgeGraphField(look, field)]);
  });
  for (const { start, end } of look.texts) await judgeConstant(look, start, end);
}

/** Does all of them. @throws the last error when none succeeds. */
async function eachThatReads(readings: readonly (() => void | Promise<void>)[]): Promise<void> {
  const failed: unknown[] = [];
  for (const read of readings)
    try {
      await read();
    } catch (error) {
      if (!(error instanceof HeirloomError) || error.code.startsWith('SOURCE_')) throw error;
      failed.push(error);
    }
  if (failed.length === readings.length) throw failed.at(-1);
}

/** One of a SavedModel's `meta_graphs`. */
function judgeMetaGraph(look: Look, field: ProtoField): void | Promise<void> {
  if (field.number !== 2 || field.wire !== 2) return undefined;
  return look.reader.walk(field.start, field.end, (part) => (part.number === 2 && part.wire === 2 ? judgeGraph(look, part) : undefined));
}

/** @param source a MetaGraphDef alone, as TensorFlow 1 writes beside a checkpoint (`model.ckpt.meta`). Other files are called so too. */
export async function judgeMeta(source: ByteSource, into: Collector): Promise<void> {
  const trial: Collector = { ...into, findings: [] };
  const look: Look = { source, reader: protoReader(source), into: trial, depth: 0, budget: { constants: 0, bytes: 0 }, texts: [] };
  try {
    await look.reader.walk(0, source.size, (field) => (field.number === 2 && field.wire === 2 ? judgeGraph(look, field) : undefined));
    for (const { start, end } of look.texts) await judgeConstant(look, start, end);
  } catch (error) {
    if (!(error instanceof HeirloomError) || error.code.startsWith('SOURCE_')) throw error;
    return;
  }
  into.findings.push(...trial.findings);
}

async function judgeGraph(look: Look, range: ProtoField): Promise<void> {
  await look.reader.walk(range.start, range.end, (field) => judgeGraphField(look, field));
}

/** Undefined where there is nothing to wait for: a file may be nothing but small fields. */
function judgeGraphField(look: Look, field: ProtoField): Promise<void> | undefined {
  if (field.wire !== 2) return undefined;
  if (field.number === 1) return judgeNode(look, field);
  if (field.number !== 2) return undefined;
  return look.reader.walk(field.start, field.end, (part) => {
    if (part.number !== 1 || part.wire !== 2) return undefined;
    return look.reader.walk(part.start, part.end, (node) => (node.number === 3 && node.wire === 2 ? judgeNode(look, node) : undefined));
  });
}

async function judgeNode(look: Look, range: ProtoField): Promise<void> {
  let name = '';
  let op = '';
  await look.reader.walk(range.start, range.end, (field) => {
    if (field.wire !== 2) return undefined;
    if (field.number === 1) name = look.reader.text(field);
    else if (field.number === 2) op = look.reader.text(field);
    else if (field.number === 5) return judgeAttribute(look, field, op, name);
    return undefined;
  });
  judgeOperation(op, { file: look.source.name, byte: range.tag, field: name.slice(0, 200) }, look.into);
}

/** Map entry: key, AttrValue {list 1, s 2, tensor 8}; texts of constants, and where `PrintV2` prints to. */
async function judgeAttribute(look: Look, range: ProtoField, op: string, name: string): Promise<void> {
  let key = '';
  await look.reader.walk(range.start, range.end, async (field) => {
    if (field.number === 1 && field.wire === 2) key = look.reader.text(field);
    if (field.number !== 2 || field.wire !== 2) return;
    await look.reader.walk(field.start, field.end, async (part) => {
      if (part.wire !== 2) return;
      if (part.number === 2) {
        if (key === 'output_stream' || key === 'debug_urls') await judgeStream(look, part, op, name);
        else noteText(look, part);
      } else if (part.number === 1)
        await look.reader.walk(part.start, part.end, async (item) => {
          if (item.number !== 2 || item.wire !== 2) return;
          if (key === 'debug_urls') await judgeStream(look, item, op, name);
          else noteText(look, item);
        });
      else if (part.number === 8)
        await look.reader.walk(part.start, part.end, (value) => {
          if (value.number === 8 && value.wire === 2) noteText(look, value);
        });
    });
  });
}

async function judgeStream(look: Look, field: ProtoField, op: string, name: string): Promise<void> {
  const to = await look.reader.longText(field, 1000);
  if (/^(file|https?|grpc|memcbk):\/\//i.test(to))
    report(
      look.into,
      'graph-operation',
      { file: look.source.name, byte: field.tag, field: name },
      `the graph holds ${op || 'an operation'}, which writes to ${to.slice(0, 100)}`,
    );
}

function noteText(look: Look, field: ProtoField): void {
  if (field.end - field.start >= 16 && look.budget.constants < MAX_CONSTANTS) {
    look.budget.constants++;
    look.texts.push({ start: field.start, end: field.end });
  }
}

/** `DatasetFromGraph` and the like take a whole graph as a text. */
async function judgeConstant(look: Look, start: number, end: number): Promise<void> {
  if (look.depth >= MAX_DEPTH || look.budget.bytes + end - start > MAX_INNER) return;
  const head = await look.source.read(start, 1);
  // A GraphDef begins with a node, its library or its versions.
  if (![0x0a, 0x12, 0x22].includes(head[0]!)) return;
  look.budget.bytes += end - start;
  try {
    await judgeGraphs(
      sliceSource(look.source, start, end - start, `${look.source.name}!bytes@${start}`),
      look.into,
      look.depth + 1,
      look.budget,
    );
  } catch (error) {
    // Any other text may begin so.
    if (!(error instanceof HeirloomError) || error.code.startsWith('SOURCE_')) throw error;
  }
}

/** `keras_metadata.pb`: SavedMetadata { repeated SavedObject nodes = 1 { string metadata = 5 } }. */
export async function judgeKerasMetadata(source: ByteSource, into: Collector): Promise<void> {
  const reader = protoReader(source);
  try {
    await reader.walk(0, source.size, async (field) => {
      if (field.number !== 1 || field.wire !== 2) return;
      await reader.walk(field.start, field.end, async (part) => {
        if (part.number !== 5 || part.wire !== 2) return;
        const text = await reader.longText(part, MAX_TEXT);
        if (text.startsWith('{')) judgeKerasConfig(new TextEncoder().encode(text), source.name, into);
      });
    });
  } catch (error) {
    if (!(error instanceof HeirloomError) || error.code.startsWith('SOURCE_')) throw error;
    report(into, 'broken-file', error.where ?? { file: source.name }, error.message);
  }
}
