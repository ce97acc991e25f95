/**
 * Removing a tree that a container may have written into. Links are not followed, and no directory
 * on another mount is entered: a bind mount that was forgotten there would have the files of its
 * source removed. Directories are held open on the way down and their entries named through
 * /proc/self/fd, so that a directory swapped for a link meanwhile leads nowhere else.
 *
 * What tells a mount is its id and not the device: a bind mount of the same file system has the
 * same device. openat(2), proc_pid_fdinfo(5)
 */
import {
  closeSync,
  constants,
  lstatSync,
  openSync,
  readdirSync,
  realpathSync,
  rmdirSync,
  unlinkSync,
} from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { type Mount, readMountinfo } from '../observe/mountinfo.ts';
import { readProcFile } from '../observe/proc-file.ts';
import { HostError } from './host-error.ts';

const DIRECTORY = constants.O_RDONLY | constants.O_DIRECTORY | constants.O_NOFOLLOW;

/** Gone is fine. Throws HostError when something is mounted at or below `path`. */
export function removeTree(path: string): void {
  const stat = ifThere(() => lstatSync(path));
  if (!stat) return;
  const mounts = mountsBelow(path).map(({ mountPoint }) => mountPoint);
  if (mounts.length > 0) throw refusal(path, mounts.join(', '));
  if (!stat.isDirectory()) {
    ifThere(() => unlinkSync(path));
    return;
  }
  const parent = openSync(dirname(path), constants.O_RDONLY | constants.O_DIRECTORY);
  try {
    removeEntry(entryOf(parent, Buffer.from(basename(path))), mountIdOf(parent), path);
  } finally {
    closeSync(parent);
  }
}

/** Mounts at `path` and under it, outermost first. */
export function mountsBelow(path: string): Mount[] {
  const parent = ifThere(() => realpathSync(dirname(path)));
  if (parent === undefined) return [];
  const top = join(parent, basename(path));
  return readMountinfo().filter(
    ({ mountPoint }) => mountPoint === top || mountPoint.startsWith(`${top}/`),
  );
}

function removeEntry(entry: Buffer, mountId: string, path: string): void {
  const fd = ifThere(() => openSync(entry, DIRECTORY));
  if (fd === undefined) return;
  try {
    if (mountIdOf(fd) !== mountId) throw refusal(path, path);
    const names = ifThere(() => readdirSync(entryOf(fd), { encoding: 'buffer' })) ?? [];
    for (const name of names) {
      const inner = entryOf(fd, name);
      const stat = ifThere(() => lstatSync(inner));
      if (stat?.isDirectory()) removeEntry(inner, mountId, join(path, name.toString()));
      else if (stat) ifThere(() => unlinkSync(inner));
    }
  } finally {
    closeSync(fd);
  }
  ifThere(() => rmdirSync(entry));
}

/** As bytes: a file's name need not be UTF-8. */
const entryOf = (fd: number, name: Uint8Array = Buffer.of()) =>
  Buffer.concat([Buffer.from(`/proc/self/fd/${fd}/`), name]);

function mountIdOf(fd: number): string {
  return /^mnt_id:\s*(\d+)$/m.exec(readProcFile(`/proc/self/fdinfo/${fd}`))?.[1] ?? '';
}

function refusal(path: string, mounted: string): HostError {
  return new HostError(`${path} is not removed: mounted there is ${mounted}`, {
    remedy: 'unmount that (umount --lazy) and try again',
  });
}

/** Undefined when it is not there, which is what somebody who removes wants. */
function ifThere<T>(look: () => T): T | undefined {
  try {
    return look();
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}
