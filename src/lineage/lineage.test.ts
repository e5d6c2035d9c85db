import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { canonicalJson } from '../base/index.ts';
import { constantReason } from './constants.ts';
import { channelTest, neuronTest } from './exact-tests.ts';
import { filterTest } from './filter-test.ts';
import { decodeSketch, encodeSketch, LineageError, relate } from './index.ts';
import { positions, runStart } from './positions.ts';
import { fromBfloat16, toBfloat16, toHalf } from './rounding.ts';
import type { Sample, Sketch } from './sketch.ts';
import { fineTune, type Made, makeModel, randomness, sample, toSketch } from './testing/synthetic.ts';

const INPUTS = { a: 'a', b: 'b' };

/** Share of p-values at or below alpha over simulated independent pairs. */
function rejections(log10Ps: readonly number[], alpha: number): number {
  return log10Ps.filter((p) => p <= Math.log10(alpha)).length / log10Ps.length;
}

describe('on independent models the exact tests keep their error rate', () => {
  const pairs = Array.from(
    { length: 600 },
    (_, i) => [toSketch(makeModel(2 * i + 1, 2 * i + 1)), toSketch(makeModel(2 * i + 2, 2 * i + 2))] as const,
  );
  test.each([
    ['neurons', (a: Sketch, b: Sketch) => neuronTest(a, b, INPUTS)],
    ['residual channels', (a: Sketch, b: Sketch) => channelTest(a, b, INPUTS)],
  ])('%s', (_, run) => {
    const p = pairs.map(([a, b]) => run(a, b)!.evidence.log10P!);
    // 600 pairs: the share at alpha = .05 has a standard error of .009, at .01 of .004; four of them are allowed.
    expect(rejections(p, 0.05)).toBeLessThan(0.05 + 0.036);
    expect(rejections(p, 0.01)).toBeLessThan(0.01 + 0.016);
  });
  test('filters, when every unit shares a common mean direction (the trap of naive correlation tests)', () => {
    const p: number[] = [];
    for (let i = 0; i < 600; i++) {
      const sides = [i * 2 + 5000, i * 2 + 5001].map((seed) => {
        const { normal } = randomness(seed);
        const values = Float32Array.from({ length: 32 * 16 }, (_, at) => 3 * Math.sin(at % 16) + normal());
        return { ...toSketch(makeModel(seed, seed)), samples: [sample('features.0', 'conv', null, values)] };
      });
      p.push(filterTest(sides[0]!, sides[1]!, INPUTS)!.evidence.log10P!);
    }
    expect(rejections(p, 0.05)).toBeLessThan(0.05 + 0.036);
    expect(rejections(p, 0.01)).toBeLessThan(0.01 + 0.016);
  });
});

describe('a verdict', () => {
  const base = makeModel(1, 11);
  test('of a fine-tune is derived, with its evidence', () => {
    const relation = relate(toSketch(base, 'base'), toSketch(fineTune(base, 7, 0.3), 'child'), { searched: 50 });
    expect(relation.verdict).toBe('derived');
    expect(relation.log10PAdjusted!).toBeLessThan(-6);
    expect(relation.kind.name).toBe('fine-tune');
    expect(relation.direction).toBe('unknown');
    expect(relation.tests.every((evidence) => evidence.assumptions.length > 0)).toBe(true);
  });
  test('of two models from one random start, trained apart, is never derived', () => {
    for (let seed = 1; seed < 40; seed++) {
      const relation = relate(toSketch(makeModel(seed, 100 + seed), 'one'), toSketch(makeModel(seed, 200 + seed), 'two'));
      expect(['common-initialization', 'shared-origin']).toContain(relation.verdict);
    }
  });
  test('with a direction says that the finer file may have been filled in', () => {
    const [whole, cut] = [toSketch(base, 'base'), toSketch(base, 'cut')];
    const samples = cut.samples.map((s) => ({ ...s, hash: `${s.hash} cut`, stats: { ...s.stats, zeros: 0.5 } }));
    const relation = relate(whole, { ...cut, samples });
    expect(relation).toMatchObject({ kind: { name: 'pruned' }, direction: 'a->b' });
    expect(relation.limits.join()).toContain('unless the finer file was made from the coarser one');
  });
  test('of independent models is no-evidence, and says what would have been seen', () => {
    const relation = relate(toSketch(base), toSketch(makeModel(2, 12)));
    expect(relation.verdict).toBe('no-evidence');
    expect(relation.detectable).toBeGreaterThan(0);
    expect(relation.detectable).toBeLessThan(0.5);
    expect(relation.limits[0]).toContain('absence of evidence');
  });
  test('finds dropped and repeated layers, with the map', () => {
    const tall = makeModel(3, 13, 6);
    const pick = [0, 1, 2, 1, 2, 3, 4, 5];
    const relation = relate(toSketch(tall), toSketch(fineTune({ ...tall, layers: pick.map((i) => tall.layers[i]!) }, 9, 0.1)));
    expect(relation.verdict).toBe('derived');
    expect(relation.kind).toMatchObject({ name: 'depth-changed', layerMap: pick });
  });
  test('finds the blocks of one model inside another, under the name they have there', () => {
    const inside = (sketch: Sketch): Sketch => ({
      ...sketch,
      samples: sketch.samples.map((s) => (s.block === null ? s : { ...s, stack: 'vision', slot: s.slot.replace('layers', 'vision') })),
      vectors: sketch.vectors.map((v) => ({ ...v, stack: 'vision', slot: v.slot.replace('layers', 'vision') })),
    });
    const child = inside(toSketch(fineTune(base, 3, 0.3)));
    expect(relate(toSketch(base), child)).toMatchObject({ verdict: 'derived', kind: { name: 'fine-tune' } });
    expect(relate(child, toSketch(base)).verdict).toBe('derived');
    expect(relate(toSketch(makeModel(77, 78)), child).verdict).toBe('no-evidence');
  });
  test('sees a rotated hidden space by what neurons make of the same tokens, and leaves open whether training is shared', () => {
    const framed = (sketch: Sketch, of: Sketch): Sketch => ({
      ...sketch,
      framed: of.samples.filter((s) => s.role === 'up' || s.role === 'gate'),
    });
    const [a, child] = [toSketch(base), toSketch(fineTune(base, 3, 0.3))];
    // The rotated child's channels are a stranger's; what its neurons make of the tokens is not.
    const rotated = framed(toSketch(makeModel(501, 502)), child);
    const relation = relate(framed(a, a), rotated);
    expect(relation.verdict).toBe('shared-origin');
    expect(relation.because).toContain('rotated or rearranged');
    expect(relate(framed(a, a), framed(toSketch(makeModel(501, 502)), toSketch(makeModel(503, 504)))).verdict).toBe('no-evidence');
  });
  test('is unresolved between a model and an adapter, and between different salts', () => {
    const adapter = toSketch(base, 'x');
    expect(relate(toSketch(base), { ...adapter, subject: { ...adapter.subject, isAdapter: true } }).verdict).toBe('unresolved');
    expect(relate(toSketch(base), { ...adapter, salt: 'later' }).verdict).toBe('unresolved');
  });
  test('gives the same bytes for the same input, from memory and from the file', () => {
    const [a, b] = [toSketch(base, 'base'), toSketch(fineTune(base, 7, 0.3), 'child')];
    const again = [a, b].map((sketch) => decodeSketch(encodeSketch(sketch), 'x.sketch'));
    expect(canonicalJson(relate(again[0]!, again[1]!))).toBe(canonicalJson(relate(a, b)));
  });
  test('demands more when more known models were searched', () => {
    const child = toSketch(fineTune(base, 7, 0.3));
    expect(relate(toSketch(base), child, { searched: 1000 }).log10PAdjusted! - relate(toSketch(base), child).log10PAdjusted!).toBeCloseTo(
      3,
      6,
    );
  });
  test('of models briefly trained from one start on like data is never derived, though every ratio is near one', () => {
    for (let seed = 1; seed < 20; seed++) {
      // Hardly moved: almost all of the start survives, and gains learn a little of the same.
      const [one, two] = [makeModel(seed, 100 + seed, 4, 0.15), makeModel(seed, 200 + seed, 4, 0.15)];
      const started = (made: Made): Made => ({ ...made, layers: made.layers.map((layer, i) => ({ ...layer, down: one.layers[i]!.down })) });
      expect(['common-initialization', 'shared-origin']).toContain(relate(toSketch(started(one)), toSketch(started(two))).verdict);
    }
  });
  test('of models that like data moved alike from one start is not derived, whether they store gains or not', () => {
    for (let seed = 1; seed < 20; seed++) {
      // Large batches: start and most of the way are common, the noise of the gradients is each one's own.
      const [way, beside] = [makeModel(seed, 100 + seed, 4, 0.7), makeModel(50 + seed, 150 + seed, 4, 0.7)];
      const sibling = (own: number): Sketch => {
        const [mlp, attention] = [fineTune(way, own, 0.25), fineTune(beside, own + 500, 0.25)];
        const { normal } = randomness(own);
        const small = (values: Float32Array): Float32Array => values.map((value) => 0.02 * value);
        const sketch = toSketch({
          embed: small(mlp.embed),
          layers: mlp.layers.map(({ up, gate, down, gain }) => ({
            up: small(up),
            gate: small(gate),
            down: small(down),
            gain: gain.map((g: number) => g + 0.06 * normal()),
          })),
        });
        const around = attention.layers.flatMap(({ up, down }, n) => [
          sample(`layers.${n}.v`, 'v', n, small(up)),
          sample(`layers.${n}.o`, 'o', n, small(down)),
        ]);
        return { ...sketch, samples: [...sketch.samples, ...around] };
      };
      const [one, two] = [sibling(1000 + seed), sibling(2000 + seed)];
      const bare = (sketch: Sketch): Sketch => ({ ...sketch, vectors: [] });
      expect(relate(one, two).verdict).toBe('shared-origin');
      expect(relate(bare(one), bare(two)).verdict).toBe('shared-origin');
    }
  });
  test('of models that leave most of one random start as it is, and train the rest apart, is common-initialization', () => {
    const start = randomness(5);
    const frozen = Array.from({ length: 6 }, () => Float32Array.from({ length: 96 * 16 }, start.normal));
    const net = (seed: number, change: (values: Float32Array) => Float32Array): Sketch => {
      const own = randomness(seed);
      const samples = [
        ...frozen.map((values, i) => sample(`conv.${i}`, 'conv', null, change(values), 96, 16)),
        sample('last', 'conv', null, Float32Array.from({ length: 96 * 16 }, own.normal), 96, 16),
      ];
      const sketch = toSketch(makeModel(seed, seed));
      return { ...sketch, samples, vectors: [], subject: { ...sketch.subject, scheme: 'generic' } };
    };
    const asDrawn = (values: Float32Array): Float32Array => values;
    expect(relate(net(1, asDrawn), net(2, asDrawn)).verdict).toBe('common-initialization');
    // Rows of many sizes were not drawn so; filter banks that both store have them too, and no gains or biases with them.
    const shaped = (values: Float32Array): Float32Array => values.map((value, at) => value * Math.exp(Math.sin(at >> 4)));
    expect(relate(net(1, shaped), net(2, shaped)).verdict).toBe('shared-origin');
  });
  test('of strangers that hold one tensor in common is not derived', () => {
    const shared = Float32Array.from({ length: 96 * 16 }, randomness(3).normal);
    const net = (seed: number): Sketch => {
      const own = randomness(seed);
      const layer = (name: string, values: Float32Array): Sample => sample(name, 'conv', null, values, 96, 16);
      const samples = [
        layer('bank', shared),
        ...Array.from({ length: 5 }, (_, i) => layer(`conv.${i}`, Float32Array.from({ length: 96 * 16 }, own.normal))),
      ];
      const sketch = toSketch(makeModel(seed, seed));
      return { ...sketch, samples, vectors: [], subject: { ...sketch.subject, scheme: 'generic' } };
    };
    const relation = relate(net(1), net(2));
    expect(relation.verdict).toBe('shared-origin');
    expect(relation.because).toContain('only tensors with equal values agree');
  });
  test('of adapters whose random halves agree is left open when the trained halves follow', () => {
    const adapter = (seed: number): Sketch => {
      const [shared, own] = [randomness(5), randomness(seed)];
      const samples = Array.from({ length: 12 }, (_, i) => [
        sample(`layers.${i}.v.lora_a`, 'lora_a', i, Float32Array.from({ length: 8 * 16 }, shared.normal), 8, 16),
        sample(
          `layers.${i}.v.lora_b`,
          'lora_b',
          i,
          Float32Array.from({ length: 8 * 16 }, () => shared.normal() + 0.5 * own.normal()),
          8,
          16,
        ),
      ]).flat();
      const sketch = toSketch(base);
      return { ...sketch, samples, vectors: [], subject: { ...sketch.subject, isAdapter: true } };
    };
    expect(relate(adapter(1), adapter(2)).verdict).toBe('shared-origin');
  });
  test('of adapters that share only their random half is common-initialization', () => {
    const adapter = (seed: number): Sketch => {
      const [shared, own] = [randomness(5), randomness(seed)];
      const samples = Array.from({ length: 12 }, (_, i) => [
        sample(`layers.${i}.v.lora_a`, 'lora_a', i, Float32Array.from({ length: 8 * 16 }, shared.normal), 8, 16),
        sample(`layers.${i}.v.lora_b`, 'lora_b', i, Float32Array.from({ length: 8 * 16 }, own.normal), 8, 16),
      ]).flat();
      const sketch = toSketch(base);
      return { ...sketch, samples, vectors: [], subject: { ...sketch.subject, isAdapter: true } };
    };
    expect(relate(adapter(1), adapter(2)).verdict).toBe('common-initialization');
    expect(relate(adapter(1), adapter(1)).verdict).toMatch(/identical|derived/);
  });
});

describe('generic networks', () => {
  /** 60 layers of one shape, as stacks of equal blocks have. `share`: how much of the weights comes from `start`. */
  const network = (start: number, own: number, share: number, names: string, heavy = false, filters = 96): Sketch => {
    const [s, o] = [randomness(start), randomness(own)];
    const draw = (from: { normal: () => number; uniform: () => number }): number =>
      heavy ? from.normal() * (from.uniform() < 0.1 ? 4 : 0.7) : 2 * from.uniform() - 1;
    const samples = Array.from({ length: 60 }, (_, i) =>
      sample(
        // Names that no prefix explains.
        names === 'renamed' ? `w${i}` : `${names}.${i}.weight`,
        'conv',
        null,
        Float32Array.from({ length: filters * 16 }, () => share * draw(s) + (1 - share) * draw(o)),
        filters,
      ),
    );
    const sketch = toSketch(makeModel(own, own));
    return { ...sketch, samples, vectors: [], subject: { ...sketch.subject, scheme: 'generic' } };
  };
  test('of strangers with many equal shapes and other names show nothing, though the best of 60 matches is taken 60 times', () => {
    for (let seed = 0; seed < 5; seed++)
      expect(relate(network(1, 100 + seed, 0, 'features'), network(1, 200 + seed, 0, 'renamed')).verdict).toBe('no-evidence');
  });
  test('too narrow for any layer to reach the threshold are unresolved, not cleared', () => {
    expect(relate(network(1, 2, 0, 'a', false, 24), network(1, 3, 0, 'b', false, 24)).verdict).toBe('unresolved');
  });
  test('are found under other names', () => {
    const relation = relate(network(1, 2, 0.95, 'features', true), network(1, 3, 0.95, 'renamed', true));
    expect(relation.verdict).toBe('derived');
    expect(relation.tests.find((evidence) => evidence.test === 'swap-sign/filters')!.details['matching']).toContain('by shape');
  });
  test('are found behind a prefix, by name', () => {
    const relation = relate(network(1, 2, 0.95, 'features', true), network(1, 3, 0.95, 'model.backbone.features', true));
    expect(relation.verdict).toBe('derived');
    expect(relation.tests.find((evidence) => evidence.test === 'swap-sign/filters')!.details['matching']).toContain('by name');
  });
  test('that share a uniform random start only are not called derived', () => {
    for (let seed = 0; seed < 5; seed++)
      expect(relate(network(1, 300 + seed, 0.5, 'features'), network(1, 400 + seed, 0.5, 'features')).verdict).toBe(
        'common-initialization',
      );
  });
});

describe('sketch files', () => {
  const sketch = toSketch(makeModel(1, 11), 'round trip');
  test('come back as they were', () => {
    expect(canonicalJson(decodeSketch(encodeSketch(sketch), 's'))).toBe(
      canonicalJson(decodeSketch(encodeSketch(decodeSketch(encodeSketch(sketch), 's')), 's')),
    );
  });
  test('with any byte changed, cut or added decode or are refused with a typed error, and never crash a comparison', () => {
    const bytes = encodeSketch(sketch);
    fc.assert(
      fc.property(
        fc.array(fc.tuple(fc.nat(bytes.length - 1), fc.nat(255)), { minLength: 1, maxLength: 8 }),
        fc.nat(bytes.length),
        (edits, cut) => {
          const broken = bytes.slice(0, cut % 3 === 0 ? cut : bytes.length);
          for (const [at, value] of edits) if (at < broken.length) broken[at] = value;
          try {
            relate(decodeSketch(broken, 's'), sketch);
          } catch (error) {
            expect((error as { code?: string }).code).toMatch(/^(SKETCH_|JSON_INVALID)/);
          }
        },
      ),
      { numRuns: 400 },
    );
  });
  test('of another version are refused by name', () => {
    const bytes = encodeSketch(sketch);
    bytes[4] = 9;
    expect(() => decodeSketch(bytes, 'new.sketch')).toThrow(LineageError);
    expect(() => decodeSketch(bytes, 'new.sketch')).toThrow(/version 9/);
  });
});

describe('positions', () => {
  test('of a smaller sketch are a prefix of those of a larger one', () => {
    expect([...positions('mlp', 4096, 16, '')]).toEqual([...positions('mlp', 4096, 48, '')].slice(0, 16));
  });
  test('are distinct and inside the axis', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 5000 }), fc.integer({ min: 1, max: 300 }), (n, count) => {
        const list = [...positions('x', n, count, '')];
        expect(new Set(list).size).toBe(Math.min(n, count));
        expect(list.every((at) => at >= 0 && at < n)).toBe(true);
        const start = runStart('x', n, 64, '');
        expect(start % 2).toBe(0);
        expect(start + Math.min(64, n)).toBeLessThanOrEqual(n);
      }),
    );
  });
  test('change with the salt', () => {
    expect([...positions('mlp', 4096, 16, 'secret')]).not.toEqual([...positions('mlp', 4096, 16, '')]);
  });
});

describe('stored constants are recognized', () => {
  const grid = (rows: number, columns: number, value: (r: number, c: number) => number): Float32Array =>
    Float32Array.from({ length: rows * columns }, (_, i) => value(Math.floor(i / columns), i % columns));
  test.each([
    [
      'a windowed Fourier basis',
      grid(64, 256, (r, c) => Math.sin((2 * Math.PI * (r + 1) * c) / 256) * (0.5 - 0.5 * Math.cos((2 * Math.PI * c) / 256))),
    ],
    ['a triangular filter bank', grid(64, 256, (r, c) => Math.max(0, 1 - Math.abs(c - 4 * r) / 6))],
    ['an identity matrix', grid(64, 256, (r, c) => (r === c ? 1 : 0))],
    ['all-equal gains', grid(64, 256, () => 0.7)],
  ])('%s', (_, values) => expect(constantReason(values, 64, 256, true)).not.toBe(''));
  test('and trained-looking weights are not', () => {
    const { normal } = randomness(3);
    expect(
      constantReason(
        grid(64, 256, () => normal()),
        64,
        256,
        true,
      ),
    ).toBe('');
    expect(
      constantReason(
        grid(64, 256, () => (normal() > 0 ? normal() : 0)),
        64,
        256,
        true,
      ),
    ).toBe('');
  });
});

test('rounding to 16 bits agrees with the definition for every half and around it', () => {
  for (let bits = 0; bits < 0x7c00; bits += 7) {
    const exponent = bits >> 10;
    const value = exponent === 0 ? (bits & 1023) * 2 ** -24 : (1 + (bits & 1023) / 1024) * 2 ** (exponent - 15);
    expect(toHalf(value)).toBe(bits);
    if (bits > 0) expect(toHalf(-value)).toBe(bits | 0x8000);
  }
  expect(toHalf(65520)).toBe(0x7c00);
  expect(toHalf(65519)).toBe(0x7bff);
  for (const value of [1, -2.5, 3.14159, 1e-20])
    expect(Math.abs(fromBfloat16(toBfloat16(value)) - value)).toBeLessThanOrEqual(Math.abs(value) * 2 ** -8);
});
