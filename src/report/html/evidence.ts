/**
 * The evidence report of one relation as one HTML file, for a lawyer, an engineer and a statistician: the verdict and what it does not
 * say, inputs, each test with a picture and what chance would have given, assumptions, limits, and how to repeat it.
 * @module
 */
import { canonicalJson, sha256, toHex } from '../../base/index.ts';
import type { Calibration, Evidence, Relation } from '../../lineage/index.ts';
import { ALPHA_LOG10 } from '../../math/index.ts';
import { boundWords, powerWords } from '../calibration-words.ts';
import { expectedWords } from '../expected.ts';
import { kindFacts } from '../kind-words.ts';
import { decimal, grouped, pValue } from '../numbers.ts';
import { limitsOf, sortTests } from '../terminal-relation.ts';
import { CLASS_WORDS, meaningOf } from '../test-words.ts';
import { clean } from '../text.ts';
import {
  chanceWords,
  detectableWords,
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
import { mark } from './lineage.ts';
import { type Child, code, facts, fold, foreign, formula, heading, type Html, markup, NOTHING, own, verbatim } from './markup.ts';
import { kindPictures, strengthPicture, testPictures } from './pictures.ts';
import { quoted, shell } from './shell.ts';

/** Where the relation comes from: what a reader needs to make the report again. */
export interface Origin {
  /** Name and version of the program, `heirloom 0.1.0`. */
  readonly tool: string;
  /** The two locators, as given. */
  readonly a: string;
  readonly b: string;
  /** Further arguments that change the answer. */
  readonly options: readonly string[];
}

/** Tests told in full. (CWE-770) */
const MAX_TESTS = 60;
/** Items of one list of details shown. (CWE-770) */
const MAX_ITEMS = 512;
/** A longer relation (maps of every neuron) is given by its digest only. */
const MAX_EMBEDDED = 256 * 1024;

/** One self-contained page. The same relation, origin and calibration give the same bytes: no dates, no timings. */
export function renderEvidence(relation: Relation, origin: Origin, calibration: Calibration): string {
  const { a, b } = relation;
  const title = `${clean(a.name, 120)} and ${clean(b.name, 120)}`;
  return shell({
    title: `${title}: evidence report`,
    header: NOTHING,
    main: markup`<article>
      <header>
        <p class="eyebrow">Heirloom evidence report on two models</p>
        ${heading(1, 'top', markup`${foreign(clean(a.name, 120))} and ${foreign(clean(b.name, 120))}`)}
      </header>
      ${verdictPart(relation)} ${inputsPart(relation, origin)} ${strengthPart(relation)} ${kindPart(relation)} ${testsPart(relation, calibration)}
      ${limitsPart(relation, calibration)} ${repeatPart(relation, origin)}
    </article>`,
    tool: origin.tool,
  });
}

function verdictPart(relation: Relation): Html {
  const { verdict } = relation;
  const chance = chanceWords(relation);
  return markup`<section aria-labelledby="verdict">
    ${heading(2, 'verdict', 'The verdict')}
    <p class="lead">${mark(VERDICT_NAMES[verdict], verdictTone(verdict))} ${foreign(relation.b.name)}: ${tieWords(relation)}.</p>
    <p>${formula(sentence(relation.because))}</p>
    <p>“${VERDICT_NAMES[verdict]}” means: ${VERDICT_MEANINGS[verdict]}</p>
    ${chance === '' ? NOTHING : markup`<p>${formula(chance)}</p>`} ${heading(3, 'unsaid', 'What it does not say')}
    <ul>
      <li>Who made which model, who copied from whom, or whether anything was allowed: weights do not hold that.</li>
      <li>Whether one model was trained on the other’s answers (distillation): that leaves no trace that these tests look for.</li>
      ${relation.direction === 'unknown' && sharesTraining(verdict) ? markup`<li>Which of the two came first.</li>` : NOTHING}
      ${verdict === 'derived' ? markup`<li>Whether the tie is direct, or both come from a third model.</li>` : NOTHING}
      ${verdict === 'no-evidence' || verdict === 'unresolved' ? markup`<li>That the two are unrelated: it says that nothing was seen.</li>` : NOTHING}
    </ul>
  </section>`;
}

function inputsPart(relation: Relation, origin: Origin): Html {
  const sides = [
    ['A, the possible ancestor', relation.a, origin.a],
    ['B, the other model', relation.b, origin.b],
  ] as const;
  return markup`<section aria-labelledby="inputs">
    ${heading(2, 'inputs', 'What was compared')}
    <p>The digests say exactly which files this report is about. A model whose digest differs is another model.</p>
    ${sides.map(
      ([label, subject, locator], i) =>
        markup`${heading(3, `inputs-${i + 1}`, label)}${facts([
          ['Name', foreign(clean(subject.name, 120))],
          ['Read from', code(locator)],
          ['Digest', markup`${code(subject.digest)}<br /><span class="quiet small">over ${subject.digestCovers}</span>`],
          ['Format', `${subject.format}, ${grouped(subject.parameters)} parameters`],
        ])}`,
    )}
  </section>`;
}

function strengthPart(relation: Relation): Html {
  if (relation.verdict === 'unresolved') return NOTHING;
  const { searched, log10P, log10PAdjusted } = relation;
  return markup`<section aria-labelledby="strength">
    ${heading(2, 'strength', 'How strong it is')}
    ${strengthPicture(relation, 'strength-chart')}
    ${facts([
      ['Evidence', formula(evidenceWords(relation))],
      ['Exact numbers', log10P !== null && `log10 p = ${decimal(log10P)}; after correction ${decimal(log10PAdjusted ?? log10P)}`],
      ['Threshold', formula(`p at most 10^${ALPHA_LOG10}, over all models searched together`)],
      [
        'Correction',
        `the smallest p-value is multiplied by the number of exact tests, and by ${grouped(searched)} for the known models searched`,
      ],
      ['Would be seen', relation.detectable !== null && markup`${detectableWords(relation)} That is: in half of such cases or more.`],
      [shareLabel(relation.verdict), relation.verdict !== 'no-evidence' && shareWords(relation)],
      [
        'In which parts',
        relation.share.slots.length > 0 &&
          `${relation.share.slots.slice(0, MAX_ITEMS).join(', ')}${relation.share.slots.length > MAX_ITEMS ? ', …' : ''}`,
      ],
    ])}
  </section>`;
}

function kindPart(relation: Relation): Html {
  const { kind, verdict } = relation;
  if (!sharesTraining(verdict)) return NOTHING;
  return markup`<section aria-labelledby="kind">
    ${heading(2, 'kind', 'How B differs from A')}
    ${facts([
      ['Kind', markup`${kindName(kind.name)}${kind.note === '' ? '' : markup`. ${sentence(kind.note)}`}`],
      ['Change', kind.relativeChange !== undefined && `${decimal(kind.relativeChange)} of the size of A’s values`],
      ...kindFacts(kind),
      ['Direction', directionWords(relation)],
    ])}
    ${kindPictures(kind, 'kind')}
  </section>`;
}

function testsPart(relation: Relation, calibration: Calibration): Html {
  const tests = sortTests(relation.tests).slice(0, MAX_TESTS);
  if (tests.length === 0) return NOTHING;
  const classes = [...new Set(tests.map((test) => test.class))];
  return markup`<section aria-labelledby="tests">
    ${heading(2, 'tests', 'The tests')}
    <p>Each answers one question. They are of different kinds:</p>
    <ul>
      ${classes.map((name) => markup`<li>${sentence(CLASS_WORDS[name])}</li>`)}
    </ul>
    ${tests.map((test, i) => testPart(test, `test-${i + 1}`, calibration))}
    ${relation.tests.length > tests.length ? markup`<p>${relation.tests.length - tests.length} more tests stand in the JSON answer.</p>` : NOTHING}
  </section>`;
}

function testPart(test: Evidence, id: string, calibration: Calibration): Html {
  const { statistic, effect } = test;
  const meaning = meaningOf(test);
  return markup`<section class="test" aria-labelledby="${own(id)}">
    ${heading(3, id, sentence(test.question))}
    <p class="quiet small">${code(test.test)} version ${test.version}, ${test.class}</p>
    ${meaning === '' ? NOTHING : markup`<p>${meaning}</p>`}
    ${facts([
      ['Measured', `${statistic.name}: ${decimal(statistic.value)}${test.n > 0 ? `, n = ${grouped(test.n)}` : ''}`],
      ['Size', effect && `${effect.name}: ${decimal(effect.value)}`],
      ['By chance', formula(expectedWords(test))],
      ['Power', test.class === 'exact' && powerWords(test, calibration)],
      [
        'p-value',
        test.log10P === null
          ? 'none: this test has no exact chance'
          : test.class === 'exact'
            ? formula(`${pValue(test.log10P)} (log10 p = ${decimal(test.log10P)})`)
            : formula(`none; its chance model, which only bounds what was seen, gives log10 ${decimal(test.log10P)}`),
      ],
    ])}
    ${testPictures(test, `${id}-chart`)}
    ${fold(
      'Null model, assumptions, all numbers',
      facts([
        ['Null model', formula(sentence(test.nullModel))],
        [
          'Assumptions',
          test.assumptions.length > 0 && markup`<ul>${test.assumptions.map((item) => markup`<li>${formula(sentence(item))}</li>`)}</ul>`,
        ],
        ...Object.entries(test.details).map(([name, value]): [Child, Child] => [code(name), detail(value)]),
        ['Inputs', markup`A ${code(test.inputs.a)}<br />B ${code(test.inputs.b)}`],
      ]),
    )}
  </section>`;
}

function detail(value: Evidence['details'][string]): string {
  if (typeof value === 'number') return String(value);
  if (typeof value === 'string') return value;
  return `${value.slice(0, MAX_ITEMS).join(', ')}${value.length > MAX_ITEMS ? `, … (${value.length} in all)` : ''}`;
}

function limitsPart(relation: Relation, calibration: Calibration): Html {
  const assumptions = [...new Set(relation.tests.flatMap((test) => test.assumptions))];
  const limits = [...new Set(limitsOf(relation))];
  return markup`<section aria-labelledby="limits">
    ${heading(2, 'limits', 'What it rests on, and its limits')}
    ${assumptions.length === 0 ? NOTHING : markup`${heading(3, 'assumptions', 'Assumptions')}<p>Where one of these does not hold, the numbers that rest on it do not either.</p><ul>${assumptions.map((item) => markup`<li>${formula(sentence(item))}</li>`)}</ul>`}
    ${limits.length === 0 ? NOTHING : markup`${heading(3, 'limits-list', 'Limits')}<ul>${limits.map((item) => markup`<li>${formula(sentence(item))}</li>`)}</ul>`}
    ${heading(3, 'errors', 'How often such a verdict was wrong on models of known descent')}
    <p>${boundWords(calibration)}</p>
    ${fold(
      'Thresholds, and how they were set',
      facts(
        calibration.thresholds.map((one): [Child, Child] => [sentence(one.id).replace(/\.$/, ''), `${decimal(one.value)}: ${one.reason}`]),
      ),
    )}
  </section>`;
}

function repeatPart(relation: Relation, origin: Origin): Html {
  const json = asciiJson(relation);
  const digest = toHex(sha256(new TextEncoder().encode(json)));
  const command = [
    'heirloom',
    'compare',
    quoted(origin.a),
    quoted(origin.b),
    ...origin.options.map(argument),
    '--html',
    'report.html',
  ].join(' ');
  return markup`<section aria-labelledby="repeat">
    ${heading(2, 'repeat', 'How to repeat it')}
    <p>The same version, files and arguments give this report byte for byte:</p>
    <pre>${command}</pre>
    ${facts([
      ['Version', origin.tool],
      ['Digest of A', code(relation.a.digest)],
      ['Digest of B', code(relation.b.digest)],
      [
        'SHA-256 of the relation',
        markup`${code(digest)}<br /><span class="quiet small">over its canonical JSON (RFC 8785) with characters beyond ASCII written as \\u escapes, ${grouped(json.length)} bytes, no line end</span>`,
      ],
    ])}
    ${
      json.length > MAX_EMBEDDED
        ? markup`<p>The relation is too long to print here; <code>heirloom compare --json</code> prints it.</p>`
        : fold('The relation as JSON, the bytes of that digest', markup`<pre id="relation">${verbatim(json)}</pre>`)
    }
  </section>`;
}

/** The name of an option stands as it is; its value is quoted where need be. */
function argument(text: string): string {
  return /^--[a-z-]+$/.test(text) ? text : quoted(text);
}

/** Canonical JSON in ASCII: what a page can show, and a reader copy, without a byte lost. Lone surrogates become U+FFFD: RFC 8785 has none. */
function asciiJson(relation: Relation): string {
  const wellFormed: unknown = JSON.parse(
    JSON.stringify(relation, (_, value: unknown) => (typeof value === 'string' ? value.replaceAll(/[\ud800-\udfff]/gu, '\ufffd') : value)),
  );
  return canonicalJson(wellFormed).replaceAll(/[^\x20-\x7e]/g, (c) => `\\u${c.charCodeAt(0).toString(16).padStart(4, '0')}`);
}
