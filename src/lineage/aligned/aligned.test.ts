import { describe, expect, test } from 'vitest';
import { multiply, polar } from '../../math/index.ts';
import { type Flips, log10PValue } from '../swap-sign.ts';
import { randomness } from '../testing/synthetic.ts';
import type { Anchors } from './anchors.ts';
import { neuronsEvidence } from './evidence.ts';
import { type Attention, count, type Neurons } from './load.ts';
import { matchNeurons, unit } from './match.ts';
import { commonSpace, type Space } from './space.ts';
import { headAgreement, layerFlips, unreachableFlips } from './tests.ts';
import { isUnreachable, sharedTokens } from './tokens.ts';

const WIDTH = 24;
const NEURONS = 48;
const TOKENS = 200;

function rows(seed: number, length: number, width = WIDTH): Float32Array {
  const { normal } = randomness(seed);
  return Float32Array.from({ length: length * width }, normal);
}
function makeLayer(seed: number, width = WIDTH, total = NEURONS): Neurons {
  return {
    units: count(total),
    total,
    gate: rows(seed, total, width),
    up: rows(seed + 1, total, width),
    down: rows(seed + 2, total, width),
  };
}
function makeAttention(seed: number): Attention {
  return { v: rows(seed, WIDTH), o: rows(seed + 1, WIDTH), valueRows: WIDTH, outputRows: WIDTH };
}
function turned(values: Float32Array, by: Float64Array): Float32Array {
  return Float32Array.from(multiply(Float64Array.from(values), by, values.length / WIDTH, WIDTH, WIDTH));
}
/** Mixes channels by 45 degrees at distances 1, 2 ... 32: every one ends up spread over 64. */
function mixed(values: Float32Array): Float32Array {
  const out = Float32Array.from(values);
  for (let step = 1; step <= 32; step *= 2)
    for (let at = 0; at < out.length; at++) {
      if (at & step) continue;
      const [x, y] = [out[at]!, out[at + step]!];
      out[at] = (x - y) * Math.SQRT1_2;
      out[at + step] = (x + y) * Math.SQRT1_2;
    }
  return out;
}
function turnLayer(layer: Neurons, by: (values: Float32Array, count: number) => Float32Array): Neurons {
  const of = (values: Float32Array): Float32Array => by(values, layer.units.length);
  return { ...layer, gate: of(layer.gate!), up: of(layer.up), down: of(layer.down) };
}
function permute(values: Float32Array, order: readonly number[]): Float32Array {
  const out = new Float32Array(values.length);
  order.forEach((from, to) => out.set(values.subarray(from * WIDTH, (from + 1) * WIDTH), to * WIDTH));
  return out;
}
function makeAnchors(a: Float32Array, b: Float32Array, unreachable: readonly boolean[] = [], width = WIDTH): Anchors {
  const labels = a.length / width;
  return {
    a,
    b,
    count: labels,
    widthA: width,
    widthB: width,
    unreachable: Array.from({ length: labels }, (_, i) => unreachable[i] ?? false),
    frequent: [],
    by: 'token strings',
  };
}
const rotation = polar(Float64Array.from(rows(99, WIDTH)), WIDTH, WIDTH);

describe('tokens', () => {
  test('of a byte-level vocabulary that no text produces are recognized, printable ones are not', () => {
    for (const token of ['Ā', '<0x00>', '<0xC0>', '<0xff>', '[unused12]', '<unused7>', '<|reserved_special_token_3|>', 'À', 'ÿ'])
      expect([token, isUnreachable(token, true)]).toEqual([token, true]);
    for (const token of ['a', 'Ġthe', 'Ċ', 'é', '<0x41>', '<0x0A>', '<s>', 'unused', 'ab'])
      expect([token, isUnreachable(token, true)]).toEqual([token, false]);
  });
  test('that are letters of a vocabulary without bytes are never taken for unreachable', () => {
    for (const token of ['Ā', 'À', 'ÿ']) expect([token, isUnreachable(token, false)]).toEqual([token, false]);
    const letters = [...Array.from({ length: 80 }, (_, i) => `w${i}`), 'À', 'Ā', 'ÿ'];
    expect(sharedTokens(letters, letters, 100, 64)!.unreachable.some(Boolean)).toBe(false);
  });
  test('are matched by string whatever their ids, and doubled strings are left out', () => {
    const a = ['x', 'y', 'twice', 'twice', ...Array.from({ length: 70 }, (_, i) => `t${i}`)];
    const shared = sharedTokens(a, [...a].reverse(), 100, 64)!;
    expect(shared.a.length).toBe(72);
    expect([...shared.a].every((id, at) => a[id] === [...a].reverse()[shared.b[at]!])).toBe(true);
    expect(sharedTokens(a, ['x'], 100, 64)).toBeNull();
  });
});

describe('the common space', () => {
  const tokens = rows(1, TOKENS);
  const flipsIn = (space: Space, a: Neurons, b: Neurons): Flips =>
    layerFlips(unit(turnLayer(a, space.a), space.width), unit(turnLayer(b, space.b), space.width), space.width);

  test('undoes a rotation of the hidden space, and neurons are found in place', () => {
    const space = commonSpace(makeAnchors(tokens, turned(tokens, rotation)));
    const layer = makeLayer(10);
    const other = turnLayer(layer, (values) => turned(values, rotation));
    expect(flipsIn(space, layer, other).k).toBe(NEURONS / 2);
    expect(space.channels).toBeNull();
  });

  test('of wide models undoes a rotation too, from a few hundred labels', () => {
    const width = 576;
    const wide = rows(3, 300, width);
    const space = commonSpace(makeAnchors(wide, mixed(wide), [], width));
    expect(space.width).toBeLessThan(width);
    const layer = makeLayer(10, width);
    expect(flipsIn(space, layer, turnLayer(layer, mixed)).k).toBe(NEURONS / 2);
    expect(space.channels).toBeNull();
    const permuted = commonSpace(
      makeAnchors(
        wide,
        Float32Array.from(wide, (_, at) => wide[at - (at % width) + ((at + 7) % width)]!),
        [],
        width,
      ),
    );
    expect(permuted.channels?.[7]).toBe(0);
  });

  test('leaves the sign test on neurons exact for strangers that share their tokens to the bit', () => {
    const space = commonSpace(makeAnchors(tokens, tokens));
    const p: number[] = [];
    for (let seed = 0; seed < 400; seed++) {
      const flips = flipsIn(space, makeLayer(1000 + 10 * seed), makeLayer(50_000 + 10 * seed));
      p.push(neuronsEvidence([[flips]], true, { a: '', b: '' })!.log10P!);
    }
    expect(p.filter((value) => value <= Math.log10(0.05)).length / p.length).toBeLessThan(0.05 + 0.044);
  });
});

test('permuted and rescaled neurons are matched, and what they write follows', () => {
  const { uniform } = randomness(5);
  const layer = makeLayer(10);
  const order = Array.from({ length: NEURONS }, (_, i) => (i * 7) % NEURONS);
  const scales = order.map(() => (uniform() < 0.5 ? -1 : 1) * (0.5 + uniform()));
  const scaled = (values: Float32Array, by: (i: number) => number): Float32Array =>
    values.map((value, at) => value * by(Math.floor(at / WIDTH)));
  const disguised: Neurons = {
    ...layer,
    gate: permute(layer.gate!, order),
    up: scaled(permute(layer.up, order), (i) => scales[i]!),
    down: scaled(permute(layer.down, order), (i) => 1 / scales[i]!),
  };
  const match = matchNeurons(unit(layer, WIDTH), unit(disguised, WIDTH), WIDTH);
  order.forEach((from, to) => expect(match.map[from]).toBe(to));
  expect(match.up).toBeCloseTo(1, 5);
  expect(match.down).toBeCloseTo(1, 5);
  expect(match.agreements).toBe(NEURONS);
  expect(matchNeurons(unit(makeLayer(500), WIDTH), unit(disguised, WIDTH), WIDTH).agreements).toBeLessThan(5);
});

test('heads are found in another order and another basis', () => {
  const attention = makeAttention(13);
  const headRows = 8;
  const basis = polar(Float64Array.from(rows(7, headRows).subarray(0, headRows * headRows)), headRows, headRows);
  const order = [2, 0, 1];
  const rebase = (values: Float32Array): Float32Array => {
    const out = new Float32Array(values.length);
    order.forEach((from, to) => {
      const head = Float64Array.from(values.slice(from * headRows * WIDTH, (from + 1) * headRows * WIDTH));
      out.set(multiply(basis, head, headRows, headRows, WIDTH), to * headRows * WIDTH);
    });
    return out;
  };
  const other: Attention = { ...attention, v: rebase(attention.v), o: rebase(attention.o) };
  expect(headAgreement(attention, other, WIDTH, headRows)).toBeCloseTo(1, 5);
  expect(headAgreement(attention, makeAttention(700), WIDTH, headRows)!).toBeLessThan(0.5);
  expect(headAgreement(attention, other, WIDTH, 7)).toBeNull();
});

describe('unreachable tokens', () => {
  const unreachable = Array.from({ length: TOKENS }, (_, i) => i < 40);
  const flipsOf = (a: Float32Array, b: Float32Array): Flips => {
    const anchors = makeAnchors(a, b, unreachable);
    return unreachableFlips(anchors, commonSpace(anchors));
  };
  test('give away a rotated copy', () => {
    const tokens = rows(1, TOKENS);
    const flips = flipsOf(tokens, turned(tokens, rotation));
    expect([flips.k, flips.n]).toEqual([20, 20]);
  });
  test('of strangers that agree on every other token keep the error rate', () => {
    const p: number[] = [];
    for (let seed = 0; seed < 300; seed++) {
      const [a, b] = [rows(1, TOKENS), rows(1, TOKENS)];
      a.set(rows(2 * seed + 10, 40));
      b.set(rows(2 * seed + 11, 40));
      p.push(log10PValue(flipsOf(a, b)));
    }
    expect(p.filter((value) => value <= Math.log10(0.05)).length / p.length).toBeLessThan(0.05 + 0.05);
  });
});
