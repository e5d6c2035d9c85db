/**
 * An audit of labels as one page: a drawing of what models declare and what binds them, and the same numbers as tables.
 * @module
 */
import type { AuditFlow, AuditRow, AuditSummary } from '../../credit/index.ts';
import { DRIFT_WORDS } from '../audit.ts';
import { clean } from '../text.ts';
import { counted } from '../words.ts';
import { foreign, type Html, markup, NOTHING, own, table } from './markup.ts';
import { shell } from './shell.ts';

/** Licenses on one side of the drawing; the rest are one bar. */
const MAX_BARS = 10;
const WIDTH = 360;
const BAR = 8;
const GAP = 6;
/** A bar is never lower than its label. */
const MIN_HEIGHT = 15;
const FLOW_HEIGHT = 420;
const MAX_LABEL = 24;

const STYLE = markup`.flow-kept{fill:var(--bar);opacity:.28}.flow-other{fill:var(--careful);opacity:.42}.flow-bar{fill:var(--ink)}.flows{max-width:40rem;margin:1rem 0}.key{display:inline-block;width:1em;height:.8em;margin-right:.4em}`;

/** @param rows those to act on, as many as are to be shown. */
export function renderAuditHtml(summary: AuditSummary, rows: readonly AuditRow[], tool: string): string {
  const title = `Labels of ${counted(summary.models, 'model')}: what they declare and what binds them`;
  const changed = summary.flows.filter((flow) => flow.declared !== flow.effective).reduce((sum, flow) => sum + flow.models, 0);
  const read = summary.models - summary.unreadable;
  return shell({
    title,
    tool,
    style: STYLE,
    header: markup`<header>
      <p class="eyebrow">Heirloom license audit</p>
      <h1>${title}</h1>
      <p>
        ${read} of ${summary.models} could be read. For ${changed} of them (${percent(changed, read)}) the bases they name bring a license
        that their own label does not state. Labels and named bases were read, weights were not compared. This is not legal advice.
      </p>
    </header>`,
    main: markup`<section aria-labelledby="flows">
        <h2 id="flows">From the label to what binds</h2>
        <p class="small">
          Left: the license a model declares. Right: what binds it together with its bases. A band is as high as it has models. Strong bands:
          the two differ. Pale bands: they agree.
        </p>
        <div class="flows">${drawing(summary.flows)}</div>
        ${table(
          'flow-table',
          'The same in numbers, most models first',
          [{ name: 'Declared' }, { name: 'Bound by' }, { name: 'Models', number: true }, { name: 'Share', number: true }],
          summary.flows.map((flow) => [foreign(flow.declared), foreign(flow.effective), flow.models, percent(flow.models, read)]),
        )}
      </section>
      <section aria-labelledby="drift">
        <h2 id="drift">Against the bases</h2>
        ${table(
          'drift-table',
          'Every model once, by what its label says beside its bases',
          [{ name: 'Label' }, { name: 'Meaning' }, { name: 'Models', number: true }],
          (Object.keys(DRIFT_WORDS) as AuditRow['drift'][]).map((drift) => [drift, DRIFT_WORDS[drift], summary.drift[drift]]),
        )}
        ${table(
          'finding-table',
          'Findings, and how many models have them',
          [{ name: 'Rule' }, { name: 'Models', number: true }],
          Object.entries(summary.findings).map(([rule, models]) => [rule, models]),
        )}
      </section>
      ${
        rows.length === 0
          ? NOTHING
          : markup`<section aria-labelledby="models"><h2 id="models">Models to look at</h2>${table(
              'model-table',
              rows.length < summary.models ? `The first ${rows.length}; the CSV has all` : 'All',
              [{ name: 'Model' }, { name: 'Declared' }, { name: 'Bound by' }, { name: 'Label' }, { name: 'Through' }, { name: 'Findings' }],
              rows.map((row) => [
                foreign(row.name),
                foreign(row.declared.join(' and ') || 'none stated'),
                foreign(row.effective.join(' and ') || 'nothing found'),
                row.error ? 'unreadable' : row.drift,
                foreign(row.through ?? ''),
                row.error ? row.error.message : row.findings.map((finding) => finding.rule).join(', '),
              ]),
            )}</section>`
      }`,
  });
}

const percent = (part: number, whole: number): string => (whole === 0 ? '0 %' : `${((100 * part) / whole).toFixed(1)} %`);

interface Bar {
  readonly name: string;
  readonly models: number;
  y: number;
  height: number;
  /** Where the next band begins. */
  at: number;
}

const OTHERS = 'others';

function barsOf(flows: readonly AuditFlow[], side: 'declared' | 'effective', scale: number): Map<string, Bar> {
  const counts = new Map<string, number>();
  for (const flow of flows) counts.set(flow[side], (counts.get(flow[side]) ?? 0) + flow.models);
  const sorted = [...counts].sort(([a, n], [b, m]) => m - n || (a < b ? -1 : 1)).filter(([name]) => name !== OTHERS);
  const shown = sorted.slice(0, MAX_BARS);
  const rest = sorted.slice(MAX_BARS).reduce((sum, [, n]) => sum + n, counts.get(OTHERS) ?? 0);
  if (rest > 0) shown.push([OTHERS, rest]);
  const bars = new Map<string, Bar>();
  let y = 0;
  for (const [name, models] of shown) {
    const height = Math.max(MIN_HEIGHT, models * scale);
    bars.set(name, { name, models, y, height, at: 0 });
    y += height + GAP;
  }
  return bars;
}

type Band = AuditFlow & { readonly isKept: boolean };

/** One band for all that goes from one bar to another, agreeing and differing labels apart. */
function merged(flows: readonly AuditFlow[], left: ReadonlyMap<string, Bar>, right: ReadonlyMap<string, Bar>): Band[] {
  const bands = new Map<string, Band>();
  for (const flow of flows) {
    const isKept = flow.declared === flow.effective;
    const declared = left.has(flow.declared) ? flow.declared : OTHERS;
    const effective = right.has(flow.effective) ? flow.effective : OTHERS;
    const key = JSON.stringify([declared, effective, isKept]);
    bands.set(key, { declared, effective, isKept, models: flow.models + (bands.get(key)?.models ?? 0) });
  }
  return [...bands.values()];
}

function drawing(flows: readonly AuditFlow[]): Html {
  const total = flows.reduce((sum, flow) => sum + flow.models, 0);
  if (total === 0) return NOTHING;
  const scale = FLOW_HEIGHT / total;
  const left = barsOf(flows, 'declared', scale);
  const right = barsOf(flows, 'effective', scale);
  const nameIn = (bars: Map<string, Bar>, name: string): string => (bars.has(name) ? name : OTHERS);
  const order = (bars: Map<string, Bar>, name: string): number => [...bars.keys()].indexOf(nameIn(bars, name));
  const sorted = merged(flows, left, right).sort(
    (a, b) => order(left, a.declared) - order(left, b.declared) || order(right, a.effective) - order(right, b.effective),
  );
  const bands = sorted.map((flow) => {
    const from = left.get(nameIn(left, flow.declared))!;
    const to = right.get(nameIn(right, flow.effective))!;
    const [h1, h2] = [(from.height * flow.models) / from.models, (to.height * flow.models) / to.models];
    const [y1, y2] = [from.y + from.at, to.y + to.at];
    from.at += h1;
    to.at += h2;
    const [x1, x2, mid] = [BAR, WIDTH - BAR, WIDTH / 2];
    const n = (value: number): string => String(Math.round(value * 100) / 100);
    const path = `M${x1} ${n(y1)}C${mid} ${n(y1)} ${mid} ${n(y2)} ${x2} ${n(y2)}V${n(y2 + h2)}C${mid} ${n(y2 + h2)} ${mid} ${n(y1 + h1)} ${x1} ${n(y1 + h1)}Z`;
    const kind = flow.isKept ? 'flow-kept' : 'flow-other';
    return markup`<path class="${own(kind)}" d="${own(path)}"><title>${flow.declared} → ${flow.effective}: ${flow.models}</title></path>`;
  });
  const height = Math.ceil(Math.max(...[left, right].map((bars) => Math.max(...[...bars.values()].map((bar) => bar.y + bar.height)))));
  const ends = (bars: Map<string, Bar>, isLeft: boolean): Html[] =>
    [...bars.values()].map((bar) => {
      const label = clean(bar.name);
      const short = label.length > MAX_LABEL ? `${label.slice(0, MAX_LABEL - 1)}…` : label;
      const x = isLeft ? BAR + 4 : WIDTH - BAR - 4;
      return markup`<rect class="flow-bar" x="${isLeft ? 0 : WIDTH - BAR}" y="${bar.y}" width="${BAR}" height="${bar.height}"></rect><text x="${x}" y="${bar.y + Math.min(bar.height / 2 + 4, bar.height - 3)}" text-anchor="${own(isLeft ? 'start' : 'end')}">${short} · ${bar.models}</text>`;
    });
  return markup`<svg viewBox="0 0 ${WIDTH} ${height}" role="img" aria-label="Flows from declared to effective licenses; the table below has the numbers">${bands}${ends(left, true)}${ends(right, false)}</svg>`;
}
