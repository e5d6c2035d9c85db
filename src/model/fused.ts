/**
 * Fused matrices: which outputs belong to which role.
 * Layouts are those of the published implementations: GPT-2, Phi-3 and timm stack q, k, v; GPT-NeoX and BLOOM alternate
 * them per head; InternLM2 and Falcon-40B per key/value group; GEGLU (diffusers) puts the value before the gate, SwiGLU
 * (Phi-3, GLM) the gate before the value.
 * @module
 */
import type { Heads } from './heads.ts';
import type { Role } from './types.ts';

export interface Part {
  readonly role: Role;
  /** First stored output, and how many outputs. */
  readonly start: number;
  readonly count: number;
  readonly groups?: readonly [take: number, stride: number];
}

/** @param outputs stored outputs of the fused tensor. @param inputs its other axis, or undefined for a bias. @returns null when it cannot be taken apart. */
export function splitFused(
  split: string,
  outputs: number,
  inputs: number | undefined,
  heads: Heads,
  layer: number,
  downInputs: number | undefined,
): readonly Part[] | null {
  switch (split) {
    case '=qkv':
      return contiguous(outputs, inputs, heads, layer);
    case '=qkv/heads':
      return grouped(outputs, heads.heads(layer), heads.heads(layer));
    case '=qkv/groups':
      return grouped(outputs, heads.heads(layer), heads.kvHeads(layer));
    case '=qkv/falcon':
      if (!/^(falcon|refinedweb)/.test(heads.architecture)) return grouped(outputs, heads.heads(layer), heads.heads(layer));
      if (heads.flag('new_decoder_architecture')) return grouped(outputs, heads.heads(layer), heads.kvHeads(layer));
      return heads.flag('multi_query')
        ? contiguous(outputs, inputs, heads, layer)
        : grouped(outputs, heads.heads(layer), heads.heads(layer));
    case '=cross_qkv':
      return equal(outputs, ['cross_q', 'cross_k', 'cross_v']);
    case '=cross_kv':
      return equal(outputs, ['cross_k', 'cross_v']);
    case '=gate_up':
      return equal(outputs, ['gate', 'up']);
    // The same name holds one matrix or two; the width of the down projection tells.
    case '=gate_up?':
      return downInputs !== undefined && outputs === 2 * downInputs
        ? equal(outputs, ['gate', 'up'])
        : [{ role: 'up', start: 0, count: outputs }];
    case '=up_gate?':
      return downInputs !== undefined && outputs === 2 * downInputs
        ? equal(outputs, ['up', 'gate'])
        : [{ role: 'up', start: 0, count: outputs }];
    default:
      return null;
  }
}

function equal(outputs: number, roles: readonly Role[]): readonly Part[] | null {
  const count = outputs / roles.length;
  return Number.isInteger(count) && count > 0 ? roles.map((role, i) => ({ role, start: i * count, count })) : null;
}

function contiguous(outputs: number, inputs: number | undefined, heads: Heads, layer: number): readonly Part[] | null {
  const q = heads.heads(layer);
  const kv = heads.kvHeads(layer);
  if (q && kv) {
    const dim = heads.headDim !== undefined && (q + 2 * kv) * heads.headDim === outputs ? heads.headDim : outputs / (q + 2 * kv);
    if (Number.isInteger(dim) && dim > 0)
      return [
        { role: 'q', start: 0, count: q * dim },
        { role: 'k', start: q * dim, count: kv * dim },
        { role: 'v', start: (q + kv) * dim, count: kv * dim },
      ];
  }
  // Nobody says how many heads: thirds, but only where three square matrices fit exactly.
  return inputs === undefined || outputs === 3 * inputs || q === kv ? equal(outputs, ['q', 'k', 'v']) : null;
}

/** Per group of query heads: its q rows, then its k rows, then its v rows. */
function grouped(outputs: number, heads: number | undefined, kvHeads: number | undefined): readonly Part[] | null {
  if (!heads || !kvHeads || heads % kvHeads !== 0) return null;
  const repeat = heads / kvHeads;
  const dim = outputs / ((repeat + 2) * kvHeads);
  if (!Number.isInteger(dim) || dim === 0) return null;
  const stride = (repeat + 2) * dim;
  return [
    { role: 'q', start: 0, count: heads * dim, groups: [repeat * dim, stride] },
    { role: 'k', start: repeat * dim, count: kvHeads * dim, groups: [dim, stride] },
    { role: 'v', start: (repeat + 1) * dim, count: kvHeads * dim, groups: [dim, stride] },
  ];
}
