/**
 * Findings from the imports of a pickle, and from what its instructions do that no pickler writes.
 * @module
 */
import type { PickleGlobal, PickleOddity } from '../weights/index.ts';
import { showValue } from './arguments.ts';
import { dangerOf, judgeGlobal, pathOf } from './globals.ts';
import { LOOKUPS, type Uses } from './pickle-uses.ts';
import { type Collector, report } from './rules.ts';

/** Names listed of a file; honest ones have dozens. (CWE-770) */
const MAX_IMPORTS = 10_000;

export function judgeImport(one: PickleGlobal, uses: Uses, into: Collector): void {
  const where = { file: uses.file, byte: one.byte };
  if (one.resolved && into.imports.size < MAX_IMPORTS) into.imports.add(`${one.module}.${one.name}`.slice(0, 200));
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
  // Members of enumerations and bound methods are pickled as attributes of what stands in the file.
  if (path === 'builtins.getattr' && one.called && !uses.reaching.has(one)) {
    if (uses.attributes.has(one))
      report(into, 'pickle-unknown-global', where, 'the pickle reads attributes of objects whose classes are on no list', evidence);
    return;
  }
  // dill gives attributes to classes it carries, looks up what functions it carries use, and names modules' namespaces for them.
  const forOwn = path === 'builtins.setattr' || LOOKUPS.test(path);
  const own = (forOwn && one.called && !uses.reaching.has(one)) || (isNamespace(into, path) && !one.called);
  if (judged.tier === 'dangerous' && own)
    report(into, 'pickle-carries-code', where, `the pickle ${calls} ${spelled} for functions or classes it carries`, evidence);
  else if (judged.tier === 'dangerous')
    report(into, 'pickle-dangerous-global', where, `the pickle ${calls} ${spelled}, which ${judged.what}`, evidence);
  else if (judged.tier === 'code')
    report(into, 'pickle-carries-code', where, `the pickle ${calls} ${spelled}, which ${judged.what}`, evidence);
  else if (judged.tier === 'unknown' || (judged.tier === 'library' && judged.named && one.called))
    report(into, 'pickle-unknown-global', where, `the pickle ${calls} ${spelled}, which is on no list`, evidence);
  else if (judged.tier === 'library')
    report(into, 'pickle-library-class', where, `the pickle ${calls} ${spelled}, ${judged.what}`, evidence);
}

function isNamespace(into: Collector, path: string): boolean {
  return path.endsWith('.__dict__') && dangerOf(into.book.denied, path) === null && !/__\w+__\./.test(path);
}

export function judgeOddity(odd: PickleOddity, file: string, into: Collector): void {
  const where = { file, byte: odd.byte };
  const at = `the instruction at byte ${odd.byte}`;
  switch (odd.kind) {
    case 'frame-straddled':
    case 'frame-nested':
      // What the other decoding imports is judged apart; CPython refuses both since 3.13.15 and 3.14.7.
      return report(into, 'pickle-broken', where, `${at} crosses the end of its frame, which current unpicklers refuse`);
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
