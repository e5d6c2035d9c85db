/** Short ways to write a graph. */
import type { EdgeAct } from '../../terms/types.ts';
import type { LicenseGraph, LicenseNode, Seen } from '../types.ts';

interface Child {
  readonly declared?: string | readonly string[];
  readonly name?: string;
  /** Duty terms that the files meet; given: everything else was looked for and not seen. */
  readonly ships?: readonly string[];
  readonly node?: Partial<LicenseNode>;
}

/** A model made by `act` from one model for each license; a list is one model under several. */
export function made(act: EdgeAct, parents: readonly (string | readonly string[] | LicenseNode)[], child: Child = {}): LicenseGraph {
  const nodes: Record<string, LicenseNode> = {
    child: {
      name: child.name ?? '',
      licenses: [child.declared ?? []].flat(),
      ...(child.ships && {
        ships: Object.fromEntries(child.ships.map((term): [string, Seen] => [term, { status: 'met', satisfiedBy: 'a file' }])),
        otherwise: 'unmet' as const,
      }),
      ...child.node,
    },
  };
  const edges = parents.map((parent, i) => {
    const key = `parent-${i + 1}`;
    nodes[key] = typeof parent === 'string' ? { licenses: [parent] } : 'licenses' in parent ? parent : { licenses: parent };
    return { parent: key, child: 'child', act, because: 'asked' as const };
  });
  return { nodes, edges, subject: 'child' };
}

/** Any model under `license`. */
export const under = (...licenses: string[]): LicenseGraph => ({ nodes: { it: { name: '', licenses } }, edges: [], subject: 'it' });
