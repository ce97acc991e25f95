/**
 * What engines leave among the cgroups, which no namespace of ours keeps in: their parents, and
 * directories that Podman makes where a version 1 hierarchy could be mounted.
 */
import { readdirSync, rmdirSync } from 'node:fs';
import { join } from 'node:path';
import { removeCgroups } from '../../lib/host/remove-cgroups.ts';
import { readMountinfo } from '../../lib/observe/mountinfo.ts';

/** The inner one first. */
const PODMAN = ['libpod_parent/conmon', 'libpod_parent'];
const TOP = '/sys/fs/cgroup';

/** Directly below /sys/fs/cgroup. */
export const topDirectories = (): string[] => {
  try {
    return readdirSync(TOP, { withFileTypes: true })
      .filter((entry) => entry.isDirectory())
      .map(({ name }) => join(TOP, name));
  } catch {
    return [];
  }
};

/** Throws HostError for processes that do not die. `before` are the top directories of then. */
export async function removeTraces(cgroup: string, before: readonly string[]): Promise<void> {
  const hierarchies = readMountinfo()
    .filter(({ fstype }) => fstype === 'cgroup' || fstype === 'cgroup2')
    .map(({ mountPoint }) => mountPoint);
  await removeCgroups(
    hierarchies.map((mountPoint) => join(mountPoint, cgroup)),
    [],
  );
  const plain = topDirectories().filter((path) => !before.includes(path));
  for (const path of [
    ...PODMAN.flatMap((path) => hierarchies.map((at) => join(at, path))),
    ...plain,
  ])
    removeEmpty(path);
}

/** Of somebody else's, or not there: then it stays. */
function removeEmpty(path: string): void {
  try {
    rmdirSync(path);
  } catch (error) {
    const { code = '' } = error as NodeJS.ErrnoException;
    if (!['ENOENT', 'EBUSY', 'ENOTEMPTY'].includes(code)) throw error;
  }
}
