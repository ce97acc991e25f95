/**
 * Ending what runs in a container, known by `container=ID` in the environment that it was started
 * with, or by its root directory, and whatever such a process has started. Each is signalled
 * through a pidfd that was opened before it was looked at, so the signal cannot reach another
 * process that has got the pid. pidfd_send_signal(2), proc_pid_environ(5)
 */
import { closeSync, statSync } from 'node:fs';
import { setTimeout } from 'node:timers/promises';
import { kernel } from '../kernel/call.ts';
import { SIGKILL } from '../kernel/constants.ts';
import { SyscallError } from '../kernel/syscall-error.ts';
import { orGone } from '../observe/proc-file.ts';
import { listPids, processesWithEnv, readStat, type Stat } from '../observe/process.ts';
import { HostError } from './host-error.ts';
import { thawProcess } from './thaw-process.ts';

/** A machine without memory to give lets even what is killed wait for long. */
const DEADLINE_MS = 30_000;
const LOOK_AGAIN_MS = 5;

/**
 * Sends SIGKILL until none is left but zombies, which only their parents can take away. Never to
 * this process and its ancestors. `root` is a directory: processes that have it as their root are
 * ended as well, whatever their environment. Throws HostError after half a minute.
 */
export async function endProcesses(container: string, root?: string): Promise<void> {
  const deadline = Date.now() + DEADLINE_MS;
  let found = new Map<number, Stat>();
  let looks = 0;
  for (;;) {
    found = processesOf(container, root, found);
    looks = found.size === 0 ? looks + 1 : 0;
    if (looks === 2) return;
    // One that forks and ends while we look is seen neither before nor after: so once more.
    if (looks === 1) continue;
    if (Date.now() > deadline) {
      const who = [...found].map(([pid, { state }]) => `${pid} (${state})`);
      throw new HostError(`still there after SIGKILL: ${who.join(', ')}`, {
        remedy: 'a process in state D waits for a device, or a cgroup above its own is frozen',
      });
    }
    for (const [pid, { startTime, state }] of found) {
      kill(pid, startTime);
      if (state === 'D') thawProcess(pid);
    }
    await setTimeout(LOOK_AGAIN_MS);
  }
}

/**
 * The container's processes that are not zombies, this process and its ancestors left out. Those
 * of `earlier` that still end belong to it, although their parents may be gone.
 */
function processesOf(
  container: string,
  root: string | undefined,
  earlier: Map<number, Stat>,
): Map<number, Stat> {
  const stats = new Map<number, Stat>();
  for (const pid of listPids()) {
    const stat = orGone(() => readStat(pid));
    if (stat) stats.set(pid, stat);
  }
  const ours = ancestors(process.pid, stats);
  const marked = processesWithEnv('container', container)
    .concat(root === undefined ? [] : processesWithRoot(root, stats.keys()))
    .filter((pid) => !ours.has(pid));
  for (const pid of marked) {
    // Forked since.
    const stat = stats.get(pid) ?? orGone(() => readStat(pid));
    if (stat) stats.set(pid, stat);
  }
  const ending = [...earlier].filter(([pid, old]) => stats.get(pid)?.startTime === old.startTime);
  const found = new Set([...marked, ...ending.map(([pid]) => pid)]);
  for (let size = -1; size !== found.size; ) {
    size = found.size;
    for (const [pid, { ppid }] of stats) if (found.has(ppid) && !ours.has(pid)) found.add(pid);
  }
  const alive = ([pid, { state }]: [number, Stat]) => found.has(pid) && !'ZX'.includes(state);
  return new Map([...stats].filter(alive));
}

/** The same directory by device and inode: a container's own name for it is `/`. */
function processesWithRoot(root: string, pids: Iterable<number>): number[] {
  const identity = (path: string) => {
    try {
      const { dev, ino } = statSync(path);
      return `${dev}:${ino}`;
    } catch {
      // Gone meanwhile, or somebody else's: then it is not the one that is looked for.
      return undefined;
    }
  };
  const wanted = identity(root);
  // Removed already: nobody has it as root any more, or nobody can be told by it.
  if (wanted === undefined || wanted === identity('/')) return [];
  return [...pids].filter((pid) => identity(`/proc/${pid}/root/`) === wanted);
}

/** The process itself is the first. */
function ancestors(pid: number, stats: Map<number, Stat>): Set<number> {
  const line = new Set<number>();
  for (let at = pid; at > 0 && !line.has(at); at = stats.get(at)?.ppid ?? 0) line.add(at);
  return line;
}

/** SIGKILL to the process if it is still the one that started then. */
function kill(pid: number, startTime: string): void {
  let pidfd: number | undefined;
  try {
    pidfd = kernel.pidfdOpen(pid, 0);
    if (orGone(() => readStat(pid))?.startTime !== startTime) return;
    kernel.pidfdSendSignal(pidfd, SIGKILL);
  } catch (error) {
    if (!(error instanceof SyscallError && error.code === 'ESRCH')) throw error;
  } finally {
    if (pidfd !== undefined) closeSync(pidfd);
  }
}
