/**
 * From tensors found in a pickle to a checkpoint: dtypes, storages and bounds are settled here, whatever the container.
 * @module
 */
import type { ByteSource, Finding } from '../base/index.ts';
import { makeCheckpoint, storedBytes } from './checkpoint.ts';
import { DTYPES } from './dtypes.ts';
import { encodeLatin1 } from './pickle-arguments.ts';
import { type ArrayClaim, sequenceItems, storageDtype, type TensorClaim, type TorchClaim } from './pickle-objects.ts';
import type { PicklePersistent, PickleValue } from './pickle-values.ts';
import { type Found } from './pickle-walk.ts';
import { checkView, denseStrides, plainOffset, readView, type Storage, type StridedView } from './strided.ts';
import { type Checkpoint, type FormatName, type TensorInfo, WeightsError } from './types.ts';

/** Storage of a persistent id, found by the container. */
export interface StorageIndex {
  readonly bigEndian: boolean;
  /** @throws WeightsError when the id names no storage. */
  readonly find: (id: StorageId, byte: number) => Storage;
}
/** `('storage', class, key, location, numel[, view])` of torch/serialization.py. */
export interface StorageId {
  readonly key: string;
  /** Bytes the pickle says the storage has. */
  readonly bytes: number;
  /** Legacy views onto a root storage: key, offset and size in values. */
  readonly view: { readonly key: string; readonly start: number; readonly bytes: number } | null;
}

export interface PickledParts {
  readonly format: FormatName;
  readonly formatVersion: string;
  readonly file: string;
  readonly found: Found;
  readonly storages: StorageIndex;
  /** Where the pickle itself stands: arrays are inside it. */
  readonly pickle: ByteSource;
  /** Offset in `file` of the pickle's first byte, -1 when it is compressed. */
  readonly pickleOffset: number;
  readonly findings: readonly Finding[];
}

/** @throws WeightsError when a tensor does not fit its storage. */
export function pickledCheckpoint(parts: PickledParts): Checkpoint {
  const { file } = parts;
  const views = new Map<string, StridedView>();
  const findings = [...parts.findings];
  const tensors: TensorInfo[] = [];
  for (const { name, claim } of parts.found.tensors) {
    const view = claim.kind === 'torch' ? torchView(claim, parts, name) : arrayView(claim, parts, name);
    if (!view) {
      findings.push(unreadFinding(file, name, unreadValues(claim)));
      continue;
    }
    if (claim.kind === 'torch' && claim.beside === 'quantized') findings.push(scaleFinding(file, name));
    checkView(view, name, file);
    views.set(name, view);
    const bytes = storedBytes(view.dtype, view.shape, name, file);
    tensors.push({
      name,
      dtype: view.dtype,
      shape: view.shape,
      file,
      offset: bytes === 0 ? -1 : plainOffset(view),
      bytes,
      storage: view.storage.id,
    });
  }
  for (const { callee, path } of parts.found.unread) findings.push(unreadFinding(file, path, `what ${callee} would rebuild`));
  for (const name of parts.found.renamed.slice(0, 20))
    findings.push({
      rule: 'weights/duplicate-name',
      severity: 'note',
      where: { file, field: name },
      what: `two tensors have the path "${name}"; the later ones are numbered`,
      why: 'a name must mean one tensor',
      fix: 'none needed',
    });
  return makeCheckpoint({
    format: parts.format,
    formatVersion: parts.formatVersion,
    files: [file],
    tensors,
    metadata: parts.found.metadata,
    findings,
    readStored: (tensor, start, count) => {
      const view = views.get(tensor.name);
      if (!view) throw new WeightsError('WEIGHTS_ROWS', `${file} has no tensor "${tensor.name}"`, { where: { file, field: tensor.name } });
      return readView(view, start, count);
    },
  });
}

function unreadValues(claim: TensorClaim): string {
  if (claim.kind === 'numpy') return `NumPy values of type "${claim.descr}"`;
  return claim.beside === 'lazy' ? 'numbers that are conjugated or negated only when read' : 'values of an unknown type';
}

function scaleFinding(file: string, field: string): Finding {
  return {
    rule: 'weights/values-not-read',
    severity: 'note',
    where: { file, field },
    what: `"${field}" is quantized: its whole numbers are listed, the scale and zero point that give them a meaning are not`,
    why: 'what is not listed is not compared',
    fix: 'save dequantized tensors',
    source: 'torch/_utils.py, _rebuild_qtensor',
  };
}

function unreadFinding(file: string, field: string, what: string): Finding {
  return {
    rule: 'weights/values-not-read',
    severity: 'note',
    where: { file, field },
    what: `"${field}" holds ${what}, which is not listed as a tensor`,
    why: 'what is not listed is not compared',
    fix: 'save plain dense tensors',
  };
}

function torchView(claim: TorchClaim, parts: PickledParts, name: string): StridedView | null {
  const id = storageId(claim.storage, parts.file);
  const dtype = claim.dtype ?? id.dtype;
  if (!dtype || claim.beside === 'lazy') return null;
  const storage = parts.storages.find(id, claim.storage.byte);
  const claimed = id.view ? id.view.bytes : id.bytes;
  if (storage.bytes < claimed)
    throw new WeightsError(
      'WEIGHTS_TRUNCATED',
      `${parts.file}: storage "${id.key}" of tensor "${name}" has ${storage.bytes} bytes where ${claimed} are claimed`,
      { where: { file: parts.file, field: name } },
    );
  return { storage, dtype, start: claim.start, shape: claim.shape, stride: claim.stride, bigEndian: parts.storages.bigEndian };
}

/** @throws WeightsError `WEIGHTS_PICKLE` when the id has another shape. */
export function storageId(persistent: PicklePersistent, file: string): StorageId & { readonly dtype: TorchClaim['dtype'] } {
  const [tag, type, key, , numel, view] = sequenceItems(persistent.id) ?? [];
  const dtype = storageDtype(type);
  const fail = (what: string): never => {
    throw new WeightsError('WEIGHTS_PICKLE', `${file}: a persistent id at byte ${persistent.byte} ${what}`, {
      where: { file, byte: persistent.byte },
    });
  };
  if (tag !== 'storage' || dtype === undefined) fail('names no storage class');
  const text = keyOf(key);
  if (text === null || typeof numel !== 'number' || !Number.isSafeInteger(numel) || numel < 0) fail('has no key and size');
  const item = dtype ? DTYPES[dtype].blockBytes : 1;
  const [viewKey, viewStart, viewSize] = sequenceItems(view) ?? [];
  const own = keyOf(viewKey);
  if (
    own !== null &&
    !(
      typeof viewStart === 'number' &&
      Number.isSafeInteger(viewStart) &&
      viewStart >= 0 &&
      typeof viewSize === 'number' &&
      Number.isSafeInteger(viewSize) &&
      viewSize >= 0
    )
  )
    fail('describes an impossible view');
  return {
    key: text!,
    bytes: (numel as number) * item,
    dtype: dtype ?? null,
    view: own === null ? null : { key: own, start: (viewStart as number) * item, bytes: (viewSize as number) * item },
  };
}
/** A storage's or tensor's key, written as text or as a number; null for anything else. */
export function keyOf(value: PickleValue | undefined): string | null {
  return typeof value === 'string' ? value : typeof value === 'number' || typeof value === 'bigint' ? String(value) : null;
}

function arrayView(claim: ArrayClaim, parts: PickledParts, name: string): StridedView | null {
  if (!claim.dtype) return null;
  const bytes = storedBytes(claim.dtype, claim.shape, name, parts.file);
  const storage = arrayStorage(claim, parts);
  if (storage.bytes < bytes)
    throw new WeightsError(
      'WEIGHTS_TRUNCATED',
      `${parts.file}: array "${name}" has ${storage.bytes} bytes where its shape needs ${bytes}`,
      { where: { file: parts.file, field: name, byte: claim.byte } },
    );
  return {
    storage,
    dtype: claim.dtype,
    start: 0,
    shape: claim.shape,
    stride: denseStrides(claim.shape, claim.fortran),
    bigEndian: claim.bigEndian,
  };
}

function arrayStorage(claim: ArrayClaim, parts: PickledParts): Storage {
  const { data } = claim;
  const id = `array@${data instanceof Uint8Array ? claim.byte : data.byte}`;
  if (data instanceof Uint8Array) return memoryStorage(id, async () => data, data.length);
  if (data.encoding !== 'utf8')
    return {
      id,
      bytes: data.length,
      offset: parts.pickleOffset < 0 ? -1 : parts.pickleOffset + data.byte,
      read: (offset, length) => parts.pickle.read(data.byte + offset, length),
    };
  // Protocol 2 from Python 3 writes bytes as text: one character per byte, up to two bytes each in UTF-8.
  let decoded: Uint8Array | undefined;
  const load = async (): Promise<Uint8Array> => {
    decoded ??=
      encodeLatin1(new TextDecoder('utf-8', { ignoreBOM: true }).decode(await parts.pickle.read(data.byte, data.length))) ??
      new Uint8Array(0);
    return decoded;
  };
  return memoryStorage(
    id,
    load,
    claim.shape.reduce((product, size) => product * size, DTYPES[claim.dtype!].blockBytes),
  );
}

function memoryStorage(id: string, load: () => Promise<Uint8Array>, bytes: number): Storage {
  return {
    id,
    bytes,
    offset: -1,
    read: async (offset, length) => {
      const all = await load();
      if (offset + length > all.length)
        throw new WeightsError('WEIGHTS_TRUNCATED', `an array written as text is shorter than its shape`, { where: { field: id } });
      return all.slice(offset, offset + length);
    },
  };
}
