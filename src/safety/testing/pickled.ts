/** Pickles and their containers written by hand, as texts of one character a byte, so that any instruction can be put anywhere. */
import { memoryTree } from '../../base/index.ts';
import { joinBytes, latin1, le, type TestMember, zipBytes } from '../../weights/testing/index.ts';
import { type FileSafety, type SafetyVerdict, scanFile } from '../index.ts';

/** SHORT_BINUNICODE. */
export const s = (text: string): string => `\x8c${String.fromCharCode(text.length)}${text}`;
/** STACK_GLOBAL. */
export const g = (module: string, name: string): string => `${s(module)}${s(name)}\x93`;
/** SHORT_BINBYTES. */
export const b = (bytes: string): string => `C${String.fromCharCode(bytes.length)}${bytes}`;
export const P = '\x80\x04';
export const SYSTEM = 'cposix\nsystem\n(S"id"\ntR.';
export const u64 = (value: number): string => String.fromCharCode(...le(8, value));
export const TENSOR = (
  storage = `(${s('storage')}${g('torch', 'FloatStorage')}${s('0')}${s('cpu')}K\x04tQ`,
  rest = 'K\x00K\x04\x85K\x01\x85\x89)Rt',
): string => `${g('torch._utils', '_rebuild_tensor_v2')}(${storage}${rest.replace(')R', `${g('collections', 'OrderedDict')})R`)}R`;
export const zip = (...members: TestMember[]): Uint8Array => zipBytes(members);
export const pkl = (text: string, more: Partial<TestMember> = {}): TestMember => ({ name: 'm/data.pkl', data: latin1(text), ...more });
export const DTYPE = (descr: string): string =>
  `${g('numpy', 'dtype')}(${s(descr)}\x89\x88tR(K\x03${s('<')}NNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK${descr.startsWith('O') ? '\x3f' : '\x00'}tb`;
export const npy = (descr: string, shape: string, rest: string): string => {
  const header = `{'descr': ${descr.startsWith('[') ? descr : `'${descr}'`}, 'fortran_order': False, 'shape': ${shape}, }\n`;
  return `\x93NUMPY\x01\x00${String.fromCharCode(header.length, 0)}${header}${rest}`;
};
export const wrapper = (descr: string, count: number, pad = ''): string =>
  `${g('joblib.numpy_pickle', 'NumpyArrayWrapper')})\x81}(${s('subclass')}${g('numpy', 'ndarray')}${s('shape')}K${String.fromCharCode(count)}\x85${s('order')}${s('C')}${s('dtype')}${DTYPE(descr)}${s('allow_mmap')}\x88${pad ? `${s('numpy_array_alignment_bytes')}K\x10` : ''}ub${pad}`;
export const memory = (bytes: Uint8Array): string => String.fromCharCode(...bytes);

export const patched = (bytes: Uint8Array, at: number, value: number): Uint8Array => bytes.with(at, value);

/** A record of a pax header; its length counts itself. */
export const pax = (key: string, value: string): string => {
  const rest = ` ${key}=${value}\n`;
  const length = rest.length + String(rest.length + 2).length;
  return `${length}${rest}`;
};
/** A tar archive of members given by type, content, link and, where the header lies, size. */
export const tar = (...members: (readonly [type: string, content: string, link?: string, size?: number])[]): Uint8Array =>
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
export const legacy = (storages: Uint8Array): Uint8Array =>
  joinBytes(latin1(`\x80\x02\x8a\x0al\xfc\x9cF\xf9\x20j\xa8P\x19.${P}M\xe9\x03.${P}}.${P}${TENSOR()}.${P}]${s('0')}a.`), storages);

export type Case = readonly [name: string, path: string, content: string | Uint8Array, verdict: SafetyVerdict];
export const scan = (path: string, content: string | Uint8Array): Promise<FileSafety> =>
  scanFile(memoryTree('t', { [path]: typeof content === 'string' ? latin1(content) : content }), path);
