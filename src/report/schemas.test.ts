import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { Ajv2020, type ValidateFunction } from 'ajv/dist/2020.js';
import { describe, expect, test } from 'vitest';
import { assess } from '../assess/index.ts';
import { type FileTree, HeirloomError } from '../base/index.ts';
import { sketchModel } from '../lineage/index.ts';
import { type Model, readModel } from '../model/index.ts';
import { nodeHasher, openTree } from '../sources/index.ts';
import { renderAssessment, renderHtml, toJson } from './index.ts';
import * as fixtures from './testing/fixtures.ts';
import { hostileStrings } from './testing/hostile.ts';
import { parsePage } from './testing/page.ts';
import { ALDER_RECORD, CORRELATION, DIGEST_A, finding, relation } from './testing/parts.ts';

const folder = new URL('../../schemas/', import.meta.url);
const files = readdirSync(folder).filter((name) => name.endsWith('.schema.json'));
const schemas = files.map((name) => JSON.parse(readFileSync(new URL(name, folder), 'utf8')) as { $id: string; title: string });

const ajv = new Ajv2020({ strict: true, allowUnionTypes: true, allErrors: false });
ajv.addSchema(schemas);

function validator(name: string): ValidateFunction {
  const validate = ajv.getSchema(`urn:heirloom:schema:${name}:1`);
  if (!validate) throw new Error(`no schema ${name}`);
  return validate;
}
function errorsOf(name: string, value: unknown): unknown[] {
  const validate = validator(name);
  return validate(JSON.parse(toJson(value))) ? [] : (validate.errors ?? []);
}

/** Keys that a reader must do without; every other key of a fixture is required. */
const OPTIONAL = new Set([
  'file',
  'byte',
  'field',
  'source',
  'revision',
  'relativeChange',
  'sparsity',
  'layerMap',
  'scheme',
  'candidates',
  'policies',
  'text',
  'layerAgree',
  'layerFlips',
  'layers',
]);

/** `value` once for each change that `change` makes to one of its nodes. */
function* variants(
  value: unknown,
  change: (parent: Record<string, unknown>, key: string) => boolean,
  path: string = '$',
): Generator<string> {
  if (typeof value !== 'object' || value === null) return;
  const node = value as Record<string, unknown>;
  for (const key of Object.keys(node)) {
    const kept = { ...node };
    if (change(node, key)) yield `${path}.${key}`;
    for (const name of Object.keys(node)) delete node[name];
    Object.assign(node, kept);
    yield* variants(node[key], change, `${path}.${key}`);
  }
}

describe('the published schemas', () => {
  test('are JSON Schema 2020-12 that compile strictly, named by urn and described', () => {
    expect(files.length).toBeGreaterThanOrEqual(8);
    for (const schema of schemas) {
      expect(schema.$id).toMatch(/^urn:heirloom:schema:[a-z-]+:1$/);
      expect(ajv.getSchema(schema.$id)).toBeDefined();
      expect(schema).toMatchObject({
        $schema: 'https://json-schema.org/draft/2020-12/schema',
        description: expect.stringMatching(/./) as string,
      });
    }
  });

  test.each(Object.entries(fixtures))('accept what the tool says of %s', (_, a) => {
    expect(errorsOf('assessment', a)).toEqual([]);
  });

  test('refuse rule ids and digests that no code of ours writes', () => {
    expect(errorsOf('assessment', hostileStrings)).not.toEqual([]);
  });

  test('accept a relation, an evidence, a finding and an error as they are', () => {
    expect(errorsOf('relation', relation({ log10P: null, log10PAdjusted: null, detectable: null }))).toEqual([]);
    expect(errorsOf('evidence', CORRELATION)).toEqual([]);
    expect(errorsOf('finding', finding({ where: {} }))).toEqual([]);
    expect(errorsOf('error', new HeirloomError('SOURCE_NOT_FOUND', 'no such file', { where: { file: 'x' }, hint: 'look' }))).toEqual([]);
  });

  test('accept objects that have grown', () => {
    expect(errorsOf('assessment', { ...fixtures.launderedFineTune, later: { more: true } })).toEqual([]);
    expect(errorsOf('relation', { ...relation(), read: { bytes: 1, requests: 1 }, ms: 3 })).toEqual([]);
  });

  test('refuse an assessment that lacks any one field', () => {
    const value = JSON.parse(toJson(fixtures.launderedFineTune)) as unknown;
    const validate = validator('assessment');
    const accepted: string[] = [];
    let tried = 0;
    const drop = (parent: Record<string, unknown>, key: string): boolean => {
      if (Array.isArray(parent) || OPTIONAL.has(key)) return false;
      delete parent[key];
      return true;
    };
    for (const path of variants(value, drop)) {
      tried++;
      if (validate(value)) accepted.push(path);
    }
    expect(accepted).toEqual([]);
    expect(tried).toBeGreaterThan(150);
  });

  test('refuse an assessment with any one field of another type', () => {
    const value = JSON.parse(toJson(fixtures.launderedFineTune)) as unknown;
    const validate = validator('assessment');
    const accepted: string[] = [];
    const swap = (parent: Record<string, unknown>, key: string): boolean => {
      parent[key] = typeof parent[key] === 'boolean' ? 'yes' : true;
      return true;
    };
    for (const path of variants(value, swap)) if (validate(value)) accepted.push(path);
    expect(accepted).toEqual([]);
  });

  test('refuse words the house does not use and numbers that cannot be', () => {
    const wrong: readonly (readonly [string, unknown])[] = [
      ['relation', { ...relation(), verdict: 'stolen' }],
      ['relation', { ...relation(), direction: 'a→b' }],
      ['relation', { ...relation(), log10P: 0.5 }],
      ['relation', { ...relation(), schema: 'heirloom-relation/2' }],
      ['relation', { ...relation(), a: { ...relation().a, digest: 'md5:00' } }],
      ['evidence', { ...CORRELATION, class: 'certain' }],
      ['evidence', { ...CORRELATION, n: -1 }],
      ['finding', { ...finding(), severity: 'fatal' }],
      ['finding', { ...finding(), rule: 'No Rule' }],
      ['assessment', { ...fixtures.cleanModel, schema: 'heirloom-assessment/2' }],
    ];
    expect(wrong.filter(([name, value]) => errorsOf(name, value).length === 0)).toEqual([]);
  });

  test('accept what the tool says of real files: a fine-tune, a stranger, a quantized copy, an adapter, a pickle that calls', async () => {
    const shared = fileURLToPath(new URL('../../../shared/', import.meta.url));
    const opened = async (path: string): Promise<{ tree: FileTree; model: Model }> => {
      const tree = await openTree(`${shared}${path}`);
      return { tree, model: await readModel(tree) };
    };
    const base = await opened('lineage-corpus/DA');
    const sketch = await sketchModel(base.model, { digest: { value: DIGEST_A, covers: 'all tensor values' } });
    await base.tree.close();
    const known = {
      count: 1,
      async *entries() {
        yield { record: ALDER_RECORD, sketch };
      },
    };
    const paths = ['a-ft-light', 'DB', 'a-gguf-q4_k_m', 'a-lora'].map((name) => `lineage-corpus/${name}`);
    for (const path of [...paths, 'safety-corpus/modelscan/unsafe_zip_pytorch.pt']) {
      const { tree, model } = await opened(path);
      const a = await assess(model, tree, { known, newHasher: nodeHasher, version: '0.0.0' });
      await tree.close();
      expect([path, ...errorsOf('assessment', a)]).toEqual([path]);
      expect(renderAssessment(a, { color: false, columns: 80 })).toContain(a.subject.name);
      expect(() => parsePage(renderHtml(a))).not.toThrow();
    }
  });
});
