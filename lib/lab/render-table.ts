/**
 * A table in a terminal: columns as wide as their content, and where they do not all fit, the wide
 * ones give way and their cells are broken into lines.
 */
import { columnsOf, wrap } from './render-wrap.ts';

const GAP = '   ';
const LEAST = 8;

/** `rows` of rendered cells under `header`; every line is at most `width` columns if it can be. */
export function layTable(
  header: readonly string[],
  rows: readonly (readonly string[])[],
  { width, rule = (text: string) => text }: { width: number; rule?: (text: string) => string },
): string {
  const columns = fitColumns([header, ...rows], width);
  const lay = (cells: readonly string[]): string[] => {
    const broken = columns.map((room, i) => wrap(cells[i] ?? '', room).split('\n'));
    const height = Math.max(...broken.map((lines) => lines.length));
    return Array.from({ length: height }, (_, line) =>
      columns
        .map((room, i) => pad(broken[i]?.[line] ?? '', room))
        .join(GAP)
        .trimEnd(),
    );
  };
  const line = rule(columns.map((room) => '─'.repeat(room)).join(GAP));
  return [...lay(header), line, ...rows.flatMap(lay)].join('\n');
}

function fitColumns(rows: readonly (readonly string[])[], width: number): number[] {
  const count = rows[0]?.length ?? 0;
  const columns = Array.from({ length: count }, (_, i) =>
    Math.max(...rows.map((cells) => columnsOf(cells[i] ?? ''))),
  );
  const room = width - GAP.length * (count - 1);
  while (columns.reduce((sum, each) => sum + each, 0) > room) {
    const widest = Math.max(...columns);
    if (widest <= LEAST) break;
    columns[columns.indexOf(widest)] = widest - 1;
  }
  return columns;
}

const pad = (text: string, room: number) => text + ' '.repeat(Math.max(0, room - columnsOf(text)));
