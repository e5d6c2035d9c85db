/**
 * Licenses that cannot bind one work together, by their own words. A first, sure set; each rule names its clause.
 * @module
 */
import type { Finding } from '../base/index.ts';
import type { Catalog } from './catalog.ts';
import type { AncestorLicense, LicenseKind } from './types.ts';

/** Quotes stand in the catalogue's texts; a test looks them up. */
export const CLAUSES: Readonly<
  Record<'gpl' | 'shareAlike' | 'noDerivatives', { readonly license: string; readonly section: string; readonly quote: string }>
> = {
  gpl: {
    license: 'GPL-3.0-only',
    section: '10',
    quote: 'You may not impose any further restrictions on the exercise of the rights granted or affirmed under this License',
  },
  shareAlike: { license: 'CC-BY-SA-4.0', section: '3(b)(1)', quote: 'must be a Creative Commons license with the same License Elements' },
  noDerivatives: { license: 'CC-BY-ND-4.0', section: '2(a)(1)(B)', quote: 'produce and reproduce, but not Share, Adapted Material' },
};

const RESTRICTING: ReadonlySet<LicenseKind> = new Set(['use-restricted', 'non-commercial', 'research-only', 'no-derivatives']);

/** @param ids all ids that bind the model, own and inherited. */
export function findConflicts(ids: readonly string[], ancestors: readonly AncestorLicense[], catalog: Catalog): Finding[] {
  const out: Finding[] = [];
  const kinds = ids.map((id) => ({ id, kind: catalog.find(id)?.kind ?? ('unknown' as LicenseKind) }));
  const restricting = kinds.filter((k) => RESTRICTING.has(k.kind));
  const gpl = kinds.find((k) => /^A?GPL-3\.0/.test(k.id));
  if (gpl && restricting[0])
    out.push(
      conflict(
        'license/conflict-further-restrictions',
        `${gpl.id} and ${restricting[0].id} bind the same weights; ${gpl.id} lets no further restriction be put on them, and ${restricting[0].id} is one`,
        CLAUSES.gpl,
      ),
    );
  const alike = kinds.find((k) => /^CC-BY-SA-/.test(k.id));
  const nonCommercial = kinds.find((k) => k.kind === 'non-commercial');
  if (alike && nonCommercial)
    out.push(
      conflict(
        'license/conflict-share-alike',
        `${alike.id} asks for a license with the same elements, and ${nonCommercial.id} forbids commercial use of its part`,
        CLAUSES.shareAlike,
      ),
    );
  for (const ancestor of ancestors) {
    const closed = ancestor.licenses.find((id) => catalog.find(id)?.kind === 'no-derivatives');
    if (closed && ancestor.because === 'weights')
      out.push(
        conflict(
          'license/conflict-no-derivatives',
          `${ancestor.name} is under ${closed}, which lets no changed version be shared; the weights show that this model ${ancestor.cameFirst ? 'is built on it' : 'shares training with it'}`,
          CLAUSES.noDerivatives,
        ),
      );
  }
  return out;
}

function conflict(rule: string, what: string, clause: { license: string; section: string; quote: string }): Finding {
  return {
    rule,
    severity: 'warning',
    where: {},
    what,
    why: `the clause reads: "${clause.quote}" (${clause.license} ${clause.section})`,
    fix: 'ask the licensors, or leave one of the parts out; whether the clause applies is for a person to say',
    source: `${clause.license} ${clause.section}`,
  };
}
