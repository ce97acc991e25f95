/**
 * Extended attributes that a layer has of its files: their capabilities, POSIX ACLs, and what users
 * have noted at them (`user.`). ACLs go along because a mode alone would say more than was meant:
 * where there is one, the mode's group bits are its mask, and no longer the group's rights.
 *
 * Labels of security modules belong to the machine, and `trusted.` to its root; a layer has none.
 * Overlay's own are how a whiteout lies on the disk, which in a layer is a name.
 *
 * xattr(7), acl(5). umoci keeps the same; Docker takes of a container's files the capabilities
 * alone, and unpacks whatever a layer has.
 */
import { kernel } from '../kernel/call.ts';
import { SyscallError } from '../kernel/syscall-error.ts';
import { getXattr, listXattrs } from '../kernel/xattr.ts';

const ACCESS_ACL = 'system.posix_acl_access';
/** What a directory gives to all that is made in it. */
export const DEFAULT_ACL = 'system.posix_acl_default';

const ACLS: readonly string[] = [ACCESS_ACL, DEFAULT_ACL];

export const isAcl = (name: string): boolean => ACLS.includes(name);

export const isOverlays = (name: string): boolean => /^(?:trusted|user)\.overlay\./.test(name);

/** A name with a NUL would be cut short by the kernel, to another name. */
export const isOfLayer = (name: string): boolean =>
  (name === 'security.capability' || isAcl(name) || name.startsWith('user.')) &&
  !isOverlays(name) &&
  !name.includes('\0');

/** Of an entry of a tar, where names and values are a character for each byte. The last one counts. */
export const attributesIn = (
  xattrs: readonly (readonly [name: string, value: string])[],
): Map<string, Buffer> =>
  new Map(
    xattrs.map(([name, value]) => [
      Buffer.from(name, 'latin1').toString(),
      Buffer.from(value, 'latin1'),
    ]),
  );

/** Names in order, with what is at `path` itself. Throws SyscallError. */
export function readAttributes(path: string | Buffer): Map<string, Buffer> {
  const names = listXattrs(path).filter(isOfLayer);
  return new Map(names.map((name) => [name, getXattr(path, name) ?? Buffer.of()]));
}

/**
 * Sets one; returns why it cannot be had here, or null. In a user namespace an ACL may name users
 * that it does not have. Throws SyscallError.
 */
export function putAttribute(
  path: string | Buffer,
  name: string,
  value: Buffer,
  confined: boolean,
): string | null {
  try {
    kernel.lsetxattr(path, name, value, 0);
    return null;
  } catch (error) {
    const left = ['EOPNOTSUPP', 'EPERM', ...(confined && isAcl(name) ? ['EINVAL'] : [])];
    if (error instanceof SyscallError && left.includes(error.code)) return error.code;
    throw error;
  }
}
