import { describe, expect, test } from 'vitest';
import type { FamilyTree } from '../assess/index.ts';
import { renderTreeHtml } from './html/tree.ts';
import { renderTree } from './terminal-tree.ts';
import { parsePage, textOf, walk } from './testing/page.ts';

const PLAIN = { color: false, columns: 80 };
const edge = {
  verdict: 'derived' as const,
  kind: { name: 'fine-tune' as const, note: '' },
  change: 0.1,
  log10P: -40.5,
  direction: 'unknown' as const,
  grounds: 'none' as const,
  directionGrounds: 'nothing says which came first',
  inTree: true,
  alternatives: [],
};
const merge = {
  method: 'linear' as const,
  parents: ['Base', 'Child'].map((name) => ({ name, digest: 'sha256:0', coefficient: 0.5, standardError: 0.01 })),
  r2: 0.999,
  missingParent: false,
};
const mixture = { ...edge, kind: { name: 'merge' as const, note: '', merge }, grounds: 'merge' as const, direction: 'a->b' as const };
const model = (id: string): FamilyTree['models'][number] => ({
  id,
  name: id,
  locator: `models/${id}`,
  digest: `sha256:${'0'.repeat(64)}`,
  digestCovers: 'all tensor values',
  format: 'safetensors',
  parameters: 1_000_000,
});

const TREE: FamilyTree = {
  schema: 'heirloom-tree/1',
  models: ['Base', 'Child', 'Copy', 'Mix', 'Mirror', 'Start', 'Stranger'].map(model),
  families: [
    {
      members: ['Base', 'Child', 'Copy', 'Mix'],
      copies: { Base: ['Mirror'] },
      edges: [
        { ...edge, a: 'Base', b: 'Child', alternatives: ['Mix'] },
        {
          ...edge,
          a: 'Base',
          b: 'Copy',
          kind: { name: 'quantized', note: '' },
          direction: 'a->b',
          grounds: 'loss',
          directionGrounds: 'it lost',
        },
        { ...mixture, a: 'Base', b: 'Mix' },
        { ...mixture, a: 'Child', b: 'Mix' },
      ],
      merges: [{ of: 'Mix', merge }],
      top: 'Base',
      notes: ['1 of 4 ties has no grounds'],
    },
  ],
  single: ['Start', 'Stranger'],
  links: [{ a: 'Base', b: 'Start', verdict: 'common-initialization', because: 'only the start agrees', pairs: 3 }],
  claims: [
    { model: 'Child', name: 'other/Stranger', base: 'Stranger', from: 'README.md: base_model', verdict: 'refuted', because: 'they differ' },
  ],
  failed: [],
  limits: ['only what was given is seen'],
  read: { bytes: 1, requests: 1 },
};

describe('a tree on the terminal', () => {
  test('stands ancestors above, with an arrow only where there are grounds', () => {
    const text = renderTree(TREE, PLAIN);
    expect(text).toContain('Family of 5 models\n  Base, the same values: Mirror\n');
    expect(text).toMatch(/─▶ Copy\n.*quantized copy, changed by 10 %, p < 10\^-40; information lost\n/);
    expect(text).toMatch(/── Child\n.*fine-tune, changed by 10 %, p < 10\^-40; as near: Mix\n/);
    expect(text).toContain('its card names other/Stranger: refuted by the weights');
    expect(text).toMatch(/also (Child|Base) ─▶ Mix: merge, 0\.50 ± 0\.01 of it/);
    expect(text).toContain('Base ┄ Start: same random start, no shared training shown (and 2 more');
    expect(text.split('\n').filter((line) => /[─└├]\S* (Base|Child|Copy|Mix)$/.test(line))).toHaveLength(3);
  });

  test('fits the columns, however deep, and shows no control characters', () => {
    const ids = Array.from({ length: 40 }, (_, i) => `model-${i}-\u001b[31m${'x'.repeat(60)}`);
    const chain: FamilyTree = {
      ...TREE,
      families: [
        {
          members: ids,
          copies: {},
          edges: ids.slice(1).map((b, i) => ({ ...edge, a: ids[i]!, b })),
          merges: [],
          top: ids[0]!,
          notes: [],
        },
      ],
    };
    for (const columns of [40, 80, 120]) {
      const text = renderTree(chain, { color: false, columns });
      for (const line of text.split('\n')) expect(line.length).toBeLessThanOrEqual(columns);
      expect(text).not.toContain('\u001b');
      expect(text).toContain('model-39');
    }
  });
});

describe('a tree as a page', () => {
  const page = renderTreeHtml(TREE);
  const root = parsePage(page);

  test('draws every model of a family and lists every tie, link and claim in tables as well', () => {
    const svg = [...walk(root)].find((element) => element.name === 'svg')!;
    const drawn = [...walk(svg)].filter((element) => element.attributes.get('class') === 'name').map(textOf);
    expect([...drawn].sort()).toEqual(['Base', 'Child', 'Copy', 'Mix']);
    const tables = [...walk(root)].filter((element) => element.name === 'caption').map(textOf);
    expect(tables).toEqual([
      'Ties in this family',
      'Ties without shared training shown',
      'Claims and what the weights say',
      'Files and digests',
    ]);
    expect(textOf(root)).toContain('Base → Copy');
    expect(textOf(root)).toContain('Base and Child');
  });

  test('has one heading of the first level, unique ids, no script, and the same bytes each time', () => {
    const all = [...walk(root)];
    expect(all.filter((element) => element.name === 'h1')).toHaveLength(1);
    const ids = all.flatMap((element) => element.attributes.get('id') ?? []);
    expect(new Set(ids).size).toBe(ids.length);
    expect(page).not.toMatch(/<script|javascript:|https?:\/\//);
    expect(renderTreeHtml(TREE)).toBe(page);
  });

  test('shows hostile names as text', () => {
    const evil = '"><script>alert(1)</script>\u202e';
    const hostile: FamilyTree = {
      ...TREE,
      models: [model(evil)],
      families: [{ ...TREE.families[0]!, members: [evil], copies: { [evil]: [evil] }, edges: [], merges: [], top: evil, notes: [evil] }],
      single: [evil],
      claims: [{ ...TREE.claims[0]!, model: evil, name: evil }],
    };
    expect(() => parsePage(renderTreeHtml(hostile))).not.toThrow();
  });
});
