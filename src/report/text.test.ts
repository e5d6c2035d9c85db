import { describe, expect, test } from 'vitest';
import fc from 'fast-check';
import { toJson } from './json.ts';
import { decimal, humanBytes, humanCount, percent, pValue } from './numbers.ts';
import { clean, displayWidth } from './text.ts';
import { sentence } from './words.ts';

describe('foreign text', () => {
  test('cannot drive the terminal', () => {
    expect(clean('a\u001b[2Jb\u009b1Ac\u0007')).toBe('a<U+001B>[2Jb<U+009B>1Ac<U+0007>');
  });

  test('cannot reorder a line or hide in it', () => {
    expect(clean('safe\u202Egnp.exe\u2069')).toBe('safe<U+202E>gnp.exe<U+2069>');
    expect(clean('mod\u200b\u200bel\u00ad\ufeff')).toBe('mod<U+200B ×2>el<U+00AD><U+FEFF>');
    expect(clean(`tag${String.fromCodePoint(0xe0041)}`)).toBe('tag<U+E0041>');
    expect(clean('\u3164\u115f')).toBe('<U+3164><U+115F>');
    expect(clean('\ud800x')).toBe('<U+D800>x');
  });

  test('becomes one line', () => {
    expect(clean('  one\r\n\ttwo\u2028three\u00a0 four  ')).toBe('one two three four');
  });

  test('keeps the joiners that scripts and emoji need', () => {
    const persian = 'می\u200cخواهم';
    const family = '👩\u200d👧';
    expect(clean(persian)).toBe(persian);
    expect(clean(family)).toBe(family);
    expect(clean('❤\ufe0f')).toBe('❤\ufe0f');
    expect(clean('ad\u200dmin')).toBe('ad<U+200D>min');
  });

  test('cannot pile marks over its neighbors', () => {
    expect(clean(`a${'\u0301'.repeat(9)}b`)).toBe(`a${'\u0301'.repeat(4)}<U+0301 ×5>b`);
  });

  test('is cut with a note when it is too long', () => {
    expect(clean('x'.repeat(3000))).toBe(`${'x'.repeat(2000)}… [1000 more characters]`);
  });

  test('cleaned twice is the same, for any text', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 300 }), (text) => {
        const once = clean(text);
        expect(clean(once)).toBe(once);
      }),
      { numRuns: 500, seed: 3 },
    );
  });

  test('is measured in columns of the terminal', () => {
    expect(displayWidth('abc')).toBe(3);
    expect(displayWidth('模型')).toBe(4);
    expect(displayWidth('ｆｕｌｌ')).toBe(8);
    expect(displayWidth('한국')).toBe(4);
    expect(displayWidth('e\u0301')).toBe(1);
    expect(displayWidth('🙂')).toBe(2);
    expect(displayWidth('🇩🇪')).toBe(2);
    expect(displayWidth('→ × …')).toBe(5);
  });
});

describe('clauses', () => {
  test('become sentences, but names of things stay as they are written', () => {
    expect(sentence('no test rejects independence')).toBe('No test rejects independence.');
    expect(sentence('config.json does not parse')).toBe('config.json does not parse.');
    expect(sentence('model_type is missing!')).toBe('model_type is missing!');
    expect(sentence('rowan-chat holds a pickle')).toBe('rowan-chat holds a pickle.');
    expect(sentence('')).toBe('');
  });
});

describe('numbers', () => {
  test('are short for people', () => {
    expect([0, 999, 12_345, 123_456, 999_949, 999_960, 1_210_368, 7_615_616_512, 2e12].map(humanCount)).toEqual([
      '0',
      '999',
      '12,345',
      '123 k',
      '1 M',
      '1 M',
      '1.2 M',
      '7.6 B',
      '2 T',
    ]);
    expect([1, 812, 2_424_832, 999_960, 14_500_000_000].map(humanBytes)).toEqual(['1 byte', '812 bytes', '2.4 MB', '1 MB', '14.5 GB']);
  });

  test('never round a share up to all or down to none', () => {
    expect([0, 0.0004, 0.05, 0.984, 0.9996, 1].map(percent)).toEqual(['0 %', '< 0.1 %', '5 %', '98 %', '> 99.9 %', '100 %']);
  });

  test('never make a p-value smaller than it is', () => {
    expect(pValue(-19.3)).toBe('p < 10^-19');
    expect(pValue(-19)).toBe('p < 10^-18');
    expect(pValue(-1)).toBe('p = 0.1');
    expect(pValue(0.7)).toBe('p = 1');
    fc.assert(
      fc.property(fc.double({ min: -400, max: 0, noNaN: true }), (log10P) => {
        const text = pValue(log10P);
        const small = /^p < 10\^(-\d+)$/.exec(text);
        if (small) return Number(small[1]) > log10P && Number(small[1]) <= log10P + 1;
        return Number(text.slice(4)) >= 10 ** log10P * 0.95;
      }),
      { seed: 1 },
    );
  });

  test('have four significant digits', () => {
    expect([0, 3, 0.98312, 12.5, 0.00001234, 1e-7, 123456.7, 1e21].map(decimal)).toEqual([
      '0',
      '3',
      '0.9831',
      '12.5',
      '1.23e-5',
      '1e-7',
      '123457',
      '1e+21',
    ]);
  });
});

describe('the JSON answer', () => {
  test('keeps the order of keys, knows maps, leaves out what is undefined and ends with a newline', () => {
    const value = { b: 1, a: new Map([['z', new Set([1])]]), none: undefined, list: [undefined], bytes: Uint8Array.of(1, 2) };
    expect(toJson(value).replaceAll(/\s+/g, '')).toBe('{"b":1,"a":{"z":[1]},"list":[null],"bytes":[1,2]}');
    expect(toJson(value).endsWith('}\n')).toBe(true);
  });

  test('refuses numbers that JSON has not, naming the field', () => {
    expect(() => toJson({ a: [{ log10P: Number.NaN }] })).toThrow('$.a[0].log10P: NaN has no JSON form');
    expect(() => toJson({ a: Number.NEGATIVE_INFINITY })).toThrow('$.a: -Infinity');
    expect(() => toJson({ a: 1n })).toThrow('bigint');
  });

  test('refuses a cycle', () => {
    const loop: { self?: unknown } = {};
    loop.self = loop;
    expect(() => toJson(loop)).toThrow('cycle');
  });

  test('carries a key named __proto__ like any other', () => {
    const value: unknown = JSON.parse('{"__proto__": {"polluted": true}}');
    expect(JSON.parse(toJson(value))).toEqual(value);
    expect(toJson(value)).toContain('"__proto__"');
  });

  test('gives back any JSON value unchanged', () => {
    fc.assert(
      fc.property(fc.jsonValue(), (value) => {
        expect(JSON.parse(toJson(value))).toEqual(JSON.parse(JSON.stringify(value)));
      }),
      { numRuns: 200, seed: 2 },
    );
  });
});
