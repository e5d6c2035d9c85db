/** The input of an index: a whole file, damaged or not. The same on every machine. */
import { damageBytes } from './bytes.ts';
import { readFamilies } from './families.ts';
import { DAMAGE } from './formats.ts';
import { random } from './random.ts';
import { type Input, UNITS } from './readers.ts';

export type MakeInput = (unit: string, index: number) => Input;

/** A number for a name (FNV-1a), so that units do not share their inputs. */
function numberOf(name: string): number {
  let out = 0x811c9dc5;
  for (const c of name) out = Math.imul(out ^ c.codePointAt(0)!, 0x01000193);
  return out >>> 0;
}

/** @param only names of readers or of units; all when empty. @throws Error when none is called so. */
export function unitsOf(only: readonly string[]): string[] {
  const units = [...UNITS.keys()].filter((unit) => only.length === 0 || only.some((one) => unit === one || unit.startsWith(`${one}/`)));
  if (units.length === 0) throw new Error(`no reader is called ${only.join(' or ')}`);
  return units;
}

export function inputMaker(seed: number): MakeInput {
  const families = readFamilies();
  return (unit, index) => {
    const numbers = random(seed ^ numberOf(unit), index);
    const { seeds, make } = families[unit.split('/')[1] as keyof typeof families];
    const made = make && (seeds.length === 0 || numbers.chance(0.5)) ? make(numbers) : null;
    const from = made ?? numbers.pick(seeds);
    const other = seeds.length > 0 ? numbers.pick(seeds).bytes : from.bytes;
    const damage = DAMAGE[from.kind];
    let bytes = from.bytes;
    // What was made is often to be read as it is: deep nesting does not survive a flipped bit.
    let edits = made && numbers.chance(0.5) ? 0 : numbers.chance(0.6) ? 1 : 1 + numbers.int(6);
    for (; edits > 0; edits--)
      bytes = damage && bytes.length > 0 && numbers.chance(0.6) ? damage(numbers, bytes) : damageBytes(numbers, bytes, other);
    return { unit, path: from.path, bytes, beside: from.beside ?? {} };
  };
}
