/** Files of our own, as bytes: honest ones that look like attacks. */
import { deflateRawSync, deflateSync, gzipSync } from 'node:zlib';
import { describe, expect, test } from 'vitest';
import { joinBytes, latin1, le } from '../weights/testing/index.ts';
import { b, type Case, DTYPE, g, legacy, memory, npy, P, pkl, s, scan, TENSOR, u64, wrapper, zip } from './testing/pickled.ts';

const HONEST: readonly Case[] = [
  ['a member of an enumeration', 'a.pkl', `${P}${g('builtins', 'getattr')}${g('http', 'HTTPStatus')}${s('OK')}\x86R.`, 'clean'],
  ['an exception', 'a.pkl', `cexceptions\nValueError\n(S'bad'\ntR.`, 'clean'],
  ['a function that NumPy and a transformer share', 'a.pkl', `${P}${g('numpy.core._multiarray_umath', 'log1p')}.`, 'clean'],
  [
    'a scorer of scikit-learn',
    'a.pkl',
    `${P}${g('sklearn.metrics._scorer', '_PredictScorer')})\x81}${s('_score_func')}${g('sklearn.metrics._classification', 'f1_score')}sb.`,
    'clean',
  ],
  ['legacy storages', 'm.pt', legacy(joinBytes(le(8, 4), new Uint8Array(16))), 'clean'],
  ['three arrays one behind the other', 'a.npy', npy('<f8', '(1,)', 'abcdefgh').repeat(3), 'clean'],
  [
    'names of arrays that differ by case',
    'a.npz',
    zip({ name: 'x.npy', data: latin1(npy('<f4', '(1,)', '1234')) }, { name: 'X.npy', data: latin1(npy('<f4', '(1,)', '1234')) }),
    'clean',
  ],
  ['words of which two look like an import', 'a.zip', zip({ name: 'README.txt', data: latin1('functions:\ncos\nsin\ntan\n') }), 'clean'],
  ['a pickle whose bytes hold the mark of tar', 'a.pkl', `${P}X\x00\x02\x00\x00${`${'a'.repeat(250)}ustar`.padEnd(512, 'a')}.`, 'clean'],
  ['None', 'a.pkl', 'N.', 'clean'],
  [
    'numbers of every protocol',
    'a.pkl',
    `${P}(I1\nI01\nL5L\nF1.5\nJ\xff\xff\xff\xffK\x01M\x01\x02G\x3f\xf0\0\0\0\0\0\0\x8a\x01\x05\x8b\x01\0\0\0\x05\x88\x89t.`,
    'clean',
  ],
  ['texts of every protocol', 'a.pkl', `${P}(S'a'\nVb\nU\x01cT\x01\0\0\0dX\x01\0\0\0e${s('f')}\x8d${u64(1)}gt.`, 'clean'],
  ['bytes of every protocol', 'a.pkl', `\x80\x05(B\x01\0\0\0a${b('b')}\x8e${u64(1)}c\x96${u64(1)}dt.`, 'clean'],
  ['buffers out of band', 'a.pkl', '\x80\x05(\x97\x98\x97t.', 'clean'],
  ['lists, sets and tuples', 'a.pkl', `${P}(]K\x01a(K\x01l\x8f(K\x01\x90(K\x01\x91)K\x01\x85K\x01K\x02\x86K\x01K\x02K\x03\x87t.`, 'clean'],
  ['a list that holds itself once', 'a.pkl', `${P}]\x94h\x00a.`, 'clean'],
  ['a dictionary that its children point at', 'a.pkl', `${P}}\x94${s('children')}](}${s('parent')}h\x00s}${s('parent')}h\x00ses.`, 'clean'],
  ['frames with large bytes between them', 'a.pkl', `${P}\x95${u64(4)}]\x94NaB\x03\0\0\0abca\x95${u64(3)}Na..`.slice(0, -1), 'clean'],
  ['an empty ordered dictionary', 'a.pkl', 'ccollections\nOrderedDict\n)R.', 'clean'],
  ['an ordered dictionary of Python 2', 'a.pkl', "ccollections\nOrderedDict\n((lp0\n(lp1\nS'k'\naI1\naatR.", 'clean'],
  [
    'an ordered dictionary with items and attributes',
    'a.pkl',
    `${P}${g('collections', 'OrderedDict')})R(${s('a')}K\x01u}${s('_metadata')}}sb.`,
    'clean',
  ],
  ['a default dictionary of lists', 'a.pkl', `${P}${g('collections', 'defaultdict')}${g('builtins', 'list')}\x85R(${s('a')}]u.`, 'clean'],
  ['a deque', 'a.pkl', `${P}${g('collections', 'deque')})K\x05\x86R(K\x01K\x02e.`, 'clean'],
  ['a counter', 'a.pkl', `${P}${g('collections', 'Counter')}}${s('a')}K\x01s\x85R.`, 'clean'],
  ['bytes of protocol 2', 'a.pkl', '\x80\x02c_codecs\nencode\nX\x02\0\0\0abX\x06\0\0\0latin1\x86R.', 'clean'],
  ['a set of protocol 2', 'a.pkl', '\x80\x02c__builtin__\nset\n](K\x01e\x85R.', 'clean'],
  ['a byte array', 'a.pkl', `${P}${g('builtins', 'bytearray')}${b('abc')}\x85R.`, 'clean'],
  ['a complex number', 'a.pkl', `${P}${g('builtins', 'complex')}G\x3f\xf0\0\0\0\0\0\0K\x02\x86R.`, 'clean'],
  ['a slice and a range', 'a.pkl', `${P}(${g('builtins', 'slice')}(NK\x05NtR${g('builtins', 'range')}(K\x00K\x05K\x01tRt.`, 'clean'],
  ['a date', 'a.pkl', `${P}${g('datetime', 'datetime')}${b('\x07\xe8\x01\x01\0\0\0\0\0\0')}\x85R.`, 'clean'],
  ['a span of time', 'a.pkl', `${P}${g('datetime', 'timedelta')}K\x01K\x02K\x03\x87R.`, 'clean'],
  [
    'a decimal and a fraction',
    'a.pkl',
    `${P}(${g('decimal', 'Decimal')}${s('-1.50E+3')}\x85R${g('fractions', 'Fraction')}${s('1/3')}\x85Rt.`,
    'clean',
  ],
  ['a path', 'a.pkl', `${P}${g('pathlib', 'PosixPath')}${s('/')}${s('data')}\x86R.`, 'clean'],
  ['settings of a command line', 'a.pkl', `${P}${g('argparse', 'Namespace')})\x81}${s('lr')}G\x3f\xf0\0\0\0\0\0\0sb.`, 'clean'],
  ['an object by copyreg', 'a.pkl', 'ccopy_reg\n_reconstructor\n(cargparse\nNamespace\nc__builtin__\nobject\nNtR(dS"a"\nI1\nsb.', 'clean'],
  [
    'a NumPy array',
    'a.pkl',
    `${P}${g('numpy.core.multiarray', '_reconstruct')}(${g('numpy', 'ndarray')}K\x00\x85${b('b')}tR(K\x01K\x02\x85${DTYPE('f8')}\x89${b('x'.repeat(16))}tb.`,
    'clean',
  ],
  [
    'a NumPy array of version 2',
    'a.pkl',
    `${P}${g('numpy._core.multiarray', '_reconstruct')}(${g('numpy', 'ndarray')}K\x00\x85${b('b')}tR(K\x01K\x02\x85${DTYPE('f8')}\x89${b('x'.repeat(16))}tb.`,
    'clean',
  ],
  ['a NumPy number', 'a.pkl', `${P}${g('numpy.core.multiarray', 'scalar')}${DTYPE('f8')}${b('x'.repeat(8))}\x86R.`, 'clean'],
  [
    'a NumPy array out of a buffer',
    'a.pkl',
    `\x80\x05${g('numpy.core.numeric', '_frombuffer')}(\x97${DTYPE('f8')}K\x02\x85${s('C')}tR.`,
    'clean',
  ],
  [
    'a state dict',
    'm.pt',
    zip(pkl(`${P}}${s('w')}${TENSOR()}s.`), { name: 'm/data/0', data: new Uint8Array(16) }, { name: 'm/version', data: latin1('3\n') }),
    'clean',
  ],
  [
    'values that look like a pickle',
    'm.pt',
    zip(pkl(`${P}}${s('w')}${TENSOR()}s.`), { name: 'm/data/0', data: latin1('\x80\x02cos\nsystem\n)R.') }),
    'clean',
  ],
  [
    'a parameter',
    'm.pt',
    zip(pkl(`${P}${g('torch._utils', '_rebuild_parameter')}(${TENSOR()}\x88${g('collections', 'OrderedDict')})RtR.`), {
      name: 'm/data/0',
      data: new Uint8Array(16),
    }),
    'clean',
  ],
  [
    'a device, a size and a type',
    'a.pkl',
    `${P}(${g('torch', 'device')}${s('cuda')}K\x00\x86R${g('torch', 'Size')}(K\x01K\x02t\x85R${g('torch', 'float16')}t.`,
    'clean',
  ],
  [
    'a whole layer',
    'a.pkl',
    `${P}${g('torch.nn.modules.linear', 'Linear')})\x81}(${s('training')}\x88${s('in_features')}K\x02ub.`,
    'clean',
  ],
  [
    'an estimator',
    'a.pkl',
    `${P}${g('sklearn.linear_model._base', 'LinearRegression')})\x81}(${s('fit_intercept')}\x88${s('_sklearn_version')}${s('1.5')}ub.`,
    'clean',
  ],
  ['a tree of an estimator', 'a.pkl', `${P}${g('sklearn.tree._tree', 'Tree')}(K\x02NK\x01tR}${s('max_depth')}K\x03sb.`, 'clean'],
  ['a joblib array', 'a.joblib', `${P}${wrapper('f8', 2)}${'.'.repeat(16)}.`, 'clean'],
  [
    'two joblib arrays, one aligned',
    'a.joblib',
    `${P}(${wrapper('f8', 2)}${'\x80\x04cos\n'.repeat(4).slice(0, 16)}${wrapper('f4', 2, '\x02\xff\xff')}${'R'.repeat(8)}t.`,
    'clean',
  ],
  ['a joblib array of objects', 'a.joblib', `${P}(${wrapper('O8', 1)}${P}](K\x01e.Nt.`, 'clean'],
  ['an array', 'a.npy', npy('<f4', '(2,)', '12345678'), 'clean'],
  ['an object array of numbers', 'a.npy', npy('|O', '(1,)', `${P}](K\x01e.`), 'clean'],
  [
    'two arrays',
    'a.npz',
    zip({ name: 'x.npy', data: latin1(npy('<f4', '(1,)', '1234')) }, { name: 'y.npy', data: latin1(npy('<f4', '(1,)', '1234')) }),
    'clean',
  ],
  ['gzip', 'a.pkl.gz', gzipSync(latin1(`${P}}.`)), 'clean'],
  ['zlib', 'a.joblib', deflateSync(latin1(`${P}}.`)), 'clean'],
  ["joblib's old container", 'a.pkl', `ZF${'0x4'.padEnd(19)}${memory(deflateSync(latin1(`${P}}.`)))}`, 'clean'],
  [
    'an archive with packed members',
    'm.zip',
    zip({ name: 'x.txt', data: deflateRawSync(latin1('hello')), method: 8, size: 5, crc: 0x3610a686 }),
    'clean',
  ],
  ['a storage that is a pickle of its own', 'a.pkl', `${P}${g('torch.storage', '_load_from_bytes')}${b(`${P}}.`)}\x85R.`, 'clean'],
  ['bytes that are an archive', 'a.pkl', `${P}${b(memory(zip({ name: 'x', data: latin1('hello') })))}.`, 'clean'],
  ['two pickles', 'a.pkl', `${P}N.${P}}.`, 'clean'],
  ['a text that says how to import', 'a.pkl', `${P}${s('import os; os.system("ls")')}.`, 'clean'],
  ['bytes that are a harmless pickle', 'a.pkl', `${P}${b(`${P}}.`)}.`, 'clean'],
];

describe('an honest file of', () => {
  test.each(HONEST)('%s is clean', async (_, path, content, verdict) => {
    const file = await scan(path, content);
    expect(file.verdict, JSON.stringify(file.findings.map((one) => one.what))).toBe(verdict);
  });
});
test('the honest files are at least 40, no two alike', () => {
  expect(new Set(HONEST.map(([, path, content]) => `${path} ${String(content)}`)).size).toBe(HONEST.length);
  expect(HONEST.length).toBeGreaterThanOrEqual(40);
});

test('all imports of a file are listed, also behind arrays', async () => {
  const file = await scan('a.joblib', `${P}(${wrapper('f8', 1)}abcdefgh${g('sklearn.svm._classes', 'SVC')})\x81t.`);
  expect(file.verdict).toBe('clean');
  expect(file.imports).toEqual(['joblib.numpy_pickle.NumpyArrayWrapper', 'numpy.ndarray', 'numpy.dtype', 'sklearn.svm._classes.SVC']);
});

test.each([
  ['a module and a function side by side', `${P}}(${s('loader')}${s('importlib')}${s('method')}${s('reload')}u.`, 'code-in-data'],
  ['a pickle in base64', `${P}}${s('x')}${s('gASMBXBvc2l4jAZzeXN0ZW2Tjkg=')}s.`, null],
  ['a harmless pickle in base64', `${P}}${s('x')}${s('gARdlEsBYUsCYS4=')}s.`, 'pickle-in-data'],
  ['a harmless pickle in hexadecimal', `${P}}${s('x')}${s('80045d944b01612e')}s.`, 'pickle-in-data'],
])('%s is noted and accuses nobody', async (_, content, rule) => {
  const file = await scan('a.pkl', content);
  expect(file.verdict).toBe('clean');
  expect(file.findings.map((one) => one.rule)).toEqual(rule === null ? [] : [`safety/${rule}`]);
});
