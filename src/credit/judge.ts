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
  const file =
    term === 'duty.attribution-display' || term === 'duty.state-changes'
      ? model.card?.file
      : term === 'duty.notice-file'
        ? 'NOTICE'
        : term === 'duty.license-copy'
          ? 'LICENSE'
          : undefined;
  return {
    rule: `credit/${term.slice('duty.'.length)}-not-seen`,
    severity: 'warning',
    where: file === undefined ? {} : { file },
    what: `nothing in the folder was seen to ${duty.what}`,
    why: `this clause of ${duty.from.license} appears unmet: "${duty.from.quote}" (${duty.from.section}); it binds through ${duty.because.replace(/^own: /, '')}`,
    fix: duty.what,
    source: `${duty.from.license} ${duty.from.section}`,
  };
}
