/**
 * A model in memory from named tensors: what a test writes down, read by the real reader.
 * @module
 */
import { memoryTree } from '../../base/index.ts';
import { type Model, readModel } from '../../model/index.ts';

export type Tensors = Readonly<Record<string, readonly [shape: readonly number[], values: ArrayLike<number>]>>;

/** @param file `config.json` for a whole model, `adapter_config.json` for an adapter. Values are stored as F32. */
export async function modelOf(tensors: Tensors, config: object, file: string, more: Readonly<Record<string, object>> = {}): Promise<Model> {
  let end = 0;
  const header = Object.fromEntries(
    Object.entries(tensors).map(([name, [shape, values]]) => [
      name,
      { dtype: 'F32', shape, data_offsets: [end, (end += 4 * values.length)] },
    ]),
  );
  const head = new TextEncoder().encode(JSON.stringify(header));
  const bytes = new Uint8Array(8 + head.length + end);
  new DataView(bytes.buffer).setBigUint64(0, BigInt(head.length), true);
  bytes.set(head, 8);
  let at = 8 + head.length;
  for (const [, values] of Object.values(tensors)) {
    bytes.set(new Uint8Array(Float32Array.from(values).buffer), at);
    at += 4 * values.length;
  }
  const weights = file === 'config.json' ? 'model.safetensors' : 'adapter_model.safetensors';
  const documents = Object.entries({ ...more, [file]: config }).map(([name, value]) => [
    name,
    new TextEncoder().encode(JSON.stringify(value)),
  ]);
  return readModel(memoryTree('made', { [weights]: bytes, ...Object.fromEntries(documents) }));
}
