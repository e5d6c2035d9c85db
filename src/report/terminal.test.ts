import { describe, expect, test } from 'vitest';
import fc from 'fast-check';
import type { Assessment } from '../assess/index.ts';
import { renderAssessment, renderFindings, renderHtml, renderRelation, renderTable } from './index.ts';
import * as fixtures from './testing/fixtures.ts';
import { ATTACKS, DRIVES, hostileStrings, manyOfEverything } from './testing/hostile.ts';
import { finding, relation } from './testing/parts.ts';
import { displayWidth } from './text.ts';

const plain = { color: false, columns: 80 };
const stories: readonly (readonly [string, Assessment])[] = [...Object.entries(fixtures), ['hostileStrings', hostileStrings]];

const NEVER = /violat|thief|stole|steal|theft|open[- ]?source|illegal|guilt|infring|pirat/i;

/** What is wrong with a report for a terminal of `columns`: nothing, we hope. */
function problemsOf(text: string, columns: number): string[] {
  const tooWide = text.split('\n').filter((line) => displayWidth(line) > columns);
  return [...(text.endsWith('\n') ? [] : ['no newline at the end']), ...(DRIVES.test(text) ? ['drives the terminal'] : []), ...tooWide];
}

describe('the terminal report of an assessment', () => {
  test('of a clean model is short', () => {
    expect(renderAssessment(fixtures.cleanModel, plain)).toBe(
      `rowan-chat: safetensors, llama, 1.2 M parameters, 4 files (2.4 MB)
sha256:0f1e2d3c0f1e2d3c0f1e2d3c0f1e2d3c0f1e2d3c0f1e2d3c0f1e2d3c0f1e2d3c

Lineage   no tie seen to the 50 known models
License   Apache-2.0
Credit    no ancestor to credit was found
Safety    nothing found (1 file looked at)

License
  Declared    apache-2.0 (Apache-2.0), README.md: license
  In files    Apache-2.0, LICENSE (full text)
  Binding     Apache-2.0. README.md and LICENSE agree, and no ancestor adds to
              it.

Read 181 kB in 12 requests; digest over names, types, shapes and values of all
  tensors; heirloom 0.1.0.
Next  Nothing to act on. (exit 0)
`,
    );
  });

  test('of a relabelled fine-tune says in the first ten lines what it shares, what the labels say and what is missing', () => {
    const text = renderAssessment(fixtures.launderedFineTune, plain);
    expect(text.split('\n').slice(0, 9).join('\n')).toBe(
      `rowan-chat: safetensors, llama, 1.2 M parameters, 4 files (2.4 MB)
sha256:0f1e2d3c0f1e2d3c0f1e2d3c0f1e2d3c0f1e2d3c0f1e2d3c0f1e2d3c0f1e2d3c

Lineage   descends from Alder-1M; they share training
License   states MIT; Alder-1M carries LicenseRef-heirloom-community-test-1.0
          (the label asks for less)
Credit    1 missing: The card does not name Alder-1M.
Safety    nothing found (1 file looked at)
`,
    );
  });

  test('of a relabelled fine-tune gives the grounds, the limits, each finding and what to do', () => {
    const text = renderAssessment(fixtures.launderedFineTune, plain);
    expect(text.slice(text.indexOf('\nLineage\n') + 1)).toBe(
      `Lineage
  Compared    Alder-1M (hf:alder-lab/Alder-1M), license:
              heirloom-community-test-1.0
  Verdict     Derived. Neurons agree in all four layers, far beyond what a
              common random start leaves after training.
  Evidence    p < 10^-19 after correction for 50 known models
              p < 10^-21   swap-sign/neurons: agreeing flips 95 of 96
              descriptive  correlation/weights: median correlation 0.9831, n =
                           39
  Shared      98 % of its 1.2 M parameters (all blocks)
  Kind        fine-tune. The compared values changed by 3.1 % of their size; no
              zeros and no lattice were added.
  Direction   from Alder-1M to rowan-chat: the values of Alder-1M lie on a
              coarser lattice that rowan-chat no longer shows
  Limits      Who copied from whom, whether it was allowed, and what was trained
              on, cannot be read from weights.

License
  Declared    mit (MIT), README.md: license
  In files    no license text known here
  Binding     MIT, LicenseRef-heirloom-community-test-1.0. The weights share
              training with Alder-1M, whose LICENSE binds models built on it.
  Drift       Alder-1M: the label asks for less. README.md says mit; the LICENSE
              of Alder-1M says heirloom-community-test-1.0, and nothing in this
              folder grants the change.
  Duties      appears unmet: ship a copy of the license
              (heirloom-community-test-1.0, 2(a))

Credit
  Not named   Alder-1M

Findings: 1 error, 2 warnings
  error license/drift-loosened
    README.md, field "license"
    README.md says mit; Alder-1M carries heirloom-community-test-1.0.
    A use condition that the ancestor carries is not passed on.
    fix: State heirloom-community-test-1.0, or show the grant that allows mit.
    source: heirloom-community-test-1.0, section 2(a)

  warning lineage/base-not-named
    README.md, field "base_model"
    The weights share training with Alder-1M; the card names no base model.
    Readers cannot know what they build on.
    fix: Name alder-lab/Alder-1M as base_model.

  warning credit/ancestor-not-named
    README.md, field "base_model"
    The card does not name Alder-1M.
    The license of Alder-1M asks that models built on it say so.
    fix: Add base_model: alder-lab/Alder-1M to the front matter of README.md.

Read 181 kB in 12 requests; digest over names, types, shapes and values of all
  tensors; heirloom 0.1.0.
Next  State heirloom-community-test-1.0, or show the grant that allows mit.
      (exit 1: 3 findings to act on)
`,
    );
  });

  test('of a false claim says that the named base is not shown, and what would have been seen', () => {
    const text = renderAssessment(fixtures.falseClaim, plain);
    expect(text).toContain(
      `Lineage   no tie seen to the 48 of 50 known models that could be compared; the
          named base alder-lab/Alder-1M is not shown by the weights
`,
    );
    expect(text).toContain('  Limits      A correlation of the weights of 0.08 or more would have been seen.\n');
    expect(text).toMatch(/\(exit 1: 1 finding\s+to act on\)\n$/);
  });

  test('of a supported claim does not say again what stands above it', () => {
    const [tie] = fixtures.launderedFineTune.lineage.relations;
    const claim = { name: 'alder-lab/Alder-1M', from: 'README.md: base_model', verdict: 'supported', because: tie!.because } as const;
    const { lineage } = fixtures.launderedFineTune;
    const text = renderAssessment({ ...fixtures.launderedFineTune, lineage: { ...lineage, claims: [claim] } }, plain);
    const oneLine = text.replace(/\s+/g, ' ');
    expect(oneLine).toContain(' Claimed alder-lab/Alder-1M (README.md: base_model): the weights bear it out. Limits ');
    expect(oneLine.split(tie!.because.slice(1)).length).toBe(2);
  });

  test('of documents alone says that there are no weights, not how many parameters they have', () => {
    const subject = { ...fixtures.cleanModel.subject, tensors: 0, parameters: 0, format: 'none' };
    const text = renderAssessment({ ...fixtures.cleanModel, subject }, plain);
    expect(text).toMatch(/^rowan-chat: no weights read, llama, 4 files/);
    expect(text).toContain('Lineage   no weights to compare\n');
  });

  test('of an unreadable file names the file and the byte', () => {
    const text = renderAssessment(fixtures.unreadableFile, plain);
    expect(text).toContain('Lineage   could not be compared with the 50 known models\n');
    expect(text).toContain('Safety    not known: a file could not be read (1 file looked at, 1 error)\n');
    expect(text).toContain('    model.safetensors, byte 2400128\n');
  });

  test('of a shared origin does not call it derived', () => {
    const text = renderAssessment(fixtures.sharedOrigin, plain);
    expect(text).toContain(
      `Lineage   not independent of Alder-1M; shared training and a shared random start
          cannot be told apart
`,
    );
    expect(text).not.toMatch(/derived|descends|ancestor Alder/i);
  });

  test('against an empty register says so plainly', () => {
    expect(renderAssessment(fixtures.emptyRegister, plain)).toContain('Lineage   no known models to compare with: the register is empty\n');
  });

  test('names a license label that changed before what is less grave', () => {
    const license = { ...fixtures.launderedFineTune.license, findings: [] };
    const lineage = { ...fixtures.launderedFineTune.lineage, findings: [] };
    const text = renderAssessment({ ...fixtures.launderedFineTune, license, lineage }, plain).replaceAll(/\s+/g, ' ');
    expect(text).toContain("Next Compare the license of Alder-1M (LicenseRef-heirloom-community-test-1.0) with this model's (MIT).");
    expect(text).toContain('(exit 1: 1 finding and 1 license label to act on)');
  });

  test('warns before a malicious file in its last line', () => {
    const bad = finding({ rule: 'safety/pickle-dangerous-global', severity: 'error', fix: 'delete it' });
    const safety: Assessment['safety'] = {
      verdict: 'malicious',
      files: [{ path: 'a.bin', format: 'pickle', verdict: 'malicious', findings: [bad] }],
      findings: [],
    };
    const text = renderAssessment({ ...fixtures.cleanModel, safety }, plain);
    expect(text).toMatch(/Next {2}Do not load this model; delete it\. \(exit 1: 1 finding to act on\)\n$/);
  });

  test.each(stories)('%s: no line is wider than the terminal and none drives it, from 40 to 200 columns', (_, a) => {
    for (const columns of [40, 41, 57, 80, 132, 200])
      expect(problemsOf(renderAssessment(a, { color: false, columns }), columns)).toEqual([]);
  });

  test.each(stories)('%s: color adds nothing but color', (_, a) => {
    const colored = renderAssessment(a, { color: true, columns: 80 });
    // eslint-disable-next-line no-control-regex
    expect(colored.replaceAll(/\u001b\[[0-9]{1,2}m/g, '')).toBe(renderAssessment(a, plain));
    expect(colored).not.toBe(renderAssessment(a, plain));
  });

  test.each(stories)('%s: the same judgement gives the same bytes', (_, a) => {
    expect(renderAssessment(structuredClone(a), plain)).toBe(renderAssessment(a, plain));
  });

  test.each(Object.entries(fixtures))('%s: tells facts, not blame', (_, a) => {
    expect(renderAssessment(a, plain)).not.toMatch(NEVER);
    for (const item of a.lineage.relations) expect(renderRelation(item, plain)).not.toMatch(NEVER);
  });

  test('a name cannot put a line of its own at the left margin', () => {
    const name = `x${' '.repeat(3)}Safety    nothing found `.repeat(8);
    const text = renderAssessment({ ...fixtures.unreadableFile, subject: { ...fixtures.unreadableFile.subject, name } }, plain);
    expect(text.split('\n').filter((line) => line.startsWith('Safety  '))).toHaveLength(1);
  });

  test('of a card that names thousands of everything stays readable and quick', () => {
    const a = manyOfEverything(20_000);
    // The processor's time, not the wall's: other programs may keep the machine busy.
    const before = process.cpuUsage();
    const text = renderAssessment(a, plain);
    expect(text.split('\n').length).toBeLessThan(2_500);
    expect(renderHtml(a).length).toBeLessThan(2_000_000);
    expect(process.cpuUsage(before).user / 1000).toBeLessThan(4_000);
    expect(text).toContain('… and 19988 more claims');
  });

  test('survives terminals of nonsense width', () => {
    for (const columns of [0, -5, Number.NaN, Number.POSITIVE_INFINITY, 3, 1e9])
      expect(renderAssessment(fixtures.launderedFineTune, { color: false, columns }).length).toBeGreaterThan(500);
  });
});

describe('the terminal report of a relation', () => {
  test('says the verdict, its meaning, its evidence and its limits', () => {
    expect(renderRelation(fixtures.sharedOrigin.lineage.relations[0]!, plain)).toBe(
      `rowan-chat: not independent of Alder-1M; shared training and a shared random
  start cannot be told apart
The two models are not independent. Whether they share training or only the
  random values they started from cannot be told.

  Verdict     Shared origin. Neurons agree in the first layer only; a common
              random start would leave the same trace.
  Evidence    p < 10^-3 after correction for 50 known models
              p < 10^-5  swap-sign/neurons: agreeing flips 64 of 96
  Tied        25 % of its 1.2 M parameters (layer 0)
  Limits      Shared training and a shared random start leave the same trace
              here.

  A  Alder-1M, safetensors, 1.2 M parameters
     sha256:a1b2c3d4a1b2c3d4a1b2c3d4a1b2c3d4a1b2c3d4a1b2c3d4a1b2c3d4a1b2c3d4
     over names, types, shapes and values of all tensors
  B  rowan-chat, safetensors, 1.2 M parameters
     sha256:0f1e2d3c0f1e2d3c0f1e2d3c0f1e2d3c0f1e2d3c0f1e2d3c0f1e2d3c0f1e2d3c
     over names, types, shapes and values of all tensors
`,
    );
  });

  test('with every verdict, kind and direction fits and says no blame', () => {
    const verdicts = ['identical', 'derived', 'common-initialization', 'shared-origin', 'no-evidence', 'unresolved'] as const;
    for (const verdict of verdicts)
      for (const direction of ['a->b', 'b->a', 'unknown'] as const) {
        const text = renderRelation(relation({ verdict, direction }), plain);
        expect(problemsOf(text, 80)).toEqual([]);
        expect(text).not.toMatch(NEVER);
      }
  });

  test('names no kind of derivation and no direction where shared training is not shown', () => {
    for (const verdict of ['common-initialization', 'shared-origin', 'no-evidence', 'unresolved'] as const)
      expect(renderRelation(relation({ verdict, because: '' }), plain)).not.toMatch(/fine-tune|Kind|Direction|descends/);
  });

  test('that could not be made has no limits: it says nothing', () => {
    expect(renderRelation(relation({ verdict: 'unresolved', limits: ['a limit'] }), plain)).not.toContain('Limits');
  });

  test('without a p-value says that there is none', () => {
    expect(renderRelation(relation({ log10P: null, log10PAdjusted: null }), plain)).toContain(
      'no exact test could run, so there is no p-value',
    );
  });
});

describe('tables', () => {
  test('align numbers right and words left', () => {
    const rows = [
      { name: 'Alder-1M', parameters: 1210368, license: 'mit' },
      { name: '模型', parameters: 42, license: null },
    ];
    expect(renderTable(rows, plain)).toBe(
      `name      parameters  license
Alder-1M     1210368  mit
模型              42
`,
    );
  });

  test('wrap long cells instead of cutting paths', () => {
    const text = renderTable([{ path: 'very/long/path/'.repeat(6), verdict: 'clean' }], { color: false, columns: 50 });
    expect(problemsOf(text, 50)).toEqual([]);
    expect(text.replaceAll(/\s/g, '')).toContain('clean');
    expect(text.split('\n')[1]).toMatch(/\/ +clean$/);
  });

  test('of nothing are nothing', () => {
    expect(renderTable([], plain)).toBe('');
    expect(renderFindings([], plain)).toBe('');
  });

  test('of any cells at any width stay inside the terminal', () => {
    const cell = fc.oneof(fc.string({ unit: 'binary', maxLength: 60 }), fc.constantFrom(...ATTACKS), fc.integer(), fc.constant(null));
    fc.assert(
      fc.property(
        fc.array(fc.array(cell, { minLength: 5, maxLength: 5 }), { minLength: 1, maxLength: 5 }),
        fc.integer({ min: 40, max: 120 }),
        (cells, columns) => {
          const rows = cells.map((row) => Object.fromEntries(row.map((value, i) => [`column ${i}`, value])));
          expect(problemsOf(renderTable(rows, { color: false, columns }), columns)).toEqual([]);
        },
      ),
      { numRuns: 150, seed: 7 },
    );
  });
});

describe('findings', () => {
  test('stand gravest first, and once', () => {
    const list = [
      finding({ severity: 'note', rule: 'c/n' }),
      finding({ severity: 'error', rule: 'a/e' }),
      finding({ severity: 'note', rule: 'c/n' }),
    ];
    const text = renderFindings(list, plain);
    expect(text.indexOf('error a/e')).toBeLessThan(text.indexOf('note c/n'));
    expect(text.match(/c\/n/g)).toHaveLength(1);
  });

  test('of any text stay inside the terminal', () => {
    const text = fc.oneof(fc.string({ unit: 'binary', maxLength: 200 }), fc.constantFrom(...ATTACKS));
    fc.assert(
      fc.property(text, text, text, (what, why, file) => {
        expect(problemsOf(renderFindings([finding({ what, why, where: { file } })], plain), 80)).toEqual([]);
      }),
      { numRuns: 150, seed: 8 },
    );
  });

  test('in millions are counted, not printed', () => {
    const many = Array.from({ length: 5000 }, (_, i) => finding({ what: `thing ${i}` }));
    const text = renderFindings(many, plain);
    expect(text).toContain('… and 4800 warnings more');
    expect(text.length).toBeLessThan(120_000);
  });
});
