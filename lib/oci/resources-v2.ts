/**
 * Limits in the words of version 2. What the specification counts in version 1's units is converted
 * as other runtimes do it.
 *
 * kernel Documentation/admin-guide/cgroup-v2.rst
 */
import { CgroupError } from '../cgroups/cgroup-error.ts';
import { digits, limitText } from './limit-texts.ts';
import { OciError } from './oci-error.ts';
import type { ResourceWrite } from './resources.ts';
import {
  eitherWay,
  entries,
  hugepageWrites,
  orUnset,
  type Present,
  type ResourceWriter,
  rdmaWrites,
} from './resources-v1.ts';
import type { BlockIoResources, Resources } from './spec.ts';
import { swapWrites } from './swap.ts';

/** 2…262144 shares to a weight of 1…10000, range to range. */
export const weightOfShares = (shares: number): number =>
  1 + Math.floor(((Math.min(262_144, Math.max(2, shares)) - 2) * 9999) / 262_142);

/** BFQ's 10…1000 to io.weight's 1…10000, range to range. */
export const ioWeightOf = (weight: number): number =>
  1 + Math.floor(((Math.max(10, weight) - 10) * 9999) / 990);

export const v2Resources: Readonly<Record<string, ResourceWriter>> = {
  cpuset: ({ cpu = {} }) =>
    entries('cpuset', { 'cpuset.cpus': cpu.cpus || null, 'cpuset.mems': cpu.mems || null }),

  cpu({ cpu = {} }, now) {
    const { shares, quota, period, burst, idle } = cpu;
    return [
      ...entries('cpu', {
        'cpu.idle': idle,
        'cpu.weight': shares ? weightOfShares(shares) : null,
      }),
      ...eitherWay(
        entries('cpu', { 'cpu.max': bandwidth(quota, period, now), 'cpu.max.burst': burst }),
      ),
    ];
  },

  memory({ memory = {} }, now) {
    const { limit = 0, reservation = 0, checkBeforeUpdate } = memory;
    if (checkBeforeUpdate) assertFits(limit, now);
    return [
      ...swapWrites(memory, now),
      ...entries('memory', {
        'memory.max': limit === 0 ? null : limitText(limit, 'max'),
        'memory.low': reservation === 0 ? null : limitText(reservation, 'max'),
      }),
    ];
  },

  pids: ({ pids }) =>
    entries('pids', { 'pids.max': pids?.limit && (pids.limit > 0 ? pids.limit : 'max') }).filter(
      ({ text }) => text !== '0',
    ),

  blkio: ({ blockIO = {} }, now) => [...ioWeights(blockIO, now), ...throttles(blockIO)],

  hugetlb: ({ hugepageLimits = [] }, now) =>
    hugepageLimits.flatMap(({ pageSize, limit }) =>
      hugepageWrites(`hugetlb.${pageSize}`, 'max', limitText(limit, 'max'), now),
    ),

  rdma: ({ rdma = {} }) => rdmaWrites(rdma),
};

/** One file has both: what is not given stays what it is. */
function bandwidth(quota = 0, period = 0, now: Present): string | null {
  if (quota === 0 && period === 0) return null;
  const [presentQuota = 'max', presentPeriod] = now('cpu.max')?.split(' ') ?? [];
  const max = quota === 0 ? presentQuota : limitText(quota, 'max');
  return [max, period === 0 ? presentPeriod : digits(period)].filter(Boolean).join(' ');
}

/** Of less than it has now the kernel takes away what it can, and then kills. */
function assertFits(limit: number, now: Present): void {
  const current = Number(now('memory.current') ?? 0);
  if (limit <= 0 || limit >= current) return;
  throw new OciError(
    `memory.limit: ${limit} bytes are less than the ${current} that are used (memory.checkBeforeUpdate)`,
  );
}

function ioWeights({ weight, weightDevice = [] }: BlockIoResources, now: Present): ResourceWrite[] {
  const devices = weightDevice.filter((one) => orUnset(one.weight) !== undefined);
  if (orUnset(weight) === undefined && devices.length === 0) return [];
  const file = ['io.bfq.weight', 'io.weight'].find((name) => now(name) !== null);
  if (file === undefined) {
    const why = 'a weight needs the BFQ scheduler (modprobe bfq), or a kernel with io.weight';
    throw new CgroupError([{ controller: 'io', why }]);
  }
  const scaled = (value: number) => (file === 'io.weight' ? ioWeightOf(value) : value);
  return [
    ...entries('blkio', { [file]: weight ? scaled(weight) : null }),
    ...devices.map(({ major, minor, weight: own = 0 }) => ({
      controller: 'blkio',
      file,
      text: `${major}:${minor} ${scaled(own)}`,
    })),
  ];
}

function throttles(blockIO: BlockIoResources): ResourceWrite[] {
  const kinds = [
    ['rbps', blockIO.throttleReadBpsDevice],
    ['wbps', blockIO.throttleWriteBpsDevice],
    ['riops', blockIO.throttleReadIOPSDevice],
    ['wiops', blockIO.throttleWriteIOPSDevice],
  ] as const;
  return kinds.flatMap(([key, devices = []]) =>
    devices.map(({ major, minor, rate }) => ({
      controller: 'blkio',
      file: 'io.max',
      // The specification's 0 takes a limit away; the kernel here does not take it.
      text: `${major}:${minor} ${key}=${rate === 0 ? 'max' : limitText(rate, 'max')}`,
    })),
  );
}

/** Files by their names, after all others: they have the last word. */
export const unifiedResources = ({ unified = {} }: Resources): [string, string][] =>
  Object.entries(unified);
