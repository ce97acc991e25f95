import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { hierarchy, ownCgroup } from '../host/cgroups.fixture.ts';
import { CLONE_NEWCGROUP } from '../kernel/constants.ts';
import { itNeeds } from '../observe/it-needs.ts';
import { readMembership } from '../observe/membership.ts';
import { capture } from './capture.ts';
import { explainProgram } from './explain.ts';
import { type Calls, launch } from './program.ts';
import { quiet, rejected, sh, shell } from './shell.fixture.ts';
import { start } from './start.ts';

const inTree = (path: string) => path.slice(hierarchy('v2').length);

describe('a program with a cgroup', () => {
  itNeeds(['root', 'cgroup-v2'], 'is in it from its first line on', async () => {
    await using group = ownCgroup('v2');
    const seen: (string | undefined)[] = [];
    const program = launch({ namespaces: ['mount'], cgroup: group.path }, (call) => {
      call.gate('look');
      sh(call, 'exec sleep 1000');
    });
    const child = await start(program, {
      ...quiet,
      atGate: async (_, pid) => void seen.push(readMembership(pid).v2),
    });
    seen.push(readMembership(child.pid).v2);
    child.kill();
    await child.exited;
    expect(seen).toEqual([inTree(group.path), inTree(group.path)]);
    expect(readMembership('self').v2).not.toBe(inTree(group.path));
  });

  itNeeds(['root', 'cgroup-v2'], 'is so one line at a time, and without a gate', async () => {
    await using group = ownCgroup('v2');
    const program = { ...shell('grep ^0: /proc/self/cgroup'), cgroup: group.path };
    const line = `0::${inTree(group.path)}\n`;
    expect((await capture(program)).stdout).toBe(line);
    expect((await capture(program, { beforeLine: async () => 'go' })).stdout).toBe(line);
  });

  itNeeds(['root', 'cgroup-v2'], 'is so from another process’s namespaces', async () => {
    await using group = ownCgroup('v2');
    const host = await start(shell('exec sleep 1000', ['network']), quiet);
    const program = { ...shell('grep ^0: /proc/self/cgroup', ['mount']), cgroup: group.path };
    const from = { pid: host.pid, namespaces: ['network'] as const };
    const { stdout } = await capture(program, { from });
    host.kill();
    await host.exited;
    expect(stdout).toBe(`0::${inTree(group.path)}\n`);
  });

  itNeeds(['root', 'cgroup-v2'], 'sees it as the root of a namespace made afterwards', async () => {
    await using group = ownCgroup('v2');
    const look = (call: Calls) => sh(call, 'grep ^0: /proc/self/cgroup');
    const after = launch({ cgroup: group.path }, (call) => {
      call.unshare(CLONE_NEWCGROUP);
      look(call);
    });
    expect((await capture(after)).stdout).toBe('0::/\n');
  });

  itNeeds(['root', 'cgroup-v2'], 'does not start where there is none', async () => {
    const open = readdirSync('/proc/self/fd').length;
    const path = join(hierarchy('v2'), 'no-such-cgroup');
    const failure = await rejected(start({ ...shell('true'), cgroup: path }, quiet));
    expect(failure).toMatchObject({ code: 'ENOENT', syscall: 'openat' });
    expect(readdirSync('/proc/self/fd')).toHaveLength(open);
  });

  it('says so in its first row', () => {
    const row = (namespaces: ('pid' | 'mount')[]) =>
      explainProgram({ ...shell('true', namespaces), cgroup: '/cg/a' })[0]?.text;
    expect(row(['pid'])).toBe(
      'clone3({flags=CLONE_NEWPID|CLONE_INTO_CGROUP, exit_signal=SIGCHLD, cgroup=open("/cg/a")}, 88)',
    );
    expect(row([])).toContain('{flags=CLONE_INTO_CGROUP,');
    expect(launch({ cgroup: null }, () => {})).toEqual({ namespaces: [], lines: [] });
  });
});
