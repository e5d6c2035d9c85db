/**
 * Lineage on the page: each relation with its grounds, its tests and what it does not show.
 * @module
 */
import type { Assessment } from '../../assess/index.ts';
import type { Evidence } from '../../lineage/index.ts';
import { kindFacts } from '../kind-words.ts';
import { decimal, grouped, pValue } from '../numbers.ts';
import { CLAIM_WORDS } from '../outline.ts';
import { limitsOf, sortTests } from '../terminal-relation.ts';
import {
  capital,
  chanceWords,
  directionWords,
  evidenceWords,
  kindName,
  sentence,
  shareLabel,
  sharesTraining,
  shareWords,
  tieWords,
  VERDICT_MEANINGS,
  VERDICT_NAMES,
  verdictTone,
} from '../words.ts';
import { flipChart, layerFlips } from './chart.ts';
import { type Child, code, facts, fold, foreign, formula, heading, type Html, markup, NOTHING, own, table } from './markup.ts';

type Tie = Assessment['lineage']['relations'][number];

/** Relations told in full. (CWE-770) */
const MAX_RELATIONS = 100;

export function mark(text: string, tone: string): Html {
  return markup`<span class="mark ${own(tone)}">${text}</span>`;
}

export function lineageSection(a: Assessment, id: string, level: number): Html {
  const { relations, claims, register } = a.lineage;
  const none =
    register.models === 0 ? 'The register is empty: there was no known model to compare with.' : 'No tie to a known model was seen.';
  const claimRows = claims.map((claim): Child[] => [
    markup`${foreign(claim.name)}<small>${code(claim.from)}</small>`,
    capital(CLAIM_WORDS[claim.verdict]),
    sentence(claim.because),
  ]);
  const more = relations.length - MAX_RELATIONS;
  return markup`<section aria-labelledby="${own(id)}">
    ${heading(level, id, 'Lineage')}
    <p class="quiet">Compared with ${grouped(register.compared)} of ${grouped(register.models)} models in the register.</p>
    ${relations.length === 0 && a.lineage.verdict !== 'unresolved' ? markup`<p>${none}</p>` : NOTHING}
    ${relations.length === 0 && a.lineage.verdict === 'unresolved' ? markup`<p>${VERDICT_MEANINGS.unresolved}</p>` : NOTHING}
    ${relations.slice(0, MAX_RELATIONS).map((relation, i) => relationPart(relation, `${id}-${i + 1}`, level + 1))}
    ${more > 0 ? markup`<p>${more} more relations stand in the JSON answer.</p>` : NOTHING}
    ${table(`${id}-claims`, 'Base models the publisher names', [{ name: 'Named base' }, { name: 'Result' }, { name: 'Because' }], claimRows)}
  </section> `;
}

function relationPart(relation: Tie, id: string, level: number): Html {
  const { verdict, ancestor } = relation;
  const tied = verdict !== 'no-evidence' && verdict !== 'unresolved';
  const chart = sortTests(relation.tests).find((test) => layerFlips(test).length > 0);
  const chance = chanceWords(relation);
  return markup`<div class="relation">
    ${heading(level, id, foreign(ancestor.name))}
    <p class="lead">${mark(VERDICT_NAMES[verdict], verdictTone(verdict))} ${foreign(relation.b.name)}: ${tieWords(relation)}.</p>
    <p>${formula(sentence(relation.because))}</p>
    <p class="quiet small">“${VERDICT_NAMES[verdict]}” means: ${VERDICT_MEANINGS[verdict]}</p>
    ${facts([
      [
        'Evidence',
        verdict !== 'unresolved' &&
          markup`${formula(evidenceWords(relation))}${chance === '' ? NOTHING : markup`<br /><span class="quiet small">${formula(chance)}</span>`}`,
      ],
      [shareLabel(verdict), tied && shareWords(relation)],
      [
        'Kind',
        sharesTraining(verdict) &&
          markup`${kindName(relation.kind.name)}${relation.kind.note === '' ? '' : markup`. ${sentence(relation.kind.note)}`}`,
      ],
      ...(sharesTraining(verdict) ? kindFacts(relation.kind) : []),
      ['Direction', sharesTraining(verdict) && directionWords(relation)],
      ['Known model', markup`${code(ancestor.locator)}`],
      ['Its license', ancestor.licenseLabel || ancestor.licenses.join(', ') || 'not known'],
      ['Its digest', code(relation.a.digest)],
    ])}
    ${chart ? flipChart(chart, `${id}-chart`) : NOTHING} ${testTable(relation.tests, id)}
    ${relation.tests.length > 0 ? fold('Null models, assumptions and inputs of the tests', testDetails(relation.tests)) : NOTHING}
    ${limits(limitsOf(relation))}
  </div> `;
}

export function testTable(tests: readonly Evidence[], id: string): Html {
  const columns = [{ name: 'Test' }, { name: 'Question' }, { name: 'Statistic' }, { name: 'n', number: true }, { name: 'p', number: true }];
  const rows = sortTests(tests).map((test): Child[] => [
    markup`${code(test.test)}<small>${test.class}</small>`,
    test.question,
    markup`${test.statistic.name}: ${decimal(test.statistic.value)}${test.effect ? markup`<small>${test.effect.name}: ${decimal(test.effect.value)}</small>` : ''}`,
    grouped(test.n),
    test.log10P === null
      ? 'none'
      : markup`${formula(pValue(test.log10P))}<small>log10 p = ${decimal(test.log10P).replace('-', '−')}</small>`,
  ]);
  return table(`${id}-tests`, 'Tests', columns, rows);
}

/** Layers printed as numbers per test. (CWE-770) */
const MAX_LAYER_ROWS = 256;

/** What the tests rest on: each null model, and assumptions and inputs once for all tests that share them. */
export function testDetails(tests: readonly Evidence[]): Html {
  const all = tests.map((test) => test.test);
  const names = (users: readonly string[]): Child =>
    users.length < all.length && markup` <small class="quiet">(${users.join(', ')})</small>`;
  const assumptions = shared(tests.flatMap((test) => test.assumptions.map((item): [string, string] => [item, test.test])));
  const inputs = shared(tests.map((test) => [`A ${test.inputs.a}\nB ${test.inputs.b}`, test.test]));
  return facts([
    ...tests.map((test): [Child, Child] => [
      markup`${code(test.test)}<br /><span class="small">version ${test.version}, ${test.class}</span>`,
      markup`${sentence(test.nullModel)}${layerNumbers(test)}`,
    ]),
    [
      'Assumptions',
      assumptions.length > 0 &&
        markup`<ul>${assumptions.map(([item, users]) => markup`<li>${formula(sentence(item))}${names(users)}</li>`)}</ul>`,
    ],
    ['Inputs', inputs.map(([pair, users]) => markup`${pair.split('\n').map((line) => markup`${code(line)}<br />`)}${names(users)}`)],
  ]);
}

function layerNumbers(test: Evidence): Html {
  const layers = layerFlips(test);
  if (layers.length === 0) return NOTHING;
  const shown = layers.slice(0, MAX_LAYER_ROWS).map((layer) => `${layer.label} ${layer.agreeing}/${layer.flips}`);
  return markup`<br /><span class="quiet small">Agreeing: ${shown.join(', ')}${layers.length > shown.length ? ', …' : ''}</span>`;
}

/** What the same is said of: `[text, users]` in order of first use. */
function shared(pairs: readonly (readonly [text: string, user: string])[]): [string, string[]][] {
  const users = new Map<string, string[]>();
  for (const [text, user] of pairs) users.set(text, [...(users.get(text) ?? []), user]);
  return [...users];
}

function limits(items: readonly string[]): Html {
  if (items.length === 0) return NOTHING;
  return markup`<p>Limits of this comparison:</p>
    <ul>
      ${items.map((item) => markup`<li>${formula(sentence(item))}</li>`)}
    </ul>`;
}
