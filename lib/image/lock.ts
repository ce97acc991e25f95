/**
 * Locks between processes, and between parts of one: flock(2) on an open file. The kernel lets go
 * when the last descriptor is closed, so a process that was killed holds nothing.
 *
 * - `withLock`: one at a time, waiting.
 * - `holdLease`: says that something is in use, until it is let go or the process ends; who wants to
 *   remove the thing finds out with `tryLock`.
 */
import { closeSync, constants, fstatSync, openSync, statSync } from 'node:fs';
import { constants as os } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import { kernel } from '../kernel/call.ts';
import { LOCK_EX, LOCK_NB, LOCK_SH } from '../kernel/constants.ts';
import { SyscallError } from '../kernel/syscall-error.ts';

export type LockKind = 'shared' | 'exclusive';

const RETRY_MS = 5;
/** Also called EWOULDBLOCK. */
const { EAGAIN } = os.errno;
const OPEN = constants.O_RDWR | constants.O_CREAT;

/** Whether it could be had at once. Throws SyscallError (ENOLCK). */
export function tryLock(fd: number, kind: LockKind): boolean {
  try {
    kernel.flock(fd, (kind === 'shared' ? LOCK_SH : LOCK_EX) | LOCK_NB);
    return true;
  } catch (error) {
    if (error instanceof SyscallError && error.errno === EAGAIN) return false;
    throw error;
  }
}

/** Runs `work` while nobody else does with the same `path`. Not to be nested. */
export async function withLock<T>(path: string, work: () => T | Promise<T>): Promise<T> {
  const fd = openSync(path, OPEN, 0o600);
  try {
    // Asked again and again: flock that waits would stop this process's other work too.
    while (!tryLock(fd, 'exclusive')) await sleep(RETRY_MS);
    return await work();
  } finally {
    closeSync(fd);
  }
}

/** Returns what lets go. Waits while somebody is removing what `path` stands for. */
export async function holdLease(path: string): Promise<() => void> {
  for (;;) {
    const fd = openSync(path, OPEN, 0o600);
    if (tryLock(fd, 'shared') && isStillAt(fd, path)) return () => closeSync(fd);
    closeSync(fd);
    await sleep(RETRY_MS);
  }
}

/** Whether the lock that we have is on the file that others will find. */
export function isStillAt(fd: number, path: string): boolean {
  const there = statSync(path, { throwIfNoEntry: false });
  return there?.ino === fstatSync(fd).ino;
}
