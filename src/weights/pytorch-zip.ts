/**
 * PyTorch's zip container and TorchScript archives: `<name>/data.pkl`, `<name>/data/<key>`, `<name>/byteorder`.
 * Source: pytorch torch/serialization.py (`_load`, `_save`), caffe2/serialize/inline_container.cc (record names).
 * @module
 */
import type { Finding } from '../base/index.ts';
import { pickledCheckpoint, type StorageIndex } from './pickle-checkpoint.ts';
import { readPickle } from './pickle.ts';
import { findTensors } from './pickle-walk.ts';
import { type Checkpoint, WeightsError } from './types.ts';
import { openZipEntry, readZipRange, type ZipArchive, type ZipEntry } from './zip.ts';

/** A deflated storage of at most this size is unpacked once and kept; larger ones are unpacked again for each read. */
const KEEP_INFLATED = 64 << 20;
/** `byteorder` and `version` are a word each. */
const MAX_WORD = 64;

/** libtorch finds records whatever their case (miniz `mz_zip_reader_locate_file` without flags). */
const DATA_PICKLE = /^([^/]*\/)?data\.pkl$/i;

/** The folder in the archive, with its '/', or '' when `data.pkl` stands at the top; null when this is no PyTorch archive. */
export function pytorchPrefix(archive: ZipArchive): string | null {
  const pickle = archive.entries.find((entry) => DATA_PICKLE.test(entry.name));
  return pickle ? pickle.name.slice(0, -'data.pkl'.length) : null;
}

/** @throws WeightsError */
export async function openPytorchZip(archive: ZipArchive, prefix: string): Promise<Checkpoint> {
  const file = archive.source.name;
  const members = new Map<string, ZipEntry>();
  for (const entry of archive.entries) if (!members.has(entry.name)) members.set(entry.name, entry);
  const script = members.has(`${prefix}constants.pkl`);
  const entry = members.get(`${prefix}data.pkl`) ?? archive.entries.find(({ name }) => DATA_PICKLE.test(name))!;
  const pickle = await openZipEntry(archive, entry);
  const result = await readPickle(pickle);
  const found = findTensors(result.value, file);
  const order = (await word(archive, members.get(`${prefix}byteorder`))) ?? 'little';
  if (order !== 'little' && order !== 'big')
    throw new WeightsError('WEIGHTS_HEADER', `${file} has the unknown byte order "${order}"`, { where: { file, field: 'byteorder' } });
  const findings: Finding[] = [...archive.findings];
  const storages = zipStorages(archive, members, prefix, order === 'big');
  return pickledCheckpoint({
    format: 'pytorch',
    formatVersion: `${script ? 'TorchScript' : 'PyTorch'} zip, protocol ${result.protocol}`,
    file,
    found,
    storages,
    pickle,
    pickleOffset: entry.method === 0 ? entry.dataOffset : -1,
    findings,
  });
}

async function word(archive: ZipArchive, entry: ZipEntry | undefined): Promise<string | null> {
  if (!entry || entry.size > MAX_WORD) return null;
  return new TextDecoder().decode(await readZipRange(archive, entry, 0, entry.size)).trim();
}

function zipStorages(archive: ZipArchive, members: ReadonlyMap<string, ZipEntry>, prefix: string, bigEndian: boolean): StorageIndex {
  const file = archive.source.name;
  const kept: { entry: ZipEntry | null; bytes: Promise<Uint8Array> | null } = { entry: null, bytes: null };
  return {
    bigEndian,
    find(id, byte) {
      // Older TorchScript archives keep storages in `tensors/`.
      const entry = members.get(`${prefix}data/${id.key}`) ?? members.get(`${prefix}tensors/${id.key}`);
      if (!entry)
        throw new WeightsError('WEIGHTS_ARCHIVE', `${file} has no member "${prefix}data/${id.key}" for a storage`, {
          where: { file, byte, field: id.key },
        });
      if (entry.problem) throw entry.problem;
      return {
        id: id.key,
        bytes: entry.size,
        offset: entry.method === 0 ? entry.dataOffset : -1,
        async read(offset, length) {
          if (entry.method === 0 || entry.size > KEEP_INFLATED) return readZipRange(archive, entry, offset, length);
          if (kept.entry !== entry) {
            kept.entry = entry;
            kept.bytes = readZipRange(archive, entry, 0, entry.size);
          }
          return (await kept.bytes!).slice(offset, offset + length);
        },
      };
    },
  };
}
