/**
 * What the publisher says, from every place that says it; each claim with its source. Nothing is weighed here.
 * Keys: Hugging Face hub docs (model card metadata), PEFT adapter_config.json, ggml docs/gguf.md (general.*),
 * Stability AI ModelSpec 1.0 (modelspec.*), kohya-ss metadata (ss_*), mergekit configurations.
 * @module
 */
import type { JsonValue } from '../base/index.ts';
import type { Checkpoint } from '../weights/index.ts';
import { baseName } from './files.ts';
import { isObject } from './heads.ts';
import type { Claim, Claims, ModelCard } from './types.ts';

/** Claims kept of one kind, and characters of one; the longest published lists (merges, datasets) have a few hundred. (CWE-770) */
const MAX_CLAIMS = 1000;
const MAX_CHARACTERS = 2000;

type Kind = 'license' | 'licenseName' | 'licenseLink' | 'base' | 'relation' | 'dataset' | 'name' | 'tag';
interface Said extends Claim {
  readonly kind: Kind;
}

const CARD_KEYS: Readonly<Record<string, Kind>> = {
  license: 'license',
  licence: 'license',
  license_name: 'licenseName',
  license_link: 'licenseLink',
  base_model: 'base',
  base_model_relation: 'relation',
  datasets: 'dataset',
  dataset: 'dataset',
  tags: 'tag',
  model_name: 'name',
};
const CONFIG_KEYS: Readonly<Record<string, Kind>> = {
  license: 'license',
  license_name: 'licenseName',
  license_link: 'licenseLink',
  base_model_name_or_path: 'base',
  base_model: 'base',
  _name_or_path: 'name',
  model_name: 'name',
};
/** Keys beside the tensors, in whatever container. */
const METADATA_KEYS: Readonly<Record<string, Kind>> = {
  license: 'license',
  licence: 'license',
  model_license: 'license',
  license_name: 'licenseName',
  license_link: 'licenseLink',
  license_url: 'licenseLink',
  'general.license': 'license',
  'general.license.name': 'licenseName',
  'general.license.link': 'licenseLink',
  'general.name': 'name',
  'general.source.repo_url': 'base',
  'general.source.huggingface.repository': 'base',
  'general.source.url': 'base',
  'general.datasets': 'dataset',
  'general.tags': 'tag',
  'modelspec.license': 'license',
  'modelspec.title': 'name',
  'modelspec.merged_from': 'base',
  'modelspec.tags': 'tag',
  ss_sd_model_name: 'base',
  ss_output_name: 'name',
  base_model: 'base',
  base_model_name_or_path: 'base',
  model_name: 'name',
};

export function gatherClaims(
  card: ModelCard | null,
  configs: ReadonlyMap<string, { readonly [key: string]: JsonValue }>,
  checkpoint: Checkpoint | null,
): Claims {
  const said: Said[] = [];
  if (card) {
    for (const [key, kind] of Object.entries(CARD_KEYS)) add(said, kind, own(card.data, key), `${card.file}: ${key}`);
    const title = /^#[ \t]+(\S[^\r\n]{0,300})/m.exec(card.body)?.[1];
    if (title !== undefined) add(said, 'name', title.trim(), `${card.file}: title`);
    const index = own(card.data, 'model-index');
    if (Array.isArray(index))
      for (const entry of index) if (isObject(entry)) add(said, 'name', own(entry, 'name'), `${card.file}: model-index`);
  }
  for (const [path, config] of configs) {
    for (const [key, kind] of Object.entries(CONFIG_KEYS)) add(said, kind, own(config, key), `${path}: ${key}`);
    if (/mergekit_config\.ya?ml$/.test(baseName(path))) addMerge(said, config, path);
  }
  if (checkpoint) addMetadata(said, checkpoint);
  return collect(said);
}

/** mergekit: `models: [{model}]`, `slices: [{sources: [{model}]}]`, `merge_method`. */
function addMerge(said: Said[], config: { readonly [key: string]: JsonValue }, path: string): void {
  const list = (value: JsonValue | undefined): JsonValue[] => (Array.isArray(value) ? value : []);
  const sources = [
    ...list(own(config, 'models')),
    ...list(own(config, 'slices')).flatMap((slice) => (isObject(slice) ? list(own(slice, 'sources')) : [])),
  ];
  for (const source of sources) if (isObject(source)) add(said, 'base', own(source, 'model'), `${path}: models`);
  if (own(config, 'merge_method') !== undefined) add(said, 'relation', 'merge', `${path}: merge_method`);
}

function addMetadata(said: Said[], checkpoint: Checkpoint): void {
  const { metadata } = checkpoint;
  const from = (key: string): string => `${checkpoint.files[0] ?? checkpoint.format}: ${key}`;
  for (const [key, kind] of Object.entries(METADATA_KEYS)) add(said, kind, metadata.get(key), from(key));
  // GGUF numbers its parents: general.base_model.0.repo_url, .organization, .name
  const text = (key: string): string => {
    const value = metadata.get(key);
    return typeof value === 'string' ? value : '';
  };
  for (const [kind, stem] of [
    ['base', 'general.base_model'],
    ['dataset', 'general.dataset'],
  ] as const)
    for (let i = 0; i < MAX_CLAIMS && [...PARENT_KEYS].some((key) => metadata.has(`${stem}.${i}.${key}`)); i++) {
      const url = text(`${stem}.${i}.repo_url`) || text(`${stem}.${i}.url`);
      const name = [text(`${stem}.${i}.organization`), text(`${stem}.${i}.name`)].filter(Boolean).join('/');
      add(said, kind, hubId(url) ?? (url || name), from(`${stem}.${i}`));
    }
}
const PARENT_KEYS = ['name', 'organization', 'repo_url', 'url'];

/** `owner/name` of a hub page. */
function hubId(url: string): string | undefined {
  return /^https?:\/\/(?:www\.)?(?:huggingface\.co|hf\.co)\/(?:models\/|datasets\/)?([\w.-]+\/[\w.-]+)\/?$/.exec(url)?.[1];
}

function own(data: { readonly [key: string]: JsonValue }, key: string): JsonValue | undefined {
  return Object.hasOwn(data, key) ? data[key] : undefined;
}

function add(said: Said[], kind: Kind, value: unknown, from: string): void {
  for (const one of Array.isArray(value) ? value.slice(0, MAX_CLAIMS) : [value]) {
    // YAML reads `license: 2.0` as a number; a mapping (old `license: {name}`) speaks through its name
    const text =
      typeof one === 'string'
        ? one
        : typeof one === 'number'
          ? String(one)
          : isObject(one)
            ? (own(one, 'name') ?? own(one, 'id'))
            : undefined;
    if (typeof text === 'string' && text.trim() !== '') said.push({ kind, value: text.trim().slice(0, MAX_CHARACTERS), from });
  }
}

function collect(said: readonly Said[]): Claims {
  const of = (kind: Kind): Claim[] =>
    said
      .filter((one) => one.kind === kind)
      .slice(0, MAX_CLAIMS)
      .map(({ value, from }) => ({ value, from }));
  const [licenseName] = of('licenseName');
  const [licenseLink] = of('licenseLink');
  const [relation] = of('relation');
  return {
    licenses: of('license'),
    ...(licenseName && { licenseName }),
    ...(licenseLink && { licenseLink }),
    baseModels: of('base'),
    ...(relation && { relation }),
    datasets: of('dataset'),
    tags: [...new Set(of('tag').map((claim) => claim.value))],
    names: of('name'),
  };
}
