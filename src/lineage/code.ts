/**
 * A small code of a sketch, to find the few among a million that are worth an exact test.
 *
 * Swap-Sign looks at differences of two exchangeable units, A_p - A_q, whose signs are fair coins in strangers. The code keeps the signs of
 * random projections of those same differences (SimHash: Charikar, "Similarity estimation techniques from rounding algorithms", STOC
 * 2002): two models whose differences correlate by r agree in 1/2 + asin(r)/pi of the bits, strangers in half of them. Blocks of one shape
 * are summed before they are projected, so that dropped, doubled and reordered blocks leave most of the code in place.
 *
 * A code finds candidates. It is no evidence and convicts nobody.
 * @module
 */
import { sha256, shake256 } from '../base/index.ts';
import type { Sample, Sketch } from './sketch.ts';

/** Bump when a code changes: codes of different versions are not comparable. */
export const CODE_VERSION = 1;
/** Bits kept of one label axis. Strangers reach 3.5 standard deviations once in 4,300; 1,024 bits bring a correlation of .2 there. */
export const CODE_BITS = 1024;
/** Hashes of each kind kept for the join of equal tensors. */
const MARKS_A_KIND = 6;
/** Hashes in `SearchCode.marks`. */
export const MARKS: number = 3 * MARKS_A_KIND;
/** Axes of one kind and different shapes; the rest of a model with more is smaller. */
const MAX_BUCKETS_A_KIND = 2;
/** Pairs of neighboring units: what the leanest sketch of a large model keeps of every role. */
const PAIRS = 16;

export interface AxisCode {
  /** Kind of axis and shape, hashed to 32 bits: codes of different buckets have nothing in common. */
  readonly bucket: number;
  /** `CODE_BITS / 32` words. */
  readonly bits: Uint32Array;
}

export interface SearchCode {
  readonly axes: readonly AxisCode[];
  /**
   * `MARKS` words: of the hashes of sampled values, of whole tensors in order and of their sorted values the smallest each, 0 where there are fewer.
   * Smallest of all, so that two models with tensors in common keep the same ones (bottom-k sampling: Cohen and Kaplan, PODC 2007).
   */
  readonly marks: Uint32Array;
}

/** Deterministic; every sketch that decodes has a code, an empty one when it holds nothing that could be tested. */
export function searchCode(sketch: Sketch): SearchCode {
  const planes = new Map<string, Plane>();
  const add = (sample: Sample, axis: Axis | null): void => {
    if (!axis || sample.excluded) return;
    const key = `${sketch.salt}|${sketch.subject.isAdapter}|${axis.name}`;
    const plane = planes.get(key) ?? { key, kind: axis.kind, weight: 0, cells: new Float64Array(CODE_BITS) };
    planes.set(key, plane);
    if (addDifferences(plane.cells, sample, axis)) plane.weight += sample.units * sample.features;
  };
  for (const sample of sketch.samples) add(sample, axisOf(sample));
  for (const sample of sketch.framed) add(sample, framedAxis(sample));
  const kept = [...planes.values()].filter((plane) => plane.weight > 0).sort((x, y) => y.weight - x.weight || (x.key < y.key ? -1 : 1));
  return {
    axes: kept
      .filter((plane, i) => kept.slice(0, i).filter((earlier) => earlier.kind === plane.kind).length < MAX_BUCKETS_A_KIND)
      .map((plane) => ({ bucket: word(sha256(new TextEncoder().encode(`heirloom/code/v1|${plane.key}`))), bits: signs(plane.cells) })),
    marks: Uint32Array.from([
      ...smallest(sketch.samples.filter((sample) => !sample.excluded).map((sample) => sample.hash)),
      ...smallest(sketch.prints.map((print) => print.ordered)),
      ...smallest(sketch.prints.map((print) => print.sorted)),
    ]),
  };
}

interface Plane {
  readonly key: string;
  readonly kind: string;
  weight: number;
  readonly cells: Float64Array;
}

interface Axis {
  readonly kind: string;
  /** Kind and what two models must share of their shapes to be compared. */
  readonly name: string;
  /** Samples with one label have the same coordinates. */
  readonly label: string;
  /** As the exact test of this axis does: remove each unit's mean and scale it to length 1. */
  readonly normalize: boolean;
}

/** As the exact tests pair samples; networks of many shapes are one bucket, their shapes part of the projection. */
function axisOf(sample: Sample): Axis | null {
  const [units, features] = sample.axis === 'rows' ? sample.shape : [sample.shape[1], sample.shape[0]];
  const shaped = (kind: string): Axis => ({
    kind,
    name: `${kind}|${units}x${features}`,
    label: `${sample.role}|${units}x${features}`,
    normalize: false,
  });
  switch (sample.role) {
    case 'up':
    case 'gate':
    case 'down':
      return sample.block === null ? null : shaped('neurons');
    case 'v':
    case 'cross_v':
      return shaped('values');
    case 'embed':
    case 'head': {
      if (sample.stack !== '' || sample.axis !== 'columns') return null;
      // The length of a vocabulary may differ: see `comparableTables`.
      const name = `channels|${units}|${features >= 576}`;
      return { kind: 'channels', name, label: `${sample.role}|${name}`, normalize: false };
    }
    case 'conv':
    case 'linear':
      return { ...shaped('filters'), name: 'filters', normalize: true };
    case 'lora_a':
    case 'lora_b':
      return { ...shaped(sample.role), name: sample.role };
    default:
      return null;
  }
}

/** Neurons told by tokens: what a rotated or rearranged hidden space leaves in place. */
function framedAxis({ role, shape, block }: Sample): Axis | null {
  const name = `framed|${shape[0]}x${shape[1]}`;
  return block === null ? null : { kind: 'framed', name, label: `${role}|${name}`, normalize: true };
}

/** Adds the sample's differences, all samples alike in length, to the cells that its coordinates fall into. */
function addDifferences(cells: Float64Array, sample: Sample, axis: Axis): boolean {
  const { features } = sample;
  const pairs = Math.min(PAIRS, sample.units >> 1);
  const rows = new Float64Array(2 * pairs * features);
  for (let u = 0; u < 2 * pairs; u++) {
    for (let f = 0; f < features; f++) rows[u * features + f] = sample.codes[u * features + f]! * sample.scales[u]!;
    if (axis.normalize) normalizeRow(rows.subarray(u * features, (u + 1) * features));
  }
  const differences = new Float64Array(pairs * features);
  let square = 0;
  for (let i = 0; i < pairs; i++)
    for (let f = 0; f < features; f++) {
      const difference = rows[2 * i * features + f]! - rows[(2 * i + 1) * features + f]!;
      differences[i * features + f] = difference;
      square += difference * difference;
    }
  if (!(square > 0 && Number.isFinite(square))) return false;
  const scale = 1 / Math.sqrt(square);
  // A cell and a sign for every coordinate (count sketch: Charikar, Chen, Farach-Colton, ICALP 2002); a function of label and shape alone.
  const places = shake256(new TextEncoder().encode(`heirloom/code/v1|${axis.label}|${features}`), 2 * differences.length);
  for (let i = 0; i < differences.length; i++) {
    const place = places[2 * i]! | (places[2 * i + 1]! << 8);
    cells[place % CODE_BITS]! += (place & 0x8000 ? scale : -scale) * differences[i]!;
  }
  return true;
}

function normalizeRow(row: Float64Array): void {
  let mean = 0;
  for (const value of row) mean += value / row.length;
  let square = 0;
  for (let i = 0; i < row.length; i++) {
    row[i]! -= mean;
    square += row[i]! ** 2;
  }
  const scale = square > 0 ? 1 / Math.sqrt(square) : 0;
  for (let i = 0; i < row.length; i++) row[i]! *= scale;
}

/** Signs after a Walsh-Hadamard transform: every bit sees every cell, so that few coordinates and heavy tails fill all bits alike. */
function signs(cells: Float64Array): Uint32Array {
  for (let half = 1; half < cells.length; half *= 2)
    for (let start = 0; start < cells.length; start += 2 * half)
      for (let i = start; i < start + half; i++) {
        const [x, y] = [cells[i]!, cells[i + half]!];
        cells[i] = x + y;
        cells[i + half] = x - y;
      }
  const bits = new Uint32Array(CODE_BITS / 32);
  for (let i = 0; i < CODE_BITS; i++) if (cells[i]! > 0) bits[i >> 5]! |= 1 << (i & 31);
  return bits;
}

/** The smallest distinct hashes as 32 bits each, filled up with 0. */
function smallest(hashes: readonly string[]): number[] {
  const words = new Set(hashes.filter((hash) => /^[0-9a-f]{16}$/.test(hash)).map((hash) => Number.parseInt(hash.slice(0, 8), 16)));
  words.delete(0);
  const kept = [...words].sort((x, y) => x - y).slice(0, MARKS_A_KIND);
  return [...kept, ...new Array<number>(MARKS_A_KIND - kept.length).fill(0)];
}

function word(bytes: Uint8Array): number {
  return ((bytes[0]! << 24) | (bytes[1]! << 16) | (bytes[2]! << 8) | bytes[3]!) >>> 0;
}
