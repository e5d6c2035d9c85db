import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { memoryTree } from '../base/index.ts';
import { type Model, readModel } from '../model/index.ts';
import { openTree } from '../sources/index.ts';
import { type AncestorLicense, judgeLicense, type LicenseJudgement } from './index.ts';
import { listShared, readShared } from './testing/shared.ts';

const model = (files: Record<string, string>): Promise<Model> =>
  readModel(memoryTree('made/up', Object.fromEntries(Object.entries(files).map(([path, text]) => [path, new TextEncoder().encode(text)]))));
const judge = async (files: Record<string, string>, ancestors: AncestorLicense[] = []): Promise<LicenseJudgement> =>
  judgeLicense(await model(files), ancestors);
const card = (front: string, body = ''): Record<string, string> => ({ 'README.md': `---\n${front}\n---\n${body}` });
const ancestor = (...licenses: string[]): AncestorLicense => ({ name: 'lab/Base-1B', licenses, because: 'weights' });
const text = (id: string): string => readShared(`texts/${id}.txt`);
const rules = (judgement: LicenseJudgement): string[] => judgement.findings.map((f) => f.rule);

describe('what a model states', () => {
  test('is its tag, with the id and the place it stands', async () => {
    const { declared, effective, findings } = await judge(card('license: apache-2.0'));
    expect(declared).toEqual([{ value: 'apache-2.0', id: 'Apache-2.0', kind: 'permissive', from: 'README.md: license' }]);
    expect(effective).toMatchObject({ ids: ['Apache-2.0'], kind: 'permissive', from: 'own' });
    expect(findings).toEqual([]);
  });

  test('is the license_name when the tag says other', async () => {
    const { declared } = await judge(card('license: other\nlicense_name: acme-community-1.0'));
    expect(declared).toMatchObject([{ value: 'acme-community-1.0', id: 'LicenseRef-acme-community-1.0', kind: 'unknown' }]);
    expect((await judge(card('license: other\nlicense_name: llama-3.1-community-license'))).declared[0]!.from).toBe('README.md: license');
  });

  test('that is other, with no name and no text, is worth a finding', async () => {
    expect(rules(await judge(card('license: other')))).toContain('license/other-without-name');
    expect(rules(await judge({ ...card('license: other'), LICENSE: text('MIT') }))).not.toContain('license/other-without-name');
  });

  test('that nobody knows is worth a finding and binds as unknown', async () => {
    const judgement = await judge(card('license: my-own-thing'));
    expect(rules(judgement)).toContain('license/declared-unknown');
    expect(judgement.effective).toMatchObject({ ids: ['LicenseRef-my-own-thing'], kind: 'unknown' });
  });

  test('and asks for things that are not in the data is said, so that no duty does not read as none asked for', async () => {
    const isc = await judge(card('license: isc'));
    expect([isc.duties, rules(isc)]).toEqual([[], ['license/duties-not-listed']]);
    expect(isc.findings[0]).toMatchObject({ severity: 'note', what: 'what ISC asks for is not listed here' });
    const inherited = await judge(card('license: mit'), [ancestor('LicenseRef-their-own')]);
    expect(inherited.findings.map((f) => f.what)).toEqual(['what LicenseRef-their-own asks for is not listed here']);
    for (const tag of ['mit', 'cc0-1.0']) expect(rules(await judge(card(`license: ${tag}`)))).toEqual([]);
  });

  test('that is nothing means no permission', async () => {
    const judgement = await judge(card('language: en'));
    expect(rules(judgement)).toEqual(['license/none-stated']);
    expect(judgement.effective).toMatchObject({ ids: [], from: 'none' });
  });

  test('in the tag and in the text may differ, and both are shown', async () => {
    const judgement = await judge({ ...card('license: mit'), LICENSE: text('CC-BY-NC-4.0') });
    const finding = judgement.findings.find((f) => f.rule === 'license/declared-differs-from-text');
    expect(finding).toMatchObject({
      where: { file: 'README.md', field: 'license' },
      what: 'README.md: license says mit; LICENSE holds the text of CC-BY-NC-4.0',
    });
    expect(judgement.effective).toMatchObject({ ids: ['MIT', 'CC-BY-NC-4.0'], kind: 'non-commercial' });
  });

  test('in tag and text agree when the text is the version the tag leaves open', async () => {
    const judgement = await judge({ ...card('license: gemma'), LICENSE: text('gemma-2024-04-01') });
    expect(rules(judgement)).toEqual([]);
    expect(judgement.effective.ids).toEqual(['gemma-2024-04-01']);
  });

  test('in a changed text is a finding with the changed words', async () => {
    const judgement = await judge({ ...card('license: apache-2.0'), LICENSE: text('Apache-2.0').replace('perpetual, ', '') });
    expect(judgement.findings.find((f) => f.rule === 'license/text-modified')!.what).toContain('"perpetual"');
  });
});

describe('what became of the ancestor’s license', () => {
  const table: [string, Record<string, string>, AncestorLicense, string][] = [
    ['the same tag', card('license: apache-2.0'), ancestor('Apache-2.0'), 'kept'],
    ['mit for apache', card('license: mit'), ancestor('Apache-2.0'), 'relabelled'],
    ['mit, with the apache text beside', { ...card('license: mit'), 'LICENSE.base': text('Apache-2.0') }, ancestor('Apache-2.0'), 'kept'],
    ['mit for a RAIL license', card('license: mit'), ancestor('bigscience-openrail-m'), 'loosened'],
    ['apache for Llama 3.1', card('license: apache-2.0'), ancestor('llama-3.1'), 'loosened'],
    ['apache for non-commercial', card('license: apache-2.0'), ancestor('CC-BY-NC-4.0'), 'loosened'],
    ['non-commercial for mit', card('license: cc-by-nc-4.0'), ancestor('MIT'), 'tightened'],
    [
      'apache for Llama 3.1, with its policy in the folder',
      { ...card('license: apache-2.0'), 'USE_POLICY.md': text('llama-3.1-aup') },
      ancestor('llama-3.1'),
      'loosened',
    ],
    ['nothing', card('language: en'), ancestor('llama-3.1'), 'dropped'],
    ['a tag of all versions', card('license: gemma'), ancestor('gemma-2024-04-01'), 'kept'],
    ['mit for a license nobody knows', card('license: mit'), ancestor('LicenseRef-heirloom-community-test-1.0'), 'relabelled'],
    [
      'the same unknown license',
      card('license: other\nlicense_name: Heirloom Community Test 1.0'),
      ancestor('LicenseRef-heirloom-community-test-1.0'),
      'kept',
    ],
  ];
  for (const [name, files, from, kind] of table)
    test(`is ${kind} by ${name}`, async () => {
      expect((await judge(files, [from])).drift).toMatchObject([
        { kind, ancestor: 'lab/Base-1B', because: 'weights', from: from.licenses },
      ]);
    });

  test('is told as facts, without blame', async () => {
    const [drift] = (await judge(card('license: mit'), [{ ...ancestor('llama-3.1'), from: 'LICENSE' }])).drift;
    expect(drift!.what).toBe(
      'this card says mit (README.md: license); lab/Base-1B, which shares training with this model (which came first is not in the weights), is bound by llama-3.1 (LICENSE); nothing in the folder grants the change',
    );
  });

  test('is told with what shows that it came first: the weights, or only the card', async () => {
    const told = async (cameFirst: 'weights' | 'card'): Promise<string> =>
      (await judge(card('license: mit'), [{ ...ancestor('MIT'), cameFirst }])).drift[0]!.what;
    expect(await told('weights')).toBe(
      'this card says mit (README.md: license); lab/Base-1B, which the weights show as an ancestor, is bound by MIT; the two agree',
    );
    expect(await told('card')).toContain('lab/Base-1B, which this model names as its base and shares training with, is bound by MIT');
  });

  test('binds on, whatever the label says', async () => {
    expect((await judge(card('license: mit'), [ancestor('llama-3.1')])).effective).toMatchObject({
      ids: ['MIT', 'llama-3.1'],
      kind: 'use-restricted',
      from: 'both',
    });
    expect((await judge(card('language: en'), [ancestor('llama-3.1')])).effective).toMatchObject({ ids: ['llama-3.1'], from: 'inherited' });
  });

  test('is read the same in every corpus model as its maker labelled it', async () => {
    const corpus = new URL('../../../shared/lineage-corpus/', import.meta.url);
    const { models } = JSON.parse(readFileSync(new URL('manifest.json', corpus), 'utf8')) as {
      models: { id: string; truth: { licence_drift: string; licence_of_roots: Record<string, string> } }[];
    };
    const as: Record<string, string> = {
      kept: 'kept',
      relabelled: 'relabelled',
      loosened: 'relabelled',
      tightened: 'relabelled',
      dropped: 'omitted',
    };
    const wrong: string[] = [];
    let judged = 0;
    for (const { id: folder, truth } of models) {
      if (truth.licence_drift === 'n/a') continue;
      const roots = Object.values(truth.licence_of_roots).map((id) => (id.startsWith('heirloom') ? `LicenseRef-${id}` : id));
      const tree = await openTree(fileURLToPath(new URL(folder, corpus)));
      const drift = (
        await judgeLicense(
          await readModel(tree),
          roots.map((id, k) => ({ name: `root-${k}`, licenses: [id], because: 'weights' })),
        )
      ).drift;
      await tree.close();
      judged++;
      const worst = drift.some((d) => d.kind === 'dropped')
        ? 'omitted'
        : drift.every((d) => d.kind === 'kept')
          ? 'kept'
          : as[drift.find((d) => d.kind !== 'kept')!.kind];
      if (worst !== truth.licence_drift) wrong.push(`${folder}: ${worst}, not ${truth.licence_drift}`);
    }
    expect(judged).toBeGreaterThan(30);
    expect(wrong).toEqual([]);
  });
});

describe('a duty', () => {
  const statuses = (j: LicenseJudgement): Record<string, string> => Object.fromEntries(j.duties.map((d) => [d.id, d.status]));

  test('of a Llama 3.1 descendant is unmet until the files show it', async () => {
    const bare = statuses(await judge(card('license: mit', '# made/up'), [ancestor('llama-3.1')]));
    expect(bare).toMatchObject({
      'llama-3.1/duty.license-copy': 'unmet',
      'llama-3.1/duty.notice-file': 'unmet',
      'llama-3.1/duty.attribution-display': 'unmet',
      'llama-3.1/duty.name-prefix': 'unmet',
    });
    const full = statuses(
      await judge(
        {
          ...card('license: llama3.1\nbase_model: lab/Base-1B', '# Llama-Acme-8B\n\nBuilt with Llama. Fine-tuned on prose.'),
          LICENSE: text('llama-3.1'),
          NOTICE: 'Llama 3.1 is licensed under the Llama 3.1 Community License, Copyright © Meta Platforms, Inc. All Rights Reserved.',
        },
        [ancestor('llama-3.1')],
      ),
    );
    expect(full).toMatchObject({
      'llama-3.1/duty.license-copy': 'met',
      'llama-3.1/duty.notice-file': 'met',
      'llama-3.1/duty.attribution-display': 'met',
      'llama-3.1/duty.name-prefix': 'met',
    });
  });

  test('of a publisher’s own license is never called unmet: files do not say who the licensor is', async () => {
    expect((await judge(card('license: llama3.1'))).duties.map((d) => d.status)).not.toContain('unmet');
  });

  test('quotes words that stand in its license, and so do conflict clauses', async () => {
    const flat = (t: string): string => t.replace(/\*\*|\\/g, '').replace(/\s+/g, ' ');
    const read = (name: string): unknown => JSON.parse(readFileSync(new URL(`data/${name}.json`, import.meta.url), 'utf8'));
    const records = read('records') as { id: string; terms: { term: string; quote: string; textId?: string }[] }[];
    const { rules: all } = read('rules') as { rules: { clauses: { textId: string; quote: string }[] }[] };
    const quotes = [
      ...records.flatMap((r) =>
        r.terms.filter((t) => t.term.startsWith('duty.')).map((t) => ({ textId: t.textId ?? r.id, quote: t.quote })),
      ),
      ...all.flatMap((rule) => rule.clauses),
    ];
    const files = new Set(listShared('texts'));
    let checked = 0;
    for (const { textId, quote } of quotes) {
      expect(files).toContain(`${textId}.txt`);
      expect(flat(text(textId)).includes(flat(quote)), `${textId}: ${quote}`).toBe(true);
      checked++;
    }
    expect(checked).toBeGreaterThan(200);
  });
});

describe('two licenses on the same weights', () => {
  test('conflict when one forbids the restrictions the other adds', async () => {
    const { conflicts } = await judge(card('license: gpl-3.0'), [ancestor('creativeml-openrail-m')]);
    expect(conflicts.map((c) => c.rule)).toEqual(['license/conflict-further-restrictions']);
    expect(conflicts[0]!.why).toContain('You may not impose any further restrictions');
  });
  test('conflict when an ancestor lets no changed version be shared', async () => {
    expect((await judge(card('license: mit'), [ancestor('CC-BY-ND-4.0')])).conflicts.map((c) => c.rule)).toContain(
      'license/conflict-no-derivatives',
    );
  });
  test('do not conflict when both are permissive', async () => {
    expect((await judge(card('license: mit'), [ancestor('Apache-2.0')])).conflicts).toEqual([]);
  });
});

test('no word of blame stands in anything that is said', async () => {
  const judgements = [
    await judge({ ...card('license: mit'), LICENSE: text('CC-BY-NC-4.0') }, [ancestor('llama-3.1', 'CC-BY-ND-4.0', 'GPL-3.0-only')]),
    await judge(card('license: other'), [ancestor('Apache-2.0')]),
  ];
  const said = judgements
    .flatMap((j) => [
      j.effective.why,
      ...j.drift.map((d) => d.what),
      ...[...j.findings, ...j.conflicts].flatMap((f) => [f.what, f.why, f.fix]),
    ])
    .join('\n');
  expect(said).not.toMatch(/violat|thief|theft|stolen|steal|illegal|open[- ]source|laundr/i);
});

test('any tag, name and file text gives a judgement and no crash', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.string({ maxLength: 60, unit: 'binary' }),
      fc.string({ maxLength: 60 }),
      fc.string({ maxLength: 400 }),
      async (tag, name, file) => {
        const base = await model({ LICENSE: file });
        const claims = {
          ...base.claims,
          licenses: [{ value: tag, from: 'README.md: license' }],
          licenseName: { value: name, from: 'README.md: license_name' },
        };
        const judgement = await judgeLicense({ ...base, claims }, [{ name, licenses: [tag, name], because: 'claimed' }]);
        expect(judgement.drift).toHaveLength(1);
      },
    ),
    { numRuns: 60 },
  );
});
