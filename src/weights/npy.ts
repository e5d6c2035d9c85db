/**
 * NumPy's .npy, versions 1 to 3, and .npz (a zip of them).
 * Source: numpy/lib/_format_impl.py (the format's specification in its docstring).
 * @module
 */
import { type ByteSource, decodeLatin1, type Finding } from '../base/index.ts';
import { makeCheckpoint, storedBytes } from './checkpoint.ts';
import { type Literal, parseLiteral } from './npy-literal.ts';
import { numpyDtype } from './pickle-objects.ts';
import { pickledCheckpoint } from './pickle-checkpoint.ts';
import { readPickle } from './pickle.ts';
import { findTensors } from './pickle-walk.ts';
import { sliceSource } from './slice.ts';
import { checkView, denseStrides, plainOffset, readView, type StridedView } from './strided.ts';
import { type Checkpoint, type MetaValue, type TensorInfo, WeightsError } from './types.ts';
import { openZipEntry, readZipRange, type ZipArchive, type ZipEntry } from './zip.ts';

/** NumPy's own cap for untrusted headers (`_MAX_HEADER_SIZE`). (CWE-770) */
const MAX_HEADER_BYTES = 10_000;
/** `NPY_MAXDIMS` of NumPy 2. */
const MAX_NPY_AXES = 64;
/** Strings kept as metadata, in bytes of the array. */
const MAX_TEXT_BYTES = 64 << 10;
/** A deflated array of at most this size is unpacked once and kept. */
const KEEP_INFLATED = 64 << 20;

export interface NpyHeader {
  /** E.g. `<f4`, `|O`; '' for structured types. */
  readonly descr: string;
  readonly fortran: boolean;
  readonly shape: readonly number[];
  /** Of the first data byte, from the start of the array. */
  readonly dataOffset: number;
  readonly version: number;
  /** Whether values are pickled: `O`, alone or inside a structured type. */
  readonly hasObjects: boolean;
  /** Bytes of one value, of records too; null for objects and types we do not know. */
  readonly itemBytes: number | null;
}

/** @throws WeightsError `WEIGHTS_HEADER`, `WEIGHTS_TRUNCATED`, `WEIGHTS_LIMIT` */
export async function readNpyHeader(source: ByteSource): Promise<NpyHeader> {
  const file = source.name;
  if (source.size < 12)
    throw new WeightsError('WEIGHTS_TRUNCATED', `${file} is too short for an .npy header`, { where: { file, byte: 0 } });
  const head = await source.read(0, 12);
  if (decodeLatin1(head.subarray(1, 6)) !== 'NUMPY' || head[0] !== 0x93)
    throw new WeightsError('WEIGHTS_HEADER', `${file} does not begin with the mark of .npy`, { where: { file, byte: 0 } });
  const version = head[6]!;
  if (version < 1 || version > 3)
    throw new WeightsError('WEIGHTS_HEADER', `${file} is .npy version ${version}`, { where: { file, byte: 6 } });
  const view = new DataView(head.buffer, head.byteOffset);
  const start = version === 1 ? 10 : 12;
  const length = version === 1 ? view.getUint16(8, true) : view.getUint32(8, true);
  if (length > MAX_HEADER_BYTES)
    throw new WeightsError('WEIGHTS_LIMIT', `${file} claims a header of ${length} bytes`, { where: { file, byte: 8 } });
  if (start + length > source.size)
    throw new WeightsError('WEIGHTS_TRUNCATED', `${file} ends inside its header`, { where: { file, byte: 8 } });
  const bytes = await source.read(start, length);
  const text = version === 3 ? new TextDecoder().decode(bytes) : decodeLatin1(bytes);
  return { ...parseHeader(text, file, start), dataOffset: start + length, version };
}

/** `{'descr': '<f4', 'fortran_order': False, 'shape': (2, 3), }`: the three keys and nothing else. */
function parseHeader(text: string, file: string, start: number): Omit<NpyHeader, 'dataOffset' | 'version'> {
  const fail = (what: string): never => {
    throw new WeightsError('WEIGHTS_HEADER', `${file}: the .npy header ${what}`, { where: { file, byte: start } });
  };
  const value = parseLiteral(text);
  if (!(value instanceof Map)) return fail('is no dictionary of plain values');
  const descr = value.get('descr');
  const fortran = value.get('fortran_order');
  const shape = value.get('shape');
  if (value.size !== 3 || descr === undefined || typeof fortran !== 'boolean' || !Array.isArray(shape))
    return fail('lacks descr, fortran_order or shape');
  if (!shape.every((size) => typeof size === 'number' && Number.isSafeInteger(size) && size >= 0)) return fail('has an impossible shape');
  if (!isType(descr)) return fail(`names no type of NumPy: ${JSON.stringify(descr).slice(0, 60)}`);
  if (shape.length > MAX_NPY_AXES) return fail(`has ${shape.length} axes, NumPy knows ${MAX_NPY_AXES} at most`);
  return {
    descr: typeof descr === 'string' ? descr : '',
    fortran,
    shape: shape as number[],
    hasObjects: holdsObjects(descr),
    itemBytes: itemBytes(descr),
  };
}
/** Bytes of one value, or null when the type is none we know. */
function itemBytes(descr: Literal): number | null {
  if (typeof descr === 'string') {
    const match = /^[<>|=]?([a-zA-Z?])(\d*)/.exec(descr);
    if (!match || match[1] === 'O') return null;
    return Number(match[2] || 1) * (match[1] === 'U' ? 4 : 1);
  }
  if (!Array.isArray(descr)) return null;
  let sum = 0;
  for (const field of descr) {
    const [, type, shape] = Array.isArray(field) ? field : [];
    const one = type === undefined ? null : itemBytes(type);
    const sizes = shape === undefined ? [] : Array.isArray(shape) ? shape : [shape];
    if (one === null || !sizes.every((size) => typeof size === 'number')) return null;
    sum += sizes.reduce((product: number, size) => product * (size as number), one);
  }
  return sum;
}
/** `<f4`, `<M8[ns]`, a type by name, records of `(name, type, shape)`, `(type, shape)`. */
function isType(descr: Literal): boolean {
  if (typeof descr === 'string')
    return /^[<>=|]?[a-zA-Z?]\d*(\[[^\]]*\])?$|^(bool|object|str|bytes|bfloat|void|(u?int|float|complex)\w+)|,/.test(descr);
  if (!Array.isArray(descr)) return false;
  if (descr.length === 2 && typeof descr[0] === 'string' && typeof descr[1] !== 'string') return isType(descr[0]);
  return descr.every((field) => Array.isArray(field) && field.length >= 2 && isType(field[1]!));
}
function holdsObjects(descr: Literal): boolean {
  if (typeof descr === 'string') return /^[<>|=]?O/.test(descr);
  return (
    Array.isArray(descr) &&
    descr.some((part) => (Array.isArray(part) ? part.slice(1).some((inner) => holdsObjects(inner)) : holdsObjects(part)))
  );
}

/** @throws WeightsError */
export async function openNpy(source: ByteSource): Promise<Checkpoint> {
  const file = source.name;
  const header = await readNpyHeader(source);
  const formatVersion = `npy v${header.version}`;
  if (header.hasObjects) {
    if (header.descr === '')
      throw new WeightsError('WEIGHTS_NOT_DECODABLE', `${file} holds records with objects inside`, { where: { file, byte: 0 } });
    const pickle = await readPickle(source, header.dataOffset);
    const found = findTensors(pickle.value, file);
    return pickledCheckpoint({
      format: 'npy',
      formatVersion: `${formatVersion}, pickled objects, protocol ${pickle.protocol}`,
      file,
      found,
      pickle: source,
      pickleOffset: 0,
      findings: [],
      storages: {
        bigEndian: false,
        find: (_, byte) => {
          throw new WeightsError('WEIGHTS_PICKLE', `${file}: an array refers to values outside it`, { where: { file, byte } });
        },
      },
    });
  }
  const name = file.slice(file.lastIndexOf('/') + 1).replace(/\.npy$/i, '');
  const { dtype, bigEndian } = numpyDtype(header.descr);
  if (!dtype)
    throw new WeightsError(
      'WEIGHTS_NOT_DECODABLE',
      `${file} holds values of type "${header.descr || 'record'}", not numbers Heirloom reads`,
      { where: { file, byte: 0 } },
    );
  const bytes = storedBytes(dtype, header.shape, name, file);
  if (header.dataOffset + bytes > source.size)
    throw new WeightsError('WEIGHTS_TRUNCATED', `${file} needs ${bytes} bytes of values and has ${source.size - header.dataOffset}`, {
      where: { file, byte: header.dataOffset },
    });
  const view = arrayView(header, source.size - header.dataOffset, dtype, bigEndian, name, header.dataOffset, (at, length) =>
    source.read(header.dataOffset + at, length),
  );
  checkView(view, name, file);
  return makeCheckpoint({
    format: 'npy',
    formatVersion,
    files: [file],
    metadata: new Map(),
    findings: trailing(file, header.dataOffset + bytes, source.size),
    tensors: [{ name, dtype, shape: header.shape, file, offset: plainOffset(view), bytes }],
    readStored: (_, start, count) => readView(view, start, count),
  });
}

function arrayView(
  header: NpyHeader,
  bytes: number,
  dtype: TensorInfo['dtype'],
  bigEndian: boolean,
  id: string,
  offset: number,
  read: (offset: number, length: number) => Promise<Uint8Array>,
): StridedView {
  return {
    storage: { id, bytes, offset, read },
    dtype,
    start: 0,
    shape: header.shape,
    stride: denseStrides(header.shape, header.fortran),
    bigEndian,
  };
}

function trailing(file: string, end: number, size: number): Finding[] {
  if (end >= size) return [];
  return [
    {
      rule: 'weights/unclaimed-bytes',
      severity: 'warning',
      where: { file, byte: end },
      what: `${size - end} bytes from byte ${end} belong to no array`,
      why: 'unclaimed bytes can carry anything',
      fix: 'save the array again with numpy.save',
      source: 'numpy/lib/_format_impl.py',
    },
  ];
}

/** @throws WeightsError */
export async function openNpz(archive: ZipArchive): Promise<Checkpoint> {
  const file = archive.source.name;
  const findings: Finding[] = [...archive.findings];
  const metadata = new Map<string, MetaValue>();
  const views = new Map<string, StridedView>();
  const tensors: TensorInfo[] = [];
  for (const entry of archive.entries) {
    if (!entry.name.endsWith('.npy')) continue;
    const name = entry.name.slice(0, -4);
    if (views.has(name))
      throw new WeightsError('WEIGHTS_DUPLICATE', `${file} holds two arrays "${name}"`, {
        where: { file, byte: entry.directoryOffset, field: name },
      });
    const header = await npzHeader(archive, entry);
    const { dtype, bigEndian } = numpyDtype(header.descr);
    if (!dtype) {
      const text = await textArray(archive, entry, header);
      if (text === null) findings.push(skipped(file, name, header));
      else metadata.set(name, text);
      continue;
    }
    const bytes = storedBytes(dtype, header.shape, name, file);
    if (header.dataOffset + bytes > entry.size)
      throw new WeightsError(
        'WEIGHTS_TRUNCATED',
        `${file}: array "${name}" needs ${bytes} bytes of values, its member has ${entry.size - header.dataOffset}`,
        { where: { file, byte: entry.headerOffset, field: name } },
      );
    const view = arrayView(
      header,
      bytes,
      dtype,
      bigEndian,
      name,
      entry.method === 0 ? entry.dataOffset + header.dataOffset : -1,
      memberReader(archive, entry, header.dataOffset),
    );
    checkView(view, name, file);
    views.set(name, view);
    tensors.push({ name, dtype, shape: header.shape, file, offset: plainOffset(view), bytes });
  }
  return makeCheckpoint({
    format: 'npz',
    formatVersion: 'npz',
    files: [file],
    tensors,
    metadata,
    findings,
    readStored: (tensor, start, count) => {
      const view = views.get(tensor.name);
      if (!view) throw new WeightsError('WEIGHTS_ROWS', `${file} has no tensor "${tensor.name}"`, { where: { file, field: tensor.name } });
      return readView(view, start, count);
    },
  });
}

async function npzHeader(archive: ZipArchive, entry: ZipEntry): Promise<NpyHeader> {
  const name = `${archive.source.name}!${entry.name}`;
  if (entry.method === 0) return readNpyHeader(await openZipEntry(archive, entry));
  const head = await readZipRange(archive, entry, 0, Math.min(entry.size, MAX_HEADER_BYTES + 12));
  // The size is the member's, the bytes are its beginning: the header is all that is asked for.
  return readNpyHeader({
    ...sliceSource(archive.source, 0, 0, name),
    size: entry.size,
    read: async (at, length) => head.slice(at, at + length),
  });
}

function memberReader(archive: ZipArchive, entry: ZipEntry, dataOffset: number): (offset: number, length: number) => Promise<Uint8Array> {
  let kept: Promise<Uint8Array> | undefined;
  return async (offset, length) => {
    if (entry.method === 0 || entry.size > KEEP_INFLATED) return readZipRange(archive, entry, dataOffset + offset, length);
    kept ??= readZipRange(archive, entry, 0, entry.size);
    return (await kept).slice(dataOffset + offset, dataOffset + offset + length);
  };
}

/** `<U..` and `|S..` arrays of one string: names, licenses and versions saved beside arrays. */
async function textArray(archive: ZipArchive, entry: ZipEntry, header: NpyHeader): Promise<string | null> {
  const match = /^([<>|]?)([US])(\d+)$/.exec(header.descr);
  const values = header.shape.reduce((product, size) => product * size, 1);
  const bytes = match ? Number(match[3]) * (match[2] === 'U' ? 4 : 1) : 0;
  if (!match || values !== 1 || bytes > MAX_TEXT_BYTES || header.dataOffset + bytes > entry.size) return null;
  const data = await readZipRange(archive, entry, header.dataOffset, bytes);
  if (match[2] === 'S') return new TextDecoder().decode(data).replace(/\0+$/, '');
  const view = new DataView(data.buffer, data.byteOffset, data.byteLength);
  let text = '';
  for (let at = 0; at + 4 <= bytes; at += 4) {
    const code = view.getUint32(at, match[1] !== '>');
    if (code !== 0) text += code > 0x10ffff ? '\ufffd' : String.fromCodePoint(code);
  }
  return text;
}

function skipped(file: string, name: string, header: NpyHeader): Finding {
  return {
    rule: 'weights/values-not-read',
    severity: 'note',
    where: { file, field: name },
    what: `array "${name}" holds ${header.hasObjects ? 'pickled objects' : `values of type "${header.descr || 'record'}"`}, which are not listed`,
    why: 'what is not listed is not compared',
    fix: 'save plain arrays of numbers',
  };
}
