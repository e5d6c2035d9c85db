// Random codes of one bucket as lines for PostgreSQL's COPY.
import { once } from 'node:events';
import { randomness } from './synthetic.mjs';

const { uniform } = randomness(3);
const word = () =>
  Math.floor(uniform() * 4294967296)
    .toString(16)
    .padStart(8, '0');
for (let model = 0; model < Number(process.argv[2]); model++) {
  const line = `7\t${model}\tx${Array.from({ length: 32 }, word).join('')}\n`;
  if (!process.stdout.write(line)) await once(process.stdout, 'drain');
}
