/**
 * joblib writes arrays into the pickle's stream: behind the BUILD of a `NumpyArrayWrapper` come padding and raw values.
 * Source: joblib/numpy_pickle.py (`NumpyArrayWrapper.write_array`, `read_array`).
 * @module
 */
import type { ByteSource } from '../base/index.ts';
import { calleeName, dictEntries, dtypeDescr, sequenceItems } from './pickle-objects.ts';
import type { PickleOptions } from './pickle.ts';
import { isObject, type PickleCall, type PickleValue } from './pickle-values.ts';
import { WeightsError } from './types.ts';

const WRAPPER = /^(sklearn\.externals\.)?joblib\.numpy_pickle\.NumpyArrayWrapper$/;
/** NPY_ITEM_HASOBJECT: values of the type are, or hold, Python objects. */
const HAS_OBJECT = 1;

/**
 * `behindBuild` of `scanPickle` for a pickle that joblib may have written.
 * @throws WeightsError `WEIGHTS_PICKLE` when the array's length cannot be told: what follows cannot be decoded then.
 */
export function behindJoblibArray(source: ByteSource): NonNullable<PickleOptions['behindBuild']> {
  const built = new Set<PickleCall>();
  return async (call, at) => {
    if (!WRAPPER.test(className(call))) return 0;
    const fail = (what: string): never => {
      throw new WeightsError('WEIGHTS_PICKLE', `${source.name}: an array of joblib ${what} at byte ${at}`, {
        where: { file: source.name, byte: at },
      });
    };
    // Python adds to what the first state set, and joblib reads an array again.
    if (built.has(call)) fail('is given a state twice');
    built.add(call);
    const state = attributes(call.state);
    const item = itemSize(state.get('dtype'));
    if (item === 'objects') return 'pickle';
    const shape = sequenceItems(state.get('shape'));
    const bytes = (shape ?? []).reduce<number>((product, size) => product * (typeof size === 'number' && size >= 0 ? size : NaN), item);
    if (!shape || !Number.isSafeInteger(bytes)) fail('has a shape or type from which its length cannot be told');
    const alignment = state.get('numpy_array_alignment_bytes') ?? null;
    if (alignment === null || at >= source.size) return bytes;
    return bytes + 1 + (await source.read(at, 1))[0]!;
  };
}

/** `module.name` of the class an object is made of, also through `copyreg`. */
function className(call: PickleCall): string {
  const name = calleeName(call);
  const first = /^(copyreg|copy_reg)\.(_reconstructor|__newobj__|__newobj_ex__)$/.test(name) ? sequenceItems(call.args)?.[0] : undefined;
  return isObject(first) && first.kind === 'global' && first.resolved ? `${first.module}.${first.name}` : name;
}

function attributes(state: PickleValue | undefined): Map<string, PickleValue> {
  const out = new Map<string, PickleValue>();
  const entries = dictEntries(state) ?? [];
  for (let i = 0; i + 1 < entries.length; i += 2) if (typeof entries[i] === 'string') out.set(entries[i] as string, entries[i + 1]!);
  return out;
}

/** Bytes per value of a pickled dtype; NaN when it cannot be told. */
function itemSize(dtype: PickleValue | undefined): number | 'objects' {
  const state = isObject(dtype) && dtype.kind === 'call' ? sequenceItems(dtype.state) : null;
  const flags = state?.[7];
  const holds = typeof flags === 'number' && (flags & HAS_OBJECT) !== 0;
  const match = /^[<>|=]?(?:([a-zA-Z?])(\d*)|(bfloat16|float8_\w+))$/.exec(dtypeDescr(dtype));
  if (match?.[3]) return match[3] === 'bfloat16' ? 2 : 1;
  const kind = match?.[1] ?? '';
  // NumPy goes by the flag, whatever the type.
  if (kind === 'O') return typeof flags === 'number' && !holds ? NaN : 'objects';
  if (kind === 'V' && holds) return 'objects';
  if (holds) return NaN;
  // NumPy takes the stated size for texts, bytes and records only (`arraydescr_setstate`).
  const stated = state?.[5];
  if (/^[SUV]$/.test(kind) && typeof stated === 'number' && stated >= 0) return stated;
  const size = kind === '?' ? 1 : Number(match?.[2] || NaN);
  return kind === 'U' ? size * 4 : size;
}
