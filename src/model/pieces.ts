/**
 * What the makers of role entries share.
 * @module
 */
import type { TensorInfo } from '../weights/index.ts';
import type { Part } from './fused.ts';
import type { Heads } from './heads.ts';
import type { RoleTensor, TensorView } from './types.ts';

/** What is known of the whole model while one tensor is placed. */
export interface Context {
  readonly heads: Heads;
  readonly conv1d: boolean;
  readonly interleaved: boolean;
  /** Norm gains are stored plus one. */
  readonly gainsPlusOne: boolean;
  /** Weights by module path, to look at siblings. */
  readonly byPath: ReadonlyMap<string, TensorInfo>;
  readonly order: ReadonlyMap<string, number>;
  readonly unsplit: string[];
  /** Expert entries made so far. */
  experts: number;
}
/** A role entry before its tensor is put in. */
export type Piece = Omit<RoleTensor, 'tensor'>;
export type Base = Pick<RoleTensor, 'stack' | 'block' | 'expert'>;

/** The view of one part of a fused matrix of `outputs` outputs. */
export function partView(part: Part, transpose: TensorView, outputs: number): TensorView {
  const whole = part.start === 0 && part.count === outputs;
  return {
    ...transpose,
    ...(!whole && { [transpose.transpose ? 'columns' : 'rows']: [part.start, part.count] as const }),
    ...(part.groups && { outputGroups: part.groups }),
  };
}
