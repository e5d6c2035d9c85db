/**
 * What an HDF5 group holds: names and addresses of its members.
 * Built from "HDF5 File Format Specification Version 3.0", III.A.1 (B-trees), III.B and III.C (symbol tables), III.D (local heap), IV.A.2.g (links).
 * @module
 */
import type { Hdf5File, Message } from './hdf5-file.ts';
import { UNDEFINED } from './hdf5-file.ts';

/** Members of one group; a layer has a handful, a model a few thousand. (CWE-770) */
const MAX_MEMBERS = 1_000_000;
/** Nodes of one B-tree. (CWE-835) */
const MAX_NODES = 200_000;
/** Levels of one B-tree; five levels of 32 hold 33 million members. */
const MAX_LEVELS = 8;
/** Names of one group together. (CWE-789) */
const MAX_HEAP_BYTES = 64 << 20;

export interface Members {
  /** By name, in file order: addresses of object headers. */
  readonly hard: Map<string, number>;
  /** Soft and external links; never followed. */
  readonly links: { readonly name: string; readonly external: boolean }[];
}

/** Members of the group whose messages these are; null when the object is no group. */
export async function readGroup(file: Hdf5File, messages: readonly Message[]): Promise<Members | null> {
  const table = messages.find((message) => message.type === 0x11);
  const info = messages.find((message) => message.type === 0x02);
  const out: Members = { hard: new Map(), links: [] };
  if (table) {
    const heap = await readHeap(file, table.data.u64(8));
    await readTree(file, table.data.u64(0), heap, out, new Set(), MAX_LEVELS);
    return out;
  }
  if (!info) return null;
  const denseAt = 2 + (info.data.u8(1) & 1 ? 8 : 0);
  if (info.data.u64(denseAt) !== UNDEFINED)
    file.fail('WEIGHTS_NOT_READ_YET', 'keeps the members of a group in a fractal heap, which Heirloom does not read yet', info.at);
  for (const message of messages) if (message.type === 0x06) readLink(file, message, out);
  return out;
}

function add(file: Hdf5File, out: Members, name: string, address: number): void {
  if (out.hard.has(name)) file.fail('WEIGHTS_DUPLICATE', `names "${name}" twice in one group`, address);
  if (out.hard.size >= MAX_MEMBERS) file.fail('WEIGHTS_LIMIT', `holds a group of over ${MAX_MEMBERS} members`, address);
  out.hard.set(name, address);
}

function readLink(file: Hdf5File, { data }: Message, out: Members): void {
  const flags = data.u8(1);
  let at = 2;
  const type = flags & 8 ? data.u8(at++) : 0;
  if (flags & 4) at += 8;
  if (flags & 16) at++;
  const width = 1 << (flags & 3);
  const length = width === 8 ? data.u64(at) : width === 4 ? data.u32(at) : width === 2 ? data.u16(at) : data.u8(at);
  at += width;
  const name = data.text(at, length);
  if (type === 0) add(file, out, name, data.u64(at + length));
  else out.links.push({ name, external: type !== 1 });
}

async function readHeap(file: Hdf5File, address: number): Promise<(offset: number) => string> {
  const head = await file.read(address, 32);
  if (head.text(0, 4) !== 'HEAP') file.fail('WEIGHTS_HEADER', 'has no HDF5 name heap where one should stand', address);
  const size = head.u64(8);
  if (size > MAX_HEAP_BYTES) file.fail('WEIGHTS_LIMIT', `claims ${size} bytes of names in one group`, address);
  const heap = await file.read(head.u64(24), size);
  return (offset) => {
    const end = heap.bytes.indexOf(0, offset);
    return end < 0 ? file.fail('WEIGHTS_HEADER', 'holds a name that leaves its heap', address) : heap.text(offset, end - offset);
  };
}

async function readTree(
  file: Hdf5File,
  address: number,
  name: (offset: number) => string,
  out: Members,
  seen: Set<number>,
  levels: number,
): Promise<void> {
  if (seen.has(address) || seen.size >= MAX_NODES || levels === 0)
    file.fail('WEIGHTS_LIMIT', 'holds a group whose tree does not end', address);
  seen.add(address);
  const head = await file.read(address, 8);
  const entries = head.u16(6);
  if (head.text(0, 4) === 'SNOD') {
    const table = await file.read(address + 8, entries * 40);
    for (let i = 0; i < entries; i++) {
      const label = name(table.u64(i * 40));
      // Cache type 2 is a soft link.
      if (table.u32(i * 40 + 16) === 2) out.links.push({ name: label, external: false });
      else add(file, out, label, table.u64(i * 40 + 8));
    }
    return;
  }
  if (head.text(0, 4) !== 'TREE' || head.u8(4) !== 0) file.fail('WEIGHTS_HEADER', 'has no HDF5 group tree where one should stand', address);
  const body = await file.read(address + 24, entries * 16 + 8);
  for (let i = 0; i < entries; i++) await readTree(file, body.u64(i * 16 + 8), name, out, seen, levels - 1);
}
