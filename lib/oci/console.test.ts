import { closeSync, mkdirSync, mkdtempSync, renameSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect } from 'vitest';
import { openPty } from '../launch/pty.ts';
import { shell } from '../launch/shell.fixture.ts';
import { start } from '../launch/start.ts';
import { itNeeds } from '../observe/it-needs.ts';
import { sendTerminal } from './console.ts';
import { receive } from './receive.fixture.ts';

let directory = '';
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'unboxed-console-'));
});
afterEach(() => rmSync(directory, { recursive: true }));

/** What whoever got the master types to a shell, and reads from it. */
async function talkOver(directory: string): Promise<string> {
  const { path, output } = await receive(directory, { typing: 'echo $((6*7)); exit\n' });
  const pty = openPty();
  sendTerminal(path, pty.master, '/dev/ptmx');
  closeSync(pty.master);
  const child = await start(shell('exec sh'), { streams: { tty: pty.slave } });
  closeSync(pty.slave);
  await child.exited;
  return output;
}

describe('sendTerminal', () => {
  itNeeds(['linux', 'cc'], 'hands the master over, with its name', async () => {
    const output = await talkOver(directory);
    expect(output.split('\n')[0]).toBe('/dev/ptmx');
    expect(output).toMatch(/^# 42\r?$/m);
  });

  itNeeds(['linux', 'cc'], 'reaches a socket whose path is longer than an address', async () => {
    const deep = join(directory, 'a'.repeat(100), 'b'.repeat(100));
    mkdirSync(deep, { recursive: true });
    const { path, output } = await receive(directory, { typing: '' });
    renameSync(path, join(deep, 'socket'));
    const pty = openPty();
    sendTerminal(join(deep, 'socket'), pty.master, 'far');
    closeSync(pty.slave);
    closeSync(pty.master);
    expect((await output).trim()).toBe('far');
  });

  itNeeds(['linux'], 'says whom it could not reach', () => {
    expect(() => sendTerminal(join(directory, 'none'), 0, 'x')).toThrow(
      /^--console-socket .*none: connect\(.*ENOENT/,
    );
  });
});
