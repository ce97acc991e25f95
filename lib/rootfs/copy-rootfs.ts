/**
 * A private copy of a root filesystem. Whoever is root in it may write into any file, so nothing
 * may be shared with the original by a hard link; on filesystems with copy-on-write (btrfs, xfs)
 * the copies share blocks until one of them is written.
 *
 * See ioctl_ficlone(2).
 */
import { constants, cp } from 'node:fs/promises';
import { RootfsError } from './rootfs-error.ts';

/**
 * Copies the tree `from` to `to`, which is absent or an empty directory: files, directories,
 * modes, links as they stand. Everything in the copy belongs to the caller.
 * Throws RootfsError, also for device nodes, sockets and FIFOs, which a built root does not have.
 */
export async function copyRootfs(from: string, to: string): Promise<void> {
  try {
    await cp(from, to, {
      recursive: true,
      verbatimSymlinks: true,
      force: false,
      errorOnExist: true,
      mode: constants.COPYFILE_FICLONE,
    });
  } catch (cause) {
    throw new RootfsError(from, `${from}: not copied to ${to}: ${(cause as Error).message}`, cause);
  }
}
