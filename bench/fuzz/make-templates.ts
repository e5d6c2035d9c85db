/** Jinja templates from a grammar, with depths and lengths at which readers break. */
import type { Random } from './random.ts';

const NAMES = [
  'messages',
  'm',
  'x',
  'ns',
  'bos_token',
  'loop',
  'cycler',
  'lipsum',
  'self',
  'f',
  'ａttr',
  'range',
  'dict',
  'os',
  'tools',
  '__a__',
];
const TEXTS = [
  "'user'",
  "'__cl'",
  "'ass__'",
  '"\\x5f"',
  "'%s%c%(a)s'",
  "'{0.__class__}{a[b]}'",
  "'a'",
  "''",
  "'\\u005f'",
  "'os.system'",
  "'{{ x }}'",
];
const KEYS = [
  'content',
  'role',
  '__class__',
  'append',
  'items',
  'format',
  'split',
  'join',
  'pop',
  'replace',
  '__init__',
  'get',
  'strip',
  'a',
];
const FILTERS =
  'join reverse trim string default list first last sort unique items length sum format truncate attr map select upper replace center e tojson int batch slice indent groupby title'.split(
    ' ',
  );
const TESTS = ['defined', 'none', 'string', 'mapping', 'iterable', 'in', 'sameas', 'divisibleby'];
const BINARY = ['~', '+', '-', '*', '**', '%', '/', '//', 'and', 'or', '==', '<', 'in', 'not in', '>='];
const NUMBERS = ['0', '1', '-1', '65', '1e9', '0xff', '99999999999', '1_000', '3.5', '2'];

/** Long or deep, now and then. */
function many(random: Random, usual: number): number {
  return random.chance(0.03) ? random.int(random.chance(0.3) ? 5000 : 300) : random.int(usual);
}

function leaf(random: Random): string {
  return random.pick([NAMES, NAMES, TEXTS, TEXTS, NUMBERS, ['none', 'true', '[]', '{}', '()']][random.int(6)]!);
}

function expression(random: Random, depth: number): string {
  if (depth <= 0) return leaf(random);
  const inner = (): string => expression(random, depth - 1 - random.int(2));
  const list = (): string => Array.from({ length: many(random, 4) }, () => (random.chance(0.7) ? leaf(random) : inner())).join(', ');
  switch (random.int(16)) {
    case 0:
      return `${inner()}.${random.pick(KEYS)}`;
    case 1:
      return `${inner()}[${inner()}]`;
    case 2:
      return `${inner()}[${random.chance(0.5) ? inner() : ''}:${random.chance(0.5) ? leaf(random) : ''}${random.chance(0.3) ? `:${leaf(random)}` : ''}]`;
    case 3:
      return `${inner()}|${random.pick(FILTERS)}${random.chance(0.5) ? `(${list()})` : ''}`;
    case 4:
      return `${inner()}.${random.pick(KEYS)}(${list()}${random.chance(0.2) ? `, ${random.pick(NAMES)}=${inner()}` : ''})`;
    case 5:
      return `${random.pick(NAMES)}(${list()})`;
    case 6:
      return `(${inner()} if ${inner()} else ${inner()})`;
    case 7:
      return `${inner()} is ${random.pick(['', 'not '])}${random.pick(TESTS)}${random.chance(0.3) ? `(${inner()})` : ''}`;
    case 8:
      return `[${list()}]`;
    case 9:
      return `{${random.pick(TEXTS)}: ${inner()}, ${leaf(random)}: ${leaf(random)}}`;
    case 10:
      return `${random.pick(['-', 'not ', '+', '- -'])}${inner()}`;
    case 11: {
      const operator = random.pick(BINARY);
      return Array.from({ length: 2 + many(random, 3) }, () => leaf(random)).join(` ${operator} `);
    }
    case 12: {
      const chain = random.pick([
        `.${random.pick(KEYS)}`,
        `[${leaf(random)}]`,
        `|${random.pick(FILTERS)}`,
        '()',
        `.${random.pick(KEYS)}(1)`,
      ]);
      return leaf(random) + chain.repeat(many(random, 5));
    }
    case 13: {
      const times = many(random, 4);
      const [open, close] = random.pick([
        ['(', ')'],
        ['[', ']'],
        ['{1:', '}'],
        ['not ', ''],
        ['-', ''],
        ['f(', ')'],
        ['x[', ']'],
        ['1 if ', ' else 2'],
      ] as const);
      return open.repeat(times) + leaf(random) + close.repeat(times);
    }
    default:
      return `${inner()} ${random.pick(BINARY)} ${inner()}`;
  }
}

function block(random: Random, depth: number): string {
  const e = (): string => expression(random, random.int(4));
  const body = (): string => statements(random, depth - 1);
  const name = (): string => random.pick(NAMES);
  switch (random.int(12)) {
    case 0:
      return `{% for ${name()}${random.chance(0.2) ? `, ${name()}` : ''} in ${e()}${random.chance(0.2) ? ` if ${e()}` : ''}${random.chance(0.1) ? ' recursive' : ''} %}${body()}${random.chance(0.2) ? `{% else %}${body()}` : ''}{% endfor %}`;
    case 1:
      return `{%- if ${e()} -%}${body()}${`{% elif ${e()} %}${body()}`.repeat(many(random, 3))}{% else %}${body()}{% endif %}`;
    case 2:
      return `{% set ${name()}${random.chance(0.3) ? `.${random.pick(KEYS)}` : ''} = ${e()} %}`.repeat(1 + many(random, 2));
    case 3:
      return `{% set ns = namespace(a=${e()}, b=${e()}) %}{% set ns.a = ns.a ~ ${e()} %}`;
    case 4:
      return `{% macro ${name()}(a, b=${e()}) %}${body()}{{ caller() }}{% endmacro %}{{ ${name()}(${e()}) }}`;
    case 5:
      return `{% call(x) ${name()}(${e()}) %}${body()}{% endcall %}`;
    case 6:
      return random.pick([
        '{% include "a" %}',
        '{% import "b" as c %}',
        '{% from x import y %}',
        '{% extends e %}',
        '{% raw %}{{{% endraw %}',
        '{# a #}',
      ]);
    case 7:
      return `{% filter ${random.pick(FILTERS)} %}${body()}{% endfilter %}`;
    case 8:
      return `{% set x %}${body()}{% endset %}`;
    case 9:
      return `{% ${random.pick(['generation', 'with a = 1', 'block b', 'autoescape true', 'do x.append(1)', 'break', 'trans'])} %}${body()}`;
    case 10: {
      const times = many(random, 3);
      const open = random.pick(['{% if x %}', '{% for a in b %}', '{% macro f() %}', '{% for a in range(99) %}']);
      return open.repeat(times) + `{{ ${e()} }}` + open.replace(/{% (\w+).*/, '{% end$1 %}').repeat(times);
    }
    default:
      return `{{${random.pick(['', '-'])} ${e()} }}`;
  }
}

function statements(random: Random, depth: number): string {
  if (depth <= 0) return random.pick(['x', '\n', '{{ m.content }}', '']);
  return Array.from({ length: 1 + random.int(4) }, () => (random.chance(0.2) ? 'text\n' : block(random, depth))).join('');
}

export function makeTemplate(random: Random): string {
  return statements(random, 1 + random.int(4)).slice(0, 1 << 19);
}
