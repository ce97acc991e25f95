/**
 * Stopping all processes of a cgroup where they are, without a signal that they could see, and
 * letting them go on. In version 2 a frozen process can be killed; in version 1 it dies when it is
 * thawed, which `killCgroup` takes care of.
 *
 * kernel Documentation/admin-guide/cgroup-v2.rst "cgroup.freeze", cgroup-v1/freezer-subsystem.rst
 */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { killCgroups } from '../host/remove-cgroups.ts';
import { CgroupError } from './cgroup-error.ts';
import { readCgroupFile, readKeyed } from './cgroup-file.ts';
import { type CgroupPlan, directoriesOf, whyAbsent } from './plan.ts';

/** A machine without memory to give lets even what is killed wait for long. */
const DEADLINE_MS = 30_000;

/** Resolves when every process is stopped. Throws CgroupError after half a minute. */
export const freezeCgroup = (plan: CgroupPlan): Promise<void> => change(plan, true);

/** Resolves when none is stopped any more. */
export const thawCgroup = (plan: CgroupPlan): Promise<void> => change(plan, false);

export function isFrozen(plan: Pick<CgroupPlan, 'v1' | 'v2'>): boolean {
  const { freezer } = plan.v1;
  if (freezer !== undefined && readCgroupFile(freezer, 'freezer.state')?.trim() === 'FROZEN') {
    return true;
  }
  return plan.v2 !== null && readKeyed(plan.v2, 'cgroup.events').frozen === 1;
}

/** SIGKILL to every process in it and below it; resolves when none is left. Throws HostError. */
export const killCgroup = (plan: CgroupPlan): Promise<void> => killCgroups(directoriesOf(plan));

async function change(plan: CgroupPlan, frozen: boolean): Promise<void> {
  const { freezer } = plan.v1;
  // Where both versions are, the process may be in one of them only.
  if (freezer !== undefined) {
    writeFileSync(join(freezer, 'freezer.state'), frozen ? 'FROZEN' : 'THAWED');
  } else if (plan.v2 !== null) {
    writeFileSync(join(plan.v2, 'cgroup.freeze'), frozen ? '1' : '0');
  } else {
    throw new CgroupError([{ controller: 'freezer', why: whyAbsent(plan, 'freezer') }]);
  }
  const deadline = performance.now() + DEADLINE_MS;
  while (isFrozen(plan) !== frozen) {
    if (performance.now() > deadline) {
      const why = `${plan.id} is not ${frozen ? 'frozen' : 'thawed'}; a process in state D waits for a device`;
      throw new CgroupError([{ controller: 'freezer', why }]);
    }
    await setTimeout(1);
  }
}
