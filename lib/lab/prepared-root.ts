/**
 * Where a check finds the directory that was prepared as a container's root, to compare what the
 * container has with it.
 */
import { realpathSync } from 'node:fs';
import { overlayAt } from '../overlay/mounted.ts';
import type { Running, Subject } from './subject.ts';

/**
 * The prepared directory itself. Where the container's mount table has an overlay on / whose lowest
 * layer is that directory, the overlay, which stands for it: no file on it has the identity that it
 * has below. Throws ObserveError.
 */
export function preparedRoot({ rootfs }: Subject, { pid }: Running): string {
  const lowest = overlayAt('/', pid)?.lowers.at(-1);
  return lowest === realpathSync(rootfs) ? `/proc/${pid}/root/` : rootfs;
}
