/**
 * Are the models this one builds on named, and do the files carry what their licenses ask to be carried?
 * @module
 */
import type { Finding } from '../base/index.ts';
import type { AncestorLicense, Duty, LicenseJudgement } from '../license/index.ts';
import type { Model } from '../model/index.ts';
import { placesNaming } from './named.ts';
import type { AncestorCredit, CreditJudgement, CreditMet } from './types.ts';

/** Duties that are met by words or files at hand; the others are acts nobody can see in a folder. */
const VISIBLE: ReadonlySet<string> = new Set([
  'duty.license-copy',
  'duty.notice-file',
  'duty.notice-propagate',
  'duty.retain-notices',
  'duty.attribution-display',
  'duty.attribution-source',
  'duty.name-prefix',
  'duty.state-changes',
  'duty.restrictions-flowdown',
]);

/**
 * Who is named, what is missing, what is there. Every statement names file or field.
 * @param ancestors the same list `judgeLicense` was given.
 */
export function judgeCredit(model: Model, ancestors: readonly AncestorLicense[], license: LicenseJudgement): CreditJudgement {
  const credited = ancestors.map((ancestor): AncestorCredit => {
    const where = placesNaming(model, ancestor.name);
    return { name: ancestor.name, because: ancestor.because, named: where.length > 0, where };
  });
  const missing: Finding[] = ancestors.filter((a, i) => !credited[i]!.named && a.because === 'weights').map((a) => unnamed(model, a));
  if (ancestors.some((a) => a.because === 'weights') && model.claims.baseModels.length === 0) missing.push(noBaseStated(model));
  const met: CreditMet[] = [];
  for (const a of credited) if (a.named) met.push({ what: `${a.name} is named`, where: a.where[0]! });
  for (const claim of model.claims.baseModels)
    if (!met.some((m) => m.where === claim.from)) met.push({ what: `a base is stated: ${claim.value}`, where: claim.from });
  for (const duty of license.duties) {
    if (!VISIBLE.has(termOf(duty))) continue;
    if (duty.status === 'met') met.push({ what: `${duty.what} (${duty.from.license} ${duty.from.section})`, where: duty.satisfiedBy });
    else if (duty.status === 'unmet') missing.push(unmet(model, duty));
  }
  missing.push(...cardFields(model), ...passedOn(model, license));
  return { ancestors: credited, missing, met };
}

const termOf = (duty: Duty): string => duty.id.slice(duty.id.lastIndexOf('/') + 1);

function unnamed(model: Model, ancestor: AncestorLicense): Finding {
  const isAncestor = ancestor.cameFirst === 'weights';
  const shown = isAncestor ? `${ancestor.name} as an ancestor` : `training shared with ${ancestor.name}`;
  return {
    rule: 'credit/ancestor-not-named',
    severity: 'warning',
    where: model.card ? { file: model.card.file, field: 'base_model' } : { field: 'base_model' },
    what: `the weights show ${shown}; ${model.card ? model.card.file : 'no card'} names it ${model.card ? 'neither under base_model nor in its text' : ''}`.trim(),
    why: 'people who use the model cannot see whose work it is, nor whose terms it carries',
    // Where nothing says which came first, this model may be the older one.
    fix: `${isAncestor ? '' : 'if this model was made from it, '}add base_model: ${ancestor.name} to the card`,
  };
}

function noBaseStated(model: Model): Finding {
  return {
    rule: 'credit/no-base-stated',
    severity: 'note',
    where: model.card ? { file: model.card.file, field: 'base_model' } : { field: 'base_model' },
    what: 'no base model is stated at all',
    why: 'hubs and registers draw the line of descent from this field',
    fix: 'state base_model and base_model_relation in the card',
    source: 'https://huggingface.co/docs/hub/model-cards#specifying-a-base-model',
  };
}

function unmet(model: Model, duty: Duty): Finding {
  const term = termOf(duty);
  const { file, fix } = remedy(model, duty, term);
  return {
    rule: `credit/${term.slice('duty.'.length)}-not-seen`,
    severity: 'warning',
    where: file === undefined ? {} : { file },
    what: `nothing in the folder was seen to ${duty.what}`,
    why: `this clause of ${duty.from.license} appears unmet: "${duty.from.quote}" (${duty.from.section}); it binds through ${duty.because.replace(/^own: /, '')}`,
    fix,
    source: `${duty.from.license} ${duty.from.section}`,
  };
}

/** Which words go where. */
function remedy(model: Model, duty: Duty, term: string): { file?: string; fix: string } {
  const { license } = duty.from;
  const card = model.card?.file ?? 'README.md';
  const words = duty.text === undefined ? 'the words of the clause' : `"${duty.text}"`;
  switch (term) {
    case 'duty.license-copy':
      return { file: 'LICENSE', fix: `put the unchanged text of ${license} into the folder, as LICENSE or below LICENSES/` };
    case 'duty.retain-notices':
      return { fix: `put the base model's license file, with its copyright lines as they stand, below LICENSES/ (${license})` };
    case 'duty.notice-file':
      return { file: 'NOTICE', fix: `put into NOTICE: ${words}` };
    case 'duty.attribution-display':
      return { file: card, fix: `write into ${card}, where readers see it: ${words}` };
    case 'duty.name-prefix':
      return { fix: `let the model's published name begin with ${words}` };
    case 'duty.state-changes':
      return { file: card, fix: `write into ${card} what was changed, for instance: "Fine-tuned from ${throughOf(duty)}."` };
    case 'duty.restrictions-flowdown':
      return {
        fix: `pass the use restrictions of ${license} on: put its text below LICENSES/ and make it part of every agreement under which the model is given away`,
      };
    default:
      return { fix: duty.what };
  }
}

const throughOf = (duty: Duty): string => duty.because.replace(/ \((weights|claimed)\).*$/, '');

/** Words that show that a policy is named. */
const POLICY_WORDS = /(acceptable|prohibited)[ -]use|us(e|age)[ -](policy|restrictions|based restrictions)/i;

/** What binds users and hosts: no file shows that they were told, so these are notes. */
function passedOn(model: Model, { duties }: LicenseJudgement): Finding[] {
  const out: Finding[] = [];
  const told = [model.card?.body ?? '', ...model.noticeFiles.map((file) => file.text)].some((text) => POLICY_WORDS.test(text));
  const seen = new Set<string>();
  for (const duty of duties) {
    const term = termOf(duty);
    // Words of a policy stand under the license that brings it.
    const license = duty.id.slice(0, duty.id.lastIndexOf('/'));
    const key = `${license}/${term === 'duty.acceptable-use' ? 'policy' : 'host'}`;
    if (seen.has(key)) continue;
    const common = {
      severity: 'note' as const,
      why: `"${duty.from.quote}" (${duty.from.license} ${duty.from.section})`,
      source: `${duty.from.license} ${duty.from.section}`,
    };
    if (term === 'duty.acceptable-use' && !told && model.policyFiles.length === 0) {
      seen.add(key);
      out.push({
        ...common,
        rule: 'credit/policy-not-named',
        where: model.card ? { file: model.card.file } : {},
        what: `the use policy of ${license} is neither in the folder nor named in the card`,
        fix: `add its file (USE_POLICY.md), or a line with its address, to the card`,
      });
    } else if (HOST_TERMS.has(term) && duty.when.includes('host')) {
      seen.add(key);
      out.push({
        ...common,
        rule: 'credit/host-terms',
        where: {},
        what: `who offers this model as a service passes the use restrictions of ${license} on in the terms of service`,
        fix: `put into the terms of service: "Use of this model is subject to the use restrictions of ${license}.", with those restrictions or a link to them`,
      });
    }
  }
  return out;
}
const HOST_TERMS: ReadonlySet<string> = new Set(['duty.restrictions-flowdown', 'duty.notify-downstream', 'duty.enforce-users']);

/** Fields by which hubs tell a license that they have no tag for, and what was done to the base. */
function cardFields(model: Model): Finding[] {
  const { card, claims } = model;
  if (!card) return [];
  const missing = (field: string, what: string, fix: string): Finding => ({
    rule: 'credit/card-field-missing',
    severity: 'note',
    where: { file: card.file, field },
    what,
    why: 'hubs and registers read it from this field',
    fix,
    source: 'https://huggingface.co/docs/hub/model-cards',
  });
  const out: Finding[] = [];
  const isOther = claims.licenses.some((claim) => /^other$/i.test(claim.value) && claim.from === `${card.file}: license`);
  if (isOther && !claims.licenseName)
    out.push(missing('license_name', 'the card says license: other without a name', 'add license_name: with the name of the license'));
  if (isOther && !claims.licenseLink)
    out.push(
      missing('license_link', 'the card says license: other without a link', 'add license_link: LICENSE, or the address of the text'),
    );
  if (claims.baseModels.some((claim) => claim.from === `${card.file}: base_model`) && !claims.relation)
    out.push(
      missing(
        'base_model_relation',
        'the card names a base model, not what was done to it',
        'add base_model_relation: finetune, adapter, merge or quantized',
      ),
    );
  return out;
}
