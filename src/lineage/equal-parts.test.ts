import { describe, expect, test } from 'vitest';
import { sampleColumns } from './positions.ts';
import { relate } from './relate.ts';
import type { Sketch, VectorSample } from './sketch.ts';
import { randomness, sample, toSketch } from './testing/synthetic.ts';

const CHANNELS = 48;

interface Layer {
  readonly slot: string;
  readonly values: Float32Array;
}

function drawn(slot: string, seed: number, spread = 0): Layer {
  const { normal } = randomness(seed);
  const sizes = Array.from({ length: CHANNELS }, () => Math.exp(spread * normal()));
  return { slot, values: Float32Array.from({ length: CHANNELS * CHANNELS }, (_, i) => sizes[Math.floor(i / CHANNELS)]! * normal()) };
}

/** A network of square matrices, each printed; `gains` of norms beside them. */
function network(name: string, layers: readonly Layer[], vectors: readonly VectorSample[] = []): Sketch {
  const base = toSketch({ layers: [], embed: new Float32Array() }, name);
  return {
    ...base,
    subject: { ...base.subject, scheme: 'generic', architecture: '' },
    samples: layers.map(({ slot, values }) => sample(slot, 'linear', null, values, CHANNELS, CHANNELS)),
    vectors,
    prints: layers.map(({ slot, values }) => ({ slot, count: values.length, ordered: values.join(), sorted: values.toSorted().join() })),
  };
}

function vector(slot: string, role: 'norm' | 'bias', seed: number): VectorSample {
  const { normal } = randomness(seed);
  return { slot, role, stack: '', block: null, length: CHANNELS, values: Float32Array.from({ length: CHANNELS }, normal) };
}

const UNTRAINED = /^(common-initialization|shared-origin)$/;
const list = (count: number, make: (i: number) => Layer): Layer[] => Array.from({ length: count }, (_, i) => make(i));

describe('parts that are equal in both models', () => {
  const own = (seed: number, count: number): Layer[] => list(count, (i) => drawn(`own.${i}`, 1000 * seed + i, 0.3));
  const pair = (equal: readonly Layer[], ownLayers: number, vectors: readonly VectorSample[] = []): string =>
    relate(network('a', [...equal, ...own(1, ownLayers)], vectors), network('b', [...equal, ...own(2, ownLayers)], vectors)).verdict;

  test.each([
    ['most of the values', 10, 2],
    ['nearly all of the values', 39, 1],
    ['a third of the values', 9, 18],
  ])('are no shared training when they stand as a seed drew them: %s', (_, equal, other) => {
    const frozen = list(equal, (i) => drawn(`frozen.${i}`, i));
    expect(pair(frozen, other)).toMatch(UNTRAINED);
    // Some frameworks draw biases too.
    const biases = [0, 1, 2].map((i) => vector(`frozen.${i}.bias`, 'bias', i));
    expect(pair(frozen, other, biases)).toMatch(UNTRAINED);
  });

  test('are no shared training when they are stored tables without gains or biases beside them', () => {
    const tables = list(2, (i) => drawn(`basis.${i}`, i, 1));
    expect(pair(tables, 1)).toBe('shared-origin');
  });

  test('are shared training when gains that only training moves are equal with them, or biases of matrices that training shaped', () => {
    const backbone = list(10, (i) => drawn(`backbone.${i}`, i, 0.4));
    for (const role of ['norm', 'bias'] as const) {
      const vectors = [0, 1, 2].map((i) => vector(`backbone.${i}.${role}`, role, i));
      expect(pair(backbone, 2, vectors)).toBe('derived');
      expect(pair(backbone, 20, vectors)).toBe('derived');
    }
  });
});

test('strangers whose matrices pass channels on, from a start at the identity or with skips folded in, stay strangers', () => {
  const columns = sampleColumns('filter', CHANNELS, CHANNELS, '');
  const passing = (seed: number): Layer[] =>
    list(4, (i) => {
      const { slot, values } = drawn(`cell.${i}`, 100 * seed + i);
      return { slot, values: values.map((value, at) => 0.1 * value + (columns[at % CHANNELS] === Math.floor(at / CHANNELS) ? 1 : 0)) };
    });
  for (let seed = 1; seed <= 10; seed++) {
    const { verdict, log10P } = relate(network('a', passing(seed)), network('b', passing(seed + 50)));
    expect(verdict).toBe('no-evidence');
    expect(log10P).toBeGreaterThan(-4);
  }
  // A relative is still seen.
  const [layers, other] = [passing(1), passing(2)];
  const near = layers.map(({ slot, values }, i) => ({ slot, values: values.map((v, at) => v + 0.3 * other[i]!.values[at]!) }));
  expect(relate(network('a', layers), network('b', near)).log10P).toBeLessThan(-6);
});
