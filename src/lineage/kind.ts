/**
 * What happened to the weights, as far as two sketches can tell; broader rather than wrong.
 * @module
 */
import { median } from '../math/index.ts';
import { type Identity, ofBoth } from './identity.ts';
import { comparable, neuronBlocks } from './pairing.ts';
import { type Sketch, valueAt } from './sketch.ts';
import type { Kind, Relation } from './types.ts';

/** Dense 16-bit weights show 27 to 32 distinct values among 32 neighbors; 5 bits and less show under 20 (trials, section 6). */
const FEW_DISTINCT = 22;
/** rms distance from an int8 lattice: .03 on it, .29 off it. */
const ON_LATTICE = 0.12;
/** Relative change of a cast (half precision: under 10^-3), seen through a sketch's own rounding to 1/254. */
const CAST_CHANGE = 0.01;
/** Zeros beyond what dense models hold (< .001). */
const PRUNED = 0.05;

export interface KindInputs {
  readonly identity: Identity | null;
  readonly layerMap: ReadonlyMap<string, readonly number[]> | null;
  /** |B - A| / |A| over aligned samples, or null. */
  readonly change: number | null;
}

export function kindOf(a: Sketch, b: Sketch, { identity, layerMap, change }: KindInputs): Kind {
  const base = change === null ? {} : { relativeChange: change };
  const map = [...(layerMap?.values() ?? [])][0];
  const experts = hasExperts(b) && !hasExperts(a);
  const otherDepth = map !== undefined && !experts && isOtherDepth(a, map);
  if (identity && !otherDepth && ofBoth(identity.ordered) >= 0.95) {
    const same = a.subject.format === b.subject.format && a.subject.dtype === b.subject.dtype;
    return same
      ? { name: 'copy', note: 'the same values in the same format', ...base }
      : {
          name: 're-encoded',
          note: `the same values after rounding to 16 bits; stored as ${a.subject.format} ${a.subject.dtype} and ${b.subject.format} ${b.subject.dtype}`,
          ...base,
        };
  }
  if (identity && !otherDepth && ofBoth(identity.sorted) >= 0.95 && isCast(a, b))
    return { name: 're-encoded', note: `the same values up to a cast; stored as ${a.subject.dtype} and ${b.subject.dtype}`, ...base };
  if (identity && !otherDepth && ofBoth(identity.sorted) >= 0.95)
    return a.subject.scheme === 'generic' || b.subject.scheme === 'generic'
      ? {
          name: 're-encoded',
          note: 'the same values in another order of axes or elements, as conversions between frameworks leave',
          ...base,
        }
      : { name: 'disguised', note: 'the same values in another order: rows or columns were permuted', ...base };
  const zeros = typicalStat(b, (s) => s.zeros);
  const zerosA = typicalStat(a, (s) => s.zeros);
  const quantizedA = latticeOf(a);
  const scheme = latticeOf(b);
  if (scheme && !quantizedA)
    return { name: 'quantized', note: `values of the suspect lie on a coarse lattice (${scheme})`, scheme, ...base };
  if (zeros - zerosA >= PRUNED)
    return {
      name: 'pruned',
      note: `${(zeros * 100).toFixed(0)} % of the sampled weights are exactly zero, ${(zerosA * 100).toFixed(1)} % in the ancestor`,
      sparsity: zeros,
      ...base,
    };
  if (experts) return { name: 'width-changed', note: 'the network of each block became several experts', ...base };
  const tied = map?.filter((source) => source >= 0).length ?? 0;
  if (map && tied < map.length)
    return { name: 'partial', note: `${tied} of ${map.length} blocks tie, the others do not`, layerMap: map, ...base };
  if (otherDepth) return { name: 'depth-changed', note: 'layers were dropped, repeated or reordered', layerMap: map, ...base };
  if (change === null) return { name: 'unknown', note: 'the values could not be laid over each other' };
  return {
    name: 'fine-tune',
    note: `a dense change of ${(change * 100).toFixed(change < 0.1 ? 1 : 0)} % of the weights' size; further training, merging and added noise are not told apart here`,
    ...base,
  };
}

/**
 * Change of weights' size by rounding a whole model to so many bits, with a third to spare (corpus: 8 bits .0046, 5 .020, 4 .041); tables and
 * some matrices are kept finer. Only where the scheme cannot be rebuilt to prove it.
 */
const ROUNDING: Readonly<Record<number, number>> = { 8: 0.008, 6: 0.014, 5: 0.028, 4: 0.05, 3: 0.11, 2: 0.25 };
/** The same in the matrices that a sketch samples: steps of 2.2 standard deviations (the largest of 32) over 2^(bits - 1), and 5 % to spare. */
const sampledRounding = (bits: number): number => (1.05 * 2.2) / 2 ** (bits - 1) / Math.sqrt(12);
/** What a sketch's own rounding adds to a change, when the change was seen through sketches. */
const SKETCH_ROUNDING = 0.009;
/** Schemes that round in one way only, so that a copy can be made again. */
const PROVABLE = /^(Q4_[01]|Q5_[01]|Q8_0|int\d)/;
/** Change of what a pruned copy kept, seen through a sketch's own rounding. */
const KEPT_CHANGE = 0.01;

/**
 * Direction only on information loss, and only where nothing but the loss separates the two: a quantized sibling lost information too,
 * and does not descend from the model beside it.
 */
export function directionOf(
  a: Sketch,
  b: Sketch,
  kind: Kind,
  seen: 'in sketches' | 'value by value',
  layerMap: ReadonlyMap<string, readonly number[]> | null = null,
): Pick<Relation, 'direction' | 'directionGrounds'> {
  const unknown = (why: string): Pick<Relation, 'direction' | 'directionGrounds'> => ({ direction: 'unknown', directionGrounds: why });
  const [latticeA, latticeB] = [latticeOf(a), latticeOf(b)];
  if (kind.schemeProved)
    return { direction: 'a->b', directionGrounds: 'information loss: quantizing the first model anew gives the suspect to the bit' };
  if (kind.schemeProved === false && (kind.scheme ?? '').split(', ').every((scheme) => PROVABLE.test(scheme)))
    return unknown('the suspect is quantized, and quantizing the first model anew does not give it: it may be a copy of a relative');
  if ((latticeA === '') !== (latticeB === '')) {
    const bits = bitsOf(latticeB === '' ? a : b);
    const allowed = seen === 'in sketches' ? Math.hypot(sampledRounding(bits), SKETCH_ROUNDING) : (ROUNDING[bits] ?? 0);
    const within = kind.relativeChange !== undefined && kind.relativeChange <= allowed;
    const lossy = latticeB === '' ? 'the first model' : 'the suspect';
    if (!within)
      return unknown(`${lossy} is quantized and the other is not, but they differ by more than that: it may be a copy of a relative`);
    return {
      direction: latticeB === '' ? 'b->a' : 'a->b',
      directionGrounds: `information loss: ${lossy} is quantized and the other is not, and they differ by no more than that`,
    };
  }
  if (kind.name === 'pruned' && typicalStat(a, (stats) => stats.zeros) >= PRUNED)
    return unknown('both have weights set to zero: they may be pruned copies of one model');
  if (kind.name === 'pruned')
    return (keptChange(a, b, layerMap) ?? 1) <= KEPT_CHANGE
      ? {
          direction: 'a->b',
          directionGrounds: 'information loss: weights of the suspect are zero where the other has values, the rest is the same',
        }
      : unknown('weights of the suspect are zero where the other has values, but the rest differs too: it may be a pruned relative');
  return unknown('the weights of two dense models do not say which came first; dates on record might');
}

/** Whoever holds a coarse file can make a finer one that rounds to it: no test tells the two ways apart. */
const FILLED_IN =
  'a direction from lost information holds unless the finer file was made from the coarser one, by filling digits or weights in';

/** The limits of a relation with that of its direction. */
export function limitsWith(direction: Relation['direction'], limits: readonly string[]): string[] {
  const others = limits.filter((limit) => limit !== FILLED_IN);
  return direction === 'unknown' ? others : [...others, FILLED_IN];
}

/** Bits of its coarsest matrices: files mix types, and values say more than the name of the commonest. */
function bitsOf(sketch: Sketch): number {
  const named = /^I?Q(\d)|^TQ(\d)/.exec(sketch.subject.dtype);
  const distinct = typicalDistinct(sketch) ?? 32;
  const seen = distinct > FEW_DISTINCT ? 8 : distinct > 15 ? 5 : distinct > 9 ? 4 : distinct > 5 ? 3 : 2;
  return Math.min(Number(named?.[1] ?? named?.[2] ?? 8), seen);
}

/** How much information the marks on its values say a model lost; of two models the one with less comes first, if any does. */
export function lossOf(sketch: Sketch): number {
  return Number(latticeOf(sketch) !== '') + typicalStat(sketch, (s) => s.zeros);
}

/** The quantization seen in a sketch's values or stated by its format, or ''. */
export function latticeOf(sketch: Sketch): string {
  if (/^(I?Q\d|TQ|MXFP4)/.test(sketch.subject.dtype)) return sketch.subject.dtype;
  const distinct = typicalDistinct(sketch);
  const zeros = typicalStat(sketch, (s) => s.zeros);
  if (distinct !== null && distinct <= FEW_DISTINCT) return `about ${Math.round(distinct)} distinct values in 32`;
  const lattice = median(sketch.samples.flatMap((s) => (s.stats.lattice >= 0 && !s.excluded ? [s.stats.lattice] : [])));
  if (lattice !== null && zeros < PRUNED && lattice <= ON_LATTICE) return 'int8, one scale a row';
  return '';
}

function typicalDistinct(sketch: Sketch): number | null {
  return median(
    sketch.samples.flatMap((s) =>
      s.stats.distinct > 0 && !s.excluded && s.role !== 'embed' && s.role !== 'head' ? [s.stats.distinct] : [],
    ),
  );
}

function typicalStat(sketch: Sketch, pick: (stats: Sketch['samples'][number]['stats']) => number): number {
  return median(sketch.samples.flatMap((s) => (!s.excluded && s.role !== 'embed' && s.role !== 'head' ? [pick(s.stats)] : []))) ?? 0;
}

function hasExperts(sketch: Sketch): boolean {
  return sketch.samples.some((sample) => sample.expert !== null);
}

/** Experts count as blocks of their own, as they do in the map. */
function isOtherDepth(a: Sketch, map: readonly number[]): boolean {
  const depth = [...neuronBlocks(a).values()][0]?.length;
  return map.length !== depth || map.some((source, j) => source >= 0 && source !== j);
}

/** Whether two sketches hold the same values in the same places, up to what a cast to 16 bits changes. */
export function isCast(a: Sketch, b: Sketch): boolean {
  const change = relativeChange(a, b, null);
  return change !== null && change < CAST_CHANGE;
}

/** |B - A| / |A| over samples laid over each other by slot or by layer map. */
export function relativeChange(a: Sketch, b: Sketch, layerMap: ReadonlyMap<string, readonly number[]> | null): number | null {
  return changeWhere(a, b, layerMap, () => true);
}

/** The same over values that B did not set to zero. */
function keptChange(a: Sketch, b: Sketch, layerMap: ReadonlyMap<string, readonly number[]> | null): number | null {
  return changeWhere(a, b, layerMap, (value) => value !== 0);
}

function changeWhere(
  a: Sketch,
  b: Sketch,
  layerMap: ReadonlyMap<string, readonly number[]> | null,
  counts: (value: number) => boolean,
): number | null {
  const lookup = new Map(a.samples.map((s) => [`${s.stack}/${s.block}/${s.role}/${s.expert ?? ''}/${s.block === null ? s.slot : ''}`, s]));
  let difference = 0;
  let size = 0;
  for (const right of b.samples) {
    if (right.excluded) continue;
    // The map counts experts as blocks; with experts only equal places are laid over each other.
    const mapped = right.expert === null ? layerMap?.get(right.stack)?.[right.block ?? 0] : undefined;
    const block = right.block === null ? null : (mapped ?? right.block);
    const left = lookup.get(`${right.stack}/${block}/${right.role}/${right.expert ?? ''}/${right.block === null ? right.slot : ''}`);
    if (!comparable(left, right) || left.excluded) continue;
    const width = Math.min(left.features, right.features);
    for (let u = 0; u < Math.min(left.units, right.units); u++)
      for (let f = 0; f < width; f++) {
        const [x, y] = [valueAt(left, u, f), valueAt(right, u, f)];
        if (!counts(y)) continue;
        difference += (y - x) ** 2;
        size += x * x;
      }
  }
  return size > 0 && Number.isFinite(difference) ? Math.sqrt(difference / size) : null;
}
