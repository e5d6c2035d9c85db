/**
 * NumPy's arrays on disk. Several may stand one behind the other: `numpy.load` of an open file gives the next one each time.
 * @module
 */
import { type ByteSource } from '../base/index.ts';
import { readNpyHeader, sliceSource } from '../weights/index.ts';
import { isPadding } from './pickle-behind.ts';
import { scanPickles, type PickleContext } from './pickles.ts';
import { type Collector, report } from './rules.ts';

/** (CWE-834) */
const MAX_ARRAYS = 1000;
const MARK = '\x93NUMPY';

/** @throws WeightsError when a header is broken. */
export async function scanNpy(source: ByteSource, into: Collector, context: PickleContext = {}): Promise<void> {
  let at = 0;
  for (let n = 0; n < MAX_ARRAYS && at < source.size; n++) {
    const left = sliceSource(source, at, source.size - at, source.name);
    if (n > 0 && (await isPadding(left, 0))) return;
    if (n > 0 && String.fromCharCode(...(await left.read(0, Math.min(MARK.length, left.size)))) !== MARK)
      return report(into, 'trailing-data', { file: source.name, byte: at }, `${left.size} bytes follow the array`);
    const header = await readNpyHeader(left);
    const where = { file: source.name, byte: at + header.dataOffset };
    const rest = left.size - header.dataOffset;
    if (header.hasObjects) return scanPickles(sliceSource(left, header.dataOffset, rest, `${source.name}!objects`), into, context);
    const needed = header.shape.reduce((product, size) => product * size, header.itemBytes ?? 0);
    if (needed > rest) return report(into, 'broken-file', where, `${source.name} needs ${needed} bytes of values and has ${rest}`);
    if (header.itemBytes === null) return;
    at += header.dataOffset + needed;
  }
}
