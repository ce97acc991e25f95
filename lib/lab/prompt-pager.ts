/**
 * A screen on which nothing scrolls away unread: after a screenful it waits for a key. Output that
 * comes while a step runs is shown at once as long as it fits; the rest is held back until somebody
 * can turn the page.
 */
import type { WriteStream } from 'node:tty';
import type { Keyboard } from './prompt.ts';
import type { Paint } from './render-paint.ts';
import { rowsOf } from './render-wrap.ts';

export interface Pager {
  /** Shows lines of text, page by page. False when the reader pressed q on the way. */
  page(text: string): Promise<boolean>;
  /** Shows lines at once, or keeps them for the next `page` when the screen is full. */
  show(text: string): void;
  /** Shows what was kept and this, whether it fits or not: for what is said last. */
  end(text: string): void;
  /** Asks for a line of text. What stands above it has been read then. */
  line(question: string): Promise<string>;
  /** Waits for a key under a line that names the choices; the line is gone afterwards. */
  ask(choices: string): Promise<string>;
}

/** Rows that stay free: for the question, and for the last line that was read. */
const SPARE_ROWS = 2;

export function openPager(output: WriteStream, keyboard: Keyboard, paint: Paint): Pager {
  let used = 0;
  let kept: string[] = [];

  const rows = (text: string) => rowsOf(text, output.columns || 80);
  const screen = () => (output.rows || 24) - SPARE_ROWS;
  const fits = (text: string) => used + rows(text) <= screen();
  const put = (line: string) => {
    output.write(`${line}\n`);
    used += rows(line);
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
    end: (text) => {
      for (const line of [...kept, text].join('\n').split('\n')) put(line);
      kept = [];
    },
    line: async (question) => {
      const text = await keyboard.line(question);
      used = 0;
      return text;
    },
    page: async (text) => {
      const whole = [...kept, text].join('\n');
      kept = [];
      for (const part of splitParts(whole)) {
        const turns = !fits(part) && rows(part) <= screen();
        if (turns && used > 0 && (await ask(MORE)) === 'q') return false;
        for (const line of part.split('\n')) {
          // A line of more rows than the screen has is shown all the same.
          if (!fits(line) && used > 0 && (await ask(MORE)) === 'q') return false;
          put(line);
        }
      }
      return true;
    },
  };
}

const MORE = '── more: Space · q quit ';

/** Paragraphs, which should stay whole, each with its heading and the empty line after it. */
function splitParts(text: string): string[] {
  const parts: string[] = [];
  let part: string[] = [];
  const lines = text.split('\n');
  lines.forEach((line, i) => {
    part.push(line);
    const ends = line === '' && lines[i + 1] !== '';
    const heading = part.filter((each) => each !== '').length < 2;
    if ((ends && !heading) || i === lines.length - 1) {
      parts.push(part.join('\n'));
      part = [];
    }
  });
  return parts;
}
