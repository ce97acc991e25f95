import { spawn } from 'node:child_process';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { removeCgroups } from '../host/remove-cgroups.ts';
import { detectCgroups } from '../observe/cgroups.ts';
import { itNeeds } from '../observe/it-needs.ts';
import { makeBundle } from './bundle.fixture.ts';
import type { ContainerCgroup } from './cgroup.ts';
import { v1Resources } from './resources-v1.ts';
import { ioWeightOf, v2Resources, weightOfShares } from './resources-v2.ts';
import type { Resources } from './spec.ts';

describe('limits', () => {
  itNeeds(['root', 'cgroup-v1'], 'of a configuration are in the files of version 1', async () => {
    await using bundle = makeBundle();
    bundle.configure((spec) => {
      spec.process.args = ['sleep', '100'];
      spec.linux.resources = {
        memory: { limit: 32 << 20, reservation: 16 << 20 },
        cpu: { shares: 512, cpus: '0' },
        pids: { limit: 33 },
        devices: [
          { allow: false, access: 'rwm' },
          { allow: true, type: 'c', major: 10, minor: 229, access: 'rw' },
        ],
      };
    });
    const made = await bundle.box('create', '-b', bundle.directory, bundle.id);
    expect(made.stderr).toBe('');
    const state = readFileSync(join(bundle.root, bundle.id, 'state.json'), 'utf8');
    const { v1 } = (JSON.parse(state) as { cgroup: ContainerCgroup }).cgroup;
    const read = (controller: string, file: string) =>
      readFileSync(join(v1[controller] ?? '', file), 'utf8').trim();
    expect(read('memory', 'memory.limit_in_bytes')).toBe(String(32 << 20));
    expect(read('memory', 'memory.soft_limit_in_bytes')).toBe(String(16 << 20));
    expect(read('cpu', 'cpu.shares')).toBe('512');
    expect(read('cpuset', 'cpuset.cpus')).toBe('0');
    expect(read('pids', 'pids.max')).toBe('33');
    const devices = read('devices', 'devices.list').split('\n');
    expect(devices).toContain('c 10:229 rw');
    expect(devices).toContain('c 1:3 rwm');
    expect(devices).not.toContain('a *:* rwm');
  });

  itNeeds(
    ['root'],
    'that this machine cannot hold are all named, and nothing is made',
    async () => {
      await using bundle = makeBundle();
      const { status, stderr } = await bundle.run('true', (spec) => {
        spec.linux.resources = { unified: { 'memory.nothing': '1' } };
      });
      expect(status).toBe(1);
      expect(stderr).toContain('memory.nothing');
      expect((await bundle.box('list', '-q')).stdout).toBe('');
    },
  );

  itNeeds(['root', 'v2:hugetlb'], 'that do not come down to its cgroup say why', async () => {
    await using bundle = makeBundle();
    const name = bundle.id.replace('test', 'crowded');
    const above = join(detectCgroups().v2 ?? '', name);
    mkdirSync(above);
    const child = spawn('sleep', ['1000'], { stdio: 'ignore' });
    try {
      writeFileSync(join(above, 'cgroup.procs'), String(child.pid));
      const { status, stderr } = await bundle.run('true', ({ linux }) => {
        linux.cgroupsPath = `/${name}/inside`;
        linux.resources = { hugepageLimits: [{ pageSize: '2MB', limit: 0 }] };
      });
      expect([status, stderr]).toEqual([1, expect.stringMatching(/hugetlb.*processes of its own/)]);
    } finally {
      child.kill('SIGKILL');
      await removeCgroups([above], []);
    }
  });

  const texts = (
    of: typeof v2Resources,
    controller: string,
    resources: Resources,
    present: Readonly<Record<string, string>> = {},
  ) =>
    of[controller]?.(resources, (file) => present[file] ?? null).map(
      ({ file, text }) => `${file}=${text}`,
    );

  it('are converted for version 2 as other runtimes do it', () => {
    expect([2, 1024, 262_144].map(weightOfShares)).toEqual([1, 39, 10_000]);
    expect([1, 10, 100, 500, 1000].map(ioWeightOf)).toEqual([1, 1, 910, 4950, 10_000]);
    const memory = { limit: 100, swap: 150, reservation: -1 };
    const files = { 'memory.max': 'max', 'memory.swap.max': 'max' };
    expect(texts(v2Resources, 'memory', { memory }, files)).toEqual([
      'memory.swap.max=50',
      'memory.max=100',
      'memory.low=max',
    ]);
    expect(texts(v2Resources, 'cpu', { cpu: { quota: 5000, period: 10_000 } })).toEqual([
      'cpu.max=5000 10000',
    ]);
    expect(texts(v2Resources, 'pids', { pids: { limit: -1 } })).toEqual(['pids.max=max']);
  });

  it('of which one half is given leave the other what it is', () => {
    const bandwidth = { 'cpu.max': '5000 20000' };
    const cpu = (given: Resources['cpu']) =>
      texts(v2Resources, 'cpu', given ? { cpu: given } : {}, bandwidth);
    expect(cpu({ period: 10_000 })).toEqual(['cpu.max=5000 10000']);
    expect(cpu({ quota: 7000 })).toEqual(['cpu.max=7000 20000']);
    expect(cpu({ quota: -1 })).toEqual(['cpu.max=max 20000']);
    const held = { 'memory.max': '100', 'memory.swap.max': '50' };
    const memory = (given: Resources['memory'], present = held) =>
      texts(v2Resources, 'memory', given ? { memory: given } : {}, present);
    expect(memory({ swap: 180 })).toEqual(['memory.swap.max=80']);
    expect(memory({ limit: 120 })).toEqual(['memory.swap.max=30', 'memory.max=120']);
    expect(memory({ limit: -1 })).toEqual(['memory.swap.max=max', 'memory.max=max']);
    expect(memory({ swap: -1 })).toEqual(['memory.swap.max=max']);
    expect(() => memory({ swap: 99 })).toThrow('of memory alone it is 100');
    expect(() => memory({ limit: 151 })).toThrow('150 bytes are the limit of memory and swap');
    const free = { 'memory.max': 'max', 'memory.swap.max': 'max' };
    expect(memory({ limit: 100 }, free)).toEqual(['memory.max=100']);
    expect(() => memory({ swap: 100 }, free)).toThrow('give memory.limit as well');
  });

  it('of swap need a kernel that accounts it, unless there is none to be', () => {
    const memory = (given: Resources['memory']) =>
      texts(v2Resources, 'memory', given ? { memory: given } : {}, { 'memory.max': 'max' });
    expect(memory({ limit: 100, swap: 100 })).toEqual(['memory.max=100']);
    expect(memory({ limit: -1 })).toEqual(['memory.max=max']);
    expect(() => memory({ limit: 100, swap: 150 })).toThrow('does not account swap');
  });

  it('of memory are not made less than what is used, where that is asked for', () => {
    const memory = { limit: 100, checkBeforeUpdate: true };
    const used = (bytes: number) => ({ 'memory.current': String(bytes) });
    expect(texts(v2Resources, 'memory', { memory }, used(100))).toEqual(['memory.max=100']);
    expect(() => texts(v2Resources, 'memory', { memory }, used(101))).toThrow('the 101 that are');
  });

  it('of block I/O are in the file that the kernel has', () => {
    const device = { major: 8, minor: 0 };
    const blockIO = {
      weight: 500,
      weightDevice: [{ ...device, weight: 100 }, device],
      throttleReadBpsDevice: [{ ...device, rate: 0 }],
      throttleWriteBpsDevice: [{ ...device, rate: 2 ** 64 }],
    };
    const rates = ['io.max=8:0 rbps=max', 'io.max=8:0 wbps=max'];
    const both = { 'io.bfq.weight': 'default 100', 'io.weight': 'default 100' };
    expect(texts(v2Resources, 'blkio', { blockIO }, both)).toEqual([
      'io.bfq.weight=500',
      'io.bfq.weight=8:0 100',
      ...rates,
    ]);
    expect(texts(v2Resources, 'blkio', { blockIO }, { 'io.weight': 'default 100' })).toEqual([
      'io.weight=4950',
      'io.weight=8:0 910',
      ...rates,
    ]);
    expect(() => texts(v2Resources, 'blkio', { blockIO })).toThrow('a weight needs');
  });

  it('are written with all their digits, and not at all beyond what the kernel counts', () => {
    const huge = (limit: number): Resources => ({ hugepageLimits: [{ pageSize: '2MB', limit }] });
    const [v1, v2] = ['hugetlb.2MB.limit_in_bytes', 'hugetlb.2MB.max'];
    expect(texts(v2Resources, 'hugetlb', huge(2 ** 64))).toEqual([`${v2}=max`]);
    expect(texts(v1Resources, 'hugetlb', huge(2 ** 64))).toEqual([`${v1}=-1`]);
    const most = 2 ** 63 - 4096;
    expect(texts(v2Resources, 'hugetlb', huge(most))).toEqual([`${v2}=9223372036854771712`]);
    expect(texts(v1Resources, 'hugetlb', huge(most))).toEqual([`${v1}=9223372036854771712`]);
    const memory = { limit: most };
    expect(texts(v1Resources, 'memory', { memory })).toEqual([
      'memory.limit_in_bytes=9223372036854771712',
    ]);
  });

  it('of RDMA leave what they do not name', () => {
    const rdma = { mlx0: { hcaHandles: 3 }, mlx1: { hcaHandles: 4, hcaObjects: 5 }, mlx2: {} };
    for (const version of [v1Resources, v2Resources]) {
      expect(texts(version, 'rdma', { rdma })).toEqual([
        'rdma.max=mlx0 hca_handle=3',
        'rdma.max=mlx1 hca_handle=4 hca_object=5',
      ]);
    }
  });
});
