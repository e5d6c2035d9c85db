/**
 * Three-valued logic (Kleene): what is not known is neither yes nor no. Every answer carries why, what would decide it and the words it rests on.
 * @module
 */
import type { Cite, Holds } from './types.ts';

export interface Truth {
  readonly value: Holds;
  readonly because: readonly string[];
  readonly needs: readonly string[];
  readonly cites: readonly Cite[];
}

const NOTHING: readonly never[] = [];

export const yes = (because?: string, cites: readonly Cite[] = NOTHING): Truth => ({
  value: 'yes',
  because: because === undefined ? NOTHING : [because],
  needs: NOTHING,
  cites,
});
export const no = (because?: string): Truth => ({
  value: 'no',
  because: because === undefined ? NOTHING : [because],
  needs: NOTHING,
  cites: NOTHING,
});
export const unknown = (...needs: string[]): Truth => ({ value: 'if', because: NOTHING, needs, cites: NOTHING });

/** `undefined` is not known. */
export function fact(value: boolean | undefined, name: string): Truth {
  return value === undefined ? unknown(name) : value ? yes(name) : no(`not ${name}`);
}

/** No beats unknown beats yes. Only the parts that make the answer are told. */
export function all(parts: readonly Truth[]): Truth {
  const value: Holds = parts.some((p) => p.value === 'no') ? 'no' : parts.some((p) => p.value === 'if') ? 'if' : 'yes';
  return join(value, value === 'no' ? parts.filter((p) => p.value === 'no') : parts);
}

/** Yes beats unknown beats no. */
export function any(parts: readonly Truth[]): Truth {
  const value: Holds = parts.some((p) => p.value === 'yes') ? 'yes' : parts.some((p) => p.value === 'if') ? 'if' : 'no';
  return join(value, value === 'no' ? parts : parts.filter((p) => p.value === value));
}

export function not(part: Truth): Truth {
  return { ...part, value: part.value === 'yes' ? 'no' : part.value === 'no' ? 'yes' : 'if' };
}

function join(value: Holds, parts: readonly Truth[]): Truth {
  const distinct = (lists: readonly (readonly string[])[]): string[] => [...new Set(lists.flat())];
  const cites = new Map(parts.flatMap((p) => p.cites).map((c) => [`${c.license} ${c.section} ${c.quote}`, c]));
  return {
    value,
    because: distinct(parts.map((p) => p.because)),
    needs: value === 'if' ? distinct(parts.map((p) => p.needs)) : [],
    cites: [...cites.values()],
  };
}
