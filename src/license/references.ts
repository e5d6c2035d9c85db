/**
 * Licenses that a text names without holding them: SPDX tags, card front matter, standard headers, fields
 * ("License: MIT"), phrases ("released under …") and links.
 * @module
 */
import type { Catalog } from './catalog.ts';
import { canonicalWords, isVersion, nameAt, type NameTarget, type Names, versionsOf } from './names.ts';
import { licenseRef, ownRef, resolveTarget, resolveWith } from './tags.ts';
import type { LicenseMatch, ResolvedTag } from './types.ts';
import type { Words } from './words.ts';

/** A place in the text as word indexes. */
interface Span {
  readonly from: number;
  readonly to: number;
}

/** Names found in one text; a list of licenses is an index, not a statement. (CWE-770) */
const MAX_REFERENCES = 40;
/** Known versions listed for an unknown one. */
const MAX_CANDIDATES = 12;
/** Words read after a phrase that leads to a name. */
const LEAD_WINDOW = 12;
/** Words between two names of one choice: "MIT (link) or Apache-2.0". */
const JOIN_WINDOW = 14;
/** A text this short is all statement: a bare name or link in it counts. */
const SHORT_TEXT = 60;

/** Leading phrases followed up; a text with more says nothing by any of them. (CWE-407) */
const MAX_LEADS = 400;

const LEADS: readonly (readonly string[])[] = [
  'licensed under',
  'released under',
  'distributed under',
  'available under',
  'provided under',
  'published under',
  'shared under',
  'open sourced under',
  'under the terms of',
  'subject to the terms of',
  'governed by',
  'falls under',
  'fall under',
  'covered by',
  'license is',
  'are licensed',
  'is licensed',
  'adheres to',
  'license under',
  'described in the',
].map((lead) => lead.split(' '));
const LEAD_FIRST: ReadonlySet<string> = new Set(LEADS.map((lead) => lead[0]!));

/** What is named outside the spans already explained by full texts. In order of place; each id once. */
export function findReferences(text: string, words: Words, taken: readonly Span[], catalog: Catalog, names: Names): LicenseMatch[] {
  const search = new Search(text, words, taken, catalog, names);
  search.tags();
  search.frontMatter();
  search.phrases();
  search.fields();
  search.links();
  if (words.words.length <= SHORT_TEXT && search.found.size === 0 && taken.length === 0) search.bareNames();
  return [...search.found.values()].sort((x, y) => x.range[0] - y.range[0] || (x.id < y.id ? -1 : 1));
}

class Search {
  readonly found: Map<string, LicenseMatch> = new Map();
  private readonly text: string;
  private readonly words: Words;
  private readonly taken: readonly Span[];
  private readonly catalog: Catalog;
  private readonly names: Names;

  constructor(text: string, words: Words, taken: readonly Span[], catalog: Catalog, names: Names) {
    this.text = text;
    this.words = words;
    this.taken = taken;
    this.catalog = catalog;
    this.names = names;
  }

  private isFree(k: number): boolean {
    return !this.taken.some((span) => k >= span.from && k < span.to);
  }

  private put(resolved: ResolvedTag, by: LicenseMatch['by'], start: number, end: number): void {
    if (this.found.size >= MAX_REFERENCES) return;
    for (const id of resolved.expression?.ids ?? [resolved.id]) {
      const known = this.found.get(id);
      if (known && RANK[known.by] >= RANK[by]) continue;
      const name = this.catalog.find(id)?.name ?? id;
      const candidates = resolved.expression ? undefined : resolved.candidates;
      this.found.set(id, {
        id,
        name,
        modified: false,
        by,
        coverage: 0,
        differs: [],
        range: [start, end],
        ...(candidates && { candidates }),
      });
    }
  }

  /** `SPDX-License-Identifier: <expression>` to the end of its line. */
  tags(): void {
    const w = this.words.words;
    for (let k = 0; k + 3 < w.length; k++) {
      if (w[k] !== 'spdx' || w[k + 1] !== 'license' || w[k + 2] !== 'identifier' || !this.isFree(k)) continue;
      const from = this.words.end[k + 2]!;
      const lineEnd = this.text.indexOf('\n', from);
      const value = this.text
        .slice(from, Math.min(lineEnd < 0 ? this.text.length : lineEnd, from + 400))
        .replace(/^\s*:?\s*/, '')
        .replace(/\s*(\*\/|-->|"|'|\]|\}).*$/, '')
        .trim();
      const resolved = resolveWith(this.catalog, this.names, value);
      const named = resolved ?? ownRef(value);
      if (named) this.put(named, 'tag', this.words.start[k]!, from + value.length);
    }
  }

  /** `license:` in the YAML block on top of a card; read line by line, not parsed. */
  frontMatter(): void {
    const head = /^\uFEFF?---\r?\n/.exec(this.text.slice(0, 8));
    if (!head) return;
    const end = this.text.indexOf('\n---', head[0].length);
    if (end < 0 || end > 64_000) return;
    let at = head[0].length;
    const values: { value: string; at: number }[] = [];
    let inList = false;
    let named = '';
    for (const line of this.text.slice(at, end).split('\n')) {
      const field = /^(license|license_name):\s*(.*)$/.exec(line.slice(0, 500));
      const item = inList ? /^\s*-\s+(.*)$/.exec(line.slice(0, 500)) : null;
      if (field) {
        inList = field[1] === 'license' && field[2]!.trim() === '';
        const value = unquote(field[2]!);
        if (field[1] === 'license_name') named = value;
        else
          for (const part of value.startsWith('[') ? value.slice(1).replace(/\].*$/, '').split(',') : [value])
            values.push({ value: unquote(part), at });
      } else if (item) values.push({ value: unquote(item[1]!), at });
      else if (line.trim() !== '') inList = false;
      at += line.length + 1;
    }
    for (const { value, at: place } of values) {
      const resolved = resolveWith(this.catalog, this.names, value === 'other' && named ? named : value);
      if (resolved) this.put(resolved, 'tag', place, place + value.length);
      else if (value === 'other' && named) this.put({ id: licenseRef(named), kind: 'unknown' }, 'tag', place, place + value.length);
    }
  }

  /** "licensed under the X", and the further names of "X or Y". */
  phrases(): void {
    const w = this.words.words;
    let left = MAX_LEADS;
    for (let k = 0; k < w.length && left > 0; k++) {
      if (!LEAD_FIRST.has(w[k]!) || !this.isFree(k)) continue;
      const lead = LEADS.find((words) => words.every((word, j) => w[k + j] === word));
      if (!lead) continue;
      left--;
      this.namesFrom(k, k + lead.length);
    }
  }

  private namesFrom(start: number, from: number): void {
    let at = from;
    let limit = Math.min(this.words.words.length, from + LEAD_WINDOW);
    let last = -1;
    let any = false;
    while (at < limit) {
      if (this.endsBetween(at - 1, at) && at > from) break;
      const gnu = this.gnuAt(at);
      const hit = gnu ?? this.hitAt(at, limit);
      if (hit && this.isFree(at) && (!any || this.joined(last, at))) {
        this.put(
          hit.resolved,
          this.isHeader(hit.resolved.id, hit.end) ? 'header' : 'reference',
          this.words.start[any ? at : start]!,
          this.words.end[hit.end - 1]!,
        );
        any = true;
        last = hit.end;
        at = hit.end;
        limit = Math.min(this.words.words.length, at + JOIN_WINDOW);
      } else at++;
    }
  }

  private hitAt(at: number, limit: number): { resolved: ResolvedTag; end: number } | null {
    const sequence = canonicalWords(this.words.words, at, Math.min(this.words.words.length, limit + 16));
    if (sequence.length === 0 || sequence[0]!.at !== at) return null;
    const named = nameAt(this.names, sequence, 0);
    if (!named) return null;
    const end = sequence[named.length - 1]!.end;
    const beside = this.words.words[end] === 'license' || this.words.words[at - 1] === 'license';
    if (named.target.weak && !beside) return null;
    return this.otherVersion(sequence, named.length) ?? { resolved: this.target(named.target), end };
  }

  /** "Llama 5", "Apache License 3.0": a version that is not known is said to be unknown, with the ones that are. */
  private otherVersion(
    sequence: readonly { word: string; at: number; end: number }[],
    length: number,
  ): { resolved: ResolvedTag; end: number } | null {
    const next = sequence[length];
    const last = sequence[length - 1]!;
    if (!next || !isVersion(next.word) || next.at - last.end > 3 || this.words.flags[next.at] !== 0) return null;
    if (this.endsBetween(last.end - 1, next.at) || this.words.words[next.end] === 'clause') return null;
    const key = sequence
      .slice(0, length)
      .map((one) => one.word)
      .join(' ');
    const ids = versionsOf(this.names, key);
    if (!ids) return null;
    const { kind } = resolveTarget(this.catalog, { ids, family: true, name: key, weak: false });
    return { resolved: { id: licenseRef(`${key} ${next.word}`), kind, candidates: ids.slice(0, MAX_CANDIDATES) }, end: next.end };
  }

  private target(target: NameTarget): ResolvedTag {
    return resolveTarget(this.catalog, target);
  }

  /** True when "or", "and" or a slash joins the two names. */
  private joined(from: number, to: number): boolean {
    for (let k = from; k < to; k++) if (['or', 'and', 'plus'].includes(this.words.words[k]!)) return true;
    return this.text.slice(this.words.end[from - 1] ?? 0, this.words.start[to]).trim() === '/';
  }

  /** A sentence or paragraph ends between two words. "Version 2.0 (the" does not end one. */
  private endsBetween(a: number, b: number): boolean {
    if (a < 0 || b >= this.words.words.length) return true;
    const between = this.text.slice(this.words.end[a], Math.min(this.words.start[b]!, this.words.end[a]! + 200));
    return /[.!?;]\s|\n\s*\n/.test(between);
  }

  /** "GNU [Lesser|Affero] General Public License … version 3 … or (at your option) any later version". */
  private gnuAt(k: number): { resolved: ResolvedTag; end: number } | null {
    const w = this.words.words;
    if (w[k] !== 'gnu') return null;
    let at = k + 1;
    let family = 'GPL';
    if (w[at] === 'lesser' || w[at] === 'library') family = 'LGPL';
    else if (w[at] === 'affero') family = 'AGPL';
    if (family !== 'GPL') at++;
    if (w[at] !== 'general' || w[at + 1] !== 'public' || w[at + 2] !== 'license') return null;
    at += 3;
    for (let j = at; j < Math.min(w.length, at + 14); j++) {
      const number = /^v?([123](?:\.[01])?)$/.exec(w[j]!);
      if (!number) continue;
      const version = number[1]!.includes('.') ? number[1]! : `${number[1]}.0`;
      const after = w.slice(j + 1, j + 12).join(' ');
      const later =
        /^(of the license )?(or )?((at your option )?any later|or later|later)/.test(after) ||
        /^(of the license )?or at your option any later/.test(after);
      const entry = this.catalog.find(`${family}-${version}-only`);
      if (entry) return { resolved: { id: later ? `${family}-${version}-or-later` : entry.id, kind: entry.kind }, end: j + 1 };
    }
    return null;
  }

  /** The words of the standard header that follow the name. */
  private isHeader(id: string, end: number): boolean {
    const after = this.words.words.slice(end, end + 40).join(' ');
    if (id === 'Apache-2.0') return after.includes('you may not use this file except in compliance');
    if (id.startsWith('MPL-')) return after.includes('if a copy of the mpl was not distributed');
    return (
      /^(A|L)?GPL-/.test(id) &&
      /(published|terms|of the license)/.test(this.words.words.slice(Math.max(0, end - 24), end + 8).join(' ')) &&
      this.text.includes('WARRANTY')
    );
  }

  /** "License: MIT", "| **License** | MIT |", or a heading "License" with the name on the next line. */
  fields(): void {
    const w = this.words.words;
    for (let k = 0; k + 1 < w.length; k++) {
      if ((w[k] !== 'license' && w[k] !== 'licenses') || !this.isFree(k)) continue;
      const before = k > 0 && this.words.line[k - 1] === this.words.line[k] ? w[k - 1]! : '';
      if (before !== '' && !['model', 'code', 'weights'].includes(before)) continue;
      const separator = this.text.slice(this.words.end[k], Math.min(this.words.start[k + 1]!, this.words.end[k]! + 300));
      const sameLine = this.words.line[k] === this.words.line[k + 1];
      if (sameLine ? !/[:|=]/.test(separator) : this.lineWords(k + 1) > 8) continue;
      const hit = this.gnuAt(k + 1) ?? this.fieldHit(k + 1);
      // The title of a text that was recognized names itself.
      if (hit && this.isFree(hit.end - 1)) this.put(hit.resolved, 'reference', this.words.start[k]!, this.words.end[hit.end - 1]!);
    }
  }

  private fieldHit(k: number): { resolved: ResolvedTag; end: number } | null {
    for (let at = k; at < Math.min(this.words.words.length, k + 3); at++) {
      const sequence = canonicalWords(this.words.words, at, Math.min(this.words.words.length, at + 16));
      const named = sequence.length > 0 ? nameAt(this.names, sequence, 0) : null;
      const other = named && this.otherVersion(sequence, named.length);
      if (other) return other;
      if (named) return { resolved: this.target(named.target), end: sequence[named.length - 1]!.end };
    }
    return null;
  }

  private lineWords(k: number): number {
    let j = k;
    while (j < this.words.words.length && this.words.line[j] === this.words.line[k]) j++;
    return j - k;
  }

  /** Addresses of licenses, in a short text only: elsewhere a link is a mention. */
  links(): void {
    if (this.words.words.length > SHORT_TEXT || this.found.size > 0) return;
    const lower = this.text.toLowerCase();
    for (const [address, name] of this.names.urls) {
      const at = lower.indexOf(address);
      if (at < 0) continue;
      const resolved = resolveWith(this.catalog, this.names, name);
      if (resolved) this.put(resolved, 'reference', at, at + address.length);
    }
  }

  /** "MIT License" and nothing else. */
  bareNames(): void {
    const w = this.words.words;
    for (let k = 0; k < w.length; k++) {
      const hit = this.hitAt(k, w.length);
      const whole = hit && (hit.end - k >= w.length - 3 || w[hit.end] === 'license');
      if (hit && whole) this.put(hit.resolved, 'reference', this.words.start[k]!, this.words.end[hit.end - 1]!);
    }
  }
}

const RANK: Readonly<Record<LicenseMatch['by'], number>> = { text: 3, tag: 2, header: 1, reference: 0 };

function unquote(raw: string): string {
  return raw
    .trim()
    .replace(/\s+#.*$/, '')
    .replace(/^["']|["']$/g, '')
    .trim();
}
