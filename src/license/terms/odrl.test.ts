import { describe, expect, test } from 'vitest';
import { loadRecords } from './load.ts';
import { odrlProfile, type OdrlConstraint, type OdrlLogical, type OdrlRule, toOdrl } from './odrl.ts';
import type { LicenseRecord } from './types.ts';
import { loadVocabulary } from './vocabulary.ts';

const records = [...(await loadRecords()).values()];
const vocabulary = await loadVocabulary();
const profile = odrlProfile(vocabulary) as { '@graph': { '@id': string; '@type': string; includedIn?: string }[] };
const ids = (type: string): string[] => profile['@graph'].filter((node) => node['@type'] === type).map((node) => node['@id']);

/** Core and common vocabulary (ODRL Vocabulary & Expression 2.2, sections 3 and 4), as far as we use it. */
const ACTIONS = new Set(['use', 'modify', 'distribute', 'reviewPolicy', 'cc:CommercialUse', ...ids('odrl:Action')]);
const OPERANDS = new Set(['purpose', 'spatial', ...ids('odrl:LeftOperand')]);
/** Information model 2.5.1. */
const OPERATORS = new Set(['eq', 'gt', 'gteq', 'lt', 'lteq', 'neq', 'isA', 'hasPart', 'isPartOf', 'isAllOf', 'isAnyOf', 'isNoneOf']);
const IRI = /^[a-z][a-z0-9+.-]*:\S+$/i;

/** What the information model says a policy must be; one sentence for each thing that is not so. */
function faults(policy: ReturnType<typeof toOdrl>): string[] {
  const out: string[] = [];
  const must = (fact: boolean, what: string): void => void (fact || out.push(what));
  // 2.1: one uid, a profile when other words than the core's are used, at least one rule; 2.1.2: an Offer has an assigner.
  must(IRI.test(policy.uid), 'uid is an IRI');
  must(IRI.test(policy.profile), 'profile is an IRI');
  must(policy['@context'][0] === 'http://www.w3.org/ns/odrl.jsonld', 'context');
  must(['Set', 'Offer'].includes(policy['@type']), 'type');
  must((policy['@type'] === 'Offer') === (policy.assigner !== undefined), 'an Offer, and only it, has an assigner');
  const { permission = [], prohibition = [], obligation = [] } = policy;
  must(permission.length + prohibition.length + obligation.length > 0, 'has a rule');
  const uids = new Set<string>();
  const rule = (one: OdrlRule, needsTarget: boolean): void => {
    must(IRI.test(one.uid) && !uids.has(one.uid), `uid ${one.uid} is an IRI of its own`);
    uids.add(one.uid);
    must(ACTIONS.has(one.action), `action ${one.action} is defined`);
    must(!needsTarget || (one.target !== undefined && IRI.test(one.target)), `${one.uid} has a target`);
    for (const constraint of one.constraint ?? []) check(constraint);
  };
  const check = (constraint: OdrlConstraint | OdrlLogical): void => {
    const list = ('and' in constraint ? constraint.and : 'or' in constraint ? constraint.or : undefined)?.['@list'];
    // 2.5.2: operands of a logical constraint are existing constraints, in a list.
    if (list) {
      must(list.length > 1, 'a logical constraint joins several');
      list.forEach(check);
      return;
    }
    const { leftOperand, operator, rightOperand } = constraint as OdrlConstraint;
    must(OPERANDS.has(leftOperand), `left operand ${leftOperand} is defined`);
    must(OPERATORS.has(operator), `operator ${operator}`);
    must(rightOperand !== undefined && rightOperand !== null, 'right operand');
    must(Array.isArray(rightOperand) === ['isAnyOf', 'isAllOf', 'isNoneOf'].includes(operator), `a set stands behind ${operator} alone`);
  };
  for (const one of permission) rule(one, true);
  for (const one of prohibition) rule(one, true);
  for (const one of obligation) rule(one, false);
  for (const { duty = [] } of permission) for (const one of duty) if (typeof one !== 'string') rule(one, false);
  for (const { duty = [] } of permission)
    for (const one of duty) if (typeof one === 'string') must(uids.has(one), `duty ${one} stands somewhere`);
  return out;
}

describe('a license as an ODRL policy', () => {
  test('follows the information model, for every record', () => {
    for (const record of records) expect(faults(toOdrl(record, vocabulary)), record.id).toEqual([]);
  });

  test('uses only words of ODRL and of the profile, and the profile hangs every action on one of ODRL', () => {
    expect(ids('odrl:Action').length).toBeGreaterThan(60);
    for (const node of profile['@graph']) if (node['@type'] === 'odrl:Action') expect(node.includedIn).toMatch(/^odrl:/);
  });

  test('leaves no term out: each is a rule or a statement beside the rules', () => {
    for (const record of records) {
      const policy = toOdrl(record, vocabulary);
      const told = new Set(JSON.stringify(policy).match(/"quote":"(?:[^"\\]|\\.)*"/g));
      const grants = record.terms.filter((t) => t.term.startsWith('grant.'));
      for (const term of record.terms) {
        // A second grant of the same act, and a threshold, say nothing more in ODRL than the first and its numbers.
        if (grants.includes(term) || term.term.startsWith('threshold.')) continue;
        expect(told.has(`"quote":${JSON.stringify(term.quote)}`), `${record.id} ${term.term}`).toBe(true);
      }
    }
  });

  test('a threshold is a limit of what is permitted, one that asks for a display a limit of that duty', async () => {
    const llama = toOdrl((await loadRecords()).get('llama-3.1')!, vocabulary);
    for (const one of llama.permission!)
      expect(one.constraint).toEqual([
        { leftOperand: 'heirloom:monthlyActiveUsersAtRelease', operator: 'lteq', rightOperand: 700_000_000 },
      ]);
    const kimi = toOdrl((await loadRecords()).get('kimi-k2-modified-mit')!, vocabulary);
    expect(kimi.permission![0]!.constraint).toBeUndefined();
    const display = kimi
      .permission!.flatMap((one) => one.duty ?? [])
      .find((duty) => typeof duty !== 'string' && duty.term === 'duty.display-above-threshold');
    expect(display).toMatchObject({
      constraint: [{ or: { '@list': [{ rightOperand: 100_000_000 }, { rightOperand: 20_000_000, unit: 'urn:iso:std:iso:4217:USD' }] } }],
    });
  });

  test('the European Union is a place of a prohibition', async () => {
    const { prohibition } = toOdrl((await loadRecords()).get('llama-4')!, vocabulary);
    const eu = prohibition!.filter((one) => one.term === 'territory.exclude');
    expect(eu.length).toBeGreaterThan(0);
    for (const one of eu)
      expect(one.constraint).toContainEqual({
        leftOperand: 'spatial',
        operator: 'isAnyOf',
        rightOperand: [{ '@id': 'urn:iso:std:iso:3166:EU' }],
      });
  });

  test('a broken policy is caught', () => {
    const policy = toOdrl(records.find((record) => record.id === 'MIT') as LicenseRecord, vocabulary);
    expect(faults({ ...policy, uid: 'not an iri' })).toEqual(['uid is an IRI']);
    expect(faults({ ...policy, permission: [{ ...policy.permission![0]!, action: 'heirloom:nonsense' }] })).toContain(
      'action heirloom:nonsense is defined',
    );
  });
});
