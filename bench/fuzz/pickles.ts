/** Pickles out of opcodes: all of protocols 0 to 5 (CPython, Lib/pickletools.py), in and out of order. */
import { readFileSync } from 'node:fs';
import { joinBytes, latin1 } from '../../src/weights/testing/index.ts';
import type { Random } from './random.ts';

const PLAIN = '(.012])}NtldsaueboRQ\x81\x92\x85\x86\x87\x88\x89\x94\x93\x8f\x90\x91\x97\x98';
const GLOBALS = [
  'os system',
  'builtins eval',
  'builtins getattr',
  '__builtin__ object',
  'functools partial',
  'codecs encode',
  'copyreg _reconstructor',
  'collections OrderedDict',
  'torch._utils _rebuild_tensor_v2',
  'torch._utils _rebuild_parameter',
  'torch FloatStorage',
  'torch.storage _load_from_bytes',
  'numpy.core.multiarray _reconstruct',
  'numpy ndarray',
  'numpy dtype',
  'numpy.core.multiarray scalar',
  'joblib.numpy_pickle NumpyArrayWrapper',
  '_io BytesIO',
  'zoo Unknown',
];
/** Whole steps that leave one value, so that long programs stay alive. */
const PHRASES = [
  ']',
  '}',
  ')',
  'N',
  'K\x01',
  'M\xff\xff',
  '\x88',
  'J\xff\xff\xff\x7f',
  '\x8a\x08\xff\xff\xff\xff\xff\xff\xff\x7f',
  '\x8c\x01a',
  'X\x02\x00\x00\x00ab',
  'C\x03abc',
  '(K\x01K\x02t',
  '(NNl',
  '(\x8c\x01aNd',
  ']Na',
  ']\x94h\x00a',
  '}\x8c\x01aNs',
  '(K\x01\x91',
  '\x8f(K\x01K\x02\x90',
  '2\x86',
  'I01\n',
  'F1e308\n',
  'L99999999999999999999L\n',
  "S'x\\x41'\n",
  'V\\u0041\n',
  'P1\n',
  'G\x7f\xf0\0\0\0\0\0\0',
];

const lengthBytes = (random: Random, width: number, honest: number): string => {
  const value = BigInt(random.chance(0.9) ? honest : random.pick([0, 1, 255, 2 ** 31 - 1, 2 ** 31, 2 ** 32 - 1, 2 ** 53]));
  let out = '';
  for (let i = 0; i < width; i++) out += String.fromCharCode(Number((value >> BigInt(8 * i)) & 255n));
  return out;
};
const counted =
  (code: string, width: number) =>
  (random: Random): string => {
    const data = random.chance(0.2) ? onePickle(random, 6) : 'abcd'.repeat(random.int(12));
    return `${code}${lengthBytes(random, width, data.length)}${data}`;
  };
const number =
  (code: string, width: number) =>
  (random: Random): string =>
    `${code}${lengthBytes(random, width, random.int(6))}`;
const line =
  (code: string) =>
  (random: Random): string =>
    `${code}${random.pick(['0', '1', '-1', '99', '1e999', "'a'", '"b"', "'\\\\", '\\ud800', '7L', '', 'nan', '9'.repeat(400)])}\n`;
const named =
  (code: string) =>
  (random: Random): string =>
    `${code}${random.pick(GLOBALS).replace(' ', '\n')}\n`;
const WITH_ARGUMENTS: readonly ((random: Random) => string)[] = [
  ...['I', 'L', 'F', 'S', 'V', 'P', 'g', 'p'].map(line),
  ...['c', 'i'].map(named),
  ...['K', 'h', 'q', '\x80', '\x82'].map((code) => number(code, 1)),
  ...['M', '\x83'].map((code) => number(code, 2)),
  ...['J', 'j', 'r', '\x84'].map((code) => number(code, 4)),
  number('\x95', 8),
  ...['C', 'U', '\x8a', '\x8c'].map((code) => counted(code, 1)),
  ...['T', 'X', 'B', '\x8b'].map((code) => counted(code, 4)),
  ...['\x8d', '\x8e', '\x96'].map((code) => counted(code, 8)),
  (random) => `G${Array.from({ length: 8 }, () => String.fromCharCode(random.int(256))).join('')}`,
];
const call = (random: Random): string => {
  const [module, name] = random.pick(GLOBALS).split(' ') as [string, string];
  const callee = random.chance(0.5)
    ? `c${module}\n${name}\n`
    : `\x8c${String.fromCharCode(module.length)}${module}\x8c${String.fromCharCode(name.length)}${name}\x93`;
  const count = random.int(4);
  const values = Array.from({ length: count }, () => random.pick(PHRASES)).join('');
  return `${callee}(${values}t${random.pick(['R', '\x81', 'R', 'R}b', '0', 'Q'])}`;
};

function onePickle(random: Random, steps: number): string {
  let out = random.chance(0.8) ? `\x80${String.fromCharCode(random.int(6))}` : '';
  for (let i = random.int(steps); i > 0; i--) {
    const kind = random.unit();
    let step: string;
    if (kind < 0.4) step = random.pick(PHRASES);
    else if (kind < 0.6) step = call(random);
    else if (kind < 0.8) step = random.pick(WITH_ARGUMENTS)(random);
    else step = PLAIN[random.int(PLAIN.length)]!;
    if (random.chance(0.02)) step = step.repeat(1 + random.int(500));
    if (random.chance(0.2)) step += random.pick(['\x94', 'q\x00', 'q\x01', 'p0\n', 'h\x00', 'h\x01', 'g0\n', '2', '0']);
    out += step;
  }
  return random.chance(0.9) ? `${out}.` : out;
}

/** One to three streams, the last perhaps with raw bytes behind it. */
export function makePickle(random: Random): Uint8Array {
  const parts = Array.from({ length: 1 + (random.chance(0.2) ? random.int(3) : 0) }, () => latin1(onePickle(random, 60)));
  if (random.chance(0.05)) parts.push(Uint8Array.from({ length: random.int(64) }, () => random.int(256)));
  return joinBytes(...parts);
}

const { signatures } = JSON.parse(readFileSync(new URL('../../src/safety/argument-rules.json', import.meta.url), 'utf8')) as {
  signatures: Readonly<Record<string, readonly string[]>>;
};
const short = (value: string): string => `\x8c${String.fromCharCode(value.length)}${value}`;
/** Values of the types that argument rules know, right ones and near misses. */
const TYPED = [
  'N',
  '\x88',
  'K\x01',
  'J\xff\xff\xff\xff',
  'G?\xf0\0\0\0\0\0\0',
  short('latin1'),
  short('f8'),
  short('O'),
  short('os.system("id")'),
  short(''),
  short('1e5'),
  'C\x03abc',
  'K\x00\x85',
  '(K\x01K\x02K\x03t',
  ']',
  '}',
  `}${short('a')}K\x01s`,
  `(${short('a')}K\x01\x86l`,
  `${short('numpy')}${short('ndarray')}\x93`,
  `${short('collections')}${short('OrderedDict')}\x93`,
  `${short('posix')}${short('system')}\x93`,
  `${short('numpy')}${short('dtype')}\x93(${short('f8')}\x89\x88tR`,
  `(${short('storage')}ctorch\nFloatStorage\n${short('0')}${short('cpu')}K\x04tQ`,
  `c_codecs\nencode\n(${short('ab')}${short('latin1')}tR`,
];
/** Calls of what the allow-list names, with arguments of any of the types; calls in calls. */
export function makeCalls(random: Random): Uint8Array {
  const names = Object.keys(signatures);
  const one = (depth: number): string => {
    const name = random.pick(names);
    const at = name.lastIndexOf('.');
    const args = Array.from({ length: random.int(5) }, () => (depth > 0 && random.chance(0.3) ? one(depth - 1) : random.pick(TYPED))).join(
      '',
    );
    const state = random.chance(0.2) ? `${random.pick(TYPED)}b` : '';
    return `${short(name.slice(0, at))}${short(name.slice(at + 1))}\x93(${args}t${random.pick(['R', 'R', '\x81', '}\x92'])}${state}`;
  };
  const deep = random.chance(0.03) ? random.pick(['\x85', '}\x86', 'N\x86', '2\x86', '\x94]h\0a']).repeat(random.int(4000)) : '';
  return latin1(`\x80\x04(${Array.from({ length: 1 + random.int(5) }, () => one(4)).join('')}t${deep}.`);
}
/** Broken bytes full of what pickles may begin with: places where reading starts anew. */
export function makeResync(random: Random): Uint8Array {
  const marks = [
    '\x80\x02',
    '\x80\x04\x95',
    'cposix\nsystem\n',
    `${short('posix')}${short('system')}\x93`,
    '\x80\x02(',
    '\x8c\x01a\x8c\x01b\x93',
    'h\x09.',
    'x',
    '\0\0\0',
    '\x80\x04]\x94h\0a',
    'N.',
    'c__builtin__\neval\n',
  ];
  const count = random.chance(0.05) ? random.int(20_000) : random.int(60);
  let out = '\x80\x04h\x09';
  for (let i = 0; i < count; i++) out += random.pick(marks);
  return joinBytes(latin1(out), random.chance(0.3) ? makePickle(random) : new Uint8Array(0));
}
