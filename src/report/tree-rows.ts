/**
 * A family laid out in rows, ancestors above, for the terminal and the page alike; and the words on its edges.
 * @module
 */
import type { FamilyTree } from '../assess/index.ts';
import type { Family, FamilyEdge } from '../lineage/index.ts';
import { percent, pValue } from './numbers.ts';
import { kindName } from './words.ts';

export interface TreeRow {
  readonly id: string;
  readonly depth: number;
  /** The edge to the row above that this one hangs on; absent for the first. */
  readonly edge?: FamilyEdge;
  /** For each depth above: whether another row of that depth follows on the same branch. */
  readonly open: readonly boolean[];
  readonly copies: readonly string[];
}

/** How an edge runs as drawn from `upper` to `lower`. */
export type Course = 'down' | 'up' | 'unknown';

export function courseOf(edge: FamilyEdge, lower: string): Course {
  if (edge.direction === 'unknown') return 'unknown';
  return (edge.direction === 'a->b' ? edge.b : edge.a) === lower ? 'down' : 'up';
}

/** Depth first from the top; nearest branches first, then by name. Every member stands in one row. */
export function rowsOf(family: Family): { rows: TreeRow[]; extra: FamilyEdge[] } {
  const around = new Map<string, FamilyEdge[]>();
  for (const edge of family.edges) if (edge.inTree) for (const end of [edge.a, edge.b]) around.set(end, [...(around.get(end) ?? []), edge]);
  const other = (edge: FamilyEdge, id: string): string => (edge.a === id ? edge.b : edge.a);
  // A mixture stands below its nearest parent that is drawn; the other parents' edges are extra.
  const parent = new Map<string, FamilyEdge>();
  const order = [family.top];
  const seen = new Set(order);
  const size = (edge: FamilyEdge): number => edge.change ?? Infinity;
  for (const id of order)
    for (const edge of [...(around.get(id) ?? [])].sort((x, y) => Number(x.grounds === 'merge') - Number(y.grounds === 'merge')))
      if (!seen.has(other(edge, id)) && !(edge.grounds === 'merge' && courseOf(edge, id) === 'down')) {
        seen.add(other(edge, id));
        parent.set(other(edge, id), edge);
        order.push(other(edge, id));
      }
  for (const id of family.members)
    if (!seen.has(id)) {
      const edge = (around.get(id) ?? []).find((one) => seen.has(other(one, id)));
      if (edge) parent.set(id, edge);
      seen.add(id);
    }
  const children = new Map<string, string[]>();
  for (const [id, edge] of parent) children.set(other(edge, id), [...(children.get(other(edge, id)) ?? []), id]);
  const rows: TreeRow[] = [];
  const stack: { id: string; open: readonly boolean[] }[] = [{ id: family.top, open: [] }];
  for (let at = stack.pop(); at; at = stack.pop()) {
    const edge = parent.get(at.id);
    rows.push({ id: at.id, depth: at.open.length, ...(edge && { edge }), open: at.open, copies: family.copies[at.id] ?? [] });
    const below = [...(children.get(at.id) ?? [])].sort((x, y) => size(parent.get(x)!) - size(parent.get(y)!) || 0 || (x < y ? -1 : 1));
    for (let i = below.length - 1; i >= 0; i--) stack.push({ id: below[i]!, open: [...at.open, i < below.length - 1] });
  }
  const drawn = new Set(parent.values());
  return { rows, extra: family.edges.filter((edge) => !drawn.has(edge)) };
}

/** `quantized copy, changed by 0.2 %, p < 10^-310`. */
export function edgeWords(edge: FamilyEdge): string {
  const parent = edge.kind.merge?.parents.find(({ name }) => name === edge.a || name === edge.b);
  const kind = parent ? `merge, ${parent.coefficient.toFixed(2)} ± ${parent.standardError.toFixed(2)} of it` : kindName(edge.kind.name);
  const change =
    edge.change === null ? 'change not measured' : edge.change < 0.0005 ? 'no change seen' : `changed by ${percent(edge.change)}`;
  return [kind, change, ...(edge.log10P === null ? [] : [pValue(edge.log10P)])].join(', ');
}

const GROUNDS: { readonly [grounds in FamilyEdge['grounds']]: string } = {
  loss: 'information lost',
  merge: 'lies inside its parents',
  claim: 'its card says so',
  none: '',
};

/** What the direction rests on, in three words; '' where there is none. */
export function groundsWords(edge: FamilyEdge): string {
  return GROUNDS[edge.grounds];
}

export const CLAIM_MARKS: { readonly [verdict in FamilyTree['claims'][number]['verdict']]: string } = {
  supported: 'true as far as the weights show',
  'not-shown': 'not shown by the weights',
  refuted: 'refuted by the weights',
  'not-registered': 'not among these models',
  unresolved: 'could not be compared',
};

export const LINK_WORDS: { readonly [verdict in FamilyTree['links'][number]['verdict']]: string } = {
  'common-initialization': 'same random start, no shared training shown',
  'shared-origin': 'not independent; shared training or shared start is open',
};
