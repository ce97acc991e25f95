/**
 * Which directories one container's cgroup is made of: in version 1 one for each hierarchy, in
 * version 2 one. A plan is only names; actions.ts makes them.
 */
import { join } from 'node:path';
import type { CgroupSite } from './site.ts';

export interface CgroupPlan {
  /** The last part of every directory's path. */
  id: string;
  /** Version 1 directories by controller; controllers of one hierarchy have the same. */
  v1: Readonly<Record<string, string>>;
  /** The version 2 directory: what a process can be cloned into. */
  v2: string | null;
  site: CgroupSite;
}

/** What `planCgroup` leaves out unless it is asked for: these limit nothing. */
const UNUSED = ['net_cls', 'net_prio', 'perf_event', 'rdma', 'misc', 'debug'];

/** Whether a container gets a directory in the hierarchy of that controller. */
export const isUsed = (controller: string): boolean => !UNUSED.includes(controller);

/** The cgroup of the container `id`, in every hierarchy that this process may write to. */
export function planCgroup(site: CgroupSite, id: string): CgroupPlan {
  const used = Object.entries(site.v1).filter(([name]) => isUsed(name));
  return {
    id,
    v1: Object.fromEntries(used.map(([name, { base }]) => [name, join(base, id)])),
    v2: site.v2 && join(site.v2.base, id),
    site,
  };
}

/** The plan's version 1 half; with `controllers`, of these alone. */
export function onlyV1(plan: CgroupPlan, controllers?: readonly string[]): CgroupPlan {
  const wanted = ([name]: [string, string]) => controllers?.includes(name) ?? true;
  return { ...plan, v1: Object.fromEntries(Object.entries(plan.v1).filter(wanted)), v2: null };
}

/** The plan's version 2 half. */
export const onlyV2 = (plan: CgroupPlan): CgroupPlan => ({ ...plan, v1: {} });

/** The version 1 directories, each once. */
export const v1Directories = (plan: CgroupPlan): string[] => [...new Set(Object.values(plan.v1))];

/** All of its directories, version 2 first. */
export const directoriesOf = (plan: CgroupPlan): string[] => [
  ...(plan.v2 === null ? [] : [plan.v2]),
  ...v1Directories(plan),
];

/** Where a controller is, for this plan. */
export type Held = { version: 1 | 2; directory: string };

/** Null when neither half of the plan has it. Block I/O is `blkio` in version 1, `io` in 2. */
export function findController(plan: CgroupPlan, v1: string, v2: string = v1): Held | null {
  const directory = plan.v1[v1];
  if (directory !== undefined) return { version: 1, directory };
  if (plan.v2 === null || !plan.site.v2?.controllers.includes(v2)) return null;
  return { version: 2, directory: plan.v2 };
}

/** Why it has not. */
export function whyAbsent({ site, ...plan }: CgroupPlan, v1: string, v2: string = v1): string {
  const { controllers, v2: tree, layout } = site.layout;
  const mountPoint = controllers[v1]?.v1 ?? null;
  const closed = (at: string | null) => (at === null ? undefined : site.closed[at]);
  if (mountPoint !== null) {
    const why = closed(mountPoint) ?? 'this container has no directory there';
    return `mounted as version 1 at ${mountPoint}, but ${why}`;
  }
  if (layout === 'none') return 'no cgroup file system is mounted; see `npm run doctor`';
  if (controllers[v2]?.v2) {
    const there =
      site.unit === null ? HOW : `systemd, in whose ${site.unit} we are, hands no ${v2} down`;
    const why =
      closed(tree) ?? (plan.v2 === null ? 'this container has no directory there' : there);
    return `version 2 has it at ${tree}, but ${why}`;
  }
  const known = v1 in controllers || v2 in controllers;
  if (!known) return `this kernel has no controller ${v1 === v2 ? v1 : `${v1} or ${v2}`}`;
  return tree === null
    ? 'mounted nowhere'
    : `neither mounted as version 1 nor in ${tree}/cgroup.controllers`;
}

const HOW =
  'not where we are: start in a scope of your own, systemd-run --user --scope -p Delegate=yes';
