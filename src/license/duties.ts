/**
 * What a folder of files shows of the duties of its licenses. Only what can be seen in files is judged; everything else stays `unknown`.
 * @module
 */
import type { Model } from '../model/index.ts';
import type { Book } from './reason/book.ts';
import type { Seen } from './reason/types.ts';
import { textsOf } from './reason/words.ts';
import type { Statements } from './statements.ts';
import type { Term } from './terms/types.ts';
import { splitWords } from './words.ts';

/** Words that say what was done to an ancestor. */
const CHANGE_WORDS =
  /\b(modif(?:y|ied|ication|ications)|changed|changes|fine-?tun(?:e|ed|ing)|quanti[sz]ed|pruned|merged|converted|adapter|trained (?:from|on top of))\b/i;

/** What is seen of every duty of `ids`, by license id, slash and term. */
export function seenIn(ids: readonly string[], model: Model, statements: Statements, book: Book): Record<string, Seen> {
  const sight = lookAt(model, statements);
  const out: Record<string, Seen> = {};
  for (const id of ids) {
    const license = book.license(id);
    for (const term of license.terms) {
      const key = `${license.id}/${term.term}`;
      if (!term.term.startsWith('duty.') || Object.hasOwn(out, key)) continue;
      out[key] = judge(term, license.record?.id ?? license.id, sight);
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

function judge(duty: Term, id: string, sight: Sight): Seen {
  const met = (where: string): Seen => ({ satisfiedBy: where, status: 'met' });
  const unmet: Seen = { satisfiedBy: '', status: 'unmet' };
  const unknown: Seen = { satisfiedBy: '', status: 'unknown' };
  const copy = sight.texts.get(id);
  const texts = textsOf(duty);
  switch (duty.term) {
    case 'duty.license-copy': {
      const link = duty.params?.['urlOk'] === true ? sight.named.get(id) : undefined;
      return copy !== undefined ? met(copy) : link !== undefined ? met(link) : unmet;
    }
    case 'duty.notice-file':
    case 'duty.attribution-display': {
      // The license's own text quotes the notice; that is not the notice.
      const where = findWords(texts, sight, copy);
      return where !== undefined ? met(where) : texts.length > 0 ? unmet : unknown;
    }
    case 'duty.name-prefix': {
      const named = sight.names.find(({ value }) =>
        texts.some((prefix) =>
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
