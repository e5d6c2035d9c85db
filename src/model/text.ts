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

/**
 * UTF-8, UTF-16 when marked or when every second byte of its letters is zero, else Latin-1; a byte order mark is dropped.
 * A character cut at the end of the bytes is dropped too.
 */
export function decodeText(bytes: Uint8Array): string {
  const wide = utf16Of(bytes);
  if (wide) return new TextDecoder(wide).decode(bytes);
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes, { stream: true });
  } catch {
    return new TextDecoder('latin1').decode(bytes);
  }
}

/** Text with no byte that only binaries hold. */
export function looksBinary(bytes: Uint8Array): boolean {
  return !utf16Of(bytes) && bytes.subarray(0, 4096).includes(0);
}

/** By its mark; without one, Latin letters are told by zeros at one parity only. */
function utf16Of(bytes: Uint8Array): 'utf-16le' | 'utf-16be' | null {
  if (bytes[0] === 0xff && bytes[1] === 0xfe) return 'utf-16le';
  if (bytes[0] === 0xfe && bytes[1] === 0xff) return 'utf-16be';
  const head = bytes.subarray(0, Math.min(bytes.length & ~1, 4096));
  if (head.length < 8) return null;
  const zeros = [0, 0];
  for (let k = 0; k < head.length; k++) if (head[k] === 0) zeros[k & 1]!++;
  const most = 0.4 * head.length;
  if (zeros[0] === 0 && zeros[1]! >= most) return 'utf-16le';
  return zeros[1] === 0 && zeros[0]! >= most ? 'utf-16be' : null;
}
