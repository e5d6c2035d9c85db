/**
 * Which sample of A stands against which of B. Decided by slots and shapes alone, never by values.
 * @module
 */
import type { Sample, Sketch, VectorSample } from './sketch.ts';

/** Samples of one block that share neuron labels, by role. */
export interface NeuronBlock {
  readonly block: number;
  readonly expert: number;
  readonly samples: ReadonlyMap<string, Sample>;
}

export type SamplePair = readonly [Sample, Sample];

const NEURON_ROLES = ['up', 'gate', 'down'];

/** Blocks with sampled neurons, per stack, in block order; experts count as blocks of their own. */
export function neuronBlocks(sketch: { readonly samples: readonly Sample[] }): Map<string, NeuronBlock[]> {
  const stacks = new Map<string, Map<string, { block: number; expert: number; samples: Map<string, Sample> }>>();
  for (const sample of sketch.samples) {
    if (!NEURON_ROLES.includes(sample.role) || sample.block === null || sample.excluded) continue;
    const stack = stacks.get(sample.stack) ?? new Map<string, { block: number; expert: number; samples: Map<string, Sample> }>();
    stacks.set(sample.stack, stack);
    const key = `${sample.block}/${sample.expert ?? 0}`;
    const entry = stack.get(key) ?? { block: sample.block, expert: sample.expert ?? 0, samples: new Map<string, Sample>() };
    stack.set(key, entry);
    entry.samples.set(sample.role, sample);
  }
  return new Map(
    [...stacks].map(([name, blocks]) => [name, [...blocks.values()].sort((x, y) => x.block - y.block || x.expert - y.expert)]),
  );
}

/** Same shape means same positions, so values stand for the same coordinates. */
export function comparable(a: Sample | undefined, b: Sample | undefined): a is Sample {
  return a !== undefined && b !== undefined && a.axis === b.axis && a.shape[0] === b.shape[0] && a.shape[1] === b.shape[1];
}

/** Token tables may differ in length (extended vocabularies): their samples lie on the same low token rows. */
export function comparableTables(a: Sample | undefined, b: Sample | undefined): a is Sample {
  return a !== undefined && b !== undefined && a.shape[1] === b.shape[1] && a.shape[0] >= 576 === b.shape[0] >= 576;
}

export function neuronPairs(a: NeuronBlock, b: NeuronBlock): SamplePair[] {
  return NEURON_ROLES.flatMap((role): SamplePair[] => {
    const [left, right] = [a.samples.get(role), b.samples.get(role)];
    return comparable(left, right) ? [[left, right!]] : [];
  });
}

/** Samples of the given roles that stand in the same slot on both sides. */
export function slotPairs(a: Sketch, b: Sketch, roles: readonly string[]): SamplePair[] {
  const bySlot = new Map(b.samples.map((sample) => [sample.slot, sample]));
  return a.samples.flatMap((left): SamplePair[] => {
    const right = bySlot.get(left.slot);
    return roles.includes(left.role) && !left.excluded && right && !right.excluded && right.role === left.role && comparable(left, right)
      ? [[left, right]]
      : [];
  });
}

export function vectorPairs(a: Sketch, b: Sketch, keep: (vector: VectorSample) => boolean): [VectorSample, VectorSample][] {
  const bySlot = new Map(b.vectors.map((vector) => [vector.slot, vector]));
  return a.vectors.flatMap((left): [VectorSample, VectorSample][] => {
    const right = bySlot.get(left.slot);
    return right && right.length === left.length && keep(left) ? [[left, right]] : [];
  });
}

/** Share of the smaller side's filters that names must cover for names to be trusted. */
const NAME_COVERAGE = 0.3;

/**
 * Convolutions and matrices of generic networks: by slot and shape, or, where conversions renamed everything,
 * every sample of B with all samples of A of its shape. Which way is decided without looking at values.
 */
export function filterCandidates(a: Sketch, b: Sketch): { mode: 'names' | 'shapes'; layers: readonly (readonly SamplePair[])[] } {
  const named = slotPairs(a, b, ['conv', 'linear']);
  const filters = (sketch: Sketch): Sample[] => sketch.samples.filter((s) => (s.role === 'conv' || s.role === 'linear') && !s.excluded);
  const weight = (samples: readonly Sample[]): number => samples.reduce((sum, s) => sum + s.shape[0] * s.shape[1], 0);
  const [left, right] = [filters(a), filters(b)];
  if (weight(named.map(([x]) => x)) >= NAME_COVERAGE * Math.min(weight(left), weight(right)))
    return { mode: 'names', layers: named.map((pair) => [pair]) };
  const layers = right.map((y) => left.filter((x) => x.role === y.role && comparable(x, y)).map((x): SamplePair => [x, y]));
  return { mode: 'shapes', layers: layers.filter((candidates) => candidates.length > 0) };
}
