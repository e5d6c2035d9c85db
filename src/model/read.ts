/**
 * Puts a model together: files, weights, roles, card, license files and claims.
 * @module
 */
import { type FileTree, type Finding, HeirloomError, type JsonValue, type Watch } from '../base/index.ts';
import type { Checkpoint } from '../weights/index.ts';
import { readCard } from './card.ts';
import { chooseCheckpoint, type Chosen, PART } from './choose.ts';
import { gatherClaims } from './claims.ts';
import { readConfigs } from './configs.ts';
import { baseName, classify, depthOf } from './files.ts';
import { countParameters } from './generic.ts';
import { isObject, readHeads } from './heads.ts';
import { parseNames } from './names.ts';
import { assignRoles } from './roles.ts';
import { decodeText, looksBinary, MAX_TEXT_BYTES, readHead } from './text.ts';
import { readTokens } from './tokens.ts';
import { openCheckpoint, WeightsError } from '../weights/index.ts';
import { type Model, type ModelCard, ModelError, type ModelFile, type TextFile } from './types.ts';

/** License and notice texts read of one model. (CWE-770) */
const MAX_TEXTS = 64;
/** Front matter and a body of 1 MiB (see `ModelCard`). */
const MAX_CARD_BYTES = 2 << 20;

/**
 * Reads what a model says about itself: headers and documents, never the weights.
 * A tree of kind `file` is one checkpoint without documents. The tree must stay open as long as the model is used.
 * @throws ModelError `MODEL_EMPTY` when nothing in the tree is a model or speaks about one; WeightsError when the only thing there
 * is a checkpoint that cannot be read; SourceError when its bytes cannot be had.
 */
export async function readModel(tree: FileTree, watch: Watch = {}): Promise<Model> {
  const files = tree.files.map(classify);
  const alone =
    tree.files.length === 1 &&
    tree.kind !== 'folder' &&
    tree.kind !== 'hub' &&
    !['card', 'license', 'notice', 'policy', 'config', 'tokenizer'].includes(files[0]!.kind);
  const chosen = alone ? await openAlone(tree, files[0]!) : await chooseCheckpoint(tree, files);
  watch.signal?.throwIfAborted();
  const { checkpoint } = chosen;
  const documents = alone ? NO_DOCUMENTS : await readDocuments(tree, files);
  watch.signal?.throwIfAborted();
  if (!checkpoint && documents.read === 0) {
    if (chosen.error) throw chosen.error;
    // A folder may look empty because its only file was refused: say which and why.
    const [refused] = tree.findings;
    const why = refused ? `; ${refused.what}` : '';
    throw new ModelError('MODEL_EMPTY', `${tree.name} holds neither weights nor documents of a model${why}`, {
      where: { file: tree.name },
      hint: 'give the file or folder that holds the weights',
    });
  }
  const heads = readHeads(documents.configs, checkpoint);
  const names = checkpoint ? parseNames(checkpoint.tensors, checkpoint.format) : [];
  const map = assignRoles(names, heads, checkpoint?.format ?? '');
  const adapterTensors = names.filter((name) => name.adapter !== undefined || /^w_[ab]_\d+$/.test(name.tensor.name)).length;
  return {
    name: tree.name,
    locator: tree.locator,
    ...(tree.revision !== undefined && { revision: tree.revision }),
    files,
    checkpoint,
    ...(chosen.error && { unreadable: chosen.error }),
    alternates: chosen.alternates,
    configs: documents.configs,
    architecture: heads.architecture,
    parameters: countParameters(names, packedBits(documents.configs)),
    roles: map.roles,
    scheme: map.scheme,
    // A leftover adapter_config.json beside merged weights makes no adapter: those hold whole MLPs.
    isAdapter:
      (names.length > 0 && adapterTensors > names.length / 2) ||
      (documents.configs.has('adapter_config.json') && !map.roles.some((role) => role.role === 'down')),
    tokens: () => readTokens(tree, checkpoint, !alone),
    card: documents.card,
    claims: gatherClaims(documents.card, documents.configs, checkpoint),
    licenseFiles: documents.licenses,
    noticeFiles: documents.notices,
    policyFiles: documents.policies,
    findings: [
      ...tree.findings,
      ...chosen.findings,
      ...(checkpoint?.findings ?? []),
      ...map.findings,
      ...noWeights(tree, checkpoint, chosen),
      ...notJudged(chosen),
      ...documents.findings,
    ],
    open: (path) => tree.open(path),
  };
}

async function openAlone(tree: FileTree, file: ModelFile): Promise<Chosen> {
  if (file.kind === 'weights-index')
    throw new WeightsError('WEIGHTS_MISSING_FILE', `${file.path} is the index of a model in several files, and was opened without them`, {
      where: { file: file.path },
      hint: 'give the folder that holds it and its parts',
    });
  const checkpoint = await openCheckpoint(tree, file.path);
  return { checkpoint, alternates: [], findings: onePart(file.path, checkpoint) };
}

/** A part given by itself is read as it is; what is said of it is not said of the model. Split GGUF files refuse to open alone. */
function onePart(path: string, checkpoint: Checkpoint): Finding[] {
  const part = PART.exec(path);
  if (!part || Number(part[3]) < 2 || checkpoint.format === 'gguf') return [];
  return [
    {
      rule: 'model/one-part',
      severity: 'warning',
      where: { file: path },
      what: `${path} is part ${Number(part[2])} of ${Number(part[3])} by its name, and was opened alone`,
      why: 'the tensors in the other parts were not looked at',
      fix: 'give the folder that holds all parts',
    },
  ];
}

function noWeights(tree: FileTree, checkpoint: Checkpoint | null, chosen: Chosen): Finding[] {
  if (checkpoint || chosen.findings.length > 0) return [];
  return [
    {
      rule: 'model/no-weights',
      severity: 'warning',
      where: { file: tree.name },
      what: 'there are documents but no weights',
      why: 'descent, parameters and the content of the weights cannot be judged',
      fix: 'add the weights, or give the folder that holds them',
    },
  ];
}

/** Other checkpoints named in one finding; the list of files has all. (CWE-770) */
const MAX_NAMED = 5;

/** A second model could hide behind the first: what was not looked into is said. */
function notJudged({ checkpoint, alternates, findings }: Chosen): Finding[] {
  // Of a broken one it has been said already.
  const others = alternates.filter((path) => !findings.some((finding) => finding.where.file === path));
  const [first] = others;
  if (!checkpoint || first === undefined) return [];
  const more = others.length > MAX_NAMED ? ` and ${others.length - MAX_NAMED} more` : '';
  return [
    {
      rule: 'model/other-weights',
      severity: 'note',
      where: { file: first },
      what: `only ${checkpoint.files[0] ?? 'one checkpoint'} was judged; weights stand in ${others.slice(0, MAX_NAMED).join(', ')}${more} as well`,
      why: 'they may be the same model in another format, or another model; nothing is said about their values',
      fix: 'give each of them by its own path',
    },
  ];
}

/** GPTQ, AWQ and the like say in the configuration how many bits a packed value takes. */
function packedBits(configs: ReadonlyMap<string, { readonly [key: string]: JsonValue }>): number | undefined {
  const inside = configs.get('config.json')?.['quantization_config'];
  const bits = (isObject(inside) ? inside : configs.get('quantize_config.json'))?.['bits'];
  return typeof bits === 'number' && [2, 3, 4, 8].includes(bits) ? bits : undefined;
}

interface Documents {
  readonly configs: ReadonlyMap<string, { readonly [key: string]: JsonValue }>;
  readonly card: ModelCard | null;
  readonly licenses: readonly TextFile[];
  readonly notices: readonly TextFile[];
  readonly policies: readonly TextFile[];
  readonly findings: readonly Finding[];
  /** How many documents there were. */
  readonly read: number;
}
const NO_DOCUMENTS: Documents = { configs: new Map(), card: null, licenses: [], notices: [], policies: [], findings: [], read: 0 };

async function readDocuments(tree: FileTree, files: readonly ModelFile[]): Promise<Documents> {
  const near = files.filter((file) => depthOf(file.path) <= 1);
  const [configs, card, licenses, notices, policies] = await Promise.all([
    readConfigs(tree, files),
    findCard(tree, files),
    readTexts(tree, near, 'license'),
    readTexts(tree, near, 'notice'),
    readTexts(tree, near, 'policy'),
  ]);
  return {
    configs: configs.configs,
    card: card.card,
    licenses: licenses.texts,
    notices: notices.texts,
    policies: policies.texts,
    findings: [...configs.findings, ...card.findings, ...licenses.findings, ...notices.findings, ...policies.findings],
    read: near.filter((file) => ['card', 'license', 'notice', 'policy', 'config', 'tokenizer'].includes(file.kind)).length,
  };
}

/** README.md before other spellings, the model's own before the repository's; an empty one gives way to the next. */
async function findCard(tree: FileTree, files: readonly ModelFile[]): Promise<{ card: ModelCard | null; findings: readonly Finding[] }> {
  const rank = (path: string): number => {
    const order = [/^README\.md$/, /^readme\.(md|markdown)$/i, /^model_?card/i, /^readme/i, /^repo_readme\.md$/i];
    const at = order.findIndex((pattern) => pattern.test(path));
    return at < 0 ? order.length : at;
  };
  const cards = files
    .filter((file) => file.kind === 'card' && depthOf(file.path) === 0)
    .sort((a, b) => rank(a.path) - rank(b.path) || (a.path < b.path ? -1 : 1));
  for (const file of cards.slice(0, 4)) {
    const bytes = await tryHead(tree, file.path, MAX_CARD_BYTES);
    if (bytes instanceof HeirloomError) return { card: null, findings: [unreadable(file, bytes)] };
    const text = looksBinary(bytes) ? '' : decodeText(bytes);
    if (text.trim() === '') continue;
    const read = readCard(file.path, text);
    return {
      card: { ...read.card, body: read.card.body.slice(0, MAX_TEXT_BYTES) },
      findings: [...read.findings, ...cut(file, MAX_CARD_BYTES)],
    };
  }
  return { card: null, findings: [] };
}

async function readTexts(
  tree: FileTree,
  files: readonly ModelFile[],
  kind: ModelFile['kind'],
): Promise<{ texts: TextFile[]; findings: Finding[] }> {
  const wanted = files.filter((file) => file.kind === kind).slice(0, MAX_TEXTS);
  const heads = await Promise.all(wanted.map((file) => tryHead(tree, file.path, MAX_TEXT_BYTES)));
  const texts: TextFile[] = [];
  const findings: Finding[] = [];
  wanted.forEach((file, i) => {
    const bytes = heads[i]!;
    if (bytes instanceof HeirloomError) findings.push(unreadable(file, bytes));
    else if (/\.pdf$/i.test(file.path) || looksBinary(bytes)) findings.push(notText(file));
    else {
      texts.push({ file: file.path, text: decodeText(bytes) });
      findings.push(...cut(file, MAX_TEXT_BYTES));
    }
  });
  return { texts, findings };
}

/** A document that cannot be had is reported; it does not hide the rest of the model. */
async function tryHead(tree: FileTree, path: string, limit: number): Promise<Uint8Array | HeirloomError> {
  try {
    return await readHead(tree, path, limit);
  } catch (error) {
    if (error instanceof HeirloomError) return error;
    throw error;
  }
}

function unreadable(file: ModelFile, error: HeirloomError): Finding {
  return {
    rule: 'model/text-unreadable',
    severity: 'warning',
    where: { file: file.path },
    what: error.message,
    why: 'what it says was not considered',
    fix: error.hint ?? `make ${baseName(file.path)} readable`,
  };
}

function cut(file: ModelFile, limit: number): Finding[] {
  if (file.size <= limit) return [];
  return [
    {
      rule: 'model/text-cut',
      severity: 'note',
      where: { file: file.path, byte: limit },
      what: `${file.path} is ${file.size} bytes long; only the first ${limit} were read`,
      why: 'what stands after them was not considered',
      fix: `look at ${baseName(file.path)} yourself`,
    },
  ];
}

function notText(file: ModelFile): Finding {
  return {
    rule: 'model/license-not-text',
    severity: 'note',
    where: { file: file.path },
    what: `${file.path} is not a text file`,
    why: 'terms in it were not read',
    fix: 'put the same terms beside it as plain text',
  };
}
