/**
 * The canonical map: every tensor gets one role, or several when it is fused.
 * @module
 */
import type { Finding } from '../base/index.ts';
import type { TensorInfo } from '../weights/index.ts';
import { affordable, expertPieces } from './experts.ts';
import { splitFused } from './fused.ts';
import { genericRole, isBuffer, isRecurrent } from './generic.ts';
import type { Heads } from './heads.ts';
import { inferPieces } from './inferred.ts';
import { chooseSchemes, type Compiled, type Match, matchName } from './match.ts';
import type { ParsedName } from './names.ts';
import { type Base, type Context, partView, type Piece } from './pieces.ts';
import type { Role, RoleTensor, TensorView } from './types.ts';

export interface RoleMap {
  readonly scheme: string;
  readonly roles: RoleTensor[];
  readonly findings: Finding[];
}

/**
 * llama.cpp's converter stores q and k of these architectures in the interleaved rotary order (`permute` in
 * convert_hf_to_gguf.py); all others keep the order of the published model.
 */
const INTERLEAVED = new Set([
  'llama',
  'mistral3',
  'baichuan',
  'xverse',
  'minicpm',
  'internlm2',
  'olmo',
  'granite',
  'granitemoe',
  'granitehybrid',
  'deepseek',
  'deci',
  'smollm3',
  'arcee',
  'llada',
  'arctic',
]);

/**
 * Gains of these architectures are published as distances from 1, and llama.cpp's converter adds the 1 (`modify_tensors` in
 * convert_hf_to_gguf.py: every `norm.weight`, except that of Qwen's linear attention). Gemma 3n and 4 are stored as published.
 */
const GAINS_PLUS_ONE = new Set(['gemma', 'gemma2', 'gemma3', 'nemotron', 'qwen3next', 'qwen35', 'qwen35moe']);

interface Job {
  readonly parsed: ParsedName;
  readonly match: Match;
}
export function assignRoles(given: readonly ParsedName[], heads: Heads, format: string): RoleMap {
  const { names, schemes } = withoutLead(given);
  const live = names.filter((name) => !isBuffer(name));
  const jobs = new Map<ParsedName, Job>();
  for (const parsed of live) {
    const match = firstMatch(schemes, parsed);
    if (match) jobs.set(parsed, { parsed, match });
  }
  const inferred = schemes.length === 0 ? inferPieces(live) : null;
  const scheme = schemes[0]?.scheme.name ?? (inferred && inferred.size > 0 ? 'inferred' : 'generic');
  const byPath = new Map(
    live.filter((name) => name.param === 'weight' && !name.adapter).map((name) => [name.path.join(name.joint), name.tensor]),
  );
  const context: Context = {
    heads,
    byPath,
    conv1d: storesConv1d([...jobs.values()]),
    interleaved: (format === 'gguf' && INTERLEAVED.has(heads.architecture)) || scheme === 'meta',
    gainsPlusOne: format === 'gguf' && GAINS_PLUS_ONE.has(heads.architecture),
    order: blockOrder([...jobs.values()]),
    unsplit: [],
    experts: 0,
  };
  const taken = new Set<string>();
  const roles: RoleTensor[] = [];
  for (const parsed of names) {
    const job = jobs.get(parsed);
    const pieces = job ? placed(job, context) : (inferred?.get(parsed) ?? loraViT(parsed) ?? plainPieces(parsed));
    for (const piece of pieces) {
      const slot = unique(piece.slot, parsed.tensor.name, taken);
      roles.push({ ...piece, slot, tensor: parsed.tensor });
    }
  }
  return { scheme, roles, findings: context.unsplit.length > 0 ? [unsplitFinding(context.unsplit, names)] : [] };
}

/** Parts of a prefix tried; wrappers nest a few deep. */
const MAX_LEAD = 4;
/** Share of the names that must carry it: a head may stand outside. */
const LEAD_SHARE = 0.7;

/** Names no scheme knows may be known ones under a prefix of somebody's own: `net.backbone.h.0.attn...`. */
function withoutLead(names: readonly ParsedName[]): { names: readonly ParsedName[]; schemes: Compiled[] } {
  const choose = (list: readonly ParsedName[]): Compiled[] => chooseSchemes(list.filter((name) => !isBuffer(name)));
  const schemes = choose(names);
  let stripped = names;
  for (let depth = 0; schemes.length === 0 && depth < MAX_LEAD; depth++) {
    const leads = new Map<string, number>();
    for (const { path, joint } of stripped) if (joint === '.' && path.length > 1) leads.set(path[0]!, (leads.get(path[0]!) ?? 0) + 1);
    const [lead, count] = [...leads].sort((x, y) => y[1] - x[1])[0] ?? ['', 0];
    if (count < LEAD_SHARE * names.length || /^\d+$/.test(lead)) break;
    stripped = stripped.map((name) =>
      name.path[0] === lead && name.path.length > 1
        ? { ...name, path: name.path.slice(1), name: name.name.startsWith(`${lead}.`) ? name.name.slice(lead.length + 1) : name.name }
        : name,
    );
    const found = choose(stripped);
    if (found.length > 0) return { names: stripped, schemes: found };
  }
  return { names, schemes };
}

function firstMatch(schemes: readonly Compiled[], parsed: ParsedName): Match | undefined {
  for (const scheme of schemes) {
    const match = scheme.joint === parsed.joint ? matchName(scheme, parsed) : undefined;
    if (match) return match;
  }
  return undefined;
}

function unique(slot: string, name: string, taken: Set<string>): string {
  let free = taken.has(slot) ? name : slot;
  for (let i = 2; taken.has(free); i++) free = `${name}#${i}`;
  taken.add(free);
  return free;
}

/** Whether leaves marked `~` are `[in, out]` here: true for Conv1D (Hugging Face GPT-2), false for copies built on Linear (nanoGPT, GPT-BigCode). */
function storesConv1d(jobs: readonly Job[]): boolean {
  let votes = 0;
  for (const { parsed, match } of jobs) {
    const [rows, columns] = parsed.tensor.shape;
    if (!match.leaf.conv1d || parsed.tensor.shape.length !== 2 || parsed.adapter || rows === columns) continue;
    // c_attn and c_fc widen, c_proj of the MLP narrows
    if (match.leaf.what.startsWith('=') || match.leaf.what === 'up') votes += columns! > rows! ? 1 : -1;
  }
  return votes > 0;
}

/** Blocks numbered by several numbers (UNet: level, attention, layer) are counted through in order, so that two naming schemes agree. */
function blockOrder(jobs: readonly Job[]): Map<string, number> {
  const groups = new Map<string, Map<string, readonly number[]>>();
  for (const { match } of jobs) {
    if (!match.rank) continue;
    const group = `${match.stack}/${match.group}`;
    if (!groups.has(group)) groups.set(group, new Map());
    groups.get(group)!.set(match.at, match.numbers);
  }
  const order = new Map<string, number>();
  for (const [group, blocks] of groups) {
    const sorted = [...blocks].sort(([, a], [, b]) => {
      for (let i = 0; i < Math.max(a.length, b.length); i++) if (a[i] !== b[i]) return (a[i] ?? -1) - (b[i] ?? -1);
      return 0;
    });
    sorted.forEach(([at], i) => order.set(`${group}/${at}`, i));
  }
  return order;
}

function placed({ parsed, match }: Job, context: Context): Piece[] {
  const block =
    match.numbers.length === 0 ? null : match.rank ? context.order.get(`${match.stack}/${match.group}/${match.at}`)! : match.numbers[0]!;
  const lead = block === null ? match.stack : [match.stack || 'layers', match.group, String(block)].filter(Boolean).join('.');
  // A stack of the outside leaves may already stand in the slot: `embed@encoder.embed`.
  const name = (leaf: string): string =>
    [lead, match.expert === undefined ? '' : `experts.${match.expert}`, leaf].filter(Boolean).join('.');
  const base = { stack: match.stack, block, ...(match.expert !== undefined && { expert: match.expert }) };
  const { leaf } = match;
  const bias = parsed.param === 'bias';
  const ownRole = leaf.what.startsWith('=') ? undefined : (leaf.what as Role);

  if (parsed.adapter) {
    const role = genericRole(parsed);
    const slot = `${name(leaf.slot)}.${role === 'other' ? parsed.name.split('.').slice(parsed.path.length).join('.') || 'other' : role}`;
    return [{ ...base, slot, role, ...(ownRole && { of: ownRole }), view: plainView(parsed) }];
  }
  if (parsed.param === 'other') return [{ ...base, slot: `${name(leaf.slot)}.${parsed.suffix}`, role: 'other', view: plainView(parsed) }];
  if (leaf.expertStack && parsed.tensor.shape.length === 3 && affordable(parsed.tensor, context))
    return expertPieces(parsed, match, context, base, lead);

  const transpose = transposed(parsed, leaf.conv1d && context.conv1d);
  if (ownRole === undefined) return fusedPieces(parsed, match, context, base, name, transpose, block ?? 0);
  const rope = ropeHead(ownRole, parsed.tensor, context, block ?? 0);
  const view: TensorView = { ...transpose, ...(rope && { ropeInterleavedHeadRows: rope }) };
  if (bias) return [{ ...base, slot: `${name(leaf.slot)}.bias`, role: 'bias', of: ownRole, view }];
  const plusOne = context.gainsPlusOne && /norm\.weight$/.test(parsed.tensor.name) && !parsed.tensor.name.includes('ssm_norm');
  return [{ ...base, slot: name(leaf.slot), role: ownRole, view: plusOne ? { ...view, add: -1 } : view }];
}

function fusedPieces(
  parsed: ParsedName,
  match: Match,
  context: Context,
  base: Base,
  name: (leaf: string) => string,
  transpose: TensorView,
  layer: number,
): Piece[] {
  const { tensor } = parsed;
  const [rows = 0, columns] = tensor.shape;
  const outputs = transpose.transpose ? columns! : rows;
  const inputs = tensor.shape.length < 2 ? undefined : transpose.transpose ? rows : columns;
  const parts =
    tensor.shape.length > 2 ? null : splitFused(match.leaf.what, outputs, inputs, context.heads, layer, downInputs(parsed, context));
  const bias = parsed.param === 'bias';
  if (!parts) {
    context.unsplit.push(tensor.name);
    return [{ ...base, slot: name(match.leaf.slot) + (bias ? '.bias' : ''), role: bias ? 'bias' : genericRole(parsed), view: transpose }];
  }
  return parts.map((part) => ({
    ...base,
    slot: name(part.role) + (bias ? '.bias' : ''),
    ...(bias ? { role: 'bias' as const, of: part.role } : { role: part.role }),
    view: partView(part, transpose, outputs),
  }));
}

/** Inputs of the down projection beside a fused gate/up: half its outputs. */
function downInputs(parsed: ParsedName, { byPath }: Context): number | undefined {
  const path = parsed.path.join(parsed.joint);
  const sibling = path.replace(/(gate_up_proj|ffn_up|dense_h_to_4h|0\.proj)$/, (leaf) => DOWN_OF[leaf]!);
  const down = sibling === path ? undefined : byPath.get(sibling);
  return down?.shape.length === 2 ? down.shape[1] : undefined;
}
const DOWN_OF: Readonly<Record<string, string>> = {
  gate_up_proj: 'down_proj',
  ffn_up: 'ffn_down',
  dense_h_to_4h: 'dense_4h_to_h',
  '0.proj': '2',
};

function ropeHead(role: Role, tensor: TensorInfo, { interleaved, heads }: Context, layer: number): number | undefined {
  if (!interleaved || (role !== 'q' && role !== 'k')) return undefined;
  const count = role === 'q' ? heads.heads(layer) : heads.kvHeads(layer);
  const rows = count ? tensor.shape[0]! / count : NaN;
  return Number.isInteger(rows) && rows % 2 === 0 && rows > 0 ? rows : undefined;
}

function transposed(parsed: ParsedName, conv1d: boolean): TensorView {
  if (parsed.tensor.shape.length !== 2) return plainView(parsed);
  return conv1d !== (parsed.outputFirst?.[0] === 1) ? { transpose: true } : {};
}

function plainView({ outputFirst: order }: ParsedName): TensorView {
  if (!order || order.every((axis, i) => axis === i)) return {};
  return order.length === 2 ? { transpose: true } : { outputFirst: order };
}

function plainPieces(parsed: ParsedName): Piece[] {
  const piece: Piece = { slot: parsed.name, role: genericRole(parsed), stack: '', block: null, view: plainView(parsed) };
  if (!isRecurrent(parsed) || piece.role !== 'linear') return [piece];
  const directions = parsed.tensor.shape[0]!;
  return Array.from({ length: directions }, (_, slice) => ({
    ...piece,
    slot: directions === 1 ? piece.slot : `${piece.slot}.${slice}`,
    view: { slice },
  }));
}

/** JamesQFreeman's LoRA-ViT saves a flat list, q and v of each block in turn, and some versions save it transposed. */
function loraViT(parsed: ParsedName): Piece[] | undefined {
  const found = /^w_([ab])_(\d{1,4})$/.exec(parsed.tensor.name);
  const [rows, columns] = parsed.tensor.shape;
  if (!found || parsed.tensor.shape.length !== 2) return undefined;
  const at = Number(found[2]);
  const role = found[1] === 'a' ? 'lora_a' : 'lora_b';
  const of = at % 2 === 0 ? 'q' : 'v';
  // The rank is the short side; A has it as outputs, B as inputs.
  const transpose = role === 'lora_a' ? rows! > columns! : rows! < columns!;
  return [{ slot: `layers.${at >> 1}.${of}.${role}`, role, of, stack: '', block: at >> 1, view: transpose ? { transpose: true } : {} }];
}

function unsplitFinding(unsplit: readonly string[], names: readonly ParsedName[]): Finding {
  const first = names.find((name) => name.tensor.name === unsplit[0])!.tensor;
  return {
    rule: 'model/fused-unsplit',
    severity: 'note',
    where: { file: first.file, field: first.name },
    what: `${unsplit.length} fused matrices could not be taken apart, the first is "${first.name}"`,
    why: 'the number of attention heads is missing from the configuration or does not fit the shape, so q, k and v cannot be told apart',
    fix: 'put the config.json of the model beside the weights',
  };
}
