import { describe, expect, test } from 'vitest';
import { multiply, polar } from '../../math/index.ts';
import { log10PValue } from '../swap-sign.ts';
import { randomness } from '../testing/synthetic.ts';
import type { Layer } from './load.ts';
import { bestLayers, headAgreement, matchNeurons, residualMap, turnLayers, unreachableFlips } from './tests.ts';
import { isUnreachable, sharedTokens } from './tokens.ts';

const WIDTH = 24;
const NEURONS = 48;
const TOKENS = 200;

function rows(seed: number, count: number): Float64Array {
  const { normal } = randomness(seed);
  return Float64Array.from({ length: count * WIDTH }, normal);
}
function makeLayer(seed: number): Layer {
  return {
    gate: rows(seed, NEURONS),
    up: rows(seed + 1, NEURONS),
    down: rows(seed + 2, NEURONS),
    neurons: NEURONS,
    attention: { v: rows(seed + 3, WIDTH), o: rows(seed + 4, WIDTH), valueRows: WIDTH, outputRows: WIDTH },
    gains: [],
  };
}
function turn(layer: Layer, r: Float64Array): Layer {
  return turnLayers([layer], r, WIDTH, WIDTH)[0]!;
}
function permute(values: Float64Array, order: readonly number[]): Float64Array {
  const out = new Float64Array(values.length);
  order.forEach((from, to) => out.set(values.subarray(from * WIDTH, (from + 1) * WIDTH), to * WIDTH));
  return out;
}
const rotation = polar(rows(99, WIDTH), WIDTH, WIDTH);

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

describe('the residual map', () => {
  const tokens = rows(1, TOKENS);
  test('undoes a rotation of the hidden space, and neurons are found in place', () => {
    const layer = makeLayer(10);
    const r = residualMap(tokens, multiply(tokens, rotation, TOKENS, WIDTH, WIDTH), TOKENS, WIDTH, WIDTH);
    const best = bestLayers([turn(layer, r)], [turn(layer, rotation)], WIDTH);
    expect(best.flips.k).toBe(NEURONS / 2);
  });
  test('leaves the sign test on neurons exact for strangers that share their tokens to the bit', () => {
    const p: number[] = [];
    for (let seed = 0; seed < 400; seed++) {
      const best = bestLayers([makeLayer(1000 + 10 * seed)], [makeLayer(50_000 + 10 * seed)], WIDTH);
      p.push(best.log10P);
    }
    expect(p.filter((value) => value <= Math.log10(0.05)).length / p.length).toBeLessThan(0.05 + 0.044);
  });
});

test('permuted and rescaled neurons are matched, and what they write follows', () => {
  const { uniform } = randomness(5);
  const layer = makeLayer(10);
  const order = Array.from({ length: NEURONS }, (_, i) => (i * 7) % NEURONS);
  const scales = order.map(() => (uniform() < 0.5 ? -1 : 1) * (0.5 + uniform()));
  const scaled = (values: Float64Array, by: (i: number) => number): Float64Array =>
    values.map((value, at) => value * by(Math.floor(at / WIDTH)));
  const disguised: Layer = {
    ...layer,
    gate: permute(layer.gate!, order),
    up: scaled(permute(layer.up, order), (i) => scales[i]!),
    down: scaled(permute(layer.down, order), (i) => 1 / scales[i]!),
  };
  const match = matchNeurons(layer, disguised, WIDTH);
  expect([...match.map]).toEqual(order);
  expect(match.up).toBeCloseTo(1, 9);
  expect(match.down).toBeCloseTo(1, 9);
  expect(match.agreements).toBe(NEURONS);
  const stranger = matchNeurons(makeLayer(500), disguised, WIDTH);
  expect(stranger.agreements).toBeLessThan(5);
});

test('heads are found in another order and another basis', () => {
  const layer = makeLayer(10);
  const headRows = 8;
  const basis = polar(rows(7, headRows).subarray(0, headRows * headRows), headRows, headRows);
  const order = [2, 0, 1];
  const rebase = (values: Float64Array): Float64Array => {
    const out = new Float64Array(values.length);
    order.forEach((from, to) => {
      const head = values.slice(from * headRows * WIDTH, (from + 1) * headRows * WIDTH);
      out.set(multiply(basis, head, headRows, headRows, WIDTH), to * headRows * WIDTH);
    });
    return out;
  };
  const other: Layer = { ...layer, attention: { ...layer.attention!, v: rebase(layer.attention!.v), o: rebase(layer.attention!.o) } };
  expect(headAgreement(layer, other, WIDTH, headRows)).toBeCloseTo(1, 9);
  expect(headAgreement(layer, makeLayer(700), WIDTH, headRows)!).toBeLessThan(0.5);
  expect(headAgreement(layer, other, WIDTH, 7)).toBeNull();
});

describe('unreachable tokens', () => {
  const unreachable = Array.from({ length: TOKENS }, (_, i) => i < 40);
  test('give away a rotated copy', () => {
    const tokens = rows(1, TOKENS);
    const flips = unreachableFlips(tokens, multiply(tokens, rotation, TOKENS, WIDTH, WIDTH), unreachable, WIDTH, WIDTH);
    expect([flips.k, flips.n]).toEqual([20, 20]);
  });
  test('of strangers that agree on every other token keep the error rate', () => {
    const p: number[] = [];
    for (let seed = 0; seed < 300; seed++) {
      const [a, b] = [rows(1, TOKENS), rows(1, TOKENS)];
      a.set(rows(2 * seed + 10, 40));
      b.set(rows(2 * seed + 11, 40));
      p.push(log10PValue(unreachableFlips(a, b, unreachable, WIDTH, WIDTH)));
    }
    expect(p.filter((value) => value <= Math.log10(0.05)).length / p.length).toBeLessThan(0.05 + 0.05);
  });
});
