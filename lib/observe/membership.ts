/**
 * Which cgroups a process is in: one in each hierarchy. The paths are those below the root of this
 * process's cgroup namespace, and become directories where the hierarchy is mounted.
 *
 * proc_pid_cgroup(5), cgroup_namespaces(7)
 */
import { isAbsolute, join, relative } from 'node:path';
import { type Mount, readMountinfo } from './mountinfo.ts';
import { type ProcId, readProcFile } from './proc-file.ts';

/** Key of the version 2 tree, where others have a controller or, as `name=systemd`, a name. */
export const V2 = 'v2';

/** Path by controller; several controllers of one hierarchy have the same. Throws ObserveError. */
export function readMembership(pid: ProcId): Record<string, string> {
  const lines = readProcFile(`/proc/${pid}/cgroup`).split('\n').filter(Boolean);
  const pairs = lines.flatMap((line) => {
    const [, hierarchy = '', controllers = '', path = ''] = /^(\d+):([^:]*):(.*)$/.exec(line) ?? [];
    const keys = hierarchy === '0' ? [V2] : controllers.split(',');
    // The kernel says so where the directory has been removed and the process is still there.
    return keys.map((key): [string, string] => [key, path.replace(/ \(deleted\)$/, '')]);
  });
  return Object.fromEntries(pairs);
}

/** Where that cgroup is to be seen, or null when its hierarchy is not mounted so that it shows. */
export function directoryOfCgroup(
  key: string,
  path: string,
  mounts: readonly Mount[] = readMountinfo(),
): string | null {
  for (const { fstype, superOptions, root, mountPoint } of mounts) {
    const right =
      key === V2 ? fstype === 'cgroup2' : fstype === 'cgroup' && superOptions.includes(key);
    if (!right) continue;
    const below = relative(root, path);
    if (!below.startsWith('..') && !isAbsolute(below)) return join(mountPoint, below);
  }
  return null;
}
