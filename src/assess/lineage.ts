/**
 * The suspect against every known model, and the publisher's claims against what the weights say.
 * @module
 */
import type { Finding, Watch } from '../base/index.ts';
import { isOpen, relate, sharesTraining, type Sketch, type Verdict } from '../lineage/index.ts';
import { type Model, normalizeName, sameName } from '../model/index.ts';
import { checkClaim, type OtherTie } from './claims.ts';
import { byStrength, isTie, type KnownRelation, relateKnown } from './known.ts';
import { ownNames } from './names.ts';
import type { AncestorRecord, Assessment, ClaimCheck, KnownModel, KnownModels } from './types.ts';

type LineageAnswer = Assessment['lineage'];

/** Known models whose fingerprints leave a question open, held on to for a closer look: 256 KiB each at most. */
const MOST_OPEN = 256;

/** @returns the answer, the known models that count as ancestors (a tie by training, and not themselves descendants), those only claimed, every record looked at, and the suspect's own if it is registered. */
export async function traceLineage(
  model: Model,
  sketch: Sketch | null,
  known: KnownModels,
  watch: Watch,
): Promise<{
  answer: LineageAnswer;
  ancestors: KnownRelation[];
  claimed: AncestorRecord[];
  records: AncestorRecord[];
  own: AncestorRecord | null;
}> {
  const names = ownNames(model);
  const all: KnownRelation[] = [];
  const named = new Map<KnownRelation, KnownModel>();
  let best: { readonly relation: KnownRelation; readonly sketch: Sketch } | undefined;
  const open: OpenPair[] = [];
  let own: AncestorRecord | null = null;
  let compared = 0;
  let done = 0;
  if (sketch)
    for await (const entry of known.entries({ sketch, bases: model.claims.baseModels.map((claim) => claim.value) })) {
      watch.signal?.throwIfAborted();
      watch.onProgress?.({ what: 'compare with known models', done: done++, total: known.count });
      const relation = relateKnown(entry, sketch, known.count);
      if (relation.verdict !== 'unresolved') compared++;
      // A registered copy of the very model under judgement is not its ancestor.
      if (relation.a.digest === relation.b.digest && names.has(normalizeName(entry.record.name))) {
        own = entry.record;
        continue;
      }
      all.push(relation);
      if (known.closer && open.length < MOST_OPEN && isOpen(relation, entry.sketch, sketch)) open.push({ entry, relation });
      // Two kinds of sketches are held on to: of models the card names, and of the strongest tie, to see whether they are strangers.
      if (model.claims.baseModels.some((claim) => sameName(claim.value, entry.record.name))) named.set(relation, entry);
      if (!best || byStrength(relation, best.relation) < 0) best = { relation, sketch: entry.sketch };
    }
  const isTold = (): boolean => all.some(({ verdict }) => sharesTraining(verdict));
  if (sketch && known.closer)
    for (const { entry, relation } of open.filter(({ relation }) => named.has(relation)).concat(byUrgency(open, named))) {
      // One that shares training is enough: fingerprints tell its relatives, and each further look costs as much.
      if (isTold() && !named.has(relation)) break;
      watch.signal?.throwIfAborted();
      watch.onProgress?.({ what: `look closer at ${entry.record.name}`, done: 0, total: 0 });
      const looked = await known.closer(entry, sketch);
      if (!looked) continue;
      const nearer = { ...looked, a: { ...looked.a, name: entry.record.name }, ancestor: entry.record };
      all[all.indexOf(relation)] = nearer;
      const base = named.get(relation);
      if (base) {
        named.delete(relation);
        named.set(nearer, base);
      }
      if (!best || best.relation === relation || byStrength(nearer, best.relation) < 0) best = { relation: nearer, sketch: entry.sketch };
    }
  const told = all.filter((relation) => isTie(relation.verdict)).sort(byStrength);
  const claims = model.claims.baseModels.map((claim) => {
    const relation = all.find((candidate) => sameName(claim.value, candidate.ancestor.name));
    const base = relation && named.get(relation);
    const others: OtherTie[] =
      base && best && best.relation !== relation ? [{ relation: best.relation, toClaimed: relate(base.sketch, best.sketch) }] : [];
    return checkClaim(claim.value, claim.from, relation, others);
  });
  const claimedOnly = all.filter(
    (relation) => !isTie(relation.verdict) && model.claims.baseModels.some((claim) => sameName(claim.value, relation.ancestor.name)),
  );
  const verdict: Verdict = told[0]?.verdict ?? (compared > 0 ? 'no-evidence' : 'unresolved');
  const ancestors = told.filter(
    (relation) => (relation.verdict === 'derived' || relation.verdict === 'identical') && mayBeAncestor(relation, names),
  );
  // Registered bases that the card names and the weights cannot speak about, such as the base of an adapter.
  const claimed = all
    .filter(
      ({ verdict: v, ancestor }) =>
        (v === 'unresolved' || v === 'shared-origin') && claims.some((claim) => sameName(claim.name, ancestor.name)),
    )
    .map((relation) => relation.ancestor);
  return {
    ancestors,
    claimed,
    records: all.map((relation) => relation.ancestor),
    own,
    answer: {
      verdict,
      relations: [...told, ...claimedOnly],
      claims,
      register: { models: known.count, compared },
      limits: limits(model, known.count, done - compared, told.length),
      findings: findings(told, claims, names),
    },
  };
}

interface OpenPair {
  readonly entry: KnownModel;
  readonly relation: KnownRelation;
}

/** Ties whose meaning is open before pairs that show nothing; of these, models that name no base of their own first. */
function byUrgency(open: readonly OpenPair[], named: ReadonlyMap<KnownRelation, KnownModel>): OpenPair[] {
  const rank = ({ entry, relation }: OpenPair): number => (isTie(relation.verdict) ? 0 : 2) + (entry.record.baseModels?.length ? 1 : 0);
  return open.filter(({ relation }) => !named.has(relation)).sort((x, y) => rank(x) - rank(y) || byStrength(x.relation, y.relation));
}

/** A known model that names the suspect as its base, or that lost information the suspect still has, came later. */
function mayBeAncestor(relation: KnownRelation, names: ReadonlySet<string>): boolean {
  const namesSuspect = (relation.ancestor.baseModels ?? []).some((base) => [...names].some((name) => sameName(base, name)));
  return relation.direction !== 'b->a' && !namesSuspect;
}

function findings(told: readonly KnownRelation[], claims: readonly ClaimCheck[], names: ReadonlySet<string>): Finding[] {
  const out: Finding[] = claims
    .filter((claim) => claim.verdict === 'not-shown' || claim.verdict === 'refuted')
    .map((claim) => ({
      rule: claim.verdict === 'refuted' ? 'lineage/claimed-base-refuted' : 'lineage/claimed-base-not-shown',
      severity: 'warning',
      where: whereOf(claim.from),
      what: `the card names "${claim.name}" as base; the weights ${claim.verdict === 'refuted' ? 'speak against it' : 'show no tie to it'}`,
      why: `${claim.because}. A wrong base misleads about license, safety and credit`,
      fix: 'name the model these weights were really trained from, or ask the publisher how they were made',
    }));
  for (const relation of told)
    if (relation.verdict === 'identical' && ![...names].some((name) => sameName(name, relation.ancestor.name)))
      out.push({
        rule: 'lineage/same-weights-other-name',
        severity: 'warning',
        where: { field: 'weights' },
        what: `the same weights are known as "${relation.ancestor.name}"`,
        why: relation.because,
        fix: `if this is a mirror or conversion of it, say so and keep its license and credit`,
      });
  return out;
}

/** `README.md: base_model` back to file and field. */
function whereOf(from: string): { file?: string; field?: string } {
  const at = from.indexOf(': ');
  return at < 0 ? { file: from } : { file: from.slice(0, at), field: from.slice(at + 2) };
}

function limits(model: Model, known: number, incomparable: number, ties: number): string[] {
  const out: string[] = [];
  if (!model.checkpoint) out.push('the files hold no weights that can be read, so nothing was compared');
  else if (known === 0) out.push('the register is empty, so nothing was compared; add known models with `heirloom register add`');
  else if (incomparable > 0)
    out.push(`${incomparable} of ${known} known models could not be compared: other shapes or forms, or too little in common to test`);
  if (known > 0 && ties === 0) out.push('finding no ancestor among the models of this register does not show that there is none');
  return out;
}
