import fc from 'fast-check';
import { beforeAll, describe, expect, test } from 'vitest';
import { canDo } from './can.ts';
import { loadReasoning } from './load.ts';
import { reasonOver, type Reasoning } from './reason.ts';
import type { Act, EdgeAct } from '../terms/types.ts';
import { made, under } from './testing/graph.ts';
import { compareReasoning, withAct, withParent } from './what-if.ts';
import type { Context, LicenseEdge, LicenseGraph, LicenseNode } from './types.ts';

let ask: (graph: LicenseGraph, context?: Context) => Reasoning;
let can: (graph: LicenseGraph, acts: readonly Act[], context?: Context) => ReturnType<typeof canDo>;
beforeAll(async () => {
  const { book, rules } = await loadReasoning();
  ask = (graph, context = {}) => reasonOver(graph, context, book, rules);
  can = (graph, acts, context = {}) => canDo(graph, acts, context, book, rules);
});

/** `base` → … → `child`, each made from the one before. */
function chain(licenses: readonly (readonly string[])[], acts: readonly EdgeAct[]): LicenseGraph {
  const nodes: Record<string, LicenseNode> = {};
  licenses.forEach((ids, i) => (nodes[`m${i}`] = { name: `m${i}`, licenses: ids }));
  const edges = acts.map((act, i): LicenseEdge => ({ parent: `m${i}`, child: `m${i + 1}`, act, because: 'asked' }));
  return { nodes, edges, subject: `m${licenses.length - 1}` };
}
const dutyIds = (answer: Reasoning): string[] => answer.duties.map((duty) => duty.id);

describe('an ancestor', () => {
  test('is not hidden by a model between that put its own label on', () => {
    const answer = ask(chain([['CC-BY-NC-4.0'], ['MIT'], ['Apache-2.0']], ['finetune', 'merge']), { commercial: true });
    expect(answer.effective.expression).toBe('MIT AND CC-BY-NC-4.0 AND Apache-2.0');
    expect(answer.forbidden[0]).toMatchObject({ term: 'no.commercial', applies: 'yes', model: 'm0' });
    expect(answer.forbidden[0]!.path.map((step) => `${step.model} ${step.act}`)).toEqual(['m0 finetune', 'm1 merge']);
    expect(answer.drift.map((d) => [d.ancestor, d.kind])).toEqual([
      ['m1', 'relabelled'],
      ['m0', 'loosened'],
    ]);
  });

  test('of a student trained on outputs binds only as far as its text says', () => {
    const student = (license: string): Reasoning => ask(chain([[license], ['MIT'], ['MIT']], ['train-on-outputs', 'finetune']));
    expect(student('gemma-2025-03-24').effective.ids).toContain('gemma-2025-03-24');
    expect(student('llama-3.1').effective.ids).toEqual(['MIT']);
    const silent = (license: string): string[] =>
      student(license)
        .silent.filter((one) => one.act === 'train-on-outputs')
        .map((one) => one.license);
    expect([silent('Apache-2.0'), silent('openmdw-1.1')]).toEqual([['Apache-2.0'], []]);
  });

  test('by an unknown act gets the strictest reading, and says so', () => {
    const answer = ask(chain([['llama-3.1'], ['MIT']], ['unknown']));
    expect(dutyIds(answer)).toContain('llama-3.1/duty.name-prefix');
    expect(new Set(answer.duties.filter((d) => d.id.startsWith('llama')).map((d) => d.certainty))).toEqual(new Set(['unknown-act']));
  });

  test('reached by several ways counts by the closest', () => {
    const graph = chain([['llama-3.1'], [], ['MIT']], ['adapter', 'merge']);
    const both = { ...graph, edges: [...graph.edges, { parent: 'm0', child: 'm2', act: 'merge', because: 'asked' } as const] };
    const relation = (g: LicenseGraph): string => ask(g).licenses.find((one) => one.license === 'llama-3.1')!.relation;
    expect([relation(graph), relation(both)]).toEqual(['delta', 'derivative']);
  });

  test('that offers a choice binds by what the model chose, else by what asks for least', () => {
    const ids = (declared: string): readonly string[] => ask(made('finetune', ['MIT OR GPL-3.0-only'], { declared })).effective.ids;
    expect(ids('Apache-2.0')).toEqual(['MIT', 'Apache-2.0']);
    expect(ids('GPL-3.0-only')).toEqual(['GPL-3.0-only']);
    expect(ask(made('finetune', ['MIT OR GPL-3.0-only'])).notes[0]!.kind).toBe('choice');
  });

  test('whose license nobody knows is said to be unlisted, never free', () => {
    const answer = ask(made('finetune', ['LicenseRef-their-own'], { declared: 'MIT' }));
    expect(answer.notes.map((note) => note.kind)).toContain('unlisted');
    expect(answer.effective.kind).toBe('unknown');
    expect(can(under('LicenseRef-their-own'), ['host']).answer).toBe('text-silent');
  });
});

describe('a threshold', () => {
  const state = (license: string, context: Context): string => ask(under(license), { acts: ['product'], ...context }).thresholds[0]!.state;
  test('of a release date looks at that month and no other', () => {
    expect(state('llama-3.1', { users: { monthly: 900e6 } })).toBe('unknown');
    expect(state('llama-3.1', { users: { monthly: 900e6, atRelease: 500e6 } })).toBe('clear');
    expect(state('llama-3.1', { users: { byMonth: { '2024-06': 701e6 } } })).toBe('bites');
    expect(state('llama-3.1', { users: { byMonth: { '2024-07': 701e6 } } })).toBe('unknown');
    expect(state('llama-3.1', { users: { atRelease: { 'llama-3.1': 701e6 } } })).toBe('bites');
  });
  test('is passed by more than its number, not by its number, unless the text says from', () => {
    expect(state('llama-3.1', { users: { atRelease: 700_000_000 } })).toBe('clear');
    expect(state('lfm-open-1.0', { revenue: { annual: 10_000_000 } })).toBe('bites');
    expect(state('lfm-open-1.0', { revenue: { annual: 9_999_999 } })).toBe('clear');
  });
  test('in dollars is not decided by euros', () => {
    expect(state('stability-ai-community-2024-07-05', { revenue: { annual: 5e6, currency: 'EUR' } })).toBe('unknown');
  });
  test('of a month is settled by a year below it, never passed by a year above it', () => {
    expect(state('mistral-modified-mit-2026', { revenue: { annual: 19e6 } })).toBe('clear');
    expect(state('mistral-modified-mit-2026', { revenue: { annual: 100e6 } })).toBe('unknown');
  });
  test('that an exemption lifts says so', () => {
    expect(state('llama-3.1', { role: 'end-user', users: { atRelease: 1e9 } })).toBe('exempt');
    expect(state('lfm-open-1.0', { role: 'non-profit', revenue: { annual: 1e9 } })).toBe('exempt');
    expect(
      ask(under('kimi-k3'), {
        acts: ['internal-use'],
        conveyed: false,
        revenue: { last12Months: 1e9 },
        users: { monthly: 1e9 },
      }).thresholds.map((t) => t.state),
    ).toEqual(['exempt', 'exempt']);
  });
  test('tells when it would bite, and its effect', () => {
    const [answer] = ask(under('kimi-k2-modified-mit'), { acts: ['product'] }).thresholds;
    expect(answer).toMatchObject({
      state: 'unknown',
      bitesWhen: 'more than 100,000,000 monthly active users, or more than USD 20,000,000 in revenue in a month',
      effect: 'the words must be shown',
    });
  });
  test('of display asks for the words only once it is passed, and is met when they are shown', () => {
    const at = (monthly: number, shows?: string[]): Reasoning =>
      ask(under('kimi-k2-modified-mit'), { acts: ['product'], users: { monthly }, revenue: { monthly: 1 }, ...(shows && { shows }) });
    expect(dutyIds(at(1000))).not.toContain('kimi-k2-modified-mit/duty.display-above-threshold');
    expect(dutyIds(at(2e8))).toContain('kimi-k2-modified-mit/duty.display-above-threshold');
    expect([at(2e8).verdict, at(2e8, ['Kimi K2']).verdict]).toEqual(['unmet', 'ok']);
  });
});

describe('hosting', () => {
  test('counts as distribution only where the text says so', () => {
    const due = (license: string): string[] =>
      ask(under(license), { acts: ['host'] })
        .duties.filter((d) => d.applies === 'yes' && d.kind === 'deliver')
        .map((d) => d.id.split('/')[1]!);
    expect(due('Apache-2.0')).toEqual([]);
    expect(due('MIT')).toEqual([]);
    expect(due('yi-2.1')).toContain('duty.license-copy');
    expect(due('gemma-2025-03-24')).toContain('duty.license-copy');
    // Gemma exempts the notice file, and only it, for a hosted service.
    expect(due('gemma-2025-03-24')).not.toContain('duty.notice-file');
  });
  test('of a changed AGPL model brings the source, of an unchanged one it depends', () => {
    const source = (g: LicenseGraph): string | undefined =>
      ask(g, { acts: ['host'] }).duties.find((d) => d.id.endsWith('network-source'))?.applies;
    expect([source(made('finetune', ['AGPL-3.0-only'])), source(under('AGPL-3.0-only'))]).toEqual(['yes', 'if']);
  });
});

describe('asking whether something may be done', () => {
  const table: [string, Act[], Context, string][] = [
    ['MIT', ['commercial-use'], {}, 'yes'],
    ['MIT', ['train-on-outputs'], {}, 'text-silent'],
    ['MIT', ['distribute-weights'], {}, 'only-if'],
    ['llama-3.1', ['train-on-outputs'], {}, 'only-if'],
    ['llama-3.1', ['train-on-outputs'], { conveyed: false }, 'yes'],
    ['llama-3.1', ['train-on-outputs', 'distribute-derivative'], {}, 'only-if'],
    ['qwen-2024', ['train-on-outputs'], {}, 'only-if'],
    ['gemma-2025-03-24', ['train-on-outputs'], {}, 'only-if'],
    ['flux-1-dev-nc-1.1.1', ['commercial-use'], {}, 'no'],
    ['CC-BY-NC-4.0', ['commercial-use'], {}, 'no'],
    ['CC-BY-ND-4.0', ['finetune', 'distribute-derivative'], {}, 'no'],
    ['msr-license-terms', ['quantize'], {}, 'no'],
    ['llama-2', ['train-on-outputs'], {}, 'no'],
    ['flux-1-dev-nc-1.1.1', ['publish-outputs'], { commercial: true }, 'only-if'],
    ['flux-1-dev-nc-1.1.1', ['host'], {}, 'no'],
    ['openmdw-1.1', ['publish-outputs'], {}, 'yes'],
    ['llama-3.1', ['commercial-use'], { users: { atRelease: 5 } }, 'yes'],
    ['llama-3.1', ['commercial-use'], {}, 'only-if'],
    ['tencent-hunyuan-large-2024-11-05', ['host'], { territory: { served: ['FR'] } }, 'no'],
    ['falcon-180b-tii-1.0', ['host'], {}, 'no'],
    ['exaone-1.1-nc', ['commercial-use'], { commercial: true }, 'no'],
    ['mnpl-0.1', ['host'], { commercial: true }, 'no'],
  ];
  for (const [license, acts, context, answer] of table)
    test(`${license}, ${acts.join(' and ')}: ${answer}`, () => {
      const told = can(under(license), acts, context);
      expect(told.answer, JSON.stringify(told.acts)).toBe(answer);
      // Every reason but silence shows the words it rests on.
      for (const reason of told.acts.flatMap((one) => one.reasons))
        if (reason.answer !== 'text-silent') expect(reason.cites, reason.what).not.toEqual([]);
    });
  test('names the duty that training on outputs brings, with its clause, and no duty of the weights', () => {
    const [answer] = can(under('llama-3.1'), ['train-on-outputs']).acts;
    expect(answer!.reasons.filter((one) => one.answer === 'only-if').map((one) => [one.what, one.cites[0]!.section])).toEqual([
      [expect.stringMatching(/begin the model name.*"Llama".*distributed or made available/), '1.b.i'],
    ]);
    const [qwen] = can(under('qwen-2024'), ['train-on-outputs']).acts;
    expect(qwen!.reasons.map((one) => one.what).join()).toMatch(/Built with Qwen/);
  });
  test('tells a changed version once, not again as unchanged weights', () => {
    const { acts } = can(under('llama-3.1'), ['finetune', 'distribute-weights', 'distribute-derivative']);
    expect(acts.map((one) => one.act)).toEqual(['finetune', 'distribute-derivative']);
  });
  test('never answers yes without words to show', async () => {
    const { book } = await loadReasoning();
    for (const id of ['BSD-2-Clause', 'CC0-1.0', 'Artistic-2.0', 'mdl-2021', 'LicenseRef-x'])
      for (const act of ['host', 'distill', 'product', 'publish-outputs'] as const) {
        const { answer, acts } = can(under(id), [act]);
        if (answer === 'yes')
          expect(
            acts[0]!.reasons.some((r) => r.cites.length > 0),
            `${book.license(id).id} ${act}`,
          ).toBe(true);
      }
  });
});

describe('what changes', () => {
  test('when a parent is added is told as what comes and what goes', () => {
    const graph = made('finetune', ['Apache-2.0'], { declared: 'Apache-2.0', name: 'acme/Sage' });
    const after = withParent(graph, under('llama-3.1'), 'llama-3.1', 'merge');
    const change = compareReasoning(ask(graph), ask(after));
    expect(change.duties.added.map((d) => d.id)).toContain('llama-3.1/duty.notice-file');
    expect(change.duties.removed).toEqual([]);
    expect(change.names.added).toMatchObject([{ text: 'Llama', status: 'unmet' }]);
    expect(change.effective.after).toContain('llama-3.1');
  });
  test('when an act is another', () => {
    const graph = made('finetune', ['llama-3.1'], { declared: 'MIT' });
    const change = compareReasoning(ask(graph), ask(withAct(graph, 'parent-1', 'train-on-outputs')!));
    expect(change.drift.removed.map((d) => d.kind)).toEqual(['loosened']);
    expect(withAct(graph, 'nobody', 'merge')).toBeNull();
  });
});

describe('a graph that is broken', () => {
  test('by a loop of stated parents is cut at the same place every time, and all its licenses count', () => {
    const graph: LicenseGraph = {
      nodes: { a: { licenses: ['MIT'] }, b: { licenses: ['CC-BY-NC-4.0'] }, c: { licenses: ['Apache-2.0'] } },
      edges: [
        { parent: 'b', child: 'a', act: 'finetune', because: 'claimed' },
        { parent: 'c', child: 'b', act: 'finetune', because: 'claimed' },
        { parent: 'a', child: 'c', act: 'finetune', because: 'claimed' },
        { parent: 'a', child: 'a', act: 'finetune', because: 'claimed' },
      ],
      subject: 'a',
    };
    const answer = ask(graph);
    expect(answer.notes.filter((n) => n.kind === 'loop').map((n) => n.what)).toEqual([
      'the stated parents form a loop: a → b → c → a',
      'the stated parents form a loop: a → a',
    ]);
    expect(new Set(answer.effective.ids)).toEqual(new Set(['MIT', 'CC-BY-NC-4.0', 'Apache-2.0']));
    expect(JSON.stringify(ask(graph))).toBe(JSON.stringify(answer));
  });
  test('by its size is cut, and says so', () => {
    const n = 4000;
    const nodes: Record<string, LicenseNode> = {};
    for (let i = 0; i <= n; i++) nodes[`m${i}`] = { licenses: ['MIT'] };
    const edges = Array.from({ length: n }, (_, i): LicenseEdge => ({
      parent: `m${i + 1}`,
      child: `m${i}`,
      act: 'finetune',
      because: 'claimed',
    }));
    expect(ask({ nodes, edges, subject: 'm0' }).notes.map((note) => note.kind)).toContain('too-large');
  });
  test('by no license, or by one that nobody has read into the data, is never said to be in order', () => {
    expect(ask({ nodes: { A: { licenses: [] } }, edges: [], subject: 'A' }).verdict).toBe('needs-evidence');
    const { verdict, why } = ask(under('LicenseRef-nobody-knows'));
    expect([verdict, why]).toEqual(['needs-evidence', [expect.stringContaining('LicenseRef-nobody-knows')]]);
  });
  test('in any way is answered without a crash, twice the same', () => {
    const id = fc.oneof(
      fc.constantFrom('MIT', 'llama-3.1', 'GPL-3.0-only', 'CC-BY-NC-4.0', 'gemma', 'MIT OR Apache-2.0', '__proto__', 'constructor', ''),
      fc.string({ maxLength: 12, unit: 'binary' }),
    );
    const name = fc.constantFrom('a', 'b', 'c', '__proto__', 'constructor', 'toString', 'missing');
    const act = fc.constantFrom<EdgeAct>(
      'finetune',
      'adapter',
      'merge',
      'quantize',
      'convert',
      'prune',
      'distill',
      'train-on-outputs',
      'copy',
      'unknown',
    );
    const edge = fc.record({
      parent: name,
      child: name,
      act,
      because: fc.constantFrom<'weights' | 'claimed' | 'asked'>('weights', 'claimed', 'asked'),
    });
    fc.assert(
      fc.property(
        fc.array(fc.tuple(name, fc.array(id, { maxLength: 3 })), { maxLength: 6 }),
        fc.array(edge, { maxLength: 12 }),
        name,
        (listed, edges, subject) => {
          const nodes: Record<string, LicenseNode> = Object.create(null) as Record<string, LicenseNode>;
          for (const [key, licenses] of listed) nodes[key] = { licenses };
          const graph = { nodes, edges, subject };
          expect(JSON.stringify(ask(graph))).toBe(JSON.stringify(ask(graph)));
        },
      ),
      { numRuns: 200 },
    );
  });
});

test('no word of blame stands in anything that is said', async () => {
  const { book, rules } = await loadReasoning();
  const said = JSON.stringify([
    rules.rules.map((rule) => [rule.says, rule.means, rule.note]),
    ['MIT', 'llama-3.1', 'CC-BY-NC-4.0', 'gemma-2025-03-24'].map(
      (id) => reasonOver(made('finetune', [id], { declared: 'MIT', name: 'x' }), { commercial: true }, book, rules).why,
    ),
  ]);
  expect(said).not.toMatch(/violat|thief|theft|stolen|steal|illegal|launder/i);
});
