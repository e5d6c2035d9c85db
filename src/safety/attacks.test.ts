/**
 * Files of our own, as bytes: what is tried against loaders and scanners, and honest files that look alike.
 */
import { deflateRawSync, deflateSync, gzipSync } from 'node:zlib';
import { describe, expect, test } from 'vitest';
import { memoryTree } from '../base/index.ts';
import { joinBytes, latin1, le, zipBytes, type TestMember } from '../weights/testing/index.ts';
import { type FileSafety, scanFile, type SafetyVerdict } from './index.ts';
import { BZIP2, LZMA, PACKED_SEVEN_ZIP, SEVEN_ZIP } from './testing/made.ts';

/** SHORT_BINUNICODE. */
const s = (text: string): string => `\x8c${String.fromCharCode(text.length)}${text}`;
/** STACK_GLOBAL. */
const g = (module: string, name: string): string => `${s(module)}${s(name)}\x93`;
/** SHORT_BINBYTES. */
const b = (bytes: string): string => `C${String.fromCharCode(bytes.length)}${bytes}`;
const P = '\x80\x04';
const SYSTEM = 'cposix\nsystem\n(S"id"\ntR.';
const u64 = (value: number): string => String.fromCharCode(...le(8, value));
const TENSOR = (
  storage = `(${s('storage')}${g('torch', 'FloatStorage')}${s('0')}${s('cpu')}K\x04tQ`,
  rest = 'K\x00K\x04\x85K\x01\x85\x89)Rt',
): string => `${g('torch._utils', '_rebuild_tensor_v2')}(${storage}${rest.replace(')R', `${g('collections', 'OrderedDict')})R`)}R`;
const zip = (...members: TestMember[]): Uint8Array => zipBytes(members);
const pkl = (text: string, more: Partial<TestMember> = {}): TestMember => ({ name: 'm/data.pkl', data: latin1(text), ...more });
const DTYPE = (descr: string): string =>
  `${g('numpy', 'dtype')}(${s(descr)}\x89\x88tR(K\x03${s('<')}NNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK${descr.startsWith('O') ? '\x3f' : '\x00'}tb`;
const npy = (descr: string, shape: string, rest: string): string => {
  const header = `{'descr': ${descr.startsWith('[') ? descr : `'${descr}'`}, 'fortran_order': False, 'shape': ${shape}, }\n`;
  return `\x93NUMPY\x01\x00${String.fromCharCode(header.length, 0)}${header}${rest}`;
};
const wrapper = (descr: string, count: number, pad = ''): string =>
  `${g('joblib.numpy_pickle', 'NumpyArrayWrapper')})\x81}(${s('subclass')}${g('numpy', 'ndarray')}${s('shape')}K${String.fromCharCode(count)}\x85${s('order')}${s('C')}${s('dtype')}${DTYPE(descr)}${s('allow_mmap')}\x88${pad ? `${s('numpy_array_alignment_bytes')}K\x10` : ''}ub${pad}`;
const memory = (bytes: Uint8Array): string => String.fromCharCode(...bytes);

const patched = (bytes: Uint8Array, at: number, value: number): Uint8Array => bytes.with(at, value);

/** A record of a pax header; its length counts itself. */
const pax = (key: string, value: string): string => {
  const rest = ` ${key}=${value}\n`;
  const length = rest.length + String(rest.length + 2).length;
  return `${length}${rest}`;
};
/** A tar archive of members given by type, content, link and, where the header lies, size. */
const tar = (...members: (readonly [type: string, content: string, link?: string, size?: number])[]): Uint8Array =>
  latin1(
    `${members
      .map(([type, content, link = '', size = content.length]) => {
        const header =
          `${'name'.padEnd(100, '\0')}0000644\0${'0000000\0'.repeat(2)}${size.toString(8).padStart(11, '0')}\0${'0'.repeat(11)}\0${' '.repeat(8)}${type}${link.padEnd(100, '\0')}ustar\x0000`.padEnd(
            512,
            '\0',
          );
        const sum = [...header].reduce((total, letter) => total + letter.charCodeAt(0), 0);
        return `${header.slice(0, 148)}${sum.toString(8).padStart(6, '0')}\0 ${header.slice(156)}${content.padEnd(512 * Math.ceil(content.length / 512), '\0')}`;
      })
      .join('')}${'\0'.repeat(1024)}`,
  );

/** PyTorch's stream of five pickles with one tensor of four values. */
const legacy = (storages: Uint8Array): Uint8Array =>
  joinBytes(latin1(`\x80\x02\x8a\x0al\xfc\x9cF\xf9\x20j\xa8P\x19.${P}M\xe9\x03.${P}}.${P}${TENSOR()}.${P}]${s('0')}a.`), storages);

type Case = readonly [name: string, path: string, content: string | Uint8Array, verdict: SafetyVerdict];
const scan = (path: string, content: string | Uint8Array): Promise<FileSafety> =>
  scanFile(memoryTree('t', { [path]: typeof content === 'string' ? latin1(content) : content }), path);

const ATTACKS: readonly Case[] = [
  // The machine.
  ['a name fetched from the memo', 'a.pkl', `${P}${s('posix')}\x940${s('system')}\x940h\x00h\x01\x93${s('id')}\x85R.`, 'malicious'],
  ['a name doubled and dropped', 'a.pkl', `${P}${s('system')}${s('posix')}2000${s('posix')}${s('system')}\x93)R.`, 'malicious'],
  ['names behind a mark that is popped', 'a.pkl', `${P}(NNN1${s('posix')}${s('system')}\x93)R.`, 'malicious'],
  ['INST', 'a.pkl', '(S"id"\niposix\nsystem\n.', 'malicious'],
  ['OBJ, popped at once', 'a.pkl', '(cposix\nsystem\nS"id"\no0N.', 'malicious'],
  ['NEWOBJ', 'a.pkl', `${P}${g('subprocess', 'Popen')}${s('id')}\x85\x81.`, 'malicious'],
  ['NEWOBJ_EX with keywords', 'a.pkl', `${P}${g('subprocess', 'Popen')})}${s('args')}${s('id')}s\x92.`, 'malicious'],
  ['an extension code', 'a.pkl', `${P}\x82\x07)R.`, 'malicious'],
  ['an extension code of four bytes', 'a.pkl', `${P}\x84\x07\x01\x00\x00)R.`, 'malicious'],
  ['a module name that is computed', 'a.pkl', `${P}${g('builtins', 'str')}${s('posix')}\x85R${s('system')}\x93)R.`, 'malicious'],
  ['a text of protocol 0 with escapes', 'a.pkl', `${P}S'\\x70os\\151x'\nS'system'\n\x93)R.`, 'malicious'],
  ['a text of protocol 0 with \\u escapes', 'a.pkl', `${P}V\\u0070osix\nVsystem\n\x93)R.`, 'malicious'],
  ['a name of 8-byte length', 'a.pkl', `${P}\x8d${u64(5)}posix\x8d${u64(6)}system\x93)R.`, 'malicious'],
  ['the third of three pickles', 'a.pkl', `${P}N.${P}].${SYSTEM}`, 'malicious'],
  ['a pickle behind one that breaks', 'a.pkl', `${P}h\x09.${'x'.repeat(9)}${SYSTEM}`, 'malicious'],
  ['a payload before a cut', 'a.pkl', `${P}${g('posix', 'system')}${s('id')}\x85R\x8d${u64(100)}x`, 'malicious'],
  ['a frame that claims more than the file has', 'a.pkl', `${P}\x95${u64(9000)}${g('posix', 'system')}${s('id')}\x85R.`, 'malicious'],
  ['an argument that crosses a frame, to no end', 'a.pkl', `${P}\x95${u64(3)}${s('posix')}${s('system')}0.`, 'unreadable'],
  ['a frame in a frame', 'a.pkl', `${P}\x95${u64(16)}N0\x95${u64(4)}N0N.`, 'unreadable'],
  [
    'bytes that are instructions for readers that drop the rest of a frame',
    'a.pkl',
    `${P}(\x95${u64(2)}B\x07\x01\x00\x00\x00\x00${`${SYSTEM.slice(0, -1)}(`.padEnd(261, 'N')}1.`,
    'malicious',
  ],
  ['a line that such readers begin elsewhere', 'a.pkl', `${P}\x95${u64(4)}cmacos\nsystem\n.`, 'malicious'],
  ['an unknown name behind the rest of a frame', 'a.pkl', `${P}\x95${u64(3)}\x8c\x02z${'tt'}${s('boot')}\x93)R.`, 'malicious'],
  ['a list that holds itself twice', 'a.pkl', `${P}]\x94h\x00ah\x00a.`, 'malicious'],
  ['tuples of tuples', 'a.pkl', `${P})${'2\x86'.repeat(64)}.`, 'malicious'],
  [
    'dictionaries of dictionaries',
    'a.pkl',
    `${P}N${Array.from({ length: 50 }, (_, i) => `\x940}(K\x00h${String.fromCharCode(i)}K\x01h${String.fromCharCode(i)}u`).join('')}.`,
    'malicious',
  ],
  ['a memo number that takes gigabytes', 'a.pkl', `${P}Nr\xff\xff\xff\x7f.`, 'suspicious'],
  ['attributes set on an imported class', 'a.pkl', `${P}${g('collections', 'OrderedDict')}}${s('update')}Nsb.`, 'malicious'],
  ['items set on an imported name', 'a.pkl', `${P}${g('torch', 'float32')}K\x01K\x02s.`, 'malicious'],
  ['items added to an imported name', 'a.pkl', `${P}${g('torch', 'float32')}K\x01a.`, 'malicious'],
  ['a call of what a call returns', 'a.pkl', `${P}${g('collections', 'OrderedDict')})R)R.`, 'suspicious'],
  ['a call of plain data', 'a.pkl', `${P}K\x01)R.`, 'suspicious'],
  ['a memo key with underscores', 'a.pkl', 'Vposix\np1_0\n0g10\nVsystem\n\x93)R.', 'malicious'],
  [
    'an integer of thousands of bytes before the payload',
    'a.pkl',
    `${P}\x8b\x88\x13\x00\x00${'\x01'.repeat(5000)}0${g('boot', 'run')})R.`,
    'suspicious',
  ],
  ['an unknown name behind a break', 'a.pkl', `${P}\xff${P}${g('boot.strap', 'run')}${s('x')}\x85R.`, 'suspicious'],
  [
    'a state that is an ordered dictionary and replaces __class__',
    'a.pkl',
    `${P}${g('argparse', 'Namespace')})\x81${g('collections', 'OrderedDict')})R${s('__class__')}Nsb.`,
    'suspicious',
  ],
  [
    'a load through another call',
    'a.pkl',
    `${P}${g('torch._tensor', '_rebuild_from_type_v2')}(${g('torch.storage', '_load_from_bytes')}${g('torch', 'Tensor')}${b(SYSTEM)}\x85NtR.`,
    'malicious',
  ],
  [
    'a load of bytes written as a long text',
    'a.pkl',
    `${P}${g('torch.storage', '_load_from_bytes')}${g('_codecs', 'encode')}X${String.fromCharCode(...le(4, 80_002 + SYSTEM.length))}\xc2\x80\x02${SYSTEM.slice(0, -1)}${'N0'.repeat(39_999)}..${s('latin1')}\x86R\x85R.`,
    'malicious',
  ],
  ['thousands of empty pickles before one that acts', 'a.pkl', `${'N.'.repeat(2000)}${SYSTEM}`, 'malicious'],
  ['a mark of GGUF in a number', 'a.bin', `GGUF\x03\0\0\0\x000${SYSTEM}`, 'malicious'],
  ['a mark of TensorFlow Lite in a text', 'a.bin', `\x80\x02U\x04TFL30${SYSTEM}`, 'malicious'],
  ['a pickle of protocol 0 named as text', 'notes.txt', SYSTEM, 'malicious'],
  ['a pickle that begins with a number of one byte', 'a.bin', `\x8a\x01\x070${SYSTEM}`, 'malicious'],
  ['a state that replaces __setstate__', 'a.pkl', `${P}${g('argparse', 'Namespace')})\x81}${s('__setstate__')}Nsb.`, 'suspicious'],
  ['a state that replaces __class__ in slots', 'a.pkl', `${P}${g('argparse', 'Namespace')})\x81N}${s('__class__')}Ns\x86b.`, 'suspicious'],
  // joblib's arrays.
  [
    'an item size that NumPy does not heed',
    'a.joblib',
    `${P}(${wrapper('f8', 8).replace('NNNJ\xff\xff\xff\xff', 'NNNK\xc8')}${'\x01'.repeat(64)}${SYSTEM.slice(0, -1).padEnd(1536, 'N')}t.`,
    'malicious',
  ],
  [
    'an array whose values are instructions for plain unpicklers',
    'a.pkl',
    `${P}(${wrapper('u1', SYSTEM.length + 8)}0${SYSTEM.slice(0, -1)}((((((((t.`,
    'malicious',
  ],
  [
    'a wrapper made through copyreg',
    'a.joblib',
    `${P}(${wrapper('u1', 64).replace(`${g('joblib.numpy_pickle', 'NumpyArrayWrapper')})\x81`, `${g('copyreg', '__newobj__')}${g('joblib.numpy_pickle', 'NumpyArrayWrapper')}\x85R`)}${'.'.repeat(64)}${SYSTEM.slice(0, -1)}t.`,
    'malicious',
  ],
  [
    'an array that is given a state twice',
    'a.joblib',
    `${P}(${wrapper('u1', 64)}${'.'.repeat(64)}}b${'.'.repeat(64)}${SYSTEM.slice(0, -1)}t.`,
    'malicious',
  ],
  [
    'array values on disk elsewhere',
    'a.pkl',
    `${P}${g('joblib.numpy_pickle', 'NDArrayWrapper')})\x81}${s('filename')}${s('../../x.npy')}sb.`,
    'malicious',
  ],
  // Names.
  ['a dotted name to another module', 'a.pkl', `${P}${g('collections', 'abc.sys.modules')}.`, 'malicious'],
  ['a dotted name through a class', 'a.pkl', `${P}${g('builtins', 'int.__subclasses__')})R.`, 'malicious'],
  ['a module of Python 2', 'a.pkl', 'ccommands\ngetoutput\n(S"id"\ntR.', 'malicious'],
  ['a module nobody knows', 'a.pkl', 'cconfig_util\nsetup\n)R.', 'suspicious'],
  ['a class of the program itself', 'a.pkl', 'c__main__\nModel\n)\x81.', 'suspicious'],
  ['a module of a listed package that is not listed', 'a.pkl', `${P}${g('numpy.lib.polynomial', 'poly')})R.`, 'suspicious'],
  ['a function where the list has classes', 'a.pkl', `${P}${g('torch.nn.modules.module', '_forward_unimplemented')})R.`, 'suspicious'],
  ['a class of TorchScript outside of it', 'a.pkl', `${P}${g('__torch__', 'Net')})\x81.`, 'suspicious'],
  ['a name with a look-alike letter', 'a.pkl', `${P}${g('bui1tins', 'list')})R.`, 'suspicious'],
  // Arguments.
  ['a text for an ordered dictionary', 'a.pkl', `${P}${g('collections', 'OrderedDict')}${s('x')}\x85R.`, 'malicious'],
  ['bytes for a counter', 'a.pkl', `${P}${g('collections', 'Counter')}${b('x')}\x85R.`, 'malicious'],
  ['a function for a set', 'a.pkl', `${P}${g('builtins', 'set')}${g('torch', 'float32')}\x85R.`, 'malicious'],
  ['another codec', 'a.pkl', `${P}${g('_codecs', 'encode')}(${s('x')}${s('zlib')}tR.`, 'malicious'],
  ['no codec', 'a.pkl', `${P}${g('_codecs', 'encode')}${s('x')}\x85R.`, 'malicious'],
  [
    'an ordered dictionary through copyreg',
    'a.pkl',
    `${P}${g('copyreg', '__newobj__')}${g('collections', 'OrderedDict')}${s('x')}\x86R.`,
    'malicious',
  ],
  [
    'a text through a tensor subclass',
    'a.pkl',
    `${P}${g('torch._tensor', '_rebuild_from_type_v2')}(${g('collections', 'OrderedDict')}${g('torch', 'Tensor')}${s('x')}\x85}tR.`,
    'malicious',
  ],
  ['a terabyte of zeros', 'a.pkl', `${P}${g('builtins', 'bytearray')}\x8a\x06\x00\x00\x00\x00\x00\x01\x85R.`, 'suspicious'],
  [
    'an array of a terabyte before its state',
    'a.pkl',
    `${P}${g('numpy.core.multiarray', '_reconstruct')}(${g('numpy', 'ndarray')}\x8a\x06\x00\x00\x00\x00\x00\x01\x85${s('b')}tR.`,
    'malicious',
  ],
  ['a scalar of objects', 'a.pkl', `${P}${g('numpy.core.multiarray', 'scalar')}${DTYPE('O8')}${b('x')}\x86R.`, 'malicious'],
  ['a call of a type of numbers', 'a.pkl', `${P}${g('torch', 'float32')})R.`, 'suspicious'],
  ['a call of a function that is only named', 'a.pkl', `${P}${g('numpy', 'exp')}K\x01\x85R.`, 'suspicious'],
  ['a tensor on a text', 'a.pkl', `${P}${TENSOR(s('x'))}.`, 'malicious'],
  ['items set on a tensor', 'a.pkl', `${P}${TENSOR()}K\x00K\x01s.`, 'suspicious'],
  ['a layer that is given a text', 'a.pkl', `${P}${g('torch.nn.modules.linear', 'Linear')}${s('x')}\x85R.`, 'suspicious'],
  // Pickles in other things.
  ['a pickle that a pickle loads', 'a.pkl', `${P}${g('torch.storage', '_load_from_bytes')}${b(`\x80\x02${SYSTEM}`)}\x85R.`, 'malicious'],
  [
    'a long pickle that a pickle loads',
    'a.pkl',
    `${P}${g('torch.storage', '_load_from_bytes')}B${String.fromCharCode(...le(4, 70_000 + SYSTEM.length))}${'N0'.repeat(35_000)}${SYSTEM}\x85R.`,
    'malicious',
  ],
  [
    'an archive that a pickle loads',
    'a.pkl',
    `${P}${g('torch.storage', '_load_from_bytes')}B${String.fromCharCode(...le(4, zip(pkl(SYSTEM)).length))}${memory(zip(pkl(SYSTEM)))}\x85R.`,
    'malicious',
  ],
  [
    'computed bytes that a pickle loads',
    'a.pkl',
    `${P}${g('torch.storage', '_load_from_bytes')}${g('collections', 'OrderedDict')})R\x85R.`,
    'suspicious',
  ],
  ['an object array', 'a.npy', npy('|O', '(1,)', SYSTEM), 'malicious'],
  ['a record with objects in it', 'a.npy', npy("[('a', '<f4'), ('x', '|O')]", '(1,)', SYSTEM), 'malicious'],
  ['an .npy that is a pickle', 'a.npy', SYSTEM, 'malicious'],
  ['an object array in an .npz', 'a.npz', zip({ name: 'x.npy', data: latin1(npy('|O', '(1,)', SYSTEM)) }), 'malicious'],
  [
    'a call behind a joblib array',
    'a.joblib',
    `${P}(${wrapper('f8', 2)}${'\x2e'.repeat(16)}${g('posix', 'system')}${s('id')}\x85Rt.`,
    'malicious',
  ],
  [
    'a call behind an aligned joblib array',
    'a.joblib',
    `${P}(${wrapper('f8', 2, '\x03\xff\xff\xff')}${'\x2e'.repeat(16)}${g('posix', 'system')}${s('id')}\x85Rt.`,
    'malicious',
  ],
  ['a call in a joblib array of objects', 'a.joblib', `${P}(${wrapper('O8', 1)}${SYSTEM}Nt.`, 'malicious'],
  ['gzip in gzip', 'a.bin', gzipSync(gzipSync(latin1(SYSTEM))), 'malicious'],
  [
    'gzip that is cut',
    'a.pkl.gz',
    gzipSync(latin1(`${SYSTEM}${Array.from({ length: 900 }, (_, i) => String(i * i)).join('')}`)).subarray(0, 700),
    'malicious',
  ],
  ['a second gzip member', 'a.pkl.gz', joinBytes(gzipSync(latin1(`${P}N.`)), gzipSync(latin1(SYSTEM))), 'malicious'],
  ['zlib', 'a.joblib', deflateSync(latin1(SYSTEM)), 'malicious'],
  ['a tensor without hooks, as PyTorch 0.4 writes it', 'a.pkl', `${P}${TENSOR(undefined, 'K\x00K\x04\x85K\x01\x85\x89Nt')}.`, 'clean'],
  ["a loss of scikit-learn's under its short name", 'a.pkl', `${P}${g('_loss', 'CyHalfMultinomialLoss')})\x81.`, 'clean'],
  ['a pickle with a line end behind it', 'a.pkl', `${P}N.\r\n`, 'clean'],
  [
    'a word list that reads like imports',
    'v.zip',
    zip({ name: 'vocabulary/tokens.txt', data: latin1('the\ncast\nstoryline\ncos\nsystem\nios\nsystem\nof\n') }),
    'clean',
  ],
  ['numbers that begin like an extension code', 'shard.bin', '\x83\x21\x8a\xbd\x52\x23\xd9\x3c\xce\x04\x9e\x3c', 'clean'],
  [
    'a table of an older pandas',
    'a.pkl',
    `${P}(${g('pandas.core.internals', 'BlockManager')}${g('pandas.indexes.base', '_new_Index')}${g('pandas.core.frame', 'DataFrame')}t.`,
    'clean',
  ],
  ["joblib's old container", 'a.pkl', `ZF${'0x1a'.padEnd(19)}${memory(deflateSync(latin1(SYSTEM)))}`, 'malicious'],
  [
    'a zip in a zip in a zip',
    'a.bin',
    zip({ name: 'a', data: zip({ name: 'b', data: zip({ name: 'c', data: latin1(SYSTEM) }) }) }),
    'malicious',
  ],
  // Zip.
  ['a member under an honest name', 'm.pt', zip(pkl(`${P}}.`), { name: 'm/readme.md', data: latin1(SYSTEM) }), 'malicious'],
  ['a member called like code', 'm.pt', zip(pkl(`${P}}.`), { name: 'm/x.py', data: latin1(`\x80\x02${SYSTEM}`) }), 'malicious'],
  ['a pickle called like a configuration', 'config.json', `\x80\x02${SYSTEM}`, 'malicious'],
  ['a member called DATA.PKL', 'm.pt', zip({ name: 'm/DATA.PKL', data: latin1(SYSTEM) }), 'malicious'],
  ['a storage that no pickle describes', 'm.pt', zip(pkl(`${P}}.`), { name: 'm/data/0', data: latin1(SYSTEM) }), 'malicious'],
  [
    'a member that stands in no directory',
    'm.pt',
    zip(pkl(`${P}}.`), { name: 'm/x', data: latin1(SYSTEM), unlisted: true }, { name: 'm/y', data: latin1('3') }),
    'malicious',
  ],
  ['a member marked encrypted that is not', 'm.pt', zip(pkl(SYSTEM, { flags: 1 })), 'malicious'],
  ['a member marked encrypted in its own header only', 'm.pt', zip(pkl(`${P}}.`, { local: { flags: 1 } })), 'suspicious'],
  [
    'a member packed by its own header only',
    'm.pt',
    zip(pkl(memory(deflateRawSync(latin1(SYSTEM))), { local: { method: 8 } })),
    'malicious',
  ],
  ['a member stored by its own header only', 'm.pt', zip(pkl(SYSTEM, { method: 8, local: { method: 0 } })), 'malicious'],
  ['a member of a method nobody reads', 'm.pt', zip(pkl(SYSTEM, { method: 99 })), 'malicious'],
  ['a member longer by its own header', 'm.pt', zip(pkl(`${P}}.`, { local: { compressedSize: 3 } })), 'suspicious'],
  ['a member with another checksum in its own header', 'm.pt', zip(pkl(`${P}}.`, { local: { crc: 1 } })), 'suspicious'],
  ['a member with a wrong checksum', 'm.pt', zip(pkl(SYSTEM, { crc: 1 })), 'malicious'],
  [
    'a member whose packed data is cut',
    'm.pt',
    zip(pkl(memory(deflateRawSync(latin1(SYSTEM + 'abcdefgh'.repeat(9)), { level: 0 })).slice(0, -40), { method: 8, size: 98 })),
    'malicious',
  ],
  ['a directory that counts its members wrongly', 'm.pt', patched(zip(pkl(SYSTEM)), -12, 7), 'malicious'],
  ['a directory that is cut off', 'm.pt', zip(pkl(SYSTEM)).slice(0, -30), 'malicious'],
  ['an object array packed by bzip2 in an .npz', 'a.npz', zip({ name: 'x.npy', data: BZIP2, method: 12, size: 24 }), 'malicious'],
  ['a member packed by LZMA', 'a.zip', zip({ name: 'x', data: LZMA, method: 14, size: 24 }), 'malicious'],
  ['a pickle named as Python', 'a.zip', zip({ name: 'x.py', data: latin1(SYSTEM) }), 'malicious'],
  ['an object array behind a plain one', 'a.npy', `${npy('<f8', '(1,)', 'abcdefgh')}${npy('|O', '(1,)', SYSTEM)}`, 'malicious'],
  ['bytes behind an array', 'a.npy', `${npy('<f8', '(1,)', 'abcdefgh')}${SYSTEM}`, 'suspicious'],
  ['records shorter than their shape', 'a.npy', npy("[('a','<f8'),('b','<U2')]", '(9,)', 'abcdefgh'), 'unreadable'],
  ['a link whose target a pax header replaces', 'm.tar', tar(['x', pax('linkpath', '/etc/passwd')], ['2', '', 'inside']), 'malicious'],
  ['a link whose target a GNU header replaces', 'm.tar', tar(['K', '/etc/passwd\0'], ['2', '', 'inside']), 'malicious'],
  ['a name for all members in a global pax header', 'm.tar', tar(['g', pax('path', '../../x')], ['0', 'abc']), 'malicious'],
  [
    'a comment that looks like a path in a pax header',
    'm.tar',
    tar(['x', `${pax('comment', 'a\n11 path=ok')}${pax('path', '../../x')}`], ['0', 'abc']),
    'malicious',
  ],
  ['a size that a pax header states', 'm.tar', tar(['x', pax('size', String(SYSTEM.length))], ['0', SYSTEM, '', 0]), 'malicious'],
  ['a device', 'm.tar', tar(['3', '']), 'malicious'],
  ['an archive behind the end of another', 'm.tar', `${memory(tar(['0', 'abc']))}${memory(tar(['0', SYSTEM]))}`, 'malicious'],
  [
    'a tensor that reaches beyond what its storage claims',
    'm.pt',
    zip(pkl(`${P}${TENSOR().replace('K\x04\x85K\x01', 'K\x05\x85K\x01')}.`), { name: 'm/data/0', data: new Uint8Array(16) }),
    'suspicious',
  ],
  [
    'a tensor of strides that leave its storage',
    'm.pt',
    zip(pkl(`${P}${TENSOR().replace('\x85K\x01', '\x85K\x07')}.`), { name: 'm/data/0', data: new Uint8Array(16) }),
    'suspicious',
  ],
  ['a storage without a member', 'm.pt', zip(pkl(`${P}${TENSOR()}.`)), 'unreadable'],
  ['legacy storages that are too short', 'm.pt', legacy(joinBytes(le(8, 3), new Uint8Array(12))), 'suspicious'],
  ['legacy storages that are cut', 'm.pt', legacy(joinBytes(le(8, 4), new Uint8Array(12))), 'unreadable'],
  ['legacy storages of a negative count', 'm.pt', legacy(joinBytes(le(8, -4), new Uint8Array(16))), 'unreadable'],
  ['bytes behind legacy storages', 'm.pt', legacy(joinBytes(le(8, 4), new Uint8Array(17))), 'suspicious'],
  ['7z', 'm.7z', SEVEN_ZIP, 'malicious'],
  ['7z with a packed header', 'm.7z', PACKED_SEVEN_ZIP, 'malicious'],
  ['7z whose header is cut', 'm.7z', SEVEN_ZIP.subarray(0, 80), 'unreadable'],
  ['two members of one name', 'm.pt', zip(pkl(`${P}}.`), pkl(`${P}N.`)), 'suspicious'],
  ['names that differ by case', 'm.pt', zip(pkl(`${P}}.`), pkl(`${P}N.`, { name: 'm/Data.pkl' })), 'suspicious'],
  ['a name of two headers', 'm.pt', zip(pkl(`${P}}.`, { localName: 'm/data.txt' })), 'suspicious'],
  ['a name that leaves the folder', 'm.zip', zip({ name: '../../etc/cron.d/x', data: latin1('x') }), 'malicious'],
  ['a name with a drive', 'm.zip', zip({ name: 'C:\\x', data: latin1('x') }), 'malicious'],
  ['a link', 'm.zip', zip({ name: 'x', data: latin1('/etc/passwd'), mode: 0o120777 }), 'malicious'],
  [
    'members that share bytes',
    'm.zip',
    zip({ name: 'a', data: latin1('abc') }, { name: 'b', data: latin1('abc'), headerOffset: 0 }),
    'malicious',
  ],
  ['a pickle before an archive', 'm.pt', joinBytes(latin1(SYSTEM), zip(pkl(`${P}}.`))), 'malicious'],
  ['an archive behind a harmless pickle', 'm.pt', joinBytes(latin1(`${P}}.`), zip(pkl(SYSTEM))), 'malicious'],
  ['a tensor larger than its storage', 'm.pt', zip(pkl(`${P}${TENSOR()}.`), { name: 'm/data/0', data: new Uint8Array(8) }), 'suspicious'],
  ['7z under the name of a checkpoint', 'm.pt', '7z\xbc\xaf\x27\x1c\x00\x04'.padEnd(64, '\0'), 'suspicious'],
  ['a program in the middle of raw bytes', 'm.bin', `${'\x00\x01\xfe\xff'.repeat(99)}\x7fELF\x02\x01\x01`.padEnd(999, '\0'), 'malicious'],
  ['a program under the name of a checkpoint', 'm.bin', '\x7fELF\x02\x01\x01'.padEnd(64, '\0'), 'malicious'],
];

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

describe('an attack by', () => {
  test.each(ATTACKS)('%s is told', async (_, path, content, verdict) => {
    const file = await scan(path, content);
    expect(file.verdict, JSON.stringify(file.findings.map((one) => one.what))).toBe(verdict);
  });
});
describe('an honest file of', () => {
  test.each(HONEST)('%s is clean', async (_, path, content, verdict) => {
    const file = await scan(path, content);
    expect(file.verdict, JSON.stringify(file.findings.map((one) => one.what))).toBe(verdict);
  });
});

test('there are at least 60 attacks and 40 honest files, no two alike', () => {
  const names = [...ATTACKS, ...HONEST].map(([, path, content]) => `${path} ${String(content)}`);
  expect(new Set(names).size).toBe(names.length);
  expect(ATTACKS.length).toBeGreaterThanOrEqual(60);
  expect(HONEST.length).toBeGreaterThanOrEqual(40);
});

test('a finding shows byte, instruction, callable, argument and member', async () => {
  const file = await scan('m.pt', zip(pkl(SYSTEM)));
  expect(file.findings[0]).toMatchObject({
    rule: 'safety/pickle-dangerous-global',
    tier: 'malicious',
    where: { file: 'm.pt!m/data.pkl', byte: 0 },
    evidence: { opcode: 'GLOBAL', callable: 'posix.system', argument: '("id")', member: 'm/data.pkl' },
  });
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
