/**
 * What /proc tells about a process from outside: the command line and environment that it was
 * started with, its descriptors, its root and working directory, and its place among the others.
 * Pids are those of the pid namespace whose /proc is mounted here.
 *
 * proc_pid_cmdline(5), proc_pid_environ(5), proc_pid_fd(5), proc_pid_root(5)
 */
import { readStat } from './identity.ts';
import {
  orGone,
  orNull,
  type ProcId,
  readProcDirectory,
  readProcFile,
  readProcLink,
} from './proc-file.ts';

export { type Identity, identify, isSame, readStartTime, readStat, type Stat } from './identity.ts';
export { readStatus, type Status } from './status.ts';

export interface Descriptor {
  fd: number;
  /** A path, or what the kernel writes for things without one: `pipe:[4711]`. */
  target: string;
}

/** All processes that are visible here, lowest pid first, threads not counted. */
export function listPids(): number[] {
  const names = readProcDirectory('/proc').filter((name) => /^\d+$/.test(name));
  return names.map(Number).sort((a, b) => a - b);
}

/** The arguments; empty for a zombie or a kernel thread. Throws ObserveError when it is gone. */
export function readCmdline(pid: ProcId): string[] {
  return splitAtNul(readProcFile(`/proc/${pid}/cmdline`));
}

/**
 * The environment at execve; what the program set later is not in it. Null when the process is
 * gone or not ours to look at.
 */
export function readEnviron(pid: ProcId): Record<string, string> | null {
  const text = orNull(() => readProcFile(`/proc/${pid}/environ`));
  return text === null ? null : parseEnviron(text);
}

/** Of two entries with one name the first counts, as for getenv(3). */
export function parseEnviron(text: string): Record<string, string> {
  const entries = splitAtNul(text)
    .map((entry) => entry.split(/=(.*)/s, 2))
    .filter((entry): entry is [string, string] => entry.length === 2);
  return Object.fromEntries(entries.reverse());
}

/** Open descriptors, lowest first. Throws ObserveError when gone or not ours to look at. */
export function readFds(pid: ProcId): Descriptor[] {
  const descriptors: Descriptor[] = [];
  for (const name of readProcDirectory(`/proc/${pid}/fd`)) {
    const target = orGone(() => readProcLink(`/proc/${pid}/fd/${name}`));
    if (target !== null) descriptors.push({ fd: Number(name), target });
  }
  return descriptors.sort((a, b) => a.fd - b.fd);
}

/** The root directory, as our own mount namespace would name it. Throws ObserveError. */
export function readRoot(pid: ProcId): string {
  return readProcLink(`/proc/${pid}/root`);
}

/** The working directory, as our own mount namespace would name it. Throws ObserveError. */
export function readCwd(pid: ProcId): string {
  return readProcLink(`/proc/${pid}/cwd`);
}

/** Processes that were started with that environment entry, among those that we may look at. */
export function processesWithEnv(name: string, value: string): number[] {
  return listPids().filter((pid) => {
    const environ = readEnviron(pid);
    return environ !== null && Object.hasOwn(environ, name) && environ[name] === value;
  });
}

/** The direct children, zombies among them. */
export function childrenOf(pid: number): number[] {
  return listPids().filter((child) => orGone(() => readStat(child))?.ppid === pid);
}

function splitAtNul(text: string): string[] {
  if (text === '') return [];
  return (text.endsWith('\0') ? text.slice(0, -1) : text).split('\0');
}
