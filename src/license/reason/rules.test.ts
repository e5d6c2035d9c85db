import { readFileSync } from 'node:fs';
import { beforeAll, describe, expect, test } from 'vitest';
import { readShared } from '../testing/shared.ts';
import { loadReasoning } from './load.ts';
import { reasonOver, type Reasoning } from './reason.ts';
import { made, under } from './testing/graph.ts';
import type { Context, Holds, LicenseGraph, RuleHit } from './types.ts';

const GEMMA = 'gemma-2025-03-24';
const RAIL = 'creativeml-openrail-m';
const FLUX = 'flux-1-dev-nc-1.1.1';
const HUNYUAN = 'tencent-hunyuan-large-2024-11-05';
const STABILITY = 'stability-ai-community-2024-07-05';

/** For each rule a case in which it holds and one, as near as can be, in which it does not. */
type Case = readonly [says: string, graph: LicenseGraph, context?: Context];
const TABLE: readonly (readonly [rule: string, holds: Case, holdsNot: Case])[] = [
  [
    'R01',
    ['NC child declared MIT', made('finetune', ['CC-BY-NC-4.0'], { declared: 'MIT' })],
    ['NC child declared NC', made('finetune', ['CC-BY-NC-4.0'], { declared: 'CC-BY-NC-SA-4.0' })],
  ],
  [
    'R02',
    ['SA child declared BY', made('merge', ['CC-BY-SA-4.0'], { declared: 'CC-BY-4.0' })],
    ['SA child declared GPL-3.0, which Creative Commons lists', made('merge', ['CC-BY-SA-4.0'], { declared: 'GPL-3.0-or-later' })],
  ],
  [
    'R03',
    ['SA and NC merged', made('merge', ['CC-BY-SA-4.0', 'CC-BY-NC-4.0'])],
    ['SA and BY merged', made('merge', ['CC-BY-SA-4.0', 'CC-BY-4.0'])],
  ],
  ['R04', ['ND fine-tuned and shared', made('finetune', ['CC-BY-ND-4.0'])], ['ND converted and shared', made('convert', ['CC-BY-ND-4.0'])]],
  [
    'R05',
    ['GPL and Llama merged', made('merge', ['GPL-3.0-only', 'llama-3.1'])],
    ['the same, kept inside', made('merge', ['GPL-3.0-only', 'llama-3.1']), { conveyed: false }],
  ],
  [
    'R06',
    ['RAIL child declared Apache', made('adapter', [RAIL], { declared: 'Apache-2.0' })],
    ['RAIL child under a license with the same list', made('finetune', [RAIL], { declared: 'openrail++-m-2022-11-24' })],
  ],
  [
    'R07',
    ['BigCode child under another RAIL', made('finetune', ['bigcode-openrail-m-v1'], { declared: RAIL })],
    ['BigCode child under its own license', made('finetune', ['bigcode-openrail-m-v1'], { declared: 'bigcode-openrail-m-v1' })],
  ],
  [
    'R08',
    ['two RAILs with different lists', made('merge', [RAIL, 'deepseek-model-1.0'])],
    ['two RAILs with one list', made('merge', ['bigscience-bloom-rail-1.0', 'bigscience-openrail-m'])],
  ],
  [
    'R09',
    ['Llama child named Sage', made('finetune', ['llama-3.1'], { name: 'acme/Sage' })],
    ['Llama child named Llama-Sage', made('finetune', ['llama-3.1'], { name: 'acme/Llama-Sage' })],
  ],
  [
    'R10',
    ['student of Llama 3.3 named Sage', made('train-on-outputs', ['llama-3.3'], { name: 'Sage' })],
    ['student of Llama 3.3 named Llama-Sage', made('train-on-outputs', ['llama-3.3'], { name: 'Llama-Sage' })],
  ],
  ['R11', ['student of Llama 2', made('train-on-outputs', ['llama-2'])], ['student of Apache', made('train-on-outputs', ['Apache-2.0'])]],
  [
    'R12',
    ['student of Gemma declared MIT', made('train-on-outputs', [GEMMA], { declared: 'MIT' })],
    ['student of Gemma under Gemma', made('train-on-outputs', [GEMMA], { declared: GEMMA })],
  ],
  [
    'R13',
    ['student of Qwen without its line', made('train-on-outputs', ['qwen-2024'], { ships: [] })],
    ['student of Qwen with its line', made('train-on-outputs', ['qwen-2024'], { ships: ['duty.attribution-display'] })],
  ],
  [
    'R14',
    ['Llama child without anything', made('finetune', ['llama-3.1'], { ships: [] })],
    [
      'Llama child with copy, notice and words',
      made('finetune', ['llama-3.1'], { ships: ['duty.license-copy', 'duty.notice-file', 'duty.attribution-display'] }),
    ],
  ],
  [
    'R15',
    ['Llama child declared MIT', made('finetune', ['llama-3.1'], { declared: 'MIT' })],
    ['Llama adapter alone declared MIT: the delta is its maker’s', made('adapter', ['llama-3.1'], { declared: 'MIT' })],
  ],
  [
    'R16',
    ['Gemma child declared Apache', made('finetune', [GEMMA], { declared: 'Apache-2.0' })],
    ['Gemma child under an older Gemma with the same policy', made('finetune', [GEMMA], { declared: 'gemma-2024-04-01' })],
  ],
  [
    'R17',
    ['FLUX child declared NC', made('finetune', [FLUX], { declared: 'CC-BY-NC-4.0' })],
    ['FLUX child under FLUX', made('finetune', [FLUX], { declared: FLUX })],
  ],
  [
    'R18',
    ['MNPL child declared Apache', made('finetune', ['mnpl-0.1'], { declared: 'Apache-2.0' })],
    ['MNPL child declared NC', made('finetune', ['mnpl-0.1'], { declared: 'CC-BY-NC-4.0' })],
  ],
  [
    'R19',
    ['Qwen Research in commerce', made('finetune', ['qwen-research-2024']), { commercial: true }],
    ['Qwen Research without', made('finetune', ['qwen-research-2024']), { commercial: false }],
  ],
  [
    'R20',
    ['Hunyuan served in Germany', under(HUNYUAN), { acts: ['host'], territory: { served: ['DE'] } }],
    ['Hunyuan served in Korea', under(HUNYUAN), { acts: ['host'], territory: { served: ['KR'] } }],
  ],
  [
    'R21',
    [
      'Llama 4, multimodal, in France',
      under('llama-4'),
      { acts: ['use'], role: 'company', multimodal: true, territory: { principalPlace: 'FR' } },
    ],
    [
      'Llama 4, text only, in France',
      under('llama-4'),
      { acts: ['use'], role: 'company', multimodal: false, territory: { principalPlace: 'FR' } },
    ],
  ],
  [
    'R22',
    ['Stability past a million', under(STABILITY), { acts: ['product'], revenue: { annual: 1_200_000 } }],
    ['Stability at a million', under(STABILITY), { acts: ['product'], revenue: { annual: 1_000_000 } }],
  ],
  [
    'R23',
    ['Falcon-180B as an API', under('falcon-180b-tii-1.0'), { acts: ['host'] }],
    ['Falcon-180B in a product', under('falcon-180b-tii-1.0'), { acts: ['product'] }],
  ],
  [
    'R24',
    ['Gemma child hosted without anything', made('finetune', [GEMMA], { ships: [] }), { acts: ['host'] }],
    [
      'Gemma child hosted with all of it',
      made('finetune', [GEMMA], { ships: ['duty.license-copy', 'duty.notify-downstream', 'duty.restrictions-flowdown'] }),
      { acts: ['host'] },
    ],
  ],
  [
    'R25',
    ['Apache child with the MIT text only', made('finetune', ['Apache-2.0'], { declared: 'MIT', ships: [] })],
    [
      'Apache child declared MIT with all notices',
      made('finetune', ['Apache-2.0'], { declared: 'MIT', ships: ['duty.license-copy', 'duty.retain-notices', 'duty.state-changes'] }),
    ],
  ],
  [
    'R26',
    ['Kimi child called MIT', made('finetune', ['kimi-k2-modified-mit'], { declared: 'MIT' })],
    ['Kimi child under its own license', made('finetune', ['kimi-k2-modified-mit'], { declared: 'kimi-k2-modified-mit' })],
  ],
  [
    'R27',
    ['code and weights differ', made('finetune', ['MIT'], { node: { components: { code: ['MIT'], weights: [RAIL] } } })],
    ['code and weights agree', made('finetune', ['MIT'], { node: { components: { code: ['MIT'], weights: ['MIT'] } } })],
  ],
  [
    'R28',
    ['Yi child declared Apache, revision unknown', made('finetune', ['yi-2.1'], { declared: 'Apache-2.0' })],
    [
      'Yi child declared Apache, revision known',
      made('finetune', [{ licenses: ['yi-2.1'], revision: '6280097' }], { declared: 'Apache-2.0' }),
    ],
  ],
  [
    'R29',
    ['Gemma takes a policy in', made('finetune', [GEMMA])],
    ['a student of Llama’s outputs takes none', made('train-on-outputs', ['llama-3.1'])],
  ],
  [
    'R30',
    ['CC-BY and RAIL merged', made('merge', ['CC-BY-4.0', RAIL])],
    ['CC-BY and Apache merged', made('merge', ['CC-BY-4.0', 'Apache-2.0'])],
  ],
  [
    'R31',
    ['NVIDIA Foundation and AGPL merged', made('merge', ['nvidia-ai-foundation-models', 'AGPL-3.0-only'])],
    ['NVIDIA Foundation and MIT merged', made('merge', ['nvidia-ai-foundation-models', 'MIT'])],
  ],
  [
    'R32',
    ['Llama and EXAONE merged', made('merge', ['llama-3.1', 'exaone-1.1-nc'])],
    ['Llama 3 and Llama 3.1 merged', made('merge', ['llama-3', 'llama-3.1'])],
  ],
  [
    'R33',
    ['Llama 3 and Tongyi merged', made('merge', ['llama-3', 'tongyi-qianwen-2023'])],
    ['Llama 3 and MIT merged', made('merge', ['llama-3', 'MIT'])],
  ],
  ['R34', ['MSR quantized', made('quantize', ['msr-license-terms'])], ['MIT quantized', made('quantize', ['MIT'])]],
  [
    'R35',
    ['OpenMDW child without copy', made('finetune', ['openmdw-1.1'], { ships: [] })],
    ['OpenMDW child with copy and notices', made('finetune', ['openmdw-1.1'], { ships: ['duty.license-copy', 'duty.retain-notices'] })],
  ],
  [
    'R36',
    ['C4AI outputs for commerce', made('train-on-outputs', [['CC-BY-NC-4.0', 'c4ai-aup']]), { commercial: true }],
    ['C4AI outputs without', made('train-on-outputs', [['CC-BY-NC-4.0', 'c4ai-aup']]), { commercial: false }],
  ],
  ['R37', ['parent without a license', made('finetune', [{ licenses: [] }])], ['parent with one', made('finetune', ['MIT'])]],
  [
    'R38',
    ['parent with a changed text', made('finetune', [{ licenses: ['llama-2'], modified: ['llama-2'] }])],
    ['parent with the text as published', made('finetune', ['llama-2'])],
  ],
];

let answer: (graph: LicenseGraph, context?: Context) => Reasoning;
let ids: string[];
beforeAll(async () => {
  const { book, rules } = await loadReasoning();
  answer = (graph, context = {}) => reasonOver(graph, context, book, rules);
  ids = rules.rules.map((rule) => rule.id);
});
/** Graver than no: a rule may speak of several licenses. */
function verdictOf(hits: readonly RuleHit[], rule: string): Holds {
  const values = hits.filter((hit) => hit.rule === rule).map((hit) => hit.holds);
  return values.includes('yes') ? 'yes' : values.includes('if') ? 'if' : 'no';
}

describe('each of the 38 rules', () => {
  test('has a case for and a case against', () => expect(TABLE.map(([rule]) => rule)).toEqual(ids));
  for (const [rule, [yes, graph, context], [no, other, otherContext]] of TABLE) {
    test(`${rule} holds: ${yes}`, () => {
      const { rules } = answer(graph, context);
      expect(verdictOf(rules, rule)).toBe('yes');
      for (const hit of rules.filter((one) => one.rule === rule && rule !== 'R27' && rule !== 'R37' && rule !== 'R38'))
        expect(hit.cites).not.toEqual([]);
    });
    test(`${rule} does not hold: ${no}`, () => expect(verdictOf(answer(other, otherContext).rules, rule)).toBe('no'));
  }
});

describe('what is not known', () => {
  test('is neither yes nor no, and what would decide it is told', () => {
    const hit = answer(made('finetune', ['CC-BY-NC-4.0'])).rules.find((one) => one.rule === 'R19')!;
    expect([hit.holds, hit.needs]).toEqual(['if', ['whether the use is commercial']]);
    const french = answer(under('llama-4'), { acts: ['use'], role: 'company', territory: { principalPlace: 'FR' } }).rules.find(
      (one) => one.rule === 'R21',
    )!;
    expect([french.holds, french.needs]).toEqual(['if', ['whether the model is multimodal']]);
  });
});

describe('every clause of a rule', () => {
  test('stands in its license', () => {
    const flat = (t: string): string => t.replace(/\*\*|\\/g, '').replace(/\s+/g, ' ');
    const { rules } = JSON.parse(readFileSync(new URL('../data/rules.json', import.meta.url), 'utf8')) as {
      rules: { clauses: { textId: string; quote: string }[] }[];
    };
    for (const { textId, quote } of rules.flatMap((rule) => rule.clauses))
      expect(flat(readShared(`texts/${textId}.txt`)), `${textId}: ${quote}`).toContain(flat(quote));
  });
  test('is the one of catalog/rules.json', () => {
    const source = JSON.parse(readFileSync(new URL('../../../catalog/rules.json', import.meta.url), 'utf8')) as {
      rules: { then: string }[];
    };
    const compiled = JSON.parse(readFileSync(new URL('../data/rules.json', import.meta.url), 'utf8')) as { rules: unknown[] };
    expect(compiled.rules, 'run npm run catalog').toEqual(
      source.rules.map(({ then: means, ...rule }) => ({ ...rule, when: undefined, means })),
    );
  });
});
