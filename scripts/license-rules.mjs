// Writes docs/license-rules.md, the rules of catalog/rules.json for people.
//
//   node scripts/license-rules.mjs
import { readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const source = new URL('../catalog/rules.json', import.meta.url);
const target = new URL('../docs/license-rules.md', import.meta.url);

/** The page, from what catalog/rules.json holds. */
export function rulesPage({ severity, rules }) {
  const cell = (text) => text.replaceAll('|', '\\|').replace(/\s+/g, ' ');
  const rows = rules.map(
    (rule) =>
      `| ${rule.id} | \`license/${rule.slug}\` | ${rule.severity} | ${cell(rule.when)} | ${cell(rule.then)}${rule.note ? ` *${cell(rule.note)}*` : ''} |`,
  );
  const clauses = rules
    .filter((rule) => rule.clauses.length > 0)
    .map((rule) => `**${rule.id}**\n\n${rule.clauses.map((c) => `- ${c.textId} ${c.section}: "${c.quote}"`).join('\n')}`);
  return `# License rules

Made from \`catalog/rules.json\` by \`scripts/license-rules.mjs\`; edit there. Readings of license texts by one reader, not legal advice: a rule says which
clauses meet, whether they apply is for people to say. Conditions are written over terms, kinds, acts and context, so that a license added
later is covered by its terms; the licenses named below are those the rule was read from.

${Object.entries(severity)
  .map(([name, meaning]) => `- \`${name}\`: ${meaning}`)
  .join('\n')}

A rule *holds*, does *not hold*, or holds *if* something is so that is not known; then the answer names it.

| rule | id in findings and SARIF | severity | when | what follows |
| --- | --- | --- | --- | --- |
${rows.join('\n')}

## The clauses

${clauses.join('\n\n')}
`;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  writeFileSync(target, rulesPage(JSON.parse(readFileSync(source, 'utf8'))));
  console.log(fileURLToPath(target));
}
