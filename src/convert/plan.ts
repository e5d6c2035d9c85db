/**
 * What a safetensors copy of a model will hold: every tensor under its own name, dense, in its own number format.
 * Built from the format page of huggingface/safetensors (README "Format") and the dtype table of its tensor.rs.
 * @module
 */
import { HeirloomError } from '../base/index.ts';
import { type Checkpoint, DTYPES, type DType, type MetaValue, type TensorInfo } from '../weights/index.ts';
import type { ConversionPlan, LeftOut, SharedValues } from './types.ts';

/** Number formats as safetensors spells them. What is not here has no place in it (packed 4-bit types, ggml blocks, double complex). */
const SPELLED: Partial<Record<DType, string>> = {
  F64: 'F64',
  F32: 'F32',
  F16: 'F16',
  BF16: 'BF16',
  F8_E4M3: 'F8_E4M3',
  F8_E5M2: 'F8_E5M2',
  F8_E8M0: 'F8_E8M0',
  I64: 'I64',
  I32: 'I32',
  I16: 'I16',
  I8: 'I8',
  U64: 'U64',
  U32: 'U32',
  U16: 'U16',
  U8: 'U8',
  BOOL: 'BOOL',
  C64: 'C64',
};
/** The reference reader refuses longer headers. */
const MAX_HEADER_BYTES = 100_000_000;
/** A few bytes of views can claim petabytes; honest sharing (tied tables, per-layer views) at most doubles a file several times. (CWE-400) */
const MAX_GROWTH = 8;
const FREE_BYTES = 1 << 30;
/** Formats whose tensors PyTorch wrote: Transformers loads a file only when it says of which framework it is. */
const TORCH: ReadonlySet<string> = new Set(['pytorch', 'pickle']);

/**
 * @param sourceBytes size of the files the checkpoint was read from.
 * @throws HeirloomError `CONVERT_NOTHING` when no tensor can be carried, `CONVERT_TOO_LARGE` when the copy would be many times the source.
 */
export function planSafetensors(checkpoint: Checkpoint, sourceBytes: number): ConversionPlan {
  const file = checkpoint.files[0] ?? '';
  // A partial copy without its quantized matrices would pass for the model.
  if (checkpoint.format === 'gguf')
    throw new HeirloomError('CONVERT_NOTHING', `${file} is GGUF, whose blocks of quantized numbers have no place in safetensors`, {
      where: { file },
      hint: 'GGUF carries no code: it can be used as it is',
    });
  const leftOut: LeftOut[] = checkpoint.findings
    .filter(({ rule }) => rule === 'weights/values-not-read')
    .map(({ where, what }) => ({ name: where.field ?? '', why: what }));
  const names = new Set<string>();
  const carried: TensorInfo[] = [];
  for (const tensor of checkpoint.tensors) {
    const name = wellFormed(tensor.name);
    if (!SPELLED[tensor.dtype]) leftOut.push({ name, why: `safetensors has no number format for ${tensor.dtype}` });
    else if (name === '__metadata__' || names.has(name)) leftOut.push({ name, why: 'safetensors cannot hold a tensor of this name' });
    else {
      names.add(name);
      carried.push(tensor);
    }
  }
  if (carried.length === 0)
    throw new HeirloomError(
      'CONVERT_NOTHING',
      `${file} holds no tensor that safetensors can carry${leftOut[0] ? `: ${leftOut[0].why}` : ''}`,
      {
        where: { file },
      },
    );
  const bytes = carried.reduce((sum, tensor) => sum + tensor.bytes, 0);
  if (bytes > MAX_GROWTH * sourceBytes + FREE_BYTES)
    throw new HeirloomError('CONVERT_TOO_LARGE', `the tensors of ${file} claim ${bytes} bytes, the file has ${sourceBytes}`, {
      where: { file },
      hint: 'its tensors are views that repeat a small storage; such a file is no honest checkpoint',
    });
  // As the reference writer orders them: widest numbers first, so that every tensor is aligned, then by name.
  const width = ({ dtype }: TensorInfo): number => DTYPES[dtype].blockBytes;
  const tensors = carried.sort((a, b) => width(b) - width(a) || (a.name < b.name ? -1 : 1));
  const metadata = metadataOf(checkpoint);
  return {
    header: headerOf(tensors, metadata, file),
    tensors,
    bytes,
    metadata,
    leftOut: withCode(checkpoint, leftOut),
    shared: sharedIn(tensors),
  };
}

/** safetensors holds strings only: what is none is written as JSON. */
function metadataOf(checkpoint: Checkpoint): ReadonlyMap<string, string> {
  const out = new Map<string, string>();
  for (const [key, value] of checkpoint.metadata) out.set(wellFormed(key), wellFormed(typeof value === 'string' ? value : asJson(value)));
  if (TORCH.has(checkpoint.format) && !out.has('format')) out.set('format', 'pt');
  return out;
}

function asJson(value: MetaValue): string {
  return JSON.stringify(value);
}

function headerOf(tensors: readonly TensorInfo[], metadata: ReadonlyMap<string, string>, file: string): Uint8Array {
  let end = 0;
  const entries = tensors.map((tensor) => {
    const start = end;
    end += tensor.bytes;
    const about = { dtype: SPELLED[tensor.dtype], shape: tensor.shape, data_offsets: [start, end] };
    return `${JSON.stringify(wellFormed(tensor.name))}:${JSON.stringify(about)}`;
  });
  const about =
    metadata.size > 0
      ? [`"__metadata__":{${[...metadata].map(([key, value]) => `${JSON.stringify(key)}:${JSON.stringify(value)}`).join(',')}}`]
      : [];
  const text = new TextEncoder().encode(`{${[...about, ...entries].join(',')}}`);
  const length = Math.ceil(text.length / 8) * 8;
  if (length > MAX_HEADER_BYTES)
    throw new HeirloomError(
      'CONVERT_TOO_LARGE',
      `the header of the copy would have ${length} bytes, over the ${MAX_HEADER_BYTES} readers take`,
      {
        where: { file },
      },
    );
  const header = new Uint8Array(8 + length).fill(0x20);
  new DataView(header.buffer).setBigUint64(0, BigInt(length), true);
  header.set(text, 8);
  return header;
}

/** Names of one storage read alike: safetensors knows no sharing, so each is written in full. */
function sharedIn(tensors: readonly TensorInfo[]): SharedValues[] {
  const groups = new Map<string, string[]>();
  for (const { name, storage } of tensors) if (storage !== undefined) groups.set(storage, [...(groups.get(storage) ?? []), name]);
  return [...groups].flatMap(([storage, names]) => (names.length > 1 ? [{ storage, names }] : []));
}

function withCode(checkpoint: Checkpoint, leftOut: readonly LeftOut[]): LeftOut[] {
  const what: Partial<Record<string, string>> = {
    onnx: 'the graph of operators',
    pytorch: 'Python objects and code beside the tensors, if any',
    pickle: 'Python objects beside the tensors, if any',
    'keras-h5': 'the layers and their configuration',
    'keras-zip': 'the layers and their configuration',
    'tf-graphdef': 'the graph of operators',
    caffe: 'the layers and their configuration',
    tflite: 'the graph of operators',
    tfjs: 'the layers and their configuration',
  };
  const one = what[checkpoint.format];
  return one === undefined ? [...leftOut] : [...leftOut, { name: '', why: `safetensors holds numbers only: ${one} stays behind` }];
}

function wellFormed(text: string): string {
  return new TextDecoder().decode(new TextEncoder().encode(text));
}
