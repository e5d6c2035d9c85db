/**
 * Surgery that changes values: noise, pruning, rounding, mixing, transplants.
 * @module
 */
import { randomness } from '../synthetic.ts';
import { deviation } from './shape.ts';
import { type Block, mapMatrices, type Matrix, type Transformer } from './transformer.ts';

/** Gaussian noise of `amount` standard deviations of each matrix. */
export function addNoise(model: Transformer, amount: number, seed: number): Transformer {
  const { normal } = randomness(seed);
  return mapMatrices(model, (m) => {
    const size = amount * deviation(m.data);
    return { ...m, data: m.data.map((x) => x + size * normal()) };
  });
}

/** The smallest `share` of each matrix set to zero. */
export function pruneSmall(model: Transformer, share: number): Transformer {
  return mapMatrices(model, (m, slot) => {
    if (slot === 'embed' || slot === 'head' || slot === 'position') return m;
    const sizes = m.data.map(Math.abs).sort();
    const least = sizes[Math.floor(share * sizes.length)]!;
    return { ...m, data: m.data.map((x) => (Math.abs(x) < least ? 0 : x)) };
  });
}

/** Rounded to `bits`, one scale for every `group` values of a row, stored as floats again; token tables stay. */
export function roundTo(model: Transformer, bits: number, group: number): Transformer {
  return mapMatrices(model, (m, slot) => {
    if (slot === 'embed' || slot === 'head' || slot === 'position') return m;
    const data = m.data.slice();
    const most = 2 ** (bits - 1) - 1;
    for (let i = 0; i < m.rows; i++)
      for (let start = 0; start < m.columns; start += group) {
        const end = Math.min(start + group, m.columns);
        let size = 0;
        for (let j = start; j < end; j++) size = Math.max(size, Math.abs(data[i * m.columns + j]!));
        const step = size / most || 1;
        for (let j = start; j < end; j++) data[i * m.columns + j] = Math.round(data[i * m.columns + j]! / step) * step;
      }
    return { ...m, data };
  });
}

/** `share` of A and the rest of B, value by value; both of one shape. */
export function mixModels(a: Transformer, b: Transformer, share: number): Transformer {
  const others: Matrix[] = [];
  const vectors: Float64Array[] = [];
  mapMatrices(b, (m) => (others.push(m), m), { bias: (x) => (vectors.push(x), x), gain: (x) => (vectors.push(x), x) });
  const mix = (x: Float64Array, y: Float64Array): Float64Array => x.map((value, i) => share * value + (1 - share) * y[i]!);
  const vector = (x: Float64Array): Float64Array => mix(x, vectors.shift()!);
  return mapMatrices(a, (m) => ({ ...m, data: mix(m.data, others.shift()!.data) }), { bias: vector, gain: vector });
}

/** `host` with block `to` replaced by block `from` of `donor`. */
export function transplant(host: Transformer, donor: Transformer, from: number, to: number): Transformer {
  return { ...host, blocks: host.blocks.map((block: Block, n) => (n === to ? donor.blocks[from]! : block)) };
}

/** Rows of tokens drawn anew: what hides the traces in tokens that no text holds. */
export function eraseTokens(model: Transformer, ids: readonly number[], seed: number): Transformer {
  const { normal } = randomness(seed);
  const erase = (m: Matrix): Matrix => {
    const data = m.data.slice();
    const size = deviation(m.data);
    for (const id of ids) for (let j = 0; j < m.columns; j++) data[id * m.columns + j] = size * normal();
    return { ...m, data };
  };
  return { ...model, embed: erase(model.embed), head: model.head && erase(model.head) };
}
