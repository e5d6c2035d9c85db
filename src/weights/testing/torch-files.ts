/** PyTorch files written by hand, in each container, so that any claim can be made. */
import { joinBytes, latin1, le, type TestMember, zipBytes } from './bytes.ts';

export interface TestTensor {
  readonly name: string;
  readonly key: string;
  readonly numel: number;
  readonly start?: number;
  readonly shape: readonly number[];
  readonly stride: readonly number[];
  /** Storage class; `FloatStorage` unless said otherwise. */
  readonly type?: string;
  /** Legacy view of a root storage: key, offset, size. */
  readonly view?: readonly [key: string, offset: number, size: number];
}

const text = (value: string): string => `X${String.fromCharCode(value.length & 255, value.length >> 8, 0, 0)}${value}`;
const int = (value: number): string => `\x8a\x08${Array.from(le(8, value), (byte) => String.fromCharCode(byte)).join('')}`;
const tuple = (values: readonly number[]): string => `(${values.map(int).join('')}t`;

function storage(tensor: TestTensor, legacy: boolean): string {
  const view = tensor.view ? `(${text(tensor.view[0])}${int(tensor.view[1])}${int(tensor.view[2])}t` : 'N';
  return `(${text('storage')}ctorch\n${tensor.type ?? 'FloatStorage'}\n${text(tensor.key)}${text('cpu')}${int(tensor.numel)}${legacy ? view : ''}tQ`;
}
export function tensorPickle(tensor: TestTensor, legacy = false): string {
  const hooks = 'ccollections\nOrderedDict\n)R';
  return `ctorch._utils\n_rebuild_tensor_v2\n(${storage(tensor, legacy)}${int(tensor.start ?? 0)}${tuple(tensor.shape)}${tuple(tensor.stride)}\x89${hooks}tR`;
}
/** A dictionary of tensors; `extra` is spliced in as further `key value s` opcodes. */
export function dictPickle(tensors: readonly TestTensor[], extra = '', legacy = false): string {
  return `\x80\x02}${tensors.map((one) => `${text(one.name)}${tensorPickle(one, legacy)}s`).join('')}${extra}.`;
}
export function entry(key: string, value: string): string {
  return `${text(key)}${value}s`;
}
export const pickledText: (value: string) => string = text;

export function floats(...values: readonly number[]): Uint8Array {
  return new Uint8Array(Float32Array.from(values).buffer);
}
export function torchZip(pickle: string, storages: Readonly<Record<string, Uint8Array>>, more: readonly TestMember[] = []): Uint8Array {
  return zipBytes([
    { name: 'm/data.pkl', data: latin1(pickle) },
    ...Object.entries(storages).map(([key, data]) => ({ name: `m/data/${key}`, data })),
    ...more,
  ]);
}

const MAGIC = '\x80\x02\x8a\x0al\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19.';
/** `values` are the storages' raw bytes; numel is their length in items of four bytes. */
export function torchLegacy(pickle: string, storages: Readonly<Record<string, Uint8Array>>): Uint8Array {
  const keys = `\x80\x02](${Object.keys(storages).map(text).join('')}e.`;
  const values = Object.values(storages).flatMap((data) => [le(8, data.length / 4), data]);
  return joinBytes(latin1(`${MAGIC}\x80\x02M\xe9\x03.\x80\x02}.${pickle}${keys}`), ...values);
}

export function tarBytes(members: readonly { readonly name: string; readonly data: Uint8Array }[]): Uint8Array {
  const parts = members.flatMap(({ name, data }) => {
    const header = new Uint8Array(512);
    const put = (at: number, value: string): void => header.set(latin1(value), at);
    put(0, name);
    put(100, '0000644\0');
    put(108, '0000000\0');
    put(116, '0000000\0');
    put(124, `${data.length.toString(8).padStart(11, '0')}\0`);
    put(136, '00000000000\0');
    put(148, '        ');
    put(156, '0');
    put(257, 'ustar\x0000');
    put(
      148,
      `${header
        .reduce((sum, byte) => sum + byte, 0)
        .toString(8)
        .padStart(6, '0')}\0 `,
    );
    return [header, data, new Uint8Array((512 - (data.length % 512)) % 512)];
  });
  return joinBytes(...parts, new Uint8Array(1024));
}

/** The container before 0.1.10: one storage of six values, a view of its last four, a matrix of `[2, 2]` in that view. */
export function torchTar(): Uint8Array {
  const storages = joinBytes(
    latin1('\x80\x02K\x01.'),
    latin1(`\x80\x02(K\x0a${text('cpu')}ctorch\nFloatStorage\nt.`),
    le(8, 6),
    floats(1, 2, 3, 4, 5, 6),
    latin1('\x80\x02]((K\x0bK\x0aK\x02K\x04te.'),
  );
  const tensors = joinBytes(
    latin1('\x80\x02K\x01.'),
    latin1('\x80\x02(K\x14K\x0bctorch\nFloatTensor\nt.'),
    le(4, 2, 0),
    le(8, 2, 2, 2, 1, 0),
  );
  const pickle = latin1(`\x80\x02}${text('weight')}K\x14Qs.`);
  return tarBytes([
    { name: 'sys_info', data: latin1('\x80\x02}.') },
    { name: 'storages', data: storages },
    { name: 'tensors', data: tensors },
    { name: 'pickle', data: pickle },
  ]);
}
