/**
 * What a model states about its own license: tags and fields (declared), files (found).
 * @module
 */
import type { Finding } from '../base/index.ts';
import type { Claim, Model, TextFile } from '../model/index.ts';
import { type Catalog, loadCatalog } from './catalog.ts';
import { readEmbedded } from './embedded.ts';
import { identifyLicense } from './identify.ts';
import { loadNames, type Names } from './names.ts';
import { kindOfId, licenseRef, resolveTag } from './tags.ts';
import type { Declared, Found } from './types.ts';

export interface Statements {
  readonly declared: readonly Declared[];
  readonly found: readonly Found[];
  readonly findings: readonly Finding[];
  readonly catalog: Catalog;
  readonly names: Names;
}

/** Files read per model; a folder with more license files is a collection. (CWE-400) */
const MAX_FILES = 40;
const OTHER = /^(other|custom|unknown)$/i;

/** Reads every statement once. Findings here are about single statements; see judge.ts for how they fit together. */
export async function readStatements(model: Model): Promise<Statements> {
  const catalog = await loadCatalog();
  const names = await loadNames();
  const findings: Finding[] = [];
  const declared: Declared[] = [];
  for (const claim of model.claims.licenses) {
    const one = await declare(claim, model, findings);
    if (one && !declared.some((d) => d.value === one.value && d.id === one.id)) declared.push(one);
  }
  // A name or link without `license: other` still names a license.
  if (declared.length === 0 && model.claims.licenseName) {
    const one = await declareName(model.claims.licenseName);
    if (one) declared.push(one);
  }
  const found: Found[] = [];
  for (const file of [...model.licenseFiles, ...model.noticeFiles, ...model.policyFiles].slice(0, MAX_FILES)) {
    const matches = await identifyLicense(file.text);
    for (const match of matches) {
      found.push({ ...match, file: file.file, kind: kindOfId(catalog, names, match.id) });
      if (match.modified) findings.push(modifiedText(file, match));
    }
    if (matches.length === 0 && model.licenseFiles.includes(file) && file.text.trim() !== '') findings.push(unknownText(file));
  }
  for (const one of await readEmbedded(model, catalog, names)) {
    found.push(one);
    if (one.modified) findings.push(modifiedText(one, one));
  }
  return { declared, found, findings, catalog, names };
}

async function declare(claim: Claim, model: Model, findings: Finding[]): Promise<Declared | null> {
  const value = claim.value.trim();
  if (value === '') return null;
  const resolved = await resolveTag(value);
  if (resolved)
    return {
      value,
      id: resolved.id,
      kind: resolved.kind,
      from: claim.from,
      ...(resolved.candidates && { candidates: resolved.candidates }),
    };
  if (OTHER.test(value)) {
    if (model.claims.licenseName) return declareName(model.claims.licenseName, claim.from);
    const link = model.claims.licenseLink;
    const linked = link ? await resolveTag(link.value) : null;
    if (link && linked) return { value: link.value, id: linked.id, kind: linked.kind, from: link.from };
    if (model.licenseFiles.length === 0)
      findings.push({
        rule: 'license/other-without-name',
        severity: 'warning',
        where: whereOf(claim.from),
        what: `the card says license: ${value.slice(0, 40)}, names no license, and the folder holds no license file`,
        why: 'nobody can tell what may be done with the model',
        fix: 'add license_name and license_link, or a LICENSE file',
      });
    return { value, id: null, kind: 'unknown', from: claim.from };
  }
  findings.push({
    rule: 'license/declared-unknown',
    severity: 'note',
    where: whereOf(claim.from),
    what: `"${value.slice(0, 80)}" is no license id or name that is known here`,
    why: 'its terms cannot be read, so the strictest reading is taken',
    fix: 'use an SPDX id, or license: other with license_name and the text in a file',
    source: 'https://spdx.org/licenses/',
  });
  return { value, id: licenseRef(value), kind: 'unknown', from: claim.from };
}

async function declareName(name: Claim, from: string = name.from): Promise<Declared | null> {
  const value = name.value.trim();
  if (value === '') return null;
  const resolved = await resolveTag(value);
  if (!resolved) return { value, id: licenseRef(value), kind: 'unknown', from };
  return { value, id: resolved.id, kind: resolved.kind, from, ...(resolved.candidates && { candidates: resolved.candidates }) };
}

/** `README.md: license` → file and field. */
export function whereOf(from: string): { file: string; field?: string } {
  const at = from.indexOf(': ');
  return at < 0 ? { file: from } : { file: from.slice(0, at), field: from.slice(at + 2) };
}

function modifiedText(
  file: { readonly file: string; readonly field?: string },
  match: { name: string; differs: readonly { kind: string; catalog: string; found: string }[] },
): Finding {
  const first = match.differs[0];
  const words = first
    ? [first.catalog && `"${first.catalog.slice(0, 80)}"`, first.found && `"${first.found.slice(0, 80)}"`].filter(Boolean).join(' → ')
    : '';
  return {
    rule: 'license/text-modified',
    severity: 'warning',
    where: { file: file.file, ...(file.field !== undefined && { field: file.field }) },
    what: `the text is ${match.name} with ${match.differs.length} ${match.differs.length === 1 ? 'change' : 'changes'}, the first: ${first?.kind ?? ''} ${words}`,
    why: 'a changed word can change what the license asks for; it is no longer the license of that name',
    fix: 'read the changed words; restore the text, or give the license a name of its own',
  };
}

function unknownText(file: TextFile): Finding {
  return {
    rule: 'license/text-unknown',
    severity: 'note',
    where: { file: file.file },
    what: 'the text matches no license that is known here',
    why: 'its terms cannot be read by a program',
    fix: 'read it; if it is a published license, check that the text is complete',
  };
}
