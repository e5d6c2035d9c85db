/**
 * Files are scanned several at a time, for they wait for bytes; what fills memory is done by one of them at a time.
 * @module
 */
import { type ByteSource, checkRange, memorySource } from '../base/index.ts';

/** One file's turn to hold much. */
export interface Turn {
  /** Resolves when no other file has it; taken once, kept to the end. */
  readonly take: () => Promise<void>;
  readonly end: () => void;
}

/** @returns makes a turn for each file; they are had in the order they are taken. */
export function newTurns(): () => Turn {
  let last: Promise<void> = Promise.resolve();
  return () => {
    let taken: Promise<void> | undefined;
    let end = (): void => {};
    const take = (): Promise<void> => {
      const before = last;
      last = new Promise((resolve) => (end = resolve));
      return before;
    };
    return { take: () => (taken ??= take()), end: () => end() };
  };
}

/** Bytes handed out of memory before others get to run. */
const AT_A_STRETCH = 4 << 20;

/** Unpacked bytes as a source. What it gives are views, for copies of bombs add up; nothing here writes into what it reads. */
export function unpackedSource(name: string, bytes: Uint8Array, signal: AbortSignal | undefined): ByteSource {
  const source = memorySource(name, bytes);
  const read = async (at: number, length: number): Promise<Uint8Array> => {
    checkRange(name, bytes.length, at, length);
    return bytes.subarray(at, at + length);
  };
  return pausing({ ...source, read }, signal);
}

/** A source in memory that lets timers and signals in now and then and heeds an abort, as reading a disk does. */
export function pausing(source: ByteSource, signal: AbortSignal | undefined): ByteSource {
  let given = 0;
  return {
    ...source,
    async read(at, length) {
      given += length;
      if (given >= AT_A_STRETCH) {
        given = 0;
        await new Promise((resolve) => setTimeout(resolve));
      }
      signal?.throwIfAborted();
      return source.read(at, length);
    },
  };
}
