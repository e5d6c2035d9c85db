/**
 * Configuration files: bounded JSON objects; a broken one is a finding, never a failure.
 * @module
 */
import { type FileTree, type Finding, HeirloomError, type JsonValue, parseJsonStrictly } from '../base/index.ts';
import { readYaml } from './card.ts';
import { baseName, depthOf } from './files.ts';
import { isObject } from './heads.ts';
import { decodeText } from './text.ts';
import type { ModelFile } from './types.ts';

/** The largest published ones are tokenizer_config.json files of a few MB. (CWE-770) */
const MAX_CONFIG_BYTES = 16 << 20;
/** Configurations read of one model; pipelines have about 10. (CWE-770) */
const MAX_CONFIGS = 64;

export interface ReadConfigs {
  readonly configs: Map<string, { readonly [key: string]: JsonValue }>;
  readonly findings: Finding[];
}

/** Reads all configurations in the root and one folder down, by path. */
export async function readConfigs(tree: FileTree, files: readonly ModelFile[]): Promise<ReadConfigs> {
  const wanted = files
    .filter((file) => depthOf(file.path) <= 1 && (file.kind === 'config' || baseName(file.path) === 'tokenizer_config.json'))
    .slice(0, MAX_CONFIGS);
  const read = await Promise.all(wanted.map((file) => readConfig(tree, file)));
  const configs = new Map<string, { readonly [key: string]: JsonValue }>();
  wanted.forEach((file, i) => {
    if (read[i]!.config) configs.set(file.path, read[i]!.config!);
  });
  return { configs, findings: read.flatMap((one) => one.findings) };
}

async function readConfig(
  tree: FileTree,
  { path, size }: ModelFile,
): Promise<{ config?: { readonly [key: string]: JsonValue }; findings: Finding[] }> {
  const broken = (what: string, field?: string): { findings: Finding[] } => ({
    findings: [
      {
        rule: 'model/config-unreadable',
        severity: 'warning',
        where: { file: path, ...(field !== undefined && { field }) },
        what,
        why: 'without it the architecture and what the publisher says in it are unknown',
        fix: 'replace it by a valid file',
      },
    ],
  });
  if (size > MAX_CONFIG_BYTES) return broken(`${path} is ${size} bytes long, over the cap of ${MAX_CONFIG_BYTES}`);
  try {
    const source = await tree.open(path);
    const bytes = await source.read(0, Math.min(source.size, MAX_CONFIG_BYTES));
    if (/\.ya?ml$/.test(path)) {
      const { data, findings } = readYaml(path, decodeText(bytes));
      return { config: data, findings };
    }
    const { value: config, repeated } = parseJsonStrictly(bytes, path);
    if (!isObject(config)) return broken(`${path} is not a JSON object`);
    return {
      config,
      findings: repeated.slice(0, 1).map((key) => ({
        rule: 'model/duplicate-key',
        severity: 'warning',
        where: { file: path, field: key },
        what: `"${key}" stands twice in ${path}`,
        why: 'JSON readers differ in which of the two they keep, so two tools may see two different models',
        fix: 'keep one of them',
        source: 'RFC 8259 section 4',
      })),
    };
  } catch (error) {
    if (!(error instanceof HeirloomError)) throw error;
    return broken(error.message, error.where?.field);
  }
}
