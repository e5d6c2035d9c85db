import { readFile } from 'node:fs/promises';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { memoryTree } from '../base/index.ts';
import { scanFile, scanTree, type FileSafety, type SafetyVerdict } from './index.ts';

const CORPUS = new URL('../../../shared/safety-corpus/', import.meta.url);
const bytes = (text: string): Uint8Array => Uint8Array.from(text, (character) => character.charCodeAt(0));
const scan = (path: string, content: Uint8Array | string): Promise<FileSafety> =>
  scanFile(memoryTree('test', { [path]: typeof content === 'string' ? bytes(content) : content }), path);
const rules = (file: FileSafety): string[] => file.findings.map((one) => one.rule.slice('safety/'.length));

function tar(name: string, content: string): Uint8Array {
  const fields = [
    name.padEnd(100, '\0'),
    '0000644\0',
    '0000000\0',
    '0000000\0',
    `${content.length.toString(8).padStart(11, '0')}\0`,
    '00000000000\0',
  ].join('');
  const rest = `0${'\0'.repeat(100)}ustar\x0000`.padEnd(512 - 156, '\0');
  const sum = [...bytes(`${fields}        ${rest}`)].reduce((total, byte) => total + byte, 0);
  return bytes(
    `${fields}${sum.toString(8).padStart(6, '0')}\0 ${rest}${content.padEnd(Math.ceil(content.length / 512) * 512, '\0')}${'\0'.repeat(1024)}`,
  );
}

describe('the labelled corpus', async () => {
  const [head, ...lines] = (await readFile(new URL('labels.csv', CORPUS), 'utf8')).trim().split('\n');
  const counts = new Map<string, Record<SafetyVerdict, number>>();
  for (const line of lines) {
    const [path, , , label] = line.split(',') as [string, string, string, string];
    const { verdict } = await scan(path, new Uint8Array(await readFile(new URL(path, CORPUS))));
    const of = counts.get(label) ?? { malicious: 0, suspicious: 0, clean: 0, unreadable: 0 };
    of[verdict]++;
    counts.set(label, of);
  }
  const share = (label: string, ...verdicts: SafetyVerdict[]): number => {
    const of = counts.get(label)!;
    return verdicts.reduce((sum, verdict) => sum + of[verdict], 0) / Object.values(of).reduce((sum, n) => sum + n, 0);
  };
  test('is whole', () => {
    expect(head).toMatch(/^file,project,split,label,attack_class/);
    expect(lines.length).toBeGreaterThan(360);
  });
  test('has at least 99 % of its malicious files flagged, 70 % of them as malicious', () => {
    expect(share('malicious', 'malicious', 'suspicious')).toBeGreaterThanOrEqual(0.99);
    expect(share('malicious', 'malicious')).toBeGreaterThanOrEqual(0.7);
  });
  test('has none of its benign files flagged and at most 8 % unreadable', () => {
    expect(share('benign', 'malicious', 'suspicious')).toBe(0);
    expect(share('benign', 'unreadable')).toBeLessThanOrEqual(0.08);
  });
  test('has at least 80 % of its malformed files refused or flagged', () => {
    expect(share('malformed', 'clean')).toBeLessThanOrEqual(0.2);
  });
  test('has at most 10 % of its merely suspicious files called malicious', () => {
    expect(share('suspicious', 'malicious')).toBeLessThanOrEqual(0.1);
  });
});

describe('a pickle', () => {
  test('that runs a command is malicious, and the finding names byte and callable', async () => {
    const file = await scan('model.pkl', 'cos\nsystem\n(S"id"\ntR.');
    expect(file).toMatchObject({ format: 'pickle', verdict: 'malicious' });
    expect(file.findings[0]).toMatchObject({ rule: 'safety/pickle-dangerous-global', where: { file: 'model.pkl', byte: 0 } });
    expect(file.findings[0]!.what).toContain('os.system');
  });
  test.each([
    ['under any name', 'weights.bin', 'cposix\nsystem\n(S"id"\ntR.'],
    ['through a submodule of a listed module', 'a.pkl', 'casyncio.unix_events\nX\n)R.'],
    ['through an attribute of a harmless module', 'a.pkl', '\x80\x04\x8c\x07pathlib\x8c\x09os.system\x93)R.'],
    ['by a name of Python 2', 'a.pkl', 'c__builtin__\neval\n(S"1"\ntR.'],
    ['behind a first, harmless pickle', 'a.pkl', '\x80\x02N.\x80\x02cos\nsystem\n(U\x02idtR.'],
    ['before a break', 'a.pkl', 'cos\nsystem\n(S"id"\ntR\xff\xff\xff'],
    ['behind a break', 'a.pkl', '\x80\x02N\xffxxcos\nsystem\n(U\x02idtR.'],
    ['by text handed to a container', 'a.pkl', 'ccollections\nOrderedDict\n(S"x"\ntR.'],
    ['in a pickle inside bytes', 'a.pkl', '\x80\x04ctorch.storage\n_load_from_bytes\nC\x10\x80\x02cos\nsystem\n)R.\x85R.'],
    ['by a name it computes', 'a.pkl', '\x80\x04\x8c\x02os)\x93)R.'],
  ])('that runs a command %s is malicious', async (_, path, content) => {
    expect((await scan(path, content)).verdict).toBe('malicious');
  });
  test('of an unknown class is suspicious', async () => {
    expect(await scan('a.pkl', 'csomelab.layers\nFancy\n)R.')).toMatchObject({ verdict: 'suspicious' });
  });
  test('of plain values is clean', async () => {
    expect(await scan('a.pkl', '\x80\x04}(\x8c\x01aK\x01\x8c\x01b]u.')).toMatchObject({ verdict: 'clean', findings: [] });
  });
  test('that doubles itself sixty times is malicious', async () => {
    expect(rules(await scan('a.pkl', `\x80\x02)${'2\x86'.repeat(60)}.`))).toContain('pickle-expansion');
  });
  test('that does not parse is unreadable, with the byte', async () => {
    const file = await scan('a.pkl', '\x80\x04N\xff.');
    expect(file.verdict).toBe('unreadable');
    expect(file.findings[0]!.where.byte).toBe(3);
  });
});

describe('the rules', () => {
  test('are all documented, and no others', async () => {
    const listed = JSON.parse(await readFile(new URL('rules.json', import.meta.url), 'utf8')) as { id: string }[];
    const documented = [
      ...(await readFile(new URL('../../docs/rules-safety.md', import.meta.url), 'utf8')).matchAll(/^\| \[`(safety\/[\w-]+)`\]/gm),
    ].map((match) => match[1]);
    expect(documented).toEqual(listed.map((rule) => rule.id));
  });
});

describe('files beside weights', () => {
  test('are judged together, and the worst decides', async () => {
    const report = await scanTree(
      memoryTree('m', { 'README.md': bytes('# hello'), 'evil.pkl': bytes('cos\nsystem\n)R.'), 'modeling.py': bytes('import torch\n') }),
    );
    expect(report.verdict).toBe('malicious');
    expect(report.files.map((file) => [file.path, file.verdict])).toEqual([
      ['README.md', 'clean'],
      ['evil.pkl', 'malicious'],
      ['modeling.py', 'clean'],
    ]);
  });
  test.each<[string, string, string, string]>([
    ['a configuration that names code of the repository', 'config.json', '{"auto_map": {"AutoModel": "modeling.Fancy"}}', 'code-on-trust'],
    [
      'a template that reaches for classes',
      'tokenizer_config.json',
      '{"chat_template": "{{ \'\'.__class__.__mro__[1].__subclasses__() }}"}',
      'template-reaches-out',
    ],
    ['a template that hides the name', 'a.jinja', "{{ ''['__cl' ~ 'ass__'] }}", 'template-reaches-out'],
    ['a template that escapes the name', 'b.jinja', "{{ ''['\\x5f\\x5fclass\\x5f\\x5f'] }}", 'template-reaches-out'],
    ['a start-up file', 'setup.pth', 'import os; os.system("id")\n', 'startup-file'],
    ['a program', 'libx.so', '\x7fELF\x02\x01\x01\x00\x00\x00\x00\x00', 'executable'],
    ['code that starts programs', 'run.py', 'import os\nos.system("id")\n', 'code-calls'],
    ['a configuration that calls a program', 'c.yaml', 'model:\n  _target_: os.system\n', 'config-target'],
  ])('%s is reported', async (_, path, content, rule) => {
    expect(rules(await scan(path, content))).toContain(rule);
  });
  test('a tar of before PyTorch 0.1.10 is clean, and one that calls between its values is not', async () => {
    const storages = '\x80\x02K\x01.\x80\x02(K\x0aU\x03cpuctorch\nFloatStorage\nt.\x01\0\0\0\0\0\0\0\0\0\x80\x3f';
    expect(await scan('m.tar', tar('storages', storages))).toMatchObject({ format: 'tar', verdict: 'clean' });
    expect(await scan('m.tar', tar('storages', `${storages}\x80\x02cos\nsystem\n(U\x02idtR.`))).toMatchObject({ verdict: 'malicious' });
  });
  test('an ordinary chat template is clean', async () => {
    const template =
      "{% for message in messages %}{{ '<|' + message['role'] + '|>' + message['content'] | trim + eos_token }}{% endfor %}{% set ns = namespace(found=false) %}";
    expect(await scan('tokenizer_config.json', JSON.stringify({ chat_template: template }))).toMatchObject({ verdict: 'clean' });
  });
});

describe('hostile bytes', () => {
  test('of any kind and name give a verdict', async () => {
    const start = fc.constantFrom(
      '',
      '\x80\x04',
      'PK\x03\x04',
      '\x93NUMPY\x01\x00',
      '\x1f\x8b\x08',
      '\x78\x9c',
      'c',
      '(',
      '\x89HDF\r\n\x1a\n',
      '{"a":',
      'GGUF',
    );
    const name = fc.constantFrom('a.pkl', 'a.pt', 'a.npy', 'a.keras', 'a.json', 'a.bin', 'a.tar', 'a.onnx', 'a.jinja');
    await fc.assert(
      fc.asyncProperty(start, name, fc.uint8Array({ maxLength: 200 }), async (head, path, tail) => {
        const file = await scan(path, Uint8Array.from([...bytes(head), ...tail]));
        expect(['malicious', 'suspicious', 'clean', 'unreadable']).toContain(file.verdict);
      }),
      { numRuns: 600 },
    );
  });
  test('made from real files by changing bytes give a verdict', async () => {
    const real = await Promise.all(
      [
        'generated-benign/sd_proto4.pt',
        'generated-benign/functional.keras',
        'picklescan/malicious1_0x20.zip',
        'modelaudit/t322_path_traversal_detection.tar',
        'generated-benign/sk_rf_c3.joblib',
      ].map(async (path) => [path, new Uint8Array(await readFile(new URL(path, CORPUS)))] as const),
    );
    await fc.assert(
      fc.asyncProperty(
        fc.constantFrom(...real),
        fc.array(fc.tuple(fc.nat(), fc.nat(255)), { minLength: 1, maxLength: 8 }),
        async ([path, content], changes) => {
          const changed = content.slice();
          for (const [at, value] of changes) changed[at % changed.length] = value;
          expect((await scan(path, changed)).verdict).toBeTypeOf('string');
        },
      ),
      { numRuns: 150 },
    );
  });
});

test('an empty file named as weights is unreadable, an empty note is clean', async () => {
  const tree = memoryTree('m', { 'model.onnx': new Uint8Array(0), '.gitkeep': new Uint8Array(0) });
  expect((await scanFile(tree, 'model.onnx')).verdict).toBe('unreadable');
  expect((await scanFile(tree, '.gitkeep')).verdict).toBe('clean');
});

test('a pointer or a web page in the place of weights is unreadable: nothing is said of what is not there', async () => {
  const pointer = `version https://git-lfs.github.com/spec/v1\noid sha256:${'0'.repeat(64)}\nsize 12345\n`;
  for (const path of ['model.safetensors', 'tokenizer.json', 'model.pkl'])
    expect(await scan(path, pointer)).toMatchObject({ verdict: 'unreadable', findings: [{ rule: 'safety/unavailable' }] });
  expect(rules(await scan('model.bin', '<!DOCTYPE html><html><body>404</body></html>'))).toContain('unavailable');
  expect(await scan('page.html', '<!DOCTYPE html><html></html>')).toMatchObject({ verdict: 'clean' });
});
