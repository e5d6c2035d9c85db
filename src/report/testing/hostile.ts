/**
 * An assessment in which every string that a publisher can choose attacks the reader's terminal, browser or eye.
 * @module
 */
import type { Assessment } from '../../assess/index.ts';
import { launderedFineTune } from './fixtures.ts';

export const ATTACKS: readonly string[] = [
  '<script>alert(1)</script>',
  '"><img src=https://evil.example/x onerror=alert(1)>',
  "' style='background:url(https://evil.example/y)' '",
  '</style></title></textarea></svg><base href=https://evil.example/>',
  '\u001b[2J\u001b[31mred\u001b]0;title\u0007\u001b]8;;https://evil.example\u0007link\u009b1A',
  'safe\u202Egnp.exe\u2066\u200B\u200B\u200B\uFEFF',
  '<!-- --> ]]> &lt;b&gt; &#x3c;script&#x3e; `${alert(1)}` {{7*7}}',
  'line one\r\nline two\u2028line three\u0000\u0008\u0008\u0008',
  `${'模型'.repeat(60)}👩‍👩‍👧‍👦🇩🇪❤️`,
  `a${'\u0301'.repeat(40)} ${'very/long/path'.repeat(40)} \ud800 lone`,
  `tag${String.fromCodePoint(0xe0041, 0xe0042)}ged`,
];

/** Everything that a terminal acts on, that reorders a line or that is not seen; the line feed alone may stand in a report. */
export const DRIVES: RegExp =
  // eslint-disable-next-line no-control-regex
  /[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u061c\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ufeff\u{e0000}-\u{e007f}\ud800-\udfff]/u;

/** Words of our own closed lists: a publisher cannot choose them. */
const OURS = new Set(['schema', 'verdict', 'severity', 'direction', 'status', 'class', 'kind', 'because', 'by', 'from']);

/** `value` with every string that a publisher can choose prefixed, in turn, by one of `attacks`. */
export function attack(value: unknown, attacks: readonly string[]): unknown {
  let next = 0;
  const visit = (item: unknown, key: string): unknown => {
    if (typeof item === 'string') {
      // `kind` and `from` are closed lists in some places and free text in others: only the short words of the lists are left alone.
      return OURS.has(key) && /^[a-z0-9>/-]*$/i.test(item) ? item : `${attacks[next++ % attacks.length]!} ${item}`;
    }
    if (Array.isArray(item)) return item.map((child) => visit(child, key));
    if (typeof item !== 'object' || item === null) return item;
    const ours = (name: string): boolean => name === 'tool' || (key === 'kind' && name === 'name');
    return Object.fromEntries(Object.entries(item).map(([name, child]) => [name, ours(name) ? child : visit(child, name)]));
  };
  return visit(value, '');
}

/** The relabelled fine-tune with an attack before every string. */
export const hostileStrings: Assessment = attack(launderedFineTune, ATTACKS) as Assessment;

/** The relabelled fine-tune with `count` of everything that a card or a folder can hold many of. */
export function manyOfEverything(count: number): Assessment {
  const many = <T>(make: (i: number) => T): T[] => Array.from({ length: count }, (_, i) => make(i));
  const a = launderedFineTune;
  const file = a.safety.files[0]!;
  return {
    ...a,
    subject: { ...a.subject, files: many((i) => ({ path: `folder/${i}.bin`, size: i, kind: 'weights' })) },
    lineage: {
      ...a.lineage,
      claims: many((i) => ({ name: `owner/name-${i}`, from: 'README.md: base_model', verdict: 'not-registered', because: 'not held' })),
      limits: many((i) => `limit ${i}`),
    },
    license: {
      ...a.license,
      declared: many((i) => ({ value: `license-${i}`, id: null, kind: 'unknown', from: 'README.md: license' })),
      effective: { ...a.license.effective, ids: many((i) => `LicenseRef-${i}`) },
      drift: many((i) => ({ ...a.license.drift[0]!, ancestor: `owner/name-${i}` })),
      duties: many(() => a.license.duties[0]!),
    },
    credit: {
      ancestors: many((i) => ({ name: `owner/name-${i}`, because: 'claimed', named: true, where: ['README.md: base_model'] })),
      missing: many((i) => ({ ...a.credit.missing[0]!, what: `missing ${i}` })),
      met: many((i) => ({ what: `met ${i}`, where: 'README.md' })),
    },
    safety: { ...a.safety, files: many((i) => ({ ...file, path: `folder/${i}.bin`, verdict: 'suspicious' })) },
  };
}
