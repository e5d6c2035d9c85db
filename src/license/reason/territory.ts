/**
 * Territories that licenses leave out, against where somebody sits and whom they serve.
 * @module
 */
import type { Term } from '../terms/types.ts';
import { no, type Truth, unknown, yes } from './truth.ts';
import type { Context } from './types.ts';
import { paramList, paramText } from './words.ts';

/** Member states of the European Union since 1 February 2020 (ISO 3166-1 alpha-2). Source: https://european-union.europa.eu/principles-countries-history/eu-countries_en */
const EU: ReadonlySet<string> = new Set('AT BE BG HR CY CZ DK EE FI FR DE GR HU IE IT LV LT LU MT NL PL PT RO SK SI ES SE'.split(' '));

export function isCountry(code: string): boolean {
  return /^[A-Z]{2}$/.test(code);
}

function lies(place: string, territories: readonly string[]): boolean {
  return (
    territories.includes(place) || (territories.includes('EU') && EU.has(place)) || (place === 'EU' && territories.some((t) => EU.has(t)))
  );
}

/** Whether a `territory.exclude` term leaves the asker out. A term with a `basis` of domicile looks at the seat only, others at every place named. */
export function isOutside(term: Term, context: Context): Truth {
  const territories = paramList(term, 'territories');
  const { domicile, principalPlace, served } = context.territory ?? {};
  const bySeat = /domicile|principal place/.test(paramText(term, 'basis'));
  const seats =
    context.role === 'company'
      ? [principalPlace ?? domicile]
      : context.role === 'individual'
        ? [domicile ?? principalPlace]
        : [domicile, principalPlace];
  const places = (bySeat ? seats : [...seats, ...(served ?? [])]).filter((place): place is string => place !== undefined);
  const hit = places.find((place) => lies(place, territories));
  if (hit !== undefined) return yes(`${hit} lies in ${territories.join(', ')}`);
  if (places.length === 0)
    return unknown(bySeat ? 'where you are domiciled or have your principal place of business' : 'where you are and whom you serve');
  return no(`${places.join(', ')} ${places.length === 1 ? 'lies' : 'lie'} outside ${territories.join(', ')}`);
}
