/**
 * The cgroup of a container: where cgroupsPath leads in every hierarchy of this machine, made and
 * joined by the host's side, removed with all that is in it. Hierarchies without a controller too:
 * whoever is at the root of one can mount the whole of it, with its release_agent.
 *
 *   absolute    <mount>/PATH        of each hierarchy
 *   relative    <mount>/<our own cgroup>/PATH
 *   none        <mount>/<our own cgroup>/ID
 *
 * In version 2 not below our own cgroup but beside it: a cgroup with processes cannot hand memory
 * down, and what it can hand down makes it a threaded one, below which nobody is let in.
 *
 * OCI runtime-spec, config-linux.md "Cgroups Path"; cgroups(7), cgroup-v2.rst
 */
import {
  accessSync,
  constants,
  existsSync,
  mkdirSync,
  readFileSync,
  rmdirSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join, normalize } from 'node:path';
import { isFrozen } from '../cgroups/freeze.ts';
import type { CgroupPlan } from '../cgroups/plan.ts';
import { type CgroupSite, detectSite } from '../cgroups/site.ts';
import { killCgroups, membersBelow, removeCgroups } from '../host/remove-cgroups.ts';
import { readMembership, V2 } from '../observe/membership.ts';
import type { CgroupView } from './cgroup-mount.ts';
import { OciError } from './oci-error.ts';
import { isPrivileged } from './privilege.ts';
import type { Spec } from './spec.ts';

/** As it is kept in a container's state. */
export interface ContainerCgroup {
  /** In version 1 by controller, or by `name=…`. */
  v1: Readonly<Record<string, string>>;
  v2: string | null;
  /** Directories that lead to them and were not there: they go when they are empty. */
  parents: readonly string[];
  /** Of its own directories those that were there before it, and stay. */
  found?: readonly string[];
}

export const NO_CGROUP: ContainerCgroup = { v1: {}, v2: null, parents: [] };

/** Its directories, each once. */
export const directoriesOf = ({ v1, v2 }: ContainerCgroup): string[] => [
  ...new Set([...(v2 === null ? [] : [v2]), ...Object.values(v1)]),
];

/** Where it is to be. Nothing is made. Throws OciError for a path that leads out of the hierarchy. */
export function planContainerCgroup(spec: Spec, id: string, site = detectSite(id, false)) {
  const { layout } = site;
  const path = spec.linux?.cgroupsPath ?? '';
  if (path.includes(':')) {
    throw new OciError(
      `linux.cgroupsPath ${path} is a systemd unit: give a path, and start without --systemd-cgroup`,
    );
  }
  const own = readMembership('self');
  const mounts = hierarchies(site);
  const placeOf = (key: string, mountPoint: string) => {
    const ours = own[key] ?? '/';
    const below = path.startsWith('/') ? '' : key === V2 ? dirname(ours) : ours;
    const inside = normalize(join('/', below, path === '' ? id : path));
    return join(mountPoint, inside);
  };
  const all = mounts.flatMap(({ mountPoint, controllers }) =>
    controllers.map((name): [string, string] => [name, placeOf(name, mountPoint)]),
  );
  // Of a hierarchy in which we may make nothing the container is where we are; limits say so then.
  const isOpen = (directory: string) => path !== '' || isPrivileged() || mayMake(directory);
  const v1 = Object.fromEntries(all.filter(([, directory]) => isOpen(directory)));
  const below2 = layout.v2 === null ? null : placeOf(V2, layout.v2);
  const v2 = below2 !== null && isOpen(below2) ? below2 : null;
  const tops = [...mounts.map(({ mountPoint }) => mountPoint), layout.v2 ?? []].flat();
  const found = new Set([...Object.values(v1), ...(v2 === null ? [] : [v2])]);
  const parents = [...found].flatMap((directory) => missingParents(directory, tops));
  const there = [...found].filter((directory) => existsSync(directory));
  return {
    ...{ v1, v2, parents: [...new Set(parents)] },
    ...(there.length > 0 ? { found: there } : {}),
  } satisfies ContainerCgroup;
}

/**
 * What is in its cgroup ends with the container, and has its limits: nobody else may be in it.
 * Throws OciError, before anything is made.
 */
export function assertUnused({ found = [] }: ContainerCgroup): void {
  for (const directory of found) {
    const others = membersBelow(directory);
    if (others.length > 0) throw inUse(directory, `has ${others.length} processes in it`);
    if (isFrozen({ v1: { freezer: directory }, v2: null }) || isFrozen({ v1: {}, v2: directory })) {
      throw inUse(directory, 'is frozen');
    }
  }
}

const inUse = (directory: string, why: string) =>
  new OciError(
    `container's cgroup ${directory} is not empty or not free: it ${why}; name another in linux.cgroupsPath, or choose another id`,
  );

/** Somebody else has made it since it was planned: nothing of it is ours. */
export class CgroupTaken extends OciError {}

function mayMake(directory: string): boolean {
  const above = dirname(directory);
  try {
    accessSync(above, constants.W_OK);
    return true;
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    return code === 'ENOENT' && mayMake(above);
  }
}

/** What is above it and not there, the deepest first. */
function missingParents(directory: string, tops: readonly string[]): string[] {
  const above = dirname(directory);
  if (tops.includes(above) || above === directory || existsSync(above)) return [];
  return [above, ...missingParents(above, tops)];
}

interface Hierarchy {
  mountPoint: string;
  controllers: string[];
}

function hierarchies({ layout }: CgroupSite): Hierarchy[] {
  const found = new Map<string, string[]>();
  const pairs: [string, string | null][] = [
    ...Object.entries(layout.controllers).map(([name, { v1 }]): [string, string | null] => [
      name,
      v1,
    ]),
    ...Object.entries(layout.named).map(([name, at]): [string, string] => [`name=${name}`, at]),
  ];
  for (const [name, mountPoint] of pairs) {
    if (mountPoint !== null) found.set(mountPoint, [...(found.get(mountPoint) ?? []), name]);
  }
  return [...found].map(([mountPoint, controllers]) => ({ mountPoint, controllers }));
}

/**
 * Makes its directories, with controllers handed down and cpusets filled. Throws Error of node:fs,
 * and CgroupTaken; what it has made is gone then.
 */
export function makeContainerCgroup(cgroup: ContainerCgroup, site: CgroupSite): void {
  const missing = directoriesOf(cgroup).filter((directory) => !cgroup.found?.includes(directory));
  missing.forEach((directory, i) => {
    if (makeDirectory(directory)) return;
    for (const made of missing.slice(0, i)) rmdirSync(made);
    throw new CgroupTaken(inUse(directory, 'has come to be this very moment').message);
  });
  const { cpuset } = cgroup.v1;
  if (cpuset !== undefined && site.layout.controllers.cpuset?.v1) {
    fillCpuset(cpuset, site.layout.controllers.cpuset.v1);
  }
  if (cgroup.v2 !== null && site.layout.v2 !== null) handDown(cgroup.v2, site.layout.v2);
}

/** False where it is there already. A parent may be removed meanwhile by whoever made it. */
function makeDirectory(path: string): boolean {
  for (let left = 20; ; left--) {
    try {
      mkdirSync(dirname(path), { recursive: true });
      mkdirSync(path);
      return true;
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      if (code === 'EEXIST') return false;
      if (code === 'EACCES' || code === 'EPERM') throw notOurs(path, error);
      if (code !== 'ENOENT' || left === 0) throw error;
    }
  }
}

const notOurs = (path: string, cause: unknown) =>
  new OciError(
    `linux.cgroupsPath: ${path} is not ours to make; without root leave cgroupsPath out, or have a cgroup handed over (systemd-run --user --scope -p Delegate=yes)`,
    { cause },
  );

/** A new cpuset is empty, and takes no process until it has what its parent has. */
function fillCpuset(directory: string, top: string): void {
  if (directory === top) return;
  fillCpuset(dirname(directory), top);
  for (const file of ['cpuset.cpus', 'cpuset.mems']) {
    if (readFileSync(join(directory, file), 'utf8').trim() !== '') continue;
    writeFileSync(join(directory, file), readFileSync(join(dirname(directory), file)));
  }
}

function handDown(directory: string, top: string): void {
  const above: string[] = [];
  for (let at = dirname(directory); at.startsWith(top); at = dirname(at)) above.unshift(at);
  for (const at of above) {
    // It would become a threaded one; the root alone may have both.
    if (at !== top && hasProcesses(at)) continue;
    const names = readFileSync(join(at, 'cgroup.controllers'), 'utf8').trim();
    for (const name of names.split(' ').filter(Boolean)) {
      try {
        writeFileSync(join(at, 'cgroup.subtree_control'), `+${name}`);
      } catch {
        // Processes are in it (EBUSY), or it is not ours: a limit that needs it will say so.
      }
    }
  }
}

/** One that is threaded already does not tell (EOPNOTSUPP). */
function hasProcesses(directory: string): boolean {
  try {
    return readFileSync(join(directory, 'cgroup.procs'), 'utf8') !== '';
  } catch {
    return true;
  }
}

/**
 * Kills what is in it and removes what was made for it. In what was there before there can only be
 * processes of a container that has `joined`. Gone is fine. Throws HostError.
 */
export async function removeContainerCgroup(
  cgroup: ContainerCgroup,
  joined: boolean,
): Promise<void> {
  const { found = [], parents } = cgroup;
  const made = directoriesOf(cgroup).filter((directory) => !found.includes(directory));
  if (joined) await killCgroups(found);
  await removeCgroups(made, parents);
}

/** For what reads and writes cgroups by a plan. */
export const planOf = (
  cgroup: ContainerCgroup,
  id: string,
  site = detectSite(id, false),
): CgroupPlan => ({ id, v1: cgroup.v1, v2: cgroup.v2, site });

/** For a mount of type `cgroup`. */
export function viewOf(cgroup: ContainerCgroup, site = detectSite('oci', false)): CgroupView {
  const v1 = hierarchies(site).flatMap(({ mountPoint, controllers }) => {
    const directory = cgroup.v1[controllers[0] ?? ''];
    return directory === undefined ? [] : [{ mountPoint, controllers, directory }];
  });
  return { v1, v2: cgroup.v2 };
}
