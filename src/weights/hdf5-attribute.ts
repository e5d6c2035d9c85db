/**
 * HDF5 attributes that hold one text: what Keras writes about a model.
 * Built from "HDF5 File Format Specification Version 3.0", IV.A.2.m (attribute), III.E (global heap).
 * @module
 */
import type { Hdf5File, Message } from './hdf5-file.ts';
import { UNDEFINED } from './hdf5-file.ts';

/** One text; the configuration of a very deep model takes about 2 MB. (CWE-789) */
const MAX_TEXT_BYTES = 16 << 20;
/** One global heap collection holds all texts written together. (CWE-789) */
const MAX_COLLECTION_BYTES = 64 << 20;

/** Scalar texts among the attributes, by name; attributes of other kinds are passed over. */
export async function readTextAttributes(file: Hdf5File, messages: readonly Message[]): Promise<Map<string, string>> {
  const out = new Map<string, string>();
  for (const message of messages) {
    if (message.type !== 0x0c) continue;
    const found = await readAttribute(file, message);
    if (found && !out.has(found.name)) out.set(found.name, found.text);
  }
  return out;
}

async function readAttribute(file: Hdf5File, { data, at }: Message): Promise<{ name: string; text: string } | null> {
  const version = data.u8(0);
  if (version < 1 || version > 3) file.fail('WEIGHTS_NOT_READ_YET', `has an HDF5 attribute of version ${version}`, at);
  const pad = (size: number): number => (version === 1 ? Math.ceil(size / 8) * 8 : size);
  const [nameBytes, typeBytes, spaceBytes] = [data.u16(2), data.u16(4), data.u16(6)];
  const nameAt = version === 3 ? 9 : 8;
  const typeAt = nameAt + pad(nameBytes);
  const spaceAt = typeAt + pad(typeBytes);
  const valueAt = spaceAt + pad(spaceBytes);
  // Flags of versions 2 and 3 mark shared types and spaces.
  if (version > 1 && data.u8(1) !== 0) return null;
  const name = data.text(nameAt, nameBytes);
  if (data.u8(spaceAt + 1) !== 0) return null;
  // A null space (version 2, type 2) has no value at all; PyTables writes empty titles so.
  if (data.u8(spaceAt) === 2 && data.u8(spaceAt + 3) === 2) return null;
  const kind = data.u8(typeAt) & 15;
  const size = data.u32(typeAt + 4);
  if (kind === 3) return size > MAX_TEXT_BYTES ? null : { name, text: data.text(valueAt, size) };
  // Class 9 with type 1 is a text of any length, kept in a global heap.
  if (kind !== 9 || (data.u8(typeAt + 1) & 15) !== 1) return null;
  const length = data.u32(valueAt);
  const text = await readHeapText(file, data.u64(valueAt + 4), data.u32(valueAt + 12), length);
  return text === null ? null : { name, text };
}

async function readHeapText(file: Hdf5File, address: number, index: number, length: number): Promise<string | null> {
  if (address === UNDEFINED || index === 0 || length > MAX_TEXT_BYTES) return null;
  const head = await file.read(address, 16);
  if (head.text(0, 4) !== 'GCOL') file.fail('WEIGHTS_HEADER', 'has no HDF5 global heap where one should stand', address);
  const size = head.u64(8);
  if (size > MAX_COLLECTION_BYTES) file.fail('WEIGHTS_LIMIT', `claims a global heap of ${size} bytes`, address);
  // Objects follow one another: index, count, four bytes unused, size, then the data padded to eight bytes.
  for (let at = 16; at + 16 <= size;) {
    const object = await file.read(address + at, 16);
    const bytes = object.u64(8);
    if (object.u16(0) === 0 || bytes < 0) return null;
    if (object.u16(0) === index) return bytes < length ? null : (await file.read(address + at + 16, length)).text(0, length);
    at += 16 + Math.ceil(bytes / 8) * 8;
  }
  return null;
}
