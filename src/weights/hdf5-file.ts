/**
 * HDF5 from below: pages, superblock, object headers. Only what reading model weights needs.
 * Built from "HDF5 File Format Specification Version 3.0" (HDF Group), sections II and IV.
 * Read: superblocks 0 to 3 with 8-byte offsets and lengths, object headers 1 and 2. Checksums are not verified.
 * @module
 */
import type { ByteSource } from '../base/index.ts';
import { WeightsError, type WeightsErrorCode } from './types.ts';

/** HDF5 metadata is small and scattered; a page serves its neighbors. */
const PAGE_BYTES = 8192;
/** Pages kept, 4 MiB in all. */
const MAX_PAGES = 512;
/** Metadata read through pages, over the whole file: a model of 100,000 tensors needs about 200 MB. (CWE-400) */
const MAX_METADATA_BYTES = 256 << 20;
/** Blocks of one object header; attributes of old files make a few dozen. (CWE-835) */
const MAX_BLOCKS = 4096;
/** "Undefined address": all bits set. */
export const UNDEFINED = -1;

/** One header message; `type` as in section IV.A.2. */
export interface Message {
  readonly type: number;
  readonly at: number;
  readonly data: View;
}

/** Bounds-checked little-endian fields of bytes that are at hand. */
export interface View {
  readonly bytes: Uint8Array;
  u8(at: number): number;
  u16(at: number): number;
  u32(at: number): number;
  /** A 64-bit address or length; UNDEFINED for all ones. @throws WeightsError beyond 2^53. */
  u64(at: number): number;
  text(at: number, length: number): string;
}

export interface Hdf5File {
  readonly source: ByteSource;
  readonly rootAddress: number;
  readonly version: number;
  /** @throws WeightsError `WEIGHTS_TRUNCATED` outside the file. */
  read(at: number, length: number): Promise<View>;
  /** All messages of the object whose header is at `address`. */
  messages(address: number): Promise<Message[]>;
  fail(code: WeightsErrorCode, what: string, byte?: number): never;
}

/** @throws WeightsError `WEIGHTS_NOT_READ_YET` for forms of the format not read here. */
export async function openHdf5(source: ByteSource): Promise<Hdf5File> {
  const fail = (code: WeightsErrorCode, what: string, byte?: number): never => {
    throw new WeightsError(code, `${source.name} ${what}`, { where: { file: source.name, ...(byte !== undefined && { byte }) } });
  };
  const read = pagedReader(source, fail);
  const head = await read(0, 12);
  const version = head.u8(8);
  if (version > 3) fail('WEIGHTS_NOT_READ_YET', `has an HDF5 superblock of version ${version}`, 8);
  const old = version < 2;
  const sizes = old ? await read(13, 2) : await read(9, 2);
  if (sizes.u8(0) !== 8 || sizes.u8(1) !== 8) fail('WEIGHTS_NOT_READ_YET', `has HDF5 addresses of ${sizes.u8(0)} bytes`, 9);
  const shift = version === 1 ? 4 : 0;
  const base = (await read(old ? 24 + shift : 12, 8)).u64(0);
  if (base !== 0) fail('WEIGHTS_NOT_READ_YET', 'keeps its HDF5 data behind another block', 24);
  const rootAddress = (await read(old ? 64 + shift : 36, 8)).u64(0);
  return { source, rootAddress, version, read, fail, messages: (address) => readMessages(read, fail, address) };
}

type Fail = (code: WeightsErrorCode, what: string, byte?: number) => never;
type Read = (at: number, length: number) => Promise<View>;

function pagedReader(source: ByteSource, fail: Fail): Read {
  const pages = new Map<number, Uint8Array>();
  let spent = 0;
  const page = async (index: number): Promise<Uint8Array> => {
    const kept = pages.get(index);
    if (kept) return kept;
    const start = index * PAGE_BYTES;
    const bytes = await source.read(start, Math.min(PAGE_BYTES, source.size - start));
    if (pages.size >= MAX_PAGES) pages.delete(pages.keys().next().value!);
    pages.set(index, bytes);
    return bytes;
  };
  return async (at, length) => {
    if (!(at >= 0) || !(length >= 0) || at + length > source.size)
      fail('WEIGHTS_TRUNCATED', `points outside itself (${length} bytes at ${at})`, at >= 0 ? at : 0);
    spent += length;
    if (spent > MAX_METADATA_BYTES) fail('WEIGHTS_LIMIT', `holds over ${MAX_METADATA_BYTES} bytes of structure`, at);
    const out = new Uint8Array(length);
    for (let done = 0; done < length;) {
      const index = Math.floor((at + done) / PAGE_BYTES);
      const bytes = await page(index);
      const from = at + done - index * PAGE_BYTES;
      const part = bytes.subarray(from, Math.min(bytes.length, from + length - done));
      out.set(part, done);
      done += part.length;
    }
    return makeView(out, at, fail);
  };
}

export function makeView(bytes: Uint8Array, origin: number, fail: Fail): View {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const check = (at: number, length: number): number => {
    if (!(at >= 0) || at + length > bytes.length)
      fail('WEIGHTS_HEADER', 'holds an HDF5 message shorter than it should be', origin + Math.min(at, bytes.length));
    return at;
  };
  return {
    bytes,
    u8: (at) => view.getUint8(check(at, 1)),
    u16: (at) => view.getUint16(check(at, 2), true),
    u32: (at) => view.getUint32(check(at, 4), true),
    u64(at) {
      const value = view.getBigUint64(check(at, 8), true);
      if (value === 0xffff_ffff_ffff_ffffn) return UNDEFINED;
      if (value > BigInt(Number.MAX_SAFE_INTEGER)) fail('WEIGHTS_HEADER', `holds the impossible address or size ${value}`, origin + at);
      return Number(value);
    },
    text: (at, length) => new TextDecoder().decode(bytes.subarray(check(at, length), at + length)).replace(/\0[^]*$/, ''),
  };
}

interface Block {
  readonly at: number;
  readonly length: number;
}

/** Section IV.A: the first block and those that Continuation messages (0x10) name. */
async function readMessages(read: Read, fail: Fail, address: number): Promise<Message[]> {
  const prefix = await read(address, 16);
  const modern = prefix.text(0, 4) === 'OHDR';
  const blocks: Block[] = [];
  let tracked = false;
  if (modern) {
    if (prefix.u8(4) !== 2) fail('WEIGHTS_NOT_READ_YET', `has an HDF5 object header of version ${prefix.u8(4)}`, address);
    const flags = prefix.u8(5);
    tracked = (flags & 4) !== 0;
    const sizeAt = 6 + (flags & 0x20 ? 16 : 0) + (flags & 0x10 ? 4 : 0);
    const width = 1 << (flags & 3);
    const size = await read(address + sizeAt, width);
    blocks.push({
      at: address + sizeAt + width,
      length: width === 8 ? size.u64(0) : width === 4 ? size.u32(0) : width === 2 ? size.u16(0) : size.u8(0),
    });
  } else {
    if (prefix.u8(0) !== 1) fail('WEIGHTS_HEADER', 'has no HDF5 object header where one should stand', address);
    blocks.push({ at: address + 16, length: prefix.u32(8) });
  }
  const out: Message[] = [];
  const headBytes = modern ? (tracked ? 6 : 4) : 8;
  for (let b = 0; b < blocks.length; b++) {
    const { at, length } = blocks[b]!;
    const block = await read(at, length);
    for (let pos = 0; pos + headBytes <= length;) {
      const type = modern ? block.u8(pos) : block.u16(pos);
      const size = block.u16(pos + (modern ? 1 : 2));
      const flags = block.u8(pos + (modern ? 3 : 4));
      const from = pos + headBytes;
      if (from + size > length) fail('WEIGHTS_HEADER', 'holds an HDF5 message that leaves its block', at + pos);
      const data = makeView(block.bytes.subarray(from, from + size), at + from, fail);
      pos = from + size;
      if (flags & 2) {
        // Shared messages stand elsewhere; committed datatypes and shared attributes are rare in models.
        if (type === 1 || type === 3 || type === 8 || type === 11) fail('WEIGHTS_NOT_READ_YET', 'uses shared HDF5 messages', at + from);
        continue;
      }
      if (type === 0x10) {
        if (blocks.length >= MAX_BLOCKS) fail('WEIGHTS_LIMIT', 'continues an HDF5 object header without end', at + from);
        const next = { at: data.u64(0), length: data.u64(8) };
        // In version 2 a continuation has a signature in front and a checksum behind.
        blocks.push(modern ? { at: next.at + 4, length: next.length - 8 } : next);
      } else if (type !== 0) out.push({ type, at: at + from, data });
    }
  }
  return out;
}
