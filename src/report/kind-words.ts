/**
 * How the suspect differs, beyond the kind's name and note: rank, merge, maps, disguises, and what else would look the same.
 * @module
 */
import type { Kind, Merge } from '../lineage/index.ts';
import { decimal, grouped, percent } from './numbers.ts';
import { counted } from './words.ts';

/** Entries of a list told in words. (CWE-770) */
const MAX_TOLD = 64;

/** Label and text of every field that is there, in the order they are told in. */
export function kindFacts(kind: Kind): (readonly [label: string, text: string])[] {
  return [
    ['Rank', kind.rank === undefined ? '' : `the change has rank ${grouped(kind.rank)} in most matrices it touches`],
    ['Zeros', kind.sparsity === undefined ? '' : `${percent(kind.sparsity)} of the values${kind.pattern ? `, ${kind.pattern}` : ''}`],
    ['Scheme', schemeWords(kind)],
    ['Merge', kind.merge ? mergeWords(kind.merge) : ''],
    ['Layers', kind.layerMap ? layerMapWords(kind.layerMap) : ''],
    ['Neurons', kind.neuronMap ? neuronMapWords(kind.neuronMap) : ''],
    ['Rearranged', listed(kind.disguises ?? [])],
    ['Or else', listed(kind.alternatives ?? [])],
  ].filter((entry): entry is [string, string] => entry[1] !== '');
}

function schemeWords({ scheme, schemeProved }: Kind): string {
  if (scheme === undefined) return '';
  if (schemeProved === undefined) return scheme;
  return schemeProved ? `${scheme}, proved: quantizing A anew by it gives B to the bit` : `${scheme}, not proved by quantizing A anew`;
}

const METHODS: { readonly [method in Merge['method']]: string } = {
  linear: 'linear',
  'task-arithmetic': 'task arithmetic',
  slerp: 'spherical interpolation',
  trimmed: 'trimmed differences',
};

/** `0.7 ± 0.01 of Alder, 0.3 ± 0.02 of Rowan; linear, R2 0.998`. */
function mergeWords(merge: Merge): string {
  const parents = merge.parents.map((parent) => `${parentWords(parent)} of ${parent.name}`);
  return [
    listed(parents),
    `${METHODS[merge.method]}${merge.base === undefined ? '' : ` from ${merge.base}`}, R2 ${decimal(merge.r2)}${merge.t === undefined ? '' : `, t ${decimal(merge.t)}`}`,
    ...(merge.missingParent ? ['the fit leaves a gap that a parent not given here would explain'] : []),
  ].join('; ');
}

/** Coefficient and one standard error, both to the digits that the error allows. */
export function parentWords({ coefficient, standardError }: Merge['parents'][number]): string {
  const digits = standardError > 0 ? Math.min(6, Math.max(2, 1 - Math.floor(Math.log10(standardError)))) : 3;
  return `${coefficient.toFixed(digits)} ± ${standardError.toFixed(digits)}`;
}

/** Which layer of A each layer of B matches, in runs: `A's 0-2, 1-5`. */
function layerMapWords(map: readonly number[]): string {
  if (map.every((source, j) => source === j)) return `all ${counted(map.length, 'layer')} in their places`;
  const runs: [number, number][] = [];
  for (const source of map) {
    const last = runs.at(-1);
    if (last && source === last[1] + 1) last[1] = source;
    else runs.push([source, source]);
  }
  const told = runs.slice(0, MAX_TOLD).map(([from, to]) => (from === to ? `${from}` : `${from}-${to}`));
  return `B's ${counted(map.length, 'layer')} match, in order, A's ${told.join(', ')}${runs.length > MAX_TOLD ? ', …' : ''}`;
}

function neuronMapWords(map: readonly (readonly number[])[]): string {
  const all = map.flat();
  const matched = all.filter((source) => source >= 0).length;
  const moved = map.reduce((sum, layer) => sum + layer.filter((source, j) => source >= 0 && source !== j).length, 0);
  return `${grouped(matched)} of ${counted(all.length, 'neuron')} matched, ${grouped(moved)} of them in another place`;
}

function listed(items: readonly string[]): string {
  return `${items.slice(0, MAX_TOLD).join(', ')}${items.length > MAX_TOLD ? ', …' : ''}`;
}
