import { beforeAll, describe, expect, test } from 'vitest';
import { loadReasoning } from './load.ts';
import { reasonOver, type Reasoning } from './reason.ts';
import { asGraph, lineageCases } from './testing/cases.ts';

/** The cases' word for it is not ours: a clause that appears unmet is a fact, whether it is a violation is for people to say. */
const VERDICTS: Readonly<Record<string, string>> = { violations: 'unmet' };
const named = (term: string): string => term.replace('licence', 'license');

describe('each lineage case', () => {
  let reason: (one: ReturnType<typeof lineageCases>[number]) => Reasoning;
  beforeAll(async () => {
    const { book, rules } = await loadReasoning();
    reason = (one) => {
      const { graph, context } = asGraph(one);
      return reasonOver(graph, context, book, rules);
    };
  });

  test('is there: 32 of them', () => expect(lineageCases()).toHaveLength(32));
  for (const one of lineageCases())
    test(`${one.case} gets its verdict with its rules: ${one.description}`, () => {
      const answer = reason(one);
      expect(answer.verdict, JSON.stringify(answer.why)).toBe(VERDICTS[one.expected.verdict] ?? one.expected.verdict);
      expect(answer.rules.map((hit) => hit.rule)).toEqual(expect.arrayContaining([...one.rules]));
      const owed = answer.duties.filter((duty) => duty.status !== 'met').map((duty) => duty.id.split('/')[1]);
      expect(owed).toEqual(expect.arrayContaining((one.expected.owe ?? []).map(named)));
      if (one.expected.namePrefixMissing !== undefined)
        expect(answer.names.required).toContainEqual(expect.objectContaining({ text: one.expected.namePrefixMissing, status: 'unmet' }));
      if (one.expected.effective !== undefined) expect(answer.effective.expression).toBe(one.expected.effective);
      for (const code of one.expected.missingRestrictions ?? []) expect(answer.rules.map((hit) => hit.what).join('\n')).toContain(code);
      if (one.expected.relabel === 'drift') expect(answer.drift.map((d) => d.kind)).toContain('loosened');
    });
});
