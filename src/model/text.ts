/**
 * Text files of strangers: bounded, decoded without failing.
 * @module
 */
import type { FileTree } from '../base/index.ts';

/** The longest license text known (GPL family with all exceptions, CC legal codes) is under 100 KiB; the contract says 1 MiB. (CWE-770) */
export const MAX_TEXT_BYTES: number = 1 << 20;

/** At most `limit` bytes from the start of a file. */
export async function readHead(tree: FileTree, path: string, limit: number): Promise<Uint8Array> {
  const source = await tree.open(path);
  return source.read(0, Math.min(source.size, limit));
}

/** UTF-8, UTF-16 when marked, else Latin-1; a byte order mark is dropped. A character cut at the end of the bytes is dropped too. */
export function decodeText(bytes: Uint8Array): string {
  if (bytes[0] === 0xff && bytes[1] === 0xfe) return new TextDecoder('utf-16le').decode(bytes);
  if (bytes[0] === 0xfe && bytes[1] === 0xff) return new TextDecoder('utf-16be').decode(bytes);
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes, { stream: true });
  } catch {
    return new TextDecoder('latin1').decode(bytes);
  }
}

/** Text with no byte that only binaries hold. */
export function looksBinary(bytes: Uint8Array): boolean {
  const utf16 = (bytes[0] === 0xff && bytes[1] === 0xfe) || (bytes[0] === 0xfe && bytes[1] === 0xff);
  return !utf16 && bytes.subarray(0, 4096).includes(0);
}
