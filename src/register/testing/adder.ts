/**
 * A process that adds models to a register and says each on stdout once it is acknowledged:
 * `adder.ts DIR PREFIX COUNT`. Used to run several at once, and to be killed.
 */
import { writeSync } from 'node:fs';
import { openRegister } from '../register.ts';
import { madeUpEntry, madeUpSketch } from './sketches.ts';

const [dir = '', prefix = '', count = '0'] = process.argv.slice(2);
const register = await openRegister(dir, { now: () => Date.UTC(2026, 0, 1) });
for (let i = 0; i < Number(count); i++) {
  await register.add(madeUpEntry(`${prefix}-${i}`), madeUpSketch(`${prefix}-${i}`));
  writeSync(1, `${prefix}-${i}\n`);
}
