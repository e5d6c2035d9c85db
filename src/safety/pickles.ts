/**
 * Pickles: every import is judged, also those of streams behind the first and of streams that break.
 * @module
 */
import type { ByteSource } from '../base/index.ts';
import {
  behindJoblibArray,
  encodeLatin1,
  LEGACY_MAGIC,
  type PickleOptions,
  type PickleResult,
  type PickleValue,
  sliceSource,
} from '../weights/index.ts';
import { looksLikeCode } from './code.ts';
import { callByName, carriedPickles, expandedSize, someText } from './expansion.ts';
import { judgeGlobal } from './globals.ts';
import { resync, trailing, trialTier } from './pickle-behind.ts';
import { judgeImport, judgeOddity } from './pickle-imports.ts';
import { bytesSource, mayBePickle, runPickle } from './pickle-run.ts';
import { judgeUse, type Loaded, type Uses } from './pickle-uses.ts';
import { type Collector, report } from './rules.ts';
import { judgeLegacyStorages, judgeStorages, type Storages } from './storages.ts';

/** Pickles one after the other in a file; PyTorch's legacy stream has five, files of records have thousands. (CWE-834) */
const MAX_STREAMS = 20_000;
/** Pickles inside bytes inside pickles. (CWE-674) */
const MAX_DEPTH = 4;
/** Bytes written as text that are decoded to be looked into. (CWE-789) */
const MAX_AS_TEXT = 64 << 20;
/** Parts an object may seem to have when walked without sharing; the largest honest vocabularies have tens of millions. */
const MAX_EXPANDED = 1e9;
export interface PickleContext {
  readonly torchscript?: boolean;
  readonly depth?: number;
  /** Judges bytes that a pickle loads, whatever they are. */
  readonly scanInside?: (source: ByteSource) => Promise<void>;
  /** Filled with what persistent ids say of PyTorch's storages. */
  readonly storages?: Storages;
  /** Raw values stand between the pickles (PyTorch's oldest container). */
  readonly mixed?: boolean;
}

/** Judges the pickles of a source from its first byte on. @throws SourceError */
export async function scanPickles(source: ByteSource, into: Collector, context: PickleContext = {}): Promise<void> {
  let at = 0;
  for (let n = 0; at < source.size; n++) {
    if (n >= MAX_STREAMS)
      return report(
        into,
        'not-read',
        { file: source.name, byte: at },
        `only the first ${MAX_STREAMS} pickles of the file were looked into`,
      );
    const result = await judgeOne(source, at, into, context, n > 0);
    if (n === 0 && result.value === LEGACY_MAGIC) return scanLegacy(source, result.end, into, context);
    if (result.problem) {
      if (n > 0 && result.globals.length === 0) return context.mixed ? resync(source, at, into, context) : trailing(source, at, into);
      const say = result.problem.code === 'WEIGHTS_LIMIT' ? 'not-read' : 'pickle-broken';
      report(into, say, result.problem.where ?? { file: source.name }, result.problem.message);
      return resync(source, result.end, into, context);
    }
    at = result.end;
    if (at < source.size && !mayBePickle(await source.read(at, Math.min(2, source.size - at))))
      return context.mixed ? resync(source, at, into, context) : trailing(source, at, into);
  }
}

/** Magic, protocol, system, object, keys; what follows are the values. */
async function scanLegacy(source: ByteSource, start: number, into: Collector, context: PickleContext): Promise<void> {
  const storages: Storages = new Map();
  let at = start;
  let keys: PickleValue | undefined;
  for (let n = 1; n < 5; n++) {
    const result = await judgeOne(source, at, into, { ...context, ...(n === 3 && { storages }) });
    if (result.problem) return report(into, 'pickle-broken', result.problem.where ?? { file: source.name }, result.problem.message);
    at = result.end;
    keys = result.value;
  }
  await judgeLegacyStorages(source, at, keys, storages, into);
}

async function judgeOne(source: ByteSource, at: number, into: Collector, context: PickleContext, further = false): Promise<PickleResult> {
  const uses: Uses = {
    file: source.name,
    torchscript: context.torchscript ?? false,
    loaded: new Map(),
    reaching: new Set(),
    attributes: new Set(),
  };
  let text: string | null = null;
  let skipped = false;
  const behindArray = behindJoblibArray(source);
  const options: PickleOptions = {
    observe: (use) => {
      judgeUse(use, uses, into);
      judgeStorages(use, source.name, context.storages, into);
    },
    onText: (one) => {
      if (text === null && looksLikeCode(one)) text = one;
    },
    behindBuild: async (call, behind) => {
      const bytes = await behindArray(call, behind);
      skipped ||= bytes !== 0;
      return bytes;
    },
  };
  const result = await runPickle(source, at, into, options, further ? 0 : undefined);
  for (const one of result.globals) judgeImport(one, uses, into);
  if (result.oddities.some((odd) => odd.kind === 'frame-straddled' || odd.kind === 'frame-nested'))
    await judgeOtherwise(source, at, into, context, result, { ...options, dropsFrameRest: true });
  if (skipped) await judgeOtherwise(source, at, into, context, result, {});
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
  const byName = result.value === undefined || text !== null ? null : callByName(result.value);
  if (byName !== null)
    report(
      into,
      'code-in-data',
      { file: source.name, byte: at },
      `texts in the pickle stand side by side as for a call by name: ${byName}`,
    );
  for (const [byte, loaded] of uses.loaded) await judgeLoaded(source, byte, loaded, into, context);
  if (result.value !== undefined) await judgeCarried(source, at, result.value, uses, into);
  return result;
}

/**
 * What other unpicklers decode from the same bytes: those that drop the rest of a frame, and those that do not know that joblib
 * writes arrays into the stream. Only imports that the first decoding has not are judged.
 */
async function judgeOtherwise(
  source: ByteSource,
  at: number,
  into: Collector,
  context: PickleContext,
  first: PickleResult,
  options: PickleOptions,
): Promise<void> {
  const known = new Set(first.globals.map((one) => `${one.module}\n${one.name}`));
  const { globals } = await runPickle(source, at, into, options);
  for (const one of globals)
    if (!known.has(`${one.module}\n${one.name}`) && trialTier(one, into, context.torchscript ?? false))
      report(
        into,
        'pickle-frames-diverge',
        { file: source.name, byte: one.byte },
        `read in another way, the same bytes ${one.called ? 'call' : 'name'} ${one.module}.${one.name}`.slice(0, 300),
      );
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
  const depth = (context.depth ?? 0) + 1;
  if (depth > MAX_DEPTH)
    return report(into, 'pickle-in-pickle', where, `pickles that load pickles nest deeper than ${MAX_DEPTH}`, evidence);
  if (bytes === null)
    return report(into, 'pickle-in-pickle', where, `${by} is called with bytes that are computed while loading`, evidence);
  const length = bytes.length;
  const rule = by === 'torch.storage._load_from_bytes' ? 'pickle-in-data' : 'pickle-in-pickle';
  report(into, rule, where, `${length} bytes at byte ${byte} are a pickle that the outer one loads`, evidence);
  const inner = !('kind' in bytes)
    ? bytesSource(source, bytes, byte)
    : bytes.encoding === 'utf8'
      ? await latin1Source(source, bytes.byte, length, byte)
      : sliceSource(source, bytes.byte, length, `${source.name}!bytes@${byte}`);
  if (!inner) return report(into, 'not-read', where, `${length} bytes that ${by} loads are written as text and cannot be read`, evidence);
  if (context.scanInside) await context.scanInside(inner);
  else await scanPickles(inner, into, { ...context, depth });
}

/** Bytes written as text, one character each, as protocols before 3 do; null when some character is no byte, or there are too many. */
async function latin1Source(source: ByteSource, from: number, length: number, byte: number): Promise<ByteSource | null> {
  if (length > MAX_AS_TEXT) return null;
  const bytes = encodeLatin1(new TextDecoder().decode(await source.read(from, length)));
  return bytes && bytesSource(source, bytes, byte);
}

/** Bytes among the data that are a whole pickle: nobody loads them here, somebody may later. */
async function judgeCarried(source: ByteSource, at: number, value: PickleValue, uses: Uses, into: Collector): Promise<void> {
  for (const { byte, data } of carriedPickles(value)) {
    if (uses.loaded.has(byte)) continue;
    const where = { file: source.name, byte: Math.max(byte, at) };
    const written = byte < 0 ? 'bytes written as text' : `bytes at byte ${byte}`;
    const inner = await runPickle(bytesSource(source, data, byte), 0, into, {});
    if (inner.problem || inner.trailingBytes > 0) continue;
    const foreign = inner.globals.find((one) => !/^(data|library)$/.test(judgeGlobal(into.book, one.module, one.name, false).tier));
    const named = foreign ? `, and names ${foreign.module}.${foreign.name}`.slice(0, 200) : '';
    report(into, foreign ? 'pickle-in-pickle' : 'pickle-in-data', where, `${data.length} ${written} are a pickle among the data${named}`);
  }
}
