/**
 * Where files would go, and what the mounts there allow: the root mount, the kit's state directory,
 * /tmp, and /proc. A container engine covers parts of /proc; the kernel then refuses a fresh one
 * in a user namespace, because it would show what was covered.
 *
 * proc_pid_mountinfo(5), statfs(2), mount(2), proc(5) "hidepid"
 */
import { existsSync, statfsSync } from 'node:fs';
import { release } from 'node:os';
import { dirname, resolve } from 'node:path';
import { type Mount, mountAt } from '../mountinfo.ts';
import { orNull, readProcFile } from '../proc-file.ts';

export type DirectoryFacts = {
  path: string;
  fstype: string;
  noexec: boolean;
  nodev: boolean;
  freeBytes: number;
};

export type FileSystemFacts = {
  /** Of the mount at `/`; null in a chroot, whose root is no mount. */
  rootType: string | null;
  rootPropagation: string | null;
  state: DirectoryFacts;
  temporary: DirectoryFacts;
  /** /proc's hidepid option as the kernel prints it, `0` when it is not set. */
  hidepid: string;
  /** Places in /proc that another mount covers. */
  coveredProc: string[];
  /** Is overlay registered, and if not, does a module lie ready? */
  overlay: 'registered' | 'module' | 'absent';
};

export function readFileSystems(mounts: Mount[], state: string): FileSystemFacts {
  const root = mountAt(mounts, '/');
  return {
    rootType: root?.fstype ?? null,
    rootPropagation: root ? root.optional.join(' ') || 'private' : null,
    state: describeDirectory(mounts, state),
    temporary: describeDirectory(mounts, '/tmp'),
    hidepid: optionOf(mountAt(mounts, '/proc'), 'hidepid') ?? '0',
    coveredProc: mounts
      .map((mount) => mount.mountPoint)
      .filter((place) => place.startsWith('/proc/') && place !== '/proc/sys/fs/binfmt_misc'),
    overlay: readOverlay(),
  };
}

/** For a directory that may not be there yet: the nearest one above it answers. */
function describeDirectory(mounts: Mount[], path: string): DirectoryFacts {
  let present = resolve(path);
  while (!existsSync(present)) present = dirname(present);
  let place = present;
  while (place !== '/' && !mountAt(mounts, place)) place = dirname(place);
  const mount = mountAt(mounts, place);
  const { bavail, bsize } = statfsSync(present);
  return {
    path,
    fstype: mount?.fstype ?? 'unknown',
    noexec: mount?.options.includes('noexec') ?? false,
    nodev: mount?.options.includes('nodev') ?? false,
    freeBytes: bavail * bsize,
  };
}

function optionOf(mount: Mount | undefined, name: string): string | undefined {
  const option = mount?.superOptions.find((text) => text.startsWith(`${name}=`));
  return option?.slice(name.length + 1);
}

function readOverlay(): FileSystemFacts['overlay'] {
  if (/\toverlay$/m.test(readProcFile('/proc/filesystems'))) return 'registered';
  const modules = `/lib/modules/${release()}`;
  const listed = ['modules.dep', 'modules.builtin'].some((name) =>
    orNull(() => readProcFile(`${modules}/${name}`))?.includes('/overlayfs/overlay.ko'),
  );
  return listed ? 'module' : 'absent';
}
