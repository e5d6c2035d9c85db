/**
 * What the effective licenses ask for, each duty with the words of its license, and whether the files show it met.
 * Only what can be seen in files is judged; everything else stays `unknown`.
 * @module
 */
import type { Model } from '../model/index.ts';
import type { Statements } from './statements.ts';
import type { AncestorLicense, Duty } from './types.ts';
import { splitWords } from './words.ts';

interface StoredDuty {
  readonly term: string;
  readonly section: string;
  readonly quote: string;
  readonly on: readonly string[];
  readonly text?: readonly string[];
  /** A link to the license is a copy of it (Creative Commons). */
  readonly urlOk?: true;
  readonly policy?: string;
  /** The duty holds only then; a file cannot show whether it does. */
  readonly condition?: string;
}

const WHAT: Readonly<Record<string, string>> = {
  'duty.license-copy': 'give recipients a copy of the license',
  'duty.notice-file': 'ship a notice file with the words the license fixes',
  'duty.notice-propagate': "carry on the content of the ancestor's NOTICE file",
  'duty.retain-notices': 'keep copyright and permission notices',
  'duty.attribution-source': 'name the creators',
  'duty.attribution-display': 'show the words the license fixes',
  'duty.name-prefix': 'begin the model name with the words the license fixes',
  'duty.state-changes': 'say that and what was changed',
  'duty.restrictions-flowdown': 'pass the use restrictions on in every further agreement',
  'duty.notify-downstream': 'tell recipients that use restrictions apply',
  'duty.acceptable-use': 'keep to the use restrictions',
  'duty.share-alike': 'put what is made from it under the same license',
  'duty.source': 'give the corresponding source',
  'duty.network-source': 'offer the source to users over a network',
  'duty.public-statement': 'say so in public statements about the derivative',
};

/** Words that say what was done to an ancestor. */
const CHANGE_WORDS =
  /\b(modif(?:y|ied|ication|ications)|changed|changes|fine-?tun(?:e|ed|ing)|quanti[sz]ed|pruned|merged|converted|adapter|trained (?:from|on top of))\b/i;

type StoredDuties = Readonly<Record<string, readonly StoredDuty[]>>;

async function readStored(): Promise<StoredDuties> {
  return (await import('./data/duties.json', { with: { type: 'json' } })).default as unknown as StoredDuties;
}

/** Every act that a duty of some license is bound to (`Duty.when`), sorted. */
export async function dutyActs(): Promise<string[]> {
  const duties = Object.values(await readStored()).flat();
  return [...new Set(duties.flatMap((duty) => duty.on))].sort();
}

/** Those of `ids` whose duties are not among the data: no duty listed then does not mean that none is asked for. */
export async function withoutDuties(ids: readonly string[], catalog: Statements['catalog']): Promise<string[]> {
  const stored = await readStored();
  return ids.filter((id) => {
    const entry = catalog.find(id);
    return entry?.kind !== 'public-domain' && !(entry && Object.hasOwn(stored, entry.id));
  });
}

/** Duties of `ids`, own ones first, in the order of the license's terms. */
export async function listDuties(
  ids: readonly string[],
  model: Model,
  statements: Statements,
  ancestors: readonly AncestorLicense[],
): Promise<Duty[]> {
  const stored = await readStored();
  const sight = lookAt(model, statements);
  const out: Duty[] = [];
  for (const id of ids) {
    const entry = statements.catalog.find(id);
    if (!entry || !Object.hasOwn(stored, entry.id)) continue;
    const through = ancestors.filter((a) => a.licenses.some((x) => (statements.catalog.find(x)?.id ?? x) === entry.id));
    for (const duty of stored[entry.id]!) {
      const answer = judge(duty, entry.id, sight);
      out.push({
        id: `${entry.id}/${duty.term}`,
        what: (WHAT[duty.term] ?? duty.term) + (duty.text ? `: "${duty.text.join('" or "')}"` : ''),
        from: { license: entry.id, section: duty.section, quote: duty.quote },
        because: through.length === 0 ? "own: the model's own license" : through.map((a) => `${a.name} (${a.because})`).join(', '),
        when: duty.on,
        ...(duty.text && { text: duty.text.join(' or ') }),
        // A licensor is not bound by its own license, and files do not say who that is.
        ...(answer.status === 'unmet' && (through.length === 0 || duty.condition !== undefined)
          ? { satisfiedBy: '', status: 'unknown' as const }
          : answer),
      });
    }
  }
  return out;
}

interface Sight {
  readonly texts: ReadonlyMap<string, string>;
  readonly named: ReadonlyMap<string, string>;
  /** All prose of the folder: file → its words, one space apart, padded. */
  readonly prose: readonly { readonly file: string; readonly words: string }[];
  readonly names: readonly { readonly value: string; readonly from: string }[];
  readonly change: string;
  readonly noticeFile: string;
}

function lookAt(model: Model, { found, declared, catalog }: Statements): Sight {
  const texts = new Map<string, string>();
  const named = new Map<string, string>();
  for (const f of found) {
    const map = f.by === 'text' && !f.modified ? texts : named;
    const id = catalog.find(f.id)?.id ?? f.id;
    if (!map.has(id)) map.set(id, f.file);
    for (const policy of f.policies ?? []) if (!texts.has(policy.id)) texts.set(policy.id, f.file);
  }
  for (const d of declared) if (d.id !== null) named.set(catalog.find(d.id)?.id ?? d.id, d.from);
  const card = model.card ? [{ file: model.card.file, text: model.card.body }] : [];
  const prose = [...card, ...model.noticeFiles, ...model.licenseFiles].map((f) => ({ file: f.file, words: wordsOf(f.text) }));
  const change = model.claims.relation?.from ?? (model.card && CHANGE_WORDS.test(model.card.body.slice(0, 200_000)) ? model.card.file : '');
  return {
    texts,
    named,
    prose,
    names: [{ value: model.name, from: 'model name' }, ...model.claims.names],
    change,
    noticeFile: model.noticeFiles[0]?.file ?? '',
  };
}

const wordsOf = (text: string): string => ` ${splitWords(text).words.join(' ')} `;

function judge(duty: StoredDuty, id: string, sight: Sight): { satisfiedBy: string; status: Duty['status'] } {
  const met = (where: string): { satisfiedBy: string; status: Duty['status'] } => ({ satisfiedBy: where, status: 'met' });
  const unmet = { satisfiedBy: '', status: 'unmet' } as const;
  const unknown = { satisfiedBy: '', status: 'unknown' } as const;
  const copy = sight.texts.get(id);
  switch (duty.term) {
    case 'duty.license-copy': {
      const link = duty.urlOk ? sight.named.get(id) : undefined;
      return copy !== undefined ? met(copy) : link !== undefined ? met(link) : unmet;
    }
    case 'duty.notice-file': {
      // The license's own text quotes the notice; that is not the notice.
      const where = duty.text && findWords(duty.text, sight, copy);
      return where ? met(where) : duty.text ? unmet : unknown;
    }
    case 'duty.attribution-display': {
      const where = duty.text && findWords(duty.text, sight, copy);
      return where ? met(where) : duty.text ? unmet : unknown;
    }
    case 'duty.name-prefix': {
      const named = sight.names.find(({ value }) =>
        duty.text?.some((prefix) =>
          value
            .slice(value.lastIndexOf('/') + 1)
            .toLowerCase()
            .startsWith(prefix.toLowerCase()),
        ),
      );
      return named ? met(`${named.from}: ${named.value}`) : unmet;
    }
    case 'duty.retain-notices':
      return copy !== undefined ? met(copy) : unmet;
    case 'duty.notice-propagate':
      return sight.noticeFile ? met(sight.noticeFile) : unknown;
    case 'duty.state-changes':
      return sight.change ? met(sight.change) : unmet;
    case 'duty.restrictions-flowdown':
    case 'duty.notify-downstream':
      // RAIL texts carry their restrictions as an attachment: the copy passes them on.
      return copy !== undefined ? met(copy) : unmet;
    default:
      return unknown;
  }
}

/** The file whose prose holds one of the fixed texts; fields to fill in ("[applicable year]") end the compared part. */
function findWords(texts: readonly string[], sight: Sight, except: string | undefined): string | undefined {
  for (const text of texts) {
    const fixed = wordsOf(text.replace(/\[applicable year\].*$/i, ''));
    if (fixed.trim() === '') continue;
    const hit = sight.prose.find((p) => p.file !== except && p.words.includes(fixed));
    if (hit) return hit.file;
  }
  return undefined;
}
