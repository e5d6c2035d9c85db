import { describe, expect, test } from 'vitest';
import { type Model, readRoleRows, roleShape } from './index.ts';
import { corpusJson, withModel } from './testing/corpora.ts';

interface Entry {
  readonly id: string;
  readonly folder: string;
  readonly name: string;
  readonly recipe: string;
  readonly architecture: { readonly [key: string]: number | string | boolean };
  readonly claims: { readonly [key: string]: string | string[] | null };
}
const { models } = corpusJson('lineage-corpus/manifest.json') as { models: Entry[] };

const LORA_SLOTS = [0, 1, 2, 3]
  .flatMap((block) => ['q', 'v', 'up', 'down'].flatMap((role) => [`layers.${block}.${role}.lora_a`, `layers.${block}.${role}.lora_b`]))
  .sort();

/** Values of the published design: Llama with untied head, or GPT-2 with tied head and learned positions. */
function expectedParameters({ architecture }: Entry): number {
  const a = architecture as Record<string, number>;
  const { hidden = 0, layers = 0, heads = 0, kv = 0, inter = 0, vocab = 0, hd = 0, ctx = 0 } = a;
  if (architecture['arch'] === 'gpt2')
    return (
      vocab * hidden +
      ctx * hidden +
      layers * (4 * hidden + 3 * hidden * hidden + 3 * hidden + hidden * hidden + hidden + 2 * hidden * inter + inter + hidden) +
      2 * hidden
    );
  return 2 * vocab * hidden + hidden + layers * (2 * hidden + 2 * heads * hd * hidden + 2 * kv * hd * hidden + 3 * inter * hidden);
}

function expectedSlots({ architecture }: Entry): string[] {
  const gpt2 = architecture['arch'] === 'gpt2';
  const blocks = Array.from({ length: architecture['layers'] as number }, (_, i) => i);
  const leaves = gpt2
    ? ['q', 'k', 'v', 'o', 'up', 'down', 'norm_in', 'norm_mlp'].flatMap((leaf) => [leaf, `${leaf}.bias`])
    : ['q', 'k', 'v', 'o', 'gate', 'up', 'down', 'norm_in', 'norm_mlp'];
  const outside = gpt2 ? ['embed', 'position', 'norm_f', 'norm_f.bias'] : ['embed', 'norm_f', 'head'];
  return [...outside, ...blocks.flatMap((block) => leaves.map((leaf) => `layers.${block}.${leaf}`))].sort();
}

async function allValues(model: Model): Promise<Map<string, Float32Array>> {
  const values = new Map<string, Float32Array>();
  for (const role of model.roles) values.set(role.slot, await readRoleRows(model.checkpoint!, role, 0, roleShape(role)[0]));
  return values;
}

/** Root mean square of the difference over that of `a`. */
function relativeError(a: Float32Array, b: Float32Array): number {
  expect(b.length).toBe(a.length);
  let difference = 0;
  let size = 0;
  for (let i = 0; i < a.length; i++) {
    difference += (a[i]! - b[i]!) ** 2;
    size += a[i]! ** 2;
  }
  return Math.sqrt(difference / size);
}

describe('every model of the lineage corpus', () => {
  test.each(models.map((entry) => [entry.id, entry] as const))(
    '%s is read with all roles, its parameters and its claims',
    async (_, entry) => {
      await withModel(`lineage-corpus/${entry.folder}`, async (model) => {
        expect(model.findings.filter((finding) => finding.severity === 'error')).toEqual([]);
        const adapter = entry.id === 'a-lora';
        expect(model.isAdapter).toBe(adapter);
        expect(model.roles.map((role) => role.slot).sort()).toEqual(adapter ? LORA_SLOTS : expectedSlots(entry));
        expect(model.parameters).toBe(adapter ? 4 * 8 * (256 + 192 + 416 + 416) : expectedParameters(entry));
        expect(model.architecture).toBe(adapter ? '' : entry.architecture['arch']);
        expect((await model.tokens())?.length).toBe(adapter ? undefined : entry.architecture['vocab']);
        expect(model.claims.licenses[0]?.value ?? null).toBe(entry.claims['license']);
        expect(model.claims.licenseName?.value ?? null).toBe(entry.claims['license_name'] ?? null);
        expect(new Set(model.claims.baseModels.map((claim) => claim.value))).toEqual(new Set([entry.claims['base_model'] ?? []].flat()));
        expect(model.claims.names.map((claim) => claim.value)).toContain(entry.name);
      });
    },
  );

  test('schemes are told by their names', async () => {
    const schemes: Record<string, string> = {
      DA: 'llama',
      DH: 'gpt2',
      'a-int8': 'llama-renamed',
      'a-gguf-q8_0': 'gguf',
      'a-lora': 'llama',
    };
    for (const [folder, scheme] of Object.entries(schemes))
      await withModel(`lineage-corpus/${folder}`, (model) => expect(model.scheme).toBe(scheme));
  });
});

describe('the same function in another coat lands in the same slots with the same values', () => {
  test.each([
    ['a-gguf-q8_0', 'DA', 0.01],
    ['c-gguf-q4_0', 'DC', 0.12],
    ['a-gguf-q4_k_m', 'DA', 0.12],
    ['f-gguf-q4_k_m', 'DF', 0.12],
    ['a-int8', 'DA', 0.01],
  ] as const)('%s equals %s within its rounding, rotary order undone', async (copy, original, tolerance) => {
    const a = await withModel(`lineage-corpus/${original}`, allValues);
    const b = await withModel(`lineage-corpus/${copy}`, allValues);
    expect([...b.keys()].sort()).toEqual([...a.keys()].sort());
    const far = [...a].filter(([slot, values]) => !(relativeError(values, b.get(slot)!) < tolerance)).map(([slot]) => slot);
    expect(far).toEqual([]);
  });

  test('left in the order GGUF stores them, q and k of the Q8_0 copy would not fit', async () => {
    const a = await withModel('lineage-corpus/DA', allValues);
    await withModel('lineage-corpus/a-gguf-q8_0', async (model) => {
      for (const role of model.roles.filter(({ role }) => role === 'q' || role === 'k')) {
        expect(role.view.ropeInterleavedHeadRows).toBe(32);
        const stored = await readRoleRows(model.checkpoint!, { ...role, view: {} }, 0, roleShape(role)[0]);
        expect(relativeError(a.get(role.slot)!, stored)).toBeGreaterThan(0.5);
      }
    });
  });

  test('a-merge-linear3, in two shards, is the stated mixture of its parents', async () => {
    const entry = models.find((model) => model.id === 'a-merge-linear3') as unknown as {
      parents: { id: string; weight?: number; coefficient?: number }[];
      parameters: { weights: number[] };
    };
    const parents = await Promise.all(
      entry.parents.map((parent) => withModel(`lineage-corpus/${parent.id ?? (parent as unknown as string)}`, allValues)),
    );
    await withModel('lineage-corpus/a-merge-linear3', async (model) => {
      expect(model.checkpoint!.files).toHaveLength(3);
      expect(model.alternates).toEqual([]);
      const values = await allValues(model);
      const far = [...values].filter(([slot, stored]) => {
        const mixed = stored.map((_, i) =>
          entry.parameters.weights.reduce((sum, weight, p) => sum + weight * parents[p]!.get(slot)![i]!, 0),
        );
        return !(relativeError(mixed, stored) < 0.005);
      });
      expect(far.map(([slot]) => slot)).toEqual([]);
    });
  });
});

describe('adapters', () => {
  test('a-lora names for every factor which matrix of which block it changes', async () => {
    await withModel('lineage-corpus/a-lora', (model) => {
      expect(model.roles.map((role) => role.slot).sort()).toEqual(LORA_SLOTS);
      expect(model.roles.every((role) => role.of !== undefined && role.block !== null)).toBe(true);
      expect(model.claims.relation?.value).toBe('adapter');
    });
  });

  test('LoRA-ViT lists map to q and v of each block, transposed copies too', async () => {
    for (const folder of ['JamesQFreeman__LoRA-ViT__lora', 'JamesQFreeman__LoRA-ViT__feb27'])
      await withModel(`real-models/${folder}`, (model) => {
        expect(model.isAdapter).toBe(true);
        const shapes = new Set(model.roles.map((role) => `${role.role} ${roleShape(role).join('x')}`));
        expect([...shapes].sort()).toEqual(['lora_a 4x768']);
        expect(model.roles.map((role) => role.slot)).toContain('layers.11.v.lora_a');
      });
  });

  test('a GPT-Neo adapter is attributed through its PEFT names', async () => {
    await withModel('real-models/SARAELSAFTY__Movies-_with_lora', (model) => {
      expect(model.isAdapter).toBe(true);
      expect(model.roles.map((role) => role.slot)).toContain('layers.11.v.lora_b');
      expect(model.claims.baseModels).toEqual([{ value: 'EleutherAI/gpt-neo-125M', from: 'adapter_config.json: base_model_name_or_path' }]);
    });
  });
});
