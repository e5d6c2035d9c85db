import { describe, expect, test } from 'vitest';
import { memoryTree } from '../base/index.ts';
import { type Model, readModel } from '../model/index.ts';
import { dictPickle, entry, floats, ggufText, pickledText, torchZip, writeGguf } from '../weights/testing/index.ts';
import { judgeLicense } from './index.ts';
import { readShared } from './testing/shared.ts';

/** A safetensors file of one tensor with the given `__metadata__`. */
function safetensors(metadata: Readonly<Record<string, string>>): Uint8Array {
  const header = new TextEncoder().encode(
    JSON.stringify({ __metadata__: metadata, w: { dtype: 'F32', shape: [1], data_offsets: [0, 4] } }),
  );
  const bytes = new Uint8Array(8 + header.length + 4);
  new DataView(bytes.buffer).setBigUint64(0, BigInt(header.length), true);
  bytes.set(header, 8);
  return bytes;
}

const read = (files: Record<string, Uint8Array>): Promise<Model> => readModel(memoryTree('made/up', files));

describe('a license inside the weights file', () => {
  test('is found with file and key when it is a tag', async () => {
    const { found } = await judgeLicense(await read({ 'model.safetensors': safetensors({ license: 'cc-by-nc-4.0' }) }), []);
    expect(found).toMatchObject([{ id: 'CC-BY-NC-4.0', by: 'tag', file: 'model.safetensors', field: 'license', kind: 'non-commercial' }]);
  });

  test('is found when an exporter writes it with an address, and binds', async () => {
    const model = await read({ 'yolo.safetensors': safetensors({ license: 'AGPL-3.0 License (https://ultralytics.com/license)' }) });
    const { found, effective } = await judgeLicense(model, []);
    expect(found).toMatchObject([{ id: 'AGPL-3.0-only', by: 'tag', field: 'license', kind: 'network-copyleft' }]);
    expect(effective.ids).toEqual(['AGPL-3.0-only']);
  });

  test('is found in a PyTorch checkpoint of a detector, beside the tensors', async () => {
    const tensor = { name: 'model.0.weight', key: '0', numel: 2, shape: [2], stride: [1] };
    const notice =
      entry('license', pickledText('AGPL-3.0 License (https://ultralytics.com/license)')) +
      entry('docs', pickledText('https://docs.ultralytics.com'));
    const model = await read({ 'yolo.pt': torchZip(dictPickle([tensor], notice), { '0': floats(1, 2) }) });
    const { found, declared, effective } = await judgeLicense(model, []);
    expect(found).toMatchObject([{ id: 'AGPL-3.0-only', by: 'tag', file: 'yolo.pt', field: 'license' }]);
    expect(declared).toMatchObject([{ id: 'AGPL-3.0-only', from: 'yolo.pt: license' }]);
    expect(effective.ids).toEqual(['AGPL-3.0-only']);
  });

  test('is found in the keys of a GGUF file', async () => {
    const bytes = writeGguf({
      keys: [
        ['general.architecture', ggufText('llama')],
        ['general.license', ggufText('llama3.1')],
        ['general.license.link', ggufText('https://llama.com/llama3_1/license')],
      ],
    });
    const { found } = await judgeLicense(await read({ 'm.gguf': bytes }), []);
    expect(found).toMatchObject([
      { id: 'llama-3.1', by: 'tag', field: 'general.license' },
      { id: 'llama-3.1', by: 'reference', field: 'general.license.link' },
    ]);
  });

  test('is compared word by word when it is the whole text', async () => {
    const text = readShared('texts/openmdw-1.0.txt');
    const plain = await judgeLicense(await read({ 'm.safetensors': safetensors({ 'model.license_text': text }) }), []);
    expect(plain.found).toMatchObject([{ id: 'openmdw-1.0', by: 'text', modified: false, field: 'model.license_text' }]);
    const changed = await judgeLicense(
      await read({ 'm.safetensors': safetensors({ 'model.license_text': text.replace('without restriction', 'with restriction') }) }),
      [],
    );
    expect(changed.found[0]!.modified).toBe(true);
    expect(changed.findings).toMatchObject([
      { rule: 'license/text-modified', where: { file: 'm.safetensors', field: 'model.license_text' } },
    ]);
  });

  test('is found in prose under another key, and not where nothing is said of a license', async () => {
    const said = {
      description: 'A detector. Released under the GNU Affero General Public License version 3.',
      notes: 'mit students made this',
    };
    const { found } = await judgeLicense(await read({ 'm.safetensors': safetensors(said) }), []);
    expect(found).toMatchObject([{ id: 'AGPL-3.0-only', by: 'reference', field: 'description' }]);
    expect(found).toHaveLength(1);
  });

  test('is read without end from nobody: values and their number are bounded', async () => {
    const many = Object.fromEntries(Array.from({ length: 5000 }, (_, k) => [`license_${k}`, `${'license '.repeat(50)}mit`]));
    const { found } = await judgeLicense(await read({ 'm.safetensors': safetensors(many) }), []);
    expect(found.length).toBeLessThanOrEqual(40);
  });
});
