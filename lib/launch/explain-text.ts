/**
 * Rows of an explained program as lines of text: columns aligned, no line wider than the terminal,
 * colours only where they are asked for.
 */
import { styleText } from 'node:util';
import type { Row } from './explain.ts';

export interface Layout {
  /** Columns of the terminal. Default 100. */
  width?: number;
  color?: boolean;
}

const LEAST_TEXT = 24;

/** One line for each row, without a newline at its end. */
export function formatRows(rows: readonly Row[], layout: Layout = {}): string[] {
  const paint = layout.color ? styled : plain;
  const ran = rows.some(({ result }) => result !== null);
  const widest = (texts: string[]) => Math.max(0, ...texts.map((text) => text.length));
  const number = (row: Row) => (row.number === null ? '' : String(row.number));
  const page = (row: Row) => row.page ?? '';
  const answer = (row: Row) => (row.result === null ? '' : `→ ${row.result}`);
  const time = (row: Row) => (row.microseconds === null ? '' : `${row.microseconds.toFixed(1)} µs`);
  const columns = {
    number: widest(rows.map(number)),
    page: widest(rows.map(page)),
    answer: widest(rows.map(answer)),
    time: widest(rows.map(time)),
  };
  const besides = columns.number + columns.page + (ran ? columns.answer + columns.time + 4 : 0) + 4;
  const room = Math.max(LEAST_TEXT, (layout.width ?? 100) - besides);
  const text = Math.min(room, widest(rows.map(picture)));

  return rows.map((row) => {
    const cells = [
      paint('dim', number(row).padStart(columns.number)),
      paint(row.kind === 'gate' ? 'cyan' : 'none', cut(picture(row), text).padEnd(text)),
      paint('dim', page(row).padEnd(columns.page)),
    ];
    if (ran) {
      cells.push(paint(answerStyle(row), answer(row).padEnd(columns.answer)));
      cells.push(paint('dim', time(row).padStart(columns.time)));
    }
    return cells.join('  ').trimEnd();
  });
}

type Style = 'dim' | 'cyan' | 'red' | 'yellow' | 'green' | 'none';

const plain = (_: Style, text: string) => text;
const styled = (style: Style, text: string) =>
  style === 'none' ? text : styleText(style, text, { validateStream: false });

function answerStyle(row: Row): Style {
  if (row.failed) return row.mayFail ? 'yellow' : 'red';
  return row.result === 'not reached' ? 'dim' : 'green';
}

/** A gate is a bar across the list, a fork turns into the new child, an attempt ends in `?`. */
function picture(row: Row): string {
  if (row.kind === 'gate') return `── ${row.text}: waits for the host ──`;
  if (row.kind === 'fork') return `└▶ ${row.text}: the child goes on`;
  return row.mayFail ? `${row.text} ?` : row.text;
}

const cut = (text: string, width: number) =>
  text.length <= width ? text : `${text.slice(0, width - 1)}…`;
