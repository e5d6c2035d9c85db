/**
 * What two generic networks share once channels are laid over each other: verdict, kind and evidence.
 * @module
 */
import type { Watch } from '../../base/index.ts';
import type { Model } from '../../model/index.ts';
import { positions } from '../positions.ts';
import { quantize, type Sample, type Sketch, type VectorSample } from '../sketch.ts';
import { startEvidence } from '../start.ts';
import type { SamplePair } from '../pairing.ts';
import type { Evidence, Kind } from '../types.ts';
import { walkLayers } from './layers.ts';
import { agreementLog10P } from './match.ts';
import { channelsOf, rowsOf } from './spaces.ts';
import { type Placed, type Walk, walk } from './walk.ts';

export interface WalkOutcome {
  /** log10 of the chance of so many agreements, all tries counted; calibrated. */
  readonly log10P: number;
  /** Whether the walk shows a tie at all: enough layers, most of their channels. */
  readonly tied: boolean;
  readonly learned: 'learned' | 'start-only' | 'undecided';
  readonly why: string;
  readonly kind: Kind;
  /** Parameters of the layers that agree, as a share of all filters and matrices but heads; and those layers. */
  readonly fraction: number;
  readonly slots: readonly string[];
  readonly evidence: readonly Evidence[];
}

/** Layers that must each agree beyond chance; one alone may be a transplanted or stored part. */
const MIN_LAYERS = 2;
const LAYER_LOG10 = -3;
/**
 * Of the channels that both ways match, the share that must match alike: strangers trained on like data find somewhat like
 * channels, so beating chance is not enough (relatives: nearly all; unrelated published pairs: under .02).
 */
const MOST = 0.5;
/** Units and features kept of each layer for the judgement, as in a sketch. */
const UNITS = 256;
const FEATURES = 64;
/** Channel numbers printed with a kind. */
const MAX_PRINTED = 20_000;

/** @returns null when the two are no generic networks, or too large. @throws SourceError, WeightsError when bytes cannot be had. */
export async function compareWalked(
  a: { readonly model: Model; readonly sketch: Sketch },
  b: { readonly model: Model; readonly sketch: Sketch },
  inputs: Evidence['inputs'],
  watch: Watch = {},
): Promise<WalkOutcome | null> {
  const layersA = await walkLayers(a.model, watch);
  const layersB = layersA && (await walkLayers(b.model, watch));
  if (!layersA || !layersB) return null;
  watch.onProgress?.({ what: 'channels laid over each other', done: 0, total: 1 });
  const walked = walk(layersA, layersB);
  return judgeWalk(
    walked,
    a.sketch,
    b.sketch,
    inputs,
    layersB.reduce((total, layer) => total + layer.values.length, 0),
  );
}

/** @param parameters of all the layers of B that could be walked. */
export function judgeWalk(walked: Walk, a: Sketch, b: Sketch, inputs: Evidence['inputs'], parameters: number): WalkOutcome {
  const agreeing = walked.placed.filter((layer) => layer.agreement && agreementLog10P([layer.agreement]) <= LAYER_LOG10);
  const k = walked.agreements.reduce((sum, part) => sum + part.k, 0);
  const m = walked.agreements.reduce((sum, part) => sum + part.m, 0);
  const inAgreeing =
    agreeing.reduce((sum, { agreement }) => sum + agreement!.k / Math.max(1, agreement!.m), 0) / Math.max(1, agreeing.length);
  const tied = agreeing.length >= MIN_LAYERS && inAgreeing >= MOST;
  const layers = alignedPairs(walked.placed);
  const start = tied
    ? startEvidence(
        { ...a, samples: [], vectors: layers.flatMap((layer) => layer.vectors.map(([left]) => left)) },
        { ...b, samples: [], vectors: layers.flatMap((layer) => layer.vectors.map(([, right]) => right)) },
        layers,
        true,
        inputs,
      )
    : { verdict: 'undecided' as const, why: 'no tie to judge', evidence: [] };
  const shown = walked.placed.filter(({ agreement, space }) => agreement !== null || agreeing.some((layer) => layer.space === space));
  return {
    log10P: walked.log10P,
    tied,
    learned: start.verdict,
    why: start.why,
    kind: kindOf(walked.placed),
    fraction: parameters > 0 ? shown.reduce((sum, layer) => sum + layer.b.values.length, 0) / parameters : 0,
    slots: shown.map((layer) => layer.b.slot),
    evidence: [
      {
        test: 'channel-walk',
        version: 1,
        class: 'calibrated',
        question: 'Walking from the input, do two independent ways of matching channels match the same ones?',
        statistic: { name: 'channels that both ways match alike', value: k },
        n: m,
        log10P: walked.log10P,
        effect: { name: 'share of agreeing channels in the layers placed', value: inAgreeing },
        nullModel: `matchings that know nothing of each other would agree on about ${mean(walked).toFixed(1)} of ${m} channels (Poisson bound)`,
        assumptions: [
          'the two ways see different numbers, so that only equal channels make them agree',
          'layers are taken in the order of their names; a layer that fits nowhere ends its branch',
        ],
        details: {
          layers: walked.placed.flatMap((layer) => (layer.agreement ? [layer.b.slot] : [])),
          agree: walked.placed.flatMap((layer) => (layer.agreement ? [layer.agreement.k] : [])),
          matched: walked.placed.flatMap((layer) => (layer.agreement ? [layer.agreement.m] : [])),
          channels: walked.placed.flatMap((layer) => (layer.agreement ? [layer.agreement.n] : [])),
          byChance: mean(walked),
          log10Tries: walked.log10Tries,
          stopped: walked.stopped === '' ? 'nowhere: every layer was placed' : `at ${walked.stopped}`,
        },
        inputs,
      },
      ...start.evidence,
    ],
  };
}

function mean({ agreements }: Walk): number {
  return agreements.reduce((sum, { m, n }) => sum + m / Math.max(1, n), 0);
}

interface AlignedLayer {
  readonly pair: SamplePair;
  readonly log10P: number;
  readonly vectors: readonly (readonly [VectorSample, VectorSample])[];
}

/** Both sides under B's names and in B's order of channels. */
function alignedPairs(placed: readonly Placed[]): AlignedLayer[] {
  return placed.flatMap((layer) => {
    const { a, b, reading, space } = layer;
    const outputs = channelsOf(space);
    if (outputs.length < 2) return [];
    const features = reading
      ? rowsOf(layer, reading, channelsOf(reading.space))
      : { a: Float64Array.from(a.values), b: Float64Array.from(b.values), columns: a.kernel };
    const side = (values: Float64Array, channels: readonly number[]): Sample => sampleOf(b.slot, values, features.columns, channels);
    const own = layer.agreement ? agreementLog10P([layer.agreement]) : 0;
    return [
      {
        pair: [
          side(
            features.a,
            outputs.map(([left]) => left),
          ),
          side(
            features.b,
            outputs.map(([, right]) => right),
          ),
        ],
        log10P: own,
        vectors: b.vectors.flatMap((right, i) => {
          const left = a.vectors.find((vector) => vector.slot === right.slot) ?? a.vectors[i];
          if (!left || left.role !== right.role) return [];
          const vector = (values: Float32Array, which: 0 | 1): VectorSample => ({
            slot: right.slot,
            role: right.role,
            stack: '',
            block: null,
            length: outputs.length,
            values: Float32Array.from(outputs.slice(0, UNITS), (pair) => values[pair[which]]!),
          });
          return [[vector(left.values, 0), vector(right.values, 1)] as const];
        }),
      },
    ];
  });
}

function sampleOf(slot: string, values: Float64Array, columns: number, channels: readonly number[]): Sample {
  const at = positions(`walk|${columns}`, columns, FEATURES, '');
  const units = Math.min(UNITS, channels.length);
  const out = new Float32Array(units * at.length);
  for (let u = 0; u < units; u++) at.forEach((column, f) => (out[u * at.length + f] = values[channels[u]! * columns + column]!));
  return {
    slot,
    role: 'conv',
    stack: '',
    block: null,
    expert: null,
    shape: [channels.length, columns],
    axis: 'rows',
    units,
    features: at.length,
    ...quantize(out, units, at.length),
    hash: '',
    stats: { zeros: 0, distinct: 0, lattice: -1 },
    excluded: '',
  };
}

function kindOf(placed: readonly Placed[]): Kind {
  const spaces = [...new Set(placed.map((layer) => layer.space))];
  const moved = spaces.filter(({ map, a, b }) => a === b && map.some((left, right) => left !== right));
  const narrower = spaces.filter(({ a, b }) => b < a);
  const wider = spaces.filter(({ a, b }) => b > a);
  const printed = spaces.reduce((sum, { b }) => sum + b, 0) <= MAX_PRINTED;
  const maps = printed && (moved.length > 0 || narrower.length + wider.length > 0) ? { neuronMap: spaces.map(({ map }) => [...map]) } : {};
  if (narrower.length + wider.length > 0) {
    const total = (pick: 'a' | 'b'): number => spaces.reduce((sum, space) => sum + space[pick], 0);
    return {
      name: 'width-changed',
      note: `${total('a')} channels in ${spaces.length} layers became ${total('b')}`,
      ...(moved.length > 0 && { disguises: ['channels permuted'] }),
      ...maps,
    };
  }
  if (moved.length > 0)
    return {
      name: 'disguised',
      note: `the channels of ${moved.length} of ${spaces.length} layers stand in another order`,
      disguises: ['channels permuted'],
      ...maps,
    };
  const flattened = placed.some(({ reading }) => reading && reading.lastA !== reading.lastB);
  return flattened
    ? {
        name: 're-encoded',
        note: 'a flatten before a dense layer takes channels and places in another order, as conversions between frameworks leave',
      }
    : { name: 'fine-tune', note: 'a dense change; axes may have been reordered by a conversion' };
}
