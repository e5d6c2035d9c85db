import type { TensorInfo } from '../weights/index.ts';

/** Something of the source that the copy does not hold. */
export interface LeftOut {
  /** Tensor or path in the source; '' when it has none. */
  readonly name: string;
  readonly why: string;
}

/** Tensors that are one storage in the source and apart in the copy. */
export interface SharedValues {
  readonly storage: string;
  readonly names: readonly string[];
}

export interface ConversionPlan {
  /** Length and JSON text, padded to eight bytes. */
  readonly header: Uint8Array;
  /** In the order of their bytes in the copy. */
  readonly tensors: readonly TensorInfo[];
  /** Of all values. */
  readonly bytes: number;
  readonly metadata: ReadonlyMap<string, string>;
  readonly leftOut: readonly LeftOut[];
  readonly shared: readonly SharedValues[];
}

/** SHA-256 of the values of one tensor, in the order of its axes, little-endian. */
export interface CopiedTensor {
  readonly name: string;
  readonly sha256: string;
}
