/**
 * Scans the labelled safety corpus as bytes and counts verdicts per class, beside what other scanners said of the same files.
 * Nothing in the corpus is ever loaded.
 * @module
 */
import { existsSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { memoryTree } from '../../src/base/index.ts';
import { type FileSafety, scanFile } from '../../src/safety/index.ts';

export const CORPUS: string = fileURLToPath(new URL('../../../shared/safety-corpus/', import.meta.url));

/** Columns of labels.csv that hold another scanner's verdict. */
const ANCHOR = /^v_/;
/** Formats that are pickles or carry them; the rest is counted as other carriers. */
const PICKLE_FAMILY = /^(pickle|dill|joblib|joblib-compressed|compressed|torch-zip|torch-legacy\/raw|npy|npz|zip|tar)$/;

export type Label = 'malicious' | 'benign' | 'malformed' | 'suspicious';

export interface Judged {
  readonly file: string;
  readonly label: Label;
  readonly attackClass: string;
  readonly pickleFamily: boolean;
  readonly scanned: FileSafety;
  readonly ms: number;
  /** Scanner → `flag`, `suspicious`, `clean`, `error`... */
  readonly anchors: ReadonlyMap<string, string>;
}

/** @throws Error when the corpus is not beside the project. */
export async function judgeCorpus(only: RegExp = /./): Promise<Judged[]> {
  if (!existsSync(`${CORPUS}labels.csv`))
    throw new Error(`the safety corpus is missing: ${CORPUS}; recall and false alarms cannot be told without it`);
  const [head, ...lines] = readFileSync(`${CORPUS}labels.csv`, 'utf8').trim().split('\n');
  const columns = head!.split(',');
  const judged: Judged[] = [];
  for (const line of lines) {
    const cells = line.split(',');
    const cell = (name: string): string => cells[columns.indexOf(name)]!;
    const file = cell('file');
    if (!only.test(`${file} ${cell('attack_class')}`)) continue;
    const bytes = new Uint8Array(readFileSync(`${CORPUS}${file}`));
    const begun = performance.now();
    const scanned = await scanFile(memoryTree('corpus', { [file]: bytes }), file);
    judged.push({
      file,
      label: cell('label') as Label,
      attackClass: cell('attack_class'),
      pickleFamily: PICKLE_FAMILY.test(cell('format')),
      scanned,
      ms: performance.now() - begun,
      anchors: new Map(columns.flatMap((name, i) => (ANCHOR.test(name) ? [[name.slice(2), cells[i]!] as const] : []))),
    });
  }
  return judged;
}

/** Whether somebody is warned of the file: the verdict is malicious or suspicious. */
export function isFlagged(one: Judged): boolean {
  return one.scanned.verdict === 'malicious' || one.scanned.verdict === 'suspicious';
}

/** Judgements that are not what the label asks for. */
export function isMiss(one: Judged): boolean {
  switch (one.label) {
    case 'malicious':
      return !isFlagged(one);
    case 'benign':
      return one.scanned.verdict !== 'clean';
    case 'malformed':
      return one.scanned.verdict === 'clean';
    case 'suspicious':
      return one.scanned.verdict === 'malicious' || one.scanned.findings.length === 0;
  }
}
