/**
 * What the licenses of the bases ask to be written, read from the license records: exact words, clause and place.
 * @module
 */
import type { CatalogRecord, Term } from '../../license/index.ts';

export interface AskedWords {
  readonly license: string;
  readonly section: string;
  readonly words: string;
  /** `words` first, then what may stand in their place. */
  readonly any: readonly string[];
  /** Parts of `words` that nobody but the publisher can fill: `[applicable year]`. */
  readonly blanks: readonly string[];
}

/** Acts that passing a changed model on consists of; a duty of users or hosts alone is told, not written. */
const PASSING_ON: ReadonlySet<string> = new Set([
  'distribute-weights',
  'distribute-derivative',
  'finetune',
  'adapter',
  'merge',
  'quantize',
  'train-on-outputs',
]);

const ofTerm = (record: CatalogRecord, name: string): Term[] => record.terms.filter((term) => term.term === name);
const passesOn = (term: Term): boolean => term.on === undefined || term.on.some((act) => PASSING_ON.has(act));

/** Words fixed by a term; of several, the first is taken, and any of them is enough. */
function wordsOf(term: Term): readonly string[] {
  const text = term.params?.['text'];
  return typeof text === 'string' ? [text] : Array.isArray(text) ? text.filter((one): one is string => typeof one === 'string') : [];
}

/** As the record lists them. */
function blanksOf(term: Term): readonly string[] {
  const listed = term.params?.['blanks'];
  return Array.isArray(listed) ? listed.filter((one): one is string => typeof one === 'string') : [];
}

function asked(name: string, record: CatalogRecord): AskedWords[] {
  return ofTerm(record, name)
    .filter(passesOn)
    .flatMap((term) => {
      const any = wordsOf(term);
      return any.length === 0 ? [] : [{ license: record.id, section: term.section, words: any[0]!, any, blanks: blanksOf(term) }];
    });
}

/** Words for a NOTICE file. */
export const noticeWords = (record: CatalogRecord): AskedWords[] => asked('duty.notice-file', record);
/** Words to show. */
export const displayWords = (record: CatalogRecord): AskedWords[] => asked('duty.attribution-display', record);

/** Sentences about one license for the generated section, each with its clause. */
export function sayLicense(record: CatalogRecord, find: (id: string) => CatalogRecord | undefined): string[] {
  const out: string[] = [];
  const cite = (term: Term): string => `“${term.quote.replace(/\s+/g, ' ')}” (${record.id} ${term.section})`;
  for (const term of [...ofTerm(record, 'duty.restrictions-flowdown'), ...ofTerm(record, 'duty.notify-downstream')])
    out.push(`Use restrictions go on to everyone it is passed to: ${cite(term)}.`);
  for (const term of ofTerm(record, 'duty.acceptable-use')) {
    const policy = find(typeof term.params?.['policy'] === 'string' ? term.params['policy'] : '');
    if (!policy) continue;
    const { repo, commit, path } = policy.source;
    const where = commit === undefined ? repo : `https://github.com/${repo}/blob/${commit}/${path}`;
    out.push(
      `Policy: ${policy.name}${policy.date === undefined ? '' : `, ${policy.date}`}, text at ${where} (${record.id} ${term.section}).`,
    );
  }
  for (const term of record.terms.filter((one) => one.term === 'threshold.mau' || one.term === 'threshold.revenue')) {
    const when = term.params?.['evaluateAt'] === 'release-date' ? 'looked at once, on the release date' : 'looked at continuously';
    out.push(`Threshold, ${when}: ${cite(term)}.`);
  }
  for (const term of ofTerm(record, 'duty.share-alike')) out.push(`What is made from it stays under its license: ${cite(term)}.`);
  return out;
}
