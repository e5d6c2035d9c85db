/**
 * What became of licenses along a family whose history is known, from the weights and cards alone: every model of the lineage corpus is
 * registered, then each is asked about with itself left out.
 */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { addModel, licenseOf, openRegister, type Register } from '../../src/register/index.ts';

const corpus = fileURLToPath(new URL('../../../shared/lineage-corpus/', import.meta.url));
interface Listed {
  readonly id: string;
  readonly folder: string;
  readonly truth: { readonly licence_drift: string; readonly base_model_claim: string };
}
const { models } = JSON.parse(readFileSync(join(corpus, 'manifest.json'), 'utf8')) as { models: Listed[] };

/** The manifest's word for each of ours. */
const DRIFT: Readonly<Record<string, string>> = { loosened: 'relabelled', relabelled: 'relabelled', tightened: 'relabelled' };
const CLAIM: Readonly<Record<string, string>> = { supported: 'true', refuted: 'false', 'not-shown': 'false' };

const dir = mkdtempSync(join(tmpdir(), 'heirloom-drift-'));
afterAll(() => rmSync(dir, { recursive: true, force: true }));
let register: Register;
beforeAll(async () => {
  // In the order in which they were made: of two that name no base, the record alone says which came first.
  let day = 0;
  register = await openRegister(dir, { now: () => 86_400_000 * day++ });
  for (const { folder } of models) await addModel(register, join(corpus, folder), {});
}, 120_000);

describe('in a register of all its relatives', () => {
  test('every model is told what became of its ancestors’ licenses, and whether its stated base is true, as its maker wrote it down', async () => {
    const wrong: string[] = [];
    for (const { id, folder, truth } of models) {
      const { judgement, lineage } = await licenseOf(register, join(corpus, folder), {}, {});
      const kinds = judgement.drift.map((d) => d.kind);
      const changed = kinds.find((kind) => kind !== 'kept');
      const drift = kinds.length === 0 ? 'n/a' : kinds.includes('dropped') ? 'omitted' : changed === undefined ? 'kept' : DRIFT[changed];
      const verdicts = [...new Set(lineage.claims.map((claim) => CLAIM[claim.verdict] ?? claim.verdict))];
      const claim = verdicts.length === 0 ? 'none' : verdicts.includes('false') ? 'false' : verdicts.join(', ');
      if (drift !== truth.licence_drift) wrong.push(`${id}: ${drift}, not ${truth.licence_drift}`);
      if (claim !== truth.base_model_claim) wrong.push(`${id}: claim ${claim}, not ${truth.base_model_claim}`);
    }
    expect(models).toHaveLength(51);
    expect(wrong).toEqual([]);
  }, 300_000);
});
