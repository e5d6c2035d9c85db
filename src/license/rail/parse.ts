/**
 * Reads a license of the RAIL family, whoever wrote it: for what (data, application, model, source), open or not, and which
 * uses it excludes. The family is a template with a list, so a text that no catalogue holds can still be told apart.
 * @module
 */
import type { RailReading } from '../types.ts';
import type { Artifact, RailData } from './data.ts';

/** Characters read. (CWE-400) */
const MAX_READ = 200_000;
/** Restrictions below which a list is no use-based restriction of this family. */
const MIN_RESTRICTIONS = 3;
/** Where the list begins, in the words of the family. */
const LIST =
  /you agree not to use|(?:use.based |use )restrictions?\s*(?:\n|:|you)|restricted uses|attachment a\b|you (?:shall|may|must|will) not use|restrictions on use/gi;

/** Null for a text that is no responsible-use license. */
export function parseRail(data: RailData, whole: string): RailReading | null {
  const text = whole.slice(0, MAX_READ).replace(/\s+/g, ' ');
  const isFamily = /\bRAIL\b|responsible ai|open\s?rail/i.test(text) || /use.based restrictions?/i.test(text);
  // A card may list excluded uses; a license names who licenses.
  if (!isFamily || !/\blicensor\b|\bthis license\b/i.test(text)) return null;
  const starts = [...text.matchAll(LIST)].map((m) => m.index);
  const restrictions = codesOf(data, starts.length > 0 ? text.slice(starts[0]) : text);
  if (restrictions.length < MIN_RESTRICTIONS) return null;
  const head = text.slice(0, 600);
  return { artifacts: artifactsOf(head, text), type: typeOf(head, text), version: versionOf(head), restrictions };
}

/** Codes of the restrictions that a text lists, in the vocabulary's order. */
function codesOf(data: RailData, text: string): string[] {
  const has = (code: string): boolean =>
    data.restrictions.find((r) => r.code === code)!.signs.some((sign) => new RegExp(sign, 'i').test(text));
  const found = data.restrictions.map((r) => r.code).filter(has);
  const drop = new Set<string>();
  // One clause on automated decisions is one restriction: with or without the exception for disclosed ones.
  if (found.includes('automated-decision-undisclosed')) drop.add('automated-decision-legal');
  if (found.includes('law+third-party-rights')) drop.add('law');
  return found.filter((code) => !drop.has(code));
}

function artifactsOf(head: string, text: string): Artifact[] {
  const named = /rail(?:\+\+)?\s*-?\s*([dams]{1,4})\d?\b/i.exec(head)?.[1]?.toUpperCase();
  if (named) return (['D', 'A', 'M', 'S'] as const).filter((letter) => named.includes(letter));
  const count = (pattern: RegExp): number => text.match(pattern)?.length ?? 0;
  const counts: [Artifact, number][] = [
    ['M', count(/\bthe model\b/gi)],
    ['S', count(/\bsource code\b|\bthe source\b/gi)],
    ['A', count(/\bthe application\b/gi)],
    ['D', count(/\bthe (?:data|dataset)\b/gi)],
  ];
  counts.sort((x, y) => y[1] - x[1]);
  return counts[0]![1] > 2 ? [counts[0]![0]] : [];
}

function typeOf(head: string, text: string): RailReading['type'] {
  if (
    /research[\s-]*(?:only|use)?[\s-]*(?:rail|license)|\bresearchrail/i.test(head) ||
    /for research only|research purposes only|solely for research/i.test(text)
  )
    return 'research-only';
  if (/non.?commercial/i.test(head)) return 'non-commercial';
  return /open\s*(?:rail|responsible)|openrail/i.test(head) ? 'open' : 'unknown';
}

function versionOf(head: string): string | null {
  const dated = /dated\s+((?:[A-Z][a-z]+ \d{1,2}, \d{4})|\d{4}-\d\d-\d\d)/.exec(head)?.[1];
  return dated ?? /\b(?:version|v)\.?\s?(\d+(?:\.\d+){0,2})/i.exec(head)?.[1] ?? null;
}
