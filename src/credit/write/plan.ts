/**
 * What `credit --write` would change in a folder, as whole files before and after. Nothing is read or written here.
 * @module
 */
import { type Duty, identifyLicense, type CatalogRecord, loadRecords, resolveTag } from '../../license/index.ts';
import { creditList, type CreditNode, type DirectBase } from '../tree.ts';
import { type CitedModel, withReferences } from './citation.ts';
import { describeCredit } from './describe.ts';
import { appended, holds, type PlannedFile, type Refusal } from './edit.ts';
import { withFields } from './front-matter.ts';
import { hubTagOf } from './hub-tags.ts';
import { withSection } from './section.ts';
import { sameName } from '../../model/index.ts';
import { noticeWords } from './words.ts';

export interface CreditInput {
  readonly tree: CreditNode;
  readonly bases: readonly DirectBase[];
  readonly duties: readonly Duty[];
  /** What the card states already. */
  readonly claims: {
    readonly baseModels: readonly { readonly value: string; readonly from: string }[];
    readonly licenses: readonly { readonly value: string }[];
  };
  /** License that a file of the folder holds in full, unmodified; only when it is one. */
  readonly own?: { readonly id: string; readonly file: string };
  /** Text files of the folder by path: the card, NOTICE, CITATION.cff, `LICENSES/*`. A file that is there and is no UTF-8 text is null. */
  readonly files: ReadonlyMap<string, string | null>;
  readonly card?: string;
  readonly noticeFile?: string;
  /** A full copy of a license to hand on; undefined where none is at hand. */
  readonly licenseText: (id: string) => Promise<string | undefined>;
  /** NOTICE files of bases, to be carried on. */
  readonly notices: readonly { readonly from: string; readonly license: string; readonly text: string }[];
  readonly author?: string;
}

export interface CreditPlan {
  readonly files: readonly PlannedFile[];
  readonly refused: readonly Refusal[];
}

/** The same folder gives the same plan; the folder after it gives an empty one. */
export async function planCredit(input: CreditInput): Promise<CreditPlan> {
  const records = await loadRecords();
  const find = (id: string): CatalogRecord | undefined => records.get(id) ?? [...records.values()].find((one) => one.spdx === id);
  const handed = await handedRecords(input.tree, find);
  const refused: Refusal[] = [];
  const files: PlannedFile[] = [];
  const put = (path: string, after: string): void => {
    const before = input.files.get(path) ?? undefined;
    if (before !== after) files.push({ path, ...(before !== undefined && { before }), after });
  };
  const copies = await planCopies(input, handed, put, refused);
  planNotice(input, handed, put, refused);
  await planCard(input, { handed, copies, find }, put, refused);
  planCitation(input, put, refused);
  return { files: files.sort((a, b) => (a.path < b.path ? -1 : 1)), refused };
}

/** Said of what cannot be read as text of this folder. */
const NOT_OWN = 'it is a link, lies behind one, or is no UTF-8 text; it is left alone';

type Put = (path: string, after: string) => void;

/** Records of every license that comes with a base, by id. */
async function handedRecords(tree: CreditNode, find: (id: string) => CatalogRecord | undefined): Promise<CatalogRecord[]> {
  const out = new Map<string, CatalogRecord>();
  for (const node of creditList(tree))
    for (const id of node.licenses) {
      const record = find(id) ?? find((await resolveTag(id))?.id ?? '');
      if (record?.form === 'license') out.set(record.id, record);
    }
  return [...out.values()].sort((a, b) => (a.id < b.id ? -1 : 1));
}

/** Duties that a copy of the license meets. */
const COPY_TERMS = /\/duty\.(license-copy|retain-notices|restrictions-flowdown|notify-downstream)$/;

async function planCopies(
  input: CreditInput,
  handed: readonly CatalogRecord[],
  put: Put,
  refused: Refusal[],
): Promise<Map<string, string>> {
  const copies = new Map<string, string>();
  for (const record of handed) {
    const duties = input.duties.filter((duty) => duty.from.license === record.id && COPY_TERMS.test(duty.id));
    const met = duties.find((duty) => duty.status === 'met');
    const path = `LICENSES/${record.spdx.replace(/[^A-Za-z0-9.+-]/g, '-')}.txt`;
    if (met && input.files.get(path) === undefined) {
      if (/licen|copying/i.test(met.satisfiedBy) && !met.satisfiedBy.includes(': ')) copies.set(record.id, met.satisfiedBy);
      continue;
    }
    if (duties.length === 0) continue;
    const there = input.files.get(path);
    if (there !== undefined) {
      const isCopy =
        there !== null && (await identifyLicense(there)).some((match) => match.id === record.id && match.by === 'text' && !match.modified);
      if (isCopy) copies.set(record.id, path);
      else
        refused.push({
          path,
          why: there === null ? NOT_OWN : `it is there and is not the unmodified text of ${record.name}; it is left alone`,
        });
      continue;
    }
    const text = await input.licenseText(record.id);
    if (text === undefined) {
      const { repo, commit, path: from } = record.source;
      const at = commit === undefined ? `${repo}, ${from}` : `https://github.com/${repo}/blob/${commit}/${from}`;
      refused.push({
        path,
        why: `no copy of ${record.name} is at hand (${duties[0]!.from.section}: "${duties[0]!.from.quote}"); get it from ${at} (SHA-256 ${record.sha256}) and give it with --license-text ${record.id}=FILE`,
      });
      continue;
    }
    put(path, text.endsWith('\n') ? text : `${text}\n`);
    copies.set(record.id, path);
  }
  return copies;
}

function planNotice(input: CreditInput, handed: readonly CatalogRecord[], put: Put, refused: Refusal[]): void {
  const path = input.noticeFile ?? 'NOTICE';
  const there = input.files.get(path);
  const wanted: string[] = [];
  for (const record of handed)
    for (const { any, section, words, blanks } of noticeWords(record)) {
      if (there !== null && any.some((one) => holds(there ?? '', one.replace(/\[applicable year\].*$/i, '')))) continue;
      if (blanks.length > 0)
        refused.push({ path, why: `the words ${record.id} ${section} asks for have a blank that only the publisher can fill`, words });
      else if (!wanted.includes(words)) wanted.push(words);
    }
  for (const notice of input.notices)
    if (notice.text.trim() !== '' && there !== null && !holds(there ?? '', notice.text))
      wanted.push(notice.text.replace(/^\ufeff/, '').trim());
  if (wanted.length === 0) return;
  if (there === null) refused.push({ path, why: NOT_OWN, words: wanted.join('\n\n') });
  else {
    let after = there ?? '';
    for (const words of wanted) if (!holds(after, words)) after = appended(after, words.split(/\r?\n/));
    put(path, after);
  }
}

async function planCard(
  input: CreditInput,
  known: {
    readonly handed: readonly CatalogRecord[];
    readonly copies: ReadonlyMap<string, string>;
    readonly find: (id: string) => CatalogRecord | undefined;
  },
  put: Put,
  refused: Refusal[],
): Promise<void> {
  const path = input.card ?? 'README.md';
  const there = input.files.get(path);
  const lines = describeCredit({ tree: input.tree, records: known.handed, copies: known.copies, find: known.find });
  // Hubs read bases from the card alone, so one named in another file only is named here as well.
  const named = input.claims.baseModels.filter((claim) => claim.from.startsWith(`${path}:`));
  const unnamed = input.bases.filter((base) => !named.some((claim) => sameName(claim.value, base.name)));
  const { fields, note } = await cardFields(input);
  if (note !== undefined) refused.push({ path, why: note });
  if (there === null) {
    refused.push({ path, why: NOT_OWN, words: lines.join('\n') });
    return;
  }
  const front = withFields(there ?? '', { fields, bases: unnamed.map((base) => base.name) });
  for (const why of front.refused) refused.push({ path, why });
  const placed = withSection(front.text, lines);
  if ('refused' in placed) refused.push({ path, why: placed.refused, words: lines.join('\n') });
  const after = 'text' in placed ? placed.text : front.text;
  if (after !== '' || there !== undefined) put(path, after);
}

/** Fields that follow from what is known: never a license that the author did not state in some file. */
async function cardFields(input: CreditInput): Promise<{ fields: Record<string, string>; note?: string }> {
  const fields: Record<string, string> = {};
  let note: string | undefined;
  if (input.claims.licenses.length === 0) {
    const tag = input.own && (await hubTagOf(input.own.id));
    if (input.own && tag !== undefined) fields['license'] = tag;
    else if (input.own) Object.assign(fields, { license: 'other', license_name: input.own.id, license_link: input.own.file });
    else if (input.bases.length > 0)
      note =
        'the card states no license and no file holds one: which license the changes are under is the author’s to say; add "license:" with its tag';
  } else if (input.claims.licenses.every((claim) => /^other$/i.test(claim.value)) && input.own)
    Object.assign(fields, { license_name: input.own.id, license_link: input.own.file });
  const [only] = input.bases;
  if (only?.relation !== undefined && input.bases.length === 1) fields['base_model_relation'] = only.relation;
  return { fields, ...(note !== undefined && { note }) };
}

function planCitation(input: CreditInput, put: Put, refused: Refusal[]): void {
  const path = 'CITATION.cff';
  const there = input.files.get(path);
  if (there === null) {
    refused.push({ path, why: NOT_OWN });
    return;
  }
  const cited = creditList(input.tree).map((node): CitedModel => {
    const [license] = node.licenses;
    const isSpdx =
      node.licenses.length === 1 && license !== undefined && /^[A-Z0-9][\w.+-]*$/.test(license) && !license.startsWith('LicenseRef-');
    return {
      name: node.name,
      ...(node.url !== undefined && { url: node.url }),
      ...(node.revision !== undefined && { revision: node.revision }),
      ...(isSpdx && { license }),
    };
  });
  const result = withReferences(there, cited, { title: input.tree.name, ...(input.author !== undefined && { author: input.author }) });
  refused.push(...result.refused.map((one) => ({ ...one, isOptional: true as const })));
  if (result.text !== undefined) put(path, result.text);
}
