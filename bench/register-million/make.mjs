// Makes a register of a million models: made-up codes, 200 made-up ancestors with sketches, and the real models of the corpora. See README.md here.
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { decodeSketch, encodeSketch, searchCode, sketchModel } from '../../dist/lineage/index.js';
import { readModel } from '../../dist/model/index.js';
import { encodeEntry, makeEntry } from '../../dist/register/entry.js';
import { nameHashes } from '../../dist/register/search-index.js';
import { encodeSegment, INDEX_FOLDER, makeSegment, MAX_SEGMENT_MODELS } from '../../dist/register/segment.js';
import { nodeHasher, openTree } from '../../dist/sources/index.js';
import { randomness, toSketch, weights } from './synthetic.mjs';

const [dir, count = '1000000', corpora = join(import.meta.dirname, '..', '..', '..', 'shared')] = process.argv.slice(2);
const ANCESTORS = 200;
const STRANGERS = 50;
const sha = (data) => createHash('sha256').update(data).digest('hex');
for (const folder of ['models', 'sketches', INDEX_FOLDER]) mkdirSync(join(dir, folder), { recursive: true });
writeFileSync(join(dir, 'register.json'), '{"schema":"heirloom-register/1"}\n');

const coded = [];
function put(name, digest, sketch, code) {
  const facts = {
    name,
    locator: `./${name}`,
    digest,
    digestCovers: 'made up',
    parameters: 6.7e9,
    architecture: 'llama',
    format: 'safetensors',
  };
  const entry = makeEntry({ ...facts, licenses: [], licenseLabel: '' }, '2026-01-01T00:00:00Z', sketch);
  const path = join(dir, 'models', `${entry.id}.json`);
  if (!existsSync(path)) writeFileSync(path, encodeEntry(entry));
  const { size, mtimeMs } = statSync(path);
  const { whole, bare } = nameHashes(name);
  coded.push({ id: entry.id, size, mtimeMs, name: whole, bareName: bare, code });
  if (coded.length === MAX_SEGMENT_MODELS) flush();
}
function flush() {
  const bytes = encodeSegment(makeSegment(coded.splice(0)));
  writeFileSync(join(dir, INDEX_FOLDER, `${sha(bytes).slice(0, 32)}.hlix`), bytes);
}
function keep(bytes) {
  const sketch = { sha256: sha(bytes), bytes: bytes.length };
  writeFileSync(join(dir, 'sketches', `${sketch.sha256}.hlsk`), bytes);
  return sketch;
}

const made = (name, seed) => encodeSketch(toSketch(name, `sha256:${sha(name)}`, weights(seed)));
let example;
for (let i = 0; i < ANCESTORS; i++) {
  const bytes = made(`made-up/ancestor-${i}`, 1000 + i);
  example = searchCode(decodeSketch(bytes, 'made up'));
  put(`made-up/ancestor-${i}`, `sha256:${sha(`made-up/ancestor-${i}`)}`, keep(bytes), example);
}
let real = 0;
for (const corpus of ['lineage-corpus', 'real-models'])
  for (const { folder } of JSON.parse(readFileSync(join(resolve(corpora), corpus, 'manifest.json'), 'utf8')).models) {
    const tree = await openTree(join(resolve(corpora), corpus, folder));
    const sketch = await sketchModel(await readModel(tree), {
      digest: { value: `sha256:${sha(folder)}`, covers: 'its name' },
      newHasher: nodeHasher,
    });
    await tree.close();
    put(`${corpus}/${folder}`, `sha256:${sha(folder)}`, keep(encodeSketch(sketch)), searchCode(sketch));
    real++;
  }
// The rest are strangers of one and the same shape, the worst case for a scan: every query meets every row. Their entries point to a few
// sketches, so that testing a candidate costs what it costs, without 200 GB of sketches on this disk.
const pool = Array.from({ length: STRANGERS }, (_, i) => keep(made(`made-up/pool-${i}`, 900_000 + i)));
const { uniform } = randomness(7);
const word = () => Math.floor(uniform() * 4294967296);
for (let i = ANCESTORS + real; i < Number(count); i++) {
  const name = `made-up/stranger-${i}`;
  const axes = example.axes.map(({ bucket, bits }) => ({ bucket, bits: bits.map(word) }));
  put(name, `sha256:${sha(name)}`, pool[i % STRANGERS], { axes, marks: example.marks.map((mark) => (mark === 0 ? 0 : word())) });
}
if (coded.length > 0) flush();
console.log(
  `${count} models: ${ANCESTORS} made-up ancestors, ${real} real ones, the rest strangers of one shape with ${example.axes.length} axes each`,
);
