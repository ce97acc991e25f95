/**
 * Stopping all processes of a cgroup where they are, without a signal that they could see, and
 * letting them go on. In version 2 a frozen process can be killed; in version 1 it dies when it is
 * thawed, which `killCgroup` takes care of. What was asked of a cgroup and whether it stands still
 * are two things: a process in state D stops when it has its answer, and a cgroup above may be frozen.
 *
 * kernel Documentation/admin-guide/cgroup-v2.rst "cgroup.freeze", cgroup-v1/freezer-subsystem.rst
 */
import { writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { killCgroups } from '../host/remove-cgroups.ts';
import { CgroupError } from './cgroup-error.ts';
import { readCgroupFile, readKeyed } from './cgroup-file.ts';
import { type CgroupPlan, directoriesOf, whyAbsent } from './plan.ts';

/** A machine without memory to give lets even what is killed wait for long. */
const DEADLINE_MS = 30_000;

/** The directories of one cgroup. */
type Places = Pick<CgroupPlan, 'v1' | 'v2'>;

/**
 * Resolves when every process is stopped. Throws CgroupError when after `timeout` milliseconds one is
 * not; all go on then.
 */
export async function freezeCgroup(plan: CgroupPlan, timeout = DEADLINE_MS): Promise<void> {
  // Where both versions are, the process may be in one of them only.
  const { freezer } = plan.v1;
  if (freezer !== undefined) writeFileSync(join(freezer, 'freezer.state'), 'FROZEN');
  else if (plan.v2 !== null) writeFileSync(join(plan.v2, 'cgroup.freeze'), '1');
  else throw new CgroupError([{ controller: 'freezer', why: whyAbsent(plan, 'freezer') }]);
  if (await comesAbout(() => isFrozen(plan), timeout)) return;
  tellThaw(plan);
  throw notYet(plan, 'frozen, and goes on');
}

/** Resolves when none is stopped any more, but by a cgroup above. Throws CgroupError after half a minute. */
export async function thawCgroup(plan: CgroupPlan): Promise<void> {
  tellThaw(plan);
  if (await comesAbout(() => !isFrozen(plan) || isHeldAbove(plan), DEADLINE_MS)) return;
  throw notYet(plan, 'thawed');
}

/** Whether all in it stand still, for whatever reason. */
export function isFrozen({ v1: { freezer }, v2 }: Places): boolean {
  if (freezer !== undefined && wordIn(freezer, 'freezer.state') === 'FROZEN') return true;
  return v2 !== null && readKeyed(v2, 'cgroup.events').frozen === 1;
}

/** Whether it was itself told to stop, and not told to go on, however far that has come. */
export const isFreezeAsked = ({ v1: { freezer }, v2 }: Places): boolean =>
  (freezer !== undefined && wordIn(freezer, 'freezer.self_freezing') === '1') ||
  (v2 !== null && wordIn(v2, 'cgroup.freeze') === '1');

/** SIGKILL to every process in it and below it; resolves when none is left. Throws HostError. */
export const killCgroup = (plan: CgroupPlan): Promise<void> => killCgroups(directoriesOf(plan));

function tellThaw({ v1: { freezer }, v2 }: Places): void {
  if (freezer !== undefined) writeFileSync(join(freezer, 'freezer.state'), 'THAWED');
  // The other half too, where somebody else has frozen that.
  if (v2 !== null && wordIn(v2, 'cgroup.freeze') === '1') {
    writeFileSync(join(v2, 'cgroup.freeze'), '0');
  }
}

/** The root of a hierarchy has no such files. */
function isHeldAbove({ v1: { freezer }, v2 }: Places): boolean {
  if (freezer !== undefined && wordIn(freezer, 'freezer.parent_freezing') === '1') return true;
  const above = v2 === null ? [] : [...ancestors(v2)];
  return above.some((directory) => wordIn(directory, 'cgroup.freeze') === '1');
}

function* ancestors(directory: string): Generator<string> {
  for (let at = dirname(directory); wordIn(at, 'cgroup.freeze') !== null; at = dirname(at))
    yield at;
}

const wordIn = (directory: string, file: string) => readCgroupFile(directory, file)?.trim() ?? null;

async function comesAbout(holds: () => boolean, timeout: number): Promise<boolean> {
  const deadline = performance.now() + timeout;
  while (!holds()) {
    if (performance.now() > deadline) return false;
    await setTimeout(1);
  }
  return true;
}

const notYet = ({ id }: CgroupPlan, what: string) =>
  new CgroupError([
    { controller: 'freezer', why: `${id} is not ${what}; a process in state D waits for a device` },
  ]);
