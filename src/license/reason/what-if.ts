/**
 * What changes in the answer when the graph changes.
 * @module
 */
import type { EdgeAct } from '../terms/types.ts';
import type { Duty } from '../types.ts';
import type { Reasoning } from './reason.ts';
import type { Forbidden, LicenseGraph, RuleHit, ThresholdAnswer } from './types.ts';

export interface Change<T> {
  readonly added: readonly T[];
  readonly removed: readonly T[];
}

export interface WhatIf {
  readonly verdict: { readonly before: Reasoning['verdict']; readonly after: Reasoning['verdict'] };
  readonly effective: { readonly before: string; readonly after: string };
  readonly duties: Change<Duty>;
  readonly forbidden: Change<Forbidden>;
  readonly conflicts: Change<RuleHit>;
  readonly thresholds: Change<ThresholdAnswer>;
  readonly names: Change<Reasoning['names']['required'][number]>;
  readonly drift: Change<Reasoning['drift'][number]>;
}

/** One more parent of the subject, with all that stands above it. */
export function withParent(graph: LicenseGraph, parent: LicenseGraph, name: string, act: EdgeAct): LicenseGraph {
  let key = name;
  while (Object.hasOwn(graph.nodes, key)) key += "'";
  const renamed = (one: string): string => (one === parent.subject ? key : one);
  const above = Object.fromEntries(Object.entries(parent.nodes).filter(([one]) => one !== parent.subject));
  return {
    nodes: { ...above, ...graph.nodes, [key]: parent.nodes[parent.subject] ?? { licenses: [] } },
    edges: [
      ...graph.edges,
      { parent: key, child: graph.subject, act, because: 'asked' },
      ...parent.edges.map((edge) => ({ ...edge, parent: renamed(edge.parent), child: renamed(edge.child) })),
    ],
    subject: graph.subject,
  };
}

/** The same graph with another act between `parent` and what was made from it; null when no edge begins there. */
export function withAct(graph: LicenseGraph, parent: string, act: EdgeAct): LicenseGraph | null {
  const has = graph.edges.some((edge) => edge.parent === parent);
  return has ? { ...graph, edges: graph.edges.map((edge) => (edge.parent === parent ? { ...edge, act, because: 'asked' } : edge)) } : null;
}

export function compareReasoning(before: Reasoning, after: Reasoning): WhatIf {
  const diff = <T>(read: (reasoning: Reasoning) => readonly T[], key: (item: T) => string): Change<T> => {
    const [old, now] = [read(before), read(after)];
    const [was, is] = [new Set(old.map(key)), new Set(now.map(key))];
    return { added: now.filter((item) => !was.has(key(item))), removed: old.filter((item) => !is.has(key(item))) };
  };
  return {
    verdict: { before: before.verdict, after: after.verdict },
    effective: { before: before.effective.expression, after: after.effective.expression },
    duties: diff(
      (r) => r.duties,
      (duty) => `${duty.id} ${duty.applies ?? ''} ${duty.from.quote}`,
    ),
    forbidden: diff(
      (r) => r.forbidden,
      (one) => `${one.from.license} ${one.term} ${one.applies} ${one.from.quote}`,
    ),
    conflicts: diff(
      (r) => r.conflicts,
      (hit) => `${hit.rule} ${hit.license} ${hit.other ?? ''} ${hit.holds}`,
    ),
    thresholds: diff(
      (r) => r.thresholds,
      (one) => `${one.from.license} ${one.bitesWhen} ${one.state}`,
    ),
    names: diff(
      (r) => r.names.required,
      (one) => `${one.from.license} ${one.text} ${one.status}`,
    ),
    drift: diff(
      (r) => r.drift,
      (one) => `${one.ancestor} ${one.kind}`,
    ),
  };
}
