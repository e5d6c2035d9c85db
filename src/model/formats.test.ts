import { describe, expect, test } from 'vitest';
import { memoryTree } from '../base/index.ts';
import { nodeHasher } from '../sources/index.ts';
import { digestModel, readModel, readRoleRows, roleShape } from './index.ts';
import { corpusFolders, corpusJson, withModel } from './testing/corpora.ts';
import { safetensorsOf } from './testing/tiny.ts';

const { models } = corpusJson('real-models/manifest.json') as { models: { folder: string; file: string; format: string }[] };
const FORMATS: Record<string, string> = { caffemodel: 'caffe' };

describe('every real model', () => {
  test.each(models.map((entry) => [entry.folder, entry] as const))(
    '%s is read, every tensor has a role, every role can be read',
    async (folder, entry) => {
      await withModel(`real-models/${folder}`, async (model) => {
        expect(model.findings.filter((finding) => finding.severity === 'error')).toEqual([]);
        expect(model.checkpoint?.format).toBe(FORMATS[entry.format] ?? entry.format);
        expect(new Set(model.roles.map((role) => role.tensor.name))).toEqual(
          new Set(model.checkpoint!.tensors.map((tensor) => tensor.name)),
        );
        expect(new Set(model.roles.map((role) => role.slot)).size).toBe(model.roles.length);
        expect(model.licenseFiles.length).toBeGreaterThan(0);
        for (const role of model.roles.filter((one) => one.role !== 'buffer')) {
          const [rows, columns] = roleShape(role);
          expect((await readRoleRows(model.checkpoint!, role, 0, Math.min(rows, 3))).length).toBe(Math.min(rows, 3) * columns);
        }
      });
    },
  );

  test('all folders are in the manifest', () => {
    expect(corpusFolders('real-models')).toEqual(models.map((entry) => entry.folder).sort());
  });
});

describe('one network in several containers', () => {
  /** `slot shape` of filters and matrices, slots without the container's lead. */
  const shapes = (folder: string): Promise<string[]> =>
    withModel(`real-models/${folder}`, (model) =>
      model.roles
        .filter((role) => role.role === 'conv' || role.role === 'linear')
        .map((role) => roleShape(role).join('x'))
        .sort(),
    );

  test('MTCNN has the same matrices from NumPy, TensorFlow and Caffe: outputs first everywhere', async () => {
    const numpy = await shapes('TropComplique__mtcnn-pytorch__src-weights-rnet');
    expect(numpy).toEqual(['128x576', '28x27', '2x128', '48x252', '4x128', '64x192'].sort());
    expect(await shapes('davidsandberg__facenet__model-ntcnn-rnet')).toEqual(numpy);
    expect(await shapes('davidsandberg__facenet__src-align-det2')).toEqual(numpy);
  });

  test('the ultra-light face detector counts the same parameters in ONNX exports of one run', async () => {
    const counts = await Promise.all(
      ['models-onnx-version-RFB-320', 'models-onnx-version-RFB-320_128', 'models-onnx-Mb_Tiny_RFB_FD_train_input_640'].map((tail) =>
        withModel(`real-models/Linzaer__Ultra-Light-Fast-Generic-Face-Detector-1MB__${tail}`, (model) => model.parameters),
      ),
    );
    expect(new Set(counts)).toEqual(new Set([276_292]));
  });

  test('recurrent layers kept side by side in one PyTorch storage are all counted', async () => {
    await withModel('real-models/Xiaobin-Rong__gtcrn__checkpoints-model_trained_on_dns3', (model) => {
      const values = model.roles
        .filter((role) => role.role !== 'buffer')
        .reduce((sum, role) => sum + roleShape(role)[0] * roleShape(role)[1], 0);
      expect(model.parameters).toBe(values);
      expect(model.roles.some((role) => role.tensor.name.startsWith('optimizer.') && role.role !== 'buffer')).toBe(false);
    });
  });
});

test('a-chain3, stored by PyTorch, has the model digest its values have in safetensors', async () => {
  await withModel('lineage-corpus/a-chain3', async (pytorch) => {
    expect(pytorch.checkpoint!.format).toBe('pytorch');
    const copies = await Promise.all(
      pytorch.checkpoint!.tensors.map(async (tensor) => ({
        ...tensor,
        bytes: await pytorch.checkpoint!.readBytes(tensor, 0, tensor.shape[0]!),
      })),
    );
    const copy = await readModel(memoryTree('copy', { 'model.safetensors': safetensorsOf(copies.reverse()) }));
    expect((await digestModel(copy, nodeHasher)).model).toBe((await digestModel(pytorch, nodeHasher)).model);
  });
});
