/**
 * Naming schemes of image generators, under diffusers and CompVis names; the grammar is told in `schemes.ts`.
 * @module
 */
import type { Leaves, Scheme } from './schemes.ts';

/** BasicTransformerBlock: attn1 looks at the image, attn2 at the text; `ff.net.0.proj` holds value and gate of a GEGLU. */
const DIFFUSION_BLOCK: Leaves = {
  'attn1.to_q': 'q',
  'attn1.to_k': 'k',
  'attn1.to_v': 'v',
  'attn1.to_out.0': 'o',
  'attn2.to_q': 'cross_q',
  'attn2.to_k': 'cross_k',
  'attn2.to_v': 'cross_v',
  'attn2.to_out.0': 'cross_o',
  'ff.net.0.proj': '=up_gate?',
  'ff.net.2': 'down',
  norm1: 'norm_in',
  norm2: 'norm_cross',
  norm3: 'norm_mlp',
  // Flux, SD3: joint attention
  'attn.to_q': 'q',
  'attn.to_k': 'k',
  'attn.to_v': 'v',
  'attn.to_out.0': 'o',
  'attn.norm_q': 'norm_q',
  'attn.norm_k': 'norm_k',
};
const SHELL: Leaves = { norm: 'norm', proj_in: 'linear@proj_in', proj_out: 'linear@proj_out' };
const RESNET: Leaves = {
  norm1: 'norm@norm1',
  conv1: 'conv@conv1',
  time_emb_proj: 'linear@time',
  norm2: 'norm@norm2',
  conv2: 'conv@conv2',
  conv_shortcut: 'conv@shortcut',
};
/** The same modules under CompVis names. */
const COMPVIS_RESNET: Leaves = {
  'in_layers.0': 'norm@norm1',
  'in_layers.2': 'conv@conv1',
  'emb_layers.1': 'linear@time',
  'out_layers.0': 'norm@norm2',
  'out_layers.3': 'conv@conv2',
  skip_connection: 'conv@shortcut',
};

export const DIFFUSION_SCHEMES: readonly Scheme[] = [
  {
    name: 'unet',
    roots: [['unet', '']],
    blocks: [
      { at: 'down_blocks.N.attentions.N.transformer_blocks.N', stack: 'down', leaves: DIFFUSION_BLOCK },
      { at: 'mid_block.attentions.N.transformer_blocks.N', stack: 'mid', leaves: DIFFUSION_BLOCK },
      { at: 'up_blocks.N.attentions.N.transformer_blocks.N', stack: 'up', leaves: DIFFUSION_BLOCK },
      { at: 'down_blocks.N.attentions.N', stack: 'down', group: 'shell', leaves: SHELL },
      { at: 'mid_block.attentions.N', stack: 'mid', group: 'shell', rank: true, leaves: SHELL },
      { at: 'up_blocks.N.attentions.N', stack: 'up', group: 'shell', leaves: SHELL },
      { at: 'down_blocks.N.resnets.N', stack: 'down', group: 'res', leaves: RESNET },
      { at: 'mid_block.resnets.N', stack: 'mid', group: 'res', rank: true, leaves: RESNET },
      { at: 'up_blocks.N.resnets.N', stack: 'up', group: 'res', leaves: RESNET },
      { at: 'down_blocks.N.downsamplers.N', stack: 'down', group: 'sample', leaves: { conv: 'conv' } },
      { at: 'up_blocks.N.upsamplers.N', stack: 'up', group: 'sample', leaves: { conv: 'conv' } },
    ],
    outside: {
      conv_in: 'conv@conv_in',
      conv_out: 'conv@conv_out',
      conv_norm_out: 'norm_f',
      'time_embedding.linear_1': 'linear@time.1',
      'time_embedding.linear_2': 'linear@time.2',
      'add_embedding.linear_1': 'linear@label.1',
      'add_embedding.linear_2': 'linear@label.2',
    },
  },
  {
    name: 'compvis',
    roots: [
      ['model.diffusion_model', ''],
      ['diffusion_model', ''],
      ['unet', ''],
    ],
    blocks: [
      { at: 'input_blocks.N.1.transformer_blocks.N', stack: 'down', leaves: DIFFUSION_BLOCK },
      { at: 'middle_block.N.transformer_blocks.N', stack: 'mid', leaves: DIFFUSION_BLOCK },
      { at: 'output_blocks.N.1.transformer_blocks.N', stack: 'up', leaves: DIFFUSION_BLOCK },
      { at: 'input_blocks.N.1', stack: 'down', group: 'shell', rank: true, leaves: SHELL },
      { at: 'middle_block.N', stack: 'mid', group: 'shell', rank: true, leaves: SHELL },
      { at: 'output_blocks.N.1', stack: 'up', group: 'shell', rank: true, leaves: SHELL },
      { at: 'input_blocks.N.0', stack: 'down', group: 'res', rank: true, leaves: COMPVIS_RESNET },
      { at: 'middle_block.N', stack: 'mid', group: 'res', rank: true, leaves: COMPVIS_RESNET },
      { at: 'output_blocks.N.0', stack: 'up', group: 'res', rank: true, leaves: COMPVIS_RESNET },
      { at: 'input_blocks.N.0', stack: 'down', group: 'sample', rank: true, leaves: { op: 'conv' } },
      { at: 'output_blocks.N.N', stack: 'up', group: 'sample', leaves: { conv: 'conv' } },
    ],
    outside: {
      'input_blocks.0.0': 'conv@conv_in',
      'out.0': 'norm_f',
      'out.2': 'conv@conv_out',
      'time_embed.0': 'linear@time.1',
      'time_embed.2': 'linear@time.2',
      'label_emb.0.0': 'linear@label.1',
      'label_emb.0.2': 'linear@label.2',
    },
  },
  {
    name: 'dit',
    roots: [
      ['transformer', ''],
      ['model', ''],
    ],
    blocks: [
      { at: 'transformer_blocks.N', stack: '', leaves: { ...DIFFUSION_BLOCK, norm2: 'norm_mlp', 'norm1.linear': 'linear@modulation' } },
      {
        at: 'single_transformer_blocks.N',
        stack: 'single',
        leaves: { ...DIFFUSION_BLOCK, proj_mlp: 'up', proj_out: 'linear@proj_out', 'norm.linear': 'linear@modulation' },
      },
    ],
    outside: {
      'pos_embed.proj': 'conv@patch',
      proj_out: 'linear@proj_out',
      context_embedder: 'linear@context',
      x_embedder: 'linear@patch',
    },
  },
];
