import { describe, expect, test } from 'vitest';
import { mersenneTwister } from '../../math/index.ts';
import { randomness } from '../testing/synthetic.ts';
import { locate, templateOf } from './locate.ts';
import { type SeededPair, seededStart } from './start.ts';
import { streamOf } from './streams.ts';

const INPUTS = { a: 'a', b: 'b' };
const STREAM = 1 << 16;

/** Draws as ATen does, number by number: `uniform_` one each; `normal_` by filling, then transforming blocks of 16, the rest anew. */
class Generator {
  #raw: Uint32Array;
  #at = 0;
  constructor(seed: number) {
    this.#raw = mersenneTwister(seed, STREAM);
  }
  next(): number {
    return (this.#raw[this.#at++]! & 0xffffff) / 16777216;
  }
  uniform(count: number): Float64Array {
    const bound = 1 / Math.sqrt(count);
    return Float64Array.from({ length: count }, () => this.next() * 2 * bound - bound);
  }
  normal(count: number): Float64Array {
    const data = Float64Array.from({ length: count }, () => this.next());
    const fill = (from: number): void => {
      for (let j = 0; j < 8; j++) {
        const radius = Math.sqrt(-2 * Math.log(1 - data[from + j]!));
        const theta = 2 * Math.PI * data[from + j + 8]!;
        data[from + j] = radius * Math.cos(theta) * 0.02;
        data[from + j + 8] = radius * Math.sin(theta) * 0.02;
      }
    };
    for (let i = 0; i + 16 <= count; i += 16) fill(i);
    if (count % 16 > 0) {
      for (let i = count - 16; i < count; i++) data[i] = this.next();
      fill(count - 16);
    }
    return data;
  }
}

const LAWS = ['uniform', 'normal'] as const;
const SHAPES = [
  [16, 27],
  [32, 144],
  [64, 288],
  [64, 64],
] as const;

/** A network's tensors from a seed, with biases between them. */
function start(seed: number, law: (typeof LAWS)[number]): Float64Array[] {
  const generator = new Generator(seed);
  generator.uniform(137);
  return SHAPES.map(([rows, columns]) => {
    const weight = generator[law](rows * columns);
    generator.uniform(rows);
    return weight;
  });
}

/** Training as an addition of the start's size times `amount`. */
function trained(tensors: readonly Float64Array[], seed: number, amount: number): Float64Array[] {
  const { normal } = randomness(seed);
  return tensors.map((values) => {
    const size = Math.sqrt(values.reduce((sum, value) => sum + value * value, 0) / values.length);
    return values.map((value) => value + amount * size * normal());
  });
}

function pairs(a: readonly Float64Array[], b: readonly Float64Array[]): SeededPair[] {
  const first = (values: Float64Array, columns: number): Float64Array =>
    values.subarray(0, Math.min(values.length, columns * Math.floor(8192 / columns)));
  return SHAPES.map(([, columns], i) => ({ slot: `conv.${i}`, columns, a: first(a[i]!, columns), b: first(b[i]!, columns) }));
}

describe.each(LAWS)('a %s start', (law) => {
  test.each([0, 42, 3407])('of seed %i is located at its offset, under training of its own size', (seed) => {
    const generator = new Generator(seed);
    generator.uniform(1001);
    const weight = trained([generator[law](4096)], 5, 1)[0]!;
    const sd = Math.sqrt(weight.reduce((sum, value) => sum + value * value, 0) / weight.length);
    const [place] = locate(streamOf(seed, STREAM), [templateOf(weight.map((value) => value / sd))]);
    expect(place).toMatchObject({ law, offset: 1001 });
    // r of .7 over 4,096 values
    expect(place!.z).toBeGreaterThan(35);
  });
  test('shared by two strangers is all they share', () => {
    const both = start(42, law);
    const outcome = seededStart(pairs(trained(both, 1, 0.7), trained(both, 2, 0.7)), STREAM, INPUTS)!;
    expect(outcome.verdict).toBe('start-only');
    expect(outcome.evidence.details).toMatchObject({ seed: 42, laws: SHAPES.map(() => law) });
    expect(outcome.evidence.effect!.value).toBeLessThan(0.1);
    expect(outcome.residualLog10P).toBeGreaterThan(-3);
  });
  test('beneath a parent and its child leaves what the child learned from the parent', () => {
    const parent = trained(start(123, law), 3, 1.2);
    const outcome = seededStart(pairs(parent, trained(parent, 4, 0.1)), STREAM, INPUTS)!;
    expect(outcome.verdict).toBe('learned');
    expect(outcome.evidence.effect!.value).toBeGreaterThan(0.9);
    expect(outcome.residualLog10P).toBeLessThan(-6);
  });
  test('of a seed that nobody uses is not located', () => {
    const both = start(987654, law);
    expect(seededStart(pairs(trained(both, 1, 0.2), trained(both, 2, 0.2)), STREAM, INPUTS)).toBeNull();
  });
  test('held frozen by both, as the first half of adapters often is, says start and nothing else', () => {
    const both = start(0, law);
    expect(seededStart(pairs(both, both), STREAM, INPUTS)!.verdict).toBe('start-only');
  });
});

test('values that are constant or not numbers are not located and do not crash', () => {
  const flat = new Float64Array(300).fill(2);
  const broken = new Float64Array(300).fill(NaN);
  expect(seededStart([{ slot: 'x', columns: 10, a: flat, b: flat }], STREAM, INPUTS)).toBeNull();
  expect(seededStart([{ slot: 'x', columns: 10, a: broken, b: flat }], STREAM, INPUTS)).toBeNull();
  expect(seededStart([], STREAM, INPUTS)).toBeNull();
});
