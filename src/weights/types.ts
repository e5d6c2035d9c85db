/**
 * What every reader gives back. Nothing here knows a file format.
 * @module
 */
import { HeirloomError, type Finding } from '../base/index.ts';
import type { DType } from './dtypes.ts';

export type FormatName =
  | 'safetensors'
  | 'gguf'
  | 'pytorch'
  | 'pickle'
  | 'onnx'
  | 'npy'
  | 'npz'
  | 'caffe'
  | 'tf-graphdef'
  | 'keras-h5'
  | 'keras-zip'
  | 'tfjs'
  | 'tflite';

export interface TensorInfo {
  readonly name: string;
  readonly dtype: DType;
  /** Row-major, slowest axis first. `[]` is a scalar. Every entry a safe integer >= 0. */
  readonly shape: readonly number[];
  /** The file (path inside the tree) that holds the values. */
  readonly file: string;
  /** Of the first value in `file`, in bytes; -1 when the values are not one range of the file (packed fields, compressed members). */
  readonly offset: number;
  /** Size of the stored values in bytes. */
  readonly bytes: number;
  /**
   * Axes in the order that puts outputs first, when the format stores them otherwise and says so
   * (ONNX MatMul weight: `[1, 0]`; TensorFlow HWIO kernel: `[3, 2, 0, 1]`). Absent: rows already are outputs.
   */
  readonly outputFirst?: readonly number[];
  /** Two names of one storage carry the same value here (tied weights, views). */
  readonly storage?: string;
  /** A constant of the graph, not an initializer or a parameter. */
  readonly constant?: boolean;
}

export type MetaValue = string | number | boolean | null | readonly MetaValue[];

/**
 * An opened checkpoint: its header has been validated completely, no tensor has been read.
 * Rows are slices along the first axis; a scalar is one row of one value, a vector of n is n rows of one value.
 */
export interface Checkpoint {
  readonly format: FormatName;
  /** E.g. `GGUF v3`, `PyTorch zip, protocol 2`. */
  readonly formatVersion: string;
  /** Paths of all files that make it up (shards, external data), first the one it was opened by. */
  readonly files: readonly string[];
  /** In file order; names are unique. */
  readonly tensors: readonly TensorInfo[];
  /** Flat, in file order: safetensors `__metadata__`, GGUF keys, strings found beside the tensors of a PyTorch checkpoint. */
  readonly metadata: ReadonlyMap<string, MetaValue>;
  /** What is odd but does not stop reading. */
  readonly findings: readonly Finding[];
  /**
   * Stored values of rows `[start, start + count)`: little-endian, row-major, in the tensor's dtype
   * (quantized blocks as they are). Strides, storages and compression are already resolved.
   */
  readBytes(tensor: TensorInfo, start: number, count: number): Promise<Uint8Array>;
  /**
   * The same rows decoded; `count * rowLength` values.
   * @throws WeightsError `WEIGHTS_NOT_DECODABLE` for a dtype this project cannot decode.
   */
  readRows(tensor: TensorInfo, start: number, count: number): Promise<Float32Array>;
}

export type WeightsErrorCode =
  | 'WEIGHTS_NOT_A_MODEL'
  | 'WEIGHTS_NOT_READ_YET'
  | 'WEIGHTS_TRUNCATED'
  | 'WEIGHTS_HEADER'
  | 'WEIGHTS_LIMIT'
  | 'WEIGHTS_SHAPE'
  | 'WEIGHTS_OVERLAP'
  | 'WEIGHTS_DUPLICATE'
  | 'WEIGHTS_MISSING_FILE'
  | 'WEIGHTS_PATH'
  | 'WEIGHTS_PICKLE'
  | 'WEIGHTS_ARCHIVE'
  | 'WEIGHTS_NOT_DECODABLE'
  | 'WEIGHTS_ROWS';

/** The file cannot be read as weights; `where` names file and byte or field. */
export class WeightsError extends HeirloomError<WeightsErrorCode> {
  override readonly name = 'WeightsError';
}
