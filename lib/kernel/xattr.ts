/**
 * Extended attributes, of which Node knows nothing: names with a value, beside a file's mode and
 * owner. The part of a name before its first dot says who may use it: `user.` whoever may write the
 * file (regular files and directories alone), `trusted.` CAP_SYS_ADMIN of the machine, `security.`
 * the kernel's security modules. A symbolic link's own are meant, never its target's. xattr(7)
 */
import { constants } from 'node:os';
import { attempt, kernel } from './call.ts';
import type { Path } from './syscalls.ts';

/** No attribute of that name; a file system without attributes. */
const NONE: readonly number[] = [constants.errno.ENODATA, constants.errno.EOPNOTSUPP];

/** XATTR_SIZE_MAX of linux/limits.h is 64 KiB; what is longer than this is read in two calls. */
const USUAL_SIZE = 256;

/**
 * The value, or null where the file has none of that name or its file system has none at all.
 * Throws SyscallError (EACCES, ENOENT); a `trusted.` one that we may not see is ENODATA too: null.
 */
export function getXattr(path: Path, name: string): Buffer | null {
  const usual = Buffer.alloc(USUAL_SIZE);
  // Most files have none: asked for by the thousand, an exception for each would be slow.
  const size = attempt.lgetxattr(path, name, usual);
  if (size >= 0) return usual.subarray(0, size);
  if (NONE.includes(-size)) return null;
  const whole = Buffer.alloc(kernel.lgetxattr(path, name, Buffer.of()));
  return whole.subarray(0, kernel.lgetxattr(path, name, whole));
}

/** Makes it or replaces its value. Throws SyscallError (EPERM, EOPNOTSUPP, ENOSPC). */
export function setXattr(path: Path, name: string, value: Uint8Array | string): void {
  kernel.lsetxattr(path, name, typeof value === 'string' ? Buffer.from(value) : value, 0);
}

/** Not there is fine. Throws SyscallError. */
export function removeXattr(path: Path, name: string): void {
  const result = attempt.lremovexattr(path, name);
  // Once more, for the error in words.
  if (result < 0 && !NONE.includes(-result)) kernel.lremovexattr(path, name);
}

/** The names that we may see, sorted. Throws SyscallError. */
export function listXattrs(path: Path): string[] {
  const size = attempt.llistxattr(path, Buffer.of());
  if (size === 0 || NONE.includes(-size)) return [];
  const names = Buffer.alloc(size < 0 ? 0 : size);
  const text = names.subarray(0, kernel.llistxattr(path, names)).toString();
  return text.split('\0').filter(Boolean).sort();
}
