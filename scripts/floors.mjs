// Who may import whom: holds src/ against floors.json. Run alone it prints what is wrong and exits 1.
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join, posix, sep } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';

/** Static imports and re-exports, with or without a clause; `type` and `as` are words of the clause. */
const STATIC = /(?:^|[;}])[ \t]*(?:import|export)\b(?:[\s\w$,{}*]*?[\s}*]from)?\s*(['"])([^'"\n]+)\1/gm;
/** `import('x')`, as a call or as a type. A word before it (`.import(`, `$import(`) is something else. */
const DYNAMIC = /(?<![\w$.])import\s*\(\s*(?:\/\*[^*]*\*\/\s*)?(?:(['"`])([^'"`\n]+)\1)?/g;
const REQUIRE = /(?<![\w$.])require\s*\(\s*(['"`])([^'"`\n]+)\1/g;
/** What tests may use beside their room's own list. */
const TEST_PACKAGES = ['vitest', 'fast-check', 'ajv'];

/**
 * @param {string} text TypeScript source.
 * @returns {{specifier: string | null, line: number}[]} in order; null where the specifier is computed.
 */
export function importsOf(text) {
  const found = [];
  const lineOf = (index) => text.slice(0, index).split('\n').length;
  for (const pattern of [STATIC, DYNAMIC, REQUIRE])
    for (const match of text.matchAll(pattern)) found.push({ specifier: match[2] ?? null, index: match.index + match[0].length });
  return found.sort((a, b) => a.index - b.index).map(({ specifier, index }) => ({ specifier, line: lineOf(index) }));
}

/**
 * @param {{path: string, text: string}[]} files paths below src/, `/`-separated.
 * @param {{rooms: Record<string, {floor: number, npm: string[], node: string[]}>, browser: string[]}} plan floors.json
 * @returns {{files: number, imports: number, problems: string[]}}
 */
export function checkFloors(files, plan) {
  const problems = [];
  let imports = 0;
  for (const name of plan.browser) {
    if (!plan.rooms[name]) problems.push(`floors.json: browser room "${name}" is not a room`);
    else if (plan.rooms[name].node.length > 0) problems.push(`floors.json: browser room "${name}" lists node modules`);
  }
  const missing = new Set();
  for (const { path, text } of files) {
    const [name] = path.split('/');
    const room = Object.hasOwn(plan.rooms, name) ? plan.rooms[name] : undefined;
    if (!path.includes('/') || !room) {
      if (!missing.has(name)) problems.push(`src/${path}: room "${name}" is not in floors.json`);
      missing.add(name);
      continue;
    }
    for (const { specifier, line } of importsOf(text)) {
      imports++;
      const fault = faultOf(specifier, path, name, room, plan);
      if (fault) problems.push(`src/${path}:${line}: ${fault}`);
    }
  }
  if (files.length === 0) problems.push('no file was looked at: is src/ there?');
  if (imports === 0) problems.push('no import was seen: the check looked at nothing');
  return { files: files.length, imports, problems };
}

function faultOf(specifier, path, name, room, plan) {
  if (specifier === null) return 'imports a computed path; name the module';
  const isTest = isTestFile(path);
  if (specifier.startsWith('node:')) {
    const module = specifier.slice('node:'.length);
    return isTest || room.node.includes(module) ? null : `${name} (floor ${room.floor}) may not import ${specifier}`;
  }
  if (specifier.startsWith('.') || specifier.startsWith('/')) return relativeFault(specifier, path, name, room, plan, isTest);
  const parts = specifier.split('/');
  const pkg = specifier.startsWith('@') ? parts.slice(0, 2).join('/') : parts[0];
  const allowed = room.npm.includes(pkg) || (isTest && TEST_PACKAGES.includes(pkg));
  return allowed ? null : `${name} (floor ${room.floor}) may not import the package "${pkg}"`;
}

function relativeFault(specifier, path, name, room, plan, isTest) {
  const target = posix.normalize(posix.join(posix.dirname(path), specifier));
  if (target.startsWith('..') || specifier.startsWith('/')) return `"${specifier}" leaves src/`;
  const [other, ...rest] = target.split('/');
  if (other === name) return !isTest && isTestFile(target) ? `"${specifier}" is test code` : null;
  const to = Object.hasOwn(plan.rooms, other) ? plan.rooms[other] : undefined;
  if (!to) return `"${specifier}" is in no room of floors.json`;
  if (to.floor >= room.floor) return `${name} (floor ${room.floor}) may not import ${other} (floor ${to.floor})`;
  const face = rest.join('/');
  if (face !== 'index.ts' && !(isTest && face === 'testing/index.ts'))
    return `"${specifier}" reaches into ${other}; import ${other}/index.ts`;
  return null;
}

function isTestFile(path) {
  return path.endsWith('.test.ts') || path.includes('/testing/');
}

/** All TypeScript files below `root`/src, sorted by path. */
export function readSources(root) {
  const src = join(root, 'src');
  if (!existsSync(src)) return [];
  return readdirSync(src, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && /\.[cm]?tsx?$/.test(entry.name))
    .map((entry) => join(entry.parentPath, entry.name))
    .map((file) => ({
      path: file
        .slice(src.length + 1)
        .split(sep)
        .join('/'),
      text: readFileSync(file, 'utf8'),
    }))
    .sort((a, b) => (a.path < b.path ? -1 : 1));
}

export function readPlan(root) {
  return JSON.parse(readFileSync(join(root, 'floors.json'), 'utf8'));
}

if (process.argv[1] && import.meta.url === pathToFileURL(process.argv[1]).href) {
  const root = join(dirname(fileURLToPath(import.meta.url)), '..');
  const result = checkFloors(readSources(root), readPlan(root));
  for (const problem of result.problems) console.error(problem);
  console.log(`${result.files} files, ${result.imports} imports, ${result.problems.length} problems`);
  if (result.problems.length > 0) process.exitCode = 1;
}
