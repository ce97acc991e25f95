import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { execa } from 'execa';
import { afterEach, describe, expect } from 'vitest';
import { itNeeds } from '../observe/it-needs.ts';
import { root } from './course.ts';

const directory = mkdtempSync(join(tmpdir(), 'terminal-'));
const socket = `unboxed-${process.pid}`;
const tmux = async (...args: string[]) => (await execa('tmux', ['-L', socket, ...args])).stdout;

afterEach(async () => {
  await tmux('kill-server');
  rmSync(directory, { recursive: true, force: true });
});

/** Waits until the screen shows `text`; the test's timeout ends what never comes. */
async function screenWith(text: string): Promise<string> {
  for (;;) {
    const screen = await tmux('capture-pane', '-p', '-t', 'lab');
    if (screen.includes(text)) return screen;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

describe('a lab in a terminal', () => {
  itNeeds(
    ['root', 'tmux'],
    'is read, stopped by Ctrl-C, and leaves the terminal as it was',
    async () => {
      const script = [
        `stty -a > ${directory}/before`,
        `${process.execPath} ${root}scripts/lab.ts 01`,
        'echo "exit $?"',
        `stty -a > ${directory}/after`,
        'sleep 600',
      ].join('; ');
      const env = `UNBOXED_STATE=${directory}/state`;
      await tmux('new-session', '-d', '-s', 'lab', '-x', '90', '-y', '28', '-e', env, script);
      await screenWith('── more: Space');
      await tmux('send-keys', '-t', 'lab', 'Space');
      await screenWith('Your answer');
      await tmux('send-keys', '-t', 'lab', 'the host’s', 'Enter');
      const screen = await screenWith('Enter run it');
      expect(screen).toContain('step 1 of');
      await tmux('send-keys', '-t', 'lab', 'Enter');
      await screenWith('You said: the host’s');
      await tmux('send-keys', '-t', 'lab', 'C-c');
      await screenWith('exit 130');
      expect(readFileSync(`${directory}/after`, 'utf8')).toBe(
        readFileSync(`${directory}/before`, 'utf8'),
      );
    },
  );
});
