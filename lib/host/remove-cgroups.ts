/**
 * Ending all that is in a cgroup, and removing it. Version 2 has a file for the first,
 * `cgroup.kill`, which leaves nothing that forks fast enough. In version 1 the group is frozen, so
 * that nothing can fork, gets its SIGKILLs, and is thawed, because frozen it would not die.
 * A container that runs in several hierarchies has a directory in each of them.
 *
 * - `killCgroups`: until they are empty
 * - `removeCgroups`: killed, then removed, those inside first
 *
 * cgroups(7), kernel Documentation/admin-guide/cgroup-v2.rst, .../cgroup-v1/freezer-subsystem.rst
 */
import { closeSync, existsSync, readdirSync, rmdirSync, statfsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { kernel } from '../kernel/call.ts';
import { SIGKILL } from '../kernel/constants.ts';
import { SyscallError } from '../kernel/syscall-error.ts';
import { orGone, readProcFile } from '../observe/proc-file.ts';
import { HostError } from './host-error.ts';

/** A machine without memory to give lets even what is killed wait for long. */
const DEADLINE_MS = 30_000;
const LOOK_AGAIN_MS = 5;
const FREEZING_MS = 500;

/** Sends SIGKILL until nobody is left in them. Throws HostError after half a minute. */
export async function killCgroups(paths: readonly string[]): Promise<void> {
  const trees = paths.filter(isCgroup);
  const deadline = Date.now() + DEADLINE_MS;
  for (;;) {
    const left = trees.flatMap(membersBelow);
    if (left.length === 0) return;
    assertNotOurs(left, trees);
    if (Date.now() > deadline) {
      throw new HostError(`still there after SIGKILL: ${[...new Set(left)].join(', ')}`, {
        remedy: 'see /proc/PID/status: a process in state D waits for a device, or is frozen',
      });
    }
    await killOnce(trees);
    await setTimeout(LOOK_AGAIN_MS);
  }
}

/** Gone is fine, and so is a parent that is still used. Throws HostError after half a minute. */
export async function removeCgroups(
  paths: readonly string[],
  parents: readonly string[],
): Promise<void> {
  await killCgroups(paths);
  const deadline = Date.now() + DEADLINE_MS;
  for (;;) {
    const stuck = paths.filter(isCgroup).filter((path) => !removeBelow(path));
    if (stuck.length === 0) break;
    if (Date.now() > deadline) {
      throw new HostError(`${stuck.join(', ')}: EBUSY (a process or another cgroup is in it)`);
    }
    // Whoever has got in meanwhile.
    await killCgroups(stuck);
    await setTimeout(LOOK_AGAIN_MS);
  }
  for (const path of parents) if (existsSync(path)) removeDirectory(path);
}

/** The directory and all below it, each before those inside it. */
function directoriesBelow(path: string): string[] {
  let names: string[];
  try {
    const entries = readdirSync(path, { withFileTypes: true });
    names = entries.filter((entry) => entry.isDirectory()).map(({ name }) => name);
  } catch (error) {
    if (isGone(error)) return [];
    throw error;
  }
  return [path, ...names.flatMap((name) => directoriesBelow(join(path, name)))];
}

/**
 * Pids, as this process's pid namespace has them. One that has none there is 0 in version 2, and is
 * not listed in version 1.
 */
export const membersBelow = (path: string): number[] =>
  directoriesBelow(path).flatMap((directory) => {
    try {
      const text = orGone(() => readProcFile(join(directory, 'cgroup.procs'))) ?? '';
      return text.split('\n').filter(Boolean).map(Number);
    } catch (error) {
      // ENODEV: removed meanwhile. EOPNOTSUPP: threaded, its processes are listed further up.
      if (['ENODEV', 'ENOTSUP', 'EOPNOTSUPP'].includes((error as NodeJS.ErrnoException).code ?? ''))
        return [];
      throw error;
    }
  });

async function killOnce(trees: readonly string[]): Promise<void> {
  const killing = trees.filter((path) => tell(path, 'cgroup.kill', '1'));
  const others = trees.filter((path) => !killing.includes(path));
  const frozen = others.filter((path) => tell(path, 'freezer.state', 'FROZEN'));
  for (const path of frozen) await untilFrozen(path);
  for (const path of others) signalMembers(path);
  for (const path of frozen.flatMap(directoriesBelow)) tell(path, 'freezer.state', 'THAWED');
}

/** A process that waits for a device keeps the group FREEZING; the others are killed all the same. */
async function untilFrozen(path: string): Promise<void> {
  const deadline = Date.now() + FREEZING_MS;
  const state = () => orGone(() => readProcFile(join(path, 'freezer.state')))?.trim();
  while (state() === 'FREEZING' && Date.now() < deadline) await setTimeout(1);
}

const AT_ONCE = 256;

/** Each through a pidfd, opened before it is looked whether that pid is still a member. */
function signalMembers(path: string): void {
  const members = membersBelow(path);
  for (let from = 0; from < members.length; from += AT_ONCE) {
    using open = new DisposableStack();
    const pidfds = members.slice(from, from + AT_ONCE).flatMap((pid) => {
      const pidfd = orEnded(() => kernel.pidfdOpen(pid, 0));
      return pidfd === undefined ? [] : [[pid, open.adopt(pidfd, closeSync)] as const];
    });
    const still = new Set(membersBelow(path));
    for (const [pid, pidfd] of pidfds) {
      if (still.has(pid)) orEnded(() => kernel.pidfdSendSignal(pidfd, SIGKILL));
    }
  }
}

function orEnded<T>(body: () => T): T | undefined {
  try {
    return body();
  } catch (error) {
    if (error instanceof SyscallError && error.code === 'ESRCH') return undefined;
    throw error;
  }
}

/** Writes to a file of the cgroup; false where it has none. */
function tell(path: string, file: string, text: string): boolean {
  const name = join(path, file);
  if (!existsSync(name)) return false;
  try {
    writeFileSync(name, text);
  } catch (error) {
    if (!isGone(error)) throw error;
  }
  return true;
}

/** Whether all of it is gone. */
const removeBelow = (path: string): boolean =>
  directoriesBelow(path)
    .toReversed()
    .map(removeDirectory)
    .every((removed) => removed);

function removeDirectory(path: string): boolean {
  try {
    rmdirSync(path);
    return true;
  } catch (error) {
    if (isGone(error)) return true;
    if (['EBUSY', 'ENOTEMPTY'].includes((error as NodeJS.ErrnoException).code ?? '')) return false;
    throw error;
  }
}

/** linux/magic.h: CGROUP_SUPER_MAGIC, CGROUP2_SUPER_MAGIC. statfs(2) */
const MAGIC = new Set([0x27e0eb, 0x63677270]);

/** False when it is gone. What is no cgroup, because something else is mounted by now, is not ours. */
const isCgroup = (path: string): boolean => existsSync(path) && MAGIC.has(statfsSync(path).type);

function assertNotOurs(members: readonly number[], trees: readonly string[]): void {
  if (!members.includes(process.pid)) return;
  throw new HostError(`this process is itself in ${trees.join(' or ')}`, {
    remedy: 'run it from outside',
  });
}

function isGone(error: unknown): boolean {
  return ['ENOENT', 'ENODEV'].includes((error as NodeJS.ErrnoException).code ?? '');
}
