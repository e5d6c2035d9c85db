import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { heirloom, scratch, shared } from './cli.ts';

const dir = scratch();
const pytorch = (): string => shared('real-models/akamaster__pytorch_resnet_cifar10__pretrained_models-resnet20-12fca82f');

describe('heirloom convert', () => {
  test('writes one file, says what is in it and what stayed behind, and the copy is the same model', async () => {
    const copy = join(dir, 'copy.safetensors');
    const { code, stdout } = await heirloom(['convert', pytorch(), '--to', 'safetensors', '-o', copy]);
    expect(code).toBe(0);
    expect(stdout).toMatch(/copy\.safetensors: \d+ tensors, .*every value equal to/);
    expect(stdout).toContain('Python objects and code beside the tensors, if any stays behind');
    expect((await heirloom(['compare', pytorch(), copy, '--json'])).json()).toMatchObject({
      verdict: 'identical',
      kind: { name: 're-encoded' },
    });
  });

  test('leaves a file that is there alone until told to replace it', async () => {
    const taken = join(dir, 'taken.safetensors');
    writeFileSync(taken, 'mine');
    const refused = await heirloom(['convert', pytorch(), '--to', 'safetensors', '-o', taken]);
    expect(refused).toMatchObject({ code: 2 });
    expect(refused.stderr).toContain('--force');
    expect(readFileSync(taken, 'utf8')).toBe('mine');
    expect((await heirloom(['convert', pytorch(), '--to', 'safetensors', '-o', taken, '--force'])).code).toBe(0);
    expect(statSync(taken).size).toBeGreaterThan(100_000);
  });

  test('never writes over its own source', async () => {
    const model = join(dir, 'own');
    cpSync(shared('lineage-corpus/a-lora'), model, { recursive: true });
    const before = readdirSync(model).map((name) => readFileSync(join(model, name)));
    expect((await heirloom(['convert', model, '--to', 'safetensors', '-o', join(model, 'README.md.safetensors'), '--force'])).code).toBe(0);
    expect(
      (await heirloom(['convert', model, '--to', 'safetensors', '-o', join(model, 'adapter_model.safetensors'), '--force'])).code,
    ).toBe(2);
    expect(
      readdirSync(model)
        .filter((name) => !name.startsWith('README.md.'))
        .map((name) => readFileSync(join(model, name))),
    ).toEqual(before);
  });

  test('puts documents beside the copy in a folder, and no code', async () => {
    const [model, copy] = [join(dir, 'with-code'), join(dir, 'out')];
    mkdirSync(model);
    cpSync(shared('lineage-corpus/DA'), model, { recursive: true });
    writeFileSync(join(model, 'modeling_custom.py'), 'print("hello")\n');
    writeFileSync(join(model, 'LICENSE'), 'words of a license\n');
    const { code, json } = await heirloom(['convert', model, '--to', 'safetensors', '-o', copy, '--json']);
    expect(code).toBe(1);
    const answer = json();
    expect(answer.leftOut).toContainEqual({ name: 'modeling_custom.py', why: 'code is not copied' });
    expect(readdirSync(copy).sort()).toEqual(['model.safetensors', ...answer.documents].sort());
    expect(readdirSync(copy)).not.toContain('modeling_custom.py');
    expect(readFileSync(join(copy, 'LICENSE'), 'utf8')).toBe('words of a license\n');
    expect((await heirloom(['compare', model, copy, '--json'])).json()).toMatchObject({ verdict: 'identical' });
  });

  test('leaves nothing behind when it is interrupted or cannot go on', async () => {
    const copy = join(dir, 'none', 'copy.safetensors');
    expect((await heirloom(['convert', shared('lineage-corpus/a-gguf-q8_0'), '--to', 'safetensors', '-o', copy])).code).toBe(2);
    expect((await heirloom(['convert', join(dir, 'nowhere'), '--to', 'safetensors', '-o', copy])).code).toBe(2);
    expect((await heirloom(['convert', pytorch(), '--to', 'pickle', '-o', copy])).code).toBe(2);
    expect(existsSync(join(dir, 'none'))).toBe(false);
  });
});
