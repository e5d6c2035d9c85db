import type { Finding } from '../base/index.ts';
import type { WeightsError } from './types.ts';

export interface ZipEntry {
  readonly name: string;
  /** 0 stored, 8 deflated; others are listed and refused. */
  readonly method: number;
  readonly flags: number;
  readonly crc32: number;
  /** Last change, as MS-DOS writes time and date, and the version needed: of no use to loaders. */
  readonly dosTime: number;
  readonly version: number;
  readonly compressedSize: number;
  readonly size: number;
  /** Of the local header in the file. */
  readonly headerOffset: number;
  /** Unix mode from the external attributes, 0 when made elsewhere. */
  readonly mode: number;
  /** Of the directory entry in the file. */
  readonly directoryOffset: number;
  /** Of the first data byte in the file; -1 when the local header is broken. */
  dataOffset: number;
  /** The name in the local header when it differs. */
  localName?: string;
  /** Method and sizes of the local header where they differ; -1 where it says nothing. */
  local?: { readonly method: number; readonly compressedSize: number };
  /** Why the member cannot be read. */
  problem?: WeightsError;
}

/** The data of one extra field, or null (APPNOTE 4.5). */
export function extraField(extra: Uint8Array, id: number): DataView | null {
  const view = new DataView(extra.buffer, extra.byteOffset, extra.byteLength);
  for (let at = 0; at + 4 <= extra.length; at += 4 + view.getUint16(at + 2, true)) {
    const size = Math.min(view.getUint16(at + 2, true), extra.length - at - 4);
    if (view.getUint16(at, true) === id) return new DataView(extra.buffer, extra.byteOffset + at + 4, size);
  }
  return null;
}

export function zipFinding(file: string, byte: number, rule: string, what: string, why: string): Finding {
  return {
    rule: `weights/zip-${rule}`,
    severity: 'warning',
    where: { file, byte },
    what,
    why,
    fix: 'do not load the archive before its publisher explains it; save it again with a current library',
    source: 'PKWARE APPNOTE 6.3.10',
  };
}

/** Bit 11 marks UTF-8; else code page 437, which Python's zip writer uses for ASCII only. */
export function decodeName(bytes: Uint8Array, flags: number): string {
  if (flags & 0x800 || bytes.every((byte) => byte < 128)) return new TextDecoder().decode(bytes);
  return Array.from(bytes, (byte) => String.fromCharCode(byte)).join('');
}
