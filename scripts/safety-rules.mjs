// Writes docs/rules/safety/<rule>.md from src/safety/rules.json, one page per rule. test/conformance/safety-pages.test.ts checks that they are fresh.
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const TIERS = {
  malicious: 'malicious: loading the file the usual way can run code, reach outside or exhaust the machine',
  suspicious: 'suspicious: the file needs trust in code that is not in it, or does what no honest writer does',
  unreadable: 'malformed: the file breaks its format or could not be read to the end',
  clean: 'informational: worth knowing, no reason to refuse the file',
};

/** @returns file name → page. */
export function safetyPages(rules) {
  return new Map(rules.map((rule) => [`${rule.id.slice('safety/'.length)}.md`, page(rule)]));
}

function page({ id, verdict, severity, why, fix, source }) {
  return `# \`${id}\`

Tier: ${TIERS[verdict]}. Severity: ${severity}.

## Why it matters

${sentence(why)}

## How to be safe

${sentence(fix)}

## How it looks

\`\`\`json
${JSON.stringify({ rule: id, severity, where: { file: 'model.bin', byte: 0 }, what: '...', why, fix, ...(source && { source }) }, null, 2)}
\`\`\`

\`where\` says the file (and the path inside an archive after \`!\`) with the byte or field, \`what\` says what was found there.
${source ? `\n## Source\n\n${source}\n` : ''}
All rules: [rules-safety.md](../../rules-safety.md).
`;
}

function sentence(text) {
  return `${text.charAt(0).toUpperCase()}${text.slice(1)}.`;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const root = fileURLToPath(new URL('..', import.meta.url));
  const folder = join(root, 'docs/rules/safety');
  mkdirSync(folder, { recursive: true });
  for (const [name, text] of safetyPages(JSON.parse(readFileSync(join(root, 'src/safety/rules.json'), 'utf8'))))
    writeFileSync(join(folder, name), text);
}
