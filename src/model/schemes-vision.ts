/**
 * Naming schemes of vision and audio encoders; the grammar is told in `schemes.ts`.
 * @module
 */
import type { Leaves, Scheme } from './schemes.ts';

const CLIP_BLOCK: Leaves = {
  'self_attn.q_proj': 'q',
  'self_attn.k_proj': 'k',
  'self_attn.v_proj': 'v',
  'self_attn.out_proj': 'o',
  layer_norm1: 'norm_in',
  layer_norm2: 'norm_mlp',
  'mlp.fc1': 'up',
  'mlp.fc2': 'down',
};
const OPENAI_CLIP_BLOCK: Leaves = {
  'attn.in_proj': '=qkv',
  'attn.out_proj': 'o',
  ln_1: 'norm_in',
  ln_2: 'norm_mlp',
  'mlp.c_fc': 'up',
  'mlp.c_proj': 'down',
};

const TIMM_BLOCK: Leaves = {
  'attn.qkv': '=qkv',
  'attn.proj': 'o',
  norm1: 'norm_in',
  norm2: 'norm_mlp',
  'mlp.fc1': 'up',
  'mlp.fc2': 'down',
  'mlp.w12': '=gate_up',
  'mlp.w3': 'down',
  'attn.q_norm': 'norm_q',
  'attn.k_norm': 'norm_k',
  ls1: 'other@scale_attn',
  ls2: 'other@scale_mlp',
  gamma_1: 'other@scale_attn',
  gamma_2: 'other@scale_mlp',
  'attn.relative_position_bias_table': 'position',
  'adaLN_modulation.1': 'linear@modulation',
};

/** torch.nn.TransformerEncoderLayer and DecoderLayer. */
const TORCH_BLOCK: Leaves = {
  'self_attn.in_proj': '=qkv',
  'self_attn.out_proj': 'o',
  'multihead_attn.in_proj': '=cross_qkv',
  'multihead_attn.out_proj': 'cross_o',
  linear1: 'up',
  linear2: 'down',
  norm1: 'norm_in',
  norm2: 'norm_mlp',
  norm3: 'norm@norm_3',
};

export const VISION_SCHEMES: readonly Scheme[] = [
  {
    name: 'clip',
    roots: [
      ['vision_model', 'vision'],
      ['text_model', 'text'],
      ['vision_tower.vision_model', 'vision'],
      ['model.vision_tower.vision_model', 'vision'],
      ['model.vision_tower', 'vision'],
      ['cond_stage_model.transformer.text_model', 'text'],
      ['text_encoder.text_model', 'text'],
      ['text_encoder_2.text_model', 'text2'],
      ['te.text_model', 'text'],
      ['te1.text_model', 'text'],
      ['te2.text_model', 'text2'],
    ],
    blocks: [{ at: 'encoder.layers.N', stack: '', leaves: CLIP_BLOCK }],
    outside: {
      'embeddings.class_embedding': 'other@class',
      'embeddings.patch_embedding': 'conv@patch',
      'embeddings.position_embedding': 'position',
      'embeddings.token_embedding': 'embed',
      pre_layrnorm: 'norm@norm_embed',
      post_layernorm: 'norm_f',
      final_layer_norm: 'norm_f',
      visual_projection: 'linear@vision.projection',
      text_projection: 'linear@text.projection',
      logit_scale: 'other@logit_scale',
    },
  },
  {
    name: 'clip-openai',
    roots: [
      ['visual', 'vision'],
      ['cond_stage_model.model', 'text'],
    ],
    blocks: [{ at: 'transformer.resblocks.N', stack: '', leaves: OPENAI_CLIP_BLOCK }],
    outside: {
      class_embedding: 'other@class',
      conv1: 'conv@patch',
      positional_embedding: 'position',
      token_embedding: 'embed',
      ln_pre: 'norm@norm_embed',
      ln_post: 'norm_f',
      ln_final: 'norm_f',
      proj: 'linear@projection',
      text_projection: 'linear@text.projection',
      logit_scale: 'other@logit_scale',
    },
  },
  {
    name: 'vit',
    roots: [
      ['vit', ''],
      ['deit', ''],
      ['dinov2', ''],
      ['beit', ''],
    ],
    blocks: [
      {
        at: 'encoder.layer.N',
        stack: '',
        leaves: {
          'attention.attention.query': 'q',
          'attention.attention.key': 'k',
          'attention.attention.value': 'v',
          'attention.output.dense': 'o',
          'intermediate.dense': 'up',
          'output.dense': 'down',
          layernorm_before: 'norm_in',
          layernorm_after: 'norm_mlp',
          norm1: 'norm_in',
          norm2: 'norm_mlp',
          'mlp.fc1': 'up',
          'mlp.fc2': 'down',
        },
      },
    ],
    outside: {
      'embeddings.cls_token': 'other@class',
      'embeddings.position_embeddings': 'position',
      'embeddings.patch_embeddings.projection': 'conv@patch',
      layernorm: 'norm_f',
      'pooler.dense': 'linear@pooler',
      classifier: 'linear@classifier',
    },
  },
  {
    name: 'timm',
    roots: [
      ['backbone', ''],
      ['encoder', ''],
      ['visual.trunk', 'vision'],
      ['image_encoder', 'vision'],
    ],
    blocks: [
      { at: 'blocks.N', stack: '', leaves: TIMM_BLOCK },
      { at: 'layers.N.blocks.N', stack: '', leaves: TIMM_BLOCK },
    ],
    outside: {
      cls_token: 'other@class',
      pos_embed: 'position',
      'patch_embed.proj': 'conv@patch',
      'patch_embed.norm': 'norm@norm_embed',
      norm: 'norm_f',
      fc_norm: 'norm_f',
      head: 'linear@classifier',
      'head.fc': 'linear@classifier',
    },
  },
  {
    name: 'torch-transformer',
    roots: [
      ['transformer', ''],
      ['transformer_encoder', ''],
      ['transformer_decoder', ''],
    ],
    blocks: [
      { at: 'encoder.layers.N', stack: 'encoder', leaves: TORCH_BLOCK },
      { at: 'decoder.layers.N', stack: 'decoder', leaves: { ...TORCH_BLOCK, norm2: 'norm_cross', norm3: 'norm_mlp' } },
      { at: 'layers.N', stack: '', leaves: TORCH_BLOCK },
    ],
    outside: { 'encoder.norm': 'norm_f@encoder.norm_f', 'decoder.norm': 'norm_f@decoder.norm_f' },
  },
  {
    name: 'wav2vec2',
    roots: [
      ['wav2vec2', ''],
      ['hubert', ''],
      ['wavlm', ''],
    ],
    blocks: [
      {
        at: 'encoder.layers.N',
        stack: '',
        leaves: {
          'attention.q_proj': 'q',
          'attention.k_proj': 'k',
          'attention.v_proj': 'v',
          'attention.out_proj': 'o',
          layer_norm: 'norm_in',
          'feed_forward.intermediate_dense': 'up',
          'feed_forward.output_dense': 'down',
          final_layer_norm: 'norm_mlp',
        },
      },
    ],
    outside: { 'encoder.layer_norm': 'norm_f', lm_head: 'head' },
  },
];
