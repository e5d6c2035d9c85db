// Puts a real run between the session marks of the README, so that what is shown is what is printed.
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
const register = mkdtempSync(join(tmpdir(), 'heirloom-session-'));
const commands = [
  ['register', 'add', 'examples/models/Alder-1M', '--name', 'lab-alder/Alder-1M'],
  ['check', 'examples/models/small-mystery-GGUF'],
];
const shown = commands.map((args) => {
  const { stdout } = spawnSync(process.execPath, [join(root, 'bin', 'heirloom.js'), ...args], {
    cwd: root,
    encoding: 'utf8',
    env: { ...process.env, HEIRLOOM_REGISTER: register, NO_COLOR: '1', COLUMNS: '80' },
  });
  return `$ npx heirloom ${args.join(' ')}\n${stdout.trimEnd()}\n`;
});
rmSync(register, { recursive: true, force: true });
const readme = join(root, 'README.md');
const text = readFileSync(readme, 'utf8');
const block = `\`\`\`console\n${shown.join('\n')}\`\`\`\n`;
writeFileSync(
  readme,
  text.replace(/(<!-- session:[^\n]*-->\n)[\s\S]*?(<!-- \/session -->)/, (_, start, end) => start + block + end),
);
