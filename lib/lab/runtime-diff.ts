/**
 * The difference of two runtimes, line by line, as a reader wants it: the whole new text, with what
 * went marked `-` and what came marked `+`. They are short, so nothing is cut away.
 */
import { styleText } from 'node:util';
import { diffLines } from 'diff';

export interface Side {
  /** What stands above the text, for instance `lab 03`. */
  name: string;
  text: string;
}

/** Lines without a final newline; `colour` marks them red and green as well. */
export function diffRuntimes(before: Side, after: Side, colour: boolean): string {
  const paint = (style: 'red' | 'green' | 'bold', line: string) =>
    colour ? styleText(style, line, { validateStream: false }) : line;
  const lines = diffLines(before.text, after.text).flatMap(({ value, added, removed }) => {
    const mark = added ? '+' : removed ? '-' : ' ';
    return value
      .replace(/\n$/, '')
      .split('\n')
      .map((line) => {
        const marked = `${mark} ${line}`.trimEnd();
        if (mark === ' ') return marked;
        return paint(mark === '+' ? 'green' : 'red', marked);
      });
  });
  const heads = [paint('bold', `--- ${before.name}`), paint('bold', `+++ ${after.name}`)];
  return [...heads, ...lines, ...explainTakenOver(after.text)].join('\n');
}

/** What is taken over from another runtime as it is seems to be removed. */
function explainTakenOver(text: string): string[] {
  const [, name, source] = /^export \{ (\w+) \} from '(.*)';$/m.exec(text) ?? [];
  if (!source) return [];
  return [
    '',
    `\`${name}\` itself is taken over from ${source}: what you have of it stays as it is`,
  ];
}

/** Whether to write in colour: to a terminal, unless NO_COLOR says no (https://no-color.org). */
export const inColour = (stream: { isTTY?: boolean }): boolean =>
  stream.isTTY === true && !process.env.NO_COLOR;
