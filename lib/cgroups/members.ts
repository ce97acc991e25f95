/**
 * Who is in a cgroup, and waiting until nobody is. A process that has ended is no member any more,
 * also while it is a zombie. `cgroup.procs` holds processes, `tasks` (version 1) and
 * `cgroup.threads` (version 2) each of their threads.
 *
 * cgroups(7), kernel Documentation/admin-guide/cgroup-v2.rst "[Un]populated Notification"
 */
import { setTimeout } from 'node:timers/promises';
import { membersBelow } from '../host/remove-cgroups.ts';
import { CgroupError } from './cgroup-error.ts';
import { readCgroupFile, readKeyed } from './cgroup-file.ts';
import { type CgroupPlan, directoriesOf } from './plan.ts';

const LOOK_AGAIN_MS = 5;

/** Pids, lowest first, those in cgroups below included. Throws ObserveError. */
export function membersOf(plan: CgroupPlan): number[] {
  const pids = new Set(directoriesOf(plan).flatMap(membersBelow));
  return [...pids].sort((a, b) => a - b);
}

/** Threads in one directory, as the kernel lists them, without those below it. */
export function threadsIn(directory: string): number[] {
  const text = readCgroupFile(directory, 'tasks') ?? readCgroupFile(directory, 'cgroup.threads');
  return (text ?? '').split('\n').filter(Boolean).map(Number);
}

/** Whether a process is in it or below it; false when it is gone. Throws ObserveError. */
export const isPopulated = (plan: CgroupPlan): boolean =>
  directoriesOf(plan).some((directory) => {
    const { populated } = readKeyed(directory, 'cgroup.events');
    return populated === undefined ? membersBelow(directory).length > 0 : populated === 1;
  });

/** Resolves when nobody is in it any more. Throws CgroupError after `timeout` milliseconds. */
export async function untilEmpty(plan: CgroupPlan, timeout = 10_000): Promise<void> {
  const deadline = performance.now() + timeout;
  while (isPopulated(plan)) {
    if (performance.now() > deadline) {
      const why = `${plan.id} still has ${membersOf(plan).join(', ')} after ${timeout} ms`;
      throw new CgroupError([{ controller: 'cgroup', why }]);
    }
    await setTimeout(LOOK_AGAIN_MS);
  }
}
