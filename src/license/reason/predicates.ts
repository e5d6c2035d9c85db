/**
 * The conditions that rules are written in, each with three answers. A condition is data: see `Condition`.
 * @module
 */
import type { Act, DerivationStatus, EdgeAct, Term } from '../terms/types.ts';
import type { LicenseKind } from '../types.ts';
import type { License } from './book.ts';
import { isConveyed, isDistributed, isDone, onlyOutputs } from './context.ts';
import { beginsWith } from './duties.ts';
import { derivationOf, type Reach } from './reach.ts';
import { dutiesHere, type Here, isMovedOn, isSame, nameOf, type Scene } from './scene.ts';
import { isShareAlikeKept, missingRestrictions } from './relabel.ts';
import { citeOf } from './terms.ts';
import { isOutside } from './territory.ts';
import { evaluateThreshold, isShown, isThreshold } from './thresholds.ts';
import { all, any, fact, no, not, type Truth, unknown, yes } from './truth.ts';
import type { Relation } from './types.ts';
import { paramList, textsOf } from './words.ts';

/** One object has one of these fields (`term` and `edge` take a few beside). */
export interface Condition {
  readonly all?: readonly Condition[];
  readonly any?: readonly Condition[];
  readonly not?: Condition;
  /** The license has one of these terms; `*` at the end stands for the rest. Narrowed by `on`, `params`, `quote`. */
  readonly term?: string | readonly string[];
  readonly on?: Act;
  /** `present`, `absent`, or words to be found in the value. */
  readonly params?: Readonly<Record<string, string>>;
  readonly quote?: string;
  readonly kind?: readonly LicenseKind[];
  readonly form?: 'license' | 'policy';
  /** For licenses without terms in the catalog; `*` at the end stands for the rest. */
  readonly id?: readonly string[];
  readonly sublicensable?: boolean;
  /** How strongly the license flows down (`flow.strength` of its record). */
  readonly flow?: readonly string[];
  /** How the licensed material stands in the subject. */
  readonly relation?: readonly Relation[];
  /** An act on the way to the subject; an unknown act may be any that changes weights. `only`: no other act but copying. */
  readonly edge?: readonly EdgeAct[];
  readonly only?: boolean;
  readonly derivation?: readonly DerivationStatus[];
  readonly act?: readonly Act[];
  readonly is?:
    | 'conveyed'
    | 'distributed'
    | 'commercial'
    | 'competing'
    | 'multimodal'
    | 'end-user'
    | 'company'
    | 'only-outputs'
    | 'also-inside'
    | 'moved-on'
    | 'outside-territory'
    | 'past-threshold'
    | 'name-lacks-prefix'
    | 'restrictions-missing'
    | 'share-alike-lost'
    | 'relabelled'
    | 'unlabelled'
    | 'prefixes-clash'
    | 'restrictions-differ'
    | 'both-keep-to-family';
  /** One of the subject's own licenses meets this. */
  readonly declared?: Condition;
  /** One of these duties of the license is due and not met. */
  readonly unmet?: readonly string[];
}

export function evaluate(condition: Condition, scene: Scene, here: Here): Truth {
  const parts: Truth[] = [];
  if (condition.all) parts.push(all(condition.all.map((part) => evaluate(part, scene, here))));
  if (condition.any) parts.push(any(condition.any.map((part) => evaluate(part, scene, here))));
  if (condition.not) parts.push(not(evaluate(condition.not, scene, here)));
  if (condition.term !== undefined) parts.push(hasTerm(condition, here.reach.license));
  if (condition.kind) parts.push(fact(condition.kind.includes(here.reach.license.kind), `of kind ${here.reach.license.kind}`));
  if (condition.form) parts.push(fact((here.reach.license.record?.form ?? 'license') === condition.form, `a ${condition.form}`));
  if (condition.id)
    parts.push(
      fact(
        condition.id.some((id) => matches(here.reach.license.id, id)),
        here.reach.license.id,
      ),
    );
  if (condition.sublicensable !== undefined)
    parts.push(fact(here.reach.license.record?.sublicensable === condition.sublicensable, 'sublicensable'));
  if (condition.flow) parts.push(flows(condition.flow, here.reach.license));
  if (condition.relation) parts.push(fact(condition.relation.includes(here.reach.relation), RELATIONS[here.reach.relation]));
  if (condition.edge) parts.push(hasEdge(condition.edge, condition.only === true, here.reach));
  if (condition.derivation) parts.push(hasDerivation(condition.derivation, here.reach));
  if (condition.act) parts.push(any(condition.act.map((act) => isDone(act, scene.context))));
  if (condition.declared) parts.push(isDeclared(condition.declared, scene));
  if (condition.unmet) parts.push(isUnmet(condition.unmet, scene, here.reach));
  if (condition.is) parts.push(holds(condition.is, scene, here));
  return parts.length === 1 ? parts[0]! : all(parts);
}

const matches = (id: string, pattern: string): boolean => (pattern.endsWith('*') ? id.startsWith(pattern.slice(0, -1)) : id === pattern);

function hasTerm({ term, on, params, quote }: Condition, license: License): Truth {
  const wanted = [term ?? []].flat();
  const hit = license.terms.find(
    (t) =>
      wanted.some((pattern) => matches(t.term, pattern)) &&
      (on === undefined || t.on?.includes(on)) &&
      (quote === undefined || t.quote.toLowerCase().includes(quote.toLowerCase())) &&
      Object.entries(params ?? {}).every(([key, value]) => hasParam(t, key, value)),
  );
  return hit ? yes(undefined, [citeOf(license, hit)]) : no();
}

function hasParam(term: Term, key: string, wanted: string): boolean {
  const value = term.params?.[key];
  if (wanted === 'present' || wanted === 'absent') return (value !== undefined) === (wanted === 'present');
  return value !== undefined && JSON.stringify(value).toLowerCase().includes(wanted.toLowerCase());
}

const CHANGES: ReadonlySet<EdgeAct> = new Set(['finetune', 'merge', 'quantize', 'prune', 'adapter']);

function flows(wanted: readonly string[], { id, record }: License): Truth {
  const flow = record?.flow;
  if (!flow || !wanted.includes(flow.strength)) return no();
  return yes(undefined, flow.quote === undefined ? [] : [{ license: id, section: flow.section ?? '', quote: flow.quote }]);
}

function hasEdge(wanted: readonly EdgeAct[], only: boolean, { path }: Reach): Truth {
  const done = path
    .map((step) => step.act)
    .filter((act) => act !== 'copy' && (only ? act !== 'convert' || wanted.includes('convert') : true));
  if (only) return fact(done.length > 0 && done.every((act) => wanted.includes(act)), `only ${wanted.join(', ')}`);
  if (done.some((act) => wanted.includes(act))) return yes();
  return done.includes('unknown') && wanted.some((act) => CHANGES.has(act))
    ? yes('what was done is not known; the strictest reading is taken')
    : no();
}

function hasDerivation(wanted: readonly DerivationStatus[], { path, license }: Reach): Truth {
  for (const step of path) {
    const told = derivationOf(license, step.act);
    if (!told || !wanted.includes(told.row.status)) continue;
    const { section = '', quote } = told.row;
    return yes(undefined, quote === undefined ? [] : [{ license: license.id, section, quote }]);
  }
  return no();
}

function isDeclared(condition: Condition, scene: Scene): Truth {
  const own = scene.reaches.filter((reach) => reach.relation === 'own');
  if (own.length === 0) return no('nothing is declared');
  // A license that nobody knows may hold anything.
  return any(
    own.map((reach) =>
      reach.license.kind === 'unknown' ? unknown(`what ${reach.license.id} says`) : evaluate(condition, scene, { reach }),
    ),
  );
}

function isUnmet(wanted: readonly string[], scene: Scene, reach: Reach): Truth {
  const due = dutiesHere(scene, reach, wanted);
  return any(
    due.map(({ term, applies, seen }) => {
      if (seen.status === 'met') return no(`${term.term} is met`);
      if (seen.status === 'unknown' || applies === 'if') return unknown(`whether ${term.term} is met`);
      return yes(`${term.term} was not seen met`, [citeOf(reach.license, term)]);
    }),
  );
}

const RELATIONS: Readonly<Record<Relation, string>> = {
  own: 'its own license',
  same: 'copied or converted',
  derivative: 'made from it',
  delta: 'an adapter alone',
  'outputs-derivative': 'trained on its outputs, which the text counts as a derivative',
  outputs: 'trained on its outputs',
};

function holds(name: NonNullable<Condition['is']>, scene: Scene, here: Here): Truth {
  const { context } = scene;
  const { reach, other } = here;
  switch (name) {
    case 'conveyed':
      return isConveyed(context);
    case 'distributed':
      return isDistributed(context);
    case 'commercial':
      return isDone('commercial-use', context);
    case 'competing':
      return context.competes === undefined ? unknown('whether it competes with the licensor') : fact(context.competes, 'it competes');
    case 'multimodal':
      return context.multimodal === undefined ? unknown('whether the model is multimodal') : fact(context.multimodal, 'a multimodal model');
    case 'end-user':
      // Nobody is taken for an end user unless it is said.
      return any([fact(context.role === 'end-user', 'an end user'), fact(context.fromProduct === true, 'received inside a product')]);
    case 'company':
      return context.role === undefined ? unknown('role') : fact(context.role === 'company', 'a company');
    case 'only-outputs':
      return onlyOutputs(context);
    case 'also-inside':
      return fact(
        scene.reaches.some((r) => isSame(scene, r.license, reach.license) && (r.relation === 'derivative' || r.relation === 'same')),
        `${reach.license.id} material is inside the model too`,
      );
    case 'moved-on':
      return fact(isMovedOn(scene, reach), `the licensor later moved to what is declared, and the revision used is not known`);
    case 'outside-territory': {
      const terms = reach.license.terms.filter((t) => t.term === 'territory.exclude');
      return any(terms.map((term) => ({ ...isOutside(term, context), cites: [citeOf(reach.license, term)] })));
    }
    case 'past-threshold':
      return any(reach.license.terms.filter(isThreshold).map((term) => pastThreshold(term, reach, scene)));
    case 'name-lacks-prefix':
      return lacksPrefix(scene, reach);
    case 'restrictions-missing':
      return missingRestrictions(scene, reach).truth;
    case 'share-alike-lost':
      return not(isShareAlikeKept(scene, reach));
    case 'relabelled': {
      const declared = scene.declared;
      if (declared.length === 0) return no('nothing is declared');
      return fact(!declared.some((own) => isSame(scene, own, reach.license)), `${declared.map((own) => own.id).join(', ')} is declared`);
    }
    case 'unlabelled':
      return fact(scene.declared.length === 0, 'nothing is declared');
    case 'prefixes-clash':
      return other ? clash(reach, other) : no();
    case 'restrictions-differ':
      return fact(
        other !== undefined && restrictionsOf(reach.license) !== restrictionsOf(other.license),
        'the lists of restrictions differ',
      );
    case 'both-keep-to-family':
      return fact(
        [reach, other].every((one) => one?.license.terms.some((t) => t.term === 'no.train-other-models')),
        'each may improve its own family only',
      );
  }
}

function pastThreshold(term: Parameters<typeof evaluateThreshold>[1], reach: Reach, scene: Scene): Truth {
  const { truth } = evaluateThreshold(reach.license, term, scene.context);
  const cited = { ...truth, cites: [citeOf(reach.license, term)] };
  if (term.params.effect !== 'display-required') return cited;
  // A display threshold asks for words; where they are shown, nothing is open.
  const display = reach.license.terms.find((t) => t.term === 'duty.display-above-threshold');
  const shown = display ? isShown(textsOf(display), scene.context) : no();
  return shown.value === 'yes' ? all([cited, not(shown)]) : cited;
}

const restrictionsOf = (license: License): string =>
  license.terms
    .flatMap((t) => paramList(t, 'restrictions'))
    .sort()
    .join(' ');

const prefixesOf = (reach: Reach): Term[] => reach.license.terms.filter((t) => t.term === 'duty.name-prefix');

function lacksPrefix(scene: Scene, reach: Reach): Truth {
  const name = nameOf(scene);
  return any(
    prefixesOf(reach).map((term) => {
      const texts = textsOf(term);
      const told = scene.graph.nodes[scene.graph.subject]?.ships?.[`${reach.license.id}/${term.term}`];
      if (told)
        return told.status === 'unknown'
          ? unknown('the name')
          : fact(told.status === 'unmet', `no name begins with "${texts.join('" or "')}"`);
      if (name === '') return unknown('the name of the model');
      return beginsWith(name, texts)
        ? no(`the name ${name} begins with "${texts[0] ?? ''}"`)
        : yes(`the name ${name} does not begin with "${texts.join('" or "')}"`, [citeOf(reach.license, term)]);
    }),
  );
}

/** Two first words clash unless one begins with the other ("Llama 3" and "Llama"). */
function clash(a: Reach, b: Reach): Truth {
  const first = (reach: Reach): string[] => prefixesOf(reach).flatMap(textsOf);
  const [x, y] = [first(a), first(b)];
  const fits = x.some((one) => y.some((two) => beginsWith(one, [two]) || beginsWith(two, [one])));
  return fits ? no('one name begins with the other') : yes(`a name cannot begin with both "${x[0] ?? ''}" and "${y[0] ?? ''}"`);
}
