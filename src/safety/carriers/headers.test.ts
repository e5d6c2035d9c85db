import { describe, expect, test } from 'vitest';
import { ggufText, joinBytes, latin1, le, safetensorsFile, sharedBytes, u32, writeGguf, zipBytes } from '../../weights/testing/index.ts';
import { bytecode, hdf5, json, scanned, text } from '../testing/made.ts';

const four = new Uint8Array(4);
const tensor = { dtype: 'F32', shape: [1], data_offsets: [0, 4] };

describe('a safetensors file', () => {
  test.each([
    ['white space in front', ' {"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}', four],
    ['a key twice', '{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}', four],
    ['a metadata key twice', '{"__metadata__":{"a":"1","a":"2"},"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}', four],
    ['a size with a point', '{"a":{"dtype":"F32","shape":[1.0],"data_offsets":[0,4]}}', four],
    ['an offset with an exponent', '{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4e0]}}', four],
    ['minus zero', '{"a":{"dtype":"F32","shape":[1],"data_offsets":[-0,4]}}', four],
    ['half a character', '{"\\ud800":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}', four],
    ['a size over 2^53', '{"a":{"dtype":"F32","shape":[9007199254740993],"data_offsets":[0,4]}}', four],
    ['sizes whose product wraps around', '{"a":{"dtype":"F32","shape":[4294967296,4294967297],"data_offsets":[0,4]}}', four],
    ['overlapping tensors', { a: tensor, b: { ...tensor, data_offsets: [2, 6] } }, new Uint8Array(6)],
    ['an end before the beginning', { a: { ...tensor, data_offsets: [4, 0] } }, four],
    ['an unknown type', { a: { ...tensor, dtype: 'F33' } }, four],
    ['metadata that is no text', { __metadata__: { a: 1 }, a: tensor }, four],
    ['an empty tensor out of order', { a: tensor, b: { dtype: 'F32', shape: [0], data_offsets: [2, 2] } }, four],
    ['too few values', { a: tensor }, new Uint8Array(2)],
    ['zeros behind its header', '{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}\0\0', four],
  ] as const)('with %s is named broken', async (_, header, data) => {
    expect(await scanned({ 'm.safetensors': safetensorsFile(header, data) })).toMatchObject({
      verdict: 'unreadable',
      rules: ['broken-file'],
    });
  });
  test.each([
    ['a hole', { a: tensor, b: { ...tensor, data_offsets: [8, 12] } }, new Uint8Array(12)],
    ['a tail', { a: tensor }, joinBytes(four, latin1('PK\x03\x04'))],
  ] as const)('with %s is suspicious', async (_, header, data) => {
    expect(await scanned({ 'm.safetensors': safetensorsFile(header, data) })).toMatchObject({
      verdict: 'suspicious',
      rules: ['trailing-data'],
    });
  });
  test.each([
    ['cleanup', 'rm -rf / --no-preserve-root'],
    ['note', "import os; os.system('id')"],
    ['note', 'exec(__import__("base64").b64decode("eA=="))'],
    ['callback_url', 'http://collect.test/x'],
    ['page', 'https://abc.ngrok.io/hook'],
  ])('with metadata such as "%s": %s is suspicious', async (key, value) => {
    expect((await scanned({ 'm.safetensors': safetensorsFile({ __metadata__: { [key]: value }, a: tensor }, four) })).verdict).toBe(
      'suspicious',
    );
  });
  test.each([
    ['no tensors', {}, new Uint8Array(0)],
    ['spaces behind its header', '{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}   ', four],
    [
      'a scalar and an empty tensor',
      { a: { dtype: 'F32', shape: [], data_offsets: [0, 4] }, b: { dtype: 'F32', shape: [0, 7], data_offsets: [4, 4] } },
      four,
    ],
    [
      'metadata',
      {
        __metadata__: {
          format: 'pt',
          modelspec: 'https://github.com/Stability-AI/ModelSpec',
          note: 'set the model path, then run the eval script',
        },
        a: tensor,
      },
      four,
    ],
  ] as const)('with %s is clean', async (_, header, data) => {
    expect(await scanned({ 'm.safetensors': safetensorsFile(header, data) })).toEqual({ verdict: 'clean', rules: [] });
  });
});

describe('a GGUF file', () => {
  const weight = { name: 'w', dims: [8], type: 0, offset: 0 };
  const data = new Uint8Array(32);
  test.each([
    [
      'a key twice',
      {
        keys: [
          ['a', u32(1)],
          ['a', u32(2)],
        ],
      },
    ],
    ['an empty key', { keys: [['', u32(1)]] }],
    ['an alignment of 13', { keys: [['general.alignment', u32(13)]] }],
    ['an alignment of another type', { keys: [['general.alignment', { type: 5, value: 32 }]] }],
    ['a tensor twice', { tensors: [weight, { ...weight, offset: 32 }], data: new Uint8Array(64) }],
    ['a name of 64 bytes', { tensors: [{ ...weight, name: 'n'.repeat(64) }], data }],
    ['five axes', { tensors: [{ ...weight, dims: [2, 2, 2, 1, 1] }], data }],
    ['a negative size', { tensors: [{ ...weight, dims: [-8n] }], data }],
    ['a product over 2^63', { tensors: [{ ...weight, dims: [1n << 32n, 1n << 32n] }], data }],
    ['a removed type', { tensors: [{ ...weight, type: 4 }], data }],
    ['a row that ends inside a block', { tensors: [{ ...weight, dims: [33], type: 8 }], data: new Uint8Array(96) }],
    [
      'tensors out of order',
      {
        tensors: [
          { ...weight, offset: 32 },
          { ...weight, name: 'v', offset: 0 },
        ],
        data: new Uint8Array(64),
      },
    ],
    ['a zero in a name', { tensors: [{ ...weight, name: 'w\0x' }], data }],
    ['a place off the alignment', { tensors: [{ ...weight, offset: 8 }], data: new Uint8Array(64) }],
    ['a place beyond the file', { tensors: [{ ...weight, offset: 1n << 40n }], data }],
    ['more tensors than bytes', { tensorCount: 1n << 40n }],
    ['more keys than bytes', { keyCount: 1n << 60n }],
    ['an array of arrays', { keys: [['a', { type: 9, value: { of: 9, items: [] } }]] }],
    ['version 0', { version: 0 }],
    ['version 99', { version: 99 }],
  ] as const)('with %s is named broken', async (_, parts) => {
    expect(await scanned({ 'm.gguf': writeGguf(parts as never) })).toMatchObject({ verdict: 'unreadable', rules: ['broken-file'] });
  });
  test.each(['tokenizer.chat_template', 'tokenizer.chat_template.tool_use', 'some.other.key'])(
    'whose %s reaches out is malicious',
    async (key) => {
      expect((await scanned({ 'm.gguf': writeGguf({ keys: [[key, ggufText("{{ ''.__class__ }}")]] }) })).rules).toContain(
        'template-reaches-out',
      );
    },
  );
  test('whose special tokens lie outside its vocabulary is suspicious', async () => {
    const file = writeGguf({
      keys: [
        ['tokenizer.ggml.tokens', { type: 9, value: { of: 8, items: ['a', 'b'] } }],
        ['tokenizer.ggml.eos_token_id', u32(5)],
      ],
    });
    expect((await scanned({ 'm.gguf': file })).rules).toEqual(['tokenizer-ids']);
  });
  test('whose key is a path is suspicious', async () => {
    expect((await scanned({ 'm.gguf': writeGguf({ keys: [['../../../etc/passwd', ggufText('root')]] }) })).rules).toEqual([
      'metadata-code',
    ]);
  });
  test('of an image model may have longer names', async () => {
    const file = writeGguf({ keys: [['general.architecture', ggufText('flux')]], tensors: [{ ...weight, name: 'n'.repeat(100) }], data });
    expect((await scanned({ 'm.gguf': file })).verdict).toBe('clean');
  });
  test('with an honest template is clean', async () => {
    const keys = [
      ['general.architecture', ggufText('llama')],
      ['tokenizer.chat_template', ggufText("{% for m in messages %}{{ m['content'] }}{% endfor %}")],
      ['general.url', ggufText('https://huggingface.co/a/b')],
    ] as const;
    expect(await scanned({ 'm.gguf': writeGguf({ keys, tensors: [weight], data }) })).toEqual({ verdict: 'clean', rules: [] });
  });
});

describe('a file that is not what its name says', () => {
  const safetensors = safetensorsFile({ a: tensor }, four);
  const gguf = writeGguf({});
  const pickle = latin1('\x80\x02}.');
  const zip = zipBytes([{ name: 'a.txt', data: text('a') }]);
  test.each([
    ['safetensors', 'm.gguf', safetensors],
    ['safetensors', 'm.onnx', safetensors],
    ['GGUF', 'm.safetensors', gguf],
    ['a pickle', 'm.safetensors', pickle],
    ['a pickle', 'm.gguf', pickle],
    ['a pickle', 'm.h5', pickle],
    ['a pickle', 'README.md', pickle],
    ['a pickle', 'photo.png', pickle],
    ['an archive', 'm.safetensors', zip],
    ['an archive', 'm.onnx', zip],
    ['HDF5', 'm.npz', hdf5([])],
  ])('(%s as %s) is suspicious', async (_, name, file) => {
    const { verdict, rules } = await scanned({ [name]: file });
    expect(rules).toContain('wrong-extension');
    expect(verdict).toBe('suspicious');
  });
  test.each([
    ['an ELF program', latin1('\x7fELF\x02\x01\x01' + '\0'.repeat(80))],
    ['a Windows program', joinBytes(latin1('MZ\x90'), new Uint8Array(75), latin1('This program cannot be run in DOS mode'))],
    ['a Mach-O program', joinBytes(latin1('\xcf\xfa\xed\xfe'), new Uint8Array(60))],
  ])('(%s as weights) is malicious', async (_, file) => {
    expect((await scanned({ 'm.bin': file })).rules).toContain('program-as-weights');
  });
  test.each([
    ['noise', 'm.gguf', le(4, 0x12345678, 3, 0, 0)],
    ['noise', 'm.safetensors', le(8, 2 ** 40, 7)],
    ['noise', 'm.h5', latin1('\x01\x02\x03\x04 nothing')],
    ['text', 'm.nemo', latin1('not a tar')],
    ['text', 'm.mar', latin1('not an archive')],
    ['noise', 'm.tflite', latin1('\x01\x02\x03\x04\x05\x06\x07\x08\xff')],
  ])('(%s as %s) is broken', async (_, name, file) => {
    expect((await scanned({ [name]: file })).rules).toContain('broken-file');
  });
  test.each([
    ['7z', latin1('7z\xbc\xaf\x27\x1c\x00\x04')],
    ['rar', latin1('Rar!\x1a\x07\x01\x00')],
    ['zstd', latin1('\x28\xb5\x2f\xfd\x04\x00')],
    ['nothing known', latin1('\xfe\xdc\xba\x98\x76\x54\x32\x10')],
  ])('(%s as .pt) is never passed over', async (_, file) => {
    expect((await scanned({ 'm.pt': file })).verdict).not.toBe('clean');
  });
  test.each([
    ['records', "[('a', '<f4'), ('b', '<i4', (2, 2))]", 20],
    ['dates', "'<M8[ns]'", 8],
    ['texts', "'<U3'", 12],
  ])('(an array of %s) needs all its values', async (_, descr, bytes) => {
    const head = `{'descr': ${descr}, 'fortran_order': False, 'shape': (2,), }\n`;
    const file = (size: number): Uint8Array => joinBytes(latin1('\x93NUMPY\x01\0'), le(2, head.length), latin1(head), new Uint8Array(size));
    expect((await scanned({ 'a.npy': file(2 * bytes) })).verdict).toBe('clean');
    expect((await scanned({ 'a.npy': file(2 * bytes - 1) })).rules).toEqual(['broken-file']);
    expect((await scanned({ 'a.npy': joinBytes(file(2 * bytes), latin1('\n')) })).verdict).toBe('clean');
    expect((await scanned({ 'a.npy': joinBytes(file(2 * bytes), latin1('more')) })).rules).toEqual(['trailing-data']);
  });
  test('(a pickle and a line break) is a pickle', async () => {
    expect(await scanned({ 'a.pkl': latin1('\x80\x02K\x01.\r\n') })).toEqual({ verdict: 'clean', rules: [] });
  });
  test('(a program behind raw values) is malicious', async () => {
    const file = joinBytes(le(4, 1, 2, 3, 0x3f800000), latin1('\x7fELF\x02\x01\x01' + '\0'.repeat(40)));
    expect((await scanned({ 'm.bin': file })).rules).toContain('program-as-weights');
  });
  test.each([
    ['that starts programs', ['os', 'system'], 'code-calls'],
    ['of plain arithmetic', ['torch', 'relu'], 'code-beside-weights'],
  ] as const)('(compiled Python %s) is read without running it', async (_, names, rule) => {
    const file = joinBytes(latin1('\xa7\x0d\r\n'), new Uint8Array(12), bytecode(names));
    expect((await scanned({ '__pycache__/modeling.cpython-311.pyc': file })).rules).toEqual([rule]);
  });
  test('(nothing known under a name that promises nothing) is told and accuses nobody', async () => {
    expect(await scanned({ 'weights.data': latin1('\xfe\x01\xba\x02\x76\x54') })).toEqual({ verdict: 'clean', rules: ['unknown-content'] });
  });
  test('raw values of another file are no program', async () => {
    expect((await scanned({ 'weights.bin': joinBytes(latin1('MZ'), new Uint8Array(200)) })).verdict).not.toBe('malicious');
  });
  test('a real ONNX model under another name is judged by its content', async () => {
    const file = sharedBytes('safety-corpus/onnx/backend_test_Conv2d_depthwise_model.onnx');
    expect((await scanned({ 'model.bin': file })).verdict).toBe('clean');
  });
  test('a TorchScript archive without a name, JSON, and text are what they are', async () => {
    expect((await scanned({ 'config.json': json({ a: 1 }), LICENSE: text('Apache License'), 'README.md': text('# model') })).verdict).toBe(
      'clean',
    );
  });
});
