/**
 * How a child gets into its cgroup before it runs a line of its own. In version 2 it is cloned into
 * it; in version 1 these are the first lines of its program, one pair for each hierarchy, while the
 * host's cgroup mounts are still to be seen.
 *
 *   launch({ namespaces, cgroup: container.cgroup.v2 }, (call) => {
 *     enterCgroup(call, container.cgroup);
 *
 * A cgroup namespace has as its root the cgroup that its first process is in when it is made, so
 * that `call.unshare(CLONE_NEWCGROUP)` comes after.
 *
 * cgroups(7), CLONE_INTO_CGROUP in clone(2), cgroup_namespaces(7)
 */
import { AT_FDCWD, O_CLOEXEC, O_WRONLY } from '../kernel/constants.ts';
import type { Calls } from '../launch/program.ts';
import { type CgroupPlan, v1Directories } from './plan.ts';

/** Writes down the lines for version 1; none where the plan has no directory of it. */
export function enterCgroup(call: Calls, plan: CgroupPlan): void {
  for (const directory of v1Directories(plan)) {
    const procs = call.openat(AT_FDCWD, `${directory}/cgroup.procs`, O_WRONLY | O_CLOEXEC);
    // 0 is whoever writes.
    call.write(procs, Buffer.from('0'));
  }
}
