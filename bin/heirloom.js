#!/usr/bin/env node
// The program's door: everything is in dist/, which `npm ci` builds.
import { existsSync } from 'node:fs';

const main = new URL('../dist/cli/main.js', import.meta.url);
if (existsSync(main)) {
  const { run } = await import(main.href);
  await run(process.argv);
} else {
  process.stderr.write('heirloom: the program is not built yet\n  hint: run `npm ci` in the project folder\n');
  process.exitCode = 2;
}
