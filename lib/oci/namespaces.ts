/**
 * The namespaces of a container, new ones and those that are there already, in any mix.
 *
 *   only new ones             the child is cloned into them
 *   some are joined           open all · setns: user first, mount last · fork into the new ones
 *   a new time namespace      unshare, its offsets written, fork: only a child is in it
 *
 * The new cgroup namespace comes later: its root is the cgroup that the process is in by then.
 *
 * namespaces(7), setns(2), time_namespaces(7), user_namespaces(7)
 */
import { existsSync, readlinkSync, statfsSync } from 'node:fs';
import {
  AF_INET,
  AT_FDCWD,
  CLONE_NEWCGROUP,
  CLONE_NEWTIME,
  IFF_UP,
  O_CLOEXEC,
  O_WRONLY,
  SIOCSIFFLAGS,
  SOCK_CLOEXEC,
  SOCK_DGRAM,
} from '../kernel/constants.ts';
import { CLONE_FLAG, cloneFlags, type Namespace } from '../kernel/namespaces.ts';
import { encodeInterfaceFlags } from '../kernel/structs.ts';
import type { Calls } from '../launch/program.ts';
import { NAMESPACE_FILES, namespaceInode } from '../observe/namespaces.ts';
import { OciError } from './oci-error.ts';
import type { Linux, Spec } from './spec.ts';

export interface NamespacePlan {
  /** What the child is cloned into at once. */
  cloned: readonly Namespace[];
  joined: readonly { kind: Namespace; path: string }[];
  /** All new ones, the cgroup namespace too. */
  fresh: readonly Namespace[];
  timeOffsets: Linux['timeOffsets'];
}

/** The order of setns: the first decides what may be done about the others, the last hides paths. */
const JOIN_ORDER: readonly Namespace[] = [
  'user',
  'network',
  'uts',
  'ipc',
  'cgroup',
  'time',
  'pid',
  'mount',
];

/** Throws OciError for a path that is no namespace, or not of that kind. */
export function planNamespaces(spec: Spec): NamespacePlan {
  const listed = spec.linux?.namespaces ?? [];
  const joined = JOIN_ORDER.flatMap((kind) => {
    const path = listed.find(({ type }) => type === kind)?.path;
    return path ? [{ kind, path }] : [];
  });
  for (const { kind, path } of joined) assertNamespace(kind, path);
  const isJoined = (kind: Namespace) => joined.some((one) => one.kind === kind);
  const fresh = listed.map(({ type }) => type).filter((kind) => !isJoined(kind));
  const timeOffsets = fresh.includes('time') ? (spec.linux?.timeOffsets ?? {}) : undefined;
  const atOnce = joined.length === 0 && !fresh.includes('time');
  return { cloned: atOnce ? withoutLate(fresh) : [], joined, fresh, timeOffsets };
}

const withoutLate = (kinds: readonly Namespace[]) =>
  kinds.filter((kind) => kind !== 'cgroup' && kind !== 'time');

/** Lines up to the process that stays: in all its namespaces but a new cgroup namespace. */
export function enterNamespaces(call: Calls, plan: NamespacePlan): void {
  if (plan.joined.length === 0 && !plan.fresh.includes('time')) return;
  // All before the first setns: /proc is another one afterwards.
  const opened = plan.joined.map(({ kind, path }) => ({
    kind,
    fd: call.openat(AT_FDCWD, path, O_CLOEXEC),
  }));
  const before = opened.filter(({ kind }) => kind !== 'mount');
  const mount = opened.find(({ kind }) => kind === 'mount');
  for (const { kind, fd } of before) {
    call.setns(fd, CLONE_FLAG[kind]);
    if (kind === 'user') becomeRoot(call);
  }
  if (plan.timeOffsets) makeTime(call, plan.timeOffsets);
  if (mount) call.setns(mount.fd, CLONE_FLAG.mount);
  for (const { fd } of opened) call.close(fd);
  // Of a pid or time namespace only a child is a member.
  call.fork(cloneFlags(withoutLate(plan.fresh)));
}

/** In a user namespace whose id maps are written. */
export function becomeRoot(call: Calls): void {
  // Not where they were given up for the right to map a group: none is kept then either.
  call.attempt.setgroups([]);
  call.setgid(0);
  call.setuid(0);
}

function makeTime(call: Calls, offsets: NonNullable<Linux['timeOffsets']>): void {
  call.unshare(CLONE_NEWTIME);
  const lines = Object.entries(offsets).map(
    ([clock, { secs = 0, nanosecs = 0 }]) => `${clock} ${secs} ${nanosecs}\n`,
  );
  if (lines.length === 0) return;
  const file = call.openat(AT_FDCWD, '/proc/self/timens_offsets', O_WRONLY | O_CLOEXEC);
  call.write(file, Buffer.from(lines.join('')));
  call.close(file);
}

/** The cgroup namespace, and the loopback of a new network namespace. */
export function finishNamespaces(call: Calls, plan: NamespacePlan): void {
  if (plan.fresh.includes('cgroup')) call.unshare(CLONE_NEWCGROUP);
  if (!plan.fresh.includes('network')) return;
  const socket = call.socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  call.ioctl(socket, SIOCSIFFLAGS, encodeInterfaceFlags('lo', IFF_UP));
  call.close(socket);
}

/** linux/magic.h */
const NSFS_MAGIC = 0x6e736673;

function assertNamespace(kind: Namespace, path: string): void {
  if (!existsSync(path)) throw new OciError(`${path}: no such ${kind} namespace`);
  if (statfsSync(path).type !== NSFS_MAGIC) {
    throw new OciError(
      `${path} is no namespace: linux.namespaces wants a file like /proc/PID/ns/*`,
    );
  }
  // A bind mount does not tell its kind; setns is asked for one, and refuses the others.
  const named = /\/proc\/[^/]+\/ns\/(\w+)$/.test(path) ? readlinkSync(path).split(':')[0] : null;
  if (named !== null && named !== NAMESPACE_FILES[kind]) {
    throw new OciError(`${path} is no ${kind} namespace but one of ${named}`);
  }
}

/** Whether the path leads to the namespace that this process is in. */
export const isOurs = (kind: Namespace, path: string): boolean =>
  readlinkSync(path).endsWith(`[${namespaceInode('self', kind)}]`);
