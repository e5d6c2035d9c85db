/**
 * Eigenvalues and eigenvectors of a real symmetric matrix: Householder reduction to three diagonals, then implicit QR
 * steps with Wilkinson's shift (Golub and Van Loan, Matrix Computations, algorithms 8.3.1 and 8.3.2).
 * @module
 */
export interface Eigen {
  /** Ascending. */
  readonly values: Float64Array;
  /** Column j belongs to value j; row-major `[n, n]`. */
  readonly vectors: Float64Array;
}

/** QR steps for all eigenvalues together; about two each are usual. Not-a-numbers would never converge. */
const STEPS_PER_VALUE = 30;

/** @param matrix `[n, n]`, symmetric. Cost: about 6 n^3 multiplications. */
export function eigenSymmetric(matrix: Float64Array, n: number): Eigen {
  const made = tridiagonalize(Float64Array.from(matrix), n, true);
  const { diagonal, basis } = made;
  diagonalize(made, n);
  const order = Array.from(diagonal.keys()).sort((x, y) => diagonal[x]! - diagonal[y]!);
  const vectors = new Float64Array(n * n);
  order.forEach((from, to) => {
    for (let i = 0; i < n; i++) vectors[i * n + to] = basis![from * n + i]!;
  });
  return { values: Float64Array.from(order, (i) => diagonal[i]!), vectors };
}

/** Eigenvalues alone, ascending. Cost: about 4/3 n^3 multiplications. */
export function eigenvaluesSymmetric(matrix: Float64Array, n: number): Float64Array {
  const made = tridiagonalize(Float64Array.from(matrix), n, false);
  diagonalize(made, n);
  return made.diagonal.sort();
}

function diagonalize({ diagonal, beside, basis }: Tridiagonal, n: number): void {
  let steps = STEPS_PER_VALUE * n;
  for (let high = n - 1; high > 0 && steps > 0;) {
    if (isSmall(diagonal, beside, high - 1)) {
      high--;
      continue;
    }
    let low = high - 1;
    while (low > 0 && !isSmall(diagonal, beside, low - 1)) low--;
    qrStep(diagonal, beside, basis, low, high, n);
    steps--;
  }
}

/** `basis` holds the transformation transposed: rows are what becomes eigenvectors, so that rotations touch neighbors in memory; null when only values are wanted. */
interface Tridiagonal {
  readonly diagonal: Float64Array;
  readonly beside: Float64Array;
  readonly basis: Float64Array | null;
}

function tridiagonalize(a: Float64Array, n: number, wantsBasis: boolean): Tridiagonal {
  const basis = wantsBasis ? new Float64Array(n * n) : null;
  for (let i = 0; basis && i < n; i++) basis[i * n + i] = 1;
  const v = new Float64Array(n);
  const w = new Float64Array(n);
  for (let k = 0; k + 2 < n; k++) {
    // Reflect column k below the diagonal onto its first entry: H = I - beta v v^T.
    let square = 0;
    for (let i = k + 1; i < n; i++) square += a[i * n + k]! ** 2;
    const first = a[(k + 1) * n + k]!;
    const length = Math.sqrt(square);
    if (!(length > Math.abs(first))) continue;
    const alpha = first > 0 ? -length : length;
    for (let i = k + 1; i < n; i++) v[i] = a[i * n + k]! - (i === k + 1 ? alpha : 0);
    const beta = 1 / (square - alpha * first);
    // w = beta A v - (beta^2 / 2)(v^T A v) v, and A becomes A - v w^T - w v^T.
    let inner = 0;
    for (let i = k + 1; i < n; i++) {
      let sum = 0;
      for (let j = k + 1; j < n; j++) sum += a[i * n + j]! * v[j]!;
      w[i] = beta * sum;
      inner += w[i]! * v[i]!;
    }
    for (let i = k + 1; i < n; i++) w[i]! -= 0.5 * beta * inner * v[i]!;
    for (let i = k + 1; i < n; i++) for (let j = k + 1; j < n; j++) a[i * n + j]! -= v[i]! * w[j]! + w[i]! * v[j]!;
    a[(k + 1) * n + k] = alpha;
    if (!basis) continue;
    // basis becomes H basis, row by row.
    w.fill(0);
    for (let i = k + 1; i < n; i++) for (let j = 0; j < n; j++) w[j]! += v[i]! * basis[i * n + j]!;
    for (let i = k + 1; i < n; i++) for (let j = 0; j < n; j++) basis[i * n + j]! -= beta * v[i]! * w[j]!;
  }
  return {
    diagonal: Float64Array.from({ length: n }, (_, i) => a[i * n + i]!),
    beside: Float64Array.from({ length: Math.max(0, n - 1) }, (_, i) => a[(i + 1) * n + i]!),
    basis,
  };
}

function isSmall(diagonal: Float64Array, beside: Float64Array, i: number): boolean {
  return Math.abs(beside[i]!) <= Number.EPSILON * (Math.abs(diagonal[i]!) + Math.abs(diagonal[i + 1]!)) || beside[i] === 0;
}

/** One implicit QR step on the unreduced block `[low, high]`. */
function qrStep(diagonal: Float64Array, beside: Float64Array, basis: Float64Array | null, low: number, high: number, n: number): void {
  const last = beside[high - 1]!;
  const half = (diagonal[high - 1]! - diagonal[high]!) / 2;
  const shift = diagonal[high]! - (last * last) / (half + (half < 0 ? -1 : 1) * Math.hypot(half, last));
  let x = diagonal[low]! - shift;
  let z = beside[low]!;
  for (let k = low; k < high; k++) {
    const r = Math.hypot(x, z);
    const [c, s] = r === 0 ? [1, 0] : [x / r, z / r];
    if (k > low) beside[k - 1] = r;
    const [p, q, b] = [diagonal[k]!, diagonal[k + 1]!, beside[k]!];
    diagonal[k] = c * c * p + 2 * c * s * b + s * s * q;
    diagonal[k + 1] = s * s * p - 2 * c * s * b + c * c * q;
    beside[k] = c * s * (q - p) + (c * c - s * s) * b;
    x = beside[k]!;
    if (k + 1 < high) {
      z = s * beside[k + 1]!;
      beside[k + 1]! *= c;
    }
    if (!basis) continue;
    for (let i = k * n, j = i + n, end = j; i < end; i++, j++) {
      const [u, v] = [basis[i]!, basis[j]!];
      basis[i] = c * u + s * v;
      basis[j] = c * v - s * u;
    }
  }
}
