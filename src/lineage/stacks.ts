/**
 * One model's encoder inside another: the same blocks under another stack's name. Which stack stands for which is decided by
 * shapes alone, so nothing is corrected for.
 * @module
 */
import { comparable, neuronBlocks } from './pairing.ts';
import type { Sample, Sketch, VectorSample } from './sketch.ts';

/** A with those of its stacks renamed that fit one of B's by shape and share no name with a fitting one. */
export function renameStacks(a: Sketch, b: Sketch): Sketch {
  const [blocksA, blocksB] = [neuronBlocks(a), neuronBlocks(b)];
  const fits = (x: string, y: string): boolean =>
    comparable(blocksA.get(x)?.[0]?.samples.get('up'), blocksB.get(y)?.[0]?.samples.get('up'));
  const settled = new Set([...blocksA.keys()].filter((stack) => fits(stack, stack)));
  const names = new Map<string, string>();
  for (const stack of blocksB.keys()) {
    if (settled.has(stack)) continue;
    const found = [...blocksA.keys()].find((own) => !settled.has(own) && !names.has(own) && fits(own, stack));
    if (found !== undefined) names.set(found, stack);
  }
  if (names.size === 0) return a;
  // A stack that gives its name up to another one must not keep it.
  const nameOf = (stack: string): string => names.get(stack) ?? ([...names.values()].includes(stack) ? `${stack}~` : stack);
  const rename = <T extends Sample | VectorSample>(sample: T): T =>
    sample.block === null || nameOf(sample.stack) === sample.stack
      ? sample
      : { ...sample, stack: nameOf(sample.stack), slot: sample.slot.replace(lead(sample.stack), lead(nameOf(sample.stack))) };
  return { ...a, samples: a.samples.map(rename), framed: a.framed.map(rename), vectors: a.vectors.map(rename) };
}

function lead(stack: string): string {
  return stack === '' ? 'layers' : stack;
}
