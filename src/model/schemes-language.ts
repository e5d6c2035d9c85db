/**
 * Naming schemes of the other language and speech models; the grammar is told in `schemes.ts`.
 * @module
 */
import { LANGUAGE_ROOTS } from './schemes-llama.ts';
import type { Leaves, Scheme } from './schemes.ts';

const GPT2_BLOCK: Leaves = {
  'attn.c_attn': '~=qkv',
  'attn.c_proj': '~o',
  'mlp.c_fc': '~up',
  'mlp.c_proj': '~down',
  ln_1: 'norm_in',
  ln_2: 'norm_mlp',
  'crossattention.q_attn': '~cross_q',
  'crossattention.c_attn': '~=cross_kv',
  'crossattention.c_proj': '~cross_o',
  ln_cross_attn: 'norm_cross',
  // GPT-Neo, GPT-J
  'attn.attention.q_proj': 'q',
  'attn.attention.k_proj': 'k',
  'attn.attention.v_proj': 'v',
  'attn.attention.out_proj': 'o',
  'attn.q_proj': 'q',
  'attn.k_proj': 'k',
  'attn.v_proj': 'v',
  'attn.out_proj': 'o',
  'mlp.fc_in': 'up',
  'mlp.fc_out': 'down',
};
const DENSE_4H: Leaves = {
  'mlp.dense_h_to_4h': 'up',
  'mlp.dense_4h_to_h': 'down',
  input_layernorm: 'norm_in',
  post_attention_layernorm: 'norm_mlp',
  ln_attn: 'norm_in',
  ln_mlp: 'norm_mlp',
};
const T5_ATTENTION: Leaves = {
  'layer.N.SelfAttention.q': 'q',
  'layer.N.SelfAttention.k': 'k',
  'layer.N.SelfAttention.v': 'v',
  'layer.N.SelfAttention.o': 'o',
  'layer.N.SelfAttention.relative_attention_bias': 'position',
  'layer.0.layer_norm': 'norm_in',
  'layer.N.DenseReluDense.wi': 'up',
  'layer.N.DenseReluDense.wi_0': 'gate',
  'layer.N.DenseReluDense.wi_1': 'up',
  'layer.N.DenseReluDense.wo': 'down',
};
const BART_BLOCK: Leaves = {
  'self_attn.q_proj': 'q',
  'self_attn.k_proj': 'k',
  'self_attn.v_proj': 'v',
  'self_attn.out_proj': 'o',
  self_attn_layer_norm: 'norm_in',
  'encoder_attn.q_proj': 'cross_q',
  'encoder_attn.k_proj': 'cross_k',
  'encoder_attn.v_proj': 'cross_v',
  'encoder_attn.out_proj': 'cross_o',
  encoder_attn_layer_norm: 'norm_cross',
  fc1: 'up',
  fc2: 'down',
  final_layer_norm: 'norm_mlp',
};
const WHISPER_BLOCK: Leaves = {
  'attn.query': 'q',
  'attn.key': 'k',
  'attn.value': 'v',
  'attn.out': 'o',
  attn_ln: 'norm_in',
  'mlp.0': 'up',
  'mlp.2': 'down',
  mlp_ln: 'norm_mlp',
  'cross_attn.query': 'cross_q',
  'cross_attn.key': 'cross_k',
  'cross_attn.value': 'cross_v',
  'cross_attn.out': 'cross_o',
  cross_attn_ln: 'norm_cross',
};
const BERT_BLOCK: Leaves = {
  'attention.self.query': 'q',
  'attention.self.key': 'k',
  'attention.self.value': 'v',
  'attention.output.dense': 'o',
  'attention.output.LayerNorm': 'norm@norm_attn_out',
  'intermediate.dense': 'up',
  'output.dense': 'down',
  'output.LayerNorm': 'norm@norm_mlp_out',
};

export const LANGUAGE_SCHEMES: readonly Scheme[] = [
  {
    name: 'gpt2',
    roots: LANGUAGE_ROOTS,
    blocks: [{ at: 'h.N', stack: '', leaves: GPT2_BLOCK }],
    outside: { wte: 'embed', wpe: 'position', ln_f: 'norm_f', lm_head: 'head' },
  },
  {
    name: 'gpt-neox',
    roots: [['gpt_neox', '']],
    blocks: [{ at: 'layers.N', stack: '', leaves: { ...DENSE_4H, 'attention.query_key_value': '=qkv/heads', 'attention.dense': 'o' } }],
    outside: { embed_in: 'embed', embed_out: 'head', final_layer_norm: 'norm_f' },
  },
  {
    name: 'bloom',
    roots: LANGUAGE_ROOTS,
    blocks: [
      { at: 'h.N', stack: '', leaves: { ...DENSE_4H, 'self_attention.query_key_value': '=qkv/falcon', 'self_attention.dense': 'o' } },
    ],
    outside: { word_embeddings: 'embed', word_embeddings_layernorm: 'norm@norm_embed', ln_f: 'norm_f', lm_head: 'head' },
  },
  {
    name: 'chatglm',
    roots: LANGUAGE_ROOTS,
    blocks: [
      {
        at: 'encoder.layers.N',
        stack: '',
        leaves: { ...DENSE_4H, 'mlp.dense_h_to_4h': '=gate_up', 'self_attention.query_key_value': '=qkv', 'self_attention.dense': 'o' },
      },
    ],
    outside: { 'embedding.word_embeddings': 'embed', 'encoder.final_layernorm': 'norm_f', output_layer: 'head' },
  },
  {
    name: 'mpt',
    roots: LANGUAGE_ROOTS,
    blocks: [
      {
        at: 'blocks.N',
        stack: '',
        leaves: {
          'attn.Wqkv': '=qkv',
          'attn.out_proj': 'o',
          'ffn.up_proj': 'up',
          'ffn.down_proj': 'down',
          norm_1: 'norm_in',
          norm_2: 'norm_mlp',
        },
      },
    ],
    outside: { wte: 'embed', wpe: 'position', norm_f: 'norm_f' },
  },
  {
    name: 'bert',
    roots: [
      ['bert', ''],
      ['roberta', ''],
      ['electra', ''],
      ['deberta', ''],
      ['camembert', ''],
      ['xlm_roberta', ''],
      ['model', ''],
    ],
    blocks: [{ at: 'encoder.layer.N', stack: '', leaves: BERT_BLOCK }],
    outside: {
      'embeddings.word_embeddings': 'embed',
      'embeddings.position_embeddings': 'position',
      'embeddings.token_type_embeddings': 'token_type',
      'embeddings.LayerNorm': 'norm@norm_embed',
      'pooler.dense': 'linear@pooler',
      'cls.predictions.decoder': 'head',
      'cls.predictions': 'bias@head',
      'cls.predictions.transform.dense': 'linear@head_transform',
      'cls.predictions.transform.LayerNorm': 'norm@norm_head',
      'cls.seq_relationship': 'linear@next_sentence',
      'lm_head.dense': 'linear@head_transform',
      'lm_head.layer_norm': 'norm@norm_head',
      'lm_head.decoder': 'head',
      lm_head: 'bias@head',
    },
  },
  {
    name: 'distilbert',
    roots: [['distilbert', '']],
    blocks: [
      {
        at: 'transformer.layer.N',
        stack: '',
        leaves: {
          'attention.q_lin': 'q',
          'attention.k_lin': 'k',
          'attention.v_lin': 'v',
          'attention.out_lin': 'o',
          sa_layer_norm: 'norm@norm_attn_out',
          'ffn.lin1': 'up',
          'ffn.lin2': 'down',
          output_layer_norm: 'norm@norm_mlp_out',
        },
      },
    ],
    outside: {
      'embeddings.word_embeddings': 'embed',
      'embeddings.position_embeddings': 'position',
      'embeddings.LayerNorm': 'norm@norm_embed',
      vocab_projector: 'head',
      vocab_transform: 'linear@head_transform',
      vocab_layer_norm: 'norm@norm_head',
    },
  },
  {
    name: 't5',
    roots: [
      ['transformer', ''],
      ['model', ''],
    ],
    blocks: [
      { at: 'encoder.block.N', stack: 'encoder', leaves: { ...T5_ATTENTION, 'layer.1.layer_norm': 'norm_mlp' } },
      {
        at: 'decoder.block.N',
        stack: 'decoder',
        leaves: {
          ...T5_ATTENTION,
          'layer.N.EncDecAttention.q': 'cross_q',
          'layer.N.EncDecAttention.k': 'cross_k',
          'layer.N.EncDecAttention.v': 'cross_v',
          'layer.N.EncDecAttention.o': 'cross_o',
          'layer.1.layer_norm': 'norm_cross',
          'layer.2.layer_norm': 'norm_mlp',
        },
      },
    ],
    outside: {
      shared: 'embed',
      'encoder.embed_tokens': 'embed@encoder.embed',
      'decoder.embed_tokens': 'embed@decoder.embed',
      'encoder.final_layer_norm': 'norm_f@encoder.norm_f',
      'decoder.final_layer_norm': 'norm_f@decoder.norm_f',
      lm_head: 'head',
    },
  },
  {
    name: 'bart',
    roots: [['model', '']],
    blocks: [
      { at: 'encoder.layers.N', stack: 'encoder', leaves: BART_BLOCK },
      { at: 'decoder.layers.N', stack: 'decoder', leaves: BART_BLOCK },
    ],
    outside: {
      shared: 'embed',
      'encoder.embed_tokens': 'embed@encoder.embed',
      'decoder.embed_tokens': 'embed@decoder.embed',
      'encoder.embed_positions': 'position@encoder.position',
      'decoder.embed_positions': 'position@decoder.position',
      proj_out: 'head',
      lm_head: 'head',
      'encoder.conv1': 'conv@encoder.conv1',
      'encoder.conv2': 'conv@encoder.conv2',
      'encoder.layernorm_embedding': 'norm@encoder.norm_embed',
      'decoder.layernorm_embedding': 'norm@decoder.norm_embed',
      'encoder.layer_norm': 'norm_f@encoder.norm_f',
      'decoder.layer_norm': 'norm_f@decoder.norm_f',
      'decoder.final_layer_norm': 'norm_f@decoder.norm_f',
    },
  },
  {
    name: 'whisper',
    roots: [],
    blocks: [
      { at: 'encoder.blocks.N', stack: 'encoder', leaves: WHISPER_BLOCK },
      { at: 'decoder.blocks.N', stack: 'decoder', leaves: WHISPER_BLOCK },
    ],
    outside: {
      'decoder.token_embedding': 'embed@decoder.embed',
      'decoder.positional_embedding': 'position@decoder.position',
      'encoder.positional_embedding': 'position@encoder.position',
      'encoder.conv1': 'conv@encoder.conv1',
      'encoder.conv2': 'conv@encoder.conv2',
      'encoder.ln_post': 'norm_f@encoder.norm_f',
      'decoder.ln': 'norm_f@decoder.norm_f',
    },
  },
];
