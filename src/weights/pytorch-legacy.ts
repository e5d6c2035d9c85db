/**
 * PyTorch's containers before the zip: the stream of five pickles (0.1.10 to 1.5) and the tar before that.
 * Source: pytorch torch/serialization.py (`_legacy_load`, `_legacy_save`); `_new_with_file` writes int64 numel, then raw values.
 * @module
 */
import { type ByteSource, viewOf } from '../base/index.ts';
import { DTYPES } from './dtypes.ts';
import { keyOf, pickledCheckpoint, type StorageIndex } from './pickle-checkpoint.ts';
import { sequenceItems, storageDtype, type TensorClaim } from './pickle-objects.ts';
import { type PickleResult, readPickle } from './pickle.ts';
import type { PickleUse, PickleValue } from './pickle-values.ts';
import { findTensors } from './pickle-walk.ts';
import { sliceSource } from './slice.ts';
import type { Storage } from './strided.ts';
import { MAX_AXES, MAX_TENSORS } from './checkpoint.ts';
import { readTar } from './tar.ts';
import { type Checkpoint, WeightsError } from './types.ts';

/** `MAGIC_NUMBER` of torch/serialization.py. */
export const LEGACY_MAGIC = 0x1950a86a20f9469cfc6cn;
const LEGACY_PROTOCOL = 1001;

/**
 * Reads a legacy stream, or returns the first pickle when the file is some other pickle.
 * @throws WeightsError
 */
export async function openPytorchLegacy(source: ByteSource): Promise<Checkpoint> {
  const file = source.name;
  const first = await readPickle(source);
  if (first.value !== LEGACY_MAGIC) return openPlainPickle(source, first);
  const protocol = await readPickle(source, first.end);
  if (protocol.value !== LEGACY_PROTOCOL)
    throw new WeightsError(
      'WEIGHTS_PICKLE',
      `${file} is written by the PyTorch protocol ${keyOf(protocol.value) ?? '?'}, which is unknown`,
      {
        where: { file, byte: first.end },
      },
    );
  const system = await readPickle(source, protocol.end);
  const itemSizes = new Map<string, number>();
  const object = await readPickle(source, system.end, (use) => noteSize(use, itemSizes));
  const keys = await readPickle(source, object.end);
  const found = findTensors(object.value, file);
  const storages = await legacyStorages(source, keys.value, keys.end, itemSizes);
  return pickledCheckpoint({
    format: 'pytorch',
    formatVersion: `PyTorch legacy, protocol ${object.protocol}`,
    file,
    found,
    storages,
    pickle: source,
    pickleOffset: 0,
    findings: [],
  });
}

/** A pickle of NumPy arrays, or of anything else; without arrays it is no model. */
function openPlainPickle(source: ByteSource, result: PickleResult & { readonly value: PickleValue }): Checkpoint {
  const file = source.name;
  const found = findTensors(result.value, file);
  const outside = found.tensors.find((one) => one.claim.kind === 'torch');
  if (outside)
    throw new WeightsError('WEIGHTS_PICKLE', `${file}: tensor "${outside.name}" has its values outside the pickle`, {
      where: { file, byte: outside.claim.byte, field: outside.name },
    });
  if (found.tensors.length === 0)
    throw new WeightsError('WEIGHTS_NOT_A_MODEL', `${file} is a pickle without tensors`, { where: { file, byte: 0 } });
  const none: StorageIndex = {
    bigEndian: false,
    find: () => {
      throw new WeightsError('WEIGHTS_PICKLE', `${file} holds no storages`, { where: { file } });
    },
  };
  return pickledCheckpoint({
    format: 'pickle',
    formatVersion: `pickle, protocol ${result.protocol}`,
    file,
    found,
    storages: none,
    pickle: source,
    pickleOffset: 0,
    findings: [],
  });
}

/** Bytes per value of each storage: the stream itself says only how many values there are. */
function noteSize(use: PickleUse, itemSizes: Map<string, number>): void {
  if (use.op !== 'persid') return;
  const [, type, key] = sequenceItems(use.argument) ?? [];
  const dtype = storageDtype(type);
  if (dtype !== undefined && (typeof key === 'string' || typeof key === 'number'))
    itemSizes.set(keyOf(key) ?? '', dtype ? DTYPES[dtype].blockBytes : 1);
}

async function legacyStorages(
  source: ByteSource,
  keys: PickleValue,
  start: number,
  itemSizes: ReadonlyMap<string, number>,
): Promise<StorageIndex> {
  const file = source.name;
  const names = sequenceItems(keys);
  if (!names || names.length > MAX_TENSORS)
    throw new WeightsError('WEIGHTS_PICKLE', `${file} has no list of storages behind its object`, { where: { file, byte: start } });
  const roots = new Map<string, Storage>();
  let at = start;
  for (const name of names) {
    const key = typeof name === 'string' || typeof name === 'number' ? String(name) : '';
    const item = itemSizes.get(key);
    if (item === undefined)
      throw new WeightsError('WEIGHTS_PICKLE', `${file}: storage "${key}" is listed but never used, so its size is unknown`, {
        where: { file, byte: at, field: key },
      });
    const numel = await readCount(source, at, `the values of storage "${key}"`);
    const bytes = numel * item;
    if (at + 8 + bytes > source.size)
      throw new WeightsError(
        'WEIGHTS_TRUNCATED',
        `${file}: storage "${key}" of ${bytes} bytes runs past the end of the file at ${source.size}`,
        { where: { file, byte: at, field: key } },
      );
    roots.set(key, plainStorage(source, key, at + 8, bytes));
    at += 8 + bytes;
  }
  return {
    bigEndian: false,
    find(id, byte) {
      const root = roots.get(id.key);
      if (!root) throw new WeightsError('WEIGHTS_PICKLE', `${file} holds no storage "${id.key}"`, { where: { file, byte, field: id.key } });
      return id.view ? within(root, id.view.start, id.view.bytes, file) : root;
    },
  };
}

async function readCount(source: ByteSource, at: number, what: string): Promise<number> {
  if (at + 8 > source.size)
    throw new WeightsError('WEIGHTS_TRUNCATED', `${source.name} ends before ${what}`, { where: { file: source.name, byte: at } });
  const view = viewOf(await source.read(at, 8));
  const count = view.getBigInt64(0, true);
  if (count < 0n || count > BigInt(source.size))
    throw new WeightsError('WEIGHTS_TRUNCATED', `${source.name} claims ${count} for ${what}`, { where: { file: source.name, byte: at } });
  return Number(count);
}

function plainStorage(source: ByteSource, id: string, offset: number, bytes: number): Storage {
  return { id, bytes, offset, read: (at, length) => source.read(offset + at, length) };
}

/** A view keeps its root's id: both are one storage. */
function within(root: Storage, start: number, bytes: number, file: string): Storage {
  if (start + bytes > root.bytes)
    throw new WeightsError('WEIGHTS_SHAPE', `${file}: a view of storage "${root.id}" leaves it`, { where: { file, field: root.id } });
  return { id: root.id, bytes, offset: root.offset < 0 ? -1 : root.offset + start, read: (at, length) => root.read(start + at, length) };
}

/** The oldest container: a tar of `storages`, `tensors` and `pickle`. @throws WeightsError */
export async function openPytorchTar(source: ByteSource): Promise<Checkpoint> {
  const file = source.name;
  const members = await readTar(source);
  const member = (name: string): ByteSource & { readonly start: number } => {
    const entry = members.find((one) => one.name === name);
    if (!entry)
      throw new WeightsError('WEIGHTS_NOT_A_MODEL', `${file} is a tar archive without the member "${name}" of a PyTorch checkpoint`, {
        where: { file, byte: 0 },
      });
    return { ...sliceSource(source, entry.offset, entry.size, `${file}!${name}`), start: entry.offset };
  };
  const storages = await tarStorages(source, member('storages'));
  const tensors = await tarTensors(member('tensors'), storages);
  const pickle = member('pickle');
  const object = await readPickle(pickle);
  const found = findTensors(object.value, file, (persistent) => tensors.get(keyOf(persistent.id) ?? '') ?? null);
  const byClaim: StorageIndex = {
    bigEndian: false,
    find(id, byte) {
      const storage = storages.get(id.key);
      if (!storage)
        throw new WeightsError('WEIGHTS_PICKLE', `${file} holds no storage "${id.key}"`, { where: { file, byte, field: id.key } });
      return storage.storage;
    },
  };
  return pickledCheckpoint({
    format: 'pytorch',
    formatVersion: `PyTorch tar, protocol ${object.protocol}`,
    file,
    found,
    storages: byClaim,
    pickle,
    pickleOffset: pickle.start,
    findings: [],
  });
}

interface TarStorage {
  readonly storage: Storage;
  readonly type: PickleValue;
}

async function tarStorages(source: ByteSource, member: ByteSource & { readonly start: number }): Promise<Map<string, TarStorage>> {
  const out = new Map<string, TarStorage>();
  const count = await readPickle(member);
  let at = count.end;
  for (let i = 0; i < asCount(count.value, member, 0); i++) {
    const entry = await readPickle(member, at);
    const [key, , type] = sequenceItems(entry.value) ?? [];
    const dtype = storageDtype(type);
    if (!dtype)
      throw new WeightsError('WEIGHTS_PICKLE', `${member.name} names an unknown storage class`, { where: { file: member.name, byte: at } });
    const numel = await readCount(member, entry.end, 'the values of a storage');
    const bytes = numel * DTYPES[dtype].blockBytes;
    if (entry.end + 8 + bytes > member.size)
      throw new WeightsError('WEIGHTS_TRUNCATED', `${member.name} ends inside a storage of ${bytes} bytes`, {
        where: { file: member.name, byte: entry.end },
      });
    out.set(keyOf(key) ?? '', { type: type!, storage: plainStorage(source, keyOf(key) ?? '', member.start + entry.end + 8, bytes) });
    at = entry.end + 8 + bytes;
  }
  const views = await readPickle(member, at);
  for (const view of sequenceItems(views.value) ?? []) {
    const [target, root, offset, numel] = sequenceItems(view) ?? [];
    const base = out.get(keyOf(root) ?? '');
    const item = base ? DTYPES[storageDtype(base.type)!].blockBytes : 0;
    if (!base || typeof offset !== 'number' || typeof numel !== 'number' || !(offset >= 0) || !(numel >= 0))
      throw new WeightsError('WEIGHTS_PICKLE', `${member.name} lists an impossible storage view`, {
        where: { file: member.name, byte: at },
      });
    out.set(keyOf(target) ?? '', { type: base.type, storage: within(base.storage, offset * item, numel * item, member.name) });
  }
  return out;
}

async function tarTensors(member: ByteSource, storages: ReadonlyMap<string, TarStorage>): Promise<Map<string, TensorClaim>> {
  const out = new Map<string, TensorClaim>();
  const count = await readPickle(member);
  let at = count.end;
  for (let i = 0; i < asCount(count.value, member, 0); i++) {
    const entry = await readPickle(member, at);
    const [key, storageKey] = sequenceItems(entry.value) ?? [];
    const storage = storages.get(keyOf(storageKey) ?? '');
    if (!storage)
      throw new WeightsError('WEIGHTS_PICKLE', `${member.name} refers to a storage that is not there`, {
        where: { file: member.name, byte: at },
      });
    if (entry.end + 8 > member.size)
      throw new WeightsError('WEIGHTS_TRUNCATED', `${member.name} ends inside a tensor`, { where: { file: member.name, byte: entry.end } });
    // The count is an int32 followed by four bytes that older writers used for its upper half.
    const axes = viewOf(await member.read(entry.end, 4)).getUint32(0, true);
    const length = 16 * axes + 8;
    if (axes > MAX_AXES || entry.end + 8 + length > member.size)
      throw new WeightsError('WEIGHTS_TRUNCATED', `${member.name} ends inside a tensor of ${axes} axes`, {
        where: { file: member.name, byte: entry.end },
      });
    const view = viewOf(await member.read(entry.end + 8, length));
    const values = Array.from({ length: 2 * axes + 1 }, (_, k) => Number(view.getBigInt64(8 * k, true)));
    out.set(keyOf(key) ?? '', {
      kind: 'torch',
      shape: values.slice(0, axes),
      stride: values.slice(axes, 2 * axes),
      start: values[2 * axes]!,
      dtype: null,
      beside: '',
      byte: at,
      storage: {
        kind: 'persistent',
        byte: at,
        id: {
          kind: 'tuple',
          items: [
            'storage',
            storage.type,
            keyOf(storageKey) ?? '',
            'cpu',
            storage.storage.bytes / DTYPES[storageDtype(storage.type)!].blockBytes,
          ],
        },
      },
    });
    at = entry.end + 8 + length;
  }
  return out;
}

function asCount(value: PickleValue, source: ByteSource, byte: number): number {
  if (typeof value === 'number' && Number.isInteger(value) && value >= 0 && value <= MAX_TENSORS) return value;
  throw new WeightsError('WEIGHTS_PICKLE', `${source.name} does not begin with a count`, { where: { file: source.name, byte } });
}
