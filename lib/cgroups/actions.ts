/**
 * A container's cgroup as host actions, for the `prepare` of a runtime: first what its place wants
 * once for a run, then the directories, then each limit by itself.
 *
 *   prepare: [...cgroupActions(container.cgroup, { pids: { max: 100 } })]
 *
 * Undone newest first: killed and removed, controllers taken back, room given back.
 */
import { join } from 'node:path';
import type { Action, Effect, Sight } from '../host/action.ts';
import { CgroupError } from './cgroup-error.ts';
import type { LimitWrite } from './limit-write.ts';
import { limitWrites } from './limit-writes.ts';
import type { Limits } from './limits.ts';
import { type CgroupPlan, directoriesOf } from './plan.ts';
import type { CgroupSite, V2Site } from './site.ts';

/** Throws CgroupError when this machine has no place for it, or cannot hold one of the limits. */
export function cgroupActions(plan: CgroupPlan, limits: Limits = {}): Action[] {
  if (directoriesOf(plan).length === 0)
    throw new CgroupError([{ controller: 'cgroup', why: whyNone(plan.site) }]);
  const writes = limitWrites(plan, limits);
  return [...siteActions(plan), makeCgroup(plan), ...writes.map(limitAction)];
}

/** What has to be there before the first container's cgroup; shared by those of a run. */
export function siteActions({ site, v2, v1 }: CgroupPlan): Action[] {
  const { unit } = site;
  if (unit !== null) {
    const inUnit = v2 !== null || Object.values(v1).some((path) => path.includes(`/${unit}/`));
    return inUnit ? [startUnit(unit, site.v2)] : [];
  }
  return v2 !== null && site.v2?.crowded && site.v2.controllers.length > 0
    ? [makeRoom(site.v2)]
    : [];
}

/**
 * A service that does nothing: what it is started for is its cgroup, which systemd leaves to us
 * (Delegate=yes). Its process goes to a cgroup below, since one with processes cannot hand
 * controllers down: by 0, which is who writes, as systemd would make one dollar of two.
 * systemd.resource-control(5), systemd-run(1), systemd.service(5)
 */
function startUnit(unit: string, v2: V2Site | null): Action {
  const script =
    'for d; do mkdir "$d/holder" && echo 0 > "$d/holder/cgroup.procs" || exit; done; systemd-notify --ready; exec sleep infinity';
  const start = [
    ...['systemd-run', '--quiet', '--collect', `--unit=${unit}`, '--service-type=notify'],
    ...['--property=NotifyAccess=all', '--property=Delegate=yes'],
    ...['/bin/sh', '-c', script, 'sh', ...(v2 === null ? [] : [v2.top])],
  ];
  return {
    name: `systemd unit ${unit}`,
    shared: true,
    does: [{ do: 'run', argv: start }],
    undoes: [{ do: 'run', argv: ['systemctl', 'stop', unit] }],
    seen: { argv: ['systemctl', 'is-active', '--quiet', unit] },
  };
}

/** The processes of the cgroup that we may write to, this one among them, go to one below. */
function makeRoom({ top }: V2Site): Action {
  const room = join(top, 'unboxed-room');
  return {
    name: `room in ${top}`,
    shared: true,
    does: [
      { do: 'mkdir', path: room },
      { do: 'move-processes', from: top, to: room },
    ],
    undoes: [
      { do: 'move-processes', from: room, to: top },
      { do: 'remove-cgroups', paths: [room], parents: [] },
    ],
    seen: { path: room },
  };
}

/** The directories, and in version 2 the controllers in them. Undone with all that is in them. */
export function makeCgroup(plan: CgroupPlan): Action {
  const { site, v1, v2 } = plan;
  const tree = v2 === null ? null : site.v2;
  const parents = Object.keys(v1).flatMap((name) => ownBase(site.v1[name], site) ?? []);
  const paths = directoriesOf(plan);
  return {
    name: `cgroup ${plan.id}`,
    does: [
      ...paths.map((path): Effect => ({ do: 'mkdir', path })),
      ...(tree ? handDown(tree) : []),
      ...fillCpuset(plan),
    ],
    undoes: [
      { do: 'remove-cgroups', paths, parents: [...new Set(parents)] },
      ...(tree ? takeBack(tree) : []),
    ],
    seen: { path: paths[0] ?? '' },
  };
}

/** A cgroup has the controllers that every cgroup above it hands down. */
function handDown({ top, base, controllers }: V2Site): Effect[] {
  if (controllers.length === 0) return [];
  if (base !== top) return [{ do: 'hand-down', top, base, controllers: [...controllers] }];
  const text = controllers.map((name) => `+${name}`).join(' ');
  return [tell(join(top, 'cgroup.subtree_control'), text)];
}

/** A unit of systemd's goes as a whole. */
const takeBack = ({ top, base }: V2Site): Effect[] =>
  base === top ? [] : [{ do: 'take-back', top, base }];

/** A new cpuset has no processor and takes no process until it is given some. */
function fillCpuset({ v1, site }: CgroupPlan): Effect[] {
  const place = site.v1.cpuset;
  if (v1.cpuset === undefined || !place?.cpuset) return [];
  const { cpus, mems } = place.cpuset;
  return [place.base, v1.cpuset].flatMap((directory): Effect[] => [
    tell(join(directory, 'cpuset.cpus'), cpus),
    tell(join(directory, 'cpuset.mems'), mems),
  ]);
}

/** The directory above the container's, where it is ours to remove. */
const ownBase = (
  place: CgroupSite['v1'][string] | undefined,
  { unit }: CgroupSite,
): string | null =>
  place === undefined || (unit !== null && place.base.endsWith(unit)) ? null : place.base;

function limitAction({ name, writes, shows, program }: LimitWrite): Action {
  const attach: Effect[] =
    program === undefined || shows === null || !('deviceProgramOn' in shows)
      ? []
      : [{ do: 'attach-device-program', path: shows.deviceProgramOn, program }];
  return {
    name: `limit ${name}`,
    does: [...writes.map(({ path, text }) => tell(path, text)), ...attach],
    // It goes with the cgroup.
    undoes: [],
    seen: sightOf(shows),
  };
}

/** As `echo` would. */
const tell = (path: string, text: string): Effect => ({ do: 'write', path, text: `${text}\n` });

function sightOf(shows: LimitWrite['shows']): Sight {
  if (shows === null) return { argv: ['false'] };
  if ('deviceProgramOn' in shows) return shows;
  const { path, line, among } = shows;
  return among ? { argv: ['grep', '-qxF', '--', line, path] } : { file: path, holds: line };
}

function whyNone({ layout, closed }: CgroupSite): string {
  const reasons = [...new Set(Object.values(closed))];
  if (reasons.length === 0) return `this machine has no cgroups mounted (layout ${layout.layout})`;
  return `${reasons.join('; ')}; run as root, or in a scope of your own: systemd-run --user --scope -p Delegate=yes`;
}
