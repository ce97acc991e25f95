/**
 * Limits in the files of version 1. kernel Documentation/admin-guide/cgroup-v1/,
 * Documentation/scheduler/sched-bwc.rst
 */
import { formatDevice, policyOf } from './device-rules.ts';
import {
  atLeast,
  bytes,
  cpuList,
  hugePageSize,
  ioEntries,
  reject,
  SWAP_UNCOUNTED,
  within,
} from './limit-values.ts';
import { entryWrite, fileWrite, type LimitWrite, type Writers } from './limit-write.ts';
import { sharesOfWeight } from './limits.ts';
import type { CgroupPlan } from './plan.ts';

const hasFile = ({ site }: CgroupPlan, controller: string, file: string) =>
  site.v1[controller]?.files.includes(file) ?? false;

const THROTTLE = {
  rbps: 'read_bps_device',
  wbps: 'write_bps_device',
  riops: 'read_iops_device',
  wiops: 'write_iops_device',
};

export const v1Writers: Writers = {
  cpu({ quota, period, weight }, directory, plan) {
    if ((quota ?? period) !== undefined && !hasFile(plan, 'cpu', 'cpu.cfs_quota_us')) {
      reject('cpu', 'this kernel has no cpu.cfs_quota_us (CONFIG_CFS_BANDWIDTH)');
    }
    const writes: LimitWrite[] = [];
    if (period !== undefined) {
      const text = within('cpu', 'the period', period, 1000, 1_000_000);
      writes.push(fileWrite(directory, 'cpu.cfs_period_us', String(text)));
    }
    if (quota !== undefined) {
      const text = atLeast('cpu', 'the quota', quota, 1000);
      writes.push(fileWrite(directory, 'cpu.cfs_quota_us', String(text)));
    }
    if (weight !== undefined) {
      const shares = sharesOfWeight(within('cpu', 'the weight', weight, 1, 10_000));
      writes.push(fileWrite(directory, 'cpu.shares', String(shares)));
    }
    return writes;
  },

  cpuset({ cpus, mems }, directory, { site }) {
    return [
      ...(cpus === undefined
        ? []
        : [fileWrite(directory, 'cpuset.cpus', cpuList('cpus', cpus, site.cpus))]),
      ...(mems === undefined
        ? []
        : [fileWrite(directory, 'cpuset.mems', cpuList('mems', mems, site.mems))]),
    ];
  },

  memory({ max, high, swap, oomGroup }, directory, plan) {
    const at = `memory is mounted as version 1 at ${plan.site.v1.memory?.mountPoint}`;
    if (high !== undefined) reject('memory', `memory.high exists in version 2 only; ${at}`);
    if (oomGroup !== undefined)
      reject('memory', `memory.oom.group exists in version 2 only; ${at}`);
    const writes: LimitWrite[] = [];
    if (max !== undefined) {
      writes.push(fileWrite(directory, 'memory.limit_in_bytes', bytes('memory', 'max', max)));
    }
    if (swap !== undefined) {
      if (max === undefined)
        reject(
          'memory',
          `a limit of swap needs one of memory as well: ${at}, which counts both together`,
        );
      if (!hasFile(plan, 'memory', 'memory.memsw.limit_in_bytes')) {
        reject('memory', SWAP_UNCOUNTED);
      }
      const both = (max ?? 0) + atLeast('memory', 'swap', swap, 0);
      writes.push(
        fileWrite(directory, 'memory.memsw.limit_in_bytes', bytes('memory', 'max and swap', both)),
      );
    }
    return writes;
  },

  pids: ({ max }, directory) => [
    fileWrite(directory, 'pids.max', String(atLeast('pids', 'max', max, 0))),
  ],

  io({ weight, max = [] }, directory, plan) {
    const writes: LimitWrite[] = [];
    if (weight !== undefined) {
      if (!hasFile(plan, 'blkio', 'blkio.bfq.io_service_bytes')) {
        reject(
          'blkio',
          'a weight needs the BFQ scheduler, which this kernel has not (modprobe bfq)',
        );
      }
      const text = within('blkio', 'the weight, which BFQ has,', weight, 1, 1000);
      writes.push(fileWrite(directory, 'blkio.bfq.weight', String(text)));
    }
    for (const one of max) {
      for (const [key, value] of ioEntries('blkio', one)) {
        const file = `blkio.throttle.${THROTTLE[key]}`;
        if (!hasFile(plan, 'blkio', file)) reject('blkio', `this kernel has no ${file}`);
        writes.push(entryWrite(directory, file, one.device, `${one.device} ${value}`));
      }
    }
    return writes;
  },

  hugetlb: (limits, directory) =>
    Object.entries(limits).map(([size, value]) =>
      fileWrite(
        directory,
        `hugetlb.${size}.limit_in_bytes`,
        bytes('hugetlb', size, value, hugePageSize(size)),
      ),
    ),

  devices(rules, directory) {
    const { otherwise, exceptions } = policyOf(rules);
    const [all, one] = otherwise === 'deny' ? ['deny', 'allow'] : ['allow', 'deny'];
    const lines = exceptions.map(formatDevice);
    const path = (kind: string) => `${directory}/devices.${kind}`;
    return [
      {
        name: 'devices',
        writes: [
          { path: path(all), text: 'a' },
          ...lines.map((text) => ({ path: path(one), text })),
        ],
        // Where all but some are allowed, devices.list shows the first and not the second.
        shows:
          otherwise === 'allow'
            ? null
            : { path: path('list'), line: lines.at(-1) ?? '', among: lines.length > 0 },
      },
    ];
  },
};
