/**
 * What the shape of a family shows, and where its drawing begins.
 * @module
 */
import type { FamilyEdge } from './types.ts';

/** Branches from which a model is called a hub. */
const HUB = 3;

/** The member from which the fewest grounded edges of the tree run upwards; of several the one with the most neighbors, then by name. */
export function topOf(ids: readonly string[], edges: readonly FamilyEdge[]): string {
  const tree = neighborsOf(edges);
  let best = { id: ids[0]!, upward: Infinity, degree: -1 };
  for (const id of ids) {
    const depth = depthsFrom(id, tree);
    const upward = edges.filter((edge) => {
      const [parent, child] = edge.direction === 'b->a' ? [edge.b, edge.a] : [edge.a, edge.b];
      return edge.direction !== 'unknown' && (depth.get(parent) ?? 0) >= (depth.get(child) ?? 0);
    }).length;
    const degree = (tree.get(id) ?? []).length;
    if (upward < best.upward || (upward === best.upward && degree > best.degree)) best = { id, upward, degree };
  }
  return best.id;
}

export function treeNotes(ids: readonly string[], edges: readonly FamilyEdge[]): string[] {
  const notes: string[] = [];
  const tree = neighborsOf(edges);
  const hub = [...ids].sort((x, y) => (tree.get(y) ?? []).length - (tree.get(x) ?? []).length)[0]!;
  const branches = (tree.get(hub) ?? []).length;
  const open = edges.filter((edge) => edge.direction === 'unknown').length;
  if (branches >= HUB)
    notes.push(
      `${branches} models branch off ${hub}, as from a base; at most one of them can be its source, unless it is a mixture. A model that others were made from later, or children forged for it, would look the same, so this is no ground for a direction`,
    );
  if (open > 0)
    notes.push(
      `${open} of ${edges.length} ties have no grounds for a direction and are drawn without an arrow; what stands above is not thereby older`,
    );
  return notes;
}

export function neighborsOf(edges: readonly FamilyEdge[]): Map<string, string[]> {
  const out = new Map<string, string[]>();
  for (const { a, b, inTree } of edges) {
    if (!inTree) continue;
    out.set(a, [...(out.get(a) ?? []), b]);
    out.set(b, [...(out.get(b) ?? []), a]);
  }
  return out;
}

/** Steps from `start` over the tree's edges. */
export function depthsFrom(start: string, tree: ReadonlyMap<string, readonly string[]>): Map<string, number> {
  const depth = new Map([[start, 0]]);
  const open = [start];
  for (const id of open)
    for (const next of tree.get(id) ?? [])
      if (!depth.has(next)) {
        depth.set(next, depth.get(id)! + 1);
        open.push(next);
      }
  return depth;
}
