/**
 * How an upper directory says that something of a lower one is gone. A *whiteout* hides one name: a
 * character device 0/0, or, where no device can be made, an empty regular file with the attribute
 * `overlay.whiteout` in a directory whose `overlay.opaque` is `x` (Linux 6.7 and later). An *opaque*
 * directory, `overlay.opaque` is `y`, hides everything below it in the layers under it.
 *
 * The attributes are `trusted.overlay.*` for an overlay that root mounts, and `user.overlay.*` for one
 * that is mounted with `userxattr`, as in a user namespace: that is the *form* here.
 *
 * "whiteouts and opaque directories" in the kernel's Documentation/filesystems/overlayfs.rst
 */
import { type BigIntStats, lstatSync, type Stats, unlinkSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { kernel } from '../kernel/call.ts';
import { AT_FDCWD, S_IFCHR } from '../kernel/constants.ts';
import { SyscallError } from '../kernel/syscall-error.ts';
import { getXattr, removeXattr, setXattr } from '../kernel/xattr.ts';

/** Whose attributes: `trusted.overlay.*` or `user.overlay.*`. */
export type Form = 'trusted' | 'user';

/** `overlayXattr('user', 'opaque')` is `user.overlay.opaque`. */
export const overlayXattr = (form: Form, name: string): string => `${form}.overlay.${name}`;

const FORMS: readonly Form[] = ['trusted', 'user'];

/** The value of an overlay attribute, in one form or in whichever has it. Throws SyscallError. */
export function readOverlayXattr(path: string, name: string, form?: Form): Buffer | null {
  for (const each of form ? [form] : FORMS) {
    const value = getXattr(path, overlayXattr(each, name));
    if (value) return value;
  }
  return null;
}

/**
 * Whether what is at `path` itself (no link is followed) hides a name. `stats` saves looking again.
 * Without `form` either is one. False where nothing is there. Throws SyscallError.
 */
export function isWhiteout(
  path: string,
  options: { form?: Form | undefined; stats?: Stats | BigIntStats } = {},
): boolean {
  const stats = options.stats ?? lstatSync(path, { throwIfNoEntry: false });
  if (!stats) return false;
  if (stats.isCharacterDevice()) return Number(stats.rdev) === 0;
  if (!stats.isFile() || Number(stats.size) !== 0) return false;
  return readOverlayXattr(path, 'whiteout', options.form) !== null;
}

/**
 * Makes a whiteout at `path`, where nothing may be. A device where that can be made, which is
 * everywhere but on some file systems: 0/0 needs no privilege since Linux 5.8. Else the other kind,
 * in a directory that is marked for it. In an opaque directory there is nothing to hide, and the
 * kernel would list its name: none is made there. Throws SyscallError (EEXIST, EROFS, EPERM).
 */
export function makeWhiteout(path: string, form: Form): void {
  if (isOpaque(dirname(path), form)) return;
  try {
    kernel.mknodat(AT_FDCWD, path, S_IFCHR, 0);
  } catch (error) {
    if (!(error instanceof SyscallError && ['EPERM', 'EOPNOTSUPP'].includes(error.code)))
      throw error;
    makeXattrWhiteout(path, form);
  }
}

/** The kind that is a file with an attribute. Throws SyscallError, or Error (EEXIST). */
export function makeXattrWhiteout(path: string, form: Form): void {
  const directory = dirname(path);
  if (isOpaque(directory, form)) return;
  writeFileSync(path, '', { flag: 'wx', mode: 0o600 });
  try {
    setXattr(path, overlayXattr(form, 'whiteout'), '');
    // The mark by which the kernel knows that listing this directory has to look at every file.
    setXattr(directory, overlayXattr(form, 'opaque'), 'x');
  } catch (error) {
    unlinkSync(path);
    throw error;
  }
}

/** Whether the directory hides what lies below it. Without `form` either attribute does. */
export function isOpaque(path: string, form?: Form): boolean {
  return readOverlayXattr(path, 'opaque', form)?.toString() === 'y';
}

/** Has the directory hide what lies below it. Throws SyscallError (EPERM for `trusted` without root). */
export function makeOpaque(path: string, form: Form): void {
  setXattr(path, overlayXattr(form, 'opaque'), 'y');
}

/** Back to a directory that merges with those below it. Throws SyscallError. */
export function clearOpaque(path: string, form: Form): void {
  removeXattr(path, overlayXattr(form, 'opaque'));
}
