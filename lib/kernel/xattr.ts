/**
 * Extended attributes, of which Node knows nothing: names with a value, beside a file's mode and
 * owner. The part of a name before its first dot says who may use it: `user.` whoever may write the
 * file (regular files and directories alone), `trusted.` CAP_SYS_ADMIN of the machine, `security.`
 * the kernel's security modules. A symbolic link's own are meant, never its target's. xattr(7)
 */
import { kernel } from './call.ts';
import { SyscallError } from './syscall-error.ts';
import type { Path } from './syscalls.ts';

/** XATTR_SIZE_MAX of linux/limits.h is 64 KiB; what is longer than this is read in two calls. */
const USUAL_SIZE = 256;

/**
 * The value, or null where the file has none of that name or its file system has none at all.
 * Throws SyscallError (EACCES, ENOENT); a `trusted.` one that we may not see is ENODATA too: null.
 */
export function getXattr(path: Path, name: string): Buffer | null {
  try {
    const usual = Buffer.alloc(USUAL_SIZE);
    return usual.subarray(0, kernel.lgetxattr(path, name, usual));
  } catch (error) {
    if (isError(error, 'ENODATA', 'EOPNOTSUPP', 'ENOTSUP')) return null;
    if (!isError(error, 'ERANGE')) throw error;
    const whole = Buffer.alloc(kernel.lgetxattr(path, name, Buffer.of()));
    return whole.subarray(0, kernel.lgetxattr(path, name, whole));
  }
}

/** Makes it or replaces its value. Throws SyscallError (EPERM, EOPNOTSUPP, ENOSPC). */
export function setXattr(path: Path, name: string, value: Uint8Array | string): void {
  kernel.lsetxattr(path, name, typeof value === 'string' ? Buffer.from(value) : value, 0);
}

/** Not there is fine. Throws SyscallError. */
export function removeXattr(path: Path, name: string): void {
  try {
    kernel.lremovexattr(path, name);
  } catch (error) {
    if (!isError(error, 'ENODATA', 'EOPNOTSUPP', 'ENOTSUP')) throw error;
  }
}

/** The names that we may see, sorted. Throws SyscallError. */
export function listXattrs(path: Path): string[] {
  try {
    const size = kernel.llistxattr(path, Buffer.of());
    if (size === 0) return [];
    const names = Buffer.alloc(size);
    const text = names.subarray(0, kernel.llistxattr(path, names)).toString();
    return text.split('\0').filter(Boolean).sort();
  } catch (error) {
    if (isError(error, 'EOPNOTSUPP', 'ENOTSUP')) return [];
    throw error;
  }
}

const isError = (error: unknown, ...codes: string[]): error is SyscallError =>
  error instanceof SyscallError && codes.includes(error.code);
