/**
 * Which roles a sketch reads, how much of each, in which order of worth.
 * @module
 */
import type { Role, RoleTensor } from '../model/index.ts';
import { sha256, toHex } from '../base/index.ts';

export interface RolePlan {
  /** Units that share labels share a family: gate, up and down of one block number the same neurons. */
  readonly family: 'mlp' | 'value' | 'output' | 'channel' | 'filter' | 'rank';
  readonly axis: 'rows' | 'columns';
  /** Features kept of each unit in a lean sketch. */
  readonly features: number;
  /** `run`: neighbors, when features lie on the stored rows and one range is cheaper than many. */
  readonly featureOrder: 'run' | 'spread';
  /** Smaller is read first. */
  readonly worth: number;
}

/** q and k are left out: rotary embeddings tie their rows, so rows are not exchangeable. */
export const ROLE_PLANS: Partial<Record<Role, RolePlan>> = {
  up: { family: 'mlp', axis: 'rows', features: 48, featureOrder: 'spread', worth: 0 },
  down: { family: 'mlp', axis: 'columns', features: 24, featureOrder: 'run', worth: 1 },
  gate: { family: 'mlp', axis: 'rows', features: 48, featureOrder: 'spread', worth: 2 },
  v: { family: 'value', axis: 'rows', features: 48, featureOrder: 'spread', worth: 3 },
  cross_v: { family: 'value', axis: 'rows', features: 48, featureOrder: 'spread', worth: 5 },
  o: { family: 'output', axis: 'rows', features: 24, featureOrder: 'spread', worth: 6 },
  embed: { family: 'channel', axis: 'columns', features: 64, featureOrder: 'run', worth: -2 },
  head: { family: 'channel', axis: 'columns', features: 64, featureOrder: 'run', worth: -1 },
  conv: { family: 'filter', axis: 'rows', features: 48, featureOrder: 'spread', worth: 0 },
  linear: { family: 'filter', axis: 'rows', features: 48, featureOrder: 'spread', worth: 0 },
  lora_b: { family: 'rank', axis: 'columns', features: 48, featureOrder: 'run', worth: 0 },
  lora_a: { family: 'rank', axis: 'rows', features: 48, featureOrder: 'spread', worth: 1 },
};

/** Vectors kept whole or in part: gains and shifts are pure learning, they start at 1 and 0. */
export const VECTOR_ROLES: readonly Role[] = ['norm_in', 'norm_mlp', 'norm_f', 'norm', 'bias'];

/** Experts of one block kept: they are exchangeable, two show whether the block was copied. */
const MAX_EXPERTS = 2;

/**
 * The roles to sample, best first. Among equals the order is that of a hash of the slot, so that two models
 * which share slots keep the same ones when both must leave some out.
 */
export function orderWanted(roles: readonly RoleTensor[], wanted: (role: RoleTensor) => number | null): RoleTensor[] {
  return roles
    .filter((rt) => wanted(rt) !== null && (rt.expert ?? 0) < MAX_EXPERTS)
    .map((rt) => ({ rt, worth: wanted(rt)!, hash: toHex(sha256(new TextEncoder().encode(rt.slot)).subarray(0, 8)) }))
    .sort((x, y) => x.worth - y.worth || (x.hash < y.hash ? -1 : x.hash > y.hash ? 1 : 0))
    .map((entry) => entry.rt);
}
