/**
 * What binds a model: what it says, what its files hold, what its ancestors hand down.
 * @module
 */
import type { Finding } from '../base/index.ts';
import type { Model } from '../model/index.ts';
import { conflictFindings, driftWords, graphOf } from './ancestry.ts';
import { loadReasoning } from './reason/load.ts';
import { reasonOver, type Reasoning } from './reason/reason.ts';
import type { Context, LicenseGraph } from './reason/types.ts';
import { readStatements, type Statements, whereOf } from './statements.ts';
import { kindOfId, resolveWith } from './tags.ts';
import type { AncestorLicense, EffectiveLicense, LicenseJudgement, LicenseKind } from './types.ts';
import { kindRank } from './catalog.ts';

/**
 * Judges a model's license from its card, files and ancestors. Facts with file and field; whether a clause applies is
 * left to people.
 * @param known models it descends from with the ids that bind *them*, at any distance; empty when none is known.
 */
export async function judgeLicense(model: Model, known: readonly AncestorLicense[]): Promise<LicenseJudgement> {
  return (await judgeLicenseFor(model, known, {})).judgement;
}

export interface LicenseJudged {
  readonly judgement: LicenseJudgement;
  readonly reasoning: Reasoning;
  /** What was reasoned over, for those who change it and ask again. */
  readonly graph: LicenseGraph;
}

/** The same for somebody who does something with it, with the whole reasoning beside. */
export async function judgeLicenseFor(model: Model, known: readonly AncestorLicense[], context: Context): Promise<LicenseJudged> {
  const statements = await readStatements(model);
  const { book, rules } = await loadReasoning();
  const ancestors = known.map((ancestor) => ({ ...ancestor, licenses: ancestor.licenses.map((id) => currentName(statements, id)) }));
  const own = stated(statements);
  const graph = graphOf(model, statements, own, ancestors, book);
  const reasoning = reasonOver(graph, context, book, rules);
  const judgement = {
    declared: statements.declared,
    found: statements.found,
    effective: effectiveOf(statements, own, ancestors, reasoning),
    duties: reasoning.duties,
    conflicts: conflictFindings(reasoning, ancestors),
    drift: driftWords(reasoning, statements, ancestors),
    findings: [
      ...statements.findings,
      ...disagreements(model, statements),
      ...silence(model, statements),
      ...unlisted(reasoning.notes.flatMap((note) => (note.kind === 'unlisted' ? [note.id ?? ''] : []))),
      ...oddities(reasoning),
    ],
  };
  return { judgement, reasoning, graph };
}

/** A register may hold a plain tag ("llama3.1"); ids are what is compared. */
function currentName({ catalog, names }: Statements, id: string): string {
  return catalog.find(id) ? id : (resolveWith(catalog, names, id)?.id ?? id);
}

/** What the model itself states, each license once. */
function stated({ declared, found, catalog }: Statements): string[] {
  const own: string[] = [];
  const add = (id: string): void => {
    const same = catalog.find(id)?.id ?? id;
    if (!own.some((known) => (catalog.find(known)?.id ?? known) === same)) own.push(id);
  };
  for (const d of declared) {
    if (d.id === null) continue;
    // The text in the folder says which version or member of a family the tag means.
    const exact = found.find((f) => f.by === 'text' && d.candidates?.includes(f.id));
    add(exact?.id ?? d.id);
  }
  for (const f of found) if (f.by === 'text' && catalog.find(f.id)?.form !== 'policy') add(f.id);
  if (own.length === 0) for (const f of found) if (catalog.find(f.id)?.form !== 'policy') add(f.id);
  return own;
}

function effectiveOf(
  statements: Statements,
  own: readonly string[],
  ancestors: readonly AncestorLicense[],
  reasoning: Reasoning,
): EffectiveLicense {
  const { catalog } = statements;
  const isOwn = (id: string): boolean => own.some((one) => one === id || (catalog.find(one)?.id ?? one) === (catalog.find(id)?.id ?? id));
  const binding = reasoning.licenses.filter((one) => one.relation !== 'own' && one.relation !== 'outputs');
  const inherited = [...new Set(binding.map((one) => one.license).filter((id) => !isOwn(id)))];
  const ids = [...own, ...inherited];
  const from = own.length > 0 ? (inherited.length > 0 ? 'both' : 'own') : inherited.length > 0 ? 'inherited' : 'none';
  const givers = new Set(binding.filter((one) => inherited.includes(one.license)).map((one) => one.model));
  const handed = [...new Map(ancestors.map((a) => [a.name, a])).values()]
    .filter((a) => givers.has(a.name))
    .map((a) => `${a.name} (${a.because})`);
  const why = {
    own: 'stated by the model itself',
    both: `stated by the model itself, and handed down by ${handed.join(', ')}: an ancestor's license stays on its part`,
    inherited: `the model states none; handed down by ${handed.join(', ')}`,
    none: 'nothing states a license: without one, no permission is given',
  }[from];
  return { ids, kind: strictest(statements, ids), from, why, expression: reasoning.effective.expression };
}

/** Kind of the strictest of `ids`. */
function strictest({ catalog, names }: Statements, ids: readonly string[]): LicenseKind {
  const kinds = ids.map((id) => kindOfId(catalog, names, id)).sort((a, b) => kindRank(b) - kindRank(a));
  return kinds[0] ?? 'unknown';
}

/** What is odd about the ancestry itself. */
function oddities({ notes }: Reasoning): Finding[] {
  return notes
    .filter((note) => note.kind === 'loop' || note.kind === 'too-large')
    .map((note) => ({
      rule: note.kind === 'loop' ? 'license/ancestry-loop' : 'license/ancestry-too-large',
      severity: 'warning' as const,
      where: { field: 'base_model' },
      what: note.what,
      why: note.why,
      fix: note.kind === 'loop' ? 'correct base_model in one of the cards' : 'judge the parts one by one',
    }));
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
