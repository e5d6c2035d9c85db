/**
 * The clauses that responsible-use licenses are composed of, compiled from catalog/rail/ by scripts/compile-rail.mjs.
 * @module
 */
import type { Act } from '../terms/types.ts';

/** D: data, A: application, M: model, S: source code (licenses.ai). */
export type Artifact = 'D' | 'A' | 'M' | 'S';
export type RailType = 'open' | 'research';

export interface Restriction {
  /** Of the vocabulary's use restrictions. */
  readonly code: string;
  readonly text: string;
  /** Patterns that tell it in another license's words. */
  readonly signs: readonly string[];
}

export interface RailTerm {
  readonly term: string;
  readonly quote: string;
  readonly on: readonly Act[];
  readonly params?: Readonly<Record<string, unknown>>;
  /** Its params list the restriction codes. */
  readonly restrictions?: true;
}

export interface RailData {
  readonly version: number;
  readonly types: Readonly<
    Record<RailType, { readonly title: string; readonly short: string; readonly kind: 'use-restricted' | 'research-only' }>
  >;
  readonly artifacts: Readonly<Record<Artifact, { readonly noun: string; readonly definition: string; readonly derivative: string }>>;
  readonly sections: readonly {
    readonly heading: string;
    readonly types?: readonly RailType[];
    readonly paragraphs: readonly string[];
    readonly terms: readonly RailTerm[];
  }[];
  readonly restrictions: readonly Restriction[];
}

let loading: Promise<RailData> | undefined;

/** Read once per process. */
export function loadRail(): Promise<RailData> {
  loading ??= import('../data/rail.json', { with: { type: 'json' } }).then((file) => file.default as unknown as RailData);
  return loading;
}
