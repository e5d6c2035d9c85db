// Question: how many of the corpus' malicious files are flagged, how many benign ones, per class, beside other scanners? See README.md here.
import { isFlagged, isMiss, judgeCorpus, type Judged } from './measure.ts';

const option = (name: string): string | undefined => process.argv.find((argument) => argument.startsWith(`--${name}=`))?.split('=')[1];
const judged = await judgeCorpus(new RegExp(option('only') ?? '.'));
const anchors = [...(judged[0]?.anchors.keys() ?? [])];

function row(name: string, files: readonly Judged[]): void {
  const count = (...verdicts: string[]): number => files.filter((one) => verdicts.includes(one.scanned.verdict)).length;
  const beside = anchors.map((anchor) => files.filter((one) => one.anchors.get(anchor) === 'flag').length);
  // modelaudit's warnings are `suspicious` in its column; its `flag` is critical only.
  beside.push(files.filter((one) => /^(flag|suspicious)$/.test(one.anchors.get('modelaudit') ?? '')).length);
  const own = [files.length, files.filter(isFlagged).length, count('malicious'), count('suspicious'), count('unreadable'), count('clean')];
  console.log(`${name.padEnd(42)}${[...own, ...beside].map((n) => String(n).padStart(6)).join('')}`);
}

const HEAD = [
  'n',
  'flag',
  'mal',
  'susp',
  'unrd',
  'clean',
  ...anchors.map((name) => name.replace('picklescan', 'ps').replace('model', 'm').slice(0, 5)),
  'm+warn',
];
console.log(`${''.padEnd(42)}${HEAD.map((name) => name.padStart(6)).join('')}`);
for (const pickleFamily of [true, false])
  for (const label of ['malicious', 'benign', 'malformed', 'suspicious']) {
    const files = judged.filter((one) => one.pickleFamily === pickleFamily && one.label === label);
    if (files.length === 0) continue;
    row(`${pickleFamily ? 'PICKLE FAMILY' : 'OTHER CARRIERS'}, ${label}`, files);
    for (const attackClass of [...new Set(files.map((one) => one.attackClass))].sort())
      row(
        `  ${attackClass}`,
        files.filter((one) => one.attackClass === attackClass),
      );
  }

console.log('\nnot as labelled:');
for (const one of judged.filter(isMiss)) {
  const found = one.scanned.findings.map((finding) => finding.rule.slice('safety/'.length));
  console.log(`  ${one.label} ${one.attackClass} ${one.file}: ${one.scanned.verdict} [${[...new Set(found)].join(' ')}]`);
}
const times = judged.map((one) => one.ms).sort((a, b) => a - b);
console.log(`\nms a file: median ${times[times.length >> 1]?.toFixed(1)}, largest ${times.at(-1)?.toFixed(0)}`);
if (option('all') !== undefined)
  for (const one of judged) {
    console.log(`\n${one.label} ${one.attackClass} ${one.file}: ${one.scanned.verdict} (${one.ms.toFixed(0)} ms)`);
    for (const finding of one.scanned.findings.slice(0, 6))
      console.log(`    ${finding.rule} @${finding.where.byte ?? '-'} ${finding.what}`);
  }
