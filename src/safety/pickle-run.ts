/**
 * Pickles run on a file's account: streams inside streams may together cost a few times what the file does, no more.
 * @module
 */
import type { ByteSource } from '../base/index.ts';
import { type PickleOptions, type PickleResult, scanPickle, sliceSource, WeightsError } from '../weights/index.ts';
import type { Collector } from './rules.ts';

/** Instructions of all pickles of a file together: a fixed part, and so many for each byte of the file and of what it unpacks to. */
const FREE_STEPS = 1_000_000;
const STEPS_PER_BYTE = 4;
/** What starting on a pickle costs, in instructions. */
const START_STEPS = 500;
/** Pickles longer than this run one at a time. */
const MUCH = 4 << 20;

export function isSpent({ work, unpacked }: Collector): boolean {
  return work.steps > FREE_STEPS + STEPS_PER_BYTE * (work.bytes + unpacked);
}

/** @param start what starting costs; 0 for streams of a file one behind the other, whose number is bounded. */
export async function runPickle(
  source: ByteSource,
  at: number,
  into: Collector,
  options: PickleOptions,
  start: number = START_STEPS,
): Promise<PickleResult> {
  const { work } = into;
  if (isSpent(into)) {
    const problem = new WeightsError('WEIGHTS_LIMIT', `${source.name} holds more pickles than are looked into`, {
      where: { file: source.name, byte: at },
    });
    const trailingBytes = source.size - at;
    return { value: undefined, globals: [], importsResolved: true, oddities: [], protocol: 0, opcodes: 0, end: at, trailingBytes, problem };
  }
  // What is built while a long pickle runs can be four times its size.
  if (source.size - at > MUCH) await into.turn?.take();
  const result = await scanPickle(source, at, options);
  work.steps += start + result.opcodes;
  return result;
}

/** Bytes that stand at `byte` of a source, as a source. */
export function bytesSource(source: ByteSource, bytes: Uint8Array, byte: number): ByteSource {
  return {
    ...sliceSource(source, 0, 0, `${source.name}!bytes@${byte}`),
    size: bytes.length,
    read: async (at, length) => bytes.slice(at, at + length),
  };
}

/** Opcodes that need nothing on the stack: any of them may come first. (CPython Lib/pickletools.py) */
const FIRST: ReadonlySet<number> = new Set([
  ...[...'(]})cNIFSVLKJMUXTGPBC'].map((letter) => letter.charCodeAt(0)),
  0x82,
  0x83,
  0x84,
  0x88,
  0x89,
  0x8a,
  0x8b,
  0x8c,
  0x8d,
  0x8e,
  0x8f,
  0x95,
  0x96,
  0x97,
]);
/** Whether a pickle may begin with these bytes. */
export function mayBePickle(head: Uint8Array): boolean {
  return (head[0] === 0x80 && head[1]! <= 5) || (head[0] !== undefined && FIRST.has(head[0]));
}
