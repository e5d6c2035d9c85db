/**
 * Flips per layer, against what independence would give.
 * @module
 */
import type { Evidence } from '../../lineage/index.ts';
import { coinRange, isPicked } from '../expected.ts';
import { clean } from '../text.ts';
import { bars, figure } from './drawing.ts';
import { type Html, NOTHING } from './markup.ts';

/** Layers drawn; a longer list would not be read. The table below the drawing and the JSON answer have all. (CWE-770) */
const MAX_LAYERS = 64;

export interface LayerFlips {
  readonly label: string;
  readonly agreeing: number;
  readonly flips: number;
}

/** Flips per layer out of a test's details (`layerAgree`, `layerFlips`, names in `layers` if any); empty when it has none. */
export function layerFlips(test: Evidence): LayerFlips[] {
  const agreeing = list(test, 'layerAgree');
  const flips = list(test, 'layerFlips');
  if (agreeing.length !== flips.length) return [];
  const labels = list(test, 'layers');
  return flips.flatMap((n, i): LayerFlips[] => {
    const k = agreeing[i];
    // Layers without a single flip say nothing.
    if (typeof n !== 'number' || typeof k !== 'number' || !(n > 0 && k >= 0 && k <= n)) return [];
    return [{ label: labels.length === flips.length ? String(labels[i]) : `layer ${i}`, agreeing: k, flips: n }];
  });
}

function list(test: Evidence, name: string): readonly (number | string)[] {
  const value = Object.hasOwn(test.details, name) ? test.details[name] : undefined;
  return Array.isArray(value) ? (value as readonly (number | string)[]) : [];
}

/** The drawing, or nothing for a test without flips per layer. */
export function flipChart(test: Evidence, id: string): Html {
  const layers = layerFlips(test);
  if (layers.length === 0) return NOTHING;
  const shown = layers.slice(0, MAX_LAYERS);
  const total = layers.reduce((sum, layer) => ({ k: sum.k + layer.agreeing, n: sum.n + layer.flips }), { k: 0, n: 0 });
  const rows = shown.map((layer) => {
    const { low, high } = coinRange(layer.flips);
    return {
      label: layer.label,
      value: layer.agreeing / layer.flips,
      told: `${layer.agreeing} / ${layer.flips}`,
      band: [low / layer.flips, high / layer.flips] as const,
    };
  });
  return figure(
    id,
    `${clean(test.statistic.name)} per layer`,
    `${total.k} of ${total.n} agree over ${layers.length} layers; about half would agree if the models were independent.`,
    bars(rows, {
      from: 0,
      to: 1,
      ticks: [
        { at: 0, text: '0 %' },
        { at: 0.5, text: 'half', line: true },
        { at: 1, text: 'all' },
      ],
    }),
    `Bars: flips that agree. Band around the dashed line: where 999 of 1,000 layers would lie if the two models were independent.${
      isPicked(test)
        ? ' Each layer here is the best of several tried, which alone moves it to the right; the p-value is corrected for that.'
        : ''
    }${layers.length > shown.length ? ` The first ${shown.length} of ${layers.length} layers.` : ''}`,
  );
}
