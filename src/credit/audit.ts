/**
 * Labels of very many models at once: what each declares, what binds it with its bases, and how the two differ.
 * @module
 */
import { type AncestorLicense, type Drift, identifyLicense, judgeLicense, type LicenseJudgement, resolveTag } from '../license/index.ts';
import { type Model, normalizeName } from '../model/index.ts';

/** One model or card, as the audit keeps it; everything in it is bounded. */
export interface AuditRow {
  readonly name: string;
  /** Path, or line of the list. */
  readonly from: string;
  /** Ids the model itself states; empty: none. */
  readonly declared: readonly string[];
  /** Ids that bind it, with those of its bases. */
  readonly effective: readonly string[];
  readonly bases: readonly { readonly name: string; readonly found: 'audited' | 'registered' | 'not-found' }[];
  /** The one that says most; `unknown`: a base is named and its license is not known; `none`: it names no base. */
  readonly drift: Drift['kind'] | 'unknown' | 'none';
  /** The base whose license `drift` speaks of. */
  readonly through?: string;
  readonly findings: readonly AuditFinding[];
  /** It could not be read. */
  readonly error?: { readonly code: string; readonly message: string };
}

export interface AuditFinding {
  readonly rule: string;
  readonly what: string;
}

/** What is kept of a model between the first look and the second. */
export interface AuditEntry {
  readonly name: string;
  readonly from: string;
  /** Ids it states itself. */
  readonly own: readonly string[];
  readonly bases: readonly string[];
}

/** Values kept of one card. (CWE-770) */
const MAX_KEPT = 20;
const MAX_CHARACTERS = 200;
/** How far up bases of bases are followed, and how many. */
const MAX_UP = 32;
const MAX_ANCESTORS = 100;

const short = (text: string): string => (text.length > MAX_CHARACTERS ? `${text.slice(0, MAX_CHARACTERS)}…` : text);

/** The judgement of one model under known ancestors; what the audit rests on. */
const judge = (model: Model, ancestors: readonly AncestorLicense[]): Promise<LicenseJudgement> => judgeLicense(model, ancestors);

/** First look: what a model states alone. */
export async function auditEntry(model: Model, name: string, from: string): Promise<AuditEntry> {
  const { effective } = await judge(model, []);
  return {
    name: short(name),
    from: short(from),
    own: effective.ids.slice(0, MAX_KEPT).map(short),
    bases: [...new Set(model.claims.baseModels.map((claim) => short(claim.value)))].slice(0, MAX_KEPT),
  };
}

/** Names to entries: an exact name, else a name without its owner when no other model has it. */
export interface AuditIndex {
  find(name: string): { readonly entry: AuditEntry; readonly where: 'audited' | 'registered' } | undefined;
  /** Entries that share a name with an earlier one. */
  isTwin(entry: AuditEntry): boolean;
}

export function auditIndex(audited: readonly AuditEntry[], registered: readonly AuditEntry[]): AuditIndex {
  const full = new Map<string, { entry: AuditEntry; where: 'audited' | 'registered' }>();
  const bare = new Map<string, { entry: AuditEntry; where: 'audited' | 'registered' } | null>();
  const twins = new Set<AuditEntry>();
  const spell = (name: string): string => normalizeName(name).replace(/[\s_-]+/g, '-');
  const add = (entry: AuditEntry, where: 'audited' | 'registered'): void => {
    const name = spell(entry.name);
    if (full.has(name)) {
      if (where === 'audited') twins.add(entry);
      return;
    }
    const kept = { entry, where };
    full.set(name, kept);
    const last = name.slice(name.lastIndexOf('/') + 1);
    bare.set(last, bare.has(last) ? null : kept);
  };
  for (const entry of audited) add(entry, 'audited');
  for (const entry of registered) add(entry, 'registered');
  return {
    find(name) {
      const key = spell(name);
      const exact = full.get(key);
      if (exact) return exact;
      const only = bare.get(key.slice(key.lastIndexOf('/') + 1));
      // `owner/name` and `name` may be one model; `owner/name` and `other/name` are two.
      return only && key.includes('/') !== spell(only.entry.name).includes('/') ? only : undefined;
    },
    isTwin: (entry) => twins.has(entry),
  };
}

/** Second look: the model among those it builds on. */
export async function auditRow(model: Model, entry: AuditEntry, index: AuditIndex): Promise<AuditRow> {
  const { ancestors, loop } = ancestorsOf(entry, index);
  const judged = await judge(model, ancestors);
  const unread = unreadableCard(model);
  const findings: AuditFinding[] = [...model.findings.filter((finding) => CARD_RULES.has(finding.rule)), ...judged.findings]
    // Of a card that could not be read, nobody can say that it states nothing.
    .filter((finding) => !unread || finding.rule !== 'license/none-stated')
    .filter((finding) => finding.severity !== 'note' || finding.rule === 'license/declared-unknown')
    .map((finding) => ({ rule: finding.rule, what: short(finding.what) }));
  findings.push(...judged.conflicts.map((finding) => ({ rule: finding.rule, what: short(finding.what) })));
  if (loop) findings.push({ rule: 'license/base-loop', what: `by its cards it stands above itself: ${loop.map(short).join(' ← ')}` });
  if (index.isTwin(entry))
    findings.push({
      rule: 'license/name-twice',
      what: `another model of this audit is called ${entry.name} too; bases of that name mean the first`,
    });
  const prose = await proseAgainst(model, judged);
  if (prose) findings.push(prose);
  const bases = entry.bases.map((name) => ({ name, found: index.find(name)?.where ?? ('not-found' as const) }));
  const worst = [...judged.drift].sort((a, b) => ORDER.indexOf(a.kind) - ORDER.indexOf(b.kind))[0];
  return {
    name: entry.name,
    from: entry.from,
    declared: entry.own,
    effective: judged.effective.ids.slice(0, MAX_KEPT).map(short),
    bases,
    drift: worst?.kind ?? (bases.length > 0 ? 'unknown' : 'none'),
    ...(worst && worst.kind !== 'kept' && { through: worst.ancestor }),
    findings: findings.slice(0, MAX_KEPT),
    ...(unread !== undefined && { error: { code: 'AUDIT_CARD', message: short(unread) } }),
  };
}

/** What reading the card found that bears on what it declares. */
const CARD_RULES: ReadonlySet<string> = new Set(['model/card-front-matter', 'model/duplicate-key', 'model/text-unreadable']);

/** Why what the card declares is not known; undefined where it could be read, or where there is no card. */
function unreadableCard(model: Model): string | undefined {
  const file = model.files.find((one) => one.kind === 'card' && !one.path.includes('/') && one.size > 0);
  if (!model.card) return file && `${file.path} holds no text that could be read`;
  if (Object.keys(model.card.data).length > 0) return undefined;
  return model.findings.find((finding) => finding.rule === 'model/card-front-matter')?.what;
}

/** What says most first. */
const ORDER: readonly Drift['kind'][] = ['dropped', 'loosened', 'relabelled', 'tightened', 'kept'];

/** A row of something that could not be read. */
export function brokenRow(name: string, from: string, error: { readonly code: string; readonly message: string }): AuditRow {
  return {
    name: short(name),
    from: short(from),
    declared: [],
    effective: [],
    bases: [],
    drift: 'none',
    findings: [],
    error: { code: error.code, message: short(error.message) },
  };
}

/** Everything above by the cards, nearest first; the way round when a model stands above itself. */
function ancestorsOf(entry: AuditEntry, index: AuditIndex): { ancestors: AncestorLicense[]; loop?: string[] } {
  const out: AncestorLicense[] = [];
  const seen = new Map<AuditEntry, readonly string[]>();
  let loop: string[] | undefined;
  let level: { readonly entry: AuditEntry; readonly way: readonly string[] }[] = [{ entry, way: [entry.name] }];
  for (let up = 0; up < MAX_UP && level.length > 0 && out.length < MAX_ANCESTORS; up++) {
    const next: typeof level = [];
    for (const { entry: below, way } of level)
      for (const base of below.bases) {
        const found = index.find(base)?.entry;
        if (!found) continue;
        if (found === entry) {
          loop ??= [...way, entry.name];
          continue;
        }
        if (seen.has(found) || out.length >= MAX_ANCESTORS) continue;
        seen.set(found, way);
        out.push({ name: found.name, licenses: found.own, because: 'claimed', cameFirst: 'card' });
        next.push({ entry: found, way: [...way, found.name] });
      }
    level = next;
  }
  return { ancestors: out, ...(loop && { loop }) };
}

/** Sentences in which a card says what the model itself is under; those about its base are not meant. */
const OWN_SENTENCE =
  /\bthis (?:model|repo(?:sitory)?|checkpoint|adapter|work|project|release)\b[^.\n]{0,80}\b(?:licen[cs]ed|released|distributed|available|published) under\b[^.\n]{0,120}(?:\.\d[^.\n]{0,40})*/gi;
const MAX_SENTENCES = 3;
const MAX_PROSE = 100_000;

/** The field says one license, the prose of the same card another. */
async function proseAgainst(model: Model, { declared }: LicenseJudgement): Promise<AuditFinding | undefined> {
  const [first] = declared;
  if (!model.card || !first || declared.some((one) => one.id === null)) return undefined;
  const said = new Set(
    declared.flatMap((one) => [...one.id!.split(/ (?:AND|OR) /), ...(one.candidates ?? [])]).map((id) => id.toLowerCase()),
  );
  for (const [sentence] of [...model.card.body.slice(0, MAX_PROSE).matchAll(OWN_SENTENCE)].slice(0, MAX_SENTENCES)) {
    const ids = (await identifyLicense(sentence)).flatMap((match) => [match.id, ...(match.candidates ?? [])]);
    if (ids.length > 0 && !ids.some((id) => said.has(id.toLowerCase())))
      return {
        rule: 'license/prose-differs-from-field',
        what: short(`${first.from} says ${first.value}; the text says "${sentence.replace(/\s+/g, ' ')}"`),
      };
  }
  return undefined;
}

/** How many models went from what they declare to what binds them. */
export interface AuditFlow {
  readonly declared: string;
  readonly effective: string;
  readonly models: number;
}

export interface AuditSummary {
  readonly models: number;
  readonly unreadable: number;
  readonly drift: Readonly<Record<AuditRow['drift'], number>>;
  readonly findings: Readonly<Record<string, number>>;
  /** Most models first. */
  readonly flows: readonly AuditFlow[];
}

/** Counts of an audit; rows are added one at a time, so that an audit of any size takes the same memory. */
export class AuditCounter {
  #models = 0;
  #unreadable = 0;
  readonly #drift: Record<AuditRow['drift'], number> = {
    kept: 0,
    loosened: 0,
    relabelled: 0,
    tightened: 0,
    dropped: 0,
    unknown: 0,
    none: 0,
  };
  readonly #findings = new Map<string, number>();
  readonly #flows = new Map<string, AuditFlow & { models: number }>();

  add(row: AuditRow): void {
    this.#models++;
    if (row.error) {
      this.#unreadable++;
      return;
    }
    this.#drift[row.drift]++;
    for (const rule of new Set(row.findings.map((finding) => finding.rule))) this.#findings.set(rule, (this.#findings.get(rule) ?? 0) + 1);
    const [declared, effective] = [row.declared, row.effective].map((ids) => [...ids].sort().join(' and ') || 'none stated') as [
      string,
      string,
    ];
    const key = `${declared}\0${effective}`;
    const flow = this.#flows.get(key);
    if (flow) flow.models++;
    else if (this.#flows.size < MAX_FLOWS) this.#flows.set(key, { declared, effective, models: 1 });
    else this.#flows.set('', { declared: 'others', effective: 'others', models: (this.#flows.get('')?.models ?? 0) + 1 });
  }

  summary(): AuditSummary {
    const byName = <T>(entries: Iterable<readonly [string, T]>): [string, T][] => [...entries].map(([k, v]): [string, T] => [k, v]).sort(([a], [b]) => (a < b ? -1 : 1)); // prettier-ignore
    return {
      models: this.#models,
      unreadable: this.#unreadable,
      drift: { ...this.#drift },
      findings: Object.fromEntries(byName(this.#findings)),
      flows: byName(this.#flows)
        .map(([, flow]) => flow)
        .sort((a, b) => b.models - a.models),
    };
  }
}
/** Kinds of flow counted one by one; hostile lists could have as many as models. (CWE-770) */
const MAX_FLOWS = 5000;

/** A registered model or a plain list entry, whose ids may be tags. */
export async function entryOf(name: string, from: string, licenses: readonly string[], bases: readonly string[]): Promise<AuditEntry> {
  const own = await Promise.all(licenses.slice(0, MAX_KEPT).map(async (one) => (await resolveTag(one))?.id ?? one));
  return { name: short(name), from: short(from), own: own.map(short), bases: bases.slice(0, MAX_KEPT).map(short) };
}
