/**
 * Limits in the words of version 2. What the specification counts in version 1's units is converted
 * as other runtimes do it.
 *
 * kernel Documentation/admin-guide/cgroup-v2.rst
 */
import type { ResourceWrite } from './resources.ts';
import { entries, orUnset, type ResourceWriter, rdmaWrites } from './resources-v1.ts';
import type { BlockIoResources, Resources } from './spec.ts';

const DEFAULT_PERIOD = 100_000;

/** 2…262144 shares to a weight of 1…10000, range to range. */
export const weightOfShares = (shares: number): number =>
  1 + Math.floor(((Math.min(262_144, Math.max(2, shares)) - 2) * 9999) / 262_142);

/** A number of bytes; -1 is no limit, 0 is not set. */
const bytes = (value: number | undefined): number | string | undefined =>
  value === -1 ? 'max' : orUnset(value);

/** Swap alone, where the specification counts it with the memory. */
function swapOf({ limit = 0, swap = 0 }: NonNullable<Resources['memory']>) {
  if (swap === 0) return undefined;
  if (swap === -1) return 'max';
  return limit > 0 ? Math.max(0, swap - limit) : undefined;
}

export const v2Resources: Readonly<Record<string, ResourceWriter>> = {
  cpuset: ({ cpu = {} }) =>
    entries('cpuset', { 'cpuset.cpus': cpu.cpus || null, 'cpuset.mems': cpu.mems || null }),

  cpu({ cpu = {} }) {
    const { shares, quota = 0, period = 0, burst, idle } = cpu;
    const limit = quota > 0 ? quota : 'max';
    return entries('cpu', {
      'cpu.idle': idle,
      'cpu.weight': shares ? weightOfShares(shares) : null,
      'cpu.max': quota !== 0 || period !== 0 ? `${limit} ${period || DEFAULT_PERIOD}` : null,
      'cpu.max.burst': orUnset(burst),
    });
  },

  memory: ({ memory = {} }) =>
    entries('memory', {
      'memory.max': bytes(memory.limit),
      'memory.swap.max': swapOf(memory),
      'memory.low': bytes(memory.reservation),
    }),

  pids: ({ pids }) =>
    entries('pids', { 'pids.max': pids?.limit && (pids.limit > 0 ? pids.limit : 'max') }).filter(
      ({ text }) => text !== '0',
    ),

  blkio: ({ blockIO = {} }) => [
    ...entries('blkio', {
      'io.bfq.weight': orUnset(blockIO.weight),
    }),
    ...throttles(blockIO),
  ],

  hugetlb: ({ hugepageLimits = [] }) =>
    hugepageLimits.map(({ pageSize, limit }) => ({
      controller: 'hugetlb',
      file: `hugetlb.${pageSize}.max`,
      text: String(limit),
    })),

  rdma: ({ rdma = {} }) => rdmaWrites(rdma),
};

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
      text: `${major}:${minor} ${key}=${rate}`,
    })),
  );
}

/** Files by their names, after all others: they have the last word. */
export const unifiedResources = ({ unified = {} }: Resources): [string, string][] =>
  Object.entries(unified);
