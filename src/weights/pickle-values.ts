/**
 * What an inert pickle machine leaves behind: data, and placeholders where Python would have run something.
 * @module
 */

/** `module.name` as an import opcode spelled it. One object per distinct pair in a pickle. */
export interface PickleGlobal {
  readonly kind: 'global';
  readonly module: string;
  readonly name: string;
  /** Offset of the first opcode that imports it. */
  readonly byte: number;
  /** False when the names were not constant strings (STACK_GLOBAL on computed values) or come from a copyreg extension code. */
  readonly resolved: boolean;
  /** The opcode at `byte`. */
  readonly opcode: 'GLOBAL' | 'STACK_GLOBAL' | 'INST' | 'EXT';
  /** True once REDUCE, OBJ, INST, NEWOBJ or NEWOBJ_EX would have called it. */
  called: boolean;
  /** Arguments of the first call. */
  arguments?: PickleValue;
}

/** Python `bytes`, or a string too long to be decoded before somebody asks for it. */
export interface PickleBytes {
  readonly kind: 'bytes';
  /** `raw`: bytes. `latin1`: a Python 2 `str`, one character per byte. `utf8`: text. */
  readonly encoding: 'raw' | 'latin1' | 'utf8';
  /** Where the payload starts in the source. */
  readonly byte: number;
  readonly length: number;
  /** The payload itself when it is short. */
  readonly data: Uint8Array | null;
}

export interface PickleSequence {
  readonly kind: 'list' | 'tuple' | 'set' | 'frozenset';
  readonly items: PickleValue[];
  /** Plain values that were added and are not kept. */
  dropped?: number;
}

export interface PickleDict {
  readonly kind: 'dict';
  /** Flat: key, value, key, value... in order of insertion; a repeated key stands twice. */
  readonly entries: PickleValue[];
  /** Plain keys and values that were set and are not kept. */
  dropped?: number;
}

/** A call that never happened. */
export interface PickleCall {
  readonly kind: 'call';
  readonly how: 'reduce' | 'newobj' | 'newobj_ex' | 'obj' | 'inst';
  readonly callee: PickleValue;
  /** Usually a tuple. */
  readonly args: PickleValue;
  readonly kwargs: PickleValue;
  readonly byte: number;
  /** What BUILD would have given to `__setstate__`. */
  state?: PickleValue;
  /** What APPEND(S) and ADDITEMS would have added. */
  items?: PickleValue[];
  /** What SETITEM(S) would have set; flat like `PickleDict.entries`. */
  entries?: PickleValue[];
  /** Plain values that were added or set and are not kept. */
  dropped?: number;
}

/** What `persistent_load` would have been asked for. */
export interface PicklePersistent {
  readonly kind: 'persistent';
  readonly id: PickleValue;
  readonly byte: number;
}

/** An out-of-band buffer (protocol 5); its bytes are not in the pickle. */
export interface PickleBuffer {
  readonly kind: 'buffer';
}

export type PickleObject = PickleGlobal | PickleBytes | PickleSequence | PickleDict | PickleCall | PicklePersistent | PickleBuffer;
export type PickleValue = null | boolean | number | bigint | string | PickleObject;

/** One thing Python would have done to an object. */
export interface PickleUse {
  readonly op: 'call' | 'build' | 'append' | 'setitem' | 'additem' | 'persid';
  /** How a call is made. */
  readonly how?: PickleCall['how'];
  /** Keyword arguments of NEWOBJ_EX. */
  readonly kwargs?: PickleValue;
  readonly target: PickleValue;
  /** Arguments, state, persistent id, or the number of items. */
  readonly argument: PickleValue;
  readonly byte: number;
}

export function isObject(value: PickleValue | undefined): value is PickleObject {
  return typeof value === 'object' && value !== null;
}
