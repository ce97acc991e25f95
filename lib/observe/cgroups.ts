/**
 * Which cgroup version a machine has is decided per controller: each one is bound to a single
 * hierarchy, either a version 1 mount that names it or the one version 2 tree. Where both are
 * mounted the layout is called hybrid, whichever of them holds the controllers.
 *
 * cgroups(7), kernel Documentation/admin-guide/cgroup-v2.rst and cgroup-v1/cgroups.rst
 */
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { type Mount, mountAt, readMountinfo } from './mountinfo.ts';
import { orGone, orNull, readProcFile } from './proc-file.ts';

export interface Controller {
  /** Where its version 1 hierarchy is mounted. */
  v1: string | null;
  /** Whether the version 2 tree offers it (`cgroup.controllers` at its root). */
  v2: boolean;
}

export interface CgroupLayout {
  layout: 'v1' | 'v2' | 'hybrid' | 'none';
  /** By the kernel's name; block I/O is `blkio` in version 1 and `io` in version 2. */
  controllers: Record<string, Controller>;
  /** Mount point of the version 2 tree. */
  v2: string | null;
  /** Version 1 hierarchies without a controller: `systemd` for `name=systemd`. */
  named: Record<string, string>;
}

/** The layout in our mount namespace. Throws ObserveError when /proc cannot be read. */
export function detectCgroups(): CgroupLayout {
  const mounts = readMountinfo();
  const subsystems = orGone(() => readProcFile('/proc/cgroups')) ?? '';
  const unified = visibleMounts(mounts, 'cgroup2')[0]?.mountPoint;
  const offered = unified && orNull(() => readProcFile(join(unified, 'cgroup.controllers')));
  return describeCgroups(mounts, subsystems, offered || '');
}

/** The layout that a mount table, /proc/cgroups and the root's cgroup.controllers describe. */
export function describeCgroups(
  mounts: Mount[],
  subsystems: string,
  offered: string,
): CgroupLayout {
  const v1Mounts = visibleMounts(mounts, 'cgroup');
  const v2 = visibleMounts(mounts, 'cgroup2')[0]?.mountPoint ?? null;
  const v2Controllers = offered.split(/\s+/).filter(Boolean);

  const rows = subsystems.split('\n').filter((line) => line !== '' && !line.startsWith('#'));
  const names = new Set([...rows.map((row) => row.split('\t')[0] ?? ''), ...v2Controllers]);
  const controllers: Record<string, Controller> = {};
  for (const name of names) {
    const mount = v1Mounts.find(({ superOptions }) => superOptions.includes(name));
    controllers[name] = { v1: mount?.mountPoint ?? null, v2: v2Controllers.includes(name) };
  }

  const named: Record<string, string> = {};
  for (const { superOptions, mountPoint } of v1Mounts) {
    const name = superOptions.find((option) => option.startsWith('name='))?.slice('name='.length);
    if (name !== undefined) named[name] ??= mountPoint;
  }

  const layout = v2 ? (v1Mounts.length > 0 ? 'hybrid' : 'v2') : v1Mounts.length > 0 ? 'v1' : 'none';
  return { layout, controllers, v2, named };
}

/** Every cgroup below every cgroup mount that can be reached, roots included, sorted by path. */
export function listCgroups(): string[] {
  const mounts = readMountinfo();
  const seen = new Set<string>();
  const paths: string[] = [];
  for (const mount of [...visibleMounts(mounts, 'cgroup'), ...visibleMounts(mounts, 'cgroup2')]) {
    // One hierarchy may be mounted in several places, as `cpu` and `cpu,cpuacct` often are.
    const tree = `${mount.device} ${mount.root}`;
    if (!seen.has(tree)) paths.push(...directoriesBelow(mount.mountPoint));
    seen.add(tree);
  }
  return paths.sort();
}

/** Mounts of that type that no other mount covers. */
function visibleMounts(mounts: Mount[], fstype: string): Mount[] {
  return mounts.filter(
    (mount) => mount.fstype === fstype && mountAt(mounts, mount.mountPoint)?.id === mount.id,
  );
}

function directoriesBelow(path: string): string[] {
  const children = listDirectories(path);
  return [path, ...children.flatMap((name) => directoriesBelow(join(path, name)))];
}

function listDirectories(path: string): string[] {
  try {
    const entries = readdirSync(path, { withFileTypes: true });
    return entries.filter((entry) => entry.isDirectory()).map((entry) => entry.name);
  } catch (error) {
    // A cgroup may be removed between its parent's listing and its own.
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT' || code === 'ENODEV') return [];
    throw error;
  }
}
