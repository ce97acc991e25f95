/**
 * Where upper directories can be. Not on an overlay, which the root of a container or of a machine
 * that is booted from an image is: the kernel refuses it. A tmpfs takes them everywhere, for as long
 * as it is mounted. overlayfs.rst, "Non-standard behavior"
 */
import { statfsSync } from 'node:fs';
import type { Action } from '../host/action.ts';
import { MS_NODEV } from '../kernel/constants.ts';

/** OVERLAYFS_SUPER_MAGIC of linux/magic.h */
const OVERLAYFS = 0x794c7630;

/** Throws Error (ENOENT). */
export const isOnOverlay = (path: string): boolean => statfsSync(path).type === OVERLAYFS;

/** A tmpfs on `directory`, which is there and empty: in it, upper directories can be made. */
export const placeForUppers = (directory: string): Action => ({
  name: `tmpfs ${directory}`,
  does: [
    {
      do: 'mount',
      source: 'tmpfs',
      target: directory,
      fstype: 'tmpfs',
      flags: MS_NODEV,
      data: 'mode=755',
    },
  ],
  undoes: [{ do: 'unmount', path: directory }],
  seen: { mountPoint: directory },
});
