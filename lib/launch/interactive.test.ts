import { execFile, execFileSync } from 'node:child_process';
import { closeSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { setTimeout as delay } from 'node:timers/promises';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { kernel } from '../kernel/call.ts';
import { SIG_SETMASK } from '../kernel/constants.ts';
import { itNeeds } from '../observe/it-needs.ts';
import { launch } from './program.ts';
import { openPty, readWindowSize } from './pty.ts';
import { start } from './start.ts';

describe('a pseudo-terminal', () => {
  itNeeds(['linux'], 'has the window size that it is given, and follows a change', () => {
    const pty = openPty({ rows: 11, columns: 222 });
    expect(readWindowSize(pty.slave)).toEqual({ rows: 11, columns: 222 });
    pty.resize({ rows: 40, columns: 100 });
    expect(readWindowSize(pty.slave)).toEqual({ rows: 40, columns: 100 });
    for (const fd of [pty.master, pty.slave]) closeSync(fd);
  });

  itNeeds(
    ['linux'],
    'is the controlling terminal of the container, on all three streams',
    async () => {
      const pty = openPty();
      const script = 'for fd in 0 1 2; do test -t $fd || exit 1; done; echo here >/dev/tty';
      const program = launch({}, (call) => {
        call.rtSigprocmask(SIG_SETMASK, []);
        call.execve('/bin/sh', ['sh', '-c', script], { PATH: '/usr/bin:/bin' });
      });
      const child = await start(program, { streams: { tty: pty.slave } });
      expect(await child.exited).toEqual({ code: 0 });
      const into = new Uint8Array(64);
      const length = kernel.read(pty.master, into);
      expect(Buffer.from(into.subarray(0, length)).toString()).toBe('here\r\n');
      for (const fd of [pty.master, pty.slave]) closeSync(fd);
    },
  );

  itNeeds(['linux'], 'leaves nothing open once it is closed', () => {
    const before = readdirSync('/proc/self/fd').length;
    const pty = openPty();
    for (const fd of [pty.master, pty.slave]) closeSync(fd);
    expect(readdirSync('/proc/self/fd')).toHaveLength(before);
  });
});

const moduleUrl = (path: string) => JSON.stringify(new URL(path, import.meta.url).href);

/** What a user types `node` on: bash in pid and mount namespaces, then a question of our own. */
const session = `
  import { createInterface } from 'node:readline/promises';
  import * as c from ${moduleUrl('../kernel/constants.ts')};
  import { launch } from ${moduleUrl('./program.ts')};
  import { runInteractive } from ${moduleUrl('./interactive.ts')};
  const program = launch({ namespaces: ['mount', 'pid'] }, (call) => {
    call.mount(null, '/', null, c.MS_REC | c.MS_PRIVATE);
    call.mount('proc', '/proc', 'proc', 0);
    call.rtSigprocmask(c.SIG_SETMASK, []);
    call.closeRange(3, 0xffffffff, c.CLOSE_RANGE_CLOEXEC);
    const env = { PATH: '/usr/sbin:/usr/bin:/sbin:/bin', TERM: 'dumb', PS1: 'inside> ' };
    call.execve('/bin/bash', ['bash', '--norc', '-i'], env);
  });
  console.log('host pid', process.pid);
  const way = process.argv[2];
  const onStart = () => {
    if (way === 'throw') setTimeout(() => { throw new Error('on purpose'); }, 500);
    if (way === 'exit') setTimeout(() => process.exit(5), 500);
  };
  console.log('ended', JSON.stringify((await runInteractive(program, { onStart })).exit));
  if (way === 'ask') await answer();
  async function answer() {
  const ask = createInterface({ input: process.stdin, output: process.stdout });
  console.log('answered', await ask.question('next? '));
  ask.close();
  }
`;

/** Many short containers in a row, whose last words come as they end; stdin stays open. */
const lastWords = `
  import { launch } from ${moduleUrl('./program.ts')};
  import { runInteractive } from ${moduleUrl('./interactive.ts')};
  for (let i = 0; i < 30; i++) {
    const script = 'seq 1 500; echo last-words-' + i;
    await runInteractive(launch({}, (call) =>
      void call.execve('/bin/sh', ['sh', '-c', script], { PATH: '/usr/bin:/bin' })));
  }
`;

describe('a container at the keyboard', () => {
  const directory = mkdtempSync(join(tmpdir(), 'unboxed-terminal-'));
  const file = join(directory, 'session.mjs');
  // A server of its own for each test: one that was just killed still holds its socket.
  let servers = 0;
  const tmux = (...args: string[]) =>
    execFileSync('tmux', ['-S', join(directory, `tmux-${servers}`), '-f', '/dev/null', ...args], {
      encoding: 'utf8',
    });
  const type = (...keys: string[]) => void tmux('send-keys', ...keys);
  const screen = () => tmux('capture-pane', '-p', '-S', '-200');

  async function see(pattern: RegExp): Promise<RegExpMatchArray> {
    for (let i = 0; i < 200; i++) {
      const match = screen().match(pattern);
      if (match) return match;
      await delay(50);
    }
    throw new Error(`${pattern} does not appear on the screen:\n${screen()}`);
  }

  /** The terminal's modes, as the shell outside sees them; its size is not one of them. */
  async function modes(name: string): Promise<string> {
    const path = join(directory, name);
    type(`stty -a >${path}; echo wrote-$((40 + 2))-${name}`, 'Enter');
    await see(new RegExp(`wrote-42-${name}`));
    return readFileSync(path, 'utf8').replace(/rows \d+; columns \d+;/, '');
  }

  async function enter(way = ''): Promise<number> {
    // tmux itself, not clear(1): it is done at once, and not every machine has that.
    tmux('send-keys', '-R');
    tmux('clear-history');
    type(`${process.execPath} ${file} ${way}`, 'Enter');
    const [, pid] = await see(/^host pid (\d+)$/m);
    await see(/^inside>/m);
    return Number(pid);
  }

  beforeAll(() => writeFileSync(file, session));
  afterAll(() => rmSync(directory, { recursive: true }));

  // sh, because bash itself mends the modes that a killed program has left.
  async function inTerminal(body: () => Promise<void>): Promise<void> {
    servers += 1;
    tmux('new-session', '-d', '-x', '100', '-y', '30', 'env -u ENV PS1="outside$ " sh');
    try {
      await body();
    } finally {
      tmux('kill-server');
    }
  }

  itNeeds(['root', 'tmux'], 'has job control, keys and a window size of its own', () =>
    inTerminal(async () => {
      await enter();
      expect(screen()).not.toMatch(/cannot set terminal process group|no job control/);
      type('stty size; echo pid-is-$$', 'Enter');
      await see(/^30 100\npid-is-1$/m);
      tmux('resize-window', '-x', '80', '-y', '24');
      type(
        'clear; while [ "$(stty size)" != "24 80" ]; do :; done; echo resized-$((1 + 1))',
        'Enter',
      );
      await see(/^resized-2$/m);
      type('sleep 1000', 'Enter');
      await delay(300);
      type('C-c');
      await delay(100);
      type('echo status-$?', 'Enter');
      await see(/^status-130$/m);
      type('sleep 1000', 'Enter');
      await delay(300);
      type('C-z');
      await see(/Stopped\s+sleep 1000/);
      type('fg', 'Enter');
      await delay(200);
      type('C-c');
      await delay(100);
      type('exit 7', 'Enter');
      await see(/^ended \{"code":7\}$/m);
    }),
  );

  itNeeds(['root', 'tmux'], 'gives the terminal back on every way out', () =>
    inTerminal(async () => {
      const before = await modes('before');
      expect(before).toContain('icanon');

      await enter();
      type('exit', 'Enter');
      // It ends by itself: stdin is not read any more.
      await see(/^ended .*\noutside\$/m);
      await enter('ask');
      type('exit', 'Enter');
      await see(/^ended/m);
      // Keys reach whoever asks next: nothing of ours listens any more.
      type('yes I can', 'Enter');
      await see(/^answered yes I can$/m);
      expect(await modes('end')).toBe(before);

      for (const signal of ['SIGTERM', 'SIGHUP', 'SIGINT'] as const) {
        process.kill(await enter(), signal);
        await delay(500);
        expect(await modes(signal)).toBe(before);
      }
      for (const way of ['throw', 'exit']) {
        await enter(way);
        await delay(1000);
        expect(await modes(way)).toBe(before);
      }
    }),
  );
});

describe('without a terminal of ours', () => {
  itNeeds(['linux'], 'a container’s last words are all heard', async () => {
    const args = ['--input-type=module', '-e', lastWords];
    const { stdout } = await promisify(execFile)(process.execPath, args);
    expect(stdout.match(/^500\r\nlast-words-\d+\r$/gm)).toHaveLength(30);
  });

  itNeeds(['linux'], 'stdin reaches the container, with Ctrl-D where it ends', async () => {
    const script = lastWords.replace(/const script = .*/, "const script = 'stty -echo; cat';");
    const host = execFile(process.execPath, [
      '--input-type=module',
      '-e',
      script.replace('30', '1'),
    ]);
    const heard = text(host.stdout as NodeJS.ReadableStream);
    host.stdin?.end('typed\n');
    expect(await heard).toContain('typed\r\n');
  });
});

it.runIf(process.platform === 'linux')('a terminal’s size is not asked of something else', () => {
  expect(() => readWindowSize(kernel.openat(-100, '/dev/null', 0))).toThrow('ENOTTY');
});
