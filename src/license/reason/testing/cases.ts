/** Reads the lineage cases that lie beside the project and writes each as a graph and a context. */
import { readShared } from '../../testing/shared.ts';
import { readActs } from '../context.ts';
import type { Act, EdgeAct } from '../../terms/types.ts';
import type { Context, LicenseGraph, LicenseNode, Seen } from '../types.ts';

interface LineageCase {
  readonly case: string;
  readonly description: string;
  readonly parents: readonly string[];
  readonly act: string;
  readonly child: { readonly declared?: string | null; readonly name?: string; readonly ships?: readonly string[] };
  readonly context: Readonly<Record<string, unknown>>;
  readonly expected: {
    readonly verdict: string;
    readonly owe?: readonly string[];
    readonly namePrefixMissing?: string;
    readonly missingRestrictions?: readonly string[];
    readonly effective?: string;
    readonly relabel?: string;
  };
  readonly rules: readonly string[];
}
export const lineageCases = (): LineageCase[] => (JSON.parse(readShared('cases/lineage.json')) as { cases: LineageCase[] }).cases;

const EDGES: Readonly<Record<string, EdgeAct>> = {
  finetune: 'finetune',
  adapter: 'adapter',
  merge: 'merge',
  quantise: 'quantize',
  'train-on-outputs': 'train-on-outputs',
};
const met = (satisfiedBy: string): Seen => ({ status: 'met', satisfiedBy });

/**
 * A child that is described (a label is given) and of which no file is named ships nothing but its label; of a bare use nothing is known.
 * `NOTICE` stands for kept notices with a change statement in them.
 */
function ships(child: LineageCase['child']): Pick<LicenseNode, 'ships' | 'otherwise'> {
  const files = (child.ships ?? []).join(' | ');
  const seen: Record<string, Seen> = {};
  if (/\bLICENSE\b/.test(files)) seen['duty.license-copy'] = met('LICENSE');
  if (/\bnotice\b/i.test(files)) {
    seen['duty.notice-file'] = met('Notice');
    seen['duty.retain-notices'] = met('Notice');
    seen['duty.notice-propagate'] = met('Notice');
    seen['duty.state-changes'] = met('Notice');
  }
  if (/Built with/.test(files)) seen['duty.attribution-display'] = met('README');
  return { ships: seen, ...(child.declared !== undefined && child.declared !== null && { otherwise: 'unmet' as const }) };
}

export function asGraph(one: LineageCase): { graph: LicenseGraph; context: Context } {
  const edge = EDGES[one.act];
  const parents = one.parents.map((id) => (id === 'deepseek (MIT)' ? 'MIT' : id));
  const c = one.context;
  const place = (c['principalPlaceOfBusiness'] ?? c['country'] ?? c['domicile']) as string | undefined;
  const users = (c['mauNow'] ?? c['mau']) as number | undefined;
  const acts: Act[] | undefined = edge ? undefined : readActs([one.act]);
  const context: Context = {
    ...(acts && { acts }),
    ...(c['commercial'] !== undefined && { commercial: c['commercial'] as boolean }),
    ...(c['conveyed'] !== undefined && { conveyed: c['conveyed'] as boolean }),
    ...(c['multimodal'] !== undefined && { multimodal: c['multimodal'] as boolean }),
    ...(c['role'] !== undefined && { role: c['role'] as 'end-user' }),
    ...(users !== undefined && {
      users: { monthly: users, ...(c['mauAtRelease'] !== undefined && { atRelease: c['mauAtRelease'] as number }) },
    }),
    ...(c['annualRevenueUsd'] !== undefined && { revenue: { annual: c['annualRevenueUsd'] as number } }),
    ...(place !== undefined && { territory: { principalPlace: place, served: [place] } }),
  };
  const child: LicenseNode = {
    name: one.child.name ?? '',
    licenses: [one.child.declared ?? []].flat(),
    ...ships(one.child),
  };
  if (!edge) return { graph: { nodes: { child: { name: '', licenses: parents } }, edges: [], subject: 'child' }, context };
  const nodes: Record<string, LicenseNode> = { child };
  // A policy stands beside a license on one and the same model.
  const models = parents.filter((id) => !id.endsWith('-aup')).map((id) => [id, ...parents.filter((p) => p.endsWith('-aup'))]);
  models.forEach((licenses, i) => (nodes[`parent-${i + 1}`] = { licenses }));
  return {
    graph: {
      nodes,
      edges: models.map((_, i) => ({ parent: `parent-${i + 1}`, child: 'child', act: edge, because: 'asked' })),
      subject: 'child',
    },
    context,
  };
}
