/**
 * The pickle stack machine, protocols 0 to 5, all opcodes, nothing called: imports and calls leave placeholders.
 * Semantics follow CPython `Modules/_pickle.c` (marks fence the stack; MEMOIZE stores under the memo's size).
 * @module
 */
import { decodeLatin1 } from '../base/index.ts';
import {
  decodeUtf8,
  failPickle,
  parseFloatLine,
  parseInteger,
  parseLongBytes,
  parseStringLine,
  parseUnicodeLine,
  skipFrameRest,
  take,
  takeF64,
  takeI32,
  takeLength64,
  takeLine,
  takeU16,
  takeU32,
  takeU8,
} from './pickle-arguments.ts';
import {
  append,
  build,
  call,
  importName,
  type Machine,
  memoIndex,
  odd,
  pop,
  popMark,
  push,
  recall,
  remember,
  setItems,
  spend,
  stackGlobal,
  top,
} from './pickle-state.ts';
import type { PickleBytes, PickleValue } from './pickle-values.ts';

/** The densest benign pickle we know has 12 million. (CWE-834) */
const MAX_OPCODES = 40_000_000;
/** Longer strings and bytes stay in the source and are referred to. */
const MAX_INLINE = 64 << 10;
/** LONG4: integers of more than 8192 bits have no place in a model, and are not computed. (CWE-400) */
const MAX_LONG_BYTES = 1024;
const HIGHEST_PROTOCOL = 5;

/** A payload: decoded when short, referred to when long. */
function payload(m: Machine, length: number, encoding: PickleBytes['encoding'], op: number): PickleValue {
  // Bytes are read into place, from frame and file in turn; texts are not.
  if (encoding !== 'raw') skipFrameRest(m, m.at + length);
  const start = m.base + m.at;
  if (start + length > m.size) failPickle(m, m.base + op, `a value of ${length} bytes runs past the end`, 'WEIGHTS_TRUNCATED');
  if (length > MAX_INLINE) {
    m.at += length;
    spend(m, 96, op);
    return { kind: 'bytes', encoding, byte: start, length, data: null };
  }
  const i = take(m, length, op);
  const bytes = m.bytes.subarray(i, i + length);
  spend(m, (encoding === 'raw' ? 160 : 32) + length, op);
  if (encoding === 'utf8') return decodeUtf8(bytes);
  if (encoding === 'latin1') return decodeLatin1(bytes);
  return { kind: 'bytes', encoding, byte: start, length, data: bytes.slice() };
}

function sequence(m: Machine, kind: 'list' | 'tuple' | 'set' | 'frozenset', items: PickleValue[], op: number): void {
  spend(m, 88 + 8 * items.length, op);
  push(m, { kind, items }, op);
}
function tuple(m: Machine, count: number, op: number): void {
  if (m.stack.length - (m.marks.at(-1) ?? 0) < count) failPickle(m, m.base + op, 'the stack is empty');
  // Not one by one: an array that grows takes four times the room.
  sequence(m, 'tuple', m.stack.splice(m.stack.length - count), op);
}
function number(m: Machine, value: number | bigint | boolean | undefined, op: number): void {
  if (value === undefined) failPickle(m, m.base + op, 'a number cannot be read');
  spend(m, 8, op);
  push(m, value, op);
}
function text(m: Machine, value: string | undefined, op: number): void {
  if (value === undefined) failPickle(m, m.base + op, 'a string is not quoted');
  spend(m, 32 + 2 * value.length, op);
  push(m, value, op);
}
function persistent(m: Machine, id: PickleValue, op: number): void {
  spend(m, 80, op);
  const value: PickleValue = { kind: 'persistent', id, byte: m.base + op };
  m.observe?.({ op: 'persid', target: value, argument: id, byte: value.byte });
  push(m, value, op);
}
function longBytes(m: Machine, length: number, op: number): void {
  if (length < 0) failPickle(m, m.base + op, 'an integer has a negative size');
  if (length > MAX_LONG_BYTES) return push(m, payload(m, length, 'raw', op), op);
  const i = take(m, length, op);
  number(m, parseLongBytes(m.bytes.subarray(i, i + length)), op);
}

/**
 * Runs one opcode. Arguments are read before anything is changed, so that a `NEED_MORE` can be answered by
 * refilling the window and starting the opcode again.
 */
export function step(m: Machine): void {
  const op = m.at;
  if (++m.opcodes > MAX_OPCODES) failPickle(m, m.base + op, `the pickle has more than ${MAX_OPCODES} opcodes`, 'WEIGHTS_LIMIT');
  const code = takeU8(m, op);
  switch (code) {
    case 0x28:
      m.marks.push(m.stack.length);
      spend(m, 8, op);
      break; // MARK
    case 0x2e:
      m.stack = [pop(m, op)];
      m.stopped = true;
      break; // STOP
    case 0x30:
      if (m.marks.length > 0 && m.marks.at(-1) === m.stack.length) m.marks.pop();
      else pop(m, op);
      break; // POP
    case 0x31:
      popMark(m, op);
      break; // POP_MARK
    case 0x32:
      push(m, top(m, op), op);
      break; // DUP
    case 0x46:
      number(m, parseFloatLine(takeLine(m, op)), op);
      break; // FLOAT
    case 0x49:
    case 0x4c:
      number(m, parseInteger(takeLine(m, op)), op);
      break; // INT, LONG
    case 0x4a:
      push(m, takeI32(m, op), op);
      break; // BININT
    case 0x4b:
      push(m, takeU8(m, op), op);
      break; // BININT1
    case 0x4d:
      push(m, takeU16(m, op), op);
      break; // BININT2
    case 0x47:
      number(m, takeF64(m, op), op);
      break; // BINFLOAT
    case 0x4e:
      push(m, null, op);
      break; // NONE
    case 0x88:
      push(m, true, op);
      break; // NEWTRUE
    case 0x89:
      push(m, false, op);
      break; // NEWFALSE
    case 0x8a:
      longBytes(m, takeU8(m, op), op);
      break; // LONG1
    case 0x8b:
      longBytes(m, takeI32(m, op), op);
      break; // LONG4
    case 0x53:
      text(m, parseStringLine(takeLine(m, op)), op);
      break; // STRING
    case 0x56:
      text(m, parseUnicodeLine(takeLine(m, op)), op);
      break; // UNICODE
    case 0x54:
      push(m, payload(m, takeU32(m, op), 'latin1', op), op);
      break; // BINSTRING
    case 0x55:
      push(m, payload(m, takeU8(m, op), 'latin1', op), op);
      break; // SHORT_BINSTRING
    case 0x58:
      push(m, payload(m, takeU32(m, op), 'utf8', op), op);
      break; // BINUNICODE
    case 0x8c:
      push(m, payload(m, takeU8(m, op), 'utf8', op), op);
      break; // SHORT_BINUNICODE
    case 0x8d:
      push(m, payload(m, takeLength64(m, op), 'utf8', op), op);
      break; // BINUNICODE8
    case 0x42:
      push(m, payload(m, takeU32(m, op), 'raw', op), op);
      break; // BINBYTES
    case 0x43:
      push(m, payload(m, takeU8(m, op), 'raw', op), op);
      break; // SHORT_BINBYTES
    case 0x8e:
    case 0x96:
      push(m, payload(m, takeLength64(m, op), 'raw', op), op);
      break; // BINBYTES8, BYTEARRAY8
    case 0x97:
      push(m, { kind: 'buffer' }, op);
      break; // NEXT_BUFFER
    case 0x98:
      top(m, op);
      break; // READONLY_BUFFER
    case 0x5d:
      sequence(m, 'list', [], op);
      break; // EMPTY_LIST
    case 0x29:
      sequence(m, 'tuple', [], op);
      break; // EMPTY_TUPLE
    case 0x8f:
      sequence(m, 'set', [], op);
      break; // EMPTY_SET
    case 0x7d:
      spend(m, 80, op);
      push(m, { kind: 'dict', entries: [] }, op);
      break; // EMPTY_DICT
    case 0x6c:
      sequence(m, 'list', popMark(m, op), op);
      break; // LIST
    case 0x74:
      sequence(m, 'tuple', popMark(m, op), op);
      break; // TUPLE
    case 0x91:
      sequence(m, 'frozenset', popMark(m, op), op);
      break; // FROZENSET
    case 0x64: {
      // DICT
      const entries = popMark(m, op);
      if (entries.length % 2 !== 0) failPickle(m, m.base + op, 'DICT has a key without a value');
      spend(m, 88 + 8 * entries.length, op);
      push(m, { kind: 'dict', entries }, op);
      break;
    }
    case 0x85:
      tuple(m, 1, op);
      break; // TUPLE1
    case 0x86:
      tuple(m, 2, op);
      break; // TUPLE2
    case 0x87:
      tuple(m, 3, op);
      break; // TUPLE3
    case 0x61:
      append(m, [pop(m, op)], 'append', op);
      break; // APPEND
    case 0x65:
      append(m, popMark(m, op), 'append', op);
      break; // APPENDS
    case 0x90:
      append(m, popMark(m, op), 'additem', op);
      break; // ADDITEMS
    case 0x73: {
      // SETITEM
      const value = pop(m, op);
      setItems(m, [pop(m, op), value], op);
      break;
    }
    case 0x75:
      setItems(m, popMark(m, op), op);
      break; // SETITEMS
    case 0x67:
      recall(m, memoIndex(m, takeLine(m, op), op), op);
      break; // GET
    case 0x68:
      recall(m, takeU8(m, op), op);
      break; // BINGET
    case 0x6a:
      recall(m, takeU32(m, op), op);
      break; // LONG_BINGET
    case 0x70:
      remember(m, memoIndex(m, takeLine(m, op), op), op);
      break; // PUT
    case 0x71:
      remember(m, takeU8(m, op), op);
      break; // BINPUT
    case 0x72:
      remember(m, takeU32(m, op), op);
      break; // LONG_BINPUT
    case 0x94:
      remember(m, m.memoSize + m.sparseMemo.size, op);
      break; // MEMOIZE
    case 0x63: {
      // GLOBAL
      const module = decodeUtf8(takeLine(m, op));
      push(m, importName(m, module, decodeUtf8(takeLine(m, op)), 'GLOBAL', op), op);
      break;
    }
    case 0x93:
      stackGlobal(m, op);
      break; // STACK_GLOBAL
    case 0x82:
      push(m, importName(m, 'copyreg extension', String(takeU8(m, op)), 'EXT', op, false), op);
      break; // EXT1
    case 0x83:
      push(m, importName(m, 'copyreg extension', String(takeU16(m, op)), 'EXT', op, false), op);
      break; // EXT2
    case 0x84:
      push(m, importName(m, 'copyreg extension', String(takeI32(m, op)), 'EXT', op, false), op);
      break; // EXT4
    case 0x52: {
      // REDUCE
      const args = pop(m, op);
      call(m, 'reduce', pop(m, op), args, null, op);
      break;
    }
    case 0x81: {
      // NEWOBJ
      const args = pop(m, op);
      call(m, 'newobj', pop(m, op), args, null, op);
      break;
    }
    case 0x92: {
      // NEWOBJ_EX
      const kwargs = pop(m, op);
      const args = pop(m, op);
      call(m, 'newobj_ex', pop(m, op), args, kwargs, op);
      break;
    }
    case 0x6f: {
      // OBJ
      const [callee, ...args] = popMark(m, op);
      if (callee === undefined) failPickle(m, m.base + op, 'OBJ has no class');
      spend(m, 88 + 8 * args.length, op);
      call(m, 'obj', callee, { kind: 'tuple', items: args }, null, op);
      break;
    }
    case 0x69: {
      // INST
      const module = decodeUtf8(takeLine(m, op));
      const callee = importName(m, module, decodeUtf8(takeLine(m, op)), 'INST', op);
      const args = popMark(m, op);
      spend(m, 88 + 8 * args.length, op);
      call(m, 'inst', callee, { kind: 'tuple', items: args }, null, op);
      break;
    }
    case 0x62:
      build(m, op);
      break; // BUILD
    case 0x50:
      persistent(m, decodeUtf8(takeLine(m, op)), op);
      break; // PERSID
    case 0x51:
      persistent(m, pop(m, op), op);
      break; // BINPERSID
    case 0x80: {
      // PROTO
      const protocol = takeU8(m, op);
      if (protocol > HIGHEST_PROTOCOL) failPickle(m, m.base + op, `protocol ${protocol} does not exist`);
      m.protocol = Math.max(m.protocol, protocol);
      break;
    }
    case 0x95: {
      // FRAME
      const low = takeU32(m, op);
      const length = takeU32(m, op) * 2 ** 32 + low;
      skipFrameRest(m, m.at + length);
      const start = m.base + m.at;
      // CPython's C unpickler stops here, its Python one (joblib's and dill's) reads what there is and goes on.
      if (start + length > m.size) odd(m, 'frame-too-long', op);
      if (m.frameEnd > m.base + op) odd(m, 'frame-nested', op);
      m.frameEnd = start + length;
      return;
    }
    default:
      failPickle(m, m.base + op, `0x${code.toString(16).padStart(2, '0')} is not a pickle opcode`);
  }
  // Unpicklers that read from a file and those that read from memory part ways here (cpython issue 154848).
  const next = m.base + m.at;
  if (m.frameEnd > m.base + op && next > m.frameEnd) odd(m, 'frame-straddled', op);
}
