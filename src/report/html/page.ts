/**
 * The report as one HTML file that loads nothing, runs nothing and prints.
 * @module
 */
import type { Assessment } from '../../assess/index.ts';
import { grouped, humanBytes, humanCount } from '../numbers.ts';
import { outcomeOf, summaryOf } from '../outline.ts';
import { clean } from '../text.ts';
import { capital, counted, sentence } from '../words.ts';
import { filesFold, findingsSection, safetySection } from './findings.ts';
import { creditSection, licenseSection } from './license.ts';
import { lineageSection, mark } from './lineage.ts';
import { code, facts, foreign, formula, heading, type Html, markup, NOTHING, own, table } from './markup.ts';
import { quoted, shell } from './shell.ts';

/** Several models in one report. */
export interface Report {
  readonly title: string;
  readonly assessments: readonly Assessment[];
}

/** Models in one report; a page of more would not open. (CWE-770) */
const MAX_MODELS = 200;
/** Limits told per model. (CWE-770) */
const MAX_LIMITS = 100;

/**
 * One self-contained page: no script, no request (the content security policy allows its own style sheet only), light and dark,
 * for phone, desktop and paper. Every string of the assessment is shown as text. Same input, same bytes.
 */
export function renderHtml(input: Assessment | Report): string {
  const report: Report = 'assessments' in input ? input : { title: input.subject.name, assessments: [input] };
  const single = !('assessments' in input);
  const models = report.assessments.slice(0, MAX_MODELS);
  const tool = models[0]?.tool;
  return shell({
    title: `${clean(report.title, 200)}: model report`,
    header: single
      ? NOTHING
      : markup`<header>
          <p class="eyebrow">Heirloom report on ${counted(report.assessments.length, 'model')}</p>
          <h1>${foreign(clean(report.title, 200))}</h1>
        </header>`,
    main: markup`${single ? NOTHING : overview(models)} ${models.map((a, i) => model(a, `m${i + 1}`, single ? 1 : 2))}
    ${models.length < report.assessments.length ? markup`<p>${report.assessments.length - models.length} more models stand in the JSON answer.</p>` : NOTHING}`,
    ...(tool ? { tool: `${tool.name} ${tool.version}` } : {}),
  });
}

function overview(models: readonly Assessment[]): Html {
  const rows = models.map((a, i) => [
    markup`<a href="#m${i + 1}">${foreign(clean(a.subject.name, 120))}</a>`,
    ...summaryOf(a).map((line) => markup`${mark(line.badge, line.tone)}`),
    outcomeOf(a).toActOn || 'nothing',
  ]);
  const columns = [
    { name: 'Model' },
    { name: 'Lineage' },
    { name: 'License' },
    { name: 'Credit' },
    { name: 'Safety' },
    { name: 'To act on' },
  ];
  return markup`<nav aria-label="Models">${table('overview', 'Models in this report', columns, rows)}</nav>`;
}

function model(a: Assessment, id: string, level: number): Html {
  const { subject } = a;
  const name = foreign(clean(subject.name, 200));
  const { exitCode, toActOn, next } = outcomeOf(a);
  const sub = level + 1;
  return markup`<article class="model" aria-labelledby="${own(id)}">
    <header>
      ${level === 1 ? markup`<p class="eyebrow">Heirloom report on one model</p>` : NOTHING}${heading(level, id, name)}
      <p>
        ${[subject.format, subject.architecture].filter(Boolean).join(', ')}, ${humanCount(subject.parameters)} parameters in
        ${counted(subject.tensors, 'tensor')}, ${counted(subject.files.length, 'file')}
      </p>
    </header>
    <dl class="summary">
      ${summaryOf(a).map(
        (line) =>
          markup`<div>
            <dt>${line.label}</dt>
            <dd>${mark(line.badge, line.tone)} ${capital(line.detail ?? line.text)}</dd>
          </div>`,
      )}
    </dl>
    <p class="next">
      <strong>Next:</strong> ${next} <span class="quiet">${exitCode === 0 ? '' : `(${toActOn} to act on)`}</span>
    </p>
    ${lineageSection(a, `${id}-lineage`, sub)} ${licenseSection(a, `${id}-license`, sub)} ${creditSection(a, `${id}-credit`, sub)}
    ${safetySection(a, `${id}-safety`, sub)} ${findingsSection(a, `${id}-findings`, sub)} ${limitsSection(a, `${id}-limits`, sub)}
    ${methodSection(a, `${id}-method`, sub)}
  </article> `;
}

/** True of every report, whatever the model. */
const STANDING_LIMITS: readonly string[] = [
  'Training on the outputs of another model leaves no trace that these tests look for.',
  'Similarity of weights does not say who copied from whom, or whether it was allowed.',
  'Only the models in the register were compared; a tie to any other model would not be seen.',
];

function limitsSection(a: Assessment, id: string, level: number): Html {
  const limits = [...new Set([...a.lineage.limits.slice(0, MAX_LIMITS), ...STANDING_LIMITS])];
  return markup`<section aria-labelledby="${own(id)}">
    ${heading(level, id, 'What this report does not show')}
    <ul>
      ${limits.map((limit) => markup`<li>${formula(sentence(limit))}</li>`)}
    </ul>
  </section> `;
}

function methodSection(a: Assessment, id: string, level: number): Html {
  const { subject, tool } = a;
  const tests = new Set(a.lineage.relations.flatMap((relation) => relation.tests.map((test) => `${test.test} version ${test.version}`)));
  const commands = [
    `heirloom check ${quoted(subject.locator)}`,
    ...a.lineage.relations
      .slice(0, 20)
      .map((relation) => `heirloom compare ${quoted(relation.ancestor.locator)} ${quoted(subject.locator)}`),
  ];
  return markup`<section aria-labelledby="${own(id)}">
    ${heading(level, id, 'Method, and how to repeat it')}
    <p>The same files, register and version give the same report.</p>
    <pre>${commands.map((command) => markup`${command}\n`)}</pre>
    ${facts([
      ['Tool', `${tool.name} ${tool.version}`],
      ['Model', code(subject.locator)],
      ['Revision', subject.revision !== undefined && code(subject.revision)],
      ['Digest', markup`${code(subject.digest)}<br /><span class="quiet small">over ${subject.digestCovers}</span>`],
      ['Format', subject.formatVersion],
      ['Parameters', grouped(subject.parameters)],
      ['Read', `${humanBytes(a.read.bytes)} in ${counted(a.read.requests, 'request')}`],
      [
        'Register',
        `${counted(a.lineage.register.models, 'model')}, ${grouped(a.lineage.register.compared)} compared; p-values are corrected for all of them`,
      ],
      ['Tests', [...tests].join(', ')],
      ['Schema', code(a.schema)],
    ])}
    ${filesFold(a, `${id}-files`)}
  </section> `;
}
