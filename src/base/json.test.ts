import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { duplicateKeys, HeirloomError, type JsonValue, parseJson, parseJsonStrictly } from './index.ts';

const bytesOf = (text: string): Uint8Array => new TextEncoder().encode(text);
const strictly = (text: string): { value: JsonValue; repeated: string[] } => parseJsonStrictly(bytesOf(text), 'x.json');
const codeOf = (work: () => unknown): string => {
  try {
    work();
    return 'parsed';
  } catch (error) {
    if (!(error instanceof HeirloomError)) throw error;
    return error.code;
  }
};

/** JSON text written by hand, so that keys may repeat; with the paths of those that do. */
interface Written {
  readonly text: string;
  readonly repeats: boolean;
}
const key = fc.oneof(fc.constantFrom('a', 'b', '__proto__', 'a"b', 'a\\', '{', '}:,', 'é', ''), fc.string({ maxLength: 4 }));
const { tree } = fc.letrec<{ tree: Written; object: Written; list: Written; leaf: Written }>((tie) => ({
  tree: fc.oneof({ maxDepth: 4 }, tie('leaf'), tie('object'), tie('list')),
  leaf: fc
    .oneof(fc.string(), fc.integer(), fc.boolean(), fc.constant(null), fc.constantFrom('{"a":1,"a":2}', '",:', '\\'))
    .map((value) => ({ text: JSON.stringify(value), repeats: false })),
  list: fc
    .array(tie('tree'), { maxLength: 4 })
    .map((items) => ({ text: `[${items.map((item) => item.text).join(' , ')}]`, repeats: items.some((item) => item.repeats) })),
  object: fc.array(fc.tuple(key, tie('tree'), fc.boolean()), { maxLength: 5 }).map((entries) => ({
    text: `{${entries.map(([name, value, escaped]) => `${escaped ? escapedName(name) : JSON.stringify(name)}\n:${value.text}`).join(',')}}`,
    repeats: new Set(entries.map(([name]) => name)).size < entries.length || entries.some(([, value]) => value.repeats),
  })),
}));
/** The same key spelled another way. */
function escapedName(name: string): string {
  return `"${[...name].map((c) => (c.length === 1 ? `\\u${c.charCodeAt(0).toString(16).padStart(4, '0')}` : c)).join('')}"`;
}

describe('JSON of strangers', () => {
  test('a key that stands twice is told, whatever its spelling, and never one that does not', () => {
    fc.assert(
      fc.property(tree, ({ text, repeats }) => {
        const { value, repeated } = strictly(text);
        expect(value).toEqual(JSON.parse(text));
        expect(repeated.length > 0, text).toBe(repeats);
        expect(duplicateKeys(text)).toEqual(repeated);
      }),
      { numRuns: 1000 },
    );
    expect(strictly('{"a":{"b":1,"\\u0062":2},"c":[{"d":1},{"d":1,"d":2}]}').repeated).toEqual(['a.b', 'c.d']);
  });

  test('any text parses as JSON.parse has it, or is refused with a typed error', () => {
    fc.assert(
      fc.property(fc.oneof(fc.json(), fc.string(), fc.array(fc.constantFrom('{', '}', '[', ']', '"', ',', ':', '1', '\\'))), (input) => {
        const text = Array.isArray(input) ? input.join('') : input.replace(/\p{Surrogate}/gu, '?');
        let expected: JsonValue | undefined;
        try {
          expected = JSON.parse(text) as JsonValue;
        } catch {
          expected = undefined;
        }
        if (expected === undefined) expect(codeOf(() => strictly(text))).toBe('JSON_INVALID');
        else expect(parseJson(bytesOf(text), 'x.json')).toEqual(expected);
      }),
      { numRuns: 500 },
    );
    fc.assert(fc.property(fc.uint8Array(), (bytes) => ['parsed', 'JSON_INVALID'].includes(codeOf(() => parseJson(bytes, 'x.json')))));
  });

  test('nesting is followed to 200 levels and refused above, with the byte', () => {
    expect(codeOf(() => strictly('['.repeat(200) + ']'.repeat(200)))).toBe('parsed');
    expect(() => strictly('{"é":'.repeat(201))).toThrow(
      expect.objectContaining({ code: 'JSON_INVALID', where: { file: 'x.json', byte: 1200 } }),
    );
  });

  test.each([
    ['empty lists', '[],'],
    ['empty objects', '{},'],
    ['numbers', '1,'],
  ])('a text of millions of %s is refused before it fills memory', (_, item) => {
    expect(codeOf(() => strictly(`[${item.repeat(14_000_000)}0]`))).toBe('JSON_INVALID');
  });

  test('a header of 94,000 tensors takes little more than JSON.parse itself', () => {
    const entry = (i: number): string =>
      `"model.layers.7.mlp.experts.${i}.gate_proj.weight_scale_inv":{"dtype":"BF16","shape":[2048,7168],"data_offsets":[${i * 29360128},${(i + 1) * 29360128}]}`;
    const text = `{${Array.from({ length: 94_000 }, (_, i) => entry(i)).join(',')}}`;
    const bytes = bytesOf(text);
    const alone = fastest(() => JSON.parse(text));
    expect(fastest(() => parseJsonStrictly(bytes, 'x.json'))).toBeLessThan(4 * alone + 50);
  });

  test('repeated keys under long names cost no more than their text', () => {
    const long = 'k'.repeat(100_000);
    const text = `{"${long}":{"${long}":{${Array.from({ length: 50_000 }, () => '"a":1').join(',')}}}}`;
    const started = performance.now();
    expect(strictly(text).repeated).toHaveLength(100);
    expect(performance.now() - started).toBeLessThan(2000);
  });
});

function fastest(work: () => unknown): number {
  let best = Infinity;
  for (let i = 0; i < 3; i++) {
    // Processor time: the machine may be busy with other tests.
    const started = process.cpuUsage();
    work();
    const { user, system } = process.cpuUsage(started);
    best = Math.min(best, (user + system) / 1000);
  }
  return best;
}
