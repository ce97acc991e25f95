/**
 * Lines at the bottom of a terminal that change in place, one for each thing that is under way.
 */
import { clearLine, cursorTo, moveCursor } from 'node:readline';
import type { WriteStream } from 'node:tty';
import { shorten } from './units.ts';

export interface LiveLines {
  /** Writes a line, or writes it anew where it stands. */
  set(key: string, text: string): void;
}

/** The cursor always stands on the empty line below. Between calls nobody else writes there. */
export function openLiveLines(terminal: WriteStream): LiveLines {
  const rows = new Map<string, number>();
  return {
    set(key, text) {
      const fitting = shorten(text, Math.max(terminal.columns || 80, 20) - 1);
      const row = rows.get(key);
      if (row === undefined) {
        rows.set(key, rows.size);
        terminal.write(`${fitting}\n`);
        return;
      }
      const up = rows.size - row;
      // What has scrolled out of sight cannot be reached any more.
      if (up >= (terminal.rows || 24)) return;
      moveCursor(terminal, 0, -up);
      cursorTo(terminal, 0);
      clearLine(terminal, 0);
      terminal.write(fitting);
      moveCursor(terminal, 0, up);
      cursorTo(terminal, 0);
    },
  };
}
