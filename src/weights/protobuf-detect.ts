/**
 * Bare protobufs carry no magic: the three model formats are told apart by the first fields and what stands in them.
 * @module
 */
import type { FormatName } from './types.ts';

type ProtobufFormat = Extract<FormatName, 'onnx' | 'caffe' | 'tf-graphdef'>;

interface Start {
  readonly number: number;
  readonly wire: number;
  readonly value: number;
  /** As much of the payload as is at hand. */
  readonly payload: Uint8Array;
}

/** Wire type by field number, of the top messages (onnx.proto ModelProto, caffe.proto NetParameter, graph.proto GraphDef). */
const FIELDS: Readonly<Record<ProtobufFormat, Readonly<Record<number, number>>>> = {
  onnx: { 1: 0, 2: 2, 3: 2, 4: 2, 5: 0, 6: 2, 7: 2, 8: 2, 14: 2, 20: 2, 25: 2, 26: 2 },
  caffe: { 1: 2, 2: 2, 3: 2, 4: 0, 5: 0, 6: 2, 7: 0, 8: 2, 100: 2 },
  'tf-graphdef': { 1: 2, 2: 2, 3: 0, 4: 2, 5: 2 },
};

/**
 * @param head first bytes of the file; `size` of the whole.
 * @returns every format whose fields these may be, most telling first.
 */
export function protobufFormats(head: Uint8Array, size: number): ProtobufFormat[] {
  const starts = firstFields(head, 0, size);
  if (!starts || starts.length === 0) return [];
  const fits = (format: ProtobufFormat): boolean => starts.every((field) => FIELDS[format][field.number] === field.wire);
  const out: ProtobufFormat[] = [];
  if (fits('onnx') && onnxLike(starts)) out.push('onnx');
  if ((fits('tf-graphdef') && nodeLike(starts)) || savedModelLike(starts)) out.push('tf-graphdef');
  if (fits('caffe') && netLike(starts)) out.push('caffe');
  return out;
}

/** A version of 1 to 1000 or a graph, and names that are texts. */
function onnxLike(starts: readonly Start[]): boolean {
  const version = starts.find((field) => field.number === 1);
  if (version ? version.value < 1 || version.value > 1000 : !starts.some((field) => field.number === 7 || field.number === 8)) return false;
  return starts.every((field) => (field.number !== 2 && field.number !== 3) || isText(field.payload));
}

/** A GraphDef begins with a node, whose first fields are a name and an operation; or, empty, with its versions. */
function nodeLike(starts: readonly Start[]): boolean {
  const node = starts[0]!;
  if (node.number !== 1) return false;
  const inside = firstFields(node.payload, 0, Infinity);
  return (
    !!inside &&
    inside.length >= 2 &&
    inside[0]!.number === 1 &&
    inside[1]!.number === 2 &&
    inside.slice(0, 2).every((field) => field.wire === 2 && isText(field.payload))
  );
}

/** A TensorFlow SavedModel: schema version 1, then a message where ONNX would have a name. Its reader says what it is. */
function savedModelLike(starts: readonly Start[]): boolean {
  const [version, graph] = starts;
  return (
    version?.number === 1 && version.wire === 0 && version.value === 1 && graph?.number === 2 && graph.wire === 2 && !isText(graph.payload)
  );
}

/** A name, then layers; a layer begins with its name or its inputs. */
function netLike(starts: readonly Start[]): boolean {
  if (starts.some((field) => field.number === 1 && !isText(field.payload))) return false;
  const layer = starts.find((field) => field.number === 100 || field.number === 2);
  if (!layer) return starts.some((field) => field.number === 3);
  const inside = firstFields(layer.payload, 0, Infinity);
  // Fields 2 to 4 are names in both kinds of layer (V1LayerParameter, LayerParameter).
  return (
    !!inside &&
    inside.length > 0 &&
    inside.every((field) => field.wire !== 2 || field.number < 2 || field.number > 4 || isText(field.payload))
  );
}

function isText(bytes: Uint8Array): boolean {
  return bytes.every((byte) => byte >= 0x20 && byte !== 0x7f);
}

/** Fields that begin inside `bytes`; null when one is no field or leaves the message of `size` bytes. */
function firstFields(bytes: Uint8Array, at: number, size: number): Start[] | null {
  const out: Start[] = [];
  while (at < bytes.length) {
    const tag = varint(bytes, at);
    if (!tag) return out.length > 0 ? out : null;
    const number = Math.floor(tag.value / 8);
    const wire = tag.value % 8;
    if (number < 1 || number >= 2 ** 29) return null;
    const length = wire === 1 ? 8 : wire === 5 ? 4 : 0;
    if (wire === 0 || wire === 2) {
      const value = varint(bytes, tag.next);
      if (!value) return out.length > 0 && bytes.length < size ? out : null;
      const end = wire === 2 ? value.next + value.value : value.next;
      if (end > size) return null;
      out.push({
        number,
        wire,
        value: value.value,
        payload: wire === 2 ? bytes.subarray(value.next, Math.min(end, bytes.length)) : bytes.subarray(0, 0),
      });
      at = end;
    } else if (length > 0) {
      out.push({ number, wire, value: 0, payload: bytes.subarray(0, 0) });
      at = tag.next + length;
      if (at > size) return null;
    } else return null;
  }
  return out;
}

/** Null for varints over 2^49 or cut short: no length or version is that large. */
function varint(bytes: Uint8Array, at: number): { value: number; next: number } | null {
  let value = 0;
  for (let i = 0; i < 7 && at + i < bytes.length; i++) {
    value += (bytes[at + i]! & 0x7f) * 128 ** i;
    if (bytes[at + i]! < 0x80) return { value, next: at + i + 1 };
  }
  return null;
}
