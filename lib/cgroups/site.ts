/**
 * Where on this machine the kit's cgroups go: for each hierarchy the directory below which one for
 * each container is made. Which that is follows from who may write where.
 *
 *   the root of the hierarchy           <mount>/unboxed/ID
 *   the root, and systemd is process 1  <mount>/system.slice/unboxed-RUN.service/ID, a unit that
 *                                       systemd has handed over (Delegate=yes): it wants to be the
 *                                       only one to write above it
 *   our own cgroup and no more          <our own>/unboxed/ID
 *
 * `detectSite` looks, and changes nothing.
 *
 * cgroups(7), systemd’s "Control Group APIs and Delegation", sd_booted(3)
 */
import { accessSync, constants, existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { type CgroupLayout, detectCgroups } from '../observe/cgroups.ts';
import { directoryOfCgroup, readMembership, V2 } from '../observe/membership.ts';
import { orNull, readProcFile } from '../observe/proc-file.ts';

export interface V1Site {
  mountPoint: string;
  base: string;
  /** Files at the root of the hierarchy: which of its features this kernel has. */
  files: readonly string[];
  /** What a new cpuset, empty at first, has to be given: all that its parent has. */
  cpuset: { cpus: string; mems: string } | null;
}

export interface V2Site {
  mountPoint: string;
  /** What was there before us, or systemd’s unit: its controllers are handed down. */
  top: string;
  /** `top` itself or a directory of ours in it. */
  base: string;
  /** Those that can be handed down. */
  controllers: readonly string[];
  /** `top` has processes and is not the root: before controllers go down, they must make room. */
  crowded: boolean;
  files: readonly string[];
  /** Whether a limit of swap can be set; null where no cgroup has `memory` yet, to tell by. */
  countsSwap: boolean | null;
}

export interface CgroupSite {
  layout: CgroupLayout;
  /** By controller. */
  v1: Readonly<Record<string, V1Site>>;
  v2: V2Site | null;
  /** The systemd unit that has to be started first. */
  unit: string | null;
  /** Processors and memory nodes that can be given to a cgroup. */
  cpus: string;
  mems: string;
  /** Why a hierarchy that is mounted cannot be used, by mount point. */
  closed: Readonly<Record<string, string>>;
}

/** A machine without cgroups. */
const NOWHERE: CgroupSite = {
  layout: { layout: 'none', controllers: {}, v2: null, named: {} },
  v1: {},
  v2: null,
  unit: null,
  cpus: '0',
  mems: '0',
  closed: {},
};

/** Our own directory in a hierarchy. */
const OWN = 'unboxed';

/** What systemd makes directories for in version 1, and hands over in version 2. */
const OF_SYSTEMD = ['cpu', 'cpuacct', 'cpuset', 'io', 'blkio', 'memory', 'devices', 'pids'];
const NOT_V1_OF_SYSTEMD = ['cpuset'];

/** What limits and statistics are about; others are left as they are. */
const HANDED_DOWN = ['cpu', 'cpuset', 'io', 'memory', 'pids', 'hugetlb'];

/** Whether systemd is process 1 here. */
export const isSystemdBooted = (): boolean => existsSync('/run/systemd/system');

/** Looks at this machine. `run` names the systemd unit. Throws ObserveError without /proc, and has no place for anything off Linux. */
export function detectSite(run: string, systemd = isSystemdBooted()): CgroupSite {
  if (process.platform !== 'linux') return NOWHERE;
  const layout = detectCgroups();
  const roots = [...Object.values(layout.controllers).map(({ v1 }) => v1), layout.v2];
  const isRoot = roots.some((path) => path !== null && isWritable(path));
  const unit = systemd && isRoot ? `unboxed-${run}.service` : null;
  const own = readMembership('self');
  const closed: Record<string, string> = {};

  const placeOf = (key: string, mountPoint: string): { top: string; base: string } | null => {
    const ofSystemd = key === V2 || (OF_SYSTEMD.includes(key) && !NOT_V1_OF_SYSTEMD.includes(key));
    if (isWritable(mountPoint)) {
      const top = unit && ofSystemd ? join(mountPoint, 'system.slice', unit) : mountPoint;
      return { top, base: top === mountPoint ? join(top, OWN) : top };
    }
    const top = directoryOfCgroup(key, own[key] ?? '/');
    if (top !== null && isWritable(top)) return { top, base: join(top, OWN) };
    closed[mountPoint] = `${top ?? mountPoint} is not ours to write`;
    return null;
  };

  const v1: Record<string, V1Site> = {};
  for (const [name, { v1: mountPoint }] of Object.entries(layout.controllers)) {
    const place = mountPoint === null ? null : placeOf(name, mountPoint);
    if (mountPoint === null || place === null) continue;
    const cpuset = name === 'cpuset' ? cpusetOf(place.top) : null;
    v1[name] = { mountPoint, base: place.base, files: filesOf(mountPoint), cpuset };
  }

  const place = layout.v2 === null ? null : placeOf(V2, layout.v2);
  const v2 = layout.v2 === null || place === null ? null : v2Site(layout.v2, place, unit !== null);
  const parent = v1.cpuset?.cpuset ?? cpusetOf(place?.top ?? '/');
  return { layout, v1, v2, unit, closed, ...parent };
}

function v2Site(mountPoint: string, place: { top: string; base: string }, unit: boolean): V2Site {
  const { top, base } = place;
  const inRoot = unit ? mountPoint : top;
  const offered = wordsOf(join(inRoot, 'cgroup.controllers')).filter((name) =>
    (unit ? OF_SYSTEMD : HANDED_DOWN).includes(name),
  );
  const threaded = linesOf(join(inRoot, 'cgroup.type'))[0]?.includes('threaded') ?? false;
  return {
    mountPoint,
    top,
    base,
    controllers: threaded ? offered.filter((name) => THREADED.includes(name)) : offered,
    crowded: top !== mountPoint && !unit && linesOf(join(top, 'cgroup.procs')).length > 0,
    files: filesOf(mountPoint),
    countsSwap: countsSwap(mountPoint),
  };
}

/** By a cgroup that has the controller: the root of the tree has none of its limits. */
function countsSwap(mountPoint: string): boolean | null {
  const below = readdirSync(mountPoint, { withFileTypes: true }).filter((it) => it.isDirectory());
  const limited = [mountPoint, ...below.map(({ name }) => join(mountPoint, name))].find((path) =>
    existsSync(join(path, 'memory.max')),
  );
  return limited === undefined ? null : existsSync(join(limited, 'memory.swap.max'));
}

/** The only ones that a threaded cgroup can have. cgroup-v2.rst, "Threads" */
const THREADED = ['cpu', 'cpuset', 'pids'];

/** Version 2 has `.effective`, version 1 `effective_` where a parent may have less than it asks for. */
function cpusetOf(directory: string): { cpus: string; mems: string } {
  const read = (kind: 'cpus' | 'mems', online: string) =>
    [`cpuset.${kind}.effective`, `cpuset.effective_${kind}`, `cpuset.${kind}`]
      .map((file) => linesOf(join(directory, file))[0])
      .find((text) => text) ??
    linesOf(online)[0] ??
    '0';
  return {
    cpus: read('cpus', '/sys/devices/system/cpu/online'),
    mems: read('mems', '/sys/devices/system/node/online'),
  };
}

function isWritable(path: string): boolean {
  try {
    accessSync(path, constants.W_OK);
    return true;
  } catch {
    return false;
  }
}

const linesOf = (path: string): string[] =>
  (orNull(() => readProcFile(path)) ?? '').split('\n').filter(Boolean);

const wordsOf = (path: string): string[] => linesOf(path).flatMap((line) => line.split(' '));

const filesOf = (path: string): string[] =>
  readdirSync(path, { withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map(({ name }) => name);
