/**
 * Runs pickles without running anything, over sources of any size: short windows are read, long payloads are skipped.
 * @module
 */
import type { ByteSource } from '../base/index.ts';
import { NEED_MORE } from './pickle-arguments.ts';
import { step } from './pickle-machine.ts';
import { createMachine, type Machine, type PickleOddity } from './pickle-state.ts';
import type { PickleCall, PickleGlobal, PickleUse, PickleValue } from './pickle-values.ts';
import { WeightsError } from './types.ts';

/** First window; most pickles of state dicts are shorter. Later windows double up to `LARGEST_WINDOW`: larger ones pile up until they are collected. */
const FIRST_WINDOW = 32 << 10;
const LARGEST_WINDOW = 1 << 20;
/** Pickles inside the stream of a pickle (joblib's object arrays). (CWE-674) */
const MAX_NESTING = 16;

export interface PickleOptions {
  /** Told of every call, BUILD and item assignment as it is decoded, also of those before a broken opcode. */
  readonly observe?: (use: PickleUse) => void;
  /** Told of the texts in plain containers that the result does not hold, because there are over 100,000 plain values. */
  readonly onText?: (text: string) => void;
  /**
   * Bytes that stand in the stream behind a BUILD and are not opcodes (joblib writes arrays there):
   * how many to skip, or `'pickle'` for one whole pickle.
   */
  readonly behindBuild?: (call: PickleCall, at: number) => number | 'pickle' | Promise<number | 'pickle'>;
  /** Reads as an unpickler that drops the rest of a frame which an argument overruns: the other decoding of such bytes. */
  readonly dropsFrameRest?: boolean;
}

export interface PickleResult {
  /** What the pickle leaves; undefined when it is broken. */
  readonly value: PickleValue | undefined;
  /** Every import, in order of first appearance, also those before a broken opcode. */
  readonly globals: readonly PickleGlobal[];
  /** False when some import could not be told from the bytes. */
  readonly importsResolved: boolean;
  readonly oddities: readonly PickleOddity[];
  /** Highest PROTO seen; 0 when there is none. */
  readonly protocol: number;
  readonly opcodes: number;
  /** Offset of the byte behind STOP, or of the broken opcode. */
  readonly end: number;
  /** Bytes of the source behind `end`. */
  readonly trailingBytes: number;
  /** Why reading stopped before STOP. */
  readonly problem?: WeightsError;
}

/**
 * Reads one pickle from `start`. A broken pickle is `problem`, with everything seen before it.
 * @throws SourceError when bytes cannot be had.
 */
export async function scanPickle(source: ByteSource, start = 0, options: PickleOptions = {}): Promise<PickleResult> {
  return scanNested(source, start, options, 0);
}

/** Like `scanPickle`, but a broken pickle is an error. @throws WeightsError `WEIGHTS_PICKLE`, `WEIGHTS_LIMIT`, `WEIGHTS_TRUNCATED` */
export async function readPickle(
  source: ByteSource,
  start = 0,
  observe?: (use: PickleUse) => void,
): Promise<PickleResult & { readonly value: PickleValue }> {
  const result = await scanPickle(source, start, observe ? { observe } : {});
  if (result.problem) throw result.problem;
  return { ...result, value: result.value ?? null };
}

async function scanNested(source: ByteSource, start: number, options: PickleOptions, depth: number): Promise<PickleResult> {
  const m = createMachine(source.name, source.size, start, {
    observe: options.observe,
    onText: options.onText,
    watchBuilds: options.behindBuild !== undefined,
    dropsFrameRest: options.dropsFrameRest ?? false,
  });
  let window = FIRST_WINDOW;
  let problem: WeightsError | undefined;
  const inner: PickleGlobal[] = [];
  try {
    while (!m.stopped) {
      const need = advance(m);
      if (need > 0) {
        await refill(m, source, Math.max(need, window));
        window = Math.min(window * 2, LARGEST_WINDOW);
      } else if (m.built && options.behindBuild) {
        const built = m.built;
        m.built = null;
        const behind = await options.behindBuild(built, m.base + m.at);
        if (behind === 'pickle') {
          if (depth >= MAX_NESTING)
            throw new WeightsError('WEIGHTS_LIMIT', `${m.file}: pickles nest deeper than ${MAX_NESTING}`, {
              where: { file: m.file, byte: m.base + m.at },
            });
          // joblib hands it to a plain unpickler, which knows nothing of arrays.
          const { behindBuild: _, ...plain } = options;
          const nested = await scanNested(source, m.base + m.at, plain, depth + 1);
          inner.push(...nested.globals);
          m.oddities.push(...nested.oddities);
          m.opcodes += nested.opcodes;
          if (nested.problem) throw nested.problem;
          m.at = nested.end - m.base;
        } else {
          if (behind < 0 || m.base + m.at + behind > m.size)
            throw new WeightsError('WEIGHTS_TRUNCATED', `${m.file}: an array of ${behind} bytes runs past the end`, {
              where: { file: m.file, byte: m.base + m.at },
            });
          m.at += behind;
        }
      }
    }
  } catch (error) {
    if (!(error instanceof WeightsError)) throw error;
    problem = error;
  }
  const globals = [...m.globals.values(), ...inner];
  const end = problem ? Math.min(problem.where?.byte ?? m.base + m.at, m.size) : m.base + m.at;
  return {
    value: problem ? undefined : m.stack[0],
    globals,
    importsResolved: globals.every((one) => one.resolved),
    oddities: m.oddities,
    protocol: m.protocol,
    opcodes: m.opcodes,
    end,
    trailingBytes: m.size - end,
    ...(problem && { problem }),
  };
}

/** Runs opcodes until STOP (0), until a BUILD that may have bytes behind it (0), or until more bytes are needed. */
function advance(m: Machine): number {
  let op = m.at;
  let frameEnd = m.frameEnd;
  try {
    while (!m.stopped) {
      op = m.at;
      frameEnd = m.frameEnd;
      step(m);
      if (m.built) return 0;
    }
    return 0;
  } catch (error) {
    if (error !== NEED_MORE) throw error;
    m.at = op;
    m.frameEnd = frameEnd;
    m.opcodes -= 1;
    return m.need;
  }
}

async function refill(m: Machine, source: ByteSource, want: number): Promise<void> {
  const from = m.base + m.at;
  m.bytes = await source.read(from, Math.min(want, m.size - from));
  m.base = from;
  m.at = 0;
}
