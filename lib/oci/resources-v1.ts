/**
 * Limits in the words of version 1: which file each is written to, in the kernel's order.
 *
 * kernel Documentation/admin-guide/cgroup-v1/
 */
import type { ResourceWrite } from './resources.ts';
import type { Resources, ThrottleDevice } from './spec.ts';

export type ResourceWriter = (resources: Resources) => ResourceWrite[];

/** A write for each number that is given. */
export const entries = (
  controller: string,
  files: Readonly<Record<string, number | string | undefined | null>>,
): ResourceWrite[] =>
  Object.entries(files).flatMap(([file, value]) =>
    value === undefined || value === null ? [] : [{ controller, file, text: String(value) }],
  );

/** The specification's 0 is what is not set. */
export const orUnset = (value: number | undefined): number | undefined => value || undefined;

export const v1Resources: Readonly<Record<string, ResourceWriter>> = {
  cpuset: ({ cpu = {} }) =>
    entries('cpuset', { 'cpuset.cpus': cpu.cpus || null, 'cpuset.mems': cpu.mems || null }),

  cpu: ({ cpu = {} }) =>
    entries('cpu', {
      'cpu.shares': orUnset(cpu.shares),
      'cpu.cfs_period_us': orUnset(cpu.period),
      'cpu.cfs_quota_us': orUnset(cpu.quota),
      'cpu.cfs_burst_us': orUnset(cpu.burst),
      'cpu.rt_period_us': orUnset(cpu.realtimePeriod),
      'cpu.rt_runtime_us': orUnset(cpu.realtimeRuntime),
      'cpu.idle': cpu.idle,
    }),

  memory({ memory = {} }) {
    const limits = entries('memory', {
      'memory.limit_in_bytes': orUnset(memory.limit),
      'memory.memsw.limit_in_bytes': orUnset(memory.swap),
    });
    return [
      // Memory may not be more than memory and swap together: what fails now is written again.
      ...limits.toReversed().map((write) => ({ ...write, mayFail: true })),
      ...limits,
      ...entries('memory', {
        'memory.soft_limit_in_bytes': orUnset(memory.reservation),
        'memory.kmem.tcp.limit_in_bytes': orUnset(memory.kernelTCP),
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
        text: `${major}:${minor} ${rate}`,
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

  hugetlb: ({ hugepageLimits = [] }) =>
    hugepageLimits.map(({ pageSize, limit }) => ({
      controller: 'hugetlb',
      file: `hugetlb.${pageSize}.limit_in_bytes`,
      text: String(limit),
    })),

  rdma: ({ rdma = {} }) => rdmaWrites(rdma),

  net_cls: ({ network }) => entries('net_cls', { 'net_cls.classid': orUnset(network?.classID) }),

  net_prio: ({ network }) =>
    (network?.priorities ?? []).map(({ name, priority }) => ({
      controller: 'net_prio',
      file: 'net_prio.ifpriomap',
      text: `${name} ${priority}`,
    })),
};

/** The same file in both versions. */
export const rdmaWrites = (rdma: NonNullable<Resources['rdma']>): ResourceWrite[] =>
  Object.entries(rdma).map(([device, { hcaHandles, hcaObjects }]) => ({
    controller: 'rdma',
    file: 'rdma.max',
    text: [device, `hca_handle=${hcaHandles ?? 'max'}`, `hca_object=${hcaObjects ?? 'max'}`].join(
      ' ',
    ),
  }));
