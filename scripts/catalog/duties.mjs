// duties.json: the duties that a reader of the files can say something sure about; the rest needs the acts and the lineage.
import { object } from './texts.mjs';

const SURE = new Set([
  'duty.license-copy',
  'duty.notice-file',
  'duty.notice-propagate',
  'duty.retain-notices',
  'duty.attribution-source',
  'duty.attribution-display',
  'duty.name-prefix',
  'duty.state-changes',
  'duty.restrictions-flowdown',
  'duty.notify-downstream',
  'duty.acceptable-use',
  'duty.share-alike',
  'duty.source',
  'duty.network-source',
  'duty.public-statement',
]);

export function buildDuties({ records }) {
  const duties = {};
  for (const { id, form, terms } of records) {
    const sure = terms
      .filter((t) => SURE.has(t.term))
      .map(({ term, section, quote, on = [], params = {} }) => ({
        term,
        section,
        quote,
        on,
        ...(params.text && { text: [params.text].flat() }),
        ...(params.when && params.when !== 'model is distributed or made available' && { condition: params.when }),
        ...(params.urlOk && { urlOk: true }),
        ...(params.policy && { policy: params.policy }),
      }));
    if (form === 'license' && sure.length > 0) duties[id] = sure;
  }
  return object(duties);
}
