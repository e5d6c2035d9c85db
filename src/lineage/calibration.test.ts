import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { type Calibration, loadCalibration } from './index.ts';
import { THRESHOLD_TABLE } from './thresholds.ts';

const calibration: Calibration = await loadCalibration();
const doc = readFileSync(new URL('../../docs/calibration.md', import.meta.url), 'utf8');

describe('the calibration shipped', () => {
  test('has the thresholds that the code judges by', () => {
    expect(calibration.thresholds).toEqual(THRESHOLD_TABLE);
  });

  test('counts every pair of its panels once', () => {
    expect(calibration.panel.map((panel) => panel.corpus)).toEqual(['lineage-corpus', 'real-models']);
    for (const { rows } of calibration.panel)
      for (const row of rows) expect(Object.values(row.verdicts).reduce((sum, count) => sum + count, 0)).toBe(row.pairs);
    const transformers = calibration.panel[0]!;
    const pairs = transformers.rows.filter((row) => row.by === 'sketches').reduce((sum, row) => sum + row.pairs, 0);
    expect(pairs).toBe((transformers.models * (transformers.models - 1)) / 2);
  });

  test('bounds the rate of false positives as Clopper and Pearson do', () => {
    const { pairs, rootPairs, disjointRootPairs } = calibration.falsePositives;
    for (const { of, found, upper95 } of [pairs, rootPairs, disjointRootPairs]) {
      expect(found).toBe(0);
      // With none found the limit solves (1 - u)^n = .05; it is rounded up.
      expect((1 - upper95) ** of).toBeLessThanOrEqual(0.05);
      expect((1 - upper95) ** of).toBeGreaterThan(0.05 - 2e-5 * of);
    }
    expect(disjointRootPairs.of).toBeLessThanOrEqual(rootPairs.of);
  });

  test('has a power curve for every kind of axis that starts at nothing and ends at certainty', () => {
    expect([...new Set(calibration.power.map((curve) => curve.test))].sort()).toEqual([
      'swap-sign/adapter-b',
      'swap-sign/filters',
      'swap-sign/neurons',
      'swap-sign/residual-channels',
      'swap-sign/value-channels',
    ]);
    for (const { points } of calibration.power) {
      expect(points[0]).toMatchObject({ correlation: 0, detected: 0 });
      expect(points.at(-1)!.detected).toBe(1);
      points.slice(1).forEach((point, i) => expect(point.detected).toBeGreaterThanOrEqual(points[i]!.detected));
    }
  });
});

describe('docs/calibration.md', () => {
  const rowOf = (name: string, by: 'sketches' | 'closer', truths: readonly string[]): [string, string] => {
    const rows = calibration.panel.flatMap((panel) => panel.rows).filter((row) => row.by === by && truths.includes(row.truth));
    const count = (...verdicts: (keyof (typeof rows)[number]['verdicts'])[]): string => {
      const sum = rows.reduce((total, row) => total + verdicts.reduce((n, verdict) => n + (row.verdicts[verdict] ?? 0), 0), 0);
      return sum === 0 ? '' : String(sum);
    };
    const cells = [
      name,
      String(rows.reduce((sum, row) => sum + row.pairs, 0)),
      count('identical', 'derived') || '0',
      count('common-initialization'),
      count('shared-origin'),
      count('no-evidence'),
      count('unresolved'),
    ];
    return [name, cells.join('|')];
  };
  /** Cells without spaces and bold. */
  const told = doc
    .split('\n')
    .filter((line) => line.startsWith('| '))
    .map((line) =>
      line
        .slice(1, -1)
        .split('|')
        .map((cell) => cell.trim().replaceAll('*', ''))
        .join('|'),
    );
  test.each([
    rowOf('ancestor and descendant', 'sketches', ['derived']),
    rowOf('same root', 'sketches', ['same-root']),
    rowOf('same random start', 'sketches', ['shared-init']),
    rowOf('distilled', 'sketches', ['distilled']),
    rowOf('independent', 'sketches', ['independent']),
    rowOf('published, related', 'sketches', ['related']),
    rowOf('published, unrelated or sharing constants', 'sketches', ['unrelated', 'unrelated-trap:erb-constant']),
    rowOf('same random start, looked at closer', 'closer', ['shared-init']),
    rowOf('distilled, looked at closer', 'closer', ['distilled']),
    rowOf('independent, every sixth, looked at closer', 'closer', ['independent']),
  ])('says of %s what was measured', (_, row) => {
    expect(told).toContain(row);
  });
  test('says the bounds that were measured', () => {
    const { pairs, rootPairs, disjointRootPairs } = calibration.falsePositives;
    for (const { of, upper95 } of [pairs, rootPairs, disjointRootPairs])
      expect(doc.replaceAll(/\s+/g, ' ')).toContain(`0 of ${of} (at most ${(Math.ceil(upper95 * 1000) / 10).toFixed(1)} %)`);
  });
});
