/**
 * The graph made safe to walk: bounded, without loops, every edge between nodes that are there; and the ways from each ancestor to the subject.
 * @module
 */
import type { EdgeAct } from '../terms/types.ts';
import type { GraphNote, LicenseEdge, LicenseGraph, LicenseNode, PathStep } from './types.ts';

/** The largest published ancestries have a few hundred models (merges of merges). (CWE-770) */
const MAX_NODES = 2000;
const MAX_EDGES = 10_000;

/** What the subject holds of an ancestor, by acts alone: equal numbers, numbers inside, an adapter beside them, or only what it said. */
export type Holding = 'same' | 'contains' | 'delta' | 'outputs';
const ORDER: readonly Holding[] = ['same', 'contains', 'delta', 'outputs'];
const OF_ACT: Readonly<Record<EdgeAct, Holding>> = {
  copy: 'same',
  convert: 'same',
  finetune: 'contains',
  merge: 'contains',
  quantize: 'contains',
  prune: 'contains',
  // Nobody knows what was done: the strictest reading.
  unknown: 'contains',
  adapter: 'delta',
  distill: 'outputs',
  'train-on-outputs': 'outputs',
};

export interface SafeGraph {
  readonly graph: LicenseGraph;
  readonly notes: readonly GraphNote[];
}

/** One way from a model to the subject; of several with one holding the shortest. */
export interface Way {
  readonly node: string;
  readonly holding: Holding;
  /** From the ancestor on; empty for the subject itself. */
  readonly path: readonly PathStep[];
}

/** Cuts what cannot be walked. The order of nodes and edges is the caller's, so the same input is cut at the same place. */
export function safeGraph(graph: LicenseGraph): SafeGraph {
  const notes: GraphNote[] = [];
  const names = Object.keys(graph.nodes);
  const kept = new Set(names.slice(0, MAX_NODES));
  kept.add(graph.subject);
  if (names.length > MAX_NODES || graph.edges.length > MAX_EDGES)
    notes.push({
      kind: 'too-large',
      what: `the ancestry holds ${names.length} models and ${graph.edges.length} ties; the first ${MAX_NODES} models and ${MAX_EDGES} ties were read`,
      why: 'an ancestor that was left out would not have been seen',
    });
  const edges: LicenseEdge[] = [];
  const missing = new Set<string>();
  for (const edge of graph.edges.slice(0, MAX_EDGES)) {
    for (const end of [edge.parent, edge.child])
      if (!kept.has(end) || (end !== graph.subject && !Object.hasOwn(graph.nodes, end))) missing.add(end);
    if (!missing.has(edge.parent) && !missing.has(edge.child)) edges.push(edge);
  }
  for (const name of missing)
    if (!Object.hasOwn(graph.nodes, name))
      notes.push({ kind: 'missing-node', what: `a tie names ${name}, and nothing is known of it`, why: 'what binds it is not known' });
  const { acyclic, loops } = withoutLoops(edges, graph.subject);
  for (const loop of loops)
    notes.push({
      kind: 'loop',
      what: `the stated parents form a loop: ${loop.join(' → ')}`,
      why: 'a model cannot be its own ancestor; the last tie of the loop was left out, and all licenses in it still count',
    });
  const nodes: Record<string, LicenseNode> = Object.create(null) as Record<string, LicenseNode>;
  for (const name of kept) nodes[name] = Object.hasOwn(graph.nodes, name) ? graph.nodes[name]! : { licenses: [] };
  return { graph: { nodes, edges: acyclic, subject: graph.subject }, notes };
}

/**
 * Edges without those that close a loop, seen from the subject upward (depth first, in the order given): so every model that can be
 * reached from the subject still is. Iterative: a chain may be as long as the graph.
 */
function withoutLoops(edges: readonly LicenseEdge[], subject: string): { acyclic: LicenseEdge[]; loops: string[][] } {
  const parentsOf = group(edges, (edge) => edge.child);
  const state = new Map<string, 'open' | 'done'>();
  const acyclic: LicenseEdge[] = [];
  const loops: string[][] = [];
  const walk = (start: string): void => {
    if (state.has(start)) return;
    const stack: { node: string; next: number }[] = [{ node: start, next: 0 }];
    state.set(start, 'open');
    while (stack.length > 0) {
      const top = stack.at(-1)!;
      const edge = parentsOf.get(top.node)?.[top.next++];
      if (!edge) {
        state.set(top.node, 'done');
        stack.pop();
        continue;
      }
      const seen = state.get(edge.parent);
      if (seen === 'open') {
        const from = stack.findIndex((one) => one.node === edge.parent);
        loops.push([...stack.slice(from).map((one) => one.node), edge.parent]);
        continue;
      }
      acyclic.push(edge);
      if (seen === undefined) {
        state.set(edge.parent, 'open');
        stack.push({ node: edge.parent, next: 0 });
      }
    }
  };
  walk(subject);
  return { acyclic, loops };
}

function group(edges: readonly LicenseEdge[], key: (edge: LicenseEdge) => string): Map<string, LicenseEdge[]> {
  const out = new Map<string, LicenseEdge[]>();
  for (const edge of edges) out.set(key(edge), [...(out.get(key(edge)) ?? []), edge]);
  return out;
}

/** How the subject stands to what the parent holds, one act further up. */
function compose(act: EdgeAct, below: Holding): Holding {
  return ORDER[Math.max(ORDER.indexOf(OF_ACT[act]), ORDER.indexOf(below))]!;
}

/**
 * Every model that reaches the subject, nearest first, with at most one way for each holding. A middle node never hides what is above it.
 * Ties by weights win over claimed ones of the same length.
 */
export function waysTo({ graph }: SafeGraph): Way[] {
  const parentsOf = group(graph.edges, (edge) => edge.child);
  const start: Way = { node: graph.subject, holding: 'same', path: [] };
  const seen = new Map<string, Way>([[`${start.node}\0same`, start]]);
  const queue: Way[] = [start];
  for (let at = 0; at < queue.length; at++) {
    const way = queue[at]!;
    const edges = [...(parentsOf.get(way.node) ?? [])].sort((a, b) => RANK[a.because] - RANK[b.because]);
    for (const edge of edges) {
      const holding = compose(edge.act, way.holding);
      const key = `${edge.parent}\0${holding}`;
      if (seen.has(key)) continue;
      const next: Way = { node: edge.parent, holding, path: [{ model: edge.parent, act: edge.act, because: edge.because }, ...way.path] };
      seen.set(key, next);
      queue.push(next);
    }
  }
  return queue;
}
const RANK = { weights: 0, asked: 1, claimed: 2 } as const;
