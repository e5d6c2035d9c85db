/**
 * Safety and findings on the page.
 * @module
 */
import type { Assessment } from '../../assess/index.ts';
import { describeWhere, type Finding, type Severity } from '../../base/index.ts';
import { countFindings, sortFindings } from '../findings.ts';
import { humanBytes } from '../numbers.ts';
import { allFindings, SAFETY_WORDS } from '../outline.ts';
import { counted, sentence } from '../words.ts';
import { mark } from './lineage.ts';
import { type Child, code, fold, heading, type Html, markup, NOTHING, own, table } from './markup.ts';

const TONES: { readonly [severity in Severity]: string } = { error: 'bad', warning: 'careful', note: 'plain' };
/** Findings told in full. (CWE-770) */
const MAX_FINDINGS = 300;

export function safetySection(a: Assessment, id: string, level: number): Html {
  const row = (file: Assessment['safety']['files'][number]): Child[] => [
    code(file.path),
    file.format,
    mark(SAFETY_WORDS[file.verdict].badge, SAFETY_WORDS[file.verdict].tone),
    countFindings(file.findings),
  ];
  const columns = [{ name: 'File' }, { name: 'Format' }, { name: 'Result' }, { name: 'Findings' }];
  const notClean = a.safety.files.filter((file) => file.verdict !== 'clean' || file.findings.length > 0);
  const clean = a.safety.files.filter((file) => file.verdict === 'clean' && file.findings.length === 0);
  const cleanTable = table(
    `${id}-clean`,
    'Files with nothing found',
    columns.slice(0, 3),
    clean.map((file) => row(file).slice(0, 3)),
  );
  return markup`<section aria-labelledby="${own(id)}">
    ${heading(level, id, 'Safety')}
    <p>
      Nothing in the files was run. Looked at: ${counted(a.safety.files.length, 'file')}. “Nothing found” means that no known sign of danger
      was seen.
    </p>
    ${table(`${id}-files`, 'Files to look at', columns, notClean.map(row))}
    ${clean.length === 0 ? NOTHING : clean.length <= 8 ? cleanTable : fold(`${counted(clean.length, 'file')} with nothing found`, cleanTable)}
  </section> `;
}

export function findingsSection(a: Assessment, id: string, level: number): Html {
  const findings = allFindings(a);
  const more = findings.slice(MAX_FINDINGS);
  return markup`<section aria-labelledby="${own(id)}">
    ${heading(level, id, `Findings: ${countFindings(findings)}`)}
    ${findings.length === 0 ? markup`<p>Nothing to report.</p>` : findingList(findings.slice(0, MAX_FINDINGS))}
    ${more.length > 0 ? markup`<p>${countFindings(more)} more stand in the JSON answer.</p>` : NOTHING}
  </section> `;
}

function findingList(findings: readonly Finding[]): Html {
  return markup`<ol class="findings">
    ${sortFindings(findings).map((finding) => {
      const where = describeWhere(finding.where);
      return markup`<li>
        <p>${mark(finding.severity, TONES[finding.severity])} <strong>${sentence(finding.what)}</strong></p>
        <p class="quiet small">${code(finding.rule)}${where === '' ? '' : markup` in ${code(where)}`}</p>
        ${finding.why === '' ? NOTHING : markup`<p>${sentence(finding.why)}</p>`}
        ${finding.fix === '' ? NOTHING : markup`<p>What to do: ${finding.fix}</p>`}
        ${finding.source === undefined ? NOTHING : markup`<p class="quiet small">Source: ${finding.source}</p>`}
      </li> `;
    })}
  </ol>`;
}

export function filesFold(a: Assessment, id: string): Html {
  const { files } = a.subject;
  const rows = files.map((file): Child[] => [code(file.path), file.kind, humanBytes(file.size)]);
  const size = files.reduce((sum, file) => sum + file.size, 0);
  return fold(
    `${counted(files.length, 'file')}, ${humanBytes(size)}`,
    table(`${id}-list`, 'Files', [{ name: 'Path' }, { name: 'Kind' }, { name: 'Size', number: true }], rows),
  );
}
