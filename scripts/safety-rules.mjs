// Writes docs/rules/safety/<rule>.md and the table of docs/rules-safety.md from src/safety/rules.json, rule-pages.json and what the scanner says of testing/examples.ts: one page
// per rule. `npm run rules`; test/conformance/safety-pages.test.ts checks that they are fresh.
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { memoryTree } from '../src/base/index.ts';
import { renderScan } from '../src/report/index.ts';
import { applyPolicy, parsePolicy, scanTree } from '../src/safety/index.ts';
import { EXAMPLES, POLICIES } from '../src/safety/testing/examples.ts';

const root = fileURLToPath(new URL('..', import.meta.url));
const read = (name) => JSON.parse(readFileSync(join(root, 'src/safety', name), 'utf8'));

const TIERS = {
  malicious: ['malicious', '`heirloom scan` exits with 1.'],
  suspicious: ['suspicious', '`heirloom scan` exits with 1; with 0 under a policy whose `failOn` is `malicious`.'],
  unreadable: ['malformed', '`heirloom scan` exits with 1, whatever a policy says; with 2 when the bytes could not be had at all.'],
  clean: ['informational', 'It does not change the exit code.'],
};
const POLICY_FILE = 'heirloom-policy.json';
const TODAY = '2027-01-01';

/** @returns file name → page, in the order of the rules. */
export async function safetyPages() {
  const { recipes, pages } = read('rule-pages.json');
  const made = [];
  for (const rule of read('rules.json')) {
    const name = rule.id.slice('safety/'.length);
    made.push([`${name}.md`, page(rule, pages[name], recipes, await example(name))]);
  }
  return new Map(made);
}

/** What the scanner says of a rule's example, and the entry of a policy that accepts the finding. */
export async function example(name) {
  const given = POLICIES[name];
  const policy = given && parsePolicy(new TextEncoder().encode(JSON.stringify(given)), POLICY_FILE);
  const { files } = await scanTree(memoryTree('example', EXAMPLES[name]));
  const judged = policy ? await applyPolicy(files, policy, TODAY) : { files, findings: [] };
  const found = [...judged.files.flatMap((file) => file.findings), ...judged.findings].find((one) => one.rule === `safety/${name}`);
  if (!found) throw new Error(`the example of safety/${name} does not show the rule: src/safety/testing/examples.ts`);
  const callable = found.evidence?.callable;
  const path = files.find((file) => file.findings.includes(found))?.path;
  const accept = {
    ...(callable === undefined ? { rule: found.rule } : { callable }),
    path,
    reason: 'reviewed by ...',
    expires: '2027-06-30',
  };
  const text = renderScan(judged.files, judged.findings, { color: false, columns: 100 });
  return { files, text, policy: given, accept: /^(malicious|suspicious)$/.test(found.tier) && path !== undefined ? accept : undefined };
}

function page({ id, verdict, severity, fix, source }, { means, exit, safe, alarm }, recipes, { text, policy, accept }) {
  const [tier, code] = TIERS[verdict];
  const advice = [...(fix === 'none needed' ? [] : [`${capital(fix)}.`]), ...safe.map((one) => recipes[one])];
  return `${[
    `# \`${id}\``,
    `**${tier}**, severity ${severity}. ${exit ?? code}`,
    means,
    `## How it looks`,
    ...(policy ? [`With \`${POLICY_FILE}\``, fenced('json', JSON.stringify(policy, null, 2))] : []),
    fenced('console', `$ heirloom scan ${policy ? `--policy ${POLICY_FILE} ` : ''}.\n${text.trimEnd()}`),
    ...(advice.length > 0 ? ['## How to be safe', advice.map((one) => `- ${one}`).join('\n')] : []),
    ...(alarm ? ['## When it is a false alarm', alarm] : []),
    ...(accept
      ? ['In your policy file, under `allow`:', fenced('json', JSON.stringify(accept, null, 2))]
      : verdict === 'unreadable'
        ? ['A policy cannot accept it: nobody knows what it is.']
        : []),
    ...(source ? ['## Source', source.split(', ').map(linked).join(', ')] : []),
  ].join('\n\n')}\n`;
}

/** The table of docs/rules-safety.md, in place of the one in `text`. */
export function withTable(text) {
  const rows = read('rules.json').map(
    ({ id, verdict, severity, why, source }) => `| [\`${id}\`](rules/${id}.md) | ${verdict} | ${severity} | ${why} | ${source} |`,
  );
  return text.replace(/(?<=\n\| --- \| --- \| --- \| --- \| --- \|\n)(\|.*\n)+/, `${rows.join('\n')}\n`);
}

const fenced = (language, text) => `\`\`\`${language}\n${text}\n\`\`\``;
const capital = (text) => text.charAt(0).toUpperCase() + text.slice(1);

/** Sources by their address, where their name tells it. */
function linked(source) {
  const cwe = /^CWE-(\d+)$/.exec(source);
  const arxiv = /^arXiv (\d{4}\.\d{5})/.exec(source);
  const url = /^CVE-\d{4}-\d+$/.test(source)
    ? `https://nvd.nist.gov/vuln/detail/${source}`
    : cwe
      ? `https://cwe.mitre.org/data/definitions/${cwe[1]}.html`
      : arxiv && `https://arxiv.org/abs/${arxiv[1]}`;
  return url ? `[${source}](${url})` : source;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const folder = join(root, 'docs/rules/safety');
  mkdirSync(folder, { recursive: true });
  for (const [name, text] of await safetyPages()) writeFileSync(join(folder, name), text);
  const list = join(root, 'docs/rules-safety.md');
  writeFileSync(list, withTable(readFileSync(list, 'utf8')));
}
