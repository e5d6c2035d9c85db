/** Arrays and tensors in their containers, honest and not: PyTorch's three, NumPy's two, joblib's, HDF5. */
import { deflateSync } from 'node:zlib';
import { CONTIGUOUS, EXTERNAL_FILE, externalLink, FLOATS, hdf5, textAttribute, VIRTUAL } from '../../src/safety/testing/made.ts';
import {
  dictPickle,
  entry,
  joinBytes,
  latin1,
  le,
  pickledText,
  type TestMember,
  torchZip,
  zipBytes,
} from '../../src/weights/testing/index.ts';
import { tarBytes, type TestTensor, torchLegacy, torchTar } from '../../src/weights/testing/torch-files.ts';
import { makeContent } from './make-archives.ts';
import { makeKerasConfig } from './make-texts.ts';
import { makePickle } from './pickles.ts';
import type { Random } from './random.ts';

const text = (bytes: Uint8Array): string => new TextDecoder('latin1').decode(bytes);
const short = (value: string): string => `\x8c${String.fromCharCode(value.length)}${value}`;
const named = (module: string, name: string): string => `${short(module)}${short(name)}\x93`;

function size(random: Random): number {
  return random.chance(0.9) ? random.int(5) : random.pick([-1, 255, 65_536, 2 ** 31, 2 ** 40, 2 ** 53]);
}
function tensors(random: Random, keys: readonly string[]): TestTensor[] {
  return Array.from({ length: random.int(5) }, (_, i) => {
    const shape = Array.from({ length: random.int(4) }, () => size(random));
    const dense = shape.map((__, axis) => shape.slice(axis + 1).reduce((product, one) => product * one, 1));
    return {
      name: random.chance(0.9) ? `t${i}.weight` : random.pick(['', '__metadata__', 't0.weight', '\u00e9']),
      key: random.pick([...keys, '9']),
      numel: random.chance(0.8) ? 16 : size(random),
      start: random.chance(0.7) ? 0 : size(random),
      shape,
      stride: random.chance(0.7) ? dense : shape.map(() => size(random)),
      type: random.pick([
        'FloatStorage',
        'HalfStorage',
        'BFloat16Storage',
        'LongStorage',
        'BoolStorage',
        'QInt8Storage',
        'ComplexFloatStorage',
        'Nothing',
      ]),
      ...(random.chance(0.2) && { view: ['v', random.int(9), random.int(9)] as const }),
    };
  });
}
const values = (random: Random): Record<string, Uint8Array> =>
  Object.fromEntries(
    ['0', '1'].map((key) => [key, Uint8Array.from({ length: random.chance(0.9) ? 64 : 4 * random.int(50) }, () => random.int(256))]),
  );
/** What stands beside tensors in a checkpoint: numbers, texts, other pickles' steps. */
function beside(random: Random): string {
  const parts = [
    'N',
    '}',
    'K\x01',
    ']',
    'ccollections\nOrderedDict\n)R',
    pickledText('x'),
    'ctorch\nfloat32\n',
    'ctorch._utils\n_rebuild_sparse_tensor\n(ctorch\nsparse_coo\n)tR',
    'cargparse\nNamespace\n)R',
  ];
  return Array.from({ length: random.int(3) }, (_, i) => entry(`k${i}`, random.pick(parts))).join('');
}

export function makeTorchZip(random: Random): Uint8Array {
  const more: TestMember[] = random.chance(0.3)
    ? [
        {
          name: random.pick(['m/version', 'm/byteorder', 'm/.data/serialization_id', 'm/constants.pkl', 'm/data/2']),
          data: random.chance(0.5) ? latin1('big') : makePickle(random),
        },
      ]
    : [];
  return torchZip(dictPickle(tensors(random, ['0', '1']), beside(random)), values(random), more);
}
/** An archive of a program: its code is text, its constants are a pickle. */
export function makeTorchScript(random: Random): Uint8Array {
  const code = random
    .pick([
      'def forward(self, x: Tensor) -> Tensor:\n  return torch.save(x, "/tmp/a")\n',
      'ops.acme.run(x)\n',
      '_0 = torch.from_file("a")\n',
      'import __torch__\n',
      'x'.repeat(random.int(3000)),
    ])
    .repeat(1 + random.int(4));
  const object = `\x80\x02c__torch__.m\nM\n)\x81}(X\x06\0\0\0weight${dictPickle(tensors(random, ['0'])).slice(2, -1)}ub.`;
  return zipBytes([
    { name: 'm/data.pkl', data: latin1(random.chance(0.8) ? object : text(makePickle(random))) },
    { name: 'm/code/__torch__/m.py', data: latin1(code) },
    { name: 'm/code/__torch__/m.py.debug_pkl', data: makePickle(random) },
    { name: 'm/constants.pkl', data: latin1('\x80\x02).') },
    ...Object.entries(values(random)).map(([key, data]) => ({ name: `m/data/${key}`, data })),
    { name: 'm/version', data: latin1('3\n') },
    ...(random.chance(0.2) ? [{ name: 'm/bytecode.pkl', data: makePickle(random) }] : []),
  ]);
}
export function makeTorchLegacy(random: Random): Uint8Array {
  const file = torchLegacy(dictPickle(tensors(random, ['0', '1']), beside(random), true), values(random));
  return random.chance(0.3) ? joinBytes(file, makePickle(random)) : file;
}
export function makeTorchTar(random: Random): Uint8Array {
  if (random.chance(0.3)) return torchTar();
  const streams = (count: number): Uint8Array =>
    joinBytes(
      latin1(`\x80\x02K${String.fromCharCode(count)}.`),
      ...Array.from({ length: count }, () =>
        joinBytes(
          latin1(`\x80\x02(K\x0a${pickledText('cpu')}ctorch\n${random.pick(['FloatStorage', 'FloatTensor'])}\nt.`),
          le(8, random.chance(0.8) ? random.int(9) : size(random)),
          new Uint8Array(random.int(40)),
        ),
      ),
    );
  return tarBytes([
    { name: 'sys_info', data: latin1('\x80\x02}.') },
    { name: 'storages', data: streams(random.int(4)) },
    { name: 'tensors', data: streams(random.int(4)) },
    { name: 'pickle', data: random.chance(0.5) ? latin1(`\x80\x02}${pickledText('w')}K\x0aQs.`) : makePickle(random) },
  ]);
}

const DESCRS = [
  "'<f4'",
  "'<f8'",
  "'|O'",
  "'<U3'",
  "'|V8'",
  "'|b1'",
  "'>i2'",
  "'<c8'",
  "'|S0'",
  "'<M8[ns]'",
  "[('a', '<f4'), ('b', '|O')]",
  "[('x', [('y', '|O')])]",
  "('<f4', (2,))",
  "'<U999999999999'",
  "{'names': ['a']}",
];
export function makeNpy(random: Random): Uint8Array {
  const shape = Array.from({ length: random.int(4) }, () => size(random));
  const spelled = random.chance(0.9)
    ? `(${shape.join(', ')}${shape.length === 1 ? ',' : ''})`
    : random.pick(['(((1,)))', '[1]', '()', '(1L,)', `(${'1,'.repeat(random.int(2000))})`, '('.repeat(random.int(2000))]);
  const descr = random.pick(DESCRS);
  const header =
    `{'descr': ${descr}, 'fortran_order': ${random.pick(['False', 'True', '0'])}, 'shape': ${spelled}, }`.padEnd(random.int(120)) + '\n';
  const version = random.pick([1, 1, 1, 2, 3, 9]);
  const length = version === 1 ? le(2, header.length) : le(4, header.length);
  const content = descr.includes('O') ? makePickle(random) : new Uint8Array(random.int(300)).map((_, i) => i * 7);
  return joinBytes(latin1(`\x93NUMPY${String.fromCharCode(version)}\0`), length, latin1(header), content);
}
export function makeNpz(random: Random): Uint8Array {
  return zipBytes(
    Array.from({ length: 1 + random.int(4) }, (_, i) => ({
      name: random.chance(0.9) ? `a${i}.npy` : 'a0.npy',
      data: random.chance(0.9) ? makeNpy(random) : makeContent(random),
    })),
  );
}

function dtype(descr: string): string {
  return `${named('numpy', 'dtype')}(${short(descr)}\x89\x88tR(K\x03${short('<')}NNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK\x00tb`;
}
/** Arrays in the stream (joblib 0.10 on), and names of files beside it (before). */
export function makeJoblib(random: Random): Uint8Array {
  const number = (value: number): string =>
    value >= 0 && value < 256 ? `K${String.fromCharCode(value)}` : `\x8a\x08${text(le(8, value))}`;
  const array = (): string => {
    const count = size(random);
    const descr = random.pick(['f8', 'f4', 'O8', 'U4', 'V3', 'b1', 'M8[ns]']);
    const aligned = random.chance(0.5) ? `${short('numpy_array_alignment_bytes')}K\x10` : '';
    const shape = random.chance(0.8) ? `${number(count)}\x85` : `${number(count)}${number(size(random))}\x86`;
    const raw = descr === 'O8' ? text(makePickle(random)) : '.'.repeat(Math.min(64, Math.max(0, count * 8)));
    return `${named('joblib.numpy_pickle', 'NumpyArrayWrapper')})\x81}(${short('subclass')}${named('numpy', 'ndarray')}${short('shape')}${shape}${short('order')}${short('C')}${short('dtype')}${dtype(descr)}${short('allow_mmap')}\x88${aligned}ub${aligned ? '\x03...' : ''}${raw}`;
  };
  const old = (): string =>
    `${named('joblib.numpy_pickle', random.pick(['NDArrayWrapper', 'ZNDArrayWrapper']))})\x81}(${short('filename')}${short(random.pick(['a.pkl_01.npy', '../../x.npy', '/etc/passwd']))}${short('subclass')}${named('numpy', 'ndarray')}ub`;
  const parts = Array.from({ length: 1 + random.int(4) }, () => (random.chance(0.8) ? array() : old())).join('');
  const pickle = latin1(`\x80\x04(${parts}${random.chance(0.2) ? 'cposix\nsystem\n(S"id"\ntR' : ''}t.`);
  if (random.chance(0.8)) return pickle;
  return random.chance(0.5)
    ? new Uint8Array(deflateSync(pickle))
    : joinBytes(latin1(`ZF${`0x${pickle.length.toString(16)}`.padEnd(19)}`), new Uint8Array(deflateSync(pickle)));
}

type Message = readonly [type: number, data: Uint8Array];
export function makeHdf5(random: Random): Uint8Array {
  const attribute = (): Message =>
    random.pick([
      () => textAttribute('model_config', makeKerasConfig(random).slice(0, 60_000)),
      () => textAttribute('keras_version', '2.4.0'),
      () => textAttribute('layer_names', 'dense'),
      () => textAttribute('', ''),
      () => externalLink('out', random.pick(['/etc/passwd', 'a.h5', '']), '/x'),
      (): Message => [random.int(24), Uint8Array.from({ length: random.int(60) }, () => random.int(random.pick([4, 256])))],
    ])();
  const space = (): Message => [
    1,
    joinBytes(Uint8Array.of(2, random.int(4), random.int(2), 1), le(8, size(random), size(random), size(random))),
  ];
  const layout = random.pick([
    CONTIGUOUS,
    VIRTUAL,
    [8, joinBytes(Uint8Array.of(3, 0), le(2, random.int(99)), new Uint8Array(random.int(90)))] as Message,
    [8, joinBytes(Uint8Array.of(3, 2, 2 + random.int(3)), le(8, random.int(300)), le(4, 2, 2, 4))] as Message,
  ]);
  const filters: Message = [11, joinBytes(Uint8Array.of(2, 1), le(2, random.int(6), 0, 1), le(4, 6))];
  const dataset = [
    ...(random.chance(0.6) ? FLOATS : [space(), FLOATS[1]!]),
    ...(random.chance(0.2) ? [EXTERNAL_FILE] : []),
    ...(random.chance(0.2) ? [filters] : []),
    layout,
  ];
  return hdf5(Array.from({ length: random.int(5) }, attribute), random.chance(0.8) ? dataset : undefined);
}
export function makeKerasZip(random: Random): Uint8Array {
  return zipBytes([
    { name: 'config.json', data: new TextEncoder().encode(makeKerasConfig(random)) },
    { name: 'metadata.json', data: latin1('{"keras_version":"3.0.0"}') },
    { name: 'model.weights.h5', data: makeHdf5(random) },
    ...(random.chance(0.2) ? [{ name: random.pick(['assets/a.py', 'x.pkl', '../y', 'a.sh']), data: makeContent(random) }] : []),
  ]);
}
