/** The least root that a shell runs in: busybox under its names, and places for mounts. */
import { copyFileSync, mkdirSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { findCommand } from '../observe/command.ts';

/** Throws Error where there is no busybox; it has to be the static one (package busybox-static). */
export function makeBusyboxRoot(
  rootfs: string,
  { directories, applets }: { directories: readonly string[]; applets: readonly string[] },
): void {
  const busybox = findCommand('busybox');
  if (!busybox) throw new Error('there is no busybox; install the package busybox-static');
  for (const name of ['bin', ...directories]) mkdirSync(join(rootfs, name), { recursive: true });
  copyFileSync(busybox, join(rootfs, 'bin/busybox'));
  for (const name of applets) symlinkSync('busybox', join(rootfs, 'bin', name));
}
