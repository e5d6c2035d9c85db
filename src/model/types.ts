/**
 * A model as published: its files and what they say, plus a canonical map of its tensors.
 * @module
 */
import { type FileEntry, type Finding, HeirloomError, type JsonValue } from '../base/index.ts';
import type { Checkpoint, TensorInfo } from '../weights/index.ts';

/**
 * What a tensor does. `conv` and `linear` are the generic fallback: convolution filters and matrices
 * whose place in the network is known only by name.
 */
export type Role =
  | 'embed'
  | 'position'
  | 'token_type'
  | 'head'
  | 'q'
  | 'k'
  | 'v'
  | 'o'
  | 'cross_q'
  | 'cross_k'
  | 'cross_v'
  | 'cross_o'
  | 'gate'
  | 'up'
  | 'down'
  | 'router'
  | 'norm_in'
  | 'norm_mlp'
  | 'norm_cross'
  | 'norm_q'
  | 'norm_k'
  | 'norm_f'
  | 'norm'
  | 'lora_a'
  | 'lora_b'
  | 'conv'
  | 'linear'
  | 'bias'
  | 'buffer'
  | 'other';

/** One role played by a tensor or a part of it. */
export interface RoleTensor {
  /**
   * Unique within the model, framework-independent: `layers.3.up`, `layers.3.experts.7.up`, `encoder.0.q`, `vision.2.v`,
   * `layers.3.q.bias`, `layers.3.q.lora_a`, `embed`, or the normalized tensor name for generic roles.
   */
  readonly slot: string;
  readonly role: Role;
  /** For `bias`, `lora_a` and `lora_b`: the role of the matrix it belongs to, when that is known. */
  readonly of?: Role;
  /** Which stack of blocks: '' for the only one, else `encoder`, `decoder`, `vision`, `text`, `down`, `mid`, `up`. */
  readonly stack: string;
  /** Layer index inside the stack; null outside blocks. */
  readonly block: number | null;
  /** Expert index in a mixture layer. */
  readonly expert?: number;
  readonly tensor: TensorInfo;
  readonly view: TensorView;
}

/**
 * How to read the role out of the stored tensor: rows = outputs.
 * `slice` first picks one matrix of a 3-D expert stack. `rows` picks a slice of the *stored* first axis, `columns` of the stored second axis (fused matrices stored
 * transposed); `transpose` then turns `[in, out]` into `[out, in]`. For tensors of more than two axes
 * `outputFirst` permutes the axes first; columns are then all remaining axes flattened.
 */
export interface TensorView {
  /** Index along the stored first axis of a stack of expert matrices; the rest of the view applies to the matrix left. */
  readonly slice?: number;
  readonly rows?: readonly [start: number, count: number];
  readonly columns?: readonly [start: number, count: number];
  readonly transpose?: boolean;
  /**
   * Outputs that stand in groups (fused q, k, v per head): of every `stride` stored outputs from the slice's start, the first
   * `take`. The slice's count is then the number of outputs picked. Output r is stored at `start + floor(r/take)*stride + r%take`.
   */
  readonly outputGroups?: readonly [take: number, stride: number];
  readonly outputFirst?: readonly number[];
  /** Rows of q/k stored in llama.cpp's interleaved rotary order, to be undone per head of this many rows. */
  readonly ropeInterleavedHeadRows?: number;
  /** Added to every stored value: -1 for the gains that llama.cpp's converter stores plus one. */
  readonly add?: number;
}

/** Shape `[outputs, inputs]` of the role after its view; vectors are `[n, 1]`. */
export type MatrixShape = readonly [rows: number, columns: number];

export interface ModelCard {
  /** Path of the card inside the tree. */
  readonly file: string;
  /** Front matter, parsed as data (YAML 1.2); never executed. */
  readonly data: { readonly [key: string]: JsonValue };
  /** The prose below the front matter, at most 1 MiB of it. */
  readonly body: string;
}

/** What the publisher says, gathered from card, config, adapter config and the weights' own metadata. Each carries its source. */
export interface Claims {
  readonly licenses: readonly Claim[];
  /** `license_name` and `license_link` of the card. */
  readonly licenseName?: Claim;
  readonly licenseLink?: Claim;
  readonly baseModels: readonly Claim[];
  /** `base_model_relation`: finetune, adapter, merge, quantized... */
  readonly relation?: Claim;
  readonly datasets: readonly Claim[];
  readonly tags: readonly string[];
  /** Names the model gives itself: card title, config `_name_or_path`, GGUF `general.name`. */
  readonly names: readonly Claim[];
}
export interface Claim {
  readonly value: string;
  /** E.g. `README.md: license`, `adapter_config.json: base_model_name_or_path`, `model.gguf: general.license`. */
  readonly from: string;
}

export interface TextFile {
  readonly file: string;
  /** Decoded text (UTF-8, UTF-16 by mark, else Latin-1), at most 1 MiB. */
  readonly text: string;
}

export interface ModelFile extends FileEntry {
  readonly kind: 'weights' | 'weights-index' | 'config' | 'tokenizer' | 'card' | 'license' | 'notice' | 'policy' | 'code' | 'other';
}

export interface Model {
  readonly name: string;
  readonly locator: string;
  readonly revision?: string;
  readonly files: readonly ModelFile[];
  /** The checkpoint judged: safetensors before GGUF before PyTorch before the rest; null when the folder holds only documents. */
  readonly checkpoint: Checkpoint | null;
  /** Other checkpoints in the same folder, by path; usually the same weights in another format. */
  readonly alternates: readonly string[];
  /** `config.json`, `generation_config.json`, `adapter_config.json`... by path; only those that parse. */
  readonly configs: ReadonlyMap<string, { readonly [key: string]: JsonValue }>;
  /** `model_type`/`general.architecture`, lower case, or '' when unknown. */
  readonly architecture: string;
  /** Values in all tensors that are parameters (shared storages once, buffers not). */
  readonly parameters: number;
  readonly roles: readonly RoleTensor[];
  /** Naming scheme the roles were read by: `llama`, `gpt2`, `bert`...; `inferred` from shapes where no scheme knows the names, else `generic`. */
  readonly scheme: string;
  readonly isAdapter: boolean;
  /** Token strings by id when a tokenizer is at hand (tokenizer.json, vocab.json, GGUF token list); loaded on demand. */
  tokens(): Promise<readonly string[] | null>;
  readonly card: ModelCard | null;
  readonly claims: Claims;
  /** LICENSE, NOTICE, USE_POLICY and the like, with their text. */
  readonly licenseFiles: readonly TextFile[];
  readonly noticeFiles: readonly TextFile[];
  readonly policyFiles: readonly TextFile[];
  /** What is odd about the files: listing, header and card findings together. */
  readonly findings: readonly Finding[];
  /** Why there is no checkpoint, where one was found and could not be read. */
  readonly unreadable?: HeirloomError;
  readonly open: (path: string) => Promise<import('../base/index.ts').ByteSource>;
}

export type ModelErrorCode = 'MODEL_NOT_FOUND' | 'MODEL_EMPTY' | 'MODEL_LIMIT';
export class ModelError extends HeirloomError<ModelErrorCode> {
  override readonly name = 'ModelError';
}
