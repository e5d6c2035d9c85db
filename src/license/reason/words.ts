/**
 * Terms in one clause of plain words.
 * @module
 */
import type { Term } from '../terms/types.ts';

const WHAT: Readonly<Record<string, string>> = {
  'duty.license-copy': 'give recipients a copy of the license',
  'duty.notice-file': 'ship a notice file with the words the license fixes',
  'duty.notice-propagate': "carry on the content of the ancestor's NOTICE file",
  'duty.retain-notices': 'keep copyright and permission notices',
  'duty.attribution-source': 'name the creators',
  'duty.attribution-display': 'show the words the license fixes',
  'duty.attribution-publication': 'cite it in publications',
  'duty.public-statement': 'say so in public statements about the derivative',
  'duty.name-prefix': 'begin the model name with the words the license fixes',
  'duty.state-changes': 'say that and what was changed',
  'duty.documentation': 'keep the documentation at least as good',
  'duty.restrictions-flowdown': 'pass the use restrictions on in every further agreement',
  'duty.restrictions-similar-ok': 'similar restrictions with the same purpose are enough',
  'duty.notify-downstream': 'tell recipients that use restrictions apply',
  'duty.enforce-users': 'require your users to keep to the restrictions',
  'duty.acceptable-use': 'keep to the use restrictions',
  'duty.register': 'register with the licensor before commercial use',
  'duty.request-commercial-license': 'ask the licensor for another license before commercial use',
  'duty.latest-version': 'make reasonable efforts to use the latest version',
  'duty.share-alike': 'put what is made from it under the same license',
  'duty.source': 'give the corresponding source',
  'duty.network-source': 'offer the source to users over a network',
  'duty.disclaimer-carry': "carry disclaimers as strong as the licensor's",
  'duty.content-filter': 'filter content, or review outputs before they go out',
  'duty.ai-disclosure': 'disclose that outputs are made by AI',
  'duty.safety-measures': 'take safety measures of your own',
  'duty.data-protection': 'have a legal basis of your own for personal data',
  'duty.third-party-rights-on-user': "clear other people's rights yourself",
  'duty.trade-compliance': 'keep to export and trade rules',
  'duty.indemnify': 'indemnify the licensor',
  'duty.display-above-threshold': 'show the words the license fixes',
  'encouraged.attribution': 'attribution is encouraged, not required',
  'no.commercial': 'commercial use is not granted',
  'no.commercial-training': 'training models for commercial use is not granted',
  'no.production': 'production use is not granted',
  'no.hosting': 'offering it as a service is not granted',
  'no.distribute': 'passing it on is not granted',
  'no.distribute-derivatives': 'sharing a changed version is not granted',
  'no.distribute-by-commercial-entity': 'a commercial entity may not distribute it',
  'no.modify': 'changing it is not granted',
  'no.sublicense': 'it may not be sublicensed',
  'no.trademark': 'no right to names and marks is given',
  'no.patent': 'no patent rights are given',
  'no.train-other-models': 'it may not be used to improve other models',
  'no.train-competing': 'outputs may not train a competing model',
  'no.competing': 'a competing product needs a license',
  'no.military': 'military use is not granted',
  'no.circumvent-safety': 'safeguards may not be removed',
  'no.reverse-engineer': 'reverse engineering is not granted',
  'no.misrepresent-official': "it may not pass as the licensor's own or endorsed",
  'no.additional-restrictions': 'no further terms may be put on recipients',
  'no.additional-restrictions-derivative': 'no further terms may be put on recipients of the changed version',
  'no.conflicting-terms': 'own terms may not conflict with the license',
  'no.copyleft-combination': 'it may not be made subject to an open-source license',
  'no.undisclosed-ai': 'outputs may not pass as human-made',
  'restrict.outputs': 'the restrictions reach the outputs',
  'define.further-restrictions': 'what counts as a further restriction',
  'threshold.mau': 'a number of users from which something else holds',
  'threshold.revenue': 'a revenue from which something else holds',
  'threshold.terminates': 'passing the threshold ends the license',
  'threshold.evaluated-at-release': 'the threshold is looked at once, on the release date',
  'exempt.integrated-product': 'what comes inside an end-user product is exempt',
  'exempt.internal-use': 'internal use is exempt',
  'exempt.non-profit': 'non-profit organizations are exempt',
  'exempt.official-partners': "use through the licensor's partners is exempt",
  'territory.exclude': 'no rights are granted in some territories',
  'territory.distribution': 'distribution is granted inside the territory only',
  'territory.outputs': 'outputs may be used inside the territory only',
  'flow.direct-grant': 'recipients get their rights from the licensor',
  'flow.remains-under-license': 'what is made from it stays under this license',
  'flow.restrictions-bind-derivatives': 'the restrictions bind what is made from it, whatever its license',
  'own.derivatives': 'what you make from it is yours, subject to the base',
  'own.licensor-derivatives': 'the licensor owns what is made from it',
  'own.licensor-outputs': 'the licensor owns the outputs',
};

/** One clause; terms without words of their own say their name. */
export function whatOf(term: Term): string {
  const text = textsOf(term);
  // Some texts name trade rules, others speak of laws in general.
  if (term.term === 'duty.trade-compliance' && !/export|trade|sanction|import/i.test(term.quote)) return 'keep to applicable laws';
  return `${WHAT[term.term] ?? term.term.replace(/^[a-z]+\./, '').replaceAll('-', ' ')}${text.length > 0 ? `: "${text.join('" or "')}"` : ''}`;
}

/** Exact words that a term fixes; editors' remarks in brackets are no part of them. */
export function textsOf(term: Pick<Term, 'params'>): string[] {
  return paramList(term, 'text').map((text) => text.replace(/ \(followed by .*$/, ''));
}

/** A parameter as text; '' when it is not there. */
export function paramText(term: Pick<Term, 'params'>, key: string): string {
  const value = term.params?.[key];
  return typeof value === 'string' ? value : value === undefined ? '' : JSON.stringify(value);
}

/** A parameter that is one text or several. */
export function paramList(term: Pick<Term, 'params'>, key: string): string[] {
  return [term.params?.[key] ?? []].flat().map((value) => (typeof value === 'string' ? value : JSON.stringify(value)));
}
