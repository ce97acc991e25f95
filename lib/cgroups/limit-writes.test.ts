import { describe, expect, it } from 'vitest';
import { CgroupError } from './cgroup-error.ts';
import { limitWrites } from './limit-writes.ts';
import { cpusLimit, type Limits, sharesOfWeight, weightOfShares } from './limits.ts';
import { type CgroupPlan, onlyV1, onlyV2, planCgroup } from './plan.ts';
import { HYBRID, siteWith, V1, V2 } from './site.fixture.ts';

/** `PATH=TEXT` of each write, in their order. */
const written = (plan: CgroupPlan, limits: Limits) =>
  limitWrites(plan, limits).flatMap(({ writes }) =>
    writes.map(({ path, text }) => `${path.slice('/cg/'.length)}=${text}`),
  );

function problems(plan: CgroupPlan, limits: Limits): string {
  try {
    limitWrites(plan, limits);
  } catch (error) {
    if (error instanceof CgroupError) return error.message;
  }
  throw new Error('nothing was refused');
}

const MB = 1024 * 1024;

const rows: [string, Limits, string[], string[]][] = [
  [
    'a quota in its period',
    { cpu: { quota: 150_000, period: 50_000 } },
    ['cpu/unboxed/c/cpu.cfs_period_us=50000', 'cpu/unboxed/c/cpu.cfs_quota_us=150000'],
    ['all/unboxed/c/cpu.max=150000 50000'],
  ],
  [
    'a quota alone',
    { cpu: { quota: 2000 } },
    ['cpu/unboxed/c/cpu.cfs_quota_us=2000'],
    ['all/unboxed/c/cpu.max=2000 100000'],
  ],
  [
    'a weight',
    { cpu: { weight: 50 } },
    ['cpu/unboxed/c/cpu.shares=512'],
    ['all/unboxed/c/cpu.weight=50'],
  ],
  [
    'processors and nodes, as the kernel prints them',
    { cpuset: { cpus: '3,0,1', mems: '0' } },
    ['cpuset/unboxed/c/cpuset.cpus=0-1,3', 'cpuset/unboxed/c/cpuset.mems=0'],
    ['all/unboxed/c/cpuset.cpus=0-1,3', 'all/unboxed/c/cpuset.mems=0'],
  ],
  [
    'memory without swap, in whole pages',
    { memory: { max: 64 * MB + 5, swap: 0 } },
    [
      `memory/unboxed/c/memory.limit_in_bytes=${64 * MB}`,
      `memory/unboxed/c/memory.memsw.limit_in_bytes=${64 * MB}`,
    ],
    [`all/unboxed/c/memory.max=${64 * MB}`, 'all/unboxed/c/memory.swap.max=0'],
  ],
  [
    'swap, which version 1 counts with the memory',
    { memory: { max: 64 * MB, swap: 32 * MB } },
    [
      `memory/unboxed/c/memory.limit_in_bytes=${64 * MB}`,
      `memory/unboxed/c/memory.memsw.limit_in_bytes=${96 * MB}`,
    ],
    [`all/unboxed/c/memory.max=${64 * MB}`, `all/unboxed/c/memory.swap.max=${32 * MB}`],
  ],
  [
    'processes',
    { pids: { max: 20 } },
    ['pids/unboxed/c/pids.max=20'],
    ['all/unboxed/c/pids.max=20'],
  ],
  [
    'block I/O',
    { io: { weight: 200, max: [{ device: '8:0', rbps: MB, wiops: 100 }] } },
    [
      'blkio/unboxed/c/blkio.bfq.weight=200',
      `blkio/unboxed/c/blkio.throttle.read_bps_device=8:0 ${MB}`,
      'blkio/unboxed/c/blkio.throttle.write_iops_device=8:0 100',
    ],
    ['all/unboxed/c/io.weight=default 200', `all/unboxed/c/io.max=8:0 rbps=${MB} wiops=100`],
  ],
  [
    'huge pages, in whole ones',
    { hugetlb: { '2MB': 5 * MB } },
    [`hugetlb/unboxed/c/hugetlb.2MB.limit_in_bytes=${4 * MB}`],
    [`all/unboxed/c/hugetlb.2MB.max=${4 * MB}`],
  ],
];

describe('limits are written', () => {
  it.each(rows)('%s', (_, limits, v1, v2) => {
    expect(written(V1, limits)).toEqual(v1);
    expect(written(V2, limits)).toEqual(v2);
  });

  it('a period alone, which version 2 has in the same file', () => {
    expect(written(V2, { cpu: { period: 50_000 } })).toEqual(['all/unboxed/c/cpu.max=max 50000']);
  });

  it('what version 2 alone has', () => {
    expect(written(V2, { memory: { high: 8 * MB, oomGroup: true } })).toEqual([
      `all/unboxed/c/memory.high=${8 * MB}`,
      'all/unboxed/c/memory.oom.group=1',
    ]);
  });

  it('devices as lines in version 1, as a program in version 2', () => {
    const devices = [
      { allow: false, type: 'a' },
      { allow: true, type: 'c', major: 1, minor: 3, access: 'rw' },
    ] as const;
    expect(written(V1, { devices })).toEqual([
      'devices/unboxed/c/devices.deny=a',
      'devices/unboxed/c/devices.allow=c 1:3 rw',
    ]);
    const [one] = limitWrites(V2, { devices });
    expect(one).toMatchObject({ writes: [], shows: { deviceProgramOn: '/cg/all/unboxed/c' } });
    expect(one?.program).not.toBe('');
  });

  it('each controller where it is', () => {
    expect(
      written(HYBRID, { cpu: { weight: 100 }, memory: { max: MB }, pids: { max: 1 } }),
    ).toEqual([
      'all/unboxed/c/cpu.weight=100',
      `memory/unboxed/c/memory.limit_in_bytes=${MB}`,
      'all/unboxed/c/pids.max=1',
    ]);
  });

  it('nothing where nothing is limited', () => {
    expect(limitWrites(V1, {})).toEqual([]);
    expect(limitWrites(V1, { cpu: {}, memory: {} })).toEqual([]);
  });

  it('under names that differ, so that each can be left out', () => {
    const limits: Limits = Object.assign({}, ...rows.map(([, each]) => each));
    for (const plan of [V1, V2]) {
      const names = limitWrites(plan, limits).map(({ name }) => name);
      expect(new Set(names).size).toBe(names.length);
    }
  });
});

describe('what the layout cannot hold is refused', () => {
  it('with the controller and why', () => {
    expect(problems(V1, { memory: { high: MB } })).toBe(
      'memory: memory.high exists in version 2 only; memory is mounted as version 1 at /cg/memory',
    );
    expect(problems(V1, { memory: { oomGroup: true } })).toContain('memory.oom.group exists in');
    expect(problems(V1, { memory: { swap: 0 } })).toContain('needs one of memory as well');
    expect(problems(HYBRID, { io: { weight: 1 } })).toBe(
      'blkio: neither mounted as version 1 nor in /cg/all/cgroup.controllers',
    );
    const none = planCgroup(siteWith([], null), 'c');
    expect(problems(none, { pids: { max: 1 } })).toMatch(/^pids: no cgroup file system is mounted/);
  });

  it('all of it at once', () => {
    const limits = { memory: { high: MB }, pids: { max: -1 }, cpu: { quota: 5 } };
    expect(
      problems(V1, limits)
        .split('; ')
        .map((part) => part.split(':')[0]),
    ).toEqual(['cpu', 'memory', 'memory is mounted as version 1 at /cg/memory', 'pids']);
  });

  it('where this process may not write', () => {
    const closed = { '/cg/all': '/cg/all is not ours to write' };
    const plan = planCgroup({ ...siteWith([], ['pids'], { closed }), v2: null }, 'c');
    expect(problems(plan, { pids: { max: 1 } })).toBe(
      'pids: version 2 has it at /cg/all, but /cg/all is not ours to write',
    );
  });

  it('where systemd has handed us a part that lacks it', () => {
    const site = {
      ...siteWith([], ['pids'], { unit: 'unboxed-c.service' }),
      layout: V2.site.layout,
    };
    expect(problems(planCgroup(site, 'c'), { hugetlb: { '2MB': 0 } })).toBe(
      'hugetlb: version 2 has it at /cg/all, but systemd, in whose unboxed-c.service we are, hands no hugetlb down',
    );
  });

  it('where the plan was cut', () => {
    expect(problems(onlyV2(HYBRID), { memory: { max: MB } })).toContain('has no directory there');
    expect(problems(onlyV1(HYBRID), { cpu: { weight: 1 } })).toContain('has no directory there');
    expect(problems(onlyV1(V1, ['cpu']), { pids: { max: 1 } })).toContain('no directory there');
  });

  it('where a feature was left out of the kernel', () => {
    const bare = siteWith(['cpu', 'memory', 'blkio'], null);
    for (const place of Object.values(bare.v1)) Object.assign(place, { files: [] });
    const plan = planCgroup(bare, 'c');
    expect(problems(plan, { cpu: { quota: 1000 } })).toContain('CONFIG_CFS_BANDWIDTH');
    expect(problems(plan, { memory: { max: MB, swap: 0 } })).toContain('swapaccount=1');
    expect(problems(plan, { io: { weight: 10 } })).toContain('BFQ');
    const { v2, ...site } = V2.site;
    const old = { ...V2, site: { ...site, v2: v2 && { ...v2, countsSwap: false } } };
    expect(problems(old, { memory: { max: MB, swap: 0 } })).toContain('swapaccount=1');
    expect(limitWrites(old, { memory: { max: MB } })).toHaveLength(1);
  });

  it.each<[Limits, string]>([
    [{ cpuset: { cpus: '2-5' } }, 'cpuset: cpus 4-5: this machine has 0-3'],
    [{ cpuset: { cpus: 'all' } }, 'cpuset: cpus: "all" is no list like 0-2,5'],
    [{ cpu: { weight: 0 } }, 'cpu: the weight is 0: a whole number from 1 to 10000'],
    [{ cpu: { period: 1.5 } }, 'cpu: the period is 1.5: a whole number from 1000 to 1000000'],
    [{ memory: { max: Number.NaN } }, 'memory: max is NaN: a whole number, 0 or more'],
    [{ io: { max: [{ device: 'sda', rbps: 1 }] } }, 'device "sda" is not MAJOR:MINOR, as 8:0'],
    [{ hugetlb: { '2 MB': 1 } }, 'hugetlb: "2 MB" is no page size like 2MB'],
  ])('%j', (limits, why) => {
    for (const plan of [V1, V2]) expect(problems(plan, limits)).toContain(why);
  });
});

it('one and a half processors are 150 ms in each 100 ms', () => {
  expect(cpusLimit(1.5)).toEqual({ quota: 150_000, period: 100_000 });
});

it('shares and weights are the kernel’s: 1024 are 100', () => {
  expect([1, 50, 100, 10_000].map(sharesOfWeight)).toEqual([10, 512, 1024, 102_400]);
  expect([2, 512, 1024, 262_144].map(weightOfShares)).toEqual([1, 50, 100, 10_000]);
});
