/** Made-up models for the register's tests. */
import { createHash } from 'node:crypto';
import { encodeSketch, type Sketch } from '../../lineage/index.ts';
import type { NewEntry } from '../types.ts';

export function digestOf(seed: string): string {
  return `sha256:${createHash('sha256').update(seed).digest('hex')}`;
}

export function madeUpEntry(name: string, seed: string = name, more: Partial<NewEntry> = {}): NewEntry {
  return {
    name,
    locator: `./${name}`,
    digest: digestOf(seed),
    digestCovers: 'model.safetensors',
    parameters: 1000,
    architecture: 'llama',
    format: 'safetensors',
    licenses: ['Apache-2.0'],
    licenseLabel: 'apache-2.0',
    ...more,
  };
}

/** A sketch of `units` x 64 values that follow from `seed`. */
export function madeUpSketch(seed: string, units: number = 4): Uint8Array {
  const features = 64;
  const noise = createHash('shake256', { outputLength: units * features })
    .update(seed)
    .digest();
  const sketch: Sketch = {
    schema: 'heirloom-sketch/1',
    subject: {
      name: seed,
      digest: digestOf(seed),
      digestCovers: 'model.safetensors',
      format: 'safetensors',
      parameters: 1000,
      architecture: 'llama',
      scheme: 'llama',
      isAdapter: false,
      dtype: 'F32',
    },
    salt: '',
    complete: false,
    samples: [
      {
        slot: 'layers.0.up',
        role: 'up',
        stack: '',
        block: 0,
        expert: null,
        shape: [units, features],
        axis: 'rows',
        units,
        features,
        codes: Int8Array.from(noise, (byte) => byte - 128),
        scales: new Float32Array(units).fill(0.01),
        hash: '0011223344556677',
        stats: { zeros: 0, distinct: 32, lattice: 0.29 },
        excluded: '',
      },
    ],
    framed: [],
    vectors: [],
    prints: [],
  };
  return encodeSketch(sketch);
}
