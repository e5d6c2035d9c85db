import { describe, expect, test } from 'vitest';
import type { TensorInfo } from '../weights/index.ts';
import { readHeads } from './heads.ts';
import { readModel, roleShape } from './index.ts';
import { parseNames } from './names.ts';
import { assignRoles } from './roles.ts';
import { counted, type Matrix, matrixAt, rowsOf, slotOf, stacked, text, tinyModel, transposeOf, treeOf } from './testing/tiny.ts';

/** Width 8, 4 heads of 2, 2 key/value heads, 12 neurons. */
const D = 8;
const FF = 12;
const q = counted([8, D], 1);
const k = counted([8, D], 2);
const v = counted([8, D], 3);
const o = counted([D, 8], 4);
const gate = counted([FF, D], 5);
const up = counted([FF, D], 6);
const down = counted([D, FF], 7);
const k2 = rowsOf(k, 0, 4);
const v2 = rowsOf(v, 0, 4);
const norm = (seed: number): Matrix => counted([D], 100 + seed);
const vector = (size: number, seed: number): Matrix => counted([size], 200 + seed);

/** Every named slot holds exactly these values. */
async function holds(tensors: Record<string, Matrix>, config: unknown, scheme: string, expected: Record<string, Matrix>): Promise<void> {
  const model = await tinyModel(tensors, config);
  expect(model.findings).toEqual([]);
  expect(model.scheme).toBe(scheme);
  const got: Record<string, Matrix> = {};
  for (const slot of Object.keys(expected)) got[slot] = await matrixAt(model, slot);
  expect(got).toEqual(expected);
}

describe('Llama and its relatives', () => {
  const split = {
    'layers.0.q': q,
    'layers.0.k': k2,
    'layers.0.v': v2,
    'layers.0.o': o,
    'layers.0.gate': gate,
    'layers.0.up': up,
    'layers.0.down': down,
  };

  test('plain names map one to one, under the prefix of a multimodal model too', async () => {
    for (const lead of ['model.', 'language_model.model.', 'model.language_model.'])
      await expect(
        holds(
          {
            [`${lead}embed_tokens.weight`]: counted([10, D], 8),
            [`${lead}layers.0.self_attn.q_proj.weight`]: q,
            [`${lead}layers.0.self_attn.k_proj.weight`]: k2,
            [`${lead}layers.0.self_attn.v_proj.weight`]: v2,
            [`${lead}layers.0.self_attn.o_proj.weight`]: o,
            [`${lead}layers.0.self_attn.q_proj.bias`]: vector(8, 1),
            [`${lead}layers.0.mlp.gate_proj.weight`]: gate,
            [`${lead}layers.0.mlp.up_proj.weight`]: up,
            [`${lead}layers.0.mlp.down_proj.weight`]: down,
            [`${lead}layers.0.input_layernorm.weight`]: norm(1),
            [`${lead}norm.weight`]: norm(2),
            'lm_head.weight': counted([10, D], 9),
          },
          { model_type: 'llama', num_attention_heads: 4, num_key_value_heads: 2, hidden_size: D },
          'llama',
          {
            ...split,
            embed: counted([10, D], 8),
            head: counted([10, D], 9),
            'layers.0.q.bias': vector(8, 1),
            'layers.0.norm_in': norm(1),
            norm_f: norm(2),
          },
        ),
      ).resolves.toBeUndefined();
  });

  test('Phi-3: qkv_proj and gate_up_proj come apart by the head counts of the configuration', async () => {
    await expect(
      holds(
        {
          'model.embed_tokens.weight': counted([10, D], 8),
          'model.layers.0.self_attn.qkv_proj.weight': stacked(q, k2, v2),
          'model.layers.0.self_attn.o_proj.weight': o,
          'model.layers.0.mlp.gate_up_proj.weight': stacked(gate, up),
          'model.layers.0.mlp.down_proj.weight': down,
        },
        { model_type: 'phi3', num_attention_heads: 4, num_key_value_heads: 2, hidden_size: D },
        'llama',
        split,
      ),
    ).resolves.toBeUndefined();
  });

  test('Gemma 2: four norms, each with its own place', async () => {
    const model = await tinyModel({
      'model.layers.0.self_attn.q_proj.weight': q,
      'model.layers.0.self_attn.k_proj.weight': k2,
      'model.layers.0.self_attn.v_proj.weight': v2,
      'model.layers.0.self_attn.o_proj.weight': o,
      'model.layers.0.mlp.gate_proj.weight': gate,
      'model.layers.0.input_layernorm.weight': norm(1),
      'model.layers.0.post_attention_layernorm.weight': norm(2),
      'model.layers.0.pre_feedforward_layernorm.weight': norm(3),
      'model.layers.0.post_feedforward_layernorm.weight': norm(4),
    });
    const roles = Object.fromEntries(
      model.roles.filter((role) => role.role.startsWith('norm')).map((role) => [role.tensor.name.split('.')[3], role.slot]),
    );
    expect(roles).toEqual({
      input_layernorm: 'layers.0.norm_in',
      post_attention_layernorm: 'layers.0.norm_attn_out',
      pre_feedforward_layernorm: 'layers.0.norm_mlp',
      post_feedforward_layernorm: 'layers.0.norm_mlp_out',
    });
  });

  test("Meta's own names: the interleaved rotary order of q and k is undone", async () => {
    // Head of 4 rows: published order a0 a1 b0 b1 is stored a0 b0 a1 b1
    const interleave = (m: Matrix): Matrix =>
      stacked(...[0, 4].flatMap((head) => [0, 2, 1, 3].map((row) => rowsOf(m, head + row, head + row + 1))));
    await expect(
      holds(
        {
          'tok_embeddings.weight': counted([10, D], 8),
          'norm.weight': norm(1),
          'output.weight': counted([10, D], 9),
          'layers.0.attention.wq.weight': interleave(q),
          'layers.0.attention.wk.weight': interleave(k),
          'layers.0.attention.wv.weight': v,
          'layers.0.attention.wo.weight': o,
          'layers.0.feed_forward.w1.weight': gate,
          'layers.0.feed_forward.w2.weight': down,
          'layers.0.feed_forward.w3.weight': up,
          'layers.0.attention_norm.weight': norm(2),
          'layers.0.ffn_norm.weight': norm(3),
        },
        { dim: D, n_heads: 2 },
        'meta',
        {
          'layers.0.q': q,
          'layers.0.k': k,
          'layers.0.v': v,
          'layers.0.o': o,
          'layers.0.gate': gate,
          'layers.0.up': up,
          'layers.0.down': down,
          'layers.0.norm_mlp': norm(3),
        },
      ),
    ).resolves.toBeUndefined();
  });

  test('InternLM2: wqkv stands in groups of the query heads of one key head', async () => {
    const rows = (m: Matrix, from: number, to: number): Matrix => rowsOf(m, from, to);
    const wqkv = stacked(rows(q, 0, 4), rows(k2, 0, 2), rows(v2, 0, 2), rows(q, 4, 8), rows(k2, 2, 4), rows(v2, 2, 4));
    await expect(
      holds(
        {
          'model.layers.0.attention.wqkv.weight': wqkv,
          'model.layers.0.attention.wo.weight': o,
          'model.layers.0.feed_forward.w1.weight': gate,
          'model.layers.0.feed_forward.w2.weight': down,
          'model.layers.0.feed_forward.w3.weight': up,
        },
        // Published InternLM2 keeps the rotary halves apart, as Llama on the hub does
        { model_type: 'internlm2', num_attention_heads: 4, num_key_value_heads: 2, hidden_size: D },
        'meta',
        split,
      ),
    ).resolves.toBeUndefined();
  });

  test('renamed copies keep their slots', async () => {
    await expect(
      holds(
        {
          'token_embedding.weight': counted([10, D], 8),
          'final_norm.weight': norm(1),
          'output.weight': counted([10, D], 9),
          'blocks.0.attention.q_proj.weight': q,
          'blocks.0.attention.k_proj.weight': k2,
          'blocks.0.attention.v_proj.weight': v2,
          'blocks.0.attention.o_proj.weight': o,
          'blocks.0.ffn.gate_proj.weight': gate,
          'blocks.0.ffn.up_proj.weight': up,
          'blocks.0.ffn.down_proj.weight': down,
        },
        {},
        'llama-renamed',
        { ...split, norm_f: norm(1), head: counted([10, D], 9) },
      ),
    ).resolves.toBeUndefined();
  });

  test('a fused matrix without head counts stays whole and is reported', async () => {
    const model = await tinyModel({
      'model.layers.0.self_attn.qkv_proj.weight': stacked(q, k2, v2),
      'model.layers.0.self_attn.o_proj.weight': o,
      'model.layers.0.mlp.down_proj.weight': down,
    });
    expect(slotOf(model, 'layers.0.qkv').role).toBe('linear');
    expect(model.findings.map((finding) => finding.rule)).toEqual(['model/fused-unsplit']);
  });
});

describe('mixtures of experts', () => {
  const attention = {
    'model.layers.0.self_attn.q_proj.weight': q,
    'model.layers.0.self_attn.k_proj.weight': k,
    'model.layers.0.self_attn.v_proj.weight': v,
    'model.layers.0.self_attn.o_proj.weight': o,
  };
  const gates = [counted([FF, D], 30), counted([FF, D], 31)];
  const ups = [counted([FF, D], 32), counted([FF, D], 33)];
  const downs = [counted([D, FF], 34), counted([D, FF], 35)];
  const expected = Object.fromEntries(
    [0, 1].flatMap((e) => [
      [`layers.0.experts.${e}.gate`, gates[e]!],
      [`layers.0.experts.${e}.up`, ups[e]!],
      [`layers.0.experts.${e}.down`, downs[e]!],
    ]),
  );
  const stack = (parts: readonly Matrix[]): Matrix => ({ shape: [parts.length, ...parts[0]!.shape], values: stacked(...parts).values });

  test('Mixtral and Qwen-MoE: one matrix an expert, and a shared expert beside them', async () => {
    const mixtral = Object.fromEntries(
      [0, 1].flatMap((e) => [
        [`model.layers.0.block_sparse_moe.experts.${e}.w1.weight`, gates[e]!],
        [`model.layers.0.block_sparse_moe.experts.${e}.w3.weight`, ups[e]!],
        [`model.layers.0.block_sparse_moe.experts.${e}.w2.weight`, downs[e]!],
      ]),
    );
    await expect(
      holds({ ...attention, ...mixtral, 'model.layers.0.block_sparse_moe.gate.weight': counted([2, D], 36) }, {}, 'llama', {
        ...expected,
        'layers.0.router': counted([2, D], 36),
      }),
    ).resolves.toBeUndefined();
    const qwen = Object.fromEntries(
      [0, 1].flatMap((e) => [
        [`model.layers.0.mlp.experts.${e}.gate_proj.weight`, gates[e]!],
        [`model.layers.0.mlp.experts.${e}.up_proj.weight`, ups[e]!],
        [`model.layers.0.mlp.experts.${e}.down_proj.weight`, downs[e]!],
      ]),
    );
    await expect(
      holds(
        {
          ...attention,
          ...qwen,
          'model.layers.0.mlp.gate.weight': counted([2, D], 36),
          'model.layers.0.mlp.shared_experts.up_proj.weight': up,
        },
        {},
        'llama',
        { ...expected, 'layers.0.shared.up': up },
      ),
    ).resolves.toBeUndefined();
  });

  test('stacks of experts come apart, whichever side the inputs are on', async () => {
    const rows = stack(gates.map((m, e) => stacked(m, ups[e]!)));
    await expect(
      holds(
        { ...attention, 'model.layers.0.mlp.experts.gate_up_proj': rows, 'model.layers.0.mlp.experts.down_proj': stack(downs) },
        {},
        'llama',
        expected,
      ),
    ).resolves.toBeUndefined();
    const columns = stack(gates.map((m, e) => transposeOf(stacked(m, ups[e]!))));
    await expect(
      holds(
        {
          ...attention,
          'model.layers.0.feed_forward.experts.gate_up_proj': columns,
          'model.layers.0.feed_forward.experts.down_proj': stack(downs.map(transposeOf)),
        },
        {},
        'llama',
        expected,
      ),
    ).resolves.toBeUndefined();
  });

  test('gpt-oss alternates gate and up', async () => {
    const woven = gates.map((m, e) =>
      transposeOf(stacked(...Array.from({ length: FF }, (_, i) => [rowsOf(m, i, i + 1), rowsOf(ups[e]!, i, i + 1)]).flat())),
    );
    await expect(
      holds(
        {
          ...attention,
          'model.layers.0.mlp.experts.gate_up_proj': stack(woven),
          'model.layers.0.mlp.experts.down_proj': stack(downs.map(transposeOf)),
        },
        { model_type: 'gpt_oss' },
        'llama',
        expected,
      ),
    ).resolves.toBeUndefined();
  });

  test('a stack that claims a million experts of nothing is not unrolled', async () => {
    const model = await tinyModel({
      ...attention,
      'model.layers.0.mlp.experts.down_proj': { shape: [1_000_000, 0, 8], values: new Float32Array(0) },
    });
    expect(model.roles).toHaveLength(5);
  });
});

describe('GPT-2, GPT-NeoX, BLOOM, Falcon, MPT', () => {
  const biases = stacked(vector(8, 1), vector(8, 2), vector(8, 3));
  const plain = {
    'layers.0.q': q,
    'layers.0.k': k,
    'layers.0.v': v,
    'layers.0.o': o,
    'layers.0.q.bias': vector(8, 1),
    'layers.0.k.bias': vector(8, 2),
    'layers.0.v.bias': vector(8, 3),
  };

  test('GPT-2 stores [in, out]; copies built on Linear do not, and both land in the same slots', async () => {
    const small = {
      'transformer.wte.weight': counted([10, D], 8),
      'transformer.wpe.weight': counted([6, D], 9),
      'transformer.h.0.ln_1.weight': norm(1),
      'transformer.h.0.attn.c_attn.bias': biases,
    };
    const up4 = counted([4 * D, D], 40);
    const down4 = counted([D, 4 * D], 41);
    const expected = { ...plain, 'layers.0.up': up4, 'layers.0.down': down4, embed: counted([10, D], 8), position: counted([6, D], 9) };
    const at = 'transformer.h.0.';
    await expect(
      holds(
        {
          ...small,
          [`${at}attn.c_attn.weight`]: transposeOf(stacked(q, k, v)),
          [`${at}attn.c_proj.weight`]: transposeOf(o),
          [`${at}mlp.c_fc.weight`]: transposeOf(up4),
          [`${at}mlp.c_proj.weight`]: transposeOf(down4),
        },
        { model_type: 'gpt2', n_head: 4, n_embd: D },
        'gpt2',
        expected,
      ),
    ).resolves.toBeUndefined();
    await expect(
      holds(
        {
          ...small,
          [`${at}attn.c_attn.weight`]: stacked(q, k, v),
          [`${at}attn.c_proj.weight`]: o,
          [`${at}mlp.c_fc.weight`]: up4,
          [`${at}mlp.c_proj.weight`]: down4,
        },
        undefined,
        'gpt2',
        expected,
      ),
    ).resolves.toBeUndefined();
  });

  /** Per head (of 2 rows): its q, its k, its v. */
  const woven = (a: Matrix, b: Matrix, c: Matrix): Matrix =>
    stacked(...[0, 2, 4, 6].flatMap((at) => [a, b, c].map((m) => rowsOf(m, at, at + 2))));

  test('GPT-NeoX and BLOOM alternate q, k and v head by head', async () => {
    const bias = woven(vector(8, 1), vector(8, 2), vector(8, 3));
    await expect(
      holds(
        {
          'gpt_neox.embed_in.weight': counted([10, D], 8),
          'gpt_neox.layers.0.attention.query_key_value.weight': woven(q, k, v),
          'gpt_neox.layers.0.attention.query_key_value.bias': bias,
          'gpt_neox.layers.0.attention.dense.weight': o,
          'gpt_neox.layers.0.mlp.dense_h_to_4h.weight': up,
          'gpt_neox.layers.0.mlp.dense_4h_to_h.weight': down,
          'embed_out.weight': counted([10, D], 9),
        },
        { model_type: 'gpt_neox', num_attention_heads: 4, hidden_size: D },
        'gpt-neox',
        { ...plain, 'layers.0.up': up, 'layers.0.down': down, head: counted([10, D], 9) },
      ),
    ).resolves.toBeUndefined();
    await expect(
      holds(
        {
          'transformer.word_embeddings.weight': counted([10, D], 8),
          'transformer.h.0.self_attention.query_key_value.weight': woven(q, k, v),
          'transformer.h.0.self_attention.query_key_value.bias': bias,
          'transformer.h.0.self_attention.dense.weight': o,
          'transformer.h.0.mlp.dense_h_to_4h.weight': up,
          'transformer.h.0.mlp.dense_4h_to_h.weight': down,
        },
        { model_type: 'bloom', n_head: 4, hidden_size: D },
        'bloom',
        { ...plain, 'layers.0.up': up, 'layers.0.down': down },
      ),
    ).resolves.toBeUndefined();
  });

  test('Falcon has three layouts, told by its configuration', async () => {
    const names = (fused: Matrix): Record<string, Matrix> => ({
      'transformer.h.0.self_attention.query_key_value.weight': fused,
      'transformer.h.0.self_attention.dense.weight': o,
      'transformer.h.0.mlp.dense_h_to_4h.weight': up,
      'transformer.h.0.mlp.dense_4h_to_h.weight': down,
    });
    const base = { model_type: 'falcon', num_attention_heads: 4, hidden_size: D };
    const one = { 'layers.0.q': q, 'layers.0.k': rowsOf(k, 0, 2), 'layers.0.v': rowsOf(v, 0, 2) };
    await expect(
      holds(names(stacked(q, rowsOf(k, 0, 2), rowsOf(v, 0, 2))), { ...base, multi_query: true }, 'bloom', one),
    ).resolves.toBeUndefined();
    await expect(
      holds(names(woven(q, k, v)), { ...base, multi_query: false }, 'bloom', { 'layers.0.q': q, 'layers.0.k': k, 'layers.0.v': v }),
    ).resolves.toBeUndefined();
    const grouped = stacked(rowsOf(q, 0, 4), rowsOf(k, 0, 2), rowsOf(v, 0, 2), rowsOf(q, 4, 8), rowsOf(k, 2, 4), rowsOf(v, 2, 4));
    await expect(
      holds(names(grouped), { ...base, new_decoder_architecture: true, num_kv_heads: 2 }, 'bloom', {
        'layers.0.q': q,
        'layers.0.k': k2,
        'layers.0.v': v2,
      }),
    ).resolves.toBeUndefined();
  });

  test('MPT: Wqkv in thirds', async () => {
    await expect(
      holds(
        {
          'transformer.wte.weight': counted([10, D], 8),
          'transformer.blocks.0.attn.Wqkv.weight': stacked(q, k, v),
          'transformer.blocks.0.attn.out_proj.weight': o,
          'transformer.blocks.0.ffn.up_proj.weight': up,
          'transformer.blocks.0.ffn.down_proj.weight': down,
        },
        { model_type: 'mpt', n_heads: 4, d_model: D },
        'mpt',
        { 'layers.0.q': q, 'layers.0.k': k, 'layers.0.v': v, 'layers.0.up': up },
      ),
    ).resolves.toBeUndefined();
  });
});

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
