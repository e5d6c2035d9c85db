import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { CODE_BITS, MARKS, type SearchCode, searchCode } from './code.ts';
import { type CodeTable, scanCodes } from './code-scan.ts';
import { saltCommitment } from './salt.ts';
import type { Sketch } from './sketch.ts';
import { fineTune, type Made, makeModel, randomness, sample, toSketch } from './testing/synthetic.ts';

const codeOf = (made: Made): SearchCode => searchCode(toSketch(made));

/** A table as a register keeps it. */
function tableOf(codes: readonly SearchCode[]): CodeTable {
  const rows = codes.flatMap((code, owner) => code.axes.map((axis) => ({ ...axis, owner }))).sort((x, y) => x.bucket - y.bucket);
  return {
    count: codes.length,
    buckets: Uint32Array.from(rows, (row) => row.bucket),
    owners: Uint32Array.from(rows, (row) => row.owner),
    bits: Uint32Array.from(rows.flatMap((row) => [...row.bits])),
    marks: Uint32Array.from(codes.flatMap((code) => [...code.marks])),
  };
}

/** Agreement of the nearest axis, in standard deviations of strangers. */
const score = (a: SearchCode, b: SearchCode): number => scanCodes(tableOf([a]), b).scores[0]!;

const mix = (a: Float32Array, b: Float32Array, share: number): Float32Array => a.map((value, i) => share * value + (1 - share) * b[i]!);
const change = (made: Made, how: (values: Float32Array) => Float32Array): Made => ({
  layers: made.layers.map((layer) => ({ ...layer, up: how(layer.up), gate: how(layer.gate), down: how(layer.down) })),
  embed: how(made.embed),
});

describe('the code of a sketch', () => {
  const model = makeModel(1, 2, 8);

  test('is that of its values, whatever the model is called', () => {
    expect(searchCode(toSketch(model, 'a'))).toEqual(searchCode(toSketch(model, 'b')));
    expect(score(codeOf(model), codeOf(model))).toBe(Math.sqrt(CODE_BITS));
  });

  test('agrees with that of a descendant as the arcsine law says, and with that of a stranger by chance', () => {
    const strangers = Array.from({ length: 200 }, (_, i) => score(codeOf(model), codeOf(makeModel(100 + i, 500 + i, 8))));
    expect(Math.max(...strangers)).toBeLessThan(4.5);
    expect(strangers.reduce((sum, one) => sum + one, 0) / 200).toBeLessThan(1.5);
    for (const r of [0.9, 0.6, 0.4]) {
      const child: Made = {
        layers: model.layers.map((layer, i) => {
          const { normal } = randomness(7000 + i);
          const rms = (values: Float32Array): number => Math.sqrt(values.reduce((sum, value) => sum + value * value, 0) / values.length);
          const move = (values: Float32Array): Float32Array => {
            const size = rms(values);
            return values.map((value) => r * value + Math.sqrt(1 - r * r) * size * normal());
          };
          return { ...layer, up: move(layer.up), gate: move(layer.gate), down: move(layer.down) };
        }),
        embed: makeModel(1, 9, 8).embed.map(() => 0),
      };
      const expected = (2 / Math.PI) * Math.asin(r) * Math.sqrt(CODE_BITS);
      expect(Math.abs(score(codeOf(model), codeOf(child)) - expected)).toBeLessThan(5);
    }
  });

  test.each<[string, (made: Made) => Made]>([
    ['fine-tuning', (made) => fineTune(made, 3, 0.3)],
    ['pruning 70 %', (made) => change(made, (values) => prune(values, 0.7))],
    ['4 bits', (made) => change(made, (values) => round(values, 7))],
    ['dropping two blocks', (made) => ({ ...made, layers: made.layers.filter((_, i) => i !== 2 && i !== 5) })],
    ['doubling blocks', (made) => ({ ...made, layers: made.layers.flatMap((layer, i) => (i < 4 ? [layer, layer] : [layer])) })],
    ['reordering blocks', (made) => ({ ...made, layers: [...made.layers].reverse() })],
    ['a longer vocabulary and other token tables', (made) => ({ ...made, embed: makeModel(50, 51).embed })],
    [
      'merging at .3',
      (made) => ({
        ...made,
        layers: made.layers.map((layer, i) => {
          const other = makeModel(60, 61, 8).layers[i]!;
          return {
            ...layer,
            up: mix(layer.up, other.up, 0.3),
            gate: mix(layer.gate, other.gate, 0.3),
            down: mix(layer.down, other.down, 0.3),
          };
        }),
        embed: mix(made.embed, makeModel(60, 61, 8).embed, 0.3),
      }),
    ],
  ])('survives %s', (_, how) => {
    expect(score(codeOf(model), codeOf(how(model)))).toBeGreaterThan(6);
  });

  test('of a smaller sketch of a model is near that of a larger one', () => {
    const small = (sketch: Sketch): Sketch => ({
      ...sketch,
      samples: sketch.samples.map((one) => ({
        ...one,
        units: 16,
        codes: one.codes.slice(0, 16 * one.features),
        scales: one.scales.slice(0, 16),
      })),
    });
    expect(score(codeOf(model), searchCode(small(toSketch(model))))).toBeGreaterThan(10);
  });

  const { normal } = randomness(11);
  const filters = Array.from({ length: 12 }, () => Float32Array.from({ length: 512 }, normal));
  const convnet = (values: readonly Float32Array[], names: (i: number) => string, shapeOf = (i: number): number => 16 + i): Sketch =>
    toSketch(model, 'convnet', {
      samples: values.map((one, i) => ({ ...sample(names(i), 'conv', null, one), shape: [64, shapeOf(i)] as const })),
      vectors: [],
    });

  test('of a convolutional network survives renamed layers, folded batch norms and a replaced half', () => {
    const whole = convnet(filters, (i) => `conv${i}`);
    const folded = filters.map((one) => one.map((value, i) => value * (1 + (i >> 4)) + 0.5 * (i >> 4)));
    const renamed = searchCode(convnet(folded, (i) => `features.${20 - i}`));
    expect(score(searchCode(whole), renamed)).toBeGreaterThan(25);
    const half = filters.map((one, i) => (i < 6 ? one : Float32Array.from({ length: 512 }, normal)));
    expect(score(searchCode(whole), searchCode(convnet(half, (i) => `conv${i}`)))).toBeGreaterThan(8);
    const other = filters.map(() => Float32Array.from({ length: 512 }, normal));
    expect(score(searchCode(whole), searchCode(convnet(other, (i) => `conv${i}`)))).toBeLessThan(4.5);
  });

  test('keeps the halves of an adapter apart', () => {
    const adapter = (a: Float32Array, b: Float32Array): Sketch => ({
      ...toSketch(model),
      subject: { ...toSketch(model).subject, isAdapter: true },
      samples: [sample('q.lora_a', 'lora_a', null, a), sample('q.lora_b', 'lora_b', null, b)],
    });
    const first = searchCode(adapter(filters[0]!, filters[1]!));
    expect(first.axes).toHaveLength(2);
    const sameB = scanCodes(tableOf([first]), searchCode(adapter(filters[2]!, filters[1]!)));
    expect(sameB.scores[0]).toBe(Math.sqrt(CODE_BITS));
  });

  test('is empty, not an error, where nothing could be tested', () => {
    const constant = toSketch(change(model, (values) => values.map(() => 1)));
    const excluded = toSketch(model, 'x', { samples: toSketch(model).samples.map((one) => ({ ...one, excluded: 'a constant' })) });
    for (const sketch of [constant, excluded, toSketch(model, 'x', { samples: [] })]) {
      expect(searchCode(sketch)).toEqual({ axes: [], marks: new Uint32Array(MARKS) });
      expect(scanCodes(tableOf([searchCode(sketch)]), codeOf(model)).scores[0]).toBe(-99);
    }
    const wild = toSketch(change(model, (values) => values.map(() => 1e38)));
    expect(() => searchCode(wild)).not.toThrow();
  });

  test('of one salt has no bucket in common with that of another', () => {
    const salted = searchCode(toSketch(model, 'x', { salt: saltCommitment(new Uint8Array(16)) }));
    expect(score(codeOf(model), salted)).toBe(-99);
  });

  test('joins models with equal tensors by their hashes', () => {
    const prints = (from: number): Sketch['prints'] =>
      Array.from({ length: 40 }, (_, i) => {
        const hash = (from + i).toString(16).padStart(8, '0').split('').reverse().join('').padEnd(16, '0');
        return { slot: `t${i}`, count: 100, ordered: hash, sorted: '' };
      });
    const a = searchCode(toSketch(model, 'a', { prints: prints(1000) }));
    const shares = (b: SearchCode): number => scanCodes(tableOf([a]), b).shared[0]!;
    expect(shares(searchCode(toSketch(makeModel(8, 9), 'b', { prints: prints(1010) })))).toBeGreaterThan(0);
    expect(shares(searchCode(toSketch(makeModel(8, 9), 'c', { prints: prints(2000) })))).toBe(0);
  });
});

test('a scan finds for every model the agreement that counting bit by bit finds', () => {
  const words = fc.array(fc.integer({ min: 0, max: 0xffffffff }), { minLength: CODE_BITS / 32, maxLength: CODE_BITS / 32 });
  const axis = fc.record({ bucket: fc.integer({ min: 0, max: 3 }), bits: words.map((list) => Uint32Array.from(list)) });
  const code = fc.record({
    axes: fc.array(axis, { maxLength: 3 }),
    marks: fc.array(fc.integer({ min: 0, max: 9 }), { minLength: MARKS, maxLength: MARKS }).map((list) => Uint32Array.from(list)),
  });
  fc.assert(
    fc.property(fc.array(code, { maxLength: 5 }), code, (codes, query) => {
      const { scores, shared } = scanCodes(tableOf(codes), query);
      codes.forEach((one, i) => {
        const agreements = one.axes.flatMap((x) => query.axes.filter((y) => y.bucket === x.bucket).map((y) => agreement(x.bits, y.bits)));
        expect(scores[i]).toBeCloseTo(Math.max(-99, ...agreements), 4);
        expect(shared[i]).toBe([...one.marks].filter((mark) => mark !== 0 && query.marks.includes(mark)).length);
      });
    }),
    { numRuns: 50 },
  );
});

function agreement(x: Uint32Array, y: Uint32Array): number {
  const text = (bits: Uint32Array): string => [...bits].map((word) => word.toString(2).padStart(32, '0')).join('');
  const [left, right] = [text(x), text(y)];
  const same = [...left].filter((bit, i) => bit === right[i]).length;
  return (2 * same - CODE_BITS) / Math.sqrt(CODE_BITS);
}

function prune(values: Float32Array, share: number): Float32Array {
  const cut = values.map(Math.abs).sort()[Math.floor(share * values.length)]!;
  return values.map((value) => (Math.abs(value) < cut ? 0 : value));
}

function round(values: Float32Array, steps: number): Float32Array {
  const max = values.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
  return values.map((value) => (Math.round((value / max) * steps) * max) / steps);
}
