/**
 * Who asks and what is done: read from JSON with clear errors, and asked with three answers.
 * @module
 */
import type { Act, EdgeAct } from '../terms/types.ts';
import { LicenseError } from '../types.ts';
import { isCountry } from './territory.ts';
import { all, any, fact, no, type Truth, unknown, yes } from './truth.ts';
import type { Context, Role } from './types.ts';

export const ACTS: readonly Act[] = [
  'use',
  'internal-use',
  'commercial-use',
  'modify',
  'finetune',
  'adapter',
  'merge',
  'quantize',
  'convert',
  'prune',
  'distill',
  'train-on-outputs',
  'publish-outputs',
  'distribute-weights',
  'distribute-derivative',
  'host',
  'product',
  'name-model',
  'publish-statement',
];
/** Short words people write. `distribute`: give the weights to anybody, changed or not. */
const SHORT: Readonly<Record<string, readonly Act[]>> = {
  distribute: ['distribute-weights', 'distribute-derivative'],
  publish: ['distribute-weights', 'distribute-derivative'],
  commercial: ['commercial-use'],
  quantise: ['quantize'],
  distil: ['distill'],
  embed: ['product'],
  'embed-in-product': ['product'],
  serve: ['host'],
};
const ROLES: readonly Role[] = ['individual', 'company', 'end-user', 'non-profit'];

/** @throws LicenseError `LICENSE_ACT` naming the acts there are. */
export function readActs(words: readonly string[]): Act[] {
  const out = new Set<Act>();
  for (const raw of words) {
    const word = raw.trim().toLowerCase();
    const acts = Object.hasOwn(SHORT, word) ? SHORT[word]! : ACTS.filter((act) => act === word);
    if (acts.length === 0)
      throw new LicenseError('LICENSE_ACT', `"${raw.slice(0, 40)}" is no act that licenses are asked about`, {
        hint: `acts are ${[...Object.keys(SHORT).filter((s) => s === 'distribute'), ...ACTS].join(', ')}`,
      });
    for (const act of acts) out.add(act);
  }
  return [...out];
}

const EDGE_WORDS: readonly EdgeAct[] = [
  'finetune',
  'adapter',
  'merge',
  'quantize',
  'convert',
  'prune',
  'distill',
  'train-on-outputs',
  'copy',
  'unknown',
];

/** @throws LicenseError `LICENSE_ACT` naming the acts by which one model is made from another. */
export function readEdgeAct(word: string): EdgeAct {
  const said = word.trim().toLowerCase();
  const act = EDGE_WORDS.find((one) => one === said || SHORT[said]?.some((short) => short === one));
  if (act) return act;
  throw new LicenseError('LICENSE_ACT', `"${word.slice(0, 40)}" is no act by which one model is made from another`, {
    hint: `acts are ${EDGE_WORDS.join(', ')}`,
  });
}

/** Acts by which something reaches people outside. */
export const CONVEYING: readonly Act[] = ['distribute-weights', 'distribute-derivative', 'host', 'product'];

/** Whether `act` is done. Without a list of acts the model counts as published, and the rest is not known. */
export function isDone(act: Act, context: Context): Truth {
  const { acts, conveyed } = context;
  if (conveyed === false && CONVEYING.includes(act)) return no('nothing leaves the house');
  if (act === 'commercial-use')
    return acts?.includes(act)
      ? yes('commercial use')
      : context.commercial === undefined
        ? unknown('whether the use is commercial')
        : fact(context.commercial, 'commercial use');
  if (act === 'name-model') return any([fact(acts?.includes(act) ?? false, 'naming a model'), isConveyed(context)]);
  if (act === 'use' || act === 'modify') return yes();
  if (!acts) {
    if (act === 'distribute-weights' || act === 'distribute-derivative') return yes('it is published');
    return unknown(`whether you ${ACT_PHRASE[act] ?? act}`);
  }
  return acts.includes(act) ? yes(`you ${ACT_PHRASE[act] ?? act}`) : no(`you do not ${ACT_PHRASE[act] ?? act}`);
}

/** Whether anything reaches people outside: files, a service or a product. */
export function isConveyed(context: Context): Truth {
  if (context.conveyed !== undefined) return fact(context.conveyed, 'given to others');
  if (!context.acts) return yes('it is published');
  return any(CONVEYING.map((act) => isDone(act, context)));
}

/** Whether files are given to others (a hosted service gives none). */
export function isDistributed(context: Context): Truth {
  return any([isDone('distribute-weights', context), isDone('distribute-derivative', context)]);
}

/** Only what the model made is used or sold, not the model. */
export function onlyOutputs(context: Context): Truth {
  const acts = context.acts ?? [];
  return fact(
    acts.includes('publish-outputs') && acts.every((act) => act === 'publish-outputs' || act === 'commercial-use'),
    'only outputs leave the house',
  );
}

export function onlyInternal(context: Context): Truth {
  return all([
    any([
      fact(context.conveyed === false, 'nothing leaves the house'),
      fact(context.acts?.includes('internal-use') ?? false, 'internal use'),
    ]),
    fact(!CONVEYING.some((act) => context.acts?.includes(act)), 'no service and no product'),
  ]);
}

export const ACT_PHRASE: Readonly<Partial<Record<Act, string>>> = {
  use: 'use it',
  'internal-use': 'use it inside only',
  'commercial-use': 'use it commercially',
  modify: 'change it',
  finetune: 'fine-tune it',
  adapter: 'train an adapter on it',
  merge: 'merge it',
  quantize: 'quantize it',
  convert: 'convert its format',
  prune: 'prune it',
  distill: 'distill it',
  'train-on-outputs': 'train a model on its outputs',
  'publish-outputs': 'use or publish its outputs',
  'distribute-weights': 'distribute the weights',
  'distribute-derivative': 'distribute a changed version',
  host: 'offer it as a service',
  product: 'ship a product with it',
  'name-model': 'name a model',
  'publish-statement': 'publish about it',
};

type Check = (value: unknown, at: string) => void;
const bad = (at: string, what: string): LicenseError =>
  new LicenseError('LICENSE_CONTEXT', `the context's "${at}" ${what}`, {
    where: { field: at },
    hint: 'see schemas/license-context.schema.json; leave out what is not known',
  });
const bool: Check = (value, at) => {
  if (typeof value !== 'boolean') throw bad(at, 'is true or false');
};
const amount: Check = (value, at) => {
  if (typeof value !== 'number' || !Number.isFinite(value) || value < 0) throw bad(at, 'is a number, not negative');
};
const country: Check = (value, at) => {
  if (typeof value !== 'string' || !isCountry(value)) throw bad(at, 'is a two-letter country code (ISO 3166-1), or EU');
};
const list =
  (each: Check): Check =>
  (value, at) => {
    if (!Array.isArray(value) || value.length > 500) throw bad(at, 'is a list');
    value.forEach((one, i) => each(one, `${at}[${i}]`));
  };
const words: Check = (value, at) => {
  if (typeof value !== 'string' || value.length > 400) throw bad(at, 'is text');
};
const object =
  (fields: Readonly<Record<string, Check>>, rest?: { readonly key: RegExp; readonly check: Check; readonly what: string }): Check =>
  (value, at) => {
    if (typeof value !== 'object' || value === null || Array.isArray(value)) throw bad(at || 'context', 'is an object');
    for (const [key, one] of Object.entries(value).slice(0, 1000)) {
      const path = at === '' ? key : `${at}.${key}`;
      if (Object.hasOwn(fields, key)) fields[key]!(one, path);
      else if (rest?.key.test(key)) rest.check(one, path);
      else throw bad(path.slice(0, 80), rest ? rest.what : `is not known; fields are ${Object.keys(fields).join(', ')}`);
    }
  };
const FIELDS: Check = object({
  $schema: words,
  acts: list(words),
  role: (value, at) => {
    if (!ROLES.includes(value as Role)) throw bad(at, `is one of ${ROLES.join(', ')}`);
  },
  commercial: bool,
  conveyed: bool,
  multimodal: bool,
  fromProduct: bool,
  officialPartner: bool,
  competes: bool,
  users: object({
    monthly: amount,
    atRelease: (value, at) =>
      typeof value === 'number'
        ? amount(value, at)
        : object({}, { key: /^[\w.+-]{1,80}$/, check: amount, what: 'is a license id' })(value, at),
    byMonth: object({}, { key: /^\d{4}-(0[1-9]|1[0-2])$/, check: amount, what: 'is a month, YYYY-MM' }),
  }),
  revenue: object({
    annual: amount,
    monthly: amount,
    last12Months: amount,
    recurring: amount,
    currency: (value, at) => {
      if (typeof value !== 'string' || !/^[A-Z]{3}$/.test(value)) throw bad(at, 'is a currency code of three capital letters (ISO 4217)');
    },
  }),
  territory: object({ domicile: country, principalPlace: country, served: list(country) }),
  shows: list(words),
});

/**
 * A context from JSON.
 * @throws LicenseError `LICENSE_CONTEXT` naming the field, `LICENSE_ACT` for an unknown act.
 */
export function readContext(json: unknown): Context {
  FIELDS(json, '');
  const { acts, $schema: _, ...rest } = json as Context & { $schema?: string };
  return { ...rest, ...(acts && { acts: readActs(acts) }) };
}
