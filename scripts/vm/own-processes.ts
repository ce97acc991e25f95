/**
 * Processes that are ours, told by where they live: in a mount namespace where the directory
 * `libvirt` of the cache lies over /etc/libvirt. No list of pids can say that after a crash or a
 * start of the computer, when other processes have them.
 *
 * proc_pid_root(5), pidfd_open(2)
 */
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { VmError } from './vm-error.ts';

export interface OwnProcess {
  pid: number;
  /** As in /proc/PID/comm. */
  name: string;
}

/** Those whose /etc/libvirt is `directory`/etc; zombies are not among them. [] off Linux. */
export function ownProcesses(directory: string): OwnProcess[] {
  const ours = identity(join(directory, 'etc'));
  if (ours === undefined || process.platform !== 'linux') return [];
  return pids()
    .filter((pid) => identity(`/proc/${pid}/root/etc/libvirt`) === ours)
    .flatMap((pid) => {
      const name = readName(pid);
      return name === undefined ? [] : [{ pid, name }];
    });
}

/**
 * SIGTERM to all of them, and SIGKILL to what is left after `patience` milliseconds. Throws VmError
 * if even then something is left.
 */
export async function endOwnProcesses(directory: string, patience = 10_000): Promise<void> {
  const began = Date.now();
  for (let signal: NodeJS.Signals = 'SIGTERM', told = new Set<string>(); ; ) {
    const found = ownProcesses(directory);
    if (found.length === 0) return;
    const waited = Date.now() - began;
    if (waited > 2 * patience) {
      const who = found.map(({ pid, name }) => `${name} (${pid})`).join(', ');
      throw new VmError(`still there after SIGKILL: ${who}`);
    }
    if (waited > patience && signal !== 'SIGKILL') {
      signal = 'SIGKILL';
      told = new Set();
    }
    for (const { pid, name } of found) {
      const known = `${pid} ${name}`;
      if (!told.has(known)) send(pid, signal);
      told.add(known);
    }
    await sleep(50);
  }
}

function send(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
}

function pids(): number[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map(Number);
}

function readName(pid: number): string | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    const [, name, state] = /\((.*)\) (\S)/s.exec(stat) ?? [];
    return state === 'Z' ? undefined : name;
  } catch {
    // It has ended.
    return undefined;
  }
}

/** Device and inode; undefined where there is nothing, or nothing that we may look at. */
function identity(path: string): string | undefined {
  try {
    const { dev, ino } = statSync(path);
    return `${dev}:${ino}`;
  } catch {
    return undefined;
  }
}
