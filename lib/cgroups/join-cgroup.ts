/**
 * Getting into the cgroup that a process is in already, in version 1: as with enter-cgroup.ts these
 * are the first lines of whoever joins, while the host's cgroup mounts are still to be seen. setns(2)
 * enters no cgroup; its cgroup namespace is a view and limits nothing.
 *
 * cgroups(7), cgroup_namespaces(7), proc_pid_cgroup(5)
 */
import { AT_FDCWD, O_CLOEXEC, O_WRONLY } from '../kernel/constants.ts';
import type { Calls } from '../launch/program.ts';
import { directoryOfCgroup, readMembership, V2 } from '../observe/membership.ts';
import { isUsed } from './plan.ts';

/**
 * Writes down two lines for each hierarchy with a controller that containers get a directory of;
 * none where its mount is not to be seen. Throws ObserveError when `pid` is gone.
 */
export function joinCgroup(call: Calls, pid: number): void {
  for (const directory of v1DirectoriesOf(pid)) {
    const procs = call.openat(AT_FDCWD, `${directory}/cgroup.procs`, O_WRONLY | O_CLOEXEC);
    // 0 is whoever writes.
    call.write(procs, Buffer.from('0'));
  }
}

function v1DirectoriesOf(pid: number): string[] {
  const found = Object.entries(readMembership(pid))
    .filter(([key]) => key !== V2 && !key.startsWith('name=') && isUsed(key))
    .flatMap(([key, path]) => directoryOfCgroup(key, path) ?? []);
  return [...new Set(found)];
}
