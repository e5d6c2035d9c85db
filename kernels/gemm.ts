/**
 * Row products of two blocks of f32 rows: `c[i, j] += sum over p of a[i, p] * b[j, p]`.
 * AssemblyScript, not TypeScript: compiled to src/math/gemm.generated.ts by `npm run kernels`.
 * Plain SIMD (no fused multiply-add, no relaxed instructions) in one fixed order: the same bits on every machine.
 */

/** Columns of one panel: two vectors of four. */
const PANEL: i32 = 8;

/**
 * Lays `n` rows of `b [n, k]` into panels of 8 rows, `[panel, k, 8]`; missing rows of the last panel become 0.
 * @param to room for `ceil(n / 8) * 8 * k` values.
 */
export function pack(b: usize, to: usize, n: i32, k: i32): void {
  const panels = (n + PANEL - 1) / PANEL;
  for (let panel = 0; panel < panels; panel++)
    for (let r = 0; r < PANEL; r++) {
      const row = panel * PANEL + r;
      let out = to + (<usize>(panel * k * PANEL + r) << 2);
      if (row < n) {
        let from = b + (<usize>(row * k) << 2);
        for (let p = 0; p < k; p++) {
          store<f32>(out, load<f32>(from));
          from += 4;
          out += PANEL << 2;
        }
      } else
        for (let p = 0; p < k; p++) {
          store<f32>(out, 0);
          out += PANEL << 2;
        }
    }
}

/**
 * @param a `[m, k]`, m a multiple of 4. @param b packed, `panels` panels. @param c `[m, panels * 8]`.
 * @param from,to the part of k to add up, so that a panel's part stays in the nearest cache.
 */
export function rowProducts(a: usize, b: usize, c: usize, m: i32, panels: i32, k: i32, from: i32, to: i32): void {
  const stride = <usize>k << 2;
  const width = <usize>(panels * PANEL) << 2;
  for (let panel = 0; panel < panels; panel++) {
    const columns = b + (<usize>(panel * k * PANEL + from * PANEL) << 2);
    for (let i = 0; i < m; i += 4) {
      let c00 = f32x4.splat(0), c01 = f32x4.splat(0);
      let c10 = f32x4.splat(0), c11 = f32x4.splat(0);
      let c20 = f32x4.splat(0), c21 = f32x4.splat(0);
      let c30 = f32x4.splat(0), c31 = f32x4.splat(0);
      let row = a + <usize>i * stride + (<usize>from << 2);
      let column = columns;
      for (let p = from; p < to; p++) {
        const b0 = v128.load(column);
        const b1 = v128.load(column, 16);
        const x0 = v128.load32_splat(row);
        c00 = f32x4.add(c00, f32x4.mul(x0, b0));
        c01 = f32x4.add(c01, f32x4.mul(x0, b1));
        const x1 = v128.load32_splat(row + stride);
        c10 = f32x4.add(c10, f32x4.mul(x1, b0));
        c11 = f32x4.add(c11, f32x4.mul(x1, b1));
        const x2 = v128.load32_splat(row + 2 * stride);
        c20 = f32x4.add(c20, f32x4.mul(x2, b0));
        c21 = f32x4.add(c21, f32x4.mul(x2, b1));
        const x3 = v128.load32_splat(row + 3 * stride);
        c30 = f32x4.add(c30, f32x4.mul(x3, b0));
        c31 = f32x4.add(c31, f32x4.mul(x3, b1));
        row += 4;
        column += PANEL << 2;
      }
      let out = c + <usize>i * width + (<usize>(panel * PANEL) << 2);
      v128.store(out, f32x4.add(v128.load(out), c00));
      v128.store(out, f32x4.add(v128.load(out, 16), c01), 16);
      out += width;
      v128.store(out, f32x4.add(v128.load(out), c10));
      v128.store(out, f32x4.add(v128.load(out, 16), c11), 16);
      out += width;
      v128.store(out, f32x4.add(v128.load(out), c20));
      v128.store(out, f32x4.add(v128.load(out, 16), c21), 16);
      out += width;
      v128.store(out, f32x4.add(v128.load(out), c30));
      v128.store(out, f32x4.add(v128.load(out, 16), c31), 16);
    }
  }
}
