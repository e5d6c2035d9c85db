/**
 * joblib writes arrays into the pickle's stream: behind the BUILD of a `NumpyArrayWrapper` come padding and raw values.
 * Source: joblib/numpy_pickle.py (`NumpyArrayWrapper.write_array`, `read_array`).
 * @module
 */
import type { ByteSource } from '../base/index.ts';
import { calleeName, dictEntries, dtypeDescr, sequenceItems } from './pickle-objects.ts';
import type { PickleOptions } from './pickle.ts';
import { isObject, type PickleCall, type PickleValue } from './pickle-values.ts';

/** `behindBuild` of `scanPickle` for a pickle that joblib may have written. */
export function behindJoblibArray(source: ByteSource): NonNullable<PickleOptions['behindBuild']> {
  return async (call, at) => {
    if (!/^(sklearn\.externals\.)?joblib\.numpy_pickle\.NumpyArrayWrapper$/.test(calleeName(call))) return 0;
    const state = attributes(call.state);
    const item = itemSize(state.get('dtype'));
    if (item === 'objects') return 'pickle';
    const shape = sequenceItems(state.get('shape')) ?? [];
    const values = shape.reduce((product: number, size) => product * (typeof size === 'number' && size >= 0 ? size : NaN), 1);
    const bytes = values * item;
    if (!Number.isSafeInteger(bytes)) return 0;
    const aligned = typeof state.get('numpy_array_alignment_bytes') === 'number';
    if (!aligned || at >= source.size) return bytes;
    return bytes + 1 + (await source.read(at, 1))[0]!;
  };
}

function attributes(state: PickleValue | undefined): Map<string, PickleValue> {
  const out = new Map<string, PickleValue>();
  const entries = dictEntries(state) ?? [];
  for (let i = 0; i + 1 < entries.length; i += 2) if (typeof entries[i] === 'string') out.set(entries[i] as string, entries[i + 1]!);
  return out;
}

/** Bytes per value of a pickled dtype; NaN when it cannot be told. */
function itemSize(dtype: PickleValue | undefined): number | 'objects' {
  const state = isObject(dtype) && dtype.kind === 'call' ? sequenceItems((dtype as PickleCall).state) : null;
  const flags = state?.[7];
  // NPY_ITEM_HASOBJECT of a record type.
  if (typeof flags === 'number' && flags & 1) return 'objects';
  const match = /^[<>|=]?([a-zA-Z])(\d*)$/.exec(dtypeDescr(dtype));
  if (match?.[1] === 'O') return 'objects';
  const stated = state?.[5];
  if (typeof stated === 'number' && stated > 0) return stated;
  const size = Number(match?.[2] || NaN);
  return match?.[1] === 'U' ? size * 4 : size;
}
