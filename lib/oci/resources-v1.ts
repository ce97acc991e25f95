/**
 * Limits in the words of version 1: which file each is written to, in the kernel's order.
 *
 * kernel Documentation/admin-guide/cgroup-v1/
 */
import { digits, limitText } from './limit-texts.ts';
import type { ResourceWrite } from './resources.ts';
import type { Resources, ThrottleDevice } from './spec.ts';

/** What a file of the cgroup has now, without the newline; null where there is no such file. */
export type Present = (file: string) => string | null;

export type ResourceWriter = (resources: Resources, now: Present) => ResourceWrite[];

/** A write for each number that is given. */
export const entries = (
  controller: string,
  files: Readonly<Record<string, number | string | undefined | null>>,
): ResourceWrite[] =>
  Object.entries(files).flatMap(([file, value]) =>
    value === undefined || value === null
      ? []
      : [{ controller, file, text: typeof value === 'number' ? digits(value) : value }],
  );

/**
 * Of limits that bound each other, in an order in which each holds when the one before it has been
 * written, or else after the next ones: what fails at first is written again.
 */
export const eitherWay = (writes: readonly ResourceWrite[]): ResourceWrite[] =>
  writes.length < 2
    ? [...writes]
    : [...writes.toReversed().map((write) => ({ ...write, mayFail: true })), ...writes];

/** The specification's 0 is what is not set. */
export const orUnset = (value: number | undefined): number | undefined => value || undefined;

export const v1Resources: Readonly<Record<string, ResourceWriter>> = {
  cpuset: ({ cpu = {} }) =>
    entries('cpuset', { 'cpuset.cpus': cpu.cpus || null, 'cpuset.mems': cpu.mems || null }),

  cpu: ({ cpu = {} }) => [
    ...entries('cpu', { 'cpu.shares': orUnset(cpu.shares) }),
    ...eitherWay(
      entries('cpu', {
        'cpu.cfs_period_us': orUnset(cpu.period),
        'cpu.cfs_quota_us': orUnset(cpu.quota),
        'cpu.cfs_burst_us': cpu.burst,
      }),
    ),
    ...eitherWay(
      entries('cpu', {
        'cpu.rt_period_us': orUnset(cpu.realtimePeriod),
        'cpu.rt_runtime_us': orUnset(cpu.realtimeRuntime),
      }),
    ),
    ...entries('cpu', { 'cpu.idle': cpu.idle }),
  ],

  memory({ memory = {} }, now) {
    const { limit, swap, reservation, kernelTCP } = memory;
    const bytes = (value: number | undefined) => (value ? limitText(value, '-1') : undefined);
    // Without a limit of memory there is none of both together.
    const unlimited = limit === -1 && !swap && now('memory.memsw.limit_in_bytes') !== null;
    return [
      // Memory may not be more than memory and swap together.
      ...eitherWay(
        entries('memory', {
          'memory.limit_in_bytes': bytes(limit),
          'memory.memsw.limit_in_bytes': unlimited ? '-1' : bytes(swap),
        }),
      ),
      ...entries('memory', {
        'memory.soft_limit_in_bytes': bytes(reservation),
        'memory.kmem.tcp.limit_in_bytes': bytes(kernelTCP),
        'memory.oom_control': memory.disableOOMKiller ? 1 : null,
        'memory.swappiness': memory.swappiness,
      }),
    ];
  },

  pids: ({ pids }) =>
    entries('pids', { 'pids.max': pids?.limit && (pids.limit > 0 ? pids.limit : 'max') }).filter(
      ({ text }) => text !== '0',
    ),

  blkio({ blockIO = {} }) {
    const throttle = (file: string, devices: readonly ThrottleDevice[] = []) =>
      devices.map(({ major, minor, rate }) => ({
        controller: 'blkio',
        file: `blkio.throttle.${file}`,
        text: `${major}:${minor} ${limitText(rate, '0')}`,
      }));
    return [
      ...entries('blkio', { 'blkio.bfq.weight': orUnset(blockIO.weight) }),
      ...(blockIO.weightDevice ?? []).flatMap(({ major, minor, weight }) =>
        weight
          ? [
              {
                controller: 'blkio',
                file: 'blkio.bfq.weight_device',
                text: `${major}:${minor} ${weight}`,
              },
            ]
          : [],
      ),
      ...throttle('read_bps_device', blockIO.throttleReadBpsDevice),
      ...throttle('write_bps_device', blockIO.throttleWriteBpsDevice),
      ...throttle('read_iops_device', blockIO.throttleReadIOPSDevice),
      ...throttle('write_iops_device', blockIO.throttleWriteIOPSDevice),
    ];
  },

  hugetlb: ({ hugepageLimits = [] }, now) =>
    hugepageLimits.flatMap(({ pageSize, limit }) =>
      hugepageWrites(`hugetlb.${pageSize}`, 'limit_in_bytes', limitText(limit, '-1'), now),
    ),

  rdma: ({ rdma = {} }) => rdmaWrites(rdma),

  net_cls: ({ network }) => entries('net_cls', { 'net_cls.classid': orUnset(network?.classID) }),

  net_prio: ({ network }) =>
    (network?.priorities ?? []).map(({ name, priority }) => ({
      controller: 'net_prio',
      file: 'net_prio.ifpriomap',
      text: `${name} ${priority}`,
    })),
};

/**
 * Of what is used, and of what is reserved where the kernel counts it: a program that may not have it
 * is told so by mmap(2), where else it gets SIGBUS later.
 */
export const hugepageWrites = (
  prefix: string,
  suffix: string,
  text: string,
  now: Present,
): ResourceWrite[] => {
  const reserved = `${prefix}.rsvd.${suffix}`;
  return entries('hugetlb', {
    [`${prefix}.${suffix}`]: text,
    [reserved]: now(reserved) === null ? null : text,
  });
};

/** The same file in both versions. Of what is not named the limit stays. */
export const rdmaWrites = (rdma: NonNullable<Resources['rdma']>): ResourceWrite[] =>
  Object.entries(rdma).flatMap(([device, { hcaHandles, hcaObjects }]) => {
    const limits = [
      ...(hcaHandles === undefined ? [] : [`hca_handle=${hcaHandles}`]),
      ...(hcaObjects === undefined ? [] : [`hca_object=${hcaObjects}`]),
    ];
    const text = [device, ...limits].join(' ');
    return limits.length === 0 ? [] : [{ controller: 'rdma', file: 'rdma.max', text }];
  });
