/**
 * A command at a terminal of its own, and what stands on the screen when it has ended: as far as box
 * moves the cursor, which is up, down, to a line's beginning, and clearing a line.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync } from 'node:fs';
import { ReadStream } from 'node:tty';
import { openPty } from '../launch/pty.ts';
import type { BoxPlace, Form } from './box.fixture.ts';

export async function atTerminal(
  { argv }: Form,
  { env, base }: BoxPlace,
  args: string[],
): Promise<{ code: number; said: string; screen: string[] }> {
  const { master, slave } = openPty({ rows: 40, columns: 100 });
  const [program, ...before] = argv;
  const stdio: [number, number, number] = [slave, slave, slave];
  const child = spawn(program, [...before, ...args], { cwd: base, env, stdio });
  const ended = once(child, 'exit');
  closeSync(slave);
  const stream = new ReadStream(master);
  let said = '';
  stream.on('error', () => undefined).setEncoding('utf8');
  const over = new Promise((resolve) => stream.once('close', resolve));
  stream.on('data', (text: string) => {
    said += text;
  });
  const [code] = await ended;
  await over;
  return { code, said, screen: drawScreen(said) };
}

const ESCAPE = String.fromCharCode(27);
const MOVE_OR_CHARACTER = new RegExp(`(${ESCAPE}\\[(\\d*)([A-Za-z]))|.`, 'gsu');

function drawScreen(said: string): string[] {
  const rows: string[] = [''];
  let [row, column] = [0, 0];
  for (const [part, , count = '', letter] of said.matchAll(MOVE_OR_CHARACTER)) {
    const by = Number(count || 1);
    if (letter === 'A') row = Math.max(row - by, 0);
    else if (letter === 'B') row += by;
    else if (letter === 'G') column = by - 1;
    else if (letter === 'K') rows[row] = '';
    else if (part === '\n') row += 1;
    else if (part === '\r') column = 0;
    else if (letter === undefined) {
      const line = (rows[row] ?? '').padEnd(column);
      rows[row] = line.slice(0, column) + part + line.slice(column + 1);
      column += 1;
    }
    while (rows.length <= row) rows.push('');
  }
  return rows;
}
