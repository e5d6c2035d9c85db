/**
 * Pickles: every import is judged, also those of streams behind the first and of streams that break.
 * @module
 */
import type { ByteSource } from '../base/index.ts';
import {
  behindJoblibArray,
  calleeName,
  isPickleObject,
  LEGACY_MAGIC,
  type PickleOptions,
  type PickleResult,
  type PickleUse,
  type PickleValue,
  scanPickle,
  sequenceItems,
  sliceSource,
  WeightsError,
} from '../weights/index.ts';
import { looksLikeCode } from './code.ts';
import { expandedSize, someText } from './expansion.ts';
import { judgeGlobal } from './globals.ts';
import { type Collector, report } from './rules.ts';

/** Pickles one after the other in a file; PyTorch's legacy stream has five. (CWE-834) */
const MAX_STREAMS = 1000;
/** Bytes searched for further pickles behind a broken one, and places tried. */
const RESYNC_BYTES = 1 << 20;
const MAX_RESYNCS = 50;
const RESYNC_RUN = 256 << 10;
/** Instructions of all pickles of a file together: a fixed part, and so many for each byte of the file and of what it unpacks to. */
const FREE_STEPS = 1_000_000;
const STEPS_PER_BYTE = 4;
/** What starting on a pickle costs, in instructions. */
const START_STEPS = 500;
/** Pickles inside bytes inside pickles. (CWE-674) */
const MAX_DEPTH = 4;
/** Parts an object may seem to have when walked without sharing; the largest honest vocabularies have tens of millions. */
const MAX_EXPANDED = 1e9;
/** Constructors of plain containers: they take pairs or nothing, never text. */
const CONTAINERS = /^collections\.(OrderedDict|Counter|defaultdict|deque)$/;

export interface PickleContext {
  readonly torchscript?: boolean;
  readonly depth?: number;
  /** Raw values stand between the pickles (PyTorch's oldest container). */
  readonly mixed?: boolean;
}

/** Judges the pickles of a source from its first byte on. @throws SourceError */
export async function scanPickles(source: ByteSource, into: Collector, context: PickleContext = {}): Promise<void> {
  let at = 0;
  for (let n = 0; n < MAX_STREAMS && at < source.size; n++) {
    const result = await judgeOne(source, at, into, context);
    if (n === 0 && result.value === LEGACY_MAGIC) return scanLegacy(source, result.end, into);
    if (result.problem) {
      if (n > 0 && result.globals.length === 0) return context.mixed ? resync(source, at, into, context) : trailing(source, at, into);
      const say = result.problem.code === 'WEIGHTS_LIMIT' ? 'not-read' : 'pickle-broken';
      report(into, say, result.problem.where ?? { file: source.name }, result.problem.message);
      return resync(source, result.end, into, context);
    }
    at = result.end;
    if (at < source.size && !(await startsLikePickle(source, at)))
      return context.mixed ? resync(source, at, into, context) : trailing(source, at, into);
  }
}

/** Magic, protocol, system, object, keys; what follows are the values. */
async function scanLegacy(source: ByteSource, start: number, into: Collector): Promise<void> {
  let at = start;
  for (let n = 1; n < 5; n++) {
    const result = await judgeOne(source, at, into, {});
    if (result.problem) return report(into, 'pickle-broken', result.problem.where ?? { file: source.name }, result.problem.message);
    at = result.end;
  }
}

async function judgeOne(source: ByteSource, at: number, into: Collector, context: PickleContext): Promise<PickleResult> {
  // By place: a payload that is loaded a million times is looked at once.
  const inner = new Map<number, Uint8Array>();
  let text: string | null = null;
  const result = await runPickle(source, at, into, {
    observe: (use) => judgeUse(use, source.name, into, inner),
    onText: (one) => {
      if (text === null && looksLikeCode(one)) text = one;
    },
    behindBuild: behindJoblibArray(source),
  });
  for (const one of result.globals) {
    const where = { file: source.name, byte: one.byte };
    const spelled = `${one.module}.${one.name}`.slice(0, 200);
    const calls = one.called ? 'calls' : 'names';
    if (!one.resolved) {
      report(into, 'pickle-unresolved-global', where, `the pickle imports something it names only while loading (${spelled})`);
      continue;
    }
    const judged = judgeGlobal(into.book, one.module, one.name, context.torchscript ?? false);
    if (judged.tier === 'dangerous') report(into, 'pickle-dangerous-global', where, `the pickle ${calls} ${spelled}, which ${judged.what}`);
    else if (judged.tier === 'code') report(into, 'pickle-carries-code', where, `the pickle ${calls} ${spelled}, which ${judged.what}`);
    else if (judged.tier === 'unknown') report(into, 'pickle-unknown-global', where, `the pickle ${calls} ${spelled}, which is on no list`);
    else if (judged.tier === 'library') report(into, 'pickle-library-class', where, `the pickle ${calls} ${spelled}, ${judged.what}`);
  }
  for (const odd of result.oddities) {
    const where = { file: source.name, byte: odd.byte };
    if (odd.kind === 'frame-straddled' || odd.kind === 'frame-nested')
      report(into, 'pickle-frames-diverge', where, `an instruction at byte ${odd.byte} crosses the end of its frame`);
    else
      report(into, 'pickle-strange-operation', where, `the instruction at byte ${odd.byte} treats plain data as an object (${odd.kind})`);
  }
  if (result.value !== undefined && expandedSize(result.value) > MAX_EXPANDED)
    report(
      into,
      'pickle-expansion',
      { file: source.name, byte: at },
      `${result.opcodes} instructions build an object of over ${MAX_EXPANDED} parts`,
    );
  if (result.value !== undefined) text ??= someText(result.value, looksLikeCode);
  if (text !== null)
    report(
      into,
      'code-in-data',
      { file: source.name, byte: at },
      `a text in the pickle reads like code: ${JSON.stringify(text.slice(0, 80))}`,
    );
  if ((context.depth ?? 0) < MAX_DEPTH)
    for (const [byte, bytes] of inner) {
      if (!(bytes[0] === 0x80 && bytes[1]! <= 5)) continue;
      report(
        into,
        'pickle-in-pickle',
        { file: source.name, byte },
        `${bytes.length} bytes at byte ${byte} are a pickle that the outer one loads`,
      );
      await scanPickles(memory(source, bytes, byte), into, { ...context, depth: (context.depth ?? 0) + 1 });
    }
  return result;
}

function isSpent({ work, unpacked }: Collector): boolean {
  return work.steps > FREE_STEPS + STEPS_PER_BYTE * (work.bytes + unpacked);
}

/** Runs a pickle on the file's account. */
async function runPickle(source: ByteSource, at: number, into: Collector, options: PickleOptions): Promise<PickleResult> {
  const { work } = into;
  if (isSpent(into)) {
    const problem = new WeightsError('WEIGHTS_LIMIT', `${source.name} holds more pickles than are looked into`, {
      where: { file: source.name, byte: at },
    });
    const trailingBytes = source.size - at;
    return { value: undefined, globals: [], importsResolved: true, oddities: [], protocol: 0, opcodes: 0, end: at, trailingBytes, problem };
  }
  const result = await scanPickle(source, at, options);
  work.steps += START_STEPS + result.opcodes;
  return result;
}

function memory(source: ByteSource, bytes: Uint8Array, byte: number): ByteSource {
  return {
    ...sliceSource(source, 0, 0, `${source.name}!bytes@${byte}`),
    size: bytes.length,
    read: async (at, length) => bytes.slice(at, at + length),
  };
}

/** What calls of listed names may be given. */
function judgeUse(use: PickleUse, file: string, into: Collector, inner: Map<number, Uint8Array>): void {
  const { target } = use;
  if (use.op === 'call') {
    const name = isPickleObject(target) && target.kind === 'global' ? `${target.module}.${target.name}` : '';
    const args = sequenceItems(use.argument);
    const where = { file, byte: use.byte };
    if (CONTAINERS.test(name) && (args ?? [use.argument]).some(isText))
      report(into, 'pickle-argument', where, `${name} is called with a text`);
    if (name === '_codecs.encode' && args?.[1] !== 'latin1' && args?.[1] !== 'latin-1')
      report(into, 'pickle-argument', where, `_codecs.encode is called for the encoding ${shown(args?.[1])}`);
    if (/^(torch\.storage\._load_from_bytes|_?pickle\.loads|dill\.loads|dill\._dill\.loads|cloudpickle\.loads)$/.test(name))
      for (const arg of args ?? []) if (isPickleObject(arg) && arg.kind === 'bytes' && arg.data) inner.set(arg.byte, arg.data);
  } else if (
    use.op === 'setitem' &&
    isPickleObject(target) &&
    target.kind === 'call' &&
    /^torch\._utils\._rebuild_/.test(calleeName(target))
  )
    report(into, 'pickle-strange-operation', { file, byte: use.byte }, `items are set on what ${calleeName(target)} returns`);
}

function isText(value: PickleValue | undefined): boolean {
  return typeof value === 'string' || (isPickleObject(value) && value.kind === 'bytes');
}
function shown(value: PickleValue | undefined): string {
  return typeof value === 'string' ? `"${value.slice(0, 40)}"` : 'something else than a name';
}

/** Whether another pickle may begin here. */
async function startsLikePickle(source: ByteSource, at: number): Promise<boolean> {
  const head = await source.read(at, Math.min(2, source.size - at));
  return (head[0] === 0x80 && head[1]! <= 5) || (head[0] !== undefined && '(]})cNIFSVLKJMUXTGP'.includes(String.fromCharCode(head[0])));
}

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

async function trailing(source: ByteSource, at: number, into: Collector): Promise<void> {
  const name = executableName(await source.read(at, Math.min(4, source.size - at)));
  report(
    into,
    'trailing-data',
    { file: source.name, byte: at },
    `${source.size - at} bytes follow the last pickle${name ? `; they begin like ${name}` : ''}`,
  );
}

/** Behind a break, the places where another pickle or an import could begin. Only dangers are reported from there. */
export async function resync(source: ByteSource, from: number, into: Collector, context: PickleContext): Promise<void> {
  const bytes = await source.read(from, Math.min(RESYNC_BYTES, source.size - from));
  const text = new TextDecoder('latin1').decode(bytes);
  // Imports by text, by protocol mark, and by two short strings and STACK_GLOBAL.
  const starts = /c[A-Za-z_][\w.]{0,100}\n[A-Za-z_][\w.]{0,100}\n|\x80[\x00-\x05]|\x8c.[A-Za-z_][\w.]*\x94?\x8c.[A-Za-z_]/gs;
  let tried = 0;
  for (let match = starts.exec(text); match && tried < MAX_RESYNCS && !isSpent(into); match = starts.exec(text), tried++) {
    // What an import needs stands near it; the rest of a long file would be run again for every place.
    const near = sliceSource(source, 0, Math.min(source.size, from + match.index + RESYNC_RUN), source.name);
    const result = await runPickle(near, from + match.index, into, {});
    for (const one of result.globals) {
      const judged = judgeGlobal(into.book, one.module, one.name, context.torchscript ?? false);
      if (one.resolved && judged.tier === 'dangerous')
        report(
          into,
          'pickle-dangerous-global',
          { file: source.name, byte: one.byte },
          `behind a break, the bytes name ${one.module}.${one.name}, which ${judged.what}`,
        );
    }
  }
}
