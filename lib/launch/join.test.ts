import { readdirSync, readlinkSync } from 'node:fs';
import { describe, expect } from 'vitest';
import { CLONE_NEWPID } from '../kernel/constants.ts';
import { itNeeds } from '../observe/it-needs.ts';
import { readStatus } from '../observe/process.ts';
import { capture } from './capture.ts';
import { launch } from './program.ts';
import { quiet, rejected, sh, shell } from './shell.fixture.ts';
import { start } from './start.ts';

describe('another process’s namespaces', () => {
  itNeeds(['root'], 'are where a program starts from, those named and no others', async () => {
    const host = await start(shell('exec sleep 100', ['network', 'uts', 'pid']), quiet);
    try {
      const { stdout } = await capture(shell('readlink /proc/self/ns/net /proc/self/ns/uts'), {
        from: { pid: host.pid, namespaces: ['network'] },
      });
      expect(stdout.trim().split('\n')).toEqual([
        readlinkSync(`/proc/${host.pid}/ns/net`),
        readlinkSync('/proc/self/ns/uts'),
      ]);
    } finally {
      host.kill();
      await host.exited;
    }
  });

  itNeeds(['root'], 'take in a pid namespace: the program is a process of it', async () => {
    const host = await start(shell('sleep 100; true', ['pid']), quiet);
    try {
      const joining = { from: { pid: host.pid, namespaces: ['pid'] as const } };
      const child = await start(shell('exec sleep 100'), { ...quiet, ...joining });
      expect(readStatus(child.pid).nsPid).toHaveLength(2);
      expect(readlinkSync(`/proc/${child.pid}/ns/pid`)).toBe(
        readlinkSync(`/proc/${host.pid}/ns/pid`),
      );
      child.kill();
      await child.exited;
    } finally {
      host.kill();
      await host.exited;
    }
  });

  itNeeds(['linux'], 'that are gone are an error, and nothing stays open', async () => {
    const gone = await start(shell('true'), quiet);
    await gone.exited;
    const before = readdirSync('/proc/self/fd').length;
    const joining = { from: { pid: gone.pid, namespaces: ['network'] as const } };
    expect(await rejected(start(shell('true'), { ...quiet, ...joining }))).toMatchObject({
      code: 'ESRCH',
    });
    expect(readdirSync('/proc/self/fd')).toHaveLength(before);
  });
});

describe('a fork in the list', () => {
  const forking = launch({}, (call) => {
    call.fork(CLONE_NEWPID);
    sh(call, 'echo $$; exit 3');
  });

  itNeeds(['root'], 'goes on in the new child, whose exit is the one that counts', async () => {
    const { stdout, exit } = await capture(forking);
    expect(stdout).toBe('1\n');
    expect(exit).toEqual({ code: 3 });
  });

  itNeeds(['root'], 'shows the new child’s pid at a gate behind it', async () => {
    const program = launch({}, (call) => {
      call.fork(CLONE_NEWPID);
      call.gate('inside');
      sh(call, 'true');
    });
    let inner: number[] = [];
    const { pid } = await capture(program, {
      atGate: async (_, at) => {
        inner = readStatus(at).nsPid;
      },
    });
    expect(inner).toEqual([pid, 1]);
  });
});
