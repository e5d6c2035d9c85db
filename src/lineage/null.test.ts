import { describe, expect, test } from 'vitest';
import { log10BinomialTail, probit } from '../math/index.ts';
import type { Model, Role } from '../model/index.ts';
import { compareAdapter } from './aligned/adapter.ts';
import type { Anchors } from './aligned/anchors.ts';
import { neuronsEvidence } from './aligned/evidence.ts';
import { count, type Neurons } from './aligned/load.ts';
import { unit } from './aligned/match.ts';
import { commonSpace } from './aligned/space.ts';
import { layerFlips, unreachableFlips } from './aligned/tests.ts';
import { channelTest, framedTest, neuronTest, rankTest, valueTest } from './exact-tests.ts';
import { filterTest } from './filter-test.ts';
import { quantize, type Sample, type Sketch } from './sketch.ts';
import { log10PValue } from './swap-sign.ts';
import { modelOf } from './testing/model-of.ts';
import { NUISANCES, type Nuisance } from './testing/nuisance.ts';
import { fineTune, makeModel, sample, toSketch } from './testing/synthetic.ts';

const INPUTS = { a: 'a', b: 'b' };
const [UNITS, FEATURES] = [32, 12];
/** Simulated independent pairs for each axis and nuisance. */
const PAIRS = 100;
const LEVELS = [0.2, 0.05, 0.01, 0.001];
/** Seeds are fixed; a correct test would fail one of these bounds with this probability. */
const CHANCE_LOG10 = -5;

/** log10 P[Bin(n, p) >= k], by the sum of its terms. */
function log10Tail(n: number, p: number, k: number): number {
  let [term, below] = [(1 - p) ** n, 0];
  for (let i = 0; i < k; i++) {
    below += term;
    term *= ((n - i) / (i + 1)) * (p / (1 - p));
  }
  return Math.log10(Math.max(1e-16, 1 - below));
}

/** At no level more rejections than chance allows, and nowhere more than the one-sided Kolmogorov-Smirnov band. */
function expectConservative(log10Ps: readonly number[]): void {
  const n = log10Ps.length;
  for (const level of LEVELS) {
    const rejected = log10Ps.filter((p) => p <= Math.log10(level)).length;
    expect(log10Tail(n, level, rejected), `${rejected} of ${n} at ${level}`).toBeGreaterThan(CHANCE_LOG10);
  }
  // Massart 1990: P[sup (F_n - F) > d] <= exp(-2 n d^2).
  const band = Math.sqrt((-CHANCE_LOG10 * Math.LN10) / (2 * n));
  const sorted = log10Ps.map((p) => 10 ** p).sort((x, y) => x - y);
  const excess = Math.max(...sorted.map((p, i) => (i + 1) / n - p));
  expect(excess).toBeLessThan(band);
}

/** Layers of one role for each model; `names` keeps the slots of two models apart. */
function layersOf(draw: Nuisance, role: Role, seed: number, layers: number, names: string = 'layers'): Sample[] {
  return Array.from({ length: layers }, (_, block) => {
    const values = Float32Array.from(draw(1000 * seed + 17 * block + role.length + role.charCodeAt(0), UNITS, FEATURES));
    return { ...sample(`${names}.${block}.${role}`, role, block, values, UNITS, FEATURES), hash: `${seed}/${block}/${role}` };
  });
}
function sketchOf(samples: readonly Sample[]): Sketch {
  return { ...toSketch(makeModel(1, 1, 0)), samples };
}
const neuronsOf = (draw: Nuisance, seed: number, layers: number): Sketch =>
  sketchOf((['gate', 'up', 'down'] as const).flatMap((role) => layersOf(draw, role, seed, layers)));
const roleOf = (draw: Nuisance, role: Role, seed: number, names?: string): Sketch => sketchOf(layersOf(draw, role, seed, 3, names));
const tableOf = (draw: Nuisance, seed: number): Sketch =>
  sketchOf(
    (['embed', 'head'] as const).flatMap((role) =>
      layersOf(draw, role, seed, 1).map((one) => ({ ...one, stack: '', axis: 'columns' as const })),
    ),
  );

const WIDTH = 12;
const TOKENS = 48;
/** Rows seen through the same rounding as stored weights. */
function stored(values: Float64Array, width: number): Float64Array {
  const { codes, scales } = quantize(Float32Array.from(values), values.length / width, width);
  return values.map((_, at) => codes[at]! * scales[Math.floor(at / width)]!);
}
function anchorsOf(a: Float64Array, b: Float64Array, unreachable: (token: number) => boolean): Anchors {
  const labels = Array.from({ length: TOKENS }, (_, token) => unreachable(token));
  const rows = { a: Float32Array.from(a), b: Float32Array.from(b) };
  return { ...rows, count: TOKENS, widthA: WIDTH, widthB: WIDTH, unreachable: labels, frequent: [], by: 'token strings' };
}
function afterMap(draw: Nuisance, seed: number, tokensA: Float64Array, tokensB: Float64Array): number {
  const space = commonSpace(anchorsOf(tokensA, tokensB, () => false));
  const layer = (at: number, turn: (rows: Float32Array, n: number) => Float32Array): Neurons => {
    const [gate, up, down] = [0, 1, 2].map((i) => turn(Float32Array.from(stored(draw(at + i, UNITS, WIDTH), WIDTH)), UNITS));
    return unit({ units: count(UNITS), total: UNITS, gate: gate!, up: up!, down: down! }, space.width);
  };
  const left = [seed, seed + 10].map((at) => layer(at, space.a));
  const flips = [seed + 20, seed + 30].map((at) => {
    const right = layer(at, space.b);
    return left.map((neurons) => layerFlips(neurons, right, space.width));
  });
  return neuronsEvidence(flips, true, INPUTS)?.log10P ?? 0;
}

/** log10 p of one simulated independent pair. */
type Axis = (draw: Nuisance, seed: number) => number;
const p = (outcome: { readonly evidence: { readonly log10P: number | null } } | null): number => outcome?.evidence.log10P ?? 0;
const AXES: Readonly<Record<string, Axis>> = {
  'neurons, as many blocks': (draw, seed) => p(neuronTest(neuronsOf(draw, seed, 2), neuronsOf(draw, seed + 1, 2), INPUTS)),
  'neurons, other numbers of blocks': (draw, seed) => p(neuronTest(neuronsOf(draw, seed, 3), neuronsOf(draw, seed + 1, 2), INPUTS)),
  'neurons told by tokens': (draw, seed) => {
    const framed = (at: number): Sketch => ({ ...neuronsOf(draw, at, 2), framed: neuronsOf(draw, at, 2).samples });
    return p(framedTest(framed(seed), framed(seed + 1), INPUTS));
  },
  'value channels': (draw, seed) => p(valueTest(roleOf(draw, 'v', seed), roleOf(draw, 'v', seed + 1), INPUTS)),
  'residual channels': (draw, seed) => p(channelTest(tableOf(draw, seed), tableOf(draw, seed + 1), INPUTS)),
  'filters matched by name': (draw, seed) => p(filterTest(roleOf(draw, 'conv', seed), roleOf(draw, 'conv', seed + 1), INPUTS)),
  'filters matched by shape and selected': (draw, seed) =>
    p(filterTest(roleOf(draw, 'conv', seed), roleOf(draw, 'conv', seed + 1, 'renamed'), INPUTS)),
  'ranks of adapters, random half': (draw, seed) =>
    p(rankTest(roleOf(draw, 'lora_a', seed), roleOf(draw, 'lora_a', seed + 1), 'lora_a', INPUTS)),
  'ranks of adapters, trained half': (draw, seed) =>
    p(rankTest(roleOf(draw, 'lora_b', seed), roleOf(draw, 'lora_b', seed + 1), 'lora_b', INPUTS)),
  'neurons after the residual map': (draw, seed) => afterMap(draw, seed, draw(seed + 40, TOKENS, WIDTH), draw(seed + 41, TOKENS, WIDTH)),
  'neurons after the residual map, with one token table in both': (draw, seed) => {
    const tokens = draw(seed + 40, TOKENS, WIDTH);
    return afterMap(draw, seed, tokens, tokens);
  },
  'unreachable tokens, all others alike': (draw, seed) => {
    const common = draw(seed, TOKENS, WIDTH);
    const [a, b] = [1, 2].map((side) => {
      const table = Float64Array.from(common);
      table.set(draw(seed + side, UNITS, WIDTH));
      return table;
    });
    const anchors = anchorsOf(a!, b!, (token) => token < UNITS);
    return log10PValue(unreachableFlips(anchors, commonSpace(anchors)));
  },
};

describe.each(Object.entries(AXES))('p-values of independent models are uniform or larger: %s', (_, axis) => {
  test.each(Object.entries(NUISANCES))('with %s', (_name, draw) => {
    const log10Ps = Array.from({ length: PAIRS }, (_x, pair) => axis(draw, 101 * pair + 1));
    expectConservative(log10Ps);
    // Not by never rejecting: some pairs must come out below one half.
    expect(log10Ps.some((value) => value < Math.log10(0.5))).toBe(true);
  });
});

describe('the checks above have teeth', () => {
  test('a correlation test that takes entries for independent is fooled by a common mean direction', () => {
    const draw = NUISANCES['a common mean direction']!;
    const log10Ps = Array.from({ length: PAIRS }, (_, pair) => {
      const [a, b] = [draw(2 * pair + 1, UNITS, FEATURES), draw(2 * pair + 2, UNITS, FEATURES)];
      const agree = a.filter((value, i) => value * b[i]! > 0).length;
      return log10BinomialTail(a.length, agree);
    });
    expect(() => expectConservative(log10Ps)).toThrow(/of \d+ at 0/);
  });
  test('models that hold one network several times, as upcycled experts and repeated layers, throw each coin once', () => {
    const repeated = (seed: number): Sketch => {
      const { layers, embed } = makeModel(seed, seed, 1);
      return toSketch({ embed, layers: Array.from({ length: 8 }, (_, i) => fineTune({ layers, embed }, 100 * seed + i, 0.2).layers[0]!) });
    };
    const log10Ps = Array.from({ length: 2 * PAIRS }, (_, pair) => p(neuronTest(repeated(2 * pair + 1), repeated(2 * pair + 2), INPUTS)));
    expectConservative(log10Ps);
  });
  test('the best of several layers, its p-value not multiplied by their number, is found out', () => {
    const draw = NUISANCES['none']!;
    const log10Ps = Array.from({ length: PAIRS }, (_, pair) =>
      Math.min(...Array.from({ length: 5 }, (_x, i) => AXES['value channels']!(draw, 1009 * pair + 31 * i + 1))),
    );
    expect(() => expectConservative(log10Ps)).toThrow(/of \d+ at 0/);
  });
});

describe('adapters against bases they were not trained on', () => {
  const NEURONS = 24;
  const RANK = 4;
  const baseOf = (draw: Nuisance, seed: number): Promise<Model> => {
    const mlp = 'model.layers.0.mlp';
    return modelOf(
      {
        'model.embed_tokens.weight': [[8, WIDTH], draw(seed, 8, WIDTH)],
        ...Object.fromEntries(
          ['q', 'k', 'v', 'o'].map((name, i) => [
            `model.layers.0.self_attn.${name}_proj.weight`,
            [[WIDTH, WIDTH], draw(seed + 4 + i, WIDTH, WIDTH)] as const,
          ]),
        ),
        [`${mlp}.gate_proj.weight`]: [[NEURONS, WIDTH], draw(seed + 1, NEURONS, WIDTH)],
        [`${mlp}.up_proj.weight`]: [[NEURONS, WIDTH], draw(seed + 2, NEURONS, WIDTH)],
        // Units are the columns here.
        [`${mlp}.down_proj.weight`]: [[WIDTH, NEURONS], transposed(draw(seed + 3, NEURONS, WIDTH), NEURONS, WIDTH)],
      },
      { model_type: 'llama', hidden_size: WIDTH, num_hidden_layers: 1, num_attention_heads: 2, intermediate_size: NEURONS },
      'config.json',
    );
  };
  const adapterOf = (draw: Nuisance, seed: number): Promise<Model> => {
    const block = 'base_model.model.model.layers.0';
    const factors = (module: string, units: number, at: number): Record<string, readonly [readonly number[], Float64Array]> => ({
      [`${block}.${module}.lora_A.weight`]: [[RANK, WIDTH], draw(at, RANK, WIDTH)],
      [`${block}.${module}.lora_B.weight`]: [[units, RANK], draw(at + 1, units, RANK)],
    });
    return modelOf(
      // Queries and keys make the names known as those of a transformer; they are no evidence here.
      {
        ...factors('mlp.up_proj', NEURONS, seed),
        ...factors('self_attn.q_proj', WIDTH, seed + 2),
        ...factors('self_attn.k_proj', WIDTH, seed + 4),
      },
      { peft_type: 'LORA', r: RANK, lora_alpha: RANK, target_modules: ['up_proj'] },
      'adapter_config.json',
    );
  };
  test.each(['none', 'a common mean direction', 'heavy tails', 'a wide spread of row norms', 'duplicated rows'])(
    'give z as permuted labels do: %s',
    async (name) => {
      const draw = NUISANCES[name]!;
      const z: number[] = [];
      for (let pair = 0; pair < 40; pair++) {
        const [base, adapter] = [await baseOf(draw, 100 * pair + 1), await adapterOf(draw, 100 * pair + 51)];
        z.push((await compareAdapter(base, adapter, INPUTS))!.z);
      }
      expect(new Set(z).size).toBeGreaterThan(35);
      // z is a sum over pairs of labels and no normal number: its tail is held to the levels that decide nothing, its size to the threshold.
      for (const level of [0.2, 0.05])
        expect(log10Tail(z.length, level, z.filter((value) => value >= probit(1 - level)).length)).toBeGreaterThan(CHANCE_LOG10);
      expect(Math.max(...z)).toBeLessThan(5.8);
    },
  );
});

function transposed(values: Float64Array, rows: number, columns: number): Float64Array {
  return Float64Array.from({ length: values.length }, (_, at) => values[(at % rows) * columns + Math.floor(at / rows)]!);
}
