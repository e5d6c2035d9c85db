// Writes the output under each command of the walk-throughs anew, as the built program prints it.
//
//   node scripts/walkthroughs.mjs
import { execFileSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
export const WALKTHROUGHS = ['docs/license-llama-product.md', 'docs/license-merge-three.md', 'docs/license-rail-api.md'];

const BLOCK = /^```console\n\$ heirloom (.*)\n[\s\S]*?^```$/gm;

/** What the page would hold if each command were run now. */
export function rerun(page) {
  return page.replace(BLOCK, (_, command) => {
    const args = [...command.matchAll(/"([^"]*)"|(\S+)/g)].map(([, quoted, plain]) => quoted ?? plain);
    return `\`\`\`console\n$ heirloom ${command}\n${outputOf(args).trimEnd()}\n\`\`\``;
  });
}

function outputOf(args) {
  const env = { PATH: process.env.PATH, HOME: '/nowhere', HEIRLOOM_REGISTER: '/nowhere' };
  try {
    return execFileSync(process.execPath, ['bin/heirloom.js', ...args], {
      cwd: root,
      env,
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'pipe'],
    });
  } catch (error) {
    // 1 says that something is open, which is what these pages are about.
    if (error.status !== 1) throw new Error(`heirloom ${args.join(' ')} failed: ${error.stderr}`);
    return error.stdout;
  }
}

if (process.argv[1] === fileURLToPath(import.meta.url))
  for (const name of WALKTHROUGHS) {
    writeFileSync(`${root}${name}`, rerun(readFileSync(`${root}${name}`, 'utf8')));
    console.log(name);
  }
