/**
 * One drawing: how many flips of each layer agree, against what independence would give.
 * @module
 */
import type { Evidence } from '../../lineage/index.ts';
import { clean } from '../text.ts';
import { type Html, markup, NOTHING, own } from './markup.ts';

/** Layers drawn; a longer list would not be read. The table below the drawing and the JSON answer have all. (CWE-770) */
const MAX_LAYERS = 64;
const LABEL = 84;
const WIDTH = 220;
const ROW = 20;
const TOP = 22;

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
  const height = TOP + shown.length * ROW + 4;
  const x = (share: number): string => (LABEL + share * WIDTH).toFixed(1);
  const total = layers.reduce((sum, layer) => ({ k: sum.k + layer.agreeing, n: sum.n + layer.flips }), { k: 0, n: 0 });
  return markup`<figure>
    <svg viewBox="0 0 370 ${height}" role="img" aria-labelledby="${own(id)}-t ${own(id)}-d">
      <title id="${own(id)}-t">${clean(test.statistic.name)} per layer</title>
      <desc id="${own(id)}-d">
        ${total.k} of ${total.n} agree over ${layers.length} layers; about half would agree if the models were independent.
      </desc>
      <text class="quiet-text" x="${own(x(0))}" y="12">0 %</text>
      <text class="quiet-text" x="${own(x(0.5))}" y="12" text-anchor="middle">half</text>
      <text class="quiet-text" x="${own(x(1))}" y="12" text-anchor="end">all</text>
      ${shown.map((layer, i) => row(layer, TOP + i * ROW, x))}
      <line class="half" x1="${own(x(0.5))}" x2="${own(x(0.5))}" y1="${TOP - 5}" y2="${height - 4}" />
    </svg>
    <figcaption>
      Bars: flips that agree. Band around the dashed line: where 19 of 20 layers would lie if the two models were
      independent.${layers.length > shown.length ? ` The first ${shown.length} of ${layers.length} layers.` : ''}
    </figcaption>
  </figure> `;
}

function row(layer: LayerFlips, y: number, x: (share: number) => string): Html {
  // Normal approximation of the binomial's central 95 %: for the eye only, no test rests on it.
  const spread = Math.min(0.5, 0.98 / Math.sqrt(layer.flips));
  const share = layer.agreeing / layer.flips;
  const name = clean(layer.label, 60);
  const label = [...name].length > 13 ? `${[...name].slice(0, 12).join('')}…` : name;
  return markup`<g>
    <title>${name}: ${layer.agreeing} of ${layer.flips}</title>
    <text x="${LABEL - 6}" y="${y + 11}" text-anchor="end">${label}</text>
    <rect class="track" x="${LABEL}" y="${y + 1}" width="${WIDTH}" height="13" />
    <rect class="band" x="${own(x(0.5 - spread))}" y="${y + 1}" width="${own((2 * spread * WIDTH).toFixed(1))}" height="13" />
    <rect class="bar" x="${LABEL}" y="${y + 4}" width="${own((share * WIDTH).toFixed(1))}" height="7" />
    <text class="quiet-text" x="${LABEL + WIDTH + 6}" y="${y + 11}">${layer.agreeing} / ${layer.flips}</text></g
  > `;
}
