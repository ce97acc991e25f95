/**
 * A screen on which nothing scrolls away unread: after a screenful it waits for a key. Output that
 * comes while a step runs is shown at once as long as it fits; the rest is held back until somebody
 * can turn the page.
 */
import type { WriteStream } from 'node:tty';
import type { Keyboard } from './prompt.ts';
import type { Paint } from './render.ts';
import { rowsOf } from './render-wrap.ts';

export interface Pager {
  /** Shows lines of text, page by page. False when the reader pressed q on the way. */
  page(text: string): Promise<boolean>;
  /** Shows lines at once, or keeps them for the next `page` when the screen is full. */
  show(text: string): void;
  /** Waits for a key under a line that names the choices; the line is gone afterwards. */
  ask(choices: string): Promise<string>;
}

/** Rows that stay free: for the question, and for the last line that was read. */
const SPARE_ROWS = 2;

export function openPager(output: WriteStream, keyboard: Keyboard, paint: Paint): Pager {
  let used = 0;
  let kept: string[] = [];

  const fits = (line: string) =>
    used + rowsOf(line, output.columns || 80) <= (output.rows || 24) - SPARE_ROWS;
  const put = (line: string) => {
    output.write(`${line}\n`);
    used += rowsOf(line, output.columns || 80);
  };
  const ask = async (choices: string) => {
    output.write(paint('dim', choices));
    const key = await keyboard.key();
    output.write('\r\x1b[K');
    used = 0;
    return key;
  };

  return {
    ask,
    show: (text) => {
      for (const line of text.split('\n')) {
        if (kept.length === 0 && fits(line)) put(line);
        else kept.push(line);
      }
    },
    page: async (text) => {
      const lines = [...kept, ...text.split('\n')];
      kept = [];
      for (const line of lines) {
        // A line of more rows than the screen has is shown all the same.
        if (!fits(line) && used > 0 && (await ask('── more: Space · q quit ')) === 'q')
          return false;
        put(line);
      }
      return true;
    },
  };
}
