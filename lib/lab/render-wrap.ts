/**
 * Breaking text into lines of a terminal. Colours take no room; where a line is broken inside a
 * coloured stretch the terminal goes on with it, so nothing has to be opened again.
 */
import { stripVTControlCharacters } from 'node:util';

// Wide characters of East Asian scripts take two columns.
const WIDE = /[\u1100-\u115f\u2e80-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff00-\uff60]/gu;

/** How many columns `text`, one line, takes. */
export function columnsOf(text: string): number {
  const visible = stripVTControlCharacters(text);
  return [...visible].length + (visible.match(WIDE)?.length ?? 0);
}

/** How many rows of a terminal `columns` wide the lines of `text` take. */
export function rowsOf(text: string, columns: number): number {
  const rows = text.split('\n').map((line) => Math.max(1, Math.ceil(columnsOf(line) / columns)));
  return rows.reduce((sum, each) => sum + each, 0);
}

/**
 * Fills lines of at most `width` columns; a line break in `text` is a blank, two blanks before it
 * make it stay. The first line is begun with `first`, the others with `rest`. A longer word has a
 * line of its own.
 */
export function wrap(text: string, width: number, first = '', rest = first): string {
  const lines: string[] = [];
  let start = first;
  for (const piece of text.split(/ {2,}\n|\r/)) {
    let line = start;
    let empty = true;
    for (const word of piece.split(/[ \n]+/).filter((each) => each !== '')) {
      if (!empty && columnsOf(line) + 1 + columnsOf(word) > width) {
        lines.push(line);
        line = rest;
        empty = true;
      }
      line += empty ? word : ` ${word}`;
      empty = false;
    }
    lines.push(line.trimEnd());
    start = rest;
  }
  return lines.join('\n');
}
