/**
 * Limits in the files of version 2, and devices as a program. kernel
 * Documentation/admin-guide/cgroup-v2.rst
 */
import { assembleDeviceProgram } from './device-program.ts';
import { policyOf } from './device-rules.ts';
import {
  atLeast,
  bytes,
  cpuList,
  hugePageSize,
  IO_KEYS,
  ioEntries,
  reject,
  SWAP_UNCOUNTED,
  within,
} from './limit-values.ts';
import { entryWrite, fileWrite, type LimitWrite, type Writers } from './limit-write.ts';
import { DEFAULT_PERIOD } from './limits.ts';

export const v2Writers: Writers = {
  cpu({ quota, period = DEFAULT_PERIOD, weight }, directory) {
    const writes: LimitWrite[] = [];
    within('cpu', 'the period', period, 1000, 1_000_000);
    if (quota !== undefined || period !== DEFAULT_PERIOD) {
      const text = quota === undefined ? 'max' : atLeast('cpu', 'the quota', quota, 1000);
      writes.push(fileWrite(directory, 'cpu.max', `${text} ${period}`));
    }
    if (weight !== undefined) {
      const text = within('cpu', 'the weight', weight, 1, 10_000);
      writes.push(fileWrite(directory, 'cpu.weight', String(text)));
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

  memory({ max, high, swap, oomGroup }, directory, { site }) {
    if (swap !== undefined && site.v2?.countsSwap === false) reject('memory', SWAP_UNCOUNTED);
    const file = (name: string, value: number | undefined) =>
      value === undefined
        ? []
        : [fileWrite(directory, `memory.${name}`, bytes('memory', name, value))];
    return [
      ...file('max', max),
      ...file('high', high),
      ...file('swap.max', swap),
      ...(oomGroup === undefined
        ? []
        : [fileWrite(directory, 'memory.oom.group', oomGroup ? '1' : '0')]),
    ];
  },

  pids: ({ max }, directory) => [
    fileWrite(directory, 'pids.max', String(atLeast('pids', 'max', max, 0))),
  ],

  io({ weight, max = [] }, directory, { site }) {
    const writes: LimitWrite[] = [];
    if (weight !== undefined) {
      // Its root shows by io.cost.qos that the kernel has weights of its own; else BFQ has.
      const own = site.v2?.files.includes('io.cost.qos') ?? false;
      const text = within('io', 'the weight', weight, 1, own ? 10_000 : 1000);
      writes.push(fileWrite(directory, own ? 'io.weight' : 'io.bfq.weight', `default ${text}`));
    }
    for (const one of max) {
      const set = new Map<string, number>(ioEntries('io', one));
      if (set.size === 0) continue;
      const text = [...set].map(([key, value]) => `${key}=${value}`).join(' ');
      const line = IO_KEYS.map((key) => `${key}=${set.get(key) ?? 'max'}`).join(' ');
      const { device } = one;
      writes.push(
        entryWrite(directory, 'io.max', device, `${device} ${text}`, `${device} ${line}`),
      );
    }
    return writes;
  },

  hugetlb: (limits, directory) =>
    Object.entries(limits).map(([size, value]) =>
      fileWrite(
        directory,
        `hugetlb.${size}.max`,
        bytes('hugetlb', size, value, hugePageSize(size)),
      ),
    ),

  devices: (rules, directory) => [
    {
      name: 'devices',
      writes: [],
      shows: { deviceProgramOn: directory },
      program: Buffer.from(assembleDeviceProgram(policyOf(rules))).toString('base64'),
    },
  ],
};
