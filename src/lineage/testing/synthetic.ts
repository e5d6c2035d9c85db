/**
 * Sketches of simulated models: the null and the alternatives of the tests, without files.
 * @module
 */
import type { Role } from '../../model/index.ts';
import { fromBfloat16, toBfloat16 } from '../rounding.ts';
import { quantize, type Sample, type Sketch, type VectorSample } from '../sketch.ts';

/** Deterministic uniform numbers (mulberry32) and normals (Box and Muller). */
export function randomness(seed: number): { uniform: () => number; normal: () => number } {
  let state = seed >>> 0;
  const uniform = (): number => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
  return { uniform, normal: () => Math.sqrt(-2 * Math.log(1 - uniform())) * Math.cos(2 * Math.PI * uniform()) };
}

export interface MadeLayer {
  readonly up: Float32Array;
  readonly gate: Float32Array;
  readonly down: Float32Array;
  readonly gain: Float32Array;
}
export interface Made {
  readonly layers: MadeLayer[];
  readonly embed: Float32Array;
}

export const UNITS = 32;
export const FEATURES = 16;

/** A model is a random start plus what training added; training fills down, gains and tokens, and moves up and gate. */
export function makeModel(startSeed: number, trainSeed: number, layers = 4, trained = 0.7): Made {
  const start = randomness(startSeed);
  const train = randomness(trainSeed ^ 0x5bd1e995);
  const matrix = (startScale: number, trainScale: number): Float32Array =>
    Float32Array.from({ length: UNITS * FEATURES }, () => startScale * start.normal() + trainScale * train.normal());
  return {
    layers: Array.from({ length: layers }, () => ({
      up: matrix(1, trained),
      gate: matrix(1, trained),
      down: matrix(0.3, trained),
      gain: Float32Array.from({ length: 64 }, () => 1 + 0.1 * train.normal()),
    })),
    embed: matrix(0.5, trained),
  };
}

/** The same weights, moved by `amount` of a weight's size. */
export function fineTune(made: Made, seed: number, amount: number): Made {
  const { normal } = randomness(seed);
  const move = (values: Float32Array): Float32Array => values.map((value) => value + amount * 0.8 * normal());
  return {
    layers: made.layers.map((layer) => ({
      up: move(layer.up),
      gate: move(layer.gate),
      down: move(layer.down),
      gain: layer.gain.map((g: number) => g + amount * 0.02 * normal()),
    })),
    embed: move(made.embed),
  };
}

export function toSketch(made: Made, name = 'made', extra: Partial<Sketch> = {}): Sketch {
  const samples: Sample[] = [sample('embed', 'embed', null, made.embed)];
  const vectors: VectorSample[] = [];
  made.layers.forEach((layer, block) => {
    samples.push(
      sample(`layers.${block}.gate`, 'gate', block, layer.gate),
      sample(`layers.${block}.up`, 'up', block, layer.up),
      sample(`layers.${block}.down`, 'down', block, layer.down),
    );
    vectors.push({
      slot: `layers.${block}.norm_in`,
      role: 'norm_in',
      stack: '',
      block,
      length: layer.gain.length,
      values: layer.gain.map((g: number) => fromBfloat16(toBfloat16(g))),
    });
  });
  return {
    schema: 'heirloom-sketch/1',
    subject: {
      name,
      digest: `sha256:${name}`,
      digestCovers: 'nothing',
      format: 'safetensors',
      parameters: 1000,
      architecture: 'llama',
      scheme: 'llama',
      isAdapter: false,
      dtype: 'BF16',
    },
    salt: '',
    complete: true,
    samples,
    framed: [],
    vectors,
    prints: [],
    ...extra,
  };
}

export function sample(
  slot: string,
  role: Role,
  block: number | null,
  values: Float32Array,
  units: number = UNITS,
  features: number = FEATURES,
): Sample {
  return {
    slot,
    role,
    stack: '',
    block,
    expert: null,
    shape: role === 'down' ? [features, units] : [units, features],
    axis: role === 'down' || role === 'embed' ? 'columns' : 'rows',
    units,
    features,
    ...quantize(values, units, features),
    hash: String(values[0]),
    stats: { zeros: 0, distinct: 32, lattice: 0.29 },
    excluded: '',
  };
}
