import { crc32 } from '../crc32.ts';

/** Bytes of a string of one-byte characters: pickles are written this way in tests. */
export function latin1(text: string): Uint8Array {
  return Uint8Array.from(text, (character) => character.charCodeAt(0));
}
export function joinBytes(...parts: readonly Uint8Array[]): Uint8Array {
  const out = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    out.set(part, at);
    at += part.length;
  }
  return out;
}
/** Little-endian integers. */
export function le(size: 2 | 4 | 8, ...values: readonly number[]): Uint8Array {
  const out = new Uint8Array(size * values.length);
  const view = new DataView(out.buffer);
  values.forEach((value, i) => {
    if (size === 2) view.setUint16(i * 2, value, true);
    else if (size === 4) view.setUint32(i * 4, value, true);
    else view.setBigInt64(i * 8, BigInt(value), true);
  });
  return out;
}

export interface TestMember {
  readonly name: string;
  readonly data: Uint8Array;
  readonly method?: number;
  /** Size before compression; the data's own when stored. */
  readonly size?: number;
  readonly flags?: number;
  readonly localName?: string;
  /** The content's own when stored, else 0. */
  readonly crc?: number;
  /** What the member's own header says where the directory says otherwise. */
  readonly local?: { readonly flags?: number; readonly method?: number; readonly crc?: number; readonly compressedSize?: number };
  /** Left out of the directory. */
  readonly unlisted?: boolean;
  readonly mode?: number;
  readonly headerOffset?: number;
}

/** A zip archive written field by field, so that every lie can be told. */
export function zipBytes(members: readonly TestMember[], comment = ''): Uint8Array {
  const parts: Uint8Array[] = [];
  const directory: Uint8Array[] = [];
  let at = 0;
  for (const member of members) {
    const name = new TextEncoder().encode(member.name);
    const localName = new TextEncoder().encode(member.localName ?? member.name);
    const sizes = le(4, 0, member.data.length, member.size ?? member.data.length);
    const crc = member.crc ?? (member.method ? 0 : crc32(member.data));
    sizes.set(le(4, crc));
    const common = [le(2, 20, member.flags ?? 0, member.method ?? 0, 0, 0), sizes];
    const own = member.local ?? {};
    const ownSizes = sizes.slice();
    if (own.crc !== undefined) ownSizes.set(le(4, own.crc));
    if (own.compressedSize !== undefined) ownSizes.set(le(4, own.compressedSize), 4);
    const ownFields = [le(2, 20, own.flags ?? member.flags ?? 0, own.method ?? member.method ?? 0, 0, 0), ownSizes];
    const local = joinBytes(latin1('PK\x03\x04'), ...ownFields, le(2, localName.length, 0), localName, member.data);
    if (!member.unlisted)
      directory.push(
        joinBytes(
          latin1('PK\x01\x02'),
          le(2, 20 | (3 << 8)),
          ...common,
          le(2, name.length, 0, 0, 0, 0),
          le(4, ((member.mode ?? 0o100644) << 16) >>> 0, member.headerOffset ?? at),
          name,
        ),
      );
    parts.push(local);
    at += local.length;
  }
  const list = joinBytes(...directory);
  const end = joinBytes(
    latin1('PK\x05\x06'),
    le(2, 0, 0, directory.length, directory.length),
    le(4, list.length, at),
    le(2, comment.length),
    latin1(comment),
  );
  return joinBytes(...parts, list, end);
}
