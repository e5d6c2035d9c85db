/**
 * What a team accepts and refuses of its own accord. A policy changes what is to be acted on, never what was found:
 * an accepted finding is listed with the reason given for it.
 * @module
 */
import { type Finding, HeirloomError, type JsonValue, parseJson } from '../base/index.ts';
import { MAX_PER_RULE, newCollector, report, rulebook, verdictOf, worst } from './rules.ts';
import type { AcceptedFinding, FileSafety, SafetyVerdict } from './types.ts';

const POLICY_SCHEMA = 'heirloom-policy/1';
/** What the answer's `format` can be. A format that is denied under a wrong name would not be denied. */
const FORMATS: readonly string[] = (
  '7z caffe empty gguf gzip bzip2 html joblib-zfile json keras-h5 keras-zip lfs-pointer lz4 lzma npy npz ' +
  'onnx onnx-tensor pickle protobuf python pytorch rar safetensors tar text tf-graphdef tfjs tflite unknown xz zip zlib zstd'
).split(' ');

/** Accepts one rule's findings, one callable's findings, or both at once; never everything. */
interface AllowEntry {
  /** As findings name it, e.g. `mylib.models.Net`. */
  readonly callable?: string;
  readonly rule?: string;
  /** Path as the scan shows it, or the end of it after a `/`. */
  readonly path?: string;
  readonly reason: string;
  /** Last day on which the entry holds, `YYYY-MM-DD`, in UTC. */
  readonly expires: string;
}
export interface Policy {
  readonly file: string;
  readonly failOn: 'malicious' | 'suspicious';
  readonly denyFormats: readonly string[];
  readonly allow: readonly AllowEntry[];
}
interface PolicyAnswer {
  readonly files: readonly FileSafety[];
  /** Entries that are expired or fit nothing. */
  readonly findings: readonly Finding[];
}

/**
 * Reads a policy (schemas/safety-policy.schema.json). What it does not know it refuses: a misspelled field would accept or deny nothing.
 * @throws HeirloomError `SAFETY_POLICY` naming the field.
 */
export function parsePolicy(bytes: Uint8Array, file: string): Policy {
  const top = object(parseJson(bytes, file), ['schema', 'failOn', 'denyFormats', 'allow'], '', file);
  if (top['schema'] !== POLICY_SCHEMA) throw broken(file, 'schema', `must be "${POLICY_SCHEMA}"`);
  const failOn = top['failOn'] ?? 'suspicious';
  if (failOn !== 'malicious' && failOn !== 'suspicious') throw broken(file, 'failOn', 'must be "malicious" or "suspicious"');
  const denyFormats = list(top['denyFormats'], 'denyFormats', file).map((one, index) => format(one, `denyFormats[${index}]`, file));
  const allow = list(top['allow'], 'allow', file).map((one, index) => allowEntry(one, `allow[${index}]`, file));
  return { file, failOn, denyFormats, allow };
}

function allowEntry(value: JsonValue, field: string, file: string): AllowEntry {
  const entry = object(value, ['callable', 'rule', 'path', 'reason', 'expires'], field, file);
  const optional = ['callable', 'rule', 'path'].filter((name) => entry[name] !== undefined);
  if (entry['callable'] === undefined && entry['rule'] === undefined) throw broken(file, field, 'must name a callable or a rule');
  const expires = text(entry['expires'], `${field}.expires`, file);
  if (!isDay(expires)) throw broken(file, `${field}.expires`, 'must be a day, YYYY-MM-DD');
  const named = Object.fromEntries(optional.map((name) => [name, text(entry[name], `${field}.${name}`, file)]));
  return { ...named, reason: text(entry['reason'], `${field}.reason`, file), expires };
}

/** A day of the calendar: the 30th of February is none. */
function isDay(value: string): boolean {
  const time = /^\d{4}-\d\d-\d\d$/.test(value) ? Date.parse(`${value}T00:00:00Z`) : NaN;
  return !Number.isNaN(time) && new Date(time).toISOString().startsWith(value);
}

function object(value: JsonValue | undefined, fields: readonly string[], field: string, file: string): Record<string, JsonValue> {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw broken(file, field, 'must be an object');
  const strange = Object.keys(value).find((name) => !fields.includes(name));
  if (strange !== undefined) throw broken(file, field ? `${field}.${strange}` : strange, 'is no field of a policy');
  return value;
}
function list(value: JsonValue | undefined, field: string, file: string): JsonValue[] {
  if (value === undefined) return [];
  if (!Array.isArray(value)) throw broken(file, field, 'must be a list');
  return value;
}
function text(value: JsonValue | undefined, field: string, file: string): string {
  if (typeof value !== 'string' || value.trim() === '') throw broken(file, field, 'must be a text');
  return value;
}
function format(value: JsonValue, field: string, file: string): string {
  if (!FORMATS.includes(value as string)) throw broken(file, field, `must be one of ${FORMATS.join(', ')}`);
  return value as string;
}
function broken(file: string, field: string, what: string): HeirloomError {
  return new HeirloomError('SAFETY_POLICY', `${file}: ${field || 'the policy'} ${what}`, {
    where: { file, ...(field && { field }) },
    hint: 'see schemas/safety-policy.schema.json',
  });
}

/** @param today `YYYY-MM-DD`, in UTC. The files keep their order; what is accepted moves from `findings` to `accepted`. */
export async function applyPolicy(files: readonly FileSafety[], policy: Policy, today: string): Promise<PolicyAnswer> {
  const book = await rulebook();
  const used = new Set<AllowEntry>();
  const refused = new Map<AllowEntry, string>();
  const judged = files.map((file): FileSafety => {
    const into = newCollector(book, 0);
    const accepted: AcceptedFinding[] = [];
    for (const finding of file.findings) {
      const fitting = policy.allow.filter((one) => fits(one, finding, file.path));
      for (const one of fitting) {
        const why = refusal(one, finding, file);
        if (why === undefined) used.add(one);
        else refused.set(one, why);
      }
      const entry = fitting.find((one) => today <= one.expires && refusal(one, finding, file) === undefined);
      if (entry) accepted.push({ finding, reason: entry.reason, expires: entry.expires });
      else into.findings.push(finding);
    }
    // A file without findings of its own keeps its verdict: one that could not be opened stays unreadable.
    const verdict: SafetyVerdict = file.findings.length > 0 ? verdictOf(into) : file.verdict;
    if (!policy.denyFormats.includes(file.format))
      return { ...file, verdict, findings: into.findings, ...(accepted.length > 0 && { accepted }) };
    report(into, 'policy-format', { file: file.path }, `the file is ${file.format}, which ${policy.file} denies`);
    return { ...file, verdict: worst([verdict, verdictOf(into)]), findings: into.findings, ...(accepted.length > 0 && { accepted }) };
  });
  const told = newCollector(book, 0);
  for (const [index, entry] of policy.allow.entries()) {
    const where = { file: policy.file, field: `allow[${index}]` };
    const name = entry.callable ?? entry.rule!;
    if (today > entry.expires) report(told, 'policy-expired', where, `the entry for ${name} expired on ${entry.expires}`);
    else if (refused.has(entry))
      report(told, 'policy-unmatched', where, `the entry for ${name} cannot accept a finding: ${refused.get(entry)!}`);
    else if (!used.has(entry)) report(told, 'policy-unmatched', where, `the entry for ${name} fits no finding`);
  }
  return { files: judged, findings: told.findings };
}

/** Whether a finding is the one an entry speaks of. */
function fits({ callable, rule, path }: AllowEntry, finding: Finding, file: string): boolean {
  return (
    (callable === undefined || finding.evidence?.callable === callable) &&
    (rule === undefined || finding.rule === rule) &&
    (path === undefined || file === path || file.endsWith(`/${path}`))
  );
}

/** Why an entry that fits a finding must not accept it; undefined when it may. */
function refusal({ callable, path }: AllowEntry, finding: Finding, file: FileSafety): string | undefined {
  if (finding.tier === 'malformed') return 'what could not be read cannot be accepted, since nobody knows what it is';
  if (finding.tier === 'malicious' && callable === undefined && path === undefined)
    return 'a malicious one is accepted by its callable or for a path, never by its rule alone';
  // A list cut at its bound may lack a finding that nobody accepted: twenty harmless ones would hide the next.
  if (file.findings.filter((one) => one.rule === finding.rule).length >= MAX_PER_RULE)
    return `${file.path} has so many of ${finding.rule} that the list ends before the last`;
  return undefined;
}

/** Whether a file fails under the policy; what could not be read always does. Denied formats fail at any level. */
export function failsPolicy(file: FileSafety, policy: Policy): boolean {
  if (file.verdict === 'malicious' || file.verdict === 'unreadable') return true;
  if (file.findings.some((one) => one.rule === 'safety/policy-format' || one.tier === 'malformed')) return true;
  return policy.failOn === 'suspicious' && file.verdict === 'suspicious';
}
