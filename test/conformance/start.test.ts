import { readFileSync } from 'node:fs';
import { dirname, join, relative, sep } from 'node:path';
import { expect, test } from 'vitest';

const src = join(import.meta.dirname, '../../src');

/** Rooms and packages that are loaded with a module before any of its code runs; types are erased, `import()` waits. */
function loadedWith(...entries: string[]): string[] {
  const seen = new Set<string>();
  const packages = new Set<string>();
  const stack = entries.map((entry) => join(src, entry));
  for (let path = stack.pop(); path; path = stack.pop()) {
    if (seen.has(path)) continue;
    seen.add(path);
    for (const [, from] of readFileSync(path, 'utf8').matchAll(/^(?:import|export) (?!type )(?:[^;'"]* from )?['"]([^'"]+)['"]/gm)) {
      if (from!.startsWith('.')) stack.push(join(dirname(path), from!));
      else if (!from!.startsWith('node:')) packages.add(from!.split('/')[0]!);
    }
  }
  return [...new Set([...[...seen].map((path) => relative(src, path).split(sep)[0]!), ...packages])].sort();
}

test('the program starts with its parser only; commands load what they call when they run', () => {
  expect(loadedWith('cli/main.ts')).toEqual(['@noble', 'base', 'canonicalize', 'cli', 'commander']);
});

test('a scan loads nothing that compares models or reads licenses', () => {
  expect(loadedWith('safety/index.ts', 'sources/index.ts', 'report/index.ts')).toEqual([
    '@noble',
    'base',
    'canonicalize',
    'math',
    'report',
    'safety',
    'sources',
    'weights',
  ]);
});
