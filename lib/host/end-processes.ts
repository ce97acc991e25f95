/**
 * Ending what runs in a container, known by `container=ID` in the environment that it was started
 * with, and whatever such a process has started with another environment. Each is signalled
 * through a pidfd that was opened before it was looked at, so the signal cannot reach another
 * process that has got the pid. pidfd_send_signal(2), proc_pid_environ(5)
 */
import { closeSync } from 'node:fs';
import { setTimeout } from 'node:timers/promises';
import { kernel } from '../kernel/call.ts';
import { SIGKILL } from '../kernel/constants.ts';
import { SyscallError } from '../kernel/syscall-error.ts';
import { orGone } from '../observe/proc-file.ts';
import { listPids, processesWithEnv, readStat, type Stat } from '../observe/process.ts';
import { HostError } from './host-error.ts';

const DEADLINE_MS = 5000;
const LOOK_AGAIN_MS = 5;

/**
 * Sends SIGKILL until none is left but zombies, which only their parents can take away. Never to
 * this process and its ancestors. Throws HostError after five seconds.
 */
export async function endProcesses(container: string): Promise<void> {
  const deadline = Date.now() + DEADLINE_MS;
  let found = new Map<number, Stat>();
  for (;;) {
    found = processesOf(container, found);
    if (found.size === 0) return;
    if (Date.now() > deadline) {
      const who = [...found].map(([pid, { state }]) => `${pid} (${state})`);
      throw new HostError(`still there after SIGKILL: ${who.join(', ')}`, {
        remedy: 'a process in state D waits for a device; a frozen cgroup must be thawed',
      });
    }
    for (const [pid, { startTime }] of found) kill(pid, startTime);
    await setTimeout(LOOK_AGAIN_MS);
  }
}

/**
 * The container's processes that are not zombies, this process and its ancestors left out. Those
 * of `earlier` that still end belong to it, although their parents may be gone.
 */
function processesOf(container: string, earlier: Map<number, Stat>): Map<number, Stat> {
  const stats = new Map<number, Stat>();
  for (const pid of listPids()) {
    const stat = orGone(() => readStat(pid));
    if (stat) stats.set(pid, stat);
  }
  const ours = ancestors(process.pid, stats);
  const marked = processesWithEnv('container', container).filter((pid) => !ours.has(pid));
  const ending = [...earlier].filter(([pid, old]) => stats.get(pid)?.startTime === old.startTime);
  const found = new Set([...marked, ...ending.map(([pid]) => pid)]);
  for (let size = -1; size !== found.size; ) {
    size = found.size;
    for (const [pid, { ppid }] of stats) if (found.has(ppid) && !ours.has(pid)) found.add(pid);
  }
  const alive = ([pid, { state }]: [number, Stat]) => found.has(pid) && !'ZX'.includes(state);
  return new Map([...stats].filter(alive));
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
