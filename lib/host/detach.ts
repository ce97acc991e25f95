/**
 * Taking mounts out of the tree. Each is made private with all that is below it before: a recursive
 * bind of a shared tree is a peer of the original, and a lazy unmount of it would unmount /proc and
 * /sys of the machine as well. umount(2), "Shared subtrees" in mount_namespaces(7)
 */
import { kernel } from '../kernel/call.ts';
import { MNT_DETACH, MS_PRIVATE, MS_REC, UMOUNT_NOFOLLOW } from '../kernel/constants.ts';
import { SyscallError } from '../kernel/syscall-error.ts';
import { readMountinfo } from '../observe/mountinfo.ts';
import { mountsBelow } from './remove-tree.ts';

/** Detaches the topmost mount at `path`; not mounted is fine. Throws SyscallError. */
export function detachMount(path: string): void {
  // A path in the mount table has no links in it, so what follows cannot be led elsewhere.
  if (!readMountinfo().some(({ mountPoint }) => mountPoint === path)) return;
  try {
    kernel.mount(null, path, null, MS_REC | MS_PRIVATE);
    kernel.umount2(path, MNT_DETACH | UMOUNT_NOFOLLOW);
  } catch (error) {
    const gone = error instanceof SyscallError && ['EINVAL', 'ENOENT'].includes(error.code);
    if (!gone || readMountinfo().some(({ mountPoint }) => mountPoint === path)) throw error;
  }
}

/** Detaches everything that is mounted at or below `path`. Throws SyscallError. */
export function detachMountsBelow(path: string): void {
  for (const { mountPoint } of mountsBelow(path)) detachMount(mountPoint);
}
