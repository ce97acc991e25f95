/**
 * A cgroup in the place of the machine: what a lab's containers may use together. Something that
 * is to run out runs out in here, for the containers of the lab alone.
 */
import { randomBytes } from 'node:crypto';
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { setTimeout } from 'node:timers/promises';
import { cgroupActions } from '../../lib/cgroups/actions.ts';
import { CgroupError } from '../../lib/cgroups/cgroup-error.ts';
import { readKeyed } from '../../lib/cgroups/cgroup-file.ts';
import type { Limits } from '../../lib/cgroups/limits.ts';
import { noSwap } from '../../lib/cgroups/no-swap.ts';
import { onlyV2, planCgroup } from '../../lib/cgroups/plan.ts';
import { type CgroupSite, detectSite } from '../../lib/cgroups/site.ts';
import { openHost } from '../../lib/host/host.ts';
import { membersBelow } from '../../lib/host/remove-cgroups.ts';
import type { Running } from '../../lib/lab/subject.ts';
import { directoryOfCgroup, readMembership, V2 } from '../../lib/observe/membership.ts';
import { readMountinfo } from '../../lib/observe/mountinfo.ts';
import { orGone } from '../../lib/observe/proc-file.ts';
import { readStatus } from '../../lib/observe/process.ts';
import { MB } from '../07-cgroup-v1/attack.ts';

export interface Place extends AsyncDisposable {
  directory: string;
  /** For `start({ cgroups })`: their cgroups are made in it. */
  site: CgroupSite;
}

/** Made through a journal of its own, removed at the end with all that is in it. */
export async function openPlace(limits: Limits = {}): Promise<Place> {
  const id = `place08-${randomBytes(3).toString('hex')}`;
  const around = detectSite(id);
  const plan = onlyV2(planCgroup(around, id));
  const host = await openHost(id);
  const close = async () => {
    const { failed } = await host.undo();
    if (failed[0]) throw failed[0].error;
  };
  try {
    for (const action of cgroupActions(plan, limits)) await host.do(action);
  } catch (error) {
    await close();
    throw error;
  }
  const { v2: directory } = plan;
  if (directory === null || around.v2 === null) throw new TypeError('a place has a directory');
  const v2 = { ...around.v2, top: directory, base: directory, crowded: false };
  const site = { ...around, unit: null, v1: {}, v2 };
  return { directory, site, [Symbol.asyncDispose]: close };
}

/** As much as two containers of the lab may have together, and no way around it by swapping. */
export const smallMachine = (): Limits => ({
  memory: { max: 96 * MB, ...noSwap() },
  pids: { max: 60 },
});

/** Where a container is. One that its runtime has put nowhere is brought to the others. */
export function confine({ directory, site }: Place, { pid, id }: Running): string {
  const own = directoryOfCgroup(V2, readMembership(pid)[V2] ?? '/');
  if (own?.startsWith(`${directory}/`)) return own;
  const names = site.v2?.controllers.map((name) => `+${name}`) ?? [];
  writeFileSync(`${directory}/cgroup.subtree_control`, names.join(' '));
  const loose = `${directory}/${id}-unlimited`;
  if (!existsSync(loose)) mkdirSync(loose);
  writeFileSync(`${loose}/cgroup.procs`, String(pid));
  return loose;
}

/**
 * Has a process read so many MiB and keep them: sed waits for a line to end, and none does. (tail
 * would keep up to twice as much: it has a block for each read, however little that brought.)
 */
export const hold = (mebibytes: number): string =>
  `(printf %${mebibytes * MB}d 1; exec sleep 600) | sed p &`;

const LONG_MS = 120_000;

/** Resolves when all in there that was to be kept is kept, or whoever kept it has been killed. */
export async function untilHeld({ directory }: Place, ...boxes: Running[]): Promise<void> {
  const shells = boxes.map(({ pid }) => pid);
  // A shell that still prints; it becomes a sleep.
  const isPrinting = (pid: number) =>
    !shells.includes(pid) && /sh$/.test(orGone(() => readStatus(pid).name) ?? '');
  await until('memory', `nobody in ${directory} still reads`, () => {
    return !membersBelow(directory).some(isPrinting);
  });
}

/** Resolves when a fork has been refused in one of them: which of them counts it, kernels differ. */
export async function untilRefused(directories: readonly string[]): Promise<void> {
  const refused = (directory: string) => (readKeyed(directory, 'pids.events').max ?? 0) > 0;
  await until('pids', `a fork is refused in ${directories.join(' or ')}`, () => {
    return directories.some(refused);
  });
}

async function until(controller: string, what: string, holds: () => boolean): Promise<void> {
  const deadline = performance.now() + LONG_MS;
  while (!holds()) {
    if (performance.now() > deadline) {
      throw new CgroupError([{ controller, why: `not within ${LONG_MS} ms: ${what}` }]);
    }
    await setTimeout(20);
  }
}

/**
 * What root types to mount the tree. From the machine's own cgroup namespace that sets the options of
 * the one tree for everybody, so they are the ones that it has.
 */
export function mountTree(path: string): string {
  const tree = readMountinfo().find(({ fstype }) => fstype === 'cgroup2');
  const options = tree?.superOptions.filter((option) => option !== 'ro') ?? [];
  return `mkdir ${path}; mount -t cgroup2 -o ${options.join()} cgroup2 ${path}`;
}
