/**
 * Matrices that pass channels on: a start at the identity (IRNN, Dirac), and skips folded into a kernel (RepVGG), put weight where a row
 * meets the channel of its own number. There rows are not exchangeable, and strangers agree.
 * @module
 */
import { sampleColumns, sampleStart } from './positions.ts';
import type { Sample } from './sketch.ts';

/** With fewer channels too little would be left of a row. */
const MIN_CHANNELS = 16;

const known = new WeakMap<Sample, Sample>();

/**
 * The sample with zeros where unit p or its partner (the other of 2k, 2k+1) reads channel p or its partner's: exchanging the two, rows and
 * columns together, exchanges the rows of what is left, so Swap-Sign stays exact. Looks at positions, never at values.
 * @param sample rows of filters or matrices, taken by `positions.ts`. @param salt of its sketch.
 */
export function withoutOwnChannels(sample: Sample, salt: string): Sample {
  const hit = known.get(sample);
  if (hit) return hit;
  const { shape, units, features } = sample;
  const [outputs, columns] = shape;
  if (sample.axis !== 'rows' || Math.min(outputs, columns) < MIN_CHANNELS) return sample;
  const start = sampleStart('filter', outputs, shape, salt);
  const codes = sample.codes.slice();
  // The kernel is not in a sketch: as many inputs as outputs, else none. Channels run last in some containers, and after a skip by joining.
  const kernel = columns % outputs === 0 ? columns / outputs : 1;
  for (const [f, column] of sampleColumns('filter', columns, features, salt).entries())
    for (const channel of [Math.floor(column / kernel), column % outputs])
      for (const unit of [channel, channel ^ 1]) if (unit >= start && unit < start + units) codes[(unit - start) * features + f] = 0;
  const made = { ...sample, codes };
  known.set(sample, made);
  return made;
}
