/**
 * Keys and tokens left in files: well-known shapes, random enough to be real. What was found is never printed whole.
 * Shapes: the issuers' documentation (Hugging Face, OpenAI, Anthropic, AWS, GitHub, GitLab, Slack, Google, npm, PyPI, Replicate).
 * @module
 */
import { type Collector, report } from '../rules.ts';

const SHAPES: readonly (readonly [what: string, shape: RegExp])[] = [
  ['a Hugging Face token', /\bhf_[A-Za-z0-9]{34,40}\b/g],
  ['an OpenAI key', /\bsk-(?:proj-|svcacct-|admin-)?[A-Za-z0-9_-]{20,200}T3BlbkFJ[A-Za-z0-9_-]{20,200}/g],
  ['an OpenAI key', /\bsk-[A-Za-z0-9]{48}\b/g],
  ['an OpenAI key', /\bsk-proj-[A-Za-z0-9_-]{40,200}/g],
  ['an Anthropic key', /\bsk-ant-[a-z]{1,20}\d{2}-[A-Za-z0-9_-]{60,200}/g],
  ['an AWS access key', /\b(?:AKIA|ASIA)[0-9A-Z]{16}\b/g],
  ['a GitHub token', /\bgh[opsur]_[A-Za-z0-9]{36,255}\b/g],
  ['a GitHub token', /\bgithub_pat_[A-Za-z0-9]{22}_[A-Za-z0-9]{59}\b/g],
  ['a GitLab token', /\bglpat-[A-Za-z0-9_-]{20,100}/g],
  ['a Slack token', /\bxox[abeoprs]-\d[0-9A-Za-z-]{20,200}/g],
  ['a Google key', /\bAIza[0-9A-Za-z_-]{35}\b/g],
  ['an npm token', /\bnpm_[A-Za-z0-9]{36}\b/g],
  ['a PyPI token', /\bpypi-AgEIcHlwaS5vcmc[A-Za-z0-9_-]{50,500}/g],
  ['a Replicate token', /\br8_[A-Za-z0-9]{37}\b/g],
  ['a W&B key', /(?<=wandb[_a-z]{0,30}["']?\s{0,5}[:=]\s{0,5}["']?)[0-9a-f]{40}\b/gi],
  [
    'a private key',
    /-----BEGIN (?:[A-Z0-9]+ ){0,3}PRIVATE KEY(?: BLOCK)?-----(?:\\n|\\r|\s|[\w-]{1,40}:[^\n]{0,200}\n){0,20}[A-Za-z0-9+/=\\n\r]{60,100}/g,
  ],
];
/** What one of the shapes begins with: most texts hold none and are passed over at once. */
const ANY = /hf_|sk-|AKIA|ASIA|gh[opsur]_|github_pat_|glpat-|xox|AIza|npm_|pypi-|r8_|wandb|PRIVATE KEY/i;
/** Bits per character of random letters and digits are over 4 for 30 of them; words and fillers stay below 3. */
const LEAST_ENTROPY = 3;
const FILLER = /(.)\1{5,}|x{4,}|example|your[_-]?(api|token|key|hf)|placeholder|dummy|1234567|abcdefg|0123456|redacted|\*{3,}/i;
/** Texts are looked at in parts: an expression over megabytes at once exhausts the engine's stack. */
const PART = 256 << 10;
const OVERLAP = 4096;

/** @param text of a file, or a value of a weight file's metadata. One secret of a kind is told. */
export function judgeSecrets(text: string, file: string, field: string, into: Collector): void {
  if (!ANY.test(text)) return;
  const told = new Set<string>();
  for (let from = 0; from < text.length; from += PART - OVERLAP) {
    const part = text.slice(from, from + PART);
    if (!ANY.test(part)) continue;
    for (const [what, shape] of SHAPES) {
      const found = told.has(what) ? undefined : firstReal(part, shape);
      if (!found) continue;
      told.add(what);
      const where = field ? { file, field } : { file, byte: new TextEncoder().encode(text.slice(0, from + found.index)).length };
      report(into, 'secret', where, `${what} (${found[0].slice(0, 6)}…, ${found[0].length} characters) stands in the file`);
    }
  }
}

function firstReal(part: string, shape: RegExp): RegExpExecArray | undefined {
  for (const match of part.matchAll(shape)) {
    const body = match[0].replace(/^-----[^-]*-----/, '').replace(/^[A-Za-z]+[_-]/, '');
    if (!FILLER.test(match[0]) && entropy(body) >= LEAST_ENTROPY) return match;
  }
  return undefined;
}

/** Shannon's, in bits per character. */
function entropy(text: string): number {
  const counts = new Map<string, number>();
  for (const c of text) counts.set(c, (counts.get(c) ?? 0) + 1);
  let bits = 0;
  for (const count of counts.values()) bits -= (count / text.length) * Math.log2(count / text.length);
  return bits;
}
