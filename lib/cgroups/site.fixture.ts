/** Sites of machines that this one is not, for tests of what is pure. */
import { type CgroupPlan, planCgroup } from './plan.ts';
import type { CgroupSite, V1Site } from './site.ts';

const V1_FILES = {
  cpu: ['cpu.cfs_quota_us', 'cpu.shares'],
  cpuacct: ['cpuacct.usage'],
  cpuset: ['cpuset.cpus'],
  memory: ['memory.limit_in_bytes', 'memory.memsw.limit_in_bytes'],
  pids: [],
  devices: ['devices.list'],
  freezer: [],
  blkio: [
    'blkio.bfq.io_service_bytes',
    'blkio.throttle.read_bps_device',
    'blkio.throttle.write_bps_device',
    'blkio.throttle.read_iops_device',
    'blkio.throttle.write_iops_device',
  ],
  hugetlb: [],
} satisfies Record<string, string[]>;

export type V1Name = keyof typeof V1_FILES;

const v1Site = (name: V1Name): V1Site => ({
  mountPoint: `/cg/${name}`,
  base: `/cg/${name}/unboxed`,
  files: V1_FILES[name],
  cpuset: name === 'cpuset' ? { cpus: '0-3', mems: '0' } : null,
});

const ALL_V2 = ['cpu', 'cpuset', 'io', 'memory', 'pids', 'hugetlb'];

/** A site with these controllers of version 1 and those of version 2 (null: no such tree). */
export function siteWith(
  v1: readonly V1Name[],
  v2: readonly string[] | null,
  change: Partial<CgroupSite> = {},
): CgroupSite {
  const names = [...new Set([...Object.keys(V1_FILES), ...ALL_V2])];
  const controllers = names.map((name) => {
    const mounted = v1.some((each) => each === name) ? `/cg/${name}` : null;
    return [name, { v1: mounted, v2: v2?.includes(name) ?? false }] as const;
  });
  const layout = v1.length === 0 ? (v2 ? 'v2' : 'none') : v2 ? 'hybrid' : 'v1';
  const tree = v2 ? '/cg/all' : null;
  return {
    layout: { layout, controllers: Object.fromEntries(controllers), v2: tree, named: {} },
    v1: Object.fromEntries(v1.map((name) => [name, v1Site(name)])),
    v2: v2 && {
      mountPoint: '/cg/all',
      top: '/cg/all',
      base: '/cg/all/unboxed',
      controllers: v2,
      crowded: false,
      files: ['io.cost.qos'],
      countsSwap: true,
    },
    unit: null,
    cpus: '0-3',
    mems: '0',
    closed: {},
    ...change,
  };
}

export const V1 = planCgroup(siteWith(Object.keys(V1_FILES) as V1Name[], null), 'c');
export const V2 = planCgroup(siteWith([], ALL_V2), 'c');
export const HYBRID: CgroupPlan = planCgroup(siteWith(['memory', 'freezer'], ['cpu', 'pids']), 'c');
