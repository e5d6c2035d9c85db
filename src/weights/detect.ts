/**
 * The format of a file by its first bytes; names lie.
 * @module
 */
import { type ByteSource, decodeLatin1 } from '../base/index.ts';
import { protobufFormats } from './protobuf-detect.ts';
import type { FormatName } from './types.ts';

/** What the first bytes say. `html` and `lfs-pointer` are not models, and are common in broken downloads. */
export type Detected = FormatName | 'zip' | 'tar' | 'pickle' | 'gzip' | 'html' | 'lfs-pointer' | 'json' | 'empty' | 'unknown';

export async function detectFormat(source: ByteSource): Promise<Detected> {
  if (source.size === 0) return 'empty';
  return detectBytes(await source.read(0, Math.min(source.size, 1024)), source.size, source.name);
}

/** @param size of the whole file; @param name decides only between formats whose bytes do not differ (ONNX, Caffe, TF GraphDef are all bare protobuf). */
export function detectBytes(head: Uint8Array, size: number, name: string): Detected {
  const text = decodeLatin1(head);
  const lower = text.trimStart().slice(0, 64).toLowerCase();
  const ends = (...suffixes: string[]): boolean => suffixes.some((suffix) => name.toLowerCase().endsWith(suffix));
  if (text.startsWith('GGUF') || text.startsWith('FUGG')) return 'gguf';
  if (text.startsWith('\x89HDF\r\n\x1a\n')) return 'keras-h5';
  if (text.startsWith('\x93NUMPY')) return 'npy';
  if (text.startsWith('PK\x03\x04') || text.startsWith('PK\x05\x06')) return 'zip';
  if (text.startsWith('version https://git-lfs')) return 'lfs-pointer';
  if (text.slice(4, 8) === 'TFL3') return 'tflite';
  if (text.startsWith('\x1f\x8b')) return 'gzip';
  if (/^<(!doctype|html|head|\?xml|!--)/.test(lower)) return 'html';
  if (head.length >= 9 && head[8] === 0x7b && new DataView(head.buffer, head.byteOffset).getBigUint64(0, true) <= BigInt(size))
    return 'safetensors';
  if (head[0] === 0x80 && head[1]! <= 5 && !ends('.onnx')) return 'pickle';
  if (text.slice(257, 262) === 'ustar') return 'tar';
  if (lower.startsWith('{') && /"(modelTopology|weightsManifest)"|"(layers|graph)-model"/.test(text)) return 'tfjs';
  if (lower.startsWith('{') || lower.startsWith('[')) return 'json';
  const protobufs = protobufFormats(head, size);
  const named = ends('.onnx') ? 'onnx' : ends('.caffemodel') ? 'caffe' : ends('.pb') ? 'tf-graphdef' : undefined;
  if (protobufs.length > 0) return named && protobufs.includes(named) ? named : protobufs[0]!;
  if (ends('.safetensors')) return 'safetensors';
  return 'unknown';
}
