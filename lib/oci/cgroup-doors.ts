/**
 * How a process gets into a container's cgroup: by itself. Whoever moves another process makes the
 * kernel hold back all forks and ends of the machine, which takes it ten milliseconds and more; who
 * is made in a cgroup of version 2, or moves its own one thread in version 1, keeps nobody waiting.
 *
 *   version 2    clone3 with CLONE_INTO_CGROUP, when the copy is made that stays
 *   version 1    `0` written to `tasks`, which we have opened and it has a copy of
 *
 * In version 2 a cgroup that hands controllers down has no processes by itself: a container with an
 * init system in it has put its own further down, and there another one is to go.
 *
 * cgroups(7), clone(2); cgroup-v2.rst "No Internal Process Constraint"; cgroup_attach_lock in the
 * kernel's kernel/cgroup/cgroup.c
 */
import { closeSync, constants, openSync } from 'node:fs';
import { join, normalize } from 'node:path';
import { SyscallError } from '../kernel/syscall-error.ts';
import { LaunchError } from '../launch/launch-error.ts';
import type { Calls, Program } from '../launch/program.ts';
import { detectCgroups } from '../observe/cgroups.ts';
import { type Identity, isSame } from '../observe/identity.ts';
import { readMembership, V2 } from '../observe/membership.ts';
import { orNull } from '../observe/proc-file.ts';
import type { ContainerCgroup } from './cgroup.ts';
import { OciError } from './oci-error.ts';

export interface CgroupDoors extends Disposable {
  /** Its directory, for the clone. */
  v2: string | null;
  /** Open files `tasks`. */
  v1: readonly { path: string; fd: number }[];
}

/**
 * `below` the container's, in each hierarchy; in version 2 another one where `v2` is its directory.
 * Throws OciError when it is gone, Error of node:fs.
 */
export function openDoors(
  cgroup: ContainerCgroup,
  below = '',
  v2 = cgroup.v2 === null ? null : join(cgroup.v2, below),
): CgroupDoors {
  using opened = new DisposableStack();
  const open = (directory: string) => {
    const path = join(directory, below, 'tasks');
    try {
      const fd = openSync(path, constants.O_WRONLY);
      return { path, fd: opened.adopt(fd, closeSync) };
    } catch (cause) {
      const { code } = cause as NodeJS.ErrnoException;
      if (code !== 'ENOENT' && code !== 'ENODEV') throw cause;
      throw new OciError(`${directory} is gone: the container is being deleted`, { cause });
    }
  };
  const v1 = [...new Set(Object.values(cgroup.v1))].map(open);
  const kept = opened.move();
  return { v1, v2, [Symbol.dispose]: () => kept.dispose() };
}

/** Of version 1: the process that runs these lines has one thread. */
export function enterDoors(call: Calls, doors: CgroupDoors | undefined): void {
  for (const { fd } of doors?.v1 ?? []) {
    call.write(fd, Buffer.from('0'));
    call.close(fd);
  }
}

/** Whether a launch came to nothing because the cgroup that it was cloned into hands controllers down. */
export const isInnerNode = (error: unknown): boolean =>
  error instanceof LaunchError &&
  error.line === null &&
  error.cause instanceof SyscallError &&
  error.cause.syscall === 'clone3' &&
  error.cause.code === 'EBUSY';

/**
 * Where in version 2 the container's first process is now: a directory below the container's. Null
 * where it is in no such one: nobody is to be led out of there by it.
 */
export function placeOfInit({ v2 }: ContainerCgroup, init: Identity): string | null {
  const { v2: top } = detectCgroups();
  const path = orNull(() => readMembership(init.pid))?.[V2];
  if (v2 === null || top === null || path === undefined || !isSame(init)) return null;
  const directory = normalize(join(top, path));
  return directory.startsWith(`${v2}/`) ? directory : null;
}

/** What stopped a launch, named by the cgroup where that was it. */
export function explainDoors(error: unknown, { v1, v2 }: CgroupDoors, { lines }: Program): unknown {
  if (!(error instanceof LaunchError && error.cause instanceof SyscallError)) return error;
  const { code } = error.cause;
  const why = isInnerNode(error)
    ? ': it has cgroups of its own and hands controllers down to them; name one of them'
    : '';
  const refused = (path: string) =>
    new OciError(`${path}: the container’s process is not let in: ${code}${why}`, { cause: error });
  const line = error.line === null ? undefined : lines[error.line];
  if (line === undefined)
    return v2 !== null && error.cause.syscall === 'clone3' ? refused(v2) : error;
  const door = v1.find(
    ({ fd }) => line.kind === 'call' && line.call === 'write' && line.args[0] === fd,
  );
  return door ? refused(door.path) : error;
}
