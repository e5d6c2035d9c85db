/**
 * What stands behind a pickle, or behind the place where one breaks.
 * @module
 */
import { type ByteSource, decodeLatin1 } from '../base/index.ts';
import { type PickleGlobal, sliceSource } from '../weights/index.ts';
import { judgeGlobal } from './globals.ts';
import { isSpent, mayBePickle, runPickle } from './pickle-run.ts';
import { executableName } from './programs.ts';
import { type Collector, report } from './rules.ts';

/** Bytes searched for further pickles behind a broken one, and places tried. */
const RESYNC_BYTES = 1 << 20;
const MAX_RESYNCS = 50;
const RESYNC_RUN = 256 << 10;

/** Whether a file of another kind is, from its first byte, also a pickle that calls what is dangerous or unknown. */
export async function hidesPickle(source: ByteSource, into: Collector): Promise<boolean> {
  if (!mayBePickle(await source.read(0, Math.min(2, source.size)))) return false;
  const { globals } = await runPickle(source, 0, into, {});
  return globals.some((one) => one.called && trialTier(one, into, false) !== null);
}

/** Line ends and zeros that editors and padders leave behind. */
const PADDING = 64;

/** Whether what stands from `at` to the end of the file is such padding. */
async function isPadding(source: ByteSource, at: number): Promise<boolean> {
  const rest = source.size - at;
  return rest <= PADDING && /^[\0\t\r\n ]*$/.test(decodeLatin1(await source.read(at, rest)));
}

export async function trailing(source: ByteSource, at: number, into: Collector, what = 'last pickle'): Promise<void> {
  if (await isPadding(source, at)) return;
  const name = executableName(await source.read(at, Math.min(4, source.size - at)));
  report(
    into,
    'trailing-data',
    { file: source.name, byte: at },
    `${source.size - at} bytes follow the ${what}${name ? `; they begin like ${name}` : ''}`,
  );
}

/**
 * What an import found by trial is, where bytes may be anything: a danger, or something unknown that is called, and both by a name
 * as Python spells them.
 */
export function trialTier(one: PickleGlobal, into: Collector, torchscript: boolean): 'dangerous' | 'unknown' | null {
  if (!one.resolved || !/^[A-Za-z_]\w*(\.[A-Za-z_]\w*)*$/.test(`${one.module}.${one.name}`)) return null;
  const { tier } = judgeGlobal(into.book, one.module, one.name, torchscript);
  return tier === 'dangerous' || (tier === 'unknown' && one.called) ? tier : null;
}

/**
 * Behind a break, the places where another pickle or an import could begin.
 * @param context.text the bytes are text: lists of words come to imports by chance ("cos", "sin"), but not to calls.
 */
export async function resync(
  source: ByteSource,
  from: number,
  into: Collector,
  context: { readonly torchscript?: boolean; readonly text?: boolean },
): Promise<void> {
  const bytes = await source.read(from, Math.min(RESYNC_BYTES, source.size - from));
  const text = decodeLatin1(bytes);
  // Imports by text, by protocol mark, and by two short strings and STACK_GLOBAL. Texts are looked for from their first line's end
  // backwards: forwards, every letter of a word might begin one. (CWE-1333)
  const starts = /\n(?<=(c[A-Za-z_][\w.]{0,100})\n)[A-Za-z_][\w.]{0,100}\n|\x80[\x00-\x05]|\x8c.[A-Za-z_][\w.]*\x94?\x8c.[A-Za-z_]/gs;
  let tried = 0;
  for (let match = starts.exec(text); match && tried < MAX_RESYNCS && !isSpent(into); match = starts.exec(text), tried++) {
    const start = from + match.index - (match[1]?.length ?? 0);
    // What an import needs stands near it; the rest of a long file would be run again for every place.
    const near = sliceSource(source, 0, Math.min(source.size, start + RESYNC_RUN), source.name);
    const result = await runPickle(near, start, into, {});
    for (const one of result.globals) {
      const tier = context.text && !one.called ? null : trialTier(one, into, context.torchscript ?? false);
      const where = { file: source.name, byte: one.byte };
      const named = `behind a break, the bytes ${one.called ? 'call' : 'name'} ${one.module}.${one.name}`.slice(0, 300);
      if (tier === 'dangerous') report(into, 'pickle-dangerous-global', where, `${named}, which is dangerous`);
      else if (tier === 'unknown') report(into, 'pickle-unknown-global', where, `${named}, which is on no list`);
    }
  }
}
