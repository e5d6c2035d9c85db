/**
 * The few calls that are read as data: containers, PyTorch tensors, NumPy arrays. Everything else stays a placeholder.
 * Sources: torch/_utils.py (`_rebuild_*`), torch/storage.py, torch/serialization.py (persistent ids);
 * numpy/_core/src/multiarray/methods.c (`array_setstate`, `array_reduce_ex`), descriptor.c (`arraydescr_setstate`).
 * @module
 */
import type { DType } from './dtypes.ts';
import { encodeLatin1 } from './pickle-arguments.ts';
import { isObject, type PickleBytes, type PickleCall, type PicklePersistent, type PickleValue } from './pickle-values.ts';

/** A tensor as a pickle describes it; nothing is checked yet. */
export interface TorchClaim {
  readonly kind: 'torch';
  readonly storage: PicklePersistent;
  readonly start: number;
  readonly shape: readonly number[];
  readonly stride: readonly number[];
  /** Only `_rebuild_tensor_v3` names it; else the storage's class does. */
  readonly dtype: DType | null;
  /** What the stored numbers alone do not say; '' for plain tensors. */
  readonly beside: '' | 'lazy' | 'quantized';
  readonly byte: number;
}
export interface ArrayClaim {
  readonly kind: 'numpy';
  readonly dtype: DType | null;
  /** As NumPy spells it, for messages. */
  readonly descr: string;
  readonly bigEndian: boolean;
  readonly shape: readonly number[];
  readonly fortran: boolean;
  readonly data: PickleBytes | Uint8Array;
  readonly byte: number;
}
export type TensorClaim = TorchClaim | ArrayClaim;

/** `module.name` of a call's callee, or ''. */
export function calleeName(call: PickleCall): string {
  let callee = call.callee;
  if (isObject(callee) && callee.kind === 'persistent') callee = sequenceItems(callee.id)?.[1] ?? null;
  return isObject(callee) && callee.kind === 'global' && callee.resolved ? `${callee.module}.${callee.name}` : '';
}

/** Items of a list, tuple, set, or of a `torch.Size`. */
export function sequenceItems(value: PickleValue | undefined): readonly PickleValue[] | null {
  if (!isObject(value)) return null;
  if (value.kind === 'list' || value.kind === 'tuple' || value.kind === 'set' || value.kind === 'frozenset') return value.items;
  if (value.kind === 'call' && SEQUENCE_CALLS.has(calleeName(value))) return sequenceItems(sequenceItems(value.args)?.[0]) ?? [];
  return null;
}
const SEQUENCE_CALLS: ReadonlySet<string> = new Set([
  'torch.Size',
  '__builtin__.set',
  'builtins.set',
  '__builtin__.frozenset',
  'builtins.frozenset',
  'builtins.list',
  'builtins.tuple',
]);
const DICT_CALLS: ReadonlySet<string> = new Set([
  'collections.OrderedDict',
  'collections.defaultdict',
  'collections.Counter',
  'builtins.dict',
  '__builtin__.dict',
]);

/** Flat key, value list of a dict or of a dict class; null for anything else. */
export function dictEntries(value: PickleValue | undefined): readonly PickleValue[] | null {
  if (!isObject(value)) return null;
  if (value.kind === 'dict') return value.entries;
  if (value.kind !== 'call' || !DICT_CALLS.has(calleeName(value))) return null;
  const pairs = sequenceItems(value.args)?.at(-1);
  const fromPairs = (sequenceItems(pairs) ?? []).flatMap((pair) => (sequenceItems(pair)?.length === 2 ? sequenceItems(pair)! : []));
  const fromDict = isObject(pairs) && pairs.kind === 'dict' ? pairs.entries : [];
  return [...fromPairs, ...fromDict, ...(value.entries ?? [])];
}

/** Storage classes of torch.storage and torch; `null` for untyped bytes. */
const STORAGE_DTYPES: Readonly<Record<string, DType | null>> = {
  DoubleStorage: 'F64',
  FloatStorage: 'F32',
  HalfStorage: 'F16',
  BFloat16Storage: 'BF16',
  LongStorage: 'I64',
  IntStorage: 'I32',
  ShortStorage: 'I16',
  CharStorage: 'I8',
  ByteStorage: 'U8',
  BoolStorage: 'BOOL',
  ComplexFloatStorage: 'C64',
  ComplexDoubleStorage: 'C128',
  QInt8Storage: 'I8',
  QUInt8Storage: 'U8',
  QInt32Storage: 'I32',
  UntypedStorage: null,
  _UntypedStorage: null,
};
const TORCH_DTYPES: Readonly<Record<string, DType>> = {
  float64: 'F64',
  double: 'F64',
  float32: 'F32',
  float: 'F32',
  float16: 'F16',
  half: 'F16',
  bfloat16: 'BF16',
  int64: 'I64',
  int32: 'I32',
  int16: 'I16',
  int8: 'I8',
  uint8: 'U8',
  uint16: 'U16',
  uint32: 'U32',
  uint64: 'U64',
  bool: 'BOOL',
  complex64: 'C64',
  complex128: 'C128',
  float8_e4m3fn: 'F8_E4M3',
  float8_e5m2: 'F8_E5M2',
  float8_e4m3fnuz: 'F8_E4M3FNUZ',
  float8_e5m2fnuz: 'F8_E5M2FNUZ',
  float8_e8m0fnu: 'F8_E8M0',
};

/** Dtype of a storage class; undefined when it is none we know. */
export function storageDtype(value: PickleValue | undefined): DType | null | undefined {
  if (!isObject(value) || value.kind !== 'global' || !/^torch(\.|$)/.test(value.module)) return undefined;
  return Object.hasOwn(STORAGE_DTYPES, value.name) ? STORAGE_DTYPES[value.name] : undefined;
}

const WRAPPERS: ReadonlySet<string> = new Set([
  'torch._utils._rebuild_parameter',
  'torch._utils._rebuild_parameter_with_state',
  'torch.nn.parameter.Parameter',
  'torch.autograd.variable.Variable',
  'torch.nn.parameter.Buffer',
]);
/** Wrappers of wrappers; deeper ones are nobody's. (CWE-674) */
const MAX_WRAPPING = 8;

/** The tensor a call would rebuild, or null. */
export function tensorClaim(value: PickleValue, depth = 0): TensorClaim | null {
  if (!isObject(value) || value.kind !== 'call' || depth > MAX_WRAPPING) return null;
  const name = calleeName(value);
  const args = sequenceItems(value.args) ?? [];
  if (WRAPPERS.has(name)) return args[0] === undefined ? null : tensorClaim(args[0], depth + 1);
  if (name === 'torch._tensor._rebuild_from_type_v2' && args[0] !== undefined && args[2] !== undefined)
    return tensorClaim({ ...value, callee: args[0], args: args[2] }, depth + 1);
  if (/^torch\._utils\._rebuild_(tensor|tensor_v2|tensor_v3|qtensor)$/.test(name)) return torchClaim(value, name, args);
  return arrayClaim(value, name, args);
}

function torchClaim(call: PickleCall, name: string, args: readonly PickleValue[]): TorchClaim | null {
  const [storage, start, size, stride] = args;
  const shape = numbers(size);
  const strides = numbers(stride);
  if (!isObject(storage) || storage.kind !== 'persistent' || typeof start !== 'number' || !shape || !strides) return null;
  const named = name.endsWith('_v3') ? args[6] : undefined;
  const dtype = isObject(named) && named.kind === 'global' && Object.hasOwn(TORCH_DTYPES, named.name) ? TORCH_DTYPES[named.name]! : null;
  if (name.endsWith('_v3') && !dtype) return null;
  const beside = name.endsWith('_qtensor') ? 'quantized' : isLazy(args[name.endsWith('_v3') ? 7 : 6]) ? 'lazy' : '';
  return { kind: 'torch', storage, start, shape, stride: strides, dtype, beside, byte: call.byte };
}

/** Conjugated or negated only when read: `torch._utils.set_tensor_metadata` puts the bits `conj` and `neg` back. */
function isLazy(metadata: PickleValue | undefined): boolean {
  const entries = dictEntries(metadata) ?? [];
  return entries.some((key, i) => i % 2 === 0 && (key === 'conj' || key === 'neg') && entries[i + 1] !== false);
}

function numbers(value: PickleValue | undefined): number[] | null {
  const items = sequenceItems(value);
  return items && items.every((item) => typeof item === 'number') ? [...(items as number[])] : null;
}

const NUMPY_DTYPES: Readonly<Record<string, DType>> = {
  f8: 'F64',
  f4: 'F32',
  f2: 'F16',
  i8: 'I64',
  i4: 'I32',
  i2: 'I16',
  i1: 'I8',
  u8: 'U64',
  u4: 'U32',
  u2: 'U16',
  u1: 'U8',
  b1: 'BOOL',
  c8: 'C64',
  c16: 'C128',
  bfloat16: 'BF16',
  float8_e4m3fn: 'F8_E4M3',
  float8_e5m2: 'F8_E5M2',
};
/** `<f4` and the like → dtype; null for strings, dates, records and objects. */
export function numpyDtype(descr: string): { dtype: DType | null; bigEndian: boolean } {
  const match = /^([<>|=]?)(.+)$/.exec(descr);
  const key = match?.[2] ?? '';
  return { dtype: Object.hasOwn(NUMPY_DTYPES, key) ? NUMPY_DTYPES[key]! : null, bigEndian: match?.[1] === '>' };
}

/** `numpy.dtype('f4', ...)` with its state; '' when it is no such call. */
export function dtypeDescr(value: PickleValue | undefined): string {
  if (!isObject(value) || value.kind !== 'call') return '';
  const name = sequenceItems(value.args)?.[0];
  if (calleeName(value) !== 'numpy.dtype' || typeof name !== 'string') return '';
  const order = sequenceItems(value.state)?.[1];
  return /^[<>|=]/.test(name) ? name : `${typeof order === 'string' && /^[<>|=]$/.test(order) ? order : ''}${name}`;
}

export function isNumpyCall(name: string, last: string): boolean {
  return name === `numpy.core.multiarray.${last}` || name === `numpy._core.multiarray.${last}`;
}

function arrayClaim(call: PickleCall, name: string, args: readonly PickleValue[]): ArrayClaim | null {
  let parts: readonly [shape: PickleValue | undefined, dtype: PickleValue | undefined, fortran: boolean, data: PickleValue | undefined];
  if (isNumpyCall(name, '_reconstruct')) {
    const state = sequenceItems(call.state);
    if (!state) return null;
    const [shape, dtype, fortran, data] = state.slice(-4);
    parts = [shape, dtype, fortran === true || fortran === 1, data];
  } else if (name === 'numpy.core.numeric._frombuffer' || name === 'numpy._core.numeric._frombuffer')
    parts = [args[2], args[1], args[3] === 'F', args[0]];
  else return null;
  const shape = numbers(parts[0]);
  const data = bytesOf(parts[3]);
  if (!shape || !data) return null;
  const descr = dtypeDescr(parts[1]);
  return { kind: 'numpy', ...numpyDtype(descr), descr, shape, fortran: parts[2], data, byte: call.byte };
}

/** What stands in an object array, in order; null when the value is none. */
export function objectArrayItems(value: PickleValue): { shape: readonly number[]; items: readonly PickleValue[] } | null {
  if (!isObject(value) || value.kind !== 'call' || !isNumpyCall(calleeName(value), '_reconstruct')) return null;
  const [shape, , , data] = (sequenceItems(value.state) ?? []).slice(-4);
  const sizes = numbers(shape);
  return sizes && isObject(data) && data.kind === 'list' ? { shape: sizes, items: data.items } : null;
}

/** Bytes in any of the ways the protocols write them. */
export function bytesOf(value: PickleValue | undefined): PickleBytes | Uint8Array | null {
  if (typeof value === 'string') return encodeLatin1(value);
  if (!isObject(value)) return null;
  if (value.kind === 'bytes') return value.encoding === 'utf8' ? null : value;
  if (value.kind !== 'call') return null;
  const args = sequenceItems(value.args) ?? [];
  const name = calleeName(value);
  if (name === '_codecs.encode')
    return isObject(args[0]) && args[0].kind === 'bytes' ? args[0] : typeof args[0] === 'string' ? encodeLatin1(args[0]) : null;
  if (/^(builtins|__builtin__)\.(bytes|bytearray)$/.test(name)) return args.length === 0 ? new Uint8Array(0) : bytesOf(args[0]);
  return null;
}
