import { existsSync, readlinkSync, writeFileSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { describe, expect } from 'vitest';
import { itNeeds } from '../observe/it-needs.ts';
import { capture } from './capture.ts';
import { LaunchError } from './launch-error.ts';
import { launch } from './program.ts';
import { rejected, sh } from './shell.fixture.ts';
import { start } from './start.ts';

describe('a gate', () => {
  const gated = launch({ namespaces: ['uts'] }, (call) => {
    call.sethostname('behind-the-gate');
    call.gate('first');
    call.gate('second');
    sh(call, 'hostname; cat');
  });

  itNeeds(['root'], 'holds the child until the host has done its half', async () => {
    const seen: unknown[] = [];
    const { stdout, results } = await capture(gated, {
      input: 'in',
      atGate: async (name, pid) => {
        const before = readlinkSync(`/proc/${pid}/exe`);
        await delay(30);
        seen.push([name, before === readlinkSync(`/proc/${pid}/exe`), before === process.execPath]);
      },
    });
    expect(seen).toEqual([
      ['first', true, true],
      ['second', true, true],
    ]);
    expect(stdout).toBe('behind-the-gate\nin');
    expect(results.map(({ result }) => result)).toEqual([0, 1, 1, 0, null]);
  });

  itNeeds(['root'], 'that the host refuses ends the child, with the host’s reason', async () => {
    let waiting = 0;
    const reason = new Error('no address left');
    const error = await rejected(
      capture(gated, {
        atGate: async (name, pid) => {
          waiting = pid;
          if (name === 'second') throw reason;
        },
      }),
    );
    expect(error).toBe(reason);
    expect(existsSync(`/proc/${waiting}`)).toBe(false);
  });

  itNeeds(['root'], 'does not keep a child that is killed in front of it', async () => {
    const error = await rejected(
      capture(gated, { atGate: async (_, pid) => void process.kill(pid, 'SIGKILL') }),
    );
    expect(error).toBeInstanceOf(LaunchError);
    expect((error as Error).message).toContain('SIGKILL');
  });

  itNeeds(
    ['linux'],
    'is no trap for a program that closes every descriptor behind it',
    async () => {
      const program = launch({}, (call) => {
        call.gate('maps');
        call.closeRange(3, 0xffffffff, 0);
        call.nanosleep(new Uint8Array(BigInt64Array.of(0n, 50_000_000n).buffer));
        sh(call, 'exit 6');
      });
      const { exit, results } = await capture(program);
      expect(exit).toEqual({ code: 6 });
      expect(results.map(({ result }) => result)).toEqual([1, 0, 0, 0, null]);
    },
  );

  itNeeds(
    ['linux'],
    'is followed by an execve that fails, also behind closed descriptors',
    async () => {
      // Searching a long path makes it likely that the child is in a call when the wire has ended.
      const program = launch({}, (call) => {
        call.gate('maps');
        call.closeRange(3, 0xffffffff, 0);
        for (let i = 0; i < 2000; i++) call.attempt.execve(`/nowhere/${i}`, ['none'], {});
        call.execve('/nowhere/last', ['none'], {});
      });
      for (let i = 0; i < 10; i++) {
        const error = await rejected(start(program));
        expect((error as Error).message).toContain('execve("/nowhere/last", ["none"], []): ENOENT');
      }
    },
  );

  itNeeds(['linux'], 'what if a signal comes to the waiting child? It is not ours', async () => {
    const program = launch({}, (call) => {
      call.gate('signal');
      sh(call, 'exit 0');
    });
    let heard = 0;
    const hear = () => void heard++;
    process.on('SIGUSR2', hear);
    try {
      const atGate = async (_: string, pid: number) => void process.kill(pid, 'SIGUSR2');
      const error = await rejected(capture(program, { atGate }));
      expect((error as Error).message).toContain('the child ended on the way: SIGUSR2');
      await delay(50);
      expect(heard).toBe(0);
    } finally {
      process.off('SIGUSR2', hear);
    }
  });

  itNeeds(['userns'], 'is where id maps are written for a user namespace', async () => {
    const program = launch({ namespaces: ['user'] }, (call) => {
      call.gate('maps');
      call.setuid(0);
      sh(call, 'id -u; cat /proc/self/uid_map');
    });
    const { stdout } = await capture(program, {
      atGate: async (_, pid) => writeFileSync(`/proc/${pid}/uid_map`, `0 ${process.getuid?.()} 1`),
    });
    expect(stdout.split(/\s+/)).toEqual(['0', '0', String(process.getuid?.()), '1', '']);
  });
});
