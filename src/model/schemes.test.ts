import { describe, expect, test } from 'vitest';
import { D, FF, q, k, v, o, gate, up, down, k2, v2, norm, vector, holds } from './testing/matrices.ts';
import { counted, type Matrix, rowsOf, slotOf, stacked, tinyModel, transposeOf } from './testing/tiny.ts';

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
