/**
 * Pickles: every import is judged, also those of streams behind the first and of streams that break.
 * @module
 */
import { type ByteSource, decodeLatin1 } from '../base/index.ts';
import {
  behindJoblibArray,
  DTYPES,
  LEGACY_MAGIC,
  type PickleGlobal,
  type PickleOddity,
  type PickleOptions,
  type PickleResult,
  type PickleValue,
  scanPickle,
  sequenceItems,
  sliceSource,
  storageDtype,
  WeightsError,
} from '../weights/index.ts';
import { showValue } from './arguments.ts';
import { looksLikeCode } from './code.ts';
import { carriedPickles, expandedSize, someText } from './expansion.ts';
import { dangerOf, judgeGlobal, pathOf } from './globals.ts';
import { judgeUse, type Loaded, type Uses } from './pickle-uses.ts';
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
/** Pickles longer than this run one at a time. */
const MUCH = 4 << 20;
/** Pickles inside bytes inside pickles. (CWE-674) */
const MAX_DEPTH = 4;
/** Parts an object may seem to have when walked without sharing; the largest honest vocabularies have tens of millions. */
const MAX_EXPANDED = 1e9;
export interface PickleContext {
  readonly torchscript?: boolean;
  readonly depth?: number;
  /** Judges bytes that a pickle loads, whatever they are. */
  readonly scanInside?: (source: ByteSource) => Promise<void>;
  /** Filled with what persistent ids say of PyTorch's storages: key → bytes. */
  readonly storages?: Map<string, number>;
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
  const uses: Uses = { file: source.name, torchscript: context.torchscript ?? false, loaded: new Map(), reaching: new Set() };
  let text: string | null = null;
  const result = await runPickle(source, at, into, {
    observe: (use) => {
      judgeUse(use, uses, into);
      if (use.op === 'persid' && context.storages) noteStorage(use.argument, context.storages);
    },
    onText: (one) => {
      if (text === null && looksLikeCode(one)) text = one;
    },
    behindBuild: behindJoblibArray(source),
  });
  for (const one of result.globals) judgeImport(one, uses, into);
  for (const odd of result.oddities) judgeOddity(odd, source.name, into);
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
  const depth = (context.depth ?? 0) + 1;
  if (depth > MAX_DEPTH) return result;
  for (const [byte, loaded] of uses.loaded) await judgeLoaded(source, byte, loaded, into, context);
  if (result.value !== undefined) await judgeCarried(source, result.value, uses, into);
  return result;
}

/** `('storage', type, key, location, numel)`, as torch/serialization.py writes it. */
function noteStorage(id: PickleValue, storages: Map<string, number>): void {
  const parts = sequenceItems(id) ?? [];
  const [mark, type, key, , numel] = parts;
  const dtype = storageDtype(type);
  if (mark !== 'storage' || typeof key !== 'string' || typeof numel !== 'number') return;
  storages.set(key, Math.max(storages.get(key) ?? 0, numel * (dtype ? DTYPES[dtype].blockBytes : dtype === null ? 1 : 0)));
}

/** Bytes that a call loads: PyTorch pickles a storage this way, so there what is inside decides; elsewhere it has no use. */
async function judgeLoaded(
  source: ByteSource,
  byte: number,
  { by, bytes }: Loaded,
  into: Collector,
  context: PickleContext,
): Promise<void> {
  const where = { file: source.name, byte };
  const evidence = { callable: by };
  if (bytes === null)
    return report(into, 'pickle-in-pickle', where, `${by} is called with bytes that are computed while loading`, evidence);
  const length = bytes.length;
  const rule = by === 'torch.storage._load_from_bytes' ? 'pickle-in-data' : 'pickle-in-pickle';
  report(into, rule, where, `${length} bytes at byte ${byte} are a pickle that the outer one loads`, evidence);
  const inner = 'kind' in bytes ? sliceSource(source, bytes.byte, length, `${source.name}!bytes@${byte}`) : memory(source, bytes, byte);
  if (context.scanInside) await context.scanInside(inner);
  else await scanPickles(inner, into, { ...context, depth: (context.depth ?? 0) + 1 });
}

/** Bytes among the data that are a whole pickle: nobody loads them here, somebody may later. */
async function judgeCarried(source: ByteSource, value: PickleValue, uses: Uses, into: Collector): Promise<void> {
  for (const { byte, data } of carriedPickles(value)) {
    if (uses.loaded.has(byte)) continue;
    const inner = await runPickle(memory(source, data, byte), 0, into, {});
    if (inner.problem || inner.trailingBytes > 0) continue;
    const foreign = inner.globals.find((one) => !/^(data|library)$/.test(judgeGlobal(into.book, one.module, one.name, false).tier));
    const named = foreign ? `, and names ${foreign.module}.${foreign.name}`.slice(0, 200) : '';
    report(
      into,
      foreign ? 'pickle-in-pickle' : 'pickle-in-data',
      { file: source.name, byte },
      `${data.length} bytes at byte ${byte} are a pickle among the data${named}`,
    );
  }
}

function judgeImport(one: PickleGlobal, uses: Uses, into: Collector): void {
  const where = { file: uses.file, byte: one.byte };
  const spelled = `${one.module}.${one.name}`.slice(0, 200);
  const path = pathOf(into.book, one.module, one.name).slice(0, 200);
  const calls = one.called ? 'calls' : 'names';
  const evidence = { opcode: one.opcode, callable: path, ...(one.arguments !== undefined && { argument: showValue(one.arguments) }) };
  if (!one.resolved)
    return report(
      into,
      'pickle-unresolved-global',
      where,
      `the pickle imports something it names only while loading (${spelled})`,
      evidence,
    );
  const judged = judgeGlobal(into.book, one.module, one.name, uses.torchscript);
  // dill gives attributes to classes it carries, and names modules' namespaces for functions it carries.
  const own = (path === 'builtins.setattr' && one.called && !uses.reaching.has(one)) || (isNamespace(into, path) && !one.called);
  if (judged.tier === 'dangerous' && own)
    report(into, 'pickle-carries-code', where, `the pickle ${calls} ${spelled} for functions or classes it carries`, evidence);
  else if (judged.tier === 'dangerous')
    report(into, 'pickle-dangerous-global', where, `the pickle ${calls} ${spelled}, which ${judged.what}`, evidence);
  else if (judged.tier === 'code')
    report(into, 'pickle-carries-code', where, `the pickle ${calls} ${spelled}, which ${judged.what}`, evidence);
  else if (judged.tier === 'unknown')
    report(into, 'pickle-unknown-global', where, `the pickle ${calls} ${spelled}, which is on no list`, evidence);
  else if (judged.tier === 'library')
    report(into, 'pickle-library-class', where, `the pickle ${calls} ${spelled}, ${judged.what}`, evidence);
}

function isNamespace(into: Collector, path: string): boolean {
  return path.endsWith('.__dict__') && dangerOf(into.book.denied, path) === null && !/__\w+__\./.test(path);
}

function judgeOddity(odd: PickleOddity, file: string, into: Collector): void {
  const where = { file, byte: odd.byte };
  const at = `the instruction at byte ${odd.byte}`;
  switch (odd.kind) {
    case 'frame-straddled':
    case 'frame-nested':
      return report(into, 'pickle-frames-diverge', where, `${at} crosses the end of its frame`);
    case 'frame-too-long':
      return report(into, 'pickle-broken', where, `the frame at byte ${odd.byte} runs past the end of the file`, { opcode: 'FRAME' });
    case 'unhashable-item':
      return report(into, 'pickle-broken', where, `${at} makes a list, set or dictionary a key or member of a set, which Python refuses`);
    case 'build-on-import':
      return report(into, 'pickle-alters-import', where, `${at} sets attributes on something imported`, { opcode: 'BUILD' });
    case 'item-on-import':
      return report(into, 'pickle-alters-import', where, `${at} sets or adds items on something imported`);
    case 'memo-index':
      return report(
        into,
        'pickle-strange-operation',
        where,
        `${at} stores under a number larger than the file, for which Python makes room`,
      );
    case 'call-on-result':
      return report(into, 'pickle-strange-operation', where, `${at} calls what another call returned`);
    default:
      return report(into, 'pickle-strange-operation', where, `${at} treats plain data as an object (${odd.kind})`);
  }
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
  // What is built while a long pickle runs can be four times its size.
  if (source.size - at > MUCH) await into.turn?.take();
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
  const text = decodeLatin1(bytes);
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
