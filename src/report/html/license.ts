/**
 * License and credit on the page: what is stated where, what binds, what changed on the way down, what is asked for.
 * @module
 */
import type { Assessment } from '../../assess/index.ts';
import { grouped, percent } from '../numbers.ts';
import { DRIFT_WORDS, isDrifting } from '../outline.ts';
import { counted, sentence } from '../words.ts';
import { mark } from './lineage.ts';
import { type Child, code, facts, fold, foreign, heading, type Html, markup, NOTHING, own, table } from './markup.ts';

type License = Assessment['license'];

/** Differences quoted per text; the JSON answer has all. (CWE-770) */
const MAX_DIFFERENCES = 40;
/** License ids shown in one place; a card may list thousands. (CWE-770) */
const MAX_IDS = 30;

export function licenseSection(a: Assessment, id: string, level: number): Html {
  const { declared, found, effective, drift, duties } = a.license;
  const stated = [
    ...declared.map((item): Child[] => [code(item.from), 'declared', foreign(item.value), idOf(item.id, item.kind)]),
    ...found.map((item): Child[] => [code(item.file), foundWords(item), foreign(item.name), idOf(item.id, item.kind)]),
  ];
  return markup`<section aria-labelledby="${own(id)}">
    ${heading(level, id, 'License')}
    ${facts([
      ['Binding', effective.ids.length === 0 ? 'nothing known' : ids(effective.ids)],
      ['Because', sentence(effective.why)],
    ])}
    ${stated.length === 0 ? markup`<p>No license is declared, and none known here was found in the files.</p>` : NOTHING}
    ${table(`${id}-stated`, 'What the files say', [{ name: 'Where' }, { name: 'How' }, { name: 'Says' }, { name: 'License' }], stated)}
    ${found.filter((item) => item.modified).map((item, i) => differences(item, `${id}-differs-${i + 1}`))}
    ${table(
      `${id}-drift`,
      'License of the tied or named model, and of this one',
      [{ name: 'Model' }, { name: 'It carries' }, { name: 'This model states' }, { name: 'Result' }, { name: 'Facts' }],
      drift.map((item): Child[] => [
        markup`${foreign(item.ancestor)}<small>${item.because === 'weights' ? 'tie shown by the weights' : 'named by the publisher'}</small>`,
        ids(item.from),
        ids(item.to),
        mark(DRIFT_WORDS[item.kind], isDrifting(item) ? 'careful' : 'plain'),
        sentence(item.what),
      ]),
    )}
    ${table(
      `${id}-duties`,
      'What the binding licenses ask for',
      [{ name: 'To do' }, { name: 'Where it stands' }, { name: 'Reaches this model through' }, { name: 'Status' }],
      duties.map((duty): Child[] => [
        markup`${duty.what}${duty.when.length > 0 ? markup`<small>when: ${duty.when.join(', ')}</small>` : ''}`,
        markup`${foreign(duty.from.license)}, ${duty.from.section}
          <blockquote>${duty.from.quote}</blockquote>`,
        foreign(duty.because),
        markup`${mark(DUTY_WORDS[duty.status], duty.status === 'unmet' ? 'careful' : duty.status === 'met' ? 'good' : 'plain')}${
          duty.satisfiedBy === '' ? '' : markup`<small>${duty.satisfiedBy}</small>`
        }`,
      ]),
    )}
  </section> `;
}

const DUTY_WORDS: { readonly [status in License['duties'][number]['status']]: string } = {
  met: 'met',
  unmet: 'appears unmet',
  unknown: 'to check',
};

function idOf(id: string | null, kind: string): Html {
  return id === null ? markup`not recognized` : markup`${code(id)}<small>${kind}</small>`;
}

function ids(list: readonly string[]): Child {
  if (list.length === 0) return 'none';
  const more = list.length > MAX_IDS ? ` and ${list.length - MAX_IDS} more` : '';
  return [...list.slice(0, MAX_IDS).map((item, i) => markup`${i > 0 ? ', ' : ''}${code(item)}`), more];
}

function foundWords(item: License['found'][number]): string {
  const how = { text: 'full text', header: 'standard header', reference: 'named in the text', tag: 'tag' }[item.by];
  const coverage = item.by === 'text' && item.coverage < 1 ? `, ${percent(item.coverage)} of its words` : '';
  return `${how}${coverage}${item.modified ? `, changed in ${counted(item.differs.length, 'place')}` : ''}`;
}

function differences(item: License['found'][number], id: string): Html {
  const rows = item.differs
    .slice(0, MAX_DIFFERENCES)
    .map((difference): Child[] => [difference.kind, quote(difference.catalog), quote(difference.found), grouped(difference.at)]);
  const more = item.differs.length - rows.length;
  return fold(
    markup`How ${code(item.file)} differs from the published text of ${foreign(item.name)}`,
    markup`${table(
      id,
      'Differences',
      [{ name: 'Change' }, { name: 'Published text' }, { name: 'This file' }, { name: 'At character', number: true }],
      rows,
    )}${more > 0 ? markup`<p>${more} more stand in the JSON answer.</p>` : NOTHING}`,
  );
}

function quote(words: string): Child {
  return words === '' ? 'nothing' : markup`<q>${words}</q>`;
}

export function creditSection(a: Assessment, id: string, level: number): Html {
  const { ancestors, missing, met } = a.credit;
  const nothing = ancestors.length === 0 && missing.length === 0 && met.length === 0;
  return markup`<section aria-labelledby="${own(id)}">
    ${heading(level, id, 'Credit')} ${nothing ? markup`<p>No ancestor was found or named, so there is none to credit.</p>` : NOTHING}
    ${table(
      `${id}-ancestors`,
      'Models to credit',
      [{ name: 'Model' }, { name: 'Known from' }, { name: 'Named by the publisher' }],
      ancestors.map((item): Child[] => [
        foreign(item.name),
        item.because === 'weights' ? 'the weights' : 'the publisher',
        item.named ? markup`yes: ${item.where.map((where, i) => markup`${i > 0 ? ', ' : ''}${code(where)}`)}` : 'no',
      ]),
    )}
    ${table(
      `${id}-asked`,
      'What is asked for',
      [{ name: 'What' }, { name: 'Status' }, { name: 'Where' }],
      [
        ...missing.map((item): Child[] => [
          sentence(item.what),
          mark('missing', 'careful'),
          item.where.file === undefined ? '' : code(item.where.file),
        ]),
        ...met.map((item): Child[] => [sentence(item.what), mark('there', 'good'), code(item.where)]),
      ],
    )}
  </section> `;
}
