import { describe, expect, test } from 'vitest';
import { fileURLToPath } from 'node:url';
import { checkFloors, importsOf, readPlan, readSources } from '../../scripts/floors.mjs';

const root = fileURLToPath(new URL('../..', import.meta.url));
const plan = {
  rooms: {
    base: { floor: 0, npm: ['@noble/hashes'], node: [] },
    left: { floor: 1, npm: [], node: [] },
    right: { floor: 1, npm: [], node: ['fs'] },
    top: { floor: 2, npm: [], node: [] },
  },
  browser: ['base'],
};
/** Problems of one made-up file of room `left`, beside a file that is right. */
function problemsOf(text: string, path = 'left/made-up.ts'): readonly string[] {
  const sound = { path: 'left/sound.ts', text: `import { thing } from '../base/index.ts';\n` };
  return checkFloors([sound, { path, text }], plan).problems;
}

describe('the floors', () => {
  test('hold for every import of the project', () => {
    const result = checkFloors(readSources(root), readPlan(root));
    expect(result.problems).toEqual([]);
    expect(result.files).toBeGreaterThan(20);
    expect(result.imports).toBeGreaterThan(result.files);
  });

  test('let a room use itself, lower faces, its packages and its node: modules', () => {
    expect(problemsOf(`import { a } from './other.ts';\nimport type { B } from '../base/index.ts';\n`)).toEqual([]);
    expect(problemsOf(`import { sha256 } from '@noble/hashes/sha2.js';\n`, 'base/hash.ts')).toEqual([]);
    expect(problemsOf(`import { readFile } from 'node:fs';\n`, 'right/read.ts')).toEqual([]);
    expect(problemsOf(`import { test } from 'vitest';\nimport { join } from 'node:path';\n`, 'left/made-up.test.ts')).toEqual([]);
  });

  test.each([
    ['an import from a higher floor', `import { x } from '../top/index.ts';`, 'may not import top'],
    ['an import from the same floor', `import { x } from '../right/index.ts';`, 'may not import right'],
    ['an import past a face', `import { x } from '../base/secret.ts';`, 'reaches into base'],
    ['a package that is not listed', `import leftPad from 'left-pad';`, '"left-pad"'],
    ['a scoped package that is not listed', `import { x } from '@evil/pad/deep.js';`, '"@evil/pad"'],
    ['a node: module', `import { readFile } from 'node:fs';`, 'node:fs'],
    ['a node module without its prefix', `import { readFile } from 'fs';`, '"fs"'],
    ['a type from a higher floor', `import type { X } from '../top/index.ts';`, 'may not import top'],
    ['a type written in place', `export function f(x: import('../top/index.ts').X): void {}`, 'may not import top'],
    ['a lazy import', `const top = await import('../top/index.ts');`, 'may not import top'],
    ['a computed import', `const anything = await import(name);`, 'computed'],
    ['a re-export', `export * from '../top/index.ts';`, 'may not import top'],
    ['a named re-export over several lines', `export {\n  x,\n  type Y as Z,\n} from '../top/index.ts';`, 'may not import top'],
    ['an import for its effect', `import '../top/index.ts';`, 'may not import top'],
    ['a second import on one line', `import { a } from './a.ts'; import { x } from '../top/index.ts';`, 'may not import top'],
    ['a require', `const fs = require('node:fs');`, 'node:fs'],
    ['a file outside src', `import pkg from '../../package.json' with { type: 'json' };`, 'leaves src/'],
    ['a room that is not listed', `import { x } from '../attic/index.ts';`, 'in no room'],
    ['test code in the product', `import { fake } from './testing/fake.ts';`, 'test code'],
  ])('catch %s', (_, text, words) => {
    const problems = problemsOf(`${text}\n`);
    expect(problems).toHaveLength(1);
    expect(problems[0]).toContain(words);
    expect(problems[0]).toContain('src/left/made-up.ts:');
  });

  test('catch a room that is missing from the list', () => {
    expect(problemsOf(`import { a } from './a.ts';\n`, 'attic/a.ts')).toEqual(['src/attic/a.ts: room "attic" is not in floors.json']);
    expect(problemsOf('export {};\n', 'stray.ts')).toHaveLength(1);
  });

  test('catch a browser room that is given node: modules', () => {
    expect(checkFloors([{ path: 'base/a.ts', text: `import './b.ts';` }], { ...plan, browser: ['right'] }).problems[0]).toContain(
      'browser room',
    );
  });

  test('fail when nothing was looked at', () => {
    expect(checkFloors([], plan).problems).toHaveLength(2);
    expect(checkFloors([{ path: 'left/a.ts', text: 'export const a = 1;\n' }], plan).problems).toHaveLength(1);
  });

  test('do not take prose or other calls for imports', () => {
    expect(importsOf(` * import { x } from 'somewhere';\n// export * from 'there'\nworker.import('x');\nconst s = "import me";\n`)).toEqual(
      [],
    );
  });
});
