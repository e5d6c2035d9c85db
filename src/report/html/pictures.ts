/**
 * A picture for every test, chosen by what its details hold, so that tests added later are drawn too.
 * @module
 */
import type { Evidence, Kind, Relation } from '../../lineage/index.ts';
import { ALPHA_LOG10 } from '../../math/index.ts';
import { coinRange, countsCoins } from '../expected.ts';
import { parentWords } from '../kind-words.ts';
import { decimal, grouped, percent, pValue } from '../numbers.ts';
import { sortTests } from '../terminal-relation.ts';
import { clean } from '../text.ts';
import { flipChart, layerFlips } from './chart.ts';
import { arrows, type Axis, type Bar, bars, figure, squares, strip } from './drawing.ts';
import { type Html, NOTHING } from './markup.ts';

/** Rows and values drawn; a longer list would not be read. (CWE-770) */
const MAX_ROWS = 64;
const MAX_VALUES = 400;
/** Lists of numbers drawn of one test that we do not know. */
const MAX_LISTS = 3;

const ONE: Axis = {
  from: 0,
  to: 1,
  ticks: [
    { at: 0, text: '0' },
    { at: 1, text: '1' },
  ],
};

/** At least one picture where the test holds a number that can be drawn. */
export function testPictures(test: Evidence, id: string): readonly Html[] {
  if (layerFlips(test).length > 0) return [flipChart(test, id)];
  if (countsCoins(test)) return [coins(test, id)];
  const votes = thresholds(test, id);
  if (votes) return [votes];
  const lists = numberLists(test);
  const maps = Object.hasOwn(test.details, 'layerMap') ? [layerMapPicture(listOf(test, 'layerMap'), `${id}-map`)] : [];
  const drawn = lists.slice(0, MAX_LISTS).map(([name, values], i) => list(name, values, `${id}-${i}`));
  if (drawn.length + maps.length > 0) return [...drawn, ...maps];
  const shares = sharesOf(test);
  return shares.length === 0
    ? []
    : [figure(id, 'Shares', shares.map((bar) => `${bar.label}: ${bar.told}`).join('; '), bars(shares, ONE), 'Shares between 0 and 1.')];
}

function coins(test: Evidence, id: string): Html {
  const { low, high } = coinRange(test.n);
  const n = test.n || 1;
  const told = `${grouped(test.statistic.value)} / ${grouped(test.n)}`;
  return figure(
    id,
    clean(test.statistic.name),
    `${told}; between ${low} and ${high} expected of independent models.`,
    bars([{ label: 'all', value: test.statistic.value / n, told, band: [low / n, high / n] }], {
      from: 0,
      to: 1,
      ticks: [
        { at: 0, text: '0 %' },
        { at: 0.5, text: 'half', line: true },
        { at: 1, text: 'all' },
      ],
    }),
    'Bar: what agrees. Band around the dashed line: where 999 of 1,000 pairs of independent models would lie.',
  );
}

/** `down ratio` with `down threshold`, `heads` with `heads threshold`. */
function thresholds(test: Evidence, id: string): Html | null {
  const rows = Object.keys(test.details)
    .filter((key) => key.endsWith(' threshold'))
    .flatMap((key): Bar[] => {
      const name = key.slice(0, -' threshold'.length);
      const [value, threshold] = [test.details[`${name} ratio`] ?? test.details[name], test.details[key]];
      if (typeof value !== 'number' || typeof threshold !== 'number') return [];
      const passes = value >= threshold ? 'over' : 'under';
      return [{ label: name, value, threshold, told: `${value.toFixed(2)} ${passes}` }];
    })
    .slice(0, MAX_ROWS);
  if (rows.length === 0) return null;
  const to = Math.max(1.2, ...rows.map((row) => Math.min(3, row.value)));
  const told = rows.map((row) => `${clean(row.label, 40)} ${row.value.toFixed(2)}, threshold ${row.threshold}`).join('; ');
  return figure(
    id,
    `${clean(test.statistic.name)}, each against its threshold`,
    told,
    bars(rows, { ...ONE, to, ticks: [...ONE.ticks] }),
    `Bars: what was measured. Upright strokes: the thresholds (${rows.map((row) => `${clean(row.label, 40)} ${row.threshold}`).join(', ')}). “over” speaks for shared training.`,
  );
}

function list(name: string, values: readonly number[], id: string): Html {
  const shown = values.slice(0, MAX_VALUES);
  const isZ = /z$/i.test(name);
  const [least, most] = [Math.min(...shown, isZ ? -4 : 0), Math.max(...shown, isZ ? 4 : 0)];
  const title = clean(name, 60);
  const axis: Axis = {
    from: least,
    to: most,
    ticks: [
      { at: least, text: decimal(least) },
      { at: most, text: decimal(most) },
    ],
  };
  return figure(
    id,
    title,
    `${values.length} values from ${decimal(Math.min(...shown))} to ${decimal(Math.max(...shown))}.`,
    strip(shown, axis, isZ ? [-3.29, 3.29] : undefined),
    `${title}: each stroke is one of ${grouped(values.length)} values.${isZ ? ' Band: where 999 of 1,000 would lie by chance, if it is normal.' : ''}${
      values.length > shown.length ? ` The first ${shown.length} are drawn.` : ''
    }`,
  );
}

function sharesOf(test: Evidence): Bar[] {
  const bar = (label: string, value: number): Bar[] => (value >= 0 && value <= 1 ? [{ label, value, told: percent(value) }] : []);
  const { details } = test;
  if (typeof details['shareOfA'] === 'number' && typeof details['shareOfB'] === 'number')
    return [...bar('of A', details['shareOfA']), ...bar('of B', details['shareOfB'])];
  return [...bar(test.statistic.name, test.statistic.value), ...(test.effect ? bar(test.effect.name, test.effect.value) : [])];
}

function numberLists(test: Evidence): [string, readonly number[]][] {
  return Object.keys(test.details).flatMap((key): [string, readonly number[]][] => {
    const values = listOf(test, key);
    return values.length < 2 || key === 'layerMap' ? [] : [[key, values]];
  });
}

function listOf(test: Evidence, key: string): readonly number[] {
  const value = test.details[key];
  return Array.isArray(value) && value.every((item) => typeof item === 'number' && Number.isFinite(item)) ? (value as number[]) : [];
}

/** Which layer of A each layer of B matches. */
function layerMapPicture(map: readonly number[], id: string): Html {
  if (map.length === 0 || map.length > MAX_ROWS || !map.every((source) => Number.isInteger(source) && source >= -1 && source < MAX_ROWS))
    return NOTHING;
  return figure(
    id,
    'Layer map',
    map.map((source, j) => `layer ${j} of B ${source < 0 ? 'matches none' : `matches layer ${source} of A`}`).join('; '),
    arrows(map, ['layers of A', 'layers of B']),
    'A line joins each layer of B to the layer of A that it matches.',
  );
}

/** Merge coefficients, layer map and matched neurons, where the kind has them. */
export function kindPictures(kind: Kind, id: string): readonly Html[] {
  const out: Html[] = [];
  if (kind.merge && kind.merge.parents.length > 0) {
    const rows = kind.merge.parents.slice(0, MAX_ROWS).map((parent): Bar => {
      return { label: parent.name, value: parent.coefficient, error: 2 * parent.standardError, told: parentWords(parent) };
    });
    const [from, to] = [
      Math.min(0, ...rows.map((row) => row.value - (row.error ?? 0))),
      Math.max(1, ...rows.map((row) => row.value + (row.error ?? 0))),
    ];
    const ticks = [
      { at: 0, text: '0', line: true },
      { at: 1, text: '1', line: true },
    ];
    out.push(
      figure(
        `${id}-merge`,
        'Merge coefficients',
        rows.map((row) => `${clean(row.label, 60)} ${row.told}`).join('; '),
        bars(rows, { from, to, ticks }),
        'Squares: the share of each parent. Lines through them: two standard errors to either side.',
      ),
    );
  }
  if (kind.layerMap) out.push(layerMapPicture(kind.layerMap, `${id}-layers`));
  const moved = (kind.neuronMap ?? []).flatMap((map, layer) => (map.some((source, j) => source !== j) ? [{ map, layer }] : [])).slice(0, 4);
  if (moved.length > 0)
    out.push(
      figure(
        `${id}-neurons`,
        'Matched neurons',
        `Of ${moved.length} layers: neurons of B by their place, against the place in A.`,
        squares(
          moved.map(({ map }) => map),
          moved.map(({ layer }) => `layer ${layer}`),
        ),
        'Each point is a neuron: to the right its place in A, downwards its place in B. Neurons that kept their places lie on the diagonal.',
      ),
    );
  return out.filter((picture) => picture !== NOTHING);
}

/** Further than this the axis is not drawn: the assumptions bound the error there, not chance. */
const LEAST_DRAWN = -20;

/** The exact tests' p-values on one axis, with the threshold of a verdict. */
export function strengthPicture(relation: Relation, id: string): Html {
  const exact = sortTests(relation.tests).filter((test) => test.class === 'exact' && test.log10P !== null);
  const tests = exact.slice(0, MAX_ROWS);
  if (tests.length === 0) return NOTHING;
  // The verdict multiplies the smallest p by both numbers; the line is where that product meets the threshold.
  const threshold = ALPHA_LOG10 - Math.log10(relation.searched) - Math.log10(exact.length);
  const rows = tests.map((test): Bar => {
    const label = test.test.slice(test.test.indexOf('/') + 1);
    return { label, value: -test.log10P!, told: pValue(test.log10P!) };
  });
  const axis: Axis = {
    from: 0,
    to: -LEAST_DRAWN,
    ticks: [
      { at: 0, text: 'p = 1' },
      { at: -threshold, text: 'threshold', line: true },
      { at: -LEAST_DRAWN, text: `10^${LEAST_DRAWN}` },
    ],
  };
  return figure(
    id,
    'p-values of the exact tests',
    rows.map((row) => `${clean(row.label, 60)}: ${row.told}`).join('; '),
    bars(rows, axis),
    `Longer bars: less likely by chance. Dashed: what the smallest must pass, corrected for the number of exact tests and of models searched. Bars end at 10^${LEAST_DRAWN}; below about 10^-12 the assumptions bound the error, not chance.`,
  );
}
