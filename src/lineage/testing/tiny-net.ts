/**
 * A multilayer perceptron that trains in a fraction of a second: what shared starts, fine-tunes and strangers really look like.
 * @module
 */
import type { Sketch } from '../sketch.ts';
import type { WalkLayer } from '../walk/layers.ts';
import { randomness, sample, toSketch } from './synthetic.ts';

export interface Net {
  /** `[outputs, inputs]` of each layer; the last is the classifier. */
  readonly weights: readonly Float64Array[];
  /** Of each hidden layer, from 1 and 0, as of a batch norm; constant when the net has none. */
  readonly gains: readonly Float64Array[];
  readonly shifts: readonly Float64Array[];
  readonly sizes: readonly number[];
  readonly affine: boolean;
}

export type Law = 'uniform' | 'normal';

export function newNet(seed: number, law: Law, affine: boolean, sizes: readonly number[] = [48, 96, 96, 64, 8]): Net {
  const { uniform, normal } = randomness(seed);
  const layers = sizes.slice(1);
  return {
    sizes,
    affine,
    weights: layers.map((outputs, l) => {
      const inputs = sizes[l]!;
      // Kaiming, by its two laws.
      return Float64Array.from({ length: outputs * inputs }, () =>
        law === 'uniform' ? (2 * uniform() - 1) * Math.sqrt(6 / inputs) : normal() * Math.sqrt(2 / inputs),
      );
    }),
    gains: layers.slice(0, -1).map((outputs) => new Float64Array(outputs).fill(1)),
    shifts: layers.slice(0, -1).map((outputs) => new Float64Array(outputs)),
  };
}

export interface Training {
  readonly steps: number;
  /** Which examples are drawn, in which order. */
  readonly order: number;
  readonly rate?: number;
  /** Which classes and what they look like; the same for all who train on one data set. */
  readonly task?: number;
}

const BATCH = 16;
const MODES = 3;

/** SGD with momentum on a mixture of Gaussians; deterministic. Three modes of each class, so that it is not linear. */
export function train(net: Net, { steps, order, rate = 0.02, task = 1 }: Training): Net {
  const { sizes } = net;
  const classes = sizes.at(-1)!;
  const world = randomness(task * 7919);
  const modes = Array.from({ length: classes * MODES }, () => Float64Array.from({ length: sizes[0]! }, world.normal));
  const { uniform, normal } = randomness(order * 104729 + 17);
  const copy = (list: readonly Float64Array[]): Float64Array[] => list.map((values) => values.slice());
  const [weights, gains, shifts] = [copy(net.weights), copy(net.gains), copy(net.shifts)];
  const blank = (list: readonly Float64Array[]): Float64Array[] => list.map((values) => new Float64Array(values.length));
  const parameters = net.affine ? [...weights, ...gains, ...shifts] : weights;
  const momentum = blank(parameters);
  const last = weights.length - 1;
  for (let step = 0; step < steps; step++) {
    const slope = { weights: blank(weights), gains: blank(gains), shifts: blank(shifts) };
    for (let example = 0; example < BATCH; example++) {
      const mode = Math.floor(uniform() * modes.length);
      const label = Math.floor(mode / MODES);
      const seen = [modes[mode]!.map((value) => value + 0.7 * normal())];
      const before: Float64Array[] = [];
      weights.forEach((matrix, l) => {
        const [inputs, x] = [sizes[l]!, seen[l]!];
        const y = new Float64Array(sizes[l + 1]!);
        for (let o = 0; o < y.length; o++) for (let i = 0; i < inputs; i++) y[o]! += matrix[o * inputs + i]! * x[i]!;
        before.push(y);
        seen.push(l === last ? y : y.map((value, o) => Math.max(0, gains[l]![o]! * value + shifts[l]![o]!)));
      });
      const logits = seen.at(-1)!;
      const top = Math.max(...logits);
      const odds = logits.map((value) => Math.exp(value - top));
      const total = odds.reduce((sum, value) => sum + value, 0);
      let back = odds.map((value, c) => (value / total - (c === label ? 1 : 0)) / BATCH);
      for (let l = last; l >= 0; l--) {
        const inputs = sizes[l]!;
        if (l < last)
          back = back.map((value, o) => {
            if (seen[l + 1]![o]! <= 0) return 0;
            slope.gains[l]![o]! += value * before[l]![o]!;
            slope.shifts[l]![o]! += value;
            return value * gains[l]![o]!;
          });
        const down = new Float64Array(inputs);
        for (let o = 0; o < back.length; o++) {
          const g = back[o]!;
          if (g === 0) continue;
          for (let i = 0; i < inputs; i++) {
            slope.weights[l]![o * inputs + i]! += g * seen[l]![i]!;
            down[i]! += g * weights[l]![o * inputs + i]!;
          }
        }
        back = down;
      }
    }
    const slopes = net.affine ? [...slope.weights, ...slope.gains, ...slope.shifts] : slope.weights;
    parameters.forEach((values, p) => {
      for (let i = 0; i < values.length; i++) {
        momentum[p]![i] = 0.9 * momentum[p]![i]! + slopes[p]![i]! + 1e-4 * values[i]!;
        values[i]! -= rate * momentum[p]![i]!;
      }
    });
  }
  return { ...net, weights, gains, shifts };
}

/** The same function with the hidden units in another order; `kept` of each layer, the others pruned away. */
export function permuteNet(net: Net, seed: number, kept = 1): Net {
  const { uniform } = randomness(seed);
  const orders = net.sizes.map((size, l) => {
    const order = Array.from({ length: size }, (_, i) => i);
    if (l === 0 || l === net.sizes.length - 1) return order;
    for (let i = size - 1; i > 0; i--) {
      const j = Math.floor(uniform() * (i + 1));
      [order[i], order[j]] = [order[j]!, order[i]!];
    }
    return order.slice(0, Math.round(kept * size));
  });
  const pick = (values: Float64Array, l: number): Float64Array => Float64Array.from(orders[l + 1]!, (o) => values[o]!);
  return {
    ...net,
    sizes: orders.map((order) => order.length),
    weights: net.weights.map((matrix, l) =>
      Float64Array.from(orders[l + 1]!.flatMap((o) => orders[l]!.map((i) => matrix[o * net.sizes[l]! + i]!))),
    ),
    gains: net.gains.map(pick),
    shifts: net.shifts.map(pick),
  };
}

/** Every weight changed by `change` of its row: rounding, pruning, scaling. */
export function mapRows(net: Net, change: (row: Float64Array, index: number) => Float64Array): Net {
  return {
    ...net,
    weights: net.weights.map((matrix, l) => {
      const inputs = net.sizes[l]!;
      const out = new Float64Array(matrix.length);
      for (let o = 0; o < matrix.length / inputs; o++) out.set(change(matrix.slice(o * inputs, (o + 1) * inputs), o), o * inputs);
      return out;
    }),
  };
}

export function netLayers(net: Net): WalkLayer[] {
  return net.weights.slice(0, -1).map((matrix, l) => ({
    slot: `layers.${l}.0.weight`,
    outputs: net.sizes[l + 1]!,
    inputs: net.sizes[l]!,
    kernel: 1,
    values: Float32Array.from(matrix),
    vectors: net.affine
      ? [
          { slot: `layers.${l}.1.weight`, role: 'norm' as const, values: Float32Array.from(net.gains[l]!) },
          { slot: `layers.${l}.1.bias`, role: 'bias' as const, values: Float32Array.from(net.shifts[l]!) },
        ]
      : [],
  }));
}

export function netSketch(net: Net, name: string): Sketch {
  const layers = netLayers(net);
  const base = toSketch({ layers: [], embed: new Float64Array() as never }, name);
  return {
    ...base,
    subject: { ...base.subject, scheme: 'generic', architecture: '' },
    samples: layers.map((layer) => sample(layer.slot, 'linear', null, layer.values, layer.outputs, layer.inputs)),
    vectors: layers.flatMap((layer) =>
      layer.vectors.map((vector) => ({ ...vector, stack: '', block: null, length: vector.values.length })),
    ),
  };
}
