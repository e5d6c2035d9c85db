/**
 * Programs where weights should be.
 * @module
 */
import { type ByteSource, decodeLatin1 } from '../base/index.ts';
import { type Collector, report } from './rules.ts';

/** Bytes searched for marks. */
const MAX_SEARCH = 8 << 20;
const SEARCHED_AT_ONCE = 256 << 10;
const LONGEST_MARK = 512;

const EXECUTABLES: readonly (readonly [string, string])[] = [
  ['MZ', 'a Windows program'],
  ['\x7fELF', 'a Linux program'],
  ['\xcf\xfa\xed\xfe', 'a macOS program'],
  ['#!/', 'a script'],
  ['PK\x03\x04', 'a zip archive'],
];
/** What a run of bytes begins with, when it is a program or an archive. */
export function executableName(head: Uint8Array): string | null {
  const text = String.fromCharCode(...head.subarray(0, 4));
  return EXECUTABLES.find(([mark]) => text.startsWith(mark))?.[1] ?? null;
}

/** Programs by more than two letters: `MZ` alone begins raw values as well. */
export function isProgram(head: Uint8Array): boolean {
  const name = executableName(head);
  if (!name || name === 'a zip archive') return false;
  return head[0] !== 0x4d || /This program|PE\0\0/.test(decodeLatin1(head));
}

/** A whole program among raw values: its marks are eight bytes and more, so no values are taken for one. */
const HIDDEN_PROGRAM =
  /\x7fELF[\x01\x02]\x01\x01[\0\x03]\0{7}|This program (cannot|must) be run(?<=(?<dos>MZ[\s\S]{2,400}?)This program \w+ be run)/;

export async function judgeHiddenProgram(source: ByteSource, into: Collector): Promise<void> {
  const at = await findBytes(source, HIDDEN_PROGRAM);
  if (at > 0) report(into, 'program-as-weights', { file: source.name, byte: at }, `a program stands at byte ${at}`);
}

/** Headers of programs in bytes of no known format: ELF, Mach-O of 64 bits, Windows by its stub, scripts by their interpreter. */
const PROGRAM =
  /\x7fELF[\x01\x02][\x01\x02]\x01|\xcf\xfa\xed\xfe[\x07\x0c]\0\0\x01|This program (cannot|must) be run(?<=(?<dos>MZ[\s\S]{50,200}?)This program \w+ be run)|#!\/(usr\/)?bin\/\w+/;

export async function findProgram(source: ByteSource, into: Collector): Promise<void> {
  const at = await findBytes(source, PROGRAM);
  if (at >= 0) report(into, 'executable', { file: source.name, byte: at }, `a program begins at byte ${at}`);
}

/**
 * Where a pattern of at most `LONGEST_MARK` bytes first stands in the beginning of a file; -1 when nowhere. What it names `dos` is
 * looked for backwards from what follows: forwards, a file of nothing but its first letters would cost seconds.
 */
async function findBytes(source: ByteSource, pattern: RegExp): Promise<number> {
  const bytes = await source.read(0, Math.min(source.size, MAX_SEARCH));
  // Piece by piece: a text of the whole would take several times its size.
  for (let at = 0; at < bytes.length; at += SEARCHED_AT_ONCE) {
    const found = pattern.exec(decodeLatin1(bytes.subarray(at, at + SEARCHED_AT_ONCE + LONGEST_MARK)));
    if (found) return at + found.index - (found.groups?.['dos']?.length ?? 0);
  }
  return -1;
}
