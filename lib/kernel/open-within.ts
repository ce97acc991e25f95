/**
 * A path walked by the kernel with a directory as its end. A step up (`..`, also in a link) makes
 * it sure that nothing was moved meanwhile by which it would come out: when anything on the whole
 * machine has been mounted or renamed it cannot tell, and gives up with EAGAIN.
 *
 * openat2(2), RESOLVE_IN_ROOT, RESOLVE_BENEATH
 */
import { constants as os } from 'node:os';
import { kernel } from './call.ts';
import { SyscallError } from './syscall-error.ts';

/** A walk takes microseconds: somebody who moves things all the time does not hold us up for long. */
const MOST_TRIES = 10_000;

/** A descriptor, for the caller to close; `how` as `encodeOpenHow` makes it. Throws SyscallError. */
export function openWithin(
  directory: number,
  path: Parameters<typeof kernel.openat2>[1],
  how: Uint8Array,
): number {
  for (let left = MOST_TRIES; ; left--) {
    try {
      return kernel.openat2(directory, path, how);
    } catch (error) {
      const again = error instanceof SyscallError && error.errno === os.errno.EAGAIN;
      if (!again || left === 0) throw error;
    }
  }
}
