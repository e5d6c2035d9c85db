/**
 * Word-level difference of two short runs: Myers, "An O(ND) difference algorithm and its variations" (1986),
 * greedy form, bounded in differences and size.
 * @module
 */

/** `a[a0..a1)` stands where `b[b0..b1)` should: one of the two may be empty. */
export interface Hunk {
  readonly a0: number;
  readonly a1: number;
  readonly b0: number;
  readonly b1: number;
}

/** Differences after which two runs are called different as a whole; keeps the trace under 1 MB. (CWE-407) */
const MAX_EDITS = 320;

/**
 * Hunks that turn `a[a0..a1)` into `b[b0..b1)`, in order. Runs that differ in more than 320 words come back as
 * one hunk between their common ends. Time O((n + m) · edits).
 */
export function diffWords(a: Int32Array, a0: number, a1: number, b: Int32Array, b0: number, b1: number): Hunk[] {
  while (a0 < a1 && b0 < b1 && a[a0] === b[b0]) {
    a0++;
    b0++;
  }
  while (a1 > a0 && b1 > b0 && a[a1 - 1] === b[b1 - 1]) {
    a1--;
    b1--;
  }
  const n = a1 - a0;
  const m = b1 - b0;
  if (n === 0 && m === 0) return [];
  if (n === 0 || m === 0) return [{ a0, a1, b0, b1 }];
  const max = Math.min(n + m, MAX_EDITS);
  if (Math.abs(n - m) > max) return [{ a0, a1, b0, b1 }];
  const width = 2 * max + 1;
  const v = new Int32Array(width + 2);
  const trace: Int32Array[] = [];
  for (let d = 0; d <= max; d++) {
    trace.push(v.slice(max - d, max + d + 2));
    for (let k = -d; k <= d; k += 2) {
      const down = k === -d || (k !== d && v[max + k - 1]! < v[max + k + 1]!);
      let x = down ? v[max + k + 1]! : v[max + k - 1]! + 1;
      let y = x - k;
      if (x > n || y > m) {
        v[max + k] = x;
        continue;
      }
      while (x < n && y < m && a[a0 + x] === b[b0 + y]) {
        x++;
        y++;
      }
      v[max + k] = x;
      if (x >= n && y >= m) return walkBack(trace, d, n, m, a0, b0);
    }
  }
  return [{ a0, a1, b0, b1 }];
}

function walkBack(trace: readonly Int32Array[], d: number, n: number, m: number, a0: number, b0: number): Hunk[] {
  const steps: Hunk[] = [];
  let x = n;
  let y = m;
  for (let depth = d; depth > 0; depth--) {
    // trace[depth] holds v for diagonals -depth..depth+1, as it was before round `depth`.
    const v = trace[depth]!;
    const k = x - y;
    const at = (diagonal: number): number => v[diagonal + depth]!;
    const down = k === -depth || (k !== depth && at(k - 1) < at(k + 1));
    const previousK = down ? k + 1 : k - 1;
    const previousX = at(previousK);
    const previousY = previousX - previousK;
    steps.push(
      down
        ? { a0: a0 + previousX, a1: a0 + previousX, b0: b0 + previousY, b1: b0 + previousY + 1 }
        : { a0: a0 + previousX, a1: a0 + previousX + 1, b0: b0 + previousY, b1: b0 + previousY },
    );
    x = previousX;
    y = previousY;
  }
  return mergeHunks(steps.reverse());
}

/** Joins hunks that touch. */
export function mergeHunks(hunks: readonly Hunk[]): Hunk[] {
  const out: Hunk[] = [];
  for (const hunk of hunks) {
    const last = out.at(-1);
    if (last && last.a1 === hunk.a0 && last.b1 === hunk.b0) out[out.length - 1] = { a0: last.a0, a1: hunk.a1, b0: last.b0, b1: hunk.b1 };
    else out.push(hunk);
  }
  return out;
}
