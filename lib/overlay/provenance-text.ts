/**
 * The layers drawn for a terminal: the merged tree on the left, a column for each layer beside it.
 *
 *     merged        upper        lower
 *     /             merged       merged
 *     ├─ a          copied up    covered
 *   > ├─ (b)        whiteout     covered
 *     └─ c          ·            seen
 *
 * A name in brackets is not seen. `>` marks what was otherwise, or was not there, in the rows of
 * before. Where there is no room for a column of every layer, those in which nothing is are left out.
 */
import type { Cell, Row } from './provenance.ts';

export interface DrawOptions {
  /** One for each layer, the topmost first. */
  titles: readonly string[];
  /** The rows as they were, for marking what a step has changed. */
  before?: readonly Row[];
  /** In characters; default 96. */
  width?: number;
}

/** Lines of text, without colours and without blanks at their ends. */
export function drawProvenance(rows: readonly Row[], options: DrawOptions): string {
  const { titles, before, width = 96 } = options;
  const names = rows.map((row, index) => branch(rows, index) + label(row));
  const first = Math.max('merged'.length, ...names.map((name) => name.length)) + 2;
  const layers = chooseLayers(rows, titles, width - first - 2);
  const widths = layers.map((layer) => columnWidth(rows, titles, layer));
  const left = titles.length - layers.length;
  const line = (mark: string, name: string, cells: readonly string[]) =>
    `${mark} ${name.padEnd(first)}${cells.map((cell, i) => cell.padEnd(widths[i] ?? 0)).join('')}`.trimEnd();
  return [
    line(
      ' ',
      'merged',
      layers.map((layer) => titles[layer] ?? ''),
    ),
    ...rows.map((row, i) =>
      line(
        markOf(row, before),
        names[i] ?? '',
        layers.map((layer) => wordOf(row, layer)),
      ),
    ),
    ...(left > 0 ? [`  (and ${left} more ${left === 1 ? 'layer' : 'layers'})`] : []),
  ].join('\n');
}

const GAP = 3;

const columnWidth = (rows: readonly Row[], titles: readonly string[], layer: number) =>
  GAP + Math.max(titles[layer]?.length ?? 0, ...rows.map((row) => wordOf(row, layer).length));

/** As many as fit, and of those that have a say the topmost. */
function chooseLayers(rows: readonly Row[], titles: readonly string[], room: number): number[] {
  const all = titles.map((_, layer) => layer);
  const widthOf = (layers: readonly number[]) =>
    layers.reduce((sum, layer) => sum + columnWidth(rows, titles, layer), 0);
  if (widthOf(all) <= room) return all;
  // Every layer has a part in the root.
  const busy = all.filter((layer) =>
    rows.some(({ cells }, i) => i > 0 && cells[layer] !== 'absent'),
  );
  while (busy.length > 1 && widthOf(busy) > room) busy.pop();
  return busy.length > 0 ? busy : [0];
}

/** `│  ├─ `, as tree(1) draws it. */
function branch(rows: readonly Row[], index: number): string {
  const depth = rows[index]?.depth ?? 0;
  if (depth === 0) return '';
  const stems = Array.from({ length: depth - 1 }, (_, i) =>
    goesOn(rows, index, i + 1) ? '│  ' : '   ',
  );
  return stems.join('') + (goesOn(rows, index, depth) ? '├─ ' : '└─ ');
}

/** Whether another row of that depth follows under the same parent. */
function goesOn(rows: readonly Row[], index: number, depth: number): boolean {
  for (const row of rows.slice(index + 1)) {
    if (row.depth < depth) return false;
    if (row.depth === depth) return true;
  }
  return false;
}

const label = ({ name, kind, visible, depth }: Row) => {
  const text = kind === 'directory' && depth > 0 ? `${name}/` : name;
  return visible ? text : `(${text})`;
};

function wordOf(row: Row, layer: number): string {
  const cell: Cell = row.cells[layer] ?? 'absent';
  if (cell === 'absent') return '·';
  return cell === 'moved' && row.from !== null ? `from ${row.from}` : cell;
}

function markOf(row: Row, before: readonly Row[] | undefined): string {
  if (!before) return ' ';
  const old = before.find(({ path }) => path === row.path);
  return old && JSON.stringify(old) === JSON.stringify(row) ? ' ' : '>';
}
