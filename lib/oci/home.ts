/**
 * HOME of a user whose environment has none, as the container's own /etc/passwd has it. The image
 * decides what that is: a link to a file of ours, a FIFO that nobody ever writes to, a device that
 * never ends. So it is looked up in its own root, and is read if it is a file, and a short one.
 * passwd(5)
 */
import { closeSync, fstatSync, openSync, readFileSync } from 'node:fs';
import { kernel } from '../kernel/call.ts';
import { O_PATH } from '../kernel/constants.ts';
import { SyscallError } from '../kernel/syscall-error.ts';
import { howInRoot } from './in-root.ts';

/** Bytes. */
const LONGEST = 4 * 1024 * 1024;

/** As the file at `path` in the root `top` has it; `/` for a user that is not listed, or no such file. */
export function homeOf(uid: number, top: string, path: string): string {
  using open = new DisposableStack();
  try {
    // For its descriptor alone: a device may do something when it is opened.
    const root = open.adopt(openSync(top, O_PATH), closeSync);
    const file =
      path === '' ? root : open.adopt(kernel.openat2(root, path, howInRoot(O_PATH)), closeSync);
    const status = fstatSync(file);
    if (!status.isFile() || status.size > LONGEST) return '/';
    const text = open.adopt(openSync(`/proc/self/fd/${file}`, 'r'), closeSync);
    return homeIn(readFileSync(text, 'utf8'), uid);
  } catch (error) {
    if (error instanceof SyscallError || (error as NodeJS.ErrnoException).code) return '/';
    throw error;
  }
}

export function homeIn(passwd: string, uid: number): string {
  const entry = passwd
    .split('\n')
    .map((line) => line.split(':'))
    .find((fields) => fields[2] === String(uid));
  return entry?.[5] || '/';
}
