import { describe, expect, test } from 'vitest';
import type { TensorInfo } from '../weights/index.ts';
import { readHeads } from './heads.ts';
import { readModel, roleShape } from './index.ts';
import { parseNames } from './names.ts';
import { assignRoles } from './roles.ts';
import { D, FF, q, k, v, o, gate, up, down, norm, vector, holds } from './testing/matrices.ts';
import { counted, type Matrix, slotOf, stacked, text, tinyModel, treeOf } from './testing/tiny.ts';

describe('encoders and encoder-decoders', () => {
  test('BERT, RoBERTa and DistilBERT share their slots', async () => {
    const expected = {
      'layers.0.q': q,
      'layers.0.k': k,
      'layers.0.v': v,
      'layers.0.o': o,
      'layers.0.up': up,
      'layers.0.down': down,
      'layers.0.norm_attn_out': norm(1),
      'layers.0.norm_mlp_out.bias': norm(2),
    };
    for (const lead of ['bert.', 'roberta.', ''])
      await expect(
        holds(
          {
            [`${lead}embeddings.word_embeddings.weight`]: counted([10, D], 8),
            [`${lead}encoder.layer.0.attention.self.query.weight`]: q,
            [`${lead}encoder.layer.0.attention.self.key.weight`]: k,
            [`${lead}encoder.layer.0.attention.self.value.weight`]: v,
            [`${lead}encoder.layer.0.attention.output.dense.weight`]: o,
            [`${lead}encoder.layer.0.attention.output.LayerNorm.gamma`]: norm(1),
            [`${lead}encoder.layer.0.intermediate.dense.weight`]: up,
            [`${lead}encoder.layer.0.output.dense.weight`]: down,
            [`${lead}encoder.layer.0.output.LayerNorm.beta`]: norm(2),
          },
          { model_type: 'bert' },
          'bert',
          expected,
        ),
      ).resolves.toBeUndefined();
    const at = 'distilbert.transformer.layer.0.';
    await expect(
      holds(
        {
          'distilbert.embeddings.word_embeddings.weight': counted([10, D], 8),
          [`${at}attention.q_lin.weight`]: q,
          [`${at}attention.k_lin.weight`]: k,
          [`${at}attention.v_lin.weight`]: v,
          [`${at}attention.out_lin.weight`]: o,
          [`${at}sa_layer_norm.weight`]: norm(1),
          [`${at}ffn.lin1.weight`]: up,
          [`${at}ffn.lin2.weight`]: down,
          [`${at}output_layer_norm.bias`]: norm(2),
        },
        { model_type: 'distilbert' },
        'distilbert',
        expected,
      ),
    ).resolves.toBeUndefined();
  });

  test('T5: the sublayer number tells self attention, cross attention and MLP apart', async () => {
    const at = 'decoder.block.0.layer.';
    await expect(
      holds(
        {
          'shared.weight': counted([10, D], 8),
          'encoder.block.0.layer.0.SelfAttention.q.weight': q,
          'encoder.block.0.layer.0.layer_norm.weight': norm(1),
          'encoder.block.0.layer.1.layer_norm.weight': norm(2),
          'encoder.block.0.layer.1.DenseReluDense.wi_0.weight': gate,
          [`${at}0.SelfAttention.k.weight`]: k,
          [`${at}1.EncDecAttention.q.weight`]: v,
          [`${at}0.layer_norm.weight`]: norm(3),
          [`${at}1.layer_norm.weight`]: norm(4),
          [`${at}2.layer_norm.weight`]: norm(5),
          [`${at}2.DenseReluDense.wo.weight`]: down,
        },
        { model_type: 't5' },
        't5',
        {
          'encoder.0.q': q,
          'encoder.0.norm_mlp': norm(2),
          'encoder.0.gate': gate,
          'decoder.0.k': k,
          'decoder.0.cross_q': v,
          'decoder.0.norm_in': norm(3),
          'decoder.0.norm_cross': norm(4),
          'decoder.0.norm_mlp': norm(5),
          'decoder.0.down': down,
          embed: counted([10, D], 8),
        },
      ),
    ).resolves.toBeUndefined();
  });

  test('Whisper under both of its namings', async () => {
    const expected = {
      'encoder.0.q': q,
      'decoder.0.cross_k': k,
      'decoder.0.up': up,
      'decoder.0.norm_cross': norm(1),
      'encoder.conv1': counted([D, 3, 2], 42),
      'decoder.embed': counted([10, D], 8),
    };
    const flat = { ...expected, 'encoder.conv1': { shape: [D, 6], values: expected['encoder.conv1'].values } };
    await expect(
      holds(
        {
          'model.encoder.conv1.weight': expected['encoder.conv1'],
          'model.encoder.layers.0.self_attn.q_proj.weight': q,
          'model.decoder.embed_tokens.weight': expected['decoder.embed'],
          'model.decoder.layers.0.encoder_attn.k_proj.weight': k,
          'model.decoder.layers.0.fc1.weight': up,
          'model.decoder.layers.0.encoder_attn_layer_norm.weight': norm(1),
        },
        { model_type: 'whisper' },
        'bart',
        flat,
      ),
    ).resolves.toBeUndefined();
    await expect(
      holds(
        {
          'encoder.conv1.weight': expected['encoder.conv1'],
          'encoder.blocks.0.attn.query.weight': q,
          'decoder.token_embedding.weight': expected['decoder.embed'],
          'decoder.blocks.0.cross_attn.key.weight': k,
          'decoder.blocks.0.mlp.0.weight': up,
          'decoder.blocks.0.cross_attn_ln.weight': norm(1),
        },
        {},
        'whisper',
        flat,
      ),
    ).resolves.toBeUndefined();
  });

  test('ViT: separate and fused projections land in the same slots', async () => {
    const expected = { 'layers.0.q': q, 'layers.0.k': k, 'layers.0.v': v, 'layers.0.o': o, 'layers.0.up': up };
    const at = 'vit.encoder.layer.0.';
    await expect(
      holds(
        {
          'vit.embeddings.cls_token': counted([1, 1, D], 8),
          [`${at}attention.attention.query.weight`]: q,
          [`${at}attention.attention.key.weight`]: k,
          [`${at}attention.attention.value.weight`]: v,
          [`${at}attention.output.dense.weight`]: o,
          [`${at}intermediate.dense.weight`]: up,
          [`${at}layernorm_before.weight`]: norm(1),
        },
        {},
        'vit',
        expected,
      ),
    ).resolves.toBeUndefined();
    await expect(
      holds(
        {
          cls_token: counted([1, 1, D], 8),
          'blocks.0.attn.qkv.weight': stacked(q, k, v),
          'blocks.0.attn.proj.weight': o,
          'blocks.0.mlp.fc1.weight': up,
          'blocks.0.norm1.weight': norm(1),
        },
        undefined,
        'timm',
        expected,
      ),
    ).resolves.toBeUndefined();
  });

  test('CLIP: two towers, two stacks; and a language model with a vision tower keeps both', async () => {
    const tower = (lead: string, seed: number): Record<string, Matrix> => ({
      [`${lead}encoder.layers.0.self_attn.q_proj.weight`]: counted([8, D], seed),
      [`${lead}encoder.layers.0.mlp.fc1.weight`]: counted([FF, D], seed + 1),
      [`${lead}encoder.layers.0.layer_norm1.weight`]: norm(seed),
    });
    await expect(
      holds(
        {
          ...tower('vision_model.', 50),
          ...tower('text_model.', 60),
          'vision_model.embeddings.class_embedding': vector(D, 9),
          logit_scale: { shape: [], values: Float32Array.of(2) },
        },
        {},
        'clip',
        { 'vision.0.q': counted([8, D], 50), 'text.0.up': counted([FF, D], 61), 'vision.class': vector(D, 9) },
      ),
    ).resolves.toBeUndefined();
    await expect(
      holds(
        {
          ...tower('vision_tower.vision_model.', 50),
          'language_model.model.layers.0.self_attn.q_proj.weight': q,
          'language_model.model.layers.0.self_attn.k_proj.weight': k,
          'language_model.model.layers.0.self_attn.v_proj.weight': v,
          'language_model.model.layers.0.mlp.up_proj.weight': up,
          'multi_modal_projector.linear_1.weight': o,
        },
        {},
        'llama',
        { 'layers.0.q': q, 'vision.0.q': counted([8, D], 50), 'multi_modal_projector.linear_1.weight': o },
      ),
    ).resolves.toBeUndefined();
  });
});

describe('image generators', () => {
  const value = counted([FF, D], 70);
  test('a UNet under diffusers and under CompVis names has the same slots', async () => {
    const expected = {
      'down.0.q': q,
      'down.1.cross_k': k,
      'down.0.up': value,
      'down.0.gate': gate,
      'mid.0.v': v,
      'up.0.o': o,
      'down.res.0.conv1': counted([4, 9], 71),
      'mid.res.1.conv2': counted([4, 9], 72),
      'down.sample.0.conv': counted([4, 9], 73),
      conv_in: counted([4, 9], 74),
    };
    const filter = (seed: number): Matrix => counted([4, 1, 3, 3], seed);
    const diffusers = {
      'down_blocks.0.attentions.0.transformer_blocks.0.attn1.to_q.weight': q,
      'down_blocks.0.attentions.0.transformer_blocks.0.ff.net.0.proj.weight': stacked(value, gate),
      'down_blocks.0.attentions.0.transformer_blocks.0.ff.net.2.weight': down,
      'down_blocks.0.attentions.1.transformer_blocks.0.attn2.to_k.weight': k,
      'mid_block.attentions.0.transformer_blocks.0.attn1.to_v.weight': v,
      'up_blocks.1.attentions.0.transformer_blocks.0.attn1.to_out.0.weight': o,
      'down_blocks.0.resnets.0.conv1.weight': filter(71),
      'mid_block.resnets.0.conv2.weight': filter(75),
      'mid_block.resnets.1.conv2.weight': filter(72),
      'down_blocks.0.downsamplers.0.conv.weight': filter(73),
      'conv_in.weight': filter(74),
    };
    await expect(holds(diffusers, {}, 'unet', expected)).resolves.toBeUndefined();
    const lead = 'model.diffusion_model.';
    await expect(
      holds(
        Object.fromEntries(
          Object.entries({
            'input_blocks.1.1.transformer_blocks.0.attn1.to_q.weight': q,
            'input_blocks.1.1.transformer_blocks.0.ff.net.0.proj.weight': stacked(value, gate),
            'input_blocks.1.1.transformer_blocks.0.ff.net.2.weight': down,
            'input_blocks.2.1.transformer_blocks.0.attn2.to_k.weight': k,
            'middle_block.1.transformer_blocks.0.attn1.to_v.weight': v,
            'output_blocks.3.1.transformer_blocks.0.attn1.to_out.0.weight': o,
            'input_blocks.1.0.in_layers.2.weight': filter(71),
            'middle_block.0.out_layers.3.weight': filter(75),
            'middle_block.2.out_layers.3.weight': filter(72),
            'input_blocks.3.0.op.weight': filter(73),
            'input_blocks.0.0.weight': filter(74),
          }).map(([name, m]) => [lead + name, m]),
        ),
        undefined,
        'compvis',
        expected,
      ),
    ).resolves.toBeUndefined();
  });

  test('kohya adapters with underscored names point at the same matrices as PEFT adapters', async () => {
    const a = counted([2, D], 80);
    const b = counted([8, 2], 81);
    const kohya = await tinyModel({
      'lora_unet_down_blocks_0_attentions_0_transformer_blocks_0_attn1_to_q.lora_down.weight': a,
      'lora_unet_down_blocks_0_attentions_0_transformer_blocks_0_attn1_to_q.lora_up.weight': b,
      'lora_unet_down_blocks_0_attentions_0_transformer_blocks_0_attn1_to_q.alpha': { shape: [], values: Float32Array.of(4) },
      'lora_unet_mid_block_attentions_0_transformer_blocks_0_attn2_to_out_0.lora_up.weight': b,
      'lora_te_text_model_encoder_layers_3_self_attn_q_proj.lora_down.weight': a,
      'lora_te_text_model_encoder_layers_3_mlp_fc1.lora_down.weight': a,
    });
    expect(kohya.isAdapter).toBe(true);
    expect(kohya.roles.map(({ slot, role, of }) => [slot, role, of])).toEqual([
      ['down.0.q.lora_a', 'lora_a', 'q'],
      ['down.0.q.lora_b', 'lora_b', 'q'],
      ['lora_unet_down_blocks_0_attentions_0_transformer_blocks_0_attn1_to_q.alpha', 'buffer', undefined],
      ['mid.0.cross_o.lora_b', 'lora_b', 'cross_o'],
      ['text.3.q.lora_a', 'lora_a', 'q'],
      ['text.3.up.lora_a', 'lora_a', 'up'],
    ]);
    expect(roleShape(slotOf(kohya, 'down.0.q.lora_b'))).toEqual([8, 2]);
    expect(kohya.parameters).toBe(2 * D + 16 + 16 + 2 * D + 2 * D);
  });
});

describe('GGUF names', () => {
  /** Slots with their shapes and the head size of undone rotary orders. */
  function slots(shapes: Record<string, readonly number[]>, keys: Record<string, string | number>): Record<string, string> {
    const tensors = Object.entries(shapes).map(([name, shape]): TensorInfo => ({
      name,
      dtype: 'F32',
      shape,
      file: 'm.gguf',
      offset: 0,
      bytes: 0,
    }));
    const checkpoint = { format: 'gguf', metadata: new Map(Object.entries(keys)), tensors, files: [], findings: [], formatVersion: '' };
    const heads = readHeads(new Map(), checkpoint as unknown as Parameters<typeof readHeads>[1]);
    const { roles, scheme } = assignRoles(parseNames(tensors, 'gguf'), heads, 'gguf');
    expect(scheme).toBe('gguf');
    return Object.fromEntries(
      roles.map((role) => [role.slot, [roleShape(role).join('x'), role.view.ropeInterleavedHeadRows].filter(Boolean).join(' rope ')]),
    );
  }
  const keys = (architecture: string, kv: number): Record<string, string | number> => ({
    'general.architecture': architecture,
    [`${architecture}.attention.head_count`]: 4,
    [`${architecture}.attention.head_count_kv`]: kv,
  });

  test('Phi-3: fused attention and gate come apart, rotary order is left alone', () => {
    expect(
      slots(
        {
          'blk.0.attn_qkv.weight': [16, 8],
          'blk.0.attn_output.weight': [8, 8],
          'blk.0.ffn_up.weight': [24, 8],
          'blk.0.ffn_down.weight': [8, 12],
          'rope_factors_long.weight': [2],
        },
        keys('phi3', 2),
      ),
    ).toMatchObject({
      'layers.0.q': '8x8',
      'layers.0.k': '4x8',
      'layers.0.v': '4x8',
      'layers.0.gate': '12x8',
      'layers.0.up': '12x8',
      'layers.0.down': '8x12',
    });
  });

  test('Mixtral: stacks of experts, and the rotary order of q and k undone per head', () => {
    expect(
      slots(
        {
          'token_embd.weight': [10, 8],
          'blk.1.attn_q.weight': [8, 8],
          'blk.1.attn_k.weight': [4, 8],
          'blk.1.ffn_gate_inp.weight': [2, 8],
          'blk.1.ffn_gate_exps.weight': [2, 12, 8],
          'blk.1.ffn_down_exps.weight': [2, 8, 12],
          'blk.1.ffn_up.1.weight': [12, 8],
        },
        keys('llama', 2),
      ),
    ).toEqual({
      embed: '10x8',
      'layers.1.q': '8x8 rope 2',
      'layers.1.k': '4x8 rope 2',
      'layers.1.router': '2x8',
      'layers.1.experts.0.gate': '12x8',
      'layers.1.experts.1.gate': '12x8',
      'layers.1.experts.0.down': '8x12',
      'layers.1.experts.1.down': '8x12',
      'layers.1.experts.1.up': '12x8',
    });
  });
});

test('a leftover adapter configuration beside merged weights makes no adapter', async () => {
  const whole = {
    'model.layers.0.self_attn.q_proj.weight': q,
    'model.layers.0.mlp.down_proj.weight': down,
    'model.layers.0.mlp.up_proj.weight': up,
  };
  const config = { 'adapter_config.json': text('{"peft_type": "LORA"}') };
  expect((await readModel(treeOf(whole, {}, config))).isAdapter).toBe(false);
  expect((await readModel(treeOf({ prompt_embeddings: counted([4, 8], 1) }, {}, config))).isAdapter).toBe(true);
});
