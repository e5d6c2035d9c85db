/** The input of an index: which reader, which seed, what damage. The same on every machine. */
import { damageBytes } from './bytes.ts';
import { DAMAGE } from './formats.ts';
import { random } from './random.ts';
import { type Input, READERS } from './readers.ts';
import { readSeeds } from './seeds.ts';

export type MakeInput = (index: number) => Input;

/** @param only names of readers; all when empty. */
export function inputMaker(seed: number, only: readonly string[] = []): MakeInput {
  const seeds = readSeeds();
  const names = Object.keys(READERS).filter((name) => only.length === 0 || only.includes(name));
  if (names.length === 0) throw new Error(`no reader is called ${only.join(' or ')}`);
  const drawn = names.flatMap((name) => new Array<string>(READERS[name]!.weight).fill(name));
  return (index) => {
    const numbers = random(seed, index);
    const reader = numbers.pick(drawn);
    const group = seeds[READERS[reader]!.group];
    const from = numbers.pick(group);
    const other = numbers.pick(group).bytes;
    const damage = DAMAGE[from.kind];
    let bytes = from.bytes;
    for (let edits = numbers.chance(0.6) ? 1 : 1 + numbers.int(6); edits > 0; edits--)
      bytes = damage && bytes.length > 0 && numbers.chance(0.6) ? damage(numbers, bytes) : damageBytes(numbers, bytes, other);
    return { reader, path: from.path, bytes, beside: from.beside ?? {} };
  };
}
