import { describe, expect, test } from 'vitest';
import { sampleColumns } from '../positions.ts';
import { recurrentFlips } from '../recurrent.ts';
import { modulesOf } from '../partial.ts';
import { renamedSlots } from '../renamed.ts';
import { log10PValue } from '../swap-sign.ts';
import { randomness, sample } from '../testing/synthetic.ts';
import { mapRows, type Net, netLayers, netSketch, newNet, permuteNet, train } from '../testing/tiny-net.ts';
import { judgeWalk, type WalkOutcome } from './aligned.ts';
import { walk } from './walk.ts';

const INPUTS = { a: 'a', b: 'b' };
const SIZES = [24, 48, 48, 32, 6];

function compare(a: Net, b: Net): WalkOutcome {
  const layers = netLayers(b);
  const parameters = layers.reduce((sum, layer) => sum + layer.values.length, 0);
  return judgeWalk(walk(netLayers(a), layers), netSketch(a, 'a'), netSketch(b, 'b'), INPUTS, parameters);
}

describe.each(['uniform', 'normal'] as const)('networks from a %s start, with norms, whose channels were permuted', (law) => {
  // Long enough to hold more than the start.
  const parent = train(newNet(1, law, true, SIZES), { steps: 400, order: 1, rate: 0.04 });
  const child = train(parent, { steps: 30, order: 7, rate: 0.01 });
  const step = (bits: number) => (row: Float64Array) => {
    const scale = row.reduce((most, value) => Math.max(most, Math.abs(value)), 0) / (2 ** (bits - 1) - 1);
    return row.map((value) => Math.round(value / scale) * scale);
  };
  test.each([
    ['fine-tuned', child],
    ['with rows rescaled, as folding a batch norm does', mapRows(child, (row, o) => row.map((value) => value * (0.5 + (o % 7))))],
    ['rounded to int8', mapRows(child, step(8))],
    ['rounded to int4', mapRows(child, step(4))],
  ])('are found %s', (_, net) => {
    const outcome = compare(parent, permuteNet(net, 9));
    expect(outcome.tied).toBe(true);
    expect(outcome.log10P).toBeLessThan(-9);
    expect(outcome.learned).toBe('learned');
    expect(outcome.kind).toMatchObject({ name: 'disguised', disguises: ['channels permuted'] });
  });
  test('are found with a quarter of their channels pruned, and the width said', () => {
    const outcome = compare(parent, permuteNet(child, 9, 0.75));
    expect(outcome.tied).toBe(true);
    expect(outcome.kind.name).toBe('width-changed');
  });
  test('show nothing between strangers trained on the same data in the same order', () => {
    for (let seed = 2; seed < 6; seed++) {
      const outcome = compare(parent, permuteNet(train(newNet(seed, law, true, SIZES), { steps: 150, order: 1, rate: 0.04 }), 9));
      expect(outcome.tied).toBe(false);
      expect(outcome.log10P).toBeGreaterThan(-3);
    }
  });
  test('are not called learned when they share their start only', () => {
    for (const task of [1, 5]) {
      const sibling = train(newNet(1, law, true, SIZES), { steps: 150, order: 2, rate: 0.04, task });
      expect(compare(parent, permuteNet(sibling, 9)).learned).not.toBe('learned');
    }
  });
  test('are not called learned when small steps on the same data led them alike from one start', () => {
    const [one, other] = [1, 2].map((order) => train(newNet(1, law, true, SIZES), { steps: 150, order, rate: 0.004 }));
    expect(compare(one!, permuteNet(other!, 9)).learned).not.toBe('learned');
  });
});

test('the walk of a copy gives the permutation itself', () => {
  const net = newNet(3, 'normal', false, SIZES);
  const placed = walk(netLayers(net), netLayers(permuteNet(net, 4))).placed;
  const back = permuteNet({ ...net, gains: net.gains.map((gains) => gains.map((_, i) => i)) }, 4).gains;
  expect(placed).toHaveLength(3);
  placed.forEach(({ space }, l) => expect([...space.map]).toEqual([...back[l]!]));
});

test('shuffled weights are no relative', () => {
  const net = newNet(3, 'normal', false, SIZES);
  const { uniform } = randomness(8);
  const shuffled = {
    ...net,
    weights: net.weights.map((values) => Float64Array.from(values, () => values[Math.floor(uniform() * values.length)]!)),
  };
  expect(compare(net, shuffled).tied).toBe(false);
});

describe('recurrent matrices', () => {
  const layer = (seed: number, units: number, gates: number): ReturnType<typeof sample> => {
    const { normal } = randomness(seed);
    const columns = sampleColumns('filter', units, units, '');
    const values = Float32Array.from({ length: gates * units * units }, (_, i) =>
      Math.floor(i / units) % units === columns[i % units] ? 3 + normal() : normal(),
    );
    return sample('rnn.weight_hh_l0', 'linear', null, values, gates * units, units);
  };
  test.each([1, 3, 4])('with strong self-connections, of strangers, keep their error rate (%i gates)', (gates) => {
    const p = Array.from({ length: 400 }, (_, i) =>
      log10PValue(recurrentFlips(layer(2 * i, 40, gates), layer(2 * i + 1, 40, gates), 40, '')),
    );
    // 400 pairs: the standard error at .05 is .011.
    expect(p.filter((value) => value <= Math.log10(0.05)).length / p.length).toBeLessThan(0.05 + 0.044);
  });
  test('count each pair of units once over all gates, and see a copy', () => {
    const flips = recurrentFlips(layer(1, 40, 4), layer(1, 40, 4), 40, '');
    expect(flips).toMatchObject({ k: 20, n: 20 });
  });
});

test('a backbone is found behind a prefix, and modules are named by the shortest path of their own', () => {
  const slots = ['conv1.weight', 'layer1.0.conv1.weight', 'layer1.0.conv2.weight'];
  const map = renamedSlots(slots, [...slots.map((slot) => `model.backbone.${slot}`), 'model.decoder.0.weight'], () => true);
  expect([...map.values()]).toEqual(slots);
  expect(modulesOf(['net.backbone.a.weight', 'net.backbone.b.weight'], ['net.decoder.c.weight'])).toEqual(['net.backbone']);
});
