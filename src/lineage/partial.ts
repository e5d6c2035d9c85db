/**
 * Which part of a generic network is shared: layers that each reject independence, over all that could have.
 * @module
 */
import type { FilterOutcome } from './filter-test.ts';
import { comparable } from './pairing.ts';
import type { Sample, Sketch } from './sketch.ts';
import type { Kind, Relation } from './types.ts';

/** Family-wise level at which a single layer is shown (Holm over the layers that can reach it). */
const LAYER_LOG10 = -3;
const LOG10_OF_2 = Math.log10(2);
/** Above this the rest may be small layers without power. */
const NEARLY_ALL = 0.95;
/** Modules named in words; all layers stand in `slots`. */
const MAX_NAMED = 6;

/** Layers of B by what the filters say of them. */
export interface Parts {
  readonly shown: readonly string[];
  readonly notShown: readonly string[];
  readonly fraction: number | null;
  /** Parameters of heads, tables and layers of too few rows, and of everything that could be tested. */
  readonly untestable: number;
  readonly testable: number;
}

/**
 * @param a the known model: where a layer's only counterpart was taken for an output head there, nothing was compared.
 * @param b the suspect; its layers without a counterpart of their shape are not shared, its heads and small layers unknown.
 */
export function partsOf(filters: FilterOutcome, a: Sketch, b: Sketch): Parts {
  const compared = new Map(filters.layers.map((layer) => [layer.slot, layer]));
  const matrices = b.samples.filter((s) => s.role === 'conv' || s.role === 'linear');
  const flipsOf = (s: Sample): number => compared.get(s.slot)?.flips.n ?? s.units >> 1;
  // All flips agreeing must pass the correction, whose size depends on how many layers are left.
  const heads = a.samples.filter((s) => s.excluded);
  let testable = matrices.filter((s) => !s.excluded && (compared.has(s.slot) || !heads.some((head) => comparable(head, s))));
  for (let before = -1; before !== testable.length;) {
    before = testable.length;
    const needed = -LAYER_LOG10 + Math.log10(Math.max(1, before));
    testable = testable.filter((s) => flipsOf(s) * LOG10_OF_2 >= needed);
  }
  const inOrder = testable
    .map((s) => ({ slot: s.slot, log10P: compared.get(s.slot)?.log10P ?? 0, equal: isEqual(compared.get(s.slot)) }))
    .sort((x, y) => x.log10P - y.log10P);
  const shown = new Set<string>();
  for (const [i, layer] of inOrder.entries()) {
    if (layer.log10P + Math.log10(inOrder.length - i) > LAYER_LOG10) break;
    shown.add(layer.slot);
  }
  // Equal values need no test.
  for (const layer of inOrder) if (layer.equal) shown.add(layer.slot);
  const weigh = (list: readonly Sample[]): number => list.reduce((sum, s) => sum + s.shape[0] * s.shape[1], 0);
  const all = weigh(testable);
  return {
    shown: testable.filter((s) => shown.has(s.slot)).map((s) => s.slot),
    notShown: testable.filter((s) => !shown.has(s.slot)).map((s) => s.slot),
    fraction: all === 0 ? null : weigh(testable.filter((s) => shown.has(s.slot))) / all,
    untestable: weigh(matrices) - all,
    testable: all,
  };
}

function isEqual(layer: FilterOutcome['layers'][number] | undefined): boolean {
  return layer !== undefined && layer.pair[0].hash === layer.pair[1].hash && layer.pair[0].units === layer.pair[1].units;
}

export function shareOf(parts: Parts): Relation['share'] {
  const { shown, notShown, fraction, untestable, testable } = parts;
  const rest =
    untestable === 0
      ? ''
      : `; heads and layers of few rows, ${((100 * untestable) / (untestable + testable)).toFixed(0)} % of the weights, could not be tested`;
  const modules = modulesOf(shown, notShown);
  const named =
    modules.length === 0 || modules.length > MAX_NAMED ? `${shown.length} of ${shown.length + notShown.length} layers` : modules.join(', ');
  const part = fraction !== null && fraction > NEARLY_ALL ? 'all testable layers' : `part of the layers: ${named}`;
  return { fraction, part: part + rest, slots: shown };
}

/** The shortest module paths that hold shared layers and no other: `backbone`, `encoder.layer1`. */
export function modulesOf(shown: readonly string[], notShown: readonly string[]): string[] {
  const modules = new Set<string>();
  for (const slot of shown) {
    const parts = slot.split('.');
    const depth = parts.findIndex((_, i) => {
      const prefix = `${parts.slice(0, i + 1).join('.')}.`;
      return !notShown.some((other) => `${other}.`.startsWith(prefix));
    });
    modules.add(parts.slice(0, (depth < 0 ? parts.length - 1 : depth) + 1).join('.'));
  }
  return [...modules];
}

/** A part that is shared beside one that is not is more than a change of values; unless an exact kind was found. */
export function partialKind(kind: Kind, share: Relation['share']): Kind {
  if (kind.name !== 'fine-tune' && kind.name !== 'unknown') return kind;
  if (share.fraction === null || share.fraction > NEARLY_ALL || !share.part.startsWith('part of the layers')) return kind;
  return {
    ...kind,
    name: 'partial',
    note: `${(100 * share.fraction).toFixed(0)} % of the weights that could be tested are shared, the rest is other: ${share.part}`,
    alternatives: ['a fine-tune that changed the other layers beyond recognition'],
  };
}
