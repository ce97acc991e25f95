/**
 * The last lines of a container's process: what it is (user, groups, capabilities), how it is treated
 * (limits, scheduling, personality) and what it runs. In two halves, with the wait for `start`
 * between them:
 *
 *   before   umask, cwd, personality, scheduler, groups, uid with its capabilities kept
 *   after    close everything, no_new_privs, seccomp, the five sets, execve
 *
 * A seccomp filter may be installed with CAP_SYS_ADMIN or after no_new_privs: without the latter
 * it comes while the capabilities are still there, and has to allow capset, prctl and execve.
 *
 * OCI runtime-spec, config.md "Process"; capabilities(7), seccomp(2)
 */
import { readFileSync } from 'node:fs';
import { type CAPABILITIES, numberOfCapability } from '../kernel/capabilities.ts';
import * as constants from '../kernel/constants.ts';
import {
  IOPRIO_CLASS_BE,
  IOPRIO_CLASS_IDLE,
  IOPRIO_CLASS_RT,
  IOPRIO_CLASS_SHIFT,
  IOPRIO_WHO_PROCESS,
  PER_LINUX,
  PER_LINUX32,
  PR_CAP_AMBIENT,
  PR_CAP_AMBIENT_CLEAR_ALL,
  PR_CAP_AMBIENT_RAISE,
  PR_CAPBSET_DROP,
  PR_SET_DUMPABLE,
  PR_SET_KEEPCAPS,
  PR_SET_NO_NEW_PRIVS,
  SIG_SETMASK,
  SIGPIPE,
  SIGXFSZ,
} from '../kernel/constants.ts';
import { encodeCapabilities, encodeRlimit, encodeSchedAttr } from '../kernel/structs.ts';
import type { Calls } from '../launch/program.ts';
import { readStatus } from '../observe/process.ts';
import { openDirectory } from './in-root.ts';
import { OciError } from './oci-error.ts';
import { openFilesGiven } from './open-files.ts';
import { isPrivileged } from './privilege.ts';
import type { CapabilitySet, Linux, Process, Scheduler } from './spec.ts';

export interface Execution {
  process: Process;
  /** As it will be, HOME added. */
  env: Readonly<Record<string, string>>;
  /** Groups cannot be set in a user namespace where that was given up. */
  confined: boolean;
  /** It has come into a user namespace that is not ours, and so has every capability there. */
  entersUser: boolean;
  /** Descriptors from 3 on that the container is to have. */
  preserveFds: number;
}

/** Everything but what takes away the right to do the rest. */
export function becomeUser(call: Calls, execution: Execution): void {
  const { process, confined } = execution;
  const { user = {}, cwd, scheduler, ioPriority } = process;
  call.umask(user.umask ?? 0o022);
  const directory = openDirectory(call, cwd);
  call.fchdir(directory);
  call.close(directory);
  if (ioPriority) call.ioprioSet(IOPRIO_WHO_PROCESS, 0, ioPriorityOf(ioPriority));
  if (scheduler) call.schedSetattr(0, schedulerOf(scheduler), 0);
  dropBounding(call, setOf(process, 'bounding'));
  // What is above the hard limit needs privilege over the whole machine: in a user namespace it is
  // the host that sets them.
  if (!confined) {
    for (const [resource, limit] of limitsOf(process)) call.prlimit64(0, resource, limit);
  }
  const { uid = 0, gid = 0, additionalGids = [] } = user;
  if (uid !== 0) call.prctl(PR_SET_KEEPCAPS, 1);
  (confined && additionalGids.length === 0 ? call.attempt : call).setgroups(additionalGids);
  call.setgid(gid);
  call.setuid(uid);
  // Another user's process, which we own as its namespace's maker, and look its program up in.
  if (confined && uid !== 0 && !isPrivileged()) call.prctl(PR_SET_DUMPABLE, 1);
  // setuid has cleared what is effective; it is needed up to the last line.
  if (uid !== 0) setCapabilities(call, kept(execution), kept(execution), 0n);
}

/** What the container's program is started with. `seccomp` and `label` write their own lines. */
export function execute(
  call: Calls,
  execution: Execution,
  parts: { seccomp: () => void; label: () => void },
): void {
  const { process, env, preserveFds } = execution;
  const { args = [], noNewPrivileges = false } = process;
  parts.label();
  call.rtSigprocmask(SIG_SETMASK, []);
  // Those that Node ignores, and those that whoever has started us does, as nohup(1): execve would
  // hand them on.
  for (const signal of new Set([SIGPIPE, SIGXFSZ, ...ignoredSignals()])) {
    call.rtSigaction(signal, 'SIG_DFL');
  }
  // Closed now and not by execve, which would still find its program through one of them.
  call.closeRange(3 + preserveFds, LAST_DESCRIPTOR, 0);
  if (!noNewPrivileges) parts.seccomp();
  applyCapabilities(call, process);
  if (noNewPrivileges) {
    call.prctl(PR_SET_NO_NEW_PRIVS, 1);
    parts.seccomp();
  }
  for (const path of pathsOf(args[0] ?? '', env.PATH)) call.attempt.execve(path, args, env);
  const name = JSON.stringify(args[0] ?? '');
  call.attempt.write(
    2,
    Buffer.from(`box-runtime: exec ${name}: the kernel could not execute it\n`),
  );
  call.exit(CANNOT_EXECUTE);
}

/** For prlimit(2). Throws OciError for a name that is none. */
export function limitsOf({ rlimits = [] }: Process): [resource: number, limit: Uint8Array][] {
  const isSaid = rlimits.some(({ type }) => type === 'RLIMIT_NOFILE');
  const given = isSaid ? null : openFilesGiven();
  return [...rlimits, ...(given ? [given] : [])].map(({ type, soft, hard }) => [
    constantOf('process.rlimits', 'RLIMIT_', type),
    encodeRlimit({ soft: limitOf(soft), hard: limitOf(hard) }),
  ]);
}

/** RLIM_INFINITY, which is 2^64 - 1, is rounded to 2^64 by whoever reads JSON. */
const limitOf = (value: number): bigint => (value >= 2 ** 63 ? -1n : BigInt(value));

function ignoredSignals(): number[] {
  const { sigIgn } = readStatus('self');
  return Array.from({ length: 64 }, (_, i) => i + 1).filter(
    (signal) => (sigIgn >> BigInt(signal - 1)) & 1n,
  );
}

const LAST_DESCRIPTOR = 0xffffffff;
/** As a shell says it: found, and not to be executed. */
const CANNOT_EXECUTE = 126;

/** Where a name is looked for, in order. execvp in exec(3) */
export function pathsOf(name: string, path: string | undefined): string[] {
  if (name.includes('/')) return [name];
  return (path ?? '').split(':').map((directory) => `${directory || '.'}/${name}`);
}

export const environmentOf = (env: readonly string[] = []): Record<string, string> =>
  Object.fromEntries(
    env.map((entry): [string, string] => {
      const at = entry.indexOf('=');
      return at < 0 ? [entry, ''] : [entry.slice(0, at), entry.slice(at + 1)];
    }),
  );

// An older kernel knows fewer capabilities than we do, a newer one more.
let last: number | undefined;
/** The kernel's: as long as it runs. */
const lastCapability = () =>
  (last ??= Number(readFileSync('/proc/sys/kernel/cap_last_cap', 'utf8')));

/** All that it has at that point. */
const kept = ({ entersUser }: Execution): bigint =>
  entersUser ? (1n << BigInt(lastCapability() + 1)) - 1n : readStatus('self').capPrm;

/** Names that this kernel does not know are passed over, as other runtimes do. */
function setOf({ capabilities }: Process, set: CapabilitySet): bigint {
  return (capabilities?.[set] ?? [])
    .map((name) => numberOfCapability(name as (typeof CAPABILITIES)[number]))
    .filter((number) => number >= 0 && number <= lastCapability())
    .reduce((bits, number) => bits | (1n << BigInt(number)), 0n);
}

function dropBounding(call: Calls, kept: bigint): void {
  for (let number = 0; number <= lastCapability(); number++) {
    if (((kept >> BigInt(number)) & 1n) === 0n) call.prctl(PR_CAPBSET_DROP, number);
  }
}

function setCapabilities(call: Calls, effective: bigint, permitted: bigint, inheritable: bigint) {
  const { header, data } = encodeCapabilities({ effective, permitted, inheritable });
  call.capset(header, data);
}

function applyCapabilities(call: Calls, process: Process): void {
  const permitted = setOf(process, 'permitted');
  const inheritable = setOf(process, 'inheritable');
  call.prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL);
  setCapabilities(call, setOf(process, 'effective'), permitted, inheritable);
  // The kernel refuses one that is not both permitted and inheritable, and so had no effect.
  const ambient = setOf(process, 'ambient') & permitted & inheritable;
  for (let number = 0; ambient >> BigInt(number); number++) {
    if ((ambient >> BigInt(number)) & 1n) {
      call.prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, number);
    }
  }
}

const IO_CLASSES: Readonly<Record<string, number>> = {
  IOPRIO_CLASS_RT,
  IOPRIO_CLASS_BE,
  IOPRIO_CLASS_IDLE,
};

function ioPriorityOf({ class: name, priority = 0 }: NonNullable<Process['ioPriority']>): number {
  const number = IO_CLASSES[name];
  if (number === undefined) throw new OciError(`process.ioPriority.class: ${name} is none`);
  return (number << IOPRIO_CLASS_SHIFT) | priority;
}

/** A constant of the kernel by the name that the specification gives it. */
function constantOf(where: string, prefix: string, name: string): number {
  const known = constants as unknown as Readonly<Record<string, number>>;
  const value = name.startsWith(prefix) ? known[name] : undefined;
  if (value === undefined) throw new OciError(`${where}: ${name} is not known`);
  return value;
}

function schedulerOf(scheduler: Scheduler): Uint8Array {
  const policy = scheduler.policy === 'SCHED_OTHER' ? 'SCHED_NORMAL' : scheduler.policy;
  const flags = (scheduler.flags ?? []).map((name) =>
    constantOf('process.scheduler.flags', 'SCHED_FLAG_', name),
  );
  return encodeSchedAttr({
    ...scheduler,
    policy: constantOf('process.scheduler.policy', 'SCHED_', policy),
    flags: flags.reduce((all, flag) => all | flag, 0),
  });
}

/** Before seccomp, which may not allow it. personality(2) */
export function setPersonality(call: Calls, personality: Linux['personality']): void {
  if (!personality) return;
  const domains: Readonly<Record<string, number>> = { LINUX: PER_LINUX, LINUX32: PER_LINUX32 };
  const domain = domains[personality.domain];
  if (domain === undefined) {
    throw new OciError(`linux.personality.domain: ${personality.domain}; allowed: LINUX, LINUX32`);
  }
  call.personality(domain);
}
