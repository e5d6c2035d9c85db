import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { isTie, relateKnown } from '../../src/assess/index.ts';
import { encodeSketch, relate, type Sketch } from '../../src/lineage/index.ts';
import { openRegister, type Register } from '../../src/register/index.ts';
import { type CorpusModel, readManifest, SHARED, sketchFolder } from './corpora.ts';

describe.each([
  ['lineage-corpus' as const, 519],
  ['real-models' as const, 28],
])('a search through the index, on %s', (corpus, ties) => {
  const dir = mkdtempSync(join(tmpdir(), 'heirloom-search-'));
  const sketches = new Map<string, Sketch>();
  let register: Register;
  beforeAll(async () => {
    register = await openRegister(dir, { now: () => 0 });
    for (const { folder } of readManifest<{ models: readonly CorpusModel[] }>(corpus).models) {
      const made = await sketchFolder(`${SHARED}${corpus}/${folder}`);
      const digest = `sha256:${Buffer.from(folder).toString('hex').slice(-64).padStart(64, '0')}`;
      const sketch = { ...made, subject: { ...made.subject, name: folder, digest } };
      sketches.set(folder, sketch);
      const facts = { name: folder, locator: folder, digest, digestCovers: 'its name, in this test', parameters: 1 };
      await register.add({ ...facts, architecture: '', format: '', licenses: [], licenseLabel: '' }, encodeSketch(sketch));
    }
  });
  afterAll(() => rmSync(dir, { recursive: true, force: true }));

  test('tells every tie that comparing with all models tells, and nothing else', async () => {
    const names = [...sketches.keys()];
    const known = await register.known({ compareAll: 0 });
    expect(known.count).toBe(names.length);
    const told = new Map<string, string>();
    for (const name of names)
      for await (const entry of known.entries({ sketch: sketches.get(name)!, bases: [] }))
        told.set(`${entry.record.name} ${name}`, relateKnown(entry, sketches.get(name)!, known.count).verdict);
    const [related, passedOver]: [string[], string[]] = [[], []];
    names.forEach((a, i) =>
      names.slice(i + 1).forEach((b) => {
        const { verdict } = relate(sketches.get(a)!, sketches.get(b)!, { searched: names.length });
        if (told.has(`${a} ${b}`)) expect(told.get(`${a} ${b}`)).toBe(verdict);
        if (!isTie(verdict)) return;
        related.push(`${a} ${b}`);
        if (!told.has(`${a} ${b}`)) passedOver.push(`${a} ${b}`);
      }),
    );
    expect(passedOver).toEqual([]);
    expect(related.length).toBe(ties);
  }, 240_000);
});
