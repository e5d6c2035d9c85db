/**
 * Mixture layers that keep all experts in one 3-D tensor: one role entry per expert.
 * Layouts: GGUF, Mixtral and Qwen-MoE of transformers 5 `[experts, out, in]`; Llama 4 and gpt-oss `[experts, in, out]`.
 * @module
 */
import type { TensorInfo } from '../weights/index.ts';
import type { Part } from './fused.ts';
import type { Match } from './match.ts';
import type { ParsedName } from './names.ts';
import { type Base, type Context, partView, type Piece } from './pieces.ts';
import type { Role } from './types.ts';

/** Experts of one layer (the widest published mixtures have 512), and of a model: a header of few bytes may claim any number. (CWE-770) */
const MAX_EXPERTS = 4096;
const MAX_EXPERT_ENTRIES = 1_000_000;

/** Whether a stack is taken apart: counts it when it is. */
export function affordable(tensor: TensorInfo, context: Context): boolean {
  const experts = tensor.shape[0]!;
  if (experts === 0 || experts > MAX_EXPERTS || context.experts + 2 * experts > MAX_EXPERT_ENTRIES) return false;
  context.experts += 2 * experts;
  return true;
}

/** @param lead slot of the block: `layers.3`. */
export function expertPieces(parsed: ParsedName, match: Match, context: Context, base: Base, lead: string): Piece[] {
  const [experts = 0, rows = 0, columns = 0] = parsed.tensor.shape;
  const transpose = inputsFirst(parsed, context);
  const outputs = transpose ? columns : rows;
  const parts = match.leaf.what.startsWith('=') ? halves(outputs, context) : [{ role: match.leaf.what as Role, start: 0, count: outputs }];
  return Array.from({ length: experts }, (_, expert) =>
    parts.map((part) => ({
      ...base,
      expert,
      slot: `${lead}.experts.${expert}.${part.role}`,
      role: part.role,
      view: { slice: expert, ...partView(part, transpose ? { transpose: true } : {}, outputs) },
    })),
  ).flat();
}

/** gpt-oss alternates gate and up (transformers, modeling_gpt_oss.py); all others put them one after the other. */
function halves(outputs: number, context: Context): Part[] {
  const half = outputs / 2;
  if (!Number.isInteger(half)) return [{ role: 'linear', start: 0, count: outputs }];
  if (context.heads.architecture === 'gpt_oss')
    return [
      { role: 'gate', start: 0, count: half, groups: [1, 2] },
      { role: 'up', start: 1, count: half, groups: [1, 2] },
    ];
  return [
    { role: 'gate', start: 0, count: half },
    { role: 'up', start: half, count: half },
  ];
}

/** Names of the fused stack and of the down projection beside it. */
const PAIRS = [
  ['gate_up_proj', 'down_proj'],
  ['input_linear', 'output_linear'],
  ['ffn_gate_up_exps', 'ffn_down_exps'],
] as const;

/** Whether the model multiplies from the left. The fused stack and the down projection tell by their shapes together: 2n outputs here, n inputs there. */
function inputsFirst(parsed: ParsedName, { byPath }: Context): boolean {
  const path = parsed.path.join(parsed.joint);
  const pair = PAIRS.find((names) => names.some((name) => path.endsWith(name)));
  if (!pair) return false;
  const stem = path.endsWith(pair[0]) ? path.slice(0, -pair[0].length) : path.slice(0, -pair[1].length);
  const fused = byPath.get(stem + pair[0])?.shape;
  const down = byPath.get(stem + pair[1])?.shape;
  if (fused?.length !== 3 || down?.length !== 3) return false;
  const usual = fused[1] === 2 * down[2]! && fused[2] === down[1];
  return !usual && fused[2] === 2 * down[1]! && fused[1] === down[2];
}
