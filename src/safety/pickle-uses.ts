/**
 * What the instructions of a pickle do with what it imports: calls, states, items, each held against what honest picklers write.
 * @module
 */
import type { Where } from '../base/index.ts';
import {
  bytesOf,
  calleeName,
  dictEntries,
  isPickleObject,
  type PickleCall,
  type PickleGlobal,
  type PickleUse,
  type PickleValue,
  sequenceItems,
} from '../weights/index.ts';
import { innerCall, isText, judgeArguments, MAX_ITEMS, showValue } from './arguments.ts';
import { dangerOf, judgeGlobal, pathOf } from './globals.ts';
import { type Collector, report } from './rules.ts';

/** Wrappers in wrappers. (CWE-674) */
const MAX_WRAPPING = 4;
/**
 * Values handed to calls and objects that are looked at: a fixed part, and so many for each byte of the file and of what it unpacks to.
 * One list of thousands may be handed over in three bytes, again and again. (CWE-407)
 */
const FREE_VALUES = 1_000_000;
const VALUES_PER_BYTE = 2;
/** Classes of the allow-list that SETITEM(S) and APPEND(S) may fill. Library classes may be subclasses of dict or list. */
const MAPS = /^(collections\.(OrderedDict|Counter|defaultdict)|builtins\.dict)$/;
const LISTS = /^(collections\.deque|builtins\.(list|set|bytearray))$/;
/** Attributes that Python calls by itself or that change what an object is; no state of an honest object holds them. */
const HOOKS =
  /^__(setstate|class|reduce|reduce_ex|getattr|getattribute|setattr|del|call|init|new|setitem|getitem|iter|next|enter|exit|dict)__$/;
const LOADERS = /^(torch\.storage\._load_from_bytes|pickle\.loads|_pickle\.loads|dill\.loads|dill\._dill\.loads|cloudpickle\.loads)$/;

/** joblib up to 0.9 keeps each array in a file beside the pickle, and loads it with object arrays allowed. (joblib/numpy_pickle_compat.py) */
const SIDE_FILES = /joblib\.numpy_pickle(_compat)?\.Z?NDArrayWrapper$/;

const OPCODES: { readonly [how in PickleCall['how']]: string } = {
  reduce: 'REDUCE',
  newobj: 'NEWOBJ',
  newobj_ex: 'NEWOBJ_EX',
  obj: 'OBJ',
  inst: 'INST',
};

/** What a call loads as a pickle. */
export interface Loaded {
  readonly by: string;
  /** Null when it is computed, and cannot be told from the bytes. */
  readonly bytes: ReturnType<typeof bytesOf>;
}

/** What is learned of one pickle while it runs. */
export interface Uses {
  readonly file: string;
  readonly torchscript: boolean;
  /** Bytes that a call loads as a pickle, by place: a payload that is loaded a million times is looked at once. */
  readonly loaded: Map<number, Loaded>;
  /** Imports that were called on something else than what the same pickle made of code it carries. */
  readonly reaching: Set<PickleGlobal>;
  /** `getattr` that was called on objects whose classes are on no list. */
  readonly attributes: Set<PickleGlobal>;
}

export function judgeUse(use: PickleUse, uses: Uses, into: Collector): void {
  const { target } = use;
  if (!isPickleObject(target) || isTooMuch(use, uses, into)) return;
  if (use.op === 'call') {
    if (target.kind === 'global' && target.resolved) judgeCall(target, use, uses, into);
  } else if (target.kind === 'call') {
    if (use.op === 'build') judgeState(target, use, uses, into);
    else if (use.op === 'setitem' || use.op === 'append' || use.op === 'additem') judgeFilling(target, use, uses, into);
  }
}

/** Whether the values given to calls and objects have together become many times what the file could hold; told once. */
function isTooMuch(use: PickleUse, uses: Uses, into: Collector): boolean {
  const { work } = into;
  const most = FREE_VALUES + VALUES_PER_BYTE * (work.bytes + into.unpacked);
  const before = work.values;
  const parts = partsOf(use.argument);
  work.values += parts.length;
  // Of states the keys are looked at, of arguments what is in them as well.
  if (use.op === 'call') for (const part of parts.slice(0, 100)) work.values += Math.min(partsOf(part).length, MAX_ITEMS);
  if (work.values <= most) return false;
  const what = `the instructions up to byte ${use.byte} hand over the same values so often that the rest is not looked into`;
  if (before <= most) report(into, 'not-read', { file: uses.file, byte: use.byte }, what);
  return true;
}

function partsOf(value: PickleValue | undefined): readonly PickleValue[] {
  return sequenceItems(value) ?? dictEntries(value) ?? [];
}

function judgeCall(callee: PickleGlobal, use: PickleUse, uses: Uses, into: Collector): void {
  const args = sequenceItems(use.argument);
  const attribute = pathOf(into.book, callee.module, callee.name) === 'builtins.getattr' ? judgeAttribute(args, uses, into) : null;
  if (attribute === 'unlisted') uses.attributes.add(callee);
  else if (attribute !== 'listed' && !isOwnObject(args?.[0], uses, into) && !looksUpHarmless(callee, args ?? [], into))
    uses.reaching.add(callee);
  judgeArgumentsOf(callee, args, use, uses, into, 0);
}

/** How dill and cloudpickle find again, by name, what the functions they carry use. */
export const LOOKUPS: RegExp = /^(dill\._dill\._(import_module|get_attr)|cloudpickle\.cloudpickle\.subimport)$/;

/** Whether such a look-up leads to a module, or to something in it, that is not dangerous. */
function looksUpHarmless(callee: PickleGlobal, args: readonly PickleValue[], into: Collector): boolean {
  const path = pathOf(into.book, callee.module, callee.name);
  if (!LOOKUPS.test(path)) return false;
  const [of, name] = args;
  const isHarmless = (dotted: string): boolean => dangerOf(into.book.denied, dotted) === null && !/(^|\.)__\w+__(\.|$)/.test(dotted);
  // What is built in has no need of a look-up, but for eval and its like.
  if (!path.endsWith('._get_attr'))
    return typeof of === 'string' && args.length === 1 && isHarmless(of) && !/^(builtins|__builtin__)\b/.test(of);
  const home = typeof of === 'string' ? of : importedBy(of, into);
  // dill falls back on what is built in.
  return home !== null && typeof name === 'string' && isHarmless(`${home}.${name}`) && isHarmless(`builtins.${name}`);
}

/** The module that a look-up gave; null when a value is no such thing. */
function importedBy(value: PickleValue | undefined, into: Collector): string | null {
  if (!isPickleObject(value) || value.kind !== 'call' || !isPickleObject(value.callee) || value.callee.kind !== 'global') return null;
  const [name] = sequenceItems(value.args) ?? [];
  const path = pathOf(into.book, value.callee.module, value.callee.name);
  return LOOKUPS.test(path) && !path.endsWith('._get_attr') && typeof name === 'string' ? name : null;
}

function judgeArgumentsOf(
  callee: PickleGlobal,
  args: readonly PickleValue[] | null,
  use: PickleUse,
  uses: Uses,
  into: Collector,
  depth: number,
): void {
  const judged = judgeGlobal(into.book, callee.module, callee.name, uses.torchscript);
  const path = pathOf(into.book, callee.module, callee.name);
  const where: Where = { file: uses.file, byte: use.byte };
  if (LOADERS.test(path)) {
    const bytes = bytesOf(args?.[0]);
    uses.loaded.set(bytes && 'kind' in bytes ? bytes.byte : use.byte, { by: path, bytes });
  }
  const evidence = { opcode: OPCODES[use.how ?? 'reduce'], callable: path, argument: showValue(use.argument) };
  if (judged.tier === 'data') {
    const named = isPickleObject(use.kwargs) && (dictEntries(use.kwargs)?.length ?? 1) > 0;
    const verdict = args === null || named ? 'misfits' : judgeArguments(into.book.argumentRules, path, args);
    if (verdict === 'carries-code')
      report(into, 'pickle-argument', where, `${path} is called with ${evidence.argument}, which it never takes`, evidence);
    else if (verdict === 'misfits')
      report(into, 'pickle-argument-shape', where, `${path} is called with ${evidence.argument}, which does not fit it`, evidence);
    const inner = args && depth < MAX_WRAPPING ? innerCall(path, args) : null;
    if (inner && isPickleObject(inner.callee) && inner.callee.kind === 'global')
      judgeArgumentsOf(inner.callee, inner.args, use, uses, into, depth + 1);
  } else if (judged.tier === 'library' && !judged.texts && args?.some(isText))
    report(into, 'pickle-argument-shape', where, `${path} is called with ${evidence.argument}; ${judged.what} takes no text`, evidence);
}

/** Whether a value is a function or class that the pickle itself carries (dill, cloudpickle). */
function isOwnObject(value: PickleValue | undefined, uses: Uses, into: Collector): boolean {
  if (!isPickleObject(value) || value.kind !== 'call' || !isPickleObject(value.callee) || value.callee.kind !== 'global') return false;
  return judgeGlobal(into.book, value.callee.module, value.callee.name, uses.torchscript).tier === 'code';
}

/** Attributes by which harmless objects lead to files and programs. */
const REACHING =
  /^__|^(system|popen\w*|exec\w*|eval|spawn\w*|loads?|dumps?|open|run\w*|call\w*|Popen|import\w*|compile|read\w*|write\w*|to\w+|tofile|save\w*|query|os|sys|posix|io)$/;

/** `getattr(of, name)`: whether the class of `of` is listed; `reaching` when the name or the class is more than that. */
function judgeAttribute(args: readonly PickleValue[] | null, uses: Uses, into: Collector): 'listed' | 'unlisted' | 'reaching' {
  const [of, name] = args ?? [];
  if (args?.length !== 2 || typeof name !== 'string' || !/^\w+$/.test(name) || REACHING.test(name)) return 'reaching';
  const made = isPickleObject(of) && of.kind === 'call' ? of.callee : of;
  if (!isPickleObject(made) || made.kind !== 'global' || !made.resolved) return 'reaching';
  const { tier } = judgeGlobal(into.book, made.module, made.name, uses.torchscript);
  if (tier === 'data' || tier === 'library') return made === of ? 'listed' : 'unlisted';
  const danger = tier === 'dangerous' || dangerOf(into.book.denied, `${pathOf(into.book, made.module, made.name)}.${name}`);
  return danger ? 'reaching' : 'unlisted';
}

function judgeState(target: PickleCall, use: PickleUse, uses: Uses, into: Collector): void {
  const parts = isPickleObject(use.argument) && use.argument.kind === 'tuple' ? use.argument.items : [use.argument];
  for (const part of parts) {
    const entries = dictEntries(part) ?? [];
    const file = SIDE_FILES.test(calleeName(target)) ? entries[entries.indexOf('filename') + 1] : undefined;
    if (entries.includes('filename') && file !== undefined && (typeof file !== 'string' || /[\\/:]|^\.\.?$/.test(file)))
      report(
        into,
        'external-path',
        { file: uses.file, byte: use.byte },
        `joblib reads array values from ${showValue(file)}, outside the folder of the file`,
        { opcode: 'BUILD', callable: calleeName(target), argument: showValue(file) },
      );
    const hook = entries.find((key, i): key is string => i % 2 === 0 && typeof key === 'string' && HOOKS.test(key));
    if (hook !== undefined)
      report(
        into,
        'pickle-strange-operation',
        { file: uses.file, byte: use.byte },
        `the state of ${calleeName(target) || 'an object'} sets ${hook}, which Python calls by itself`,
        { opcode: 'BUILD', callable: calleeName(target), argument: hook },
      );
  }
}

function judgeFilling(target: PickleCall, use: PickleUse, uses: Uses, into: Collector): void {
  const made = innerCall(calleeName(target), sequenceItems(target.args) ?? [])?.callee;
  const wrapped = calleeName(target) === 'copyreg._reconstructor' ? sequenceItems(target.args)?.[0] : made;
  const callee = isPickleObject(wrapped) && wrapped.kind === 'global' ? wrapped : target.callee;
  if (!isPickleObject(callee) || callee.kind !== 'global') return;
  const path = pathOf(into.book, callee.module, callee.name);
  if (judgeGlobal(into.book, callee.module, callee.name, uses.torchscript).tier !== 'data') return;
  if ((use.op === 'setitem' ? MAPS : LISTS).test(path)) return;
  const what = use.op === 'setitem' ? 'items are set on' : 'items are added to';
  report(into, 'pickle-strange-operation', { file: uses.file, byte: use.byte }, `${what} what ${path} returns`, {
    opcode: use.op === 'setitem' ? 'SETITEMS' : use.op === 'append' ? 'APPENDS' : 'ADDITEMS',
    callable: path,
  });
}
