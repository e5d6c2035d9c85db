/**
 * TensorFlow Lite: every offset of the FlatBuffer against the file, and the operators that are not TensorFlow Lite's own.
 * Built from FlatBuffers "Internals" and TensorFlow's `schema.fbs` (version 3). TensorFlow Lite trusts the offsets unless it is built with its verifier.
 * @module
 */
import type { ByteSource } from '../../base/index.ts';
import { type Collector, report } from '../rules.ts';
import { judgeMetadata } from './commands.ts';
import { judgeOperation } from './tensorflow-operations.ts';

const PAGE = 65_536;
const MAX_PAGES = 256;
/** Entries of one vector, and reads of one file. (CWE-834) */
const MAX_ENTRIES = 1_000_000;
const MAX_READS = 20_000_000;
/** Lists may overlap and name one table over and over: what a small file may cost is a fixed part, and so many reads for each byte. (CWE-407) */
const FREE_READS = 200_000;
const READS_PER_BYTE = 2;
/** Custom operators of TensorFlow Lite's own tree, MediaPipe and the Edge TPU. */
const KNOWN =
  /^(TFLite_Detection_PostProcess|Convolution2DTransposeBias|MaxPoolingWithArgmax2D|MaxUnpooling2D|edgetpu-custom-op|AudioSpectrogram|Mfcc|RFFT2D|IRFFT2D|RngBitGenerator|HashtableV2|Roll|ExtractGlimpse|Landmarks2TransformMatrix|TransformLandmarks|TransformTensorBilinear|TFSentencepieceTokenizeOp|Whitespace_?Tokenizer|NGrams|RaggedTensorToTensor|CIRCULAR_BUFFER|ParseExampleV2|Signal(Energy|FilterBank\w*|I?R?Fft\w*|PCAN|Window|Delay|Framer|OverlapAdd|Stacker)|ethos-u|XtensaHifi\w*)$/i;

class Broken extends Error {
  readonly at: number;
  constructor(message: string, at: number) {
    super(message);
    this.at = at;
  }
}

interface Buffer {
  readonly size: number;
  u8(at: number): Promise<number>;
  u16(at: number): Promise<number>;
  u32(at: number): Promise<number>;
  i32(at: number): Promise<number>;
  text(at: number, length: number): Promise<string>;
}

export async function judgeTflite(source: ByteSource, into: Collector): Promise<void> {
  try {
    await judgeModel(pagedBuffer(source), source.name, into);
  } catch (error) {
    if (!(error instanceof Broken)) throw error;
    report(into, 'broken-file', { file: source.name, byte: Math.max(0, error.at) }, `${source.name} ${error.message}`);
  }
}

function pagedBuffer(source: ByteSource): Buffer {
  const pages = new Map<number, Uint8Array>();
  let reads = 0;
  const most = Math.min(MAX_READS, FREE_READS + READS_PER_BYTE * source.size);
  const bytesAt = async (at: number, length: number): Promise<Uint8Array> => {
    if (!(at >= 0) || at + length > source.size) throw new Broken(`points outside itself (${length} bytes at ${at})`, at);
    if (++reads > most) throw new Broken('holds more tables than are looked into', at);
    const index = Math.floor(at / PAGE);
    if (at + length > (index + 1) * PAGE) return source.read(at, length);
    let page = pages.get(index);
    if (!page) {
      if (pages.size >= MAX_PAGES) pages.delete(pages.keys().next().value!);
      page = await source.read(index * PAGE, Math.min(PAGE, source.size - index * PAGE));
      pages.set(index, page);
    }
    return page.subarray(at - index * PAGE, at - index * PAGE + length);
  };
  const number = async (at: number, length: number): Promise<number> => {
    let out = 0;
    for (const [i, byte] of (await bytesAt(at, length)).entries()) out += byte * 256 ** i;
    return out;
  };
  return {
    size: source.size,
    u8: (at) => number(at, 1),
    u16: (at) => number(at, 2),
    u32: (at) => number(at, 4),
    i32: async (at) => (await number(at, 4)) | 0,
    text: async (at, length) => new TextDecoder().decode(await bytesAt(at, length)),
  };
}

interface Table {
  /** Where the field's value is, or 0 when the table leaves it out. */
  field(index: number): number;
}

async function table(b: Buffer, at: number): Promise<Table> {
  const vtable = at - (await b.i32(at));
  const size = await b.u16(vtable);
  const own = await b.u16(vtable + 2);
  if (size < 4 || size % 2 !== 0 || vtable + size > b.size || own < 4 || at + own > b.size)
    throw new Broken('holds a table that leaves the file', at);
  const offsets: number[] = [];
  for (let i = 4; i < size; i += 2) {
    const offset = await b.u16(vtable + i);
    if (offset !== 0 && offset >= own) throw new Broken('holds a field outside its table', at);
    offsets.push(offset);
  }
  return { field: (index) => (offsets[index] ? at + offsets[index]! : 0) };
}

async function follow(b: Buffer, at: number): Promise<number> {
  const offset = await b.u32(at);
  if (offset === 0 || at + offset >= b.size) throw new Broken(`points outside itself (from byte ${at})`, at);
  return at + offset;
}

/** Where a vector's items begin, and how many there are. */
async function vector(b: Buffer, field: number, itemBytes: number): Promise<{ start: number; count: number }> {
  if (field === 0) return { start: 0, count: 0 };
  const at = await follow(b, field);
  const count = await b.u32(at);
  if (at + 4 + count * itemBytes > b.size) throw new Broken(`claims a list of ${count} items that leaves the file`, at);
  if (itemBytes === 4 && count > MAX_ENTRIES) throw new Broken(`claims a list of ${count} tables`, at);
  return { start: at + 4, count };
}

async function text(b: Buffer, field: number): Promise<string> {
  const { start, count } = await vector(b, field, 1);
  return count === 0 ? '' : b.text(start, Math.min(count, 1 << 20));
}

async function tables(b: Buffer, field: number): Promise<Table[]> {
  const { start, count } = await vector(b, field, 4);
  const out: Table[] = [];
  for (let i = 0; i < count; i++) out.push(await table(b, await follow(b, start + 4 * i)));
  return out;
}

/** The table a field leads to, or null when the field is left out. */
async function tableAt(b: Buffer, field: number): Promise<Table | null> {
  return field === 0 ? null : table(b, await follow(b, field));
}

/** Model: version 0, operator_codes 1, subgraphs 2, description 3, buffers 4, metadata_buffer 5, metadata 6, signature_defs 7. */
async function judgeModel(b: Buffer, file: string, into: Collector): Promise<void> {
  const model = await table(b, await follow(b, 0));
  const codes = await tables(b, model.field(1));
  for (const code of codes) await judgeOperator(b, code, file, into);
  const buffers = await tables(b, model.field(4));
  for (const buffer of buffers) {
    await vector(b, buffer.field(0), 1);
    await judgePlace(b, buffer.field(1), buffer.field(2));
  }
  const graphs = await tables(b, model.field(2));
  for (const graph of graphs) await judgeGraph(b, graph, codes.length, buffers.length);
  await vector(b, model.field(5), 4);
  for (const signature of await tables(b, model.field(7))) await judgeSignature(b, signature, graphs.length);
  judgeMetadata('description', await text(b, model.field(3)), file, into);
  for (const entry of await tables(b, model.field(6))) {
    await text(b, entry.field(0));
    const buffer = entry.field(1) ? await b.u32(entry.field(1)) : 0;
    if (buffer >= buffers.length) throw new Broken(`names the buffer ${buffer} of ${buffers.length}`, entry.field(1));
  }
}

/** OperatorCode: custom_code 1. */
async function judgeOperator(b: Buffer, code: Table, file: string, into: Collector): Promise<void> {
  const custom = await text(b, code.field(1));
  if (custom === '') return;
  const where = { file, byte: code.field(1) };
  if (custom.startsWith('Flex')) judgeOperation(custom.slice(4), where, into);
  else if (!KNOWN.test(custom))
    report(into, 'custom-operator', where, `the model needs the operator "${custom.slice(0, 100)}", which is not part of TensorFlow Lite`);
}

/** SignatureDef: inputs 0, outputs 1 (TensorMap: name 0, tensor_index 1), signature_key 2, subgraph_index 4. */
async function judgeSignature(b: Buffer, signature: Table, graphs: number): Promise<void> {
  for (const list of [0, 1]) for (const entry of await tables(b, signature.field(list))) await text(b, entry.field(0));
  await text(b, signature.field(2));
  const graph = signature.field(4) ? await b.u32(signature.field(4)) : 0;
  if (graph >= graphs) throw new Broken(`names the subgraph ${graph} of ${graphs}`, signature.field(4));
}

/** Tensor: shape 0, buffer 2, name 3, quantization 4, sparsity 6, shape_signature 7. */
async function judgeTensor(b: Buffer, tensor: Table, buffers: number): Promise<void> {
  await vector(b, tensor.field(0), 4);
  await text(b, tensor.field(3));
  await vector(b, tensor.field(7), 4);
  const buffer = tensor.field(2) ? await b.u32(tensor.field(2)) : 0;
  if (buffer >= Math.max(1, buffers)) throw new Broken(`gives a tensor the buffer ${buffer} of ${buffers}`, tensor.field(2));
  const quantization = await tableAt(b, tensor.field(4));
  // min, max, scale; zero_point of eight bytes; details of its own making.
  for (const list of [0, 1, 2]) await vector(b, quantization?.field(list) ?? 0, 4);
  await vector(b, quantization?.field(3) ?? 0, 8);
  await vector(b, (await tableAt(b, quantization?.field(5) ?? 0))?.field(0) ?? 0, 1);
  const sparsity = await tableAt(b, tensor.field(6));
  for (const list of [0, 1]) await vector(b, sparsity?.field(list) ?? 0, 4);
  // DimensionMetadata: array_segments 2 and 3, array_indices 4 and 5, each a kind of numbers and a table of them.
  for (const axis of await tables(b, sparsity?.field(2) ?? 0))
    for (const kind of [2, 4]) {
      const type = axis.field(kind) ? await b.u8(axis.field(kind)) : 0;
      await vector(b, (await tableAt(b, axis.field(kind + 1)))?.field(0) ?? 0, type === 3 ? 1 : type === 2 ? 2 : 4);
    }
}

/** SubGraph: tensors 0, inputs 1, outputs 2, operators 3, name 4. */
async function judgeGraph(b: Buffer, graph: Table, codes: number, buffers: number): Promise<void> {
  const tensors = await tables(b, graph.field(0));
  for (const tensor of tensors) await judgeTensor(b, tensor, buffers);
  const within = async (field: number): Promise<void> => {
    const { start, count } = await vector(b, field, 4);
    for (let i = 0; i < count; i++) {
      const index = await b.i32(start + 4 * i);
      // -1 stands for an input left out.
      if (index < -1 || index >= tensors.length) throw new Broken(`names the tensor ${index} of ${tensors.length}`, start + 4 * i);
    }
  };
  await within(graph.field(1));
  await within(graph.field(2));
  // Operator: opcode_index 0, inputs 1, outputs 2, builtin_options 4, custom_options 5, mutating_variable_inputs 7, intermediates 8, large options 9 and 10, builtin_options_2 12.
  for (const operator of await tables(b, graph.field(3))) {
    const code = operator.field(0) ? await b.u32(operator.field(0)) : 0;
    if (code >= codes) throw new Broken(`names the operator code ${code} of ${codes}`, operator.field(0));
    for (const list of [1, 2, 8]) await within(operator.field(list));
    for (const options of [4, 12]) await tableAt(b, operator.field(options));
    for (const list of [5, 7]) await vector(b, operator.field(list), 1);
    await judgePlace(b, operator.field(9), operator.field(10));
  }
  await text(b, graph.field(4));
}

/** Values over 2 GB stand behind the FlatBuffer, at an offset and of a size of eight bytes each. */
async function judgePlace(b: Buffer, offsetAt: number, sizeAt: number): Promise<void> {
  const wide = async (at: number): Promise<number> => (at ? (await b.u32(at)) + 2 ** 32 * (await b.u32(at + 4)) : 0);
  const [offset, size] = [await wide(offsetAt), await wide(sizeAt)];
  if (offset > 1 && offset + size > b.size) throw new Broken(`places ${size} bytes at ${offset}`, offsetAt);
}
