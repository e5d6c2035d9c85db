/**
 * Linear assignment by shortest augmenting paths (Jonker and Volgenant, Computing 38, 1987).
 * @param score `[rows, columns]`, to be maximised; every row gets a column of its own when rows <= columns, else
 * the best `columns` rows do.
 * @returns for each row its column, or -1.
 * Cost: at most rows^2 x columns.
 */
export function linearAssignment(score: Float64Array, rows: number, columns: number): Int32Array {
  if (rows > columns) {
    const flipped = new Float64Array(score.length);
    for (let i = 0; i < rows; i++) for (let j = 0; j < columns; j++) flipped[j * rows + i] = score[i * columns + j]!;
    const back = new Int32Array(rows).fill(-1);
    linearAssignment(flipped, columns, rows).forEach((row, column) => (back[row] = column));
    return back;
  }
  const rowPrice = new Float64Array(rows);
  const columnPrice = new Float64Array(columns);
  const rowOf = new Int32Array(columns).fill(-1);
  const distance = new Float64Array(columns);
  const previous = new Int32Array(columns);
  const done = new Uint8Array(columns);
  for (let start = 0; start < rows; start++) {
    distance.fill(Infinity);
    previous.fill(-1);
    done.fill(0);
    let row = start;
    let column = -1;
    let reached = 0;
    do {
      let least = Infinity;
      let next = -1;
      for (let j = 0; j < columns; j++) {
        if (done[j]) continue;
        const cost = reached - score[row * columns + j]! - rowPrice[row]! - columnPrice[j]!;
        if (cost < distance[j]!) {
          distance[j] = cost;
          previous[j] = column;
        }
        if (distance[j]! < least) {
          least = distance[j]!;
          next = j;
        }
      }
      // Only not-a-numbers leave no column; they were never a better path.
      if (next < 0) return new Int32Array(rows).fill(-1);
      column = next;
      reached = least;
      done[column] = 1;
      row = rowOf[column]!;
    } while (row >= 0);
    rowPrice[start]! += reached;
    for (let j = 0; j < columns; j++)
      if (done[j] && rowOf[j]! >= 0) {
        rowPrice[rowOf[j]!]! += reached - distance[j]!;
        columnPrice[j]! -= reached - distance[j]!;
      } else if (done[j]) columnPrice[j]! -= reached - distance[j]!;
    for (let j = column; j >= 0;) {
      const before = previous[j]!;
      rowOf[j] = before >= 0 ? rowOf[before]! : start;
      j = before;
    }
  }
  const out = new Int32Array(rows).fill(-1);
  rowOf.forEach((i, j) => {
    if (i >= 0) out[i] = j;
  });
  return out;
}
