/**
 * A pid is used again after its process has ended. What names one process for good is its pid, the
 * moment at which it started, counted from boot, and which boot that was.
 *
 * proc_pid_stat(5), random(4) for boot_id
 */
import { orGone, type ProcId, readProcFile } from './proc-file.ts';

export interface Identity {
  pid: number;
  /** Clock ticks between boot and the start of the process. */
  startTime: string;
  /** The kernel's boot_id. */
  boot: string;
}

export interface Stat {
  state: string;
  ppid: number;
  startTime: string;
  /** True for a thread of the kernel, which has no program and no memory of its own. */
  kernelThread: boolean;
}

/** From linux/sched.h. */
const PF_KTHREAD = 0x00200000;

/** Throws ObserveError when there is no such process. */
export function readStat(pid: ProcId): Stat {
  return parseStat(readProcFile(`/proc/${pid}/stat`));
}

/** The second field is the command name in parentheses and may itself hold `) S 1`. */
export function parseStat(text: string): Stat {
  const [state = '', ppid, , , , , flags, ...rest] = text
    .slice(text.lastIndexOf(')') + 2)
    .trimEnd()
    .split(' ');
  // Field 22 by the manual's count; `rest` begins with field 10.
  const startTime = rest[12] ?? '';
  const kernelThread = (Number(flags) & PF_KTHREAD) !== 0;
  return { state, ppid: Number(ppid), startTime, kernelThread };
}

/** Clock ticks between boot and the start of the process. Throws ObserveError when it is gone. */
export function readStartTime(pid: ProcId): string {
  return readStat(pid).startTime;
}

/** Throws ObserveError when there is no such process. */
export function identify(pid: number): Identity {
  return { pid, startTime: readStartTime(pid), boot: readBoot() };
}

/** Whether that very process still runs: not ended, not a zombie, not another with its pid. */
export function isSame(identity: Identity): boolean {
  const stat = orGone(() => readStat(identity.pid));
  if (stat === null || stat.state === 'Z' || stat.state === 'X') return false;
  return stat.startTime === identity.startTime && readBoot() === identity.boot;
}

function readBoot(): string {
  return readProcFile('/proc/sys/kernel/random/boot_id').trim();
}
