/**
 * Convolutional networks as files, from writing to verdict: reused parts of known size, permuted channels, and strangers.
 */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import type { Relation } from '../../src/lineage/index.ts';
import { randomness } from '../../src/lineage/testing/synthetic.ts';
import { type Matrix, safetensors } from '../../src/model/testing/tiny.ts';
import { makeComparer } from '../../src/register/index.ts';

const dir = mkdtempSync(join(tmpdir(), 'heirloom-convnets-'));
afterAll(() => rmSync(dir, { recursive: true, force: true }));

type Net = Record<string, Matrix>;
const WIDTHS = [64, 64, 64, 96, 96, 96, 64, 64];
const PLACES = 9;

/** Weights as training leaves them: rows of unlike size, heavy tails. */
function trained(seed: number): Net {
  const { normal } = randomness(seed);
  const net: Net = {};
  WIDTHS.forEach((outputs, l) => {
    const inputs = l === 0 ? 3 : WIDTHS[l - 1]!;
    const columns = inputs * PLACES;
    const sizes = Float64Array.from({ length: outputs }, () => Math.exp(0.3 * normal()));
    net[`features.${l}.conv.weight`] = {
      shape: [outputs, inputs, 3, 3],
      values: Float32Array.from(
        { length: outputs * columns },
        (_, i) => (sizes[Math.floor(i / columns)]! * normal() * Math.exp(0.5 * normal())) / Math.sqrt(columns),
      ),
    };
    for (const [name, about] of [
      ['weight', 1],
      ['bias', 0],
    ] as const)
      net[`features.${l}.bn.${name}`] = { shape: [outputs], values: Float32Array.from({ length: outputs }, () => about + 0.3 * normal()) };
  });
  net['classifier.weight'] = { shape: [10, WIDTHS.at(-1)!], values: Float32Array.from({ length: 10 * WIDTHS.at(-1)! }, normal) };
  return net;
}

/** A fresh network with layers `from` to `to` of another, changed a little. */
function reusing(parent: Net, from: number, to: number, seed: number): Net {
  const { normal } = randomness(seed);
  return Object.fromEntries(
    Object.entries(trained(seed + 1)).map(([name, fresh]) => {
      const layer = Number(name.split('.')[1]);
      const { shape, values } = parent[name]!;
      const kept = layer >= from && layer < to;
      const step = name.endsWith('conv.weight') ? 0.05 * Math.sqrt(values.reduce((sum, v) => sum + v * v, 0) / values.length) : 0.02;
      return [name, kept ? { shape, values: values.map((v) => v + step * normal()) } : fresh];
    }),
  );
}

/** Batch norms multiplied into the filters before them. */
function folded(net: Net): Net {
  return Object.fromEntries(
    Object.entries(net).flatMap(([name, { shape, values }]): [string, Matrix][] => {
      if (name.endsWith('bn.weight')) return [];
      if (name.endsWith('bn.bias')) return [[name.replace('bn.bias', 'conv.bias'), { shape, values }]];
      const gains = net[name.replace('conv.weight', 'bn.weight')]?.values;
      if (!gains || !name.endsWith('conv.weight')) return [[name, { shape, values }]];
      const columns = values.length / gains.length;
      return [[name, { shape, values: values.map((v, i) => 1.7 * v * gains[Math.floor(i / columns)]!) }]];
    }),
  );
}

/** Another order of every layer's channels. */
function ordersOf(seed: number): number[][] {
  const { uniform } = randomness(seed);
  return WIDTHS.map((width) =>
    Array.from({ length: width }, (_, i) => ({ i, at: uniform() }))
      .sort((x, y) => x.at - y.at)
      .map(({ i }) => i),
  );
}

/** The same function with the channels of every layer in another order. */
function permuted(net: Net, orders: readonly (readonly number[])[]): Net {
  const straight = (count: number): number[] => Array.from({ length: count }, (_, i) => i);
  return Object.fromEntries(
    Object.entries(net).map(([name, { shape, values }]): [string, Matrix] => {
      const layer = name === 'classifier.weight' ? WIDTHS.length : Number(name.split('.')[1]);
      const [outputs = 1, inputs = 1] = shape;
      const rows = orders[layer] ?? straight(outputs);
      const reads = shape.length > 1 && layer > 0 ? orders[layer - 1]! : straight(inputs);
      const places = values.length / (outputs * inputs);
      const moved = rows.flatMap((o) =>
        reads.flatMap((i) => [...values.subarray((o * inputs + i) * places, (o * inputs + i + 1) * places)]),
      );
      return [name, { shape, values: Float32Array.from(moved) }];
    }),
  );
}

const filters = (net: Net, from: number, to: number): number =>
  Object.entries(net).reduce((sum, [name, { values }]) => {
    const layer = Number(name.split('.')[1]);
    return sum + (name.endsWith('conv.weight') && layer >= from && layer < to ? values.length : 0);
  }, 0);

const comparer = makeComparer({});
let written = 0;
async function compare(a: Net, b: Net): Promise<Relation> {
  const [first, second] = [a, b].map((net) => {
    const path = join(dir, `${written++}.safetensors`);
    writeFileSync(path, safetensors(net));
    return path;
  });
  return (await comparer.compare(first!, second!)).relation;
}

describe('a convolutional network that reuses layers of another', () => {
  const parent = trained(1);
  const disguises = [
    ['as they are', (net: Net) => net],
    ['with batch norms folded into them', folded],
    ['with all channels permuted', (net: Net) => permuted(net, ordersOf(5))],
  ] as const;
  test.each(disguises)('has its share told within five points, layers %s', async (_, disguise) => {
    for (const to of [4, 6, 8]) {
      const truth = filters(parent, 0, to) / filters(parent, 0, WIDTHS.length);
      const { verdict, share } = await compare(parent, disguise(reusing(parent, 0, to, 100 + to)));
      expect([to, verdict]).toEqual([to, 'derived']);
      expect(Math.abs(share.fraction! - truth)).toBeLessThan(0.05);
    }
  });
  test('is no relative of a stranger of its shape, also in another order of channels', async () => {
    for (const disguise of [(net: Net) => net, folded, (net: Net) => permuted(net, ordersOf(9))])
      expect((await compare(parent, disguise(trained(77)))).verdict).toBe('no-evidence');
  });
});

test('the channels of a file that were permuted are put back, and the permutation is told', async () => {
  const parent = trained(4);
  const orders = ordersOf(6);
  const { verdict, kind } = await compare(parent, permuted(reusing(parent, 0, WIDTHS.length, 40), orders));
  expect(verdict).toBe('derived');
  expect(kind).toMatchObject({ name: 'disguised', disguises: ['channels permuted'] });
  expect(kind.neuronMap).toEqual(orders);
});

describe('strangers with rows that the task fixes', () => {
  /** `[rows, columns]` of numbers about a profile that every such model learns. */
  const about = (seed: number, rows: number, columns: number, profile: (r: number, c: number) => number): Matrix => {
    const { normal } = randomness(seed);
    return {
      shape: [rows, columns],
      values: Float32Array.from({ length: rows * columns }, (_, i) => profile(Math.floor(i / columns), i % columns) + 0.3 * normal()),
    };
  };
  test.each([
    [
      'gains of norms over places and channels',
      ['enc.ln1.weight', 'enc.ln2.weight', 'dec.ln1.weight'],
      (r: number, c: number) => 1 + Math.sin(2.1 * r + c),
    ],
    [
      'output heads of points, x and y in turn',
      ['landmarks.weight', 'stage2.landmark_head.weight', 'bbox.weight'],
      (r: number, c: number) => (r % 2 === 0 ? 1 : -1) * Math.cos(3 * c),
    ],
  ] as const)('show no tie: %s', async (_, names, profile) => {
    const net = (seed: number): Net => ({
      ...Object.fromEntries(names.map((name, i) => [name, about(seed + i, 64, 32, profile)])),
      ...trained(seed),
    });
    for (const seed of [10, 20]) expect((await compare(net(seed), net(seed + 500))).verdict).toBe('no-evidence');
  });
});
