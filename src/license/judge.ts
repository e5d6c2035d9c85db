/**
 * What binds a model: what it says, what its files hold, what its ancestors hand down.
 * @module
 */
import type { Finding } from '../base/index.ts';
import type { Model } from '../model/index.ts';
import { findConflicts } from './conflicts.ts';
import { judgeDrift, kindsOf } from './drift.ts';
import { listDuties, withoutDuties } from './duties.ts';
import { readStatements, type Statements, whereOf } from './statements.ts';
import { resolveWith } from './tags.ts';
import type { AncestorLicense, EffectiveLicense, LicenseJudgement } from './types.ts';

/**
 * Judges a model's license from its card, files and ancestors. Facts with file and field; whether a clause applies is
 * left to people.
 * @param known models it descends from with the ids that bind *them*; empty when none is known.
 */
export async function judgeLicense(model: Model, known: readonly AncestorLicense[]): Promise<LicenseJudgement> {
  const statements = await readStatements(model);
  const ancestors = known.map((ancestor) => ({ ...ancestor, licenses: ancestor.licenses.map((id) => currentName(statements, id)) }));
  const effective = combine(statements, ancestors);
  return {
    declared: statements.declared,
    found: statements.found,
    effective,
    duties: await listDuties(effective.ids, model, statements, ancestors),
    conflicts: findConflicts(effective.ids, ancestors, statements.catalog),
    drift: judgeDrift(statements, ancestors),
    findings: [
      ...statements.findings,
      ...disagreements(model, statements),
      ...silence(model, statements),
      ...unlisted(await withoutDuties(effective.ids, statements.catalog)),
    ],
  };
}

/** A register may hold a plain tag ("llama3.1"); ids are what is compared. */
function currentName({ catalog, names }: Statements, id: string): string {
  return catalog.find(id) ? id : (resolveWith(catalog, names, id)?.id ?? id);
}

function combine({ declared, found, catalog, names }: Statements, ancestors: readonly AncestorLicense[]): EffectiveLicense {
  const own: string[] = [];
  const add = (list: string[], id: string): void => {
    const same = catalog.find(id)?.id ?? id;
    if (!list.some((known) => (catalog.find(known)?.id ?? known) === same)) list.push(id);
  };
  for (const d of declared) {
    if (d.id === null) continue;
    // The text in the folder says which version or member of a family the tag means.
    const exact = found.find((f) => f.by === 'text' && d.candidates?.includes(f.id));
    add(own, exact?.id ?? d.id);
  }
  for (const f of found) if (f.by === 'text' && catalog.find(f.id)?.form !== 'policy') add(own, f.id);
  if (own.length === 0) for (const f of found) if (catalog.find(f.id)?.form !== 'policy') add(own, f.id);
  const ids = [...own];
  for (const ancestor of ancestors) for (const id of ancestor.licenses) add(ids, id);
  const inherited = ids.slice(own.length);
  const from = own.length > 0 ? (inherited.length > 0 ? 'both' : 'own') : inherited.length > 0 ? 'inherited' : 'none';
  const handed = ancestors.filter((a) => a.licenses.some((id) => inherited.includes(id))).map((a) => `${a.name} (${a.because})`);
  const why = {
    own: 'stated by the model itself',
    both: `stated by the model itself, and handed down by ${handed.join(', ')}: an ancestor's license stays on its part`,
    inherited: `the model states none; handed down by ${handed.join(', ')}`,
    none: 'nothing states a license: without one, no permission is given',
  }[from];
  return { ids, kind: kindsOf({ catalog, names }, ids), from, why };
}

/** The tag says one thing, the text another. */
function disagreements(model: Model, { declared, found, catalog }: Statements): Finding[] {
  const own = (id: string): string => catalog.find(id)?.id ?? id;
  const licenseFiles = new Set(model.licenseFiles.map((f) => f.file));
  const texts = found.filter((f) => licenseFiles.has(f.file) && catalog.find(f.id)?.form !== 'policy');
  const known = declared.filter((d) => (d.id !== null && catalog.find(d.id.split(' ')[0]!) !== undefined) || d.candidates !== undefined);
  if (texts.length === 0 || known.length === 0) return [];
  const said = new Set(known.flatMap((d) => [...d.id!.split(/ (?:AND|OR) /), ...(d.candidates ?? [])]).map(own));
  if (texts.some((f) => [f.id, ...(f.candidates ?? [])].some((id) => said.has(own(id))))) return [];
  const first = known[0]!;
  const text = texts[0]!;
  return [
    {
      rule: 'license/declared-differs-from-text',
      severity: 'warning',
      where: whereOf(first.from),
      what: `${first.from} says ${first.value}; ${text.file} ${text.by === 'text' ? 'holds the text of' : 'names'} ${text.id}`,
      why: 'people who read the tag and people who read the file will act on different terms',
      fix: `state ${text.id} in the card, or replace ${text.file}`,
    },
  ];
}

/** Ids named in one finding; a card may list thousands. (CWE-770) */
const MAX_NAMED = 5;

function unlisted(ids: readonly string[]): Finding[] {
  if (ids.length === 0) return [];
  const more = ids.length > MAX_NAMED ? ` and ${ids.length - MAX_NAMED} more` : '';
  return [
    {
      rule: 'license/duties-not-listed',
      severity: 'note',
      where: {},
      what: `what ${ids.slice(0, MAX_NAMED).join(', ')}${more} ${ids.length === 1 ? 'asks' : 'ask'} for is not listed here`,
      why: 'the duties told are not all that may bind the model',
      fix: 'read the license itself',
    },
  ];
}

function silence(model: Model, { declared, found, findings, catalog }: Statements): Finding[] {
  if (
    declared.length > 0 ||
    found.some((f) => f.by !== 'reference' && catalog.find(f.id)?.form !== 'policy') ||
    findings.some((f) => f.rule === 'license/text-unknown')
  )
    return [];
  return [
    {
      rule: 'license/none-stated',
      severity: 'warning',
      where: model.card ? { file: model.card.file, field: 'license' } : {},
      what: 'neither the card nor a file states a license',
      why: 'without a license no permission to copy, change or pass on is given',
      fix: 'ask the publisher, or state the license in the card and add its text',
    },
  ];
}
