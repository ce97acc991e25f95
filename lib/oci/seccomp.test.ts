import { closeSync, mkdtempSync, readdirSync, readlinkSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { PR_SET_NO_NEW_PRIVS } from '../kernel/constants.ts';
import { copyDescriptor } from '../kernel/sockets.ts';
import { capture } from '../launch/capture.ts';
import { type Calls, launch } from '../launch/program.ts';
import { itNeeds } from '../observe/it-needs.ts';
import { readStatus } from '../observe/status.ts';
import { receive } from './receive.fixture.ts';
import { rule } from './seccomp/profile.fixture.ts';
import { loadSeccomp, notifies } from './seccomp.ts';
import { sendListener } from './seccomp-listener.ts';
import type { Seccomp, Spec, State } from './spec.ts';

let directory = '';
beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), 'unboxed-seccomp-'));
});
afterAll(() => rmSync(directory, { recursive: true }));

const specOf = (seccomp: Seccomp): Spec => ({ ociVersion: '1.2.0', linux: { seccomp } });

/** The program: the filter, then the calls of `body`, then its end. */
const filtered = (seccomp: Seccomp, body: (call: Calls) => void) =>
  launch({}, (call) => {
    call.prctl(PR_SET_NO_NEW_PRIVS, 1);
    loadSeccomp({ call, spec: specOf(seccomp) });
    body(call);
    call.exit(0);
  });

/** What the lines after the filter returned, and how the process ended. */
async function tried(seccomp: Seccomp, body: (call: Calls) => void) {
  const { results, exit } = await capture(filtered(seccomp, body), { timed: false });
  return { results: results.slice(2, -1).map(({ result }) => result), exit };
}

describe('loadSeccomp', () => {
  itNeeds(['linux'], 'gives the kernel’s answers for each action that goes on', async () => {
    const { results } = await tried(
      {
        defaultAction: 'SCMP_ACT_ALLOW',
        syscalls: [
          rule('getppid', 'ERRNO', [], 77),
          rule('setsid', 'ERRNO'),
          rule('umask', 'TRACE', [], 5),
          rule('getpid', 'LOG'),
        ],
      },
      (call) => {
        call.attempt.getppid();
        call.attempt.setsid();
        call.attempt.umask(0o22);
        call.attempt.getpid();
      },
    );
    // Nobody traces: there is no such call then.
    expect(results).toEqual([-77, -1, -38, expect.any(Number)]);
    expect(results[3]).toBeGreaterThan(0);
  });

  itNeeds(['linux'], 'ends the process for each action that does not', async () => {
    const ends = async (action: string) => {
      const syscalls = [rule('getppid', action)];
      const seccomp = { defaultAction: 'SCMP_ACT_ALLOW', syscalls };
      return tried(seccomp, (call) => call.attempt.getppid()).catch(String);
    };
    for (const action of ['KILL', 'KILL_THREAD', 'KILL_PROCESS', 'TRAP']) {
      expect(await ends(action), action).toContain('SIGSYS');
    }
  });

  itNeeds(['linux'], 'compares arguments of 64 bits as numbers without a sign', async () => {
    const big = 2 ** 40 + 7;
    const conditions: [string, number, number?][] = [
      ['NE', 7],
      ['LT', big],
      ['LE', big],
      ['EQ', big],
      ['GE', big],
      ['GT', big],
      ['MASKED_EQ', 2 ** 40 + 1, 2 ** 40 + 1],
    ];
    const values = [0, 7, 8, 2 ** 32 + 7, big - 1, big, big + 1, 2 ** 41, 2 ** 41 + 8];
    const holds: Record<string, (value: number) => boolean> = {
      NE: (value) => value !== 7,
      LT: (value) => value < big,
      LE: (value) => value <= big,
      EQ: (value) => value === big,
      GE: (value) => value >= big,
      GT: (value) => value > big,
      MASKED_EQ: (value) => BigInt(value) % 2n === 1n && (BigInt(value) >> 40n) % 2n === 1n,
    };
    for (const [op, value, valueTwo] of conditions) {
      const syscalls = [rule('personality', 'ERRNO', [[0, op, value, valueTwo]], 99)];
      const seccomp = { defaultAction: 'SCMP_ACT_ALLOW', syscalls };
      const { results } = await tried(seccomp, (call) => {
        for (const each of values) call.attempt.personality(each);
      });
      const matched = values.filter((_, i) => results[i] === -99);
      expect(matched, op).toEqual(values.filter((each) => holds[op]?.(each)));
    }
  });

  itNeeds(['linux'], 'is a filter that the kernel tells of, with its flags', async () => {
    const modes: unknown[] = [];
    const seccomp: Seccomp = {
      defaultAction: 'SCMP_ACT_ALLOW',
      flags: [
        'SECCOMP_FILTER_FLAG_LOG',
        'SECCOMP_FILTER_FLAG_TSYNC',
        'SECCOMP_FILTER_FLAG_SPEC_ALLOW',
        'SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV',
      ],
    };
    const program = filtered(seccomp, (call) => call.gate('look'));
    await capture(program, {
      atGate: async (_, pid) => void modes.push(readStatus(pid).seccomp),
    });
    expect(modes).toEqual([2]);
  });

  itNeeds(
    ['root', 'cc'],
    'hands the listener over, and its answers come to the caller',
    async () => {
      const { path, output } = await receive(directory, 'answer');
      const seccomp: Seccomp = {
        defaultAction: 'SCMP_ACT_ALLOW',
        syscalls: [rule('getppid', 'NOTIFY')],
        flags: ['SECCOMP_FILTER_FLAG_TSYNC', 'SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV'],
        listenerPath: path,
        listenerMetadata: 'of the test',
      };
      const state: State = {
        ociVersion: '1.2.0',
        id: 'a',
        status: 'creating',
        pid: 1,
        bundle: '/b',
      };
      const program = filtered(seccomp, (call) => {
        call.gate('listener');
        call.getppid();
      });
      const { results } = await capture(program, {
        atGate: async (_, pid) => {
          const listener = copyDescriptor(pid, listenerOf(pid));
          sendListener(seccomp, listener, { ...state, pid });
          closeSync(listener);
        },
      });
      expect(results.at(-2)?.result).toBe(4242);
      const [message = '', asked] = (await output).split('\n');
      expect(JSON.parse(message)).toMatchObject({
        ociVersion: '1.2.0',
        fds: ['seccompFd'],
        metadata: 'of the test',
        state: { id: 'a', status: 'creating' },
      });
      expect(JSON.parse(message).pid).toBe(JSON.parse(message).state.pid);
      expect(Number(asked)).toBe(process.arch === 'arm64' ? 173 : 110);
    },
  );

  it.each<[string, Partial<Seccomp>]>([
    ['defaultAction: SCMP_ACT_NOTIFY', { defaultAction: 'SCMP_ACT_NOTIFY' }],
    ['syscalls[0]: SCMP_ACT_NOTIFY for write', { syscalls: [rule('write', 'NOTIFY')] }],
    ['listenerPath: missing', { syscalls: [rule('mount', 'NOTIFY')] }],
    ['listenerMetadata: given without', { listenerMetadata: 'x' }],
    ['flags[0]: "TSYNC" is no flag', { flags: ['TSYNC'] }],
  ])('refuses linux.seccomp.%s', (message, given) => {
    const seccomp = { defaultAction: 'SCMP_ACT_ALLOW', ...given };
    expect(() => filtered(seccomp, () => {})).toThrow(`linux.seccomp.${message}`);
  });

  it('knows which profiles ask somebody', () => {
    const ask = { defaultAction: 'SCMP_ACT_ALLOW', syscalls: [rule('mount', 'NOTIFY')] };
    expect([undefined, { defaultAction: 'SCMP_ACT_ALLOW' }, ask].map(notifies)).toEqual([
      false,
      false,
      true,
    ]);
  });
});

function listenerOf(pid: number): number {
  const directory = `/proc/${pid}/fd`;
  const found = readdirSync(directory).find((fd) =>
    readlinkSync(join(directory, fd)).includes('seccomp notify'),
  );
  if (!found) throw new Error('the process has no listener');
  return Number(found);
}
