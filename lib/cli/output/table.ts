/**
 * Columns as wide as what is in them, and three spaces between.
 */
const GAP = 3;
/** A column is never narrower, its gap counted. */
const NARROWEST = 10;

/** Lines without a line break at the end of the last one. Cells are separated by tabs in `rows`. */
export function alignColumns(rows: readonly string[]): string {
  const cells = rows.map((row) => row.split('\t'));
  const widths: number[] = [];
  for (const row of cells) {
    // The last cell of a row ends it, and makes no column wider.
    for (const [at, cell] of row.slice(0, -1).entries()) {
      widths[at] = Math.max(widths[at] ?? NARROWEST, [...cell].length + GAP);
    }
  }
  return cells
    .map((row) =>
      row
        .map((cell, at) =>
          at === row.length - 1 ? cell : cell + ' '.repeat((widths[at] ?? 0) - [...cell].length),
        )
        .join(''),
    )
    .join('\n');
}
