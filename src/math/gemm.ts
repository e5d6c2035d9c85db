/**
 * Row products of large f32 blocks by WebAssembly: about 40 GFLOP/s a core, against 2 of plain loops (bench/compare-large).
 * Sums are f32, added in one fixed order in runs of 512, so the bits are the same on every machine.
 * @module
 */
import { GEMM_WASM } from './gemm.generated.ts';

interface Kernel {
  readonly memory: WebAssembly.Memory;
  readonly pack: (b: number, to: number, n: number, k: number) => void;
  readonly rowProducts: (a: number, b: number, c: number, m: number, panels: number, k: number, from: number, to: number) => void;
}

const PANEL = 8;
/** Values of one block of rows: 4 MiB of memory each for a, b and b packed. */
const BLOCK_VALUES = 1 << 20;
const MAX_BLOCK_ROWS = 512;
/** Part of k that stays in the nearest cache. */
const RUN = 512;
const PAGE = 65_536;

let kernel: Kernel | null = null;

function instance(): Kernel {
  if (kernel) return kernel;
  const bytes = Uint8Array.from(atob(GEMM_WASM), (sign) => sign.charCodeAt(0));
  kernel = new WebAssembly.Instance(new WebAssembly.Module(bytes)).exports as unknown as Kernel;
  return kernel;
}

/**
 * `a [m, k]` times the transpose of `b [n, k]`: all dot products of rows.
 * @returns `[m, n]`. Memory beside it: under 16 MiB for rows up to 128 Ki values.
 */
export function rowProductsF32(a: Float32Array, b: Float32Array, m: number, n: number, k: number): Float32Array {
  const out = new Float32Array(m * n);
  if (m === 0 || n === 0 || k === 0) return out;
  const { memory, pack, rowProducts } = instance();
  const most = Math.min(MAX_BLOCK_ROWS, Math.max(PANEL, Math.floor(BLOCK_VALUES / k / PANEL) * PANEL));
  const [rows, columns] = [Math.min(most, up(m, 4)), Math.min(most, up(n, PANEL))];
  const [atB, atPacked, atC] = [rows * k, (rows + columns) * k, (rows + 2 * columns) * k];
  const bytes = (atC + rows * columns) * 4;
  if (memory.buffer.byteLength < bytes) memory.grow(Math.ceil((bytes - memory.buffer.byteLength) / PAGE));
  const space = new Float32Array(memory.buffer);
  for (let j = 0; j < n; j += columns) {
    const nb = Math.min(columns, n - j);
    space.set(b.subarray(j * k, (j + nb) * k), atB);
    pack(atB * 4, atPacked * 4, nb, k);
    const width = up(nb, PANEL);
    for (let i = 0; i < m; i += rows) {
      const mb = Math.min(rows, m - i);
      const height = up(mb, 4);
      space.set(a.subarray(i * k, (i + mb) * k), 0);
      space.fill(0, mb * k, height * k);
      space.fill(0, atC, atC + height * width);
      for (let p = 0; p < k; p += RUN) rowProducts(0, atPacked * 4, atC * 4, height, width / PANEL, k, p, Math.min(k, p + RUN));
      for (let r = 0; r < mb; r++) out.set(space.subarray(atC + r * width, atC + r * width + nb), (i + r) * n + j);
    }
  }
  return out;
}

function up(value: number, to: number): number {
  return Math.ceil(value / to) * to;
}
