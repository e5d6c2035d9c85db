/**
 * PyTorch's storages: what pickles say of them, held against the bytes that are there and the tensors that are cut from them.
 * Source: torch/serialization.py (`persistent_id`, `_legacy_load`), torch/_utils.py (`_rebuild_tensor*`); CVE-2026-24747.
 * @module
 */
import { type ByteSource, viewOf } from '../base/index.ts';
import { DTYPES, isPickleObject, type PickleUse, type PickleValue, sequenceItems, storageDtype } from '../weights/index.ts';
import { type Collector, report } from './rules.ts';

/** What a storage must hold for the tensors that refer to it. */
export interface StorageClaim {
  readonly bytes: number;
  readonly itemBytes: number;
}
/** By the storage's key. */
export type Storages = Map<string, StorageClaim>;

interface StorageId {
  readonly key: string;
  /** Values; NaN when the pickle gives no count. */
  readonly numel: number;
  readonly itemBytes: number;
  /** Values of the part that tensors are cut from. */
  readonly part: number;
}

/** `('storage', type, key, location, numel[, (key, offset, numel)])`; null for other ids. */
function storageId(id: PickleValue): StorageId | null {
  const [mark, type, key, , numel, view] = sequenceItems(id) ?? [];
  const dtype = storageDtype(type);
  if (mark !== 'storage' || dtype === undefined || (typeof key !== 'string' && typeof key !== 'number')) return null;
  const own = sequenceItems(view)?.[2] ?? numel;
  return { key: String(key), numel: asCount(numel), itemBytes: dtype ? DTYPES[dtype].blockBytes : 1, part: asCount(own) };
}
function asCount(value: PickleValue | undefined): number {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0 ? value : NaN;
}

/** Notes the storages of persistent ids, and judges tensors cut from them. */
export function judgeStorages(use: PickleUse, file: string, storages: Storages | undefined, into: Collector): void {
  const { target } = use;
  if (use.op === 'call' && isPickleObject(target) && target.kind === 'global' && REBUILDS.test(`${target.module}.${target.name}`))
    judgeTensor(use, file, into);
  const id = use.op === 'persid' ? storageId(use.argument) : null;
  if (!id) return;
  if (Number.isNaN(id.numel))
    return report(into, 'storage-size', { file, byte: use.byte }, `storage "${id.key}" is given an impossible size`);
  const bytes = Math.max(storages?.get(id.key)?.bytes ?? 0, id.numel * id.itemBytes);
  storages?.set(id.key, { bytes, itemBytes: id.itemBytes });
}
const REBUILDS = /^torch\._utils\._rebuild_(tensor|tensor_v2|tensor_v3|qtensor)$/;

/** `(storage, offset, size, stride, …)`: the last value must lie in the storage. Untyped storages count bytes, and are left out. */
function judgeTensor(use: PickleUse, file: string, into: Collector): void {
  const [storage, offset, size, stride] = sequenceItems(use.argument) ?? [];
  const id = isPickleObject(storage) && storage.kind === 'persistent' ? storageId(storage.id) : null;
  const [type] = isPickleObject(storage) && storage.kind === 'persistent' ? (sequenceItems(storage.id) ?? []).slice(1) : [];
  if (!id || Number.isNaN(id.numel) || storageDtype(type) === null) return;
  const sizes = sequenceItems(size);
  const strides = sequenceItems(stride);
  if (!sizes || sizes.length !== strides?.length || sizes.includes(0)) return;
  const last = sizes.reduce<number>((sum, count, i) => sum + (asCount(count) - 1) * asCount(strides[i]), asCount(offset));
  if (last < id.part) return;
  const reach = Number.isNaN(last)
    ? 'has impossible sizes or strides'
    : `reaches value ${last} of storage "${id.key}", which has ${id.part}`;
  report(into, 'storage-size', { file, byte: use.byte }, `the tensor at byte ${use.byte} ${reach}`);
}

/** The storages behind the five pickles of a legacy stream: for each key, int64 count and raw values. */
export async function judgeLegacyStorages(
  source: ByteSource,
  start: number,
  keys: PickleValue | undefined,
  storages: Storages,
  into: Collector,
): Promise<void> {
  let at = start;
  const file = source.name;
  for (const one of sequenceItems(keys) ?? []) {
    const key = typeof one === 'number' || typeof one === 'string' ? String(one) : '';
    const claim = storages.get(key);
    const where = { file, byte: at, field: key };
    if (!claim) return report(into, 'broken-file', where, `storage "${key}" is listed and never used, so its size is unknown`);
    if (at + 8 > source.size) return report(into, 'broken-file', where, `the file ends before storage "${key}"`);
    const count = viewOf(await source.read(at, 8)).getBigInt64(0, true);
    const bytes = Number(count) * claim.itemBytes;
    if (count < 0n || at + 8 + bytes > source.size)
      return report(into, 'broken-file', where, `storage "${key}" of ${count} values runs past the end of the file at ${source.size}`);
    if (bytes < claim.bytes)
      report(into, 'storage-size', where, `the pickle needs ${claim.bytes} bytes of storage "${key}", the file has ${bytes}`);
    at += 8 + bytes;
  }
  if (at < source.size) report(into, 'trailing-data', { file, byte: at }, `${source.size - at} bytes follow the last storage`);
}
