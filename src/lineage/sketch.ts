/**
 * What is kept of a model: small enough to keep a million of, enough to test descent without the files.
 * @module
 */
import type { Role } from '../model/index.ts';
import type { RelationSubject } from './types.ts';

/** A label axis whose order training makes at random, and what is read of each label. */
export interface Sample {
  readonly slot: string;
  readonly role: Role;
  readonly stack: string;
  readonly block: number | null;
  readonly expert: number | null;
  /** Outputs by inputs of the whole role. */
  readonly shape: readonly [number, number];
  /** Which axis of `shape` the units lie on. */
  readonly axis: 'rows' | 'columns';
  readonly units: number;
  readonly features: number;
  /** `[units, features]` row-major; a value is its code times its unit's scale, off by up to 1/254 of the unit's largest. */
  readonly codes: Int8Array;
  readonly scales: Float32Array;
  /** First 8 bytes (hex) of SHA-256 over the first units and features rounded to bfloat16: equal values, equal hash, whatever the container. */
  readonly hash: string;
  readonly stats: SampleStats;
  /** Why this tensor is no evidence (a stored constant, an output head), or ''. */
  readonly excluded: string;
}

export interface SampleStats {
  /** Share of exact zeros among the values read. */
  readonly zeros: number;
  /** Median number of distinct values among the non-zero of 32 neighbors, scaled to 32; 32 for unquantized weights, 0 when not measured. */
  readonly distinct: number;
  /** rms distance of w / (rowmax / 127) from whole numbers; 0.29 for unquantized, 0 when on an int8 lattice, -1 when not measured. */
  readonly lattice: number;
}

/** A gain, shift or bias. */
export interface VectorSample {
  readonly slot: string;
  readonly role: Role;
  readonly stack: string;
  readonly block: number | null;
  readonly length: number;
  /** At fixed positions, rounded to bfloat16. */
  readonly values: Float32Array;
}

/** A whole tensor's values as two hashes, each the first 8 bytes of a SHA-256 in hex. */
export interface TensorPrint {
  readonly slot: string;
  readonly count: number;
  /** Over the values in role order, rounded to bfloat16. */
  readonly ordered: string;
  /** Over the sorted values, rounded to half precision; '' when the tensor is too small or too large. Blind to order and axes. */
  readonly sorted: string;
}

export interface Sketch {
  readonly schema: 'heirloom-sketch/1';
  readonly subject: RelationSubject & {
    readonly architecture: string;
    readonly scheme: string;
    readonly isAdapter: boolean;
    readonly dtype: string;
  };
  /** '' for the public positions; a secret or beacon value for a second sketch. */
  readonly salt: string;
  /** Whether every value of the model was read (prints are then present). */
  readonly complete: boolean;
  readonly samples: readonly Sample[];
  /**
   * Up and gate once more, each unit told by its products with rows of the token table instead of by channels: a rotation or a
   * permutation of the hidden space cancels in them. Features are the tokens.
   */
  readonly framed: readonly Sample[];
  readonly vectors: readonly VectorSample[];
  readonly prints: readonly TensorPrint[];
}

/** The sampled value of feature `f` of unit `u`. */
export function valueAt(sample: Sample, u: number, f: number): number {
  return sample.codes[u * sample.features + f]! * sample.scales[u]!;
}

/** int8 with one scale a unit; a map of each unit alone, which leaves the exact tests exact. Not-a-numbers become 0. */
export function quantize(values: Float32Array, units: number, features: number): Pick<Sample, 'codes' | 'scales'> {
  const scales = new Float32Array(units);
  const codes = new Int8Array(units * features);
  for (let u = 0; u < units; u++) {
    const row = values.subarray(u * features, (u + 1) * features);
    let max = 0;
    for (const value of row) if (Number.isFinite(value)) max = Math.max(max, Math.abs(value));
    scales[u] = max / 127;
    const scale = scales[u]!;
    if (scale > 0) row.forEach((value, f) => (codes[u * features + f] = Math.max(-127, Math.min(127, Math.round(value / scale)))));
  }
  return { codes, scales };
}

/** The same sketch with the two widening matrices of every gated MLP called by each other's name. */
export function swapGates(sketch: Sketch): Sketch {
  const other: Partial<Record<Role, Role>> = { gate: 'up', up: 'gate' };
  const gated = new Set(sketch.samples.flatMap((s) => (s.role === 'gate' ? [`${s.stack}/${s.block}/${s.expert}`] : [])));
  const swap = (sample: Sample): Sample => {
    const role = gated.has(`${sample.stack}/${sample.block}/${sample.expert}`) ? other[sample.role] : undefined;
    return role ? { ...sample, role, slot: sample.slot.replace(/[^.]*$/, role) } : sample;
  };
  return { ...sketch, samples: sketch.samples.map(swap), framed: sketch.framed.map(swap) };
}
