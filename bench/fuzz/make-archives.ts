/** Archives with lies: every pair of fields that may differ, members in members, compressions in compressions. */
import { deflateRawSync, deflateSync, gzipSync } from 'node:zlib';
import { joinBytes, latin1, le, type TestMember, zipBytes } from '../../src/weights/testing/index.ts';
import { tarBytes } from '../../src/weights/testing/torch-files.ts';
import { makePickle } from './pickles.ts';
import type { Random } from './random.ts';

const MEMBERS = [
  'm/data.pkl',
  'm/data/0',
  'm/version',
  'a.pkl',
  '../x.pkl',
  '/etc/x',
  'a\\b',
  'config.json',
  'model.weights.h5',
  'x.npy',
  'code/a.py',
  'm/constants.pkl',
  'a/',
  'A.PKL',
  'é',
  '',
  'metadata.json',
  'm/code/__torch__.py',
  'MAR-INF/MANIFEST.json',
  'x.zip',
  't.yaml',
];

/** What may stand in a member: the smallest of many formats. */
export function makeContent(random: Random): Uint8Array {
  const pick = random.int(8);
  if (pick < 3) return makePickle(random);
  if (pick === 3) return latin1('{"class_name":"Lambda","config":{"function":["AAAA",null,null]}}');
  if (pick === 4) return Uint8Array.from({ length: random.int(200) }, () => random.int(256));
  if (pick === 5)
    return latin1("\x93NUMPY\x01\0\x46\0{'descr': '|O', 'fortran_order': False, 'shape': (1,), }            \n" + '\x80\x02N.');
  if (pick === 6) return new Uint8Array(random.int(3000));
  return latin1('import os\nos.system("id")\n');
}

function member(random: Random, depth: number): TestMember {
  const content = depth > 0 && random.chance(0.3) ? makeNested(random, depth - 1) : makeContent(random);
  const deflated = random.chance(0.4);
  const odd = <T>(value: T): T | undefined => (random.chance(0.12) ? value : undefined);
  const number = (): number => random.pick([0, 1, 2, 8, 9, 12, 14, 20, 99, 0xffff]);
  const given: Record<string, unknown> = {
    method: deflated ? 8 : odd(number()),
    size: deflated || random.chance(0.1) ? (odd(random.int(100_000)) ?? content.length) : undefined,
    flags: odd(random.pick([1, 8, 9, 0x20, 0x40, 0x800, 0x2000, 0xffff])),
    localName: odd(random.pick(MEMBERS)),
    crc: odd(random.int(2 ** 31)),
    unlisted: odd(true),
    mode: odd(random.pick([0o120777, 0o40755, 0])),
    headerOffset: odd(random.int(400)),
    local: odd({ flags: odd(8) ?? 0, method: number(), crc: 0, compressedSize: random.pick([0, content.length, 2 ** 31 - 1]) }),
  };
  const kept = Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined));
  return { name: random.pick(MEMBERS), data: deflated ? new Uint8Array(deflateRawSync(content)) : content, ...kept } as TestMember;
}

/** Sizes of 64 bits in place of those of 32, with or without their extra field and their end records. (APPNOTE 4.5.3, 4.3.14) */
function zip64(random: Random, bytes: Uint8Array): Uint8Array {
  const end = bytes.length - 22;
  const directory = new DataView(bytes.buffer, bytes.byteOffset).getUint32(end + 16, true);
  const count = bytes[end + 10]! + (random.chance(0.2) ? random.int(4) : 0);
  const record = joinBytes(
    latin1('PK\x06\x06'),
    le(8, 44),
    le(2, 45, 45),
    le(4, 0, 0),
    le(8, count, count, end - directory, random.chance(0.2) ? -1 : directory),
  );
  const locator = joinBytes(latin1('PK\x06\x07'), le(4, 0), le(8, random.chance(0.2) ? random.int(bytes.length) : end), le(4, 1));
  const tail = bytes.slice(end);
  if (random.chance(0.7)) tail.set(latin1('\xff\xff\xff\xff'), 16);
  if (random.chance(0.3)) tail.set(latin1('\xff\xff\xff\xff'), 8);
  return joinBytes(bytes.subarray(0, end), record, locator, tail);
}

export function makeZip(random: Random, depth = 2): Uint8Array {
  const count = random.chance(0.02) ? random.int(400) : 1 + random.int(5);
  let bytes = zipBytes(
    Array.from({ length: count }, () => member(random, depth)),
    random.chance(0.1) ? 'PK\x05\x06 comment' : '',
  );
  if (random.chance(0.2)) bytes = zip64(random, bytes);
  if (random.chance(0.1)) bytes = joinBytes(makeContent(random), bytes);
  if (random.chance(0.1)) bytes = joinBytes(bytes, random.chance(0.5) ? zipBytes([member(random, 0)]) : makeContent(random));
  return bytes;
}

/** A header of tar by its fields. @param type `L`, `K`: GNU's long names; `x`, `g`: pax records. */
function tarEntry(random: Random, name: string, type: string, data: Uint8Array): Uint8Array {
  const header = tarBytes([{ name: name.slice(0, 99), data }]).slice(0, 512);
  header[156] = type.charCodeAt(0);
  if (random.chance(0.15))
    header.set(latin1(random.pick(['77777777777', '\x80\0\0\0\0\0\0\0\0\0\0\x01', '\xff'.repeat(12), '           ', '-1'])), 124);
  if (random.chance(0.1)) header.set(latin1(random.pick(['../../x', '/etc/passwd'])), 157);
  header.fill(0x20, 148, 156);
  const sum = header.reduce((total, byte) => total + byte, 0);
  if (!random.chance(0.05)) header.set(latin1(`${sum.toString(8).padStart(6, '0')}\0 `), 148);
  return joinBytes(header, data, new Uint8Array((512 - (data.length % 512)) % 512));
}

export function makeTar(random: Random, depth = 2): Uint8Array {
  const entries = Array.from({ length: 1 + random.int(5) }, () => {
    const type = random.pick([...'0005127LKxgSDMVX\0']);
    const pax = random.pick([
      '30 path=a/b.pkl\n',
      '18 size=99999999\n',
      '9999 path=x\n',
      '0 a=b\n',
      '12 path=../\n',
      `${'9'.repeat(300)} a=b\n`,
      '20 GNU.sparse.map=0\n',
    ]);
    const data = 'LK'.includes(type)
      ? latin1('n/'.repeat(random.int(300)))
      : 'xg'.includes(type)
        ? latin1(pax.repeat(1 + random.int(3)))
        : depth > 0 && random.chance(0.3)
          ? makeNested(random, depth - 1)
          : makeContent(random);
    return tarEntry(random, random.pick(['storages', 'tensors', 'pickle', 'sys_info', 'a.pkl', '../a.py', 'x.json']), type, data);
  });
  return joinBytes(...entries, new Uint8Array(random.chance(0.8) ? 1024 : random.int(600)));
}

/** A frame of LZ4 whose blocks are stored, or raw instructions. */
function lz4(random: Random, data: Uint8Array): Uint8Array {
  const block = random.chance(0.5)
    ? joinBytes(le(4, -2147483648 + data.length), data)
    : joinBytes(le(4, 8), Uint8Array.of(0x1f, 65, random.int(4), 0, 255, 255, random.int(256), 0));
  return joinBytes(latin1('\x04\x22\x4d\x18\x40\x40\xc0'), block, le(4, 0));
}

export function makeCompressed(random: Random, depth = 3): Uint8Array {
  const data =
    depth > 0 && random.chance(0.4)
      ? makeNested(random, depth - 1)
      : random.chance(0.05)
        ? new Uint8Array(random.int(1 << 22))
        : makeContent(random);
  switch (random.int(6)) {
    case 0:
      return new Uint8Array(gzipSync(data));
    case 1:
      return new Uint8Array(deflateSync(data));
    case 2:
      return joinBytes(latin1(`ZF${`0x${data.length.toString(16)}`.padEnd(19)}`), new Uint8Array(deflateSync(data)));
    case 3:
      return lz4(random, data);
    case 4:
      return joinBytes(new Uint8Array(gzipSync(data)), new Uint8Array(gzipSync(data)));
    default:
      return joinBytes(new Uint8Array(gzipSync(data)).slice(0, random.int(200)), data);
  }
}

/** Containers that are named and not read, and marks without what should follow. */
export function makeOther(random: Random): Uint8Array {
  const mark = random.pick([
    '7z\xbc\xaf\x27\x1c\0\x04',
    'Rar!\x1a\x07\x01\0',
    'Rar!\x1a\x07\0',
    '\x28\xb5\x2f\xfd',
    'MZ\x90\0',
    '\x7fELF\x02\x01\x01\0',
    '#!/bin/sh\n',
    'BZh9',
    '\xfd7zXZ\0',
    '\x5d\0\0\x80\0',
    'GGUF',
    'FUGG\0\0\0\x03',
    '\x89HDF\r\n\x1a\n',
    '<!doctype html>',
    'version https://git-lfs',
    '\xff\xd8\xff',
    'OggS',
    '%PDF-1.4',
    'ARROW1',
  ]);
  return joinBytes(latin1(mark), makeContent(random), random.chance(0.3) ? new Uint8Array(random.int(5000)) : new Uint8Array(0));
}

export function makeNested(random: Random, depth: number): Uint8Array {
  const kind = random.int(3);
  return kind === 0 ? makeZip(random, depth) : kind === 1 ? makeTar(random, depth) : makeCompressed(random, depth);
}
