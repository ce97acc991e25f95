import { spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readlinkSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect } from 'vitest';
import {
  AT_FDCWD,
  CLOSE_RANGE_CLOEXEC,
  MOVE_MOUNT_F_EMPTY_PATH,
  MS_PRIVATE,
  MS_REC,
  O_DIRECTORY,
  OPEN_TREE_CLOEXEC,
  OPEN_TREE_CLONE,
  SIGTERM,
} from '../kernel/constants.ts';
import { SyscallError } from '../kernel/syscall-error.ts';
import { itNeeds } from '../observe/it-needs.ts';
import { readMountinfo } from '../observe/mountinfo.ts';
import { readFds } from '../observe/process.ts';
import { capture } from './capture.ts';
import { LaunchError } from './launch-error.ts';
import { type Calls, launch } from './program.ts';
import { quiet, rejected, sh, shell } from './shell.fixture.ts';
import { start } from './start.ts';

let directory: string;
beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), 'unboxed-start-'));
});
afterAll(() => rmSync(directory, { recursive: true }));

describe('how a container ends', () => {
  itNeeds(['linux'], 'is told by its exit status', async () => {
    const child = await start(shell('exit 42'), quiet);
    expect(await child.exited).toEqual({ code: 42 });
  });

  itNeeds(['linux'], 'is told by the signal that killed it', async () => {
    const child = await start(shell('kill -TERM $$; exit 1'), quiet);
    expect(await child.exited).toEqual({ signal: 'SIGTERM' });
  });

  itNeeds(['linux'], 'has the usual one of a signal’s two names', async () => {
    const child = await start(shell('kill -ABRT $$; exit 1'), quiet);
    expect(await child.exited).toEqual({ signal: 'SIGABRT' });
  });

  itNeeds(['linux'], 'can be decided from here; a late signal hits nobody', async () => {
    const child = await start(shell('exec sleep 100'), quiet);
    child.kill(SIGTERM);
    expect(await child.exited).toEqual({ signal: 'SIGTERM' });
    expect(() => child.kill()).not.toThrow();
  });

  itNeeds(['linux'], 'is waited for while the event loop goes on', async () => {
    let turns = 0;
    const timer = setInterval(() => {
      turns += 1;
    }, 10);
    const child = await start(shell('sleep 0.5'), quiet);
    await child.exited;
    clearInterval(timer);
    expect(turns).toBeGreaterThan(5);
  });

  itNeeds(['linux'], 'is not taken from child_process, nor theirs from us', async () => {
    const theirs = Array.from({ length: 5 }, (_, i) =>
      once(spawn('/bin/sh', ['-c', `sleep 0.0${i}; exit ${10 + i}`]), 'exit'),
    );
    const ours = [];
    for (let i = 0; i < 10; i++) ours.push((await start(shell(`exit ${i}`), quiet)).exited);
    expect((await Promise.all(theirs)).map(([code]) => code)).toEqual([10, 11, 12, 13, 14]);
    expect(await Promise.all(ours)).toEqual(Array.from({ length: 10 }, (_, code) => ({ code })));
  });
});

describe('a container that has started', () => {
  const sleeping = (call: Calls) => void call.execve('/bin/sleep', ['sleep', '100'], {});

  itNeeds(['linux'], 'runs its own program, whose arguments can be read', async () => {
    const gated = launch({}, (call) => {
      call.gate('wire');
      sleeping(call);
    });
    for (const program of [launch({}, sleeping), gated]) {
      for (let i = 0; i < 50; i++) {
        const child = await start(program, quiet);
        // Looked at before anything else: what execve has yet to do takes it microseconds.
        const seen = readFileSync(`/proc/${child.pid}/cmdline`, 'utf8');
        const exe = readlinkSync(`/proc/${child.pid}/exe`);
        child.kill();
        await child.exited;
        expect(seen.split('\0')).toEqual(['sleep', '100', '']);
        expect(exe).not.toBe(process.execPath);
      }
    }
  });
});

describe('a line', () => {
  itNeeds(['root'], 'that fails ends the launch, and the error names it', async () => {
    const program = launch({ namespaces: ['mount'] }, (call) => {
      call.chdir('/');
      call.mount('proc', '/nowhere', 'proc', 0);
      sh(call, 'echo never');
    });
    const error = await rejected(capture(program));
    expect(error).toBeInstanceOf(LaunchError);
    expect(error).toMatchObject({ line: 1, aborted: false, cause: { code: 'ENOENT' } });
    expect((error as LaunchError).cause).toBeInstanceOf(SyscallError);
    expect((error as Error).message).toMatch(/^line 2 of 4: mount\("proc", "\/nowhere", .*ENOENT/);
  });

  itNeeds(['linux'], 'that may fail lets the program go on, and its error is kept', async () => {
    const program = launch({}, (call) => {
      call.attempt.chdir('/nowhere');
      sh(call, 'echo on');
    });
    const { stdout, results } = await capture(program);
    expect(stdout).toBe('on\n');
    expect(results.map(({ result }) => result)).toEqual([-2, 0, null]);
  });

  itNeeds(['linux'], 'is named when it is the execve', async () => {
    const program = launch({}, (call) => void call.execve('/nowhere', ['x'], {}));
    expect(await rejected(start(program, quiet))).toMatchObject({ line: 0 });
  });

  itNeeds(['root'], 'takes an earlier one’s result: open_tree into move_mount', async () => {
    const [from, to] = [join(directory, 'from'), join(directory, 'to')];
    for (const path of [from, to]) mkdirSync(path);
    writeFileSync(join(from, 'seen'), 'through the tree');
    const program = launch({ namespaces: ['mount'] }, (call) => {
      call.mount(null, '/', null, MS_REC | MS_PRIVATE);
      const tree = call.openTree(AT_FDCWD, from, OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC);
      call.moveMount(tree, '', AT_FDCWD, to, MOVE_MOUNT_F_EMPTY_PATH);
      sh(call, `cat ${join(to, 'seen')}`);
    });
    expect((await capture(program)).stdout).toBe('through the tree');
    expect(existsSync(join(to, 'seen'))).toBe(false);
    expect(readMountinfo().some(({ mountPoint }) => mountPoint === to)).toBe(false);
  });

  itNeeds(['linux'], 'is timed, each by itself, when asked', async () => {
    const program = launch({}, (call) => {
      call.chdir('/');
      call.nanosleep(new Uint8Array(BigInt64Array.of(0n, 20_000_000n).buffer));
      sh(call, 'true');
    });
    const times = (await capture(program, { timed: true })).results.map((it) => it.microseconds);
    expect(times[1]).toBeGreaterThan(20_000);
    expect(times[0]).toBeLessThan(20_000);
    expect(times.at(-1)).toBeNull();
  });
});

describe('descriptors', () => {
  const listing = 'for fd in /proc/$$/fd/*; do readlink "$fd"; done; true';
  const opening = (closes: boolean) =>
    launch({}, (call) => {
      call.openat(AT_FDCWD, '/usr', O_DIRECTORY);
      if (closes) call.closeRange(3, 0xffffffff, CLOSE_RANGE_CLOEXEC);
      sh(call, listing);
    });

  itNeeds(['linux'], 'of the program do not get into the container past close_range', async () => {
    expect((await capture(opening(true))).stdout.split('\n')).not.toContain('/usr');
  });

  itNeeds(['linux'], 'would get there without it', async () => {
    expect((await capture(opening(false))).stdout.split('\n')).toContain('/usr');
  });

  itNeeds(
    ['root'],
    'of the launch itself never get there: no wire, no pidfd, no own pipe end',
    async () => {
      const program = launch({}, (call) => {
        call.gate('with a wire');
        sh(call, listing);
      });
      const before = new Set(readFds('self').map(({ target }) => target));
      const host = await start(shell('exec sleep 100'), quiet);
      const { stdout } = await capture(program, { from: { pid: host.pid, namespaces: ['uts'] } });
      host.kill();
      await host.exited;
      const targets = stdout
        .trim()
        .split('\n')
        .filter((target) => !before.has(target));
      expect(targets.filter((target) => /^(socket|anon_inode)/.test(target))).toEqual([]);
      expect(targets.filter((target) => target.startsWith('pipe:'))).toHaveLength(2);
    },
  );
});
